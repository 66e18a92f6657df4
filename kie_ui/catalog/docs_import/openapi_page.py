"""Pages with an OpenAPI specification: in a fence of a Markdown page, or as a whole file."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import yaml

from kie_ui.catalog.docs_import.documented import (
    MAX_DEPTH,
    DocumentedModel,
    DocumentedParameter,
    UnreadablePage,
    addresses_of_results,
    first_sentence,
    match_heading,
    read_json,
)
from kie_ui.catalog.docs_import.openapi_schema import (
    Schema,
    Schemas,
    as_list,
    as_mapping,
    as_text,
    loosened,
)

MAX_NODES = 30_000
"""Values, those that aliases repeat included."""

_SPECIFICATION = re.compile(r"^[ \t]*[\"']?(openapi|swagger|paths)[\"']?[ \t]*:", re.MULTILINE)
_FENCE = re.compile(r"^(?P<indent> {0,12})(?P<mark>`{3,}|~{3,})[ \t]*(?P<language>[\w+-]*)")
_LANGUAGES = ("", "yaml", "yml", "json", "openapi")
_CREATE = "createTask"
_ENVELOPE = ("model", "input", "callBackUrl", "callbackUrl", "progressCallBackUrl")
_UNREAD_RULES = ("not", "if", "dependentRequired", "dependencies")

_TOO_MUCH = "The page repeats or nests its values too often to be read. Paste the original page."
_PLAIN = "!plain"
_MERGE = "tag:yaml.org,2002:merge"
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,300})\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|(?=[0-9]+[eE])[0-9]+)([eE][-+]?[0-9]{1,4})?\Z")


class Fence(NamedTuple):
    """A fenced block of a page."""

    language: str
    content: str
    heading: str
    """The page's first heading, or of several pages in one text that of the one around."""


def fences(text: str) -> Iterator[Fence]:
    """Yield the fences of a page.

    A fence's content may show fences itself, indented further: only one that is indented no
    further than the opening closes it. A fence that is never closed extends to the end.
    """
    opening: re.Match[str] | None = None
    content: list[str] = []
    heading = ""
    for line in [*text.split("\n"), None]:
        match = _FENCE.match(line) if line is not None else None
        if opening is None:
            opening, content = match, []
            title = match_heading(line or "")
            if title and title["title"] and (not heading or title["marks"] == "#"):
                heading = title["title"].strip()
        elif line is None or (match and _closes(opening, match, line)):
            yield Fence(opening["language"].lower(), "\n".join(content), heading)
            opening = None
        else:
            content.append(line)


def _closes(opening: re.Match[str], match: re.Match[str], line: str) -> bool:
    return (
        match["mark"].startswith(opening["mark"])
        and len(match["indent"]) <= len(opening["indent"])
        and not line[match.end("mark") :].strip()
    )


def read_openapi(text: str) -> tuple[DocumentedModel, ...]:
    """Return the models that the specifications of a page describe; none if it has none.

    Raises: UnreadablePage, if its specifications describe no model.
    """
    models: dict[str, DocumentedModel] = {}
    others: list[str] = []
    sources = list(_specifications(text))
    for source in sources:
        root = _parse(source.content)
        for path, methods in as_mapping(root.get("paths")).items():
            operation = as_mapping(methods).get("post")
            if not isinstance(operation, Mapping):
                continue
            if _CREATE not in path and not _has_input(root, operation):
                others.append(path)
                continue
            for model in _Operation(source, root, operation).models():
                models.setdefault(model.model, model)
    if models or not sources:
        return tuple(models.values())
    if others:
        raise UnreadablePage(
            f"This page describes {others[0]}, which is another service of Kie. Only models that "
            "are started with createTask can be added."
        )
    raise UnreadablePage(
        "The page’s specification describes no createTask request. Copy the whole page."
    )


def _specifications(text: str) -> Iterator[Fence]:
    """Yield what looks like a specification; a whole page that is one has no fences."""
    if _SPECIFICATION.match(text.lstrip()) or text.lstrip().startswith("{"):
        yield Fence("", text, "")
        return
    for fence in fences(text):
        if fence.language in _LANGUAGES and _SPECIFICATION.search(fence.content):
            yield fence


def _parse(source: str) -> Schema:
    if source.lstrip().startswith("{"):
        try:
            return as_mapping(read_json(source))
        except ValueError:
            pass  # YAML may begin with a brace too
    return as_mapping(read_yaml(source))


def _has_input(root: Schema, operation: Schema) -> bool:
    body = Schemas(root, []).resolve(_body_schema(operation))
    return {"model", "input"} <= as_mapping(body.get("properties")).keys()


def _body_schema(operation: Schema) -> Any:
    contents = as_mapping(as_mapping(operation.get("requestBody")).get("content"))
    content = contents.get("application/json") or next(iter(contents.values()), None)
    return as_mapping(content).get("schema")


class _Operation:
    """One createTask request of a page."""

    def __init__(self, source: Fence, root: Schema, operation: Schema) -> None:
        self._source = source
        self._operation = operation
        self._findings: list[str] = []
        self._note = self._findings.append
        self._schemas = Schemas(root, self._findings)

    def models(self) -> Iterator[DocumentedModel]:
        """Yield the models that the request may name, each with its parameters."""
        body = self._schemas.resolve(_body_schema(self._operation))
        for variant in self._schemas.alternatives(body) or [body]:
            parameters = self._parameters(variant)
            for model in self._model_ids(variant):
                yield self._model(model, parameters)

    def _model(self, model: str, parameters: tuple[DocumentedParameter, ...]) -> DocumentedModel:
        operation = self._operation
        folder = operation.get("x-apidog-folder") or next(iter(as_list(operation.get("tags"))), "")
        return DocumentedModel(
            model=model,
            title=self._source.heading or str(operation.get("summary") or ""),
            parameters=parameters,
            summary=first_sentence(as_text(operation.get("description"))),
            folder=as_text(folder),
            results=addresses_of_results(self._source.content),
            warnings=tuple(self._findings),
        )

    def _model_ids(self, body: Schema) -> list[str]:
        """Return the ids that the page gives for `model`, from its enum or else its sample."""
        model = self._schemas.resolve(as_mapping(body.get("properties")).get("model"))
        for found in (
            model.get("enum"),
            [model.get("const")],
            [model.get("default")],
            model.get("examples"),
            [model.get("example")],
            re.findall(r"`([^`\s]+)`", str(model.get("description", "")))[:1],
            list(_example_ids(as_mapping(self._operation.get("requestBody")))),
        ):
            ids = [one.strip() for one in as_list(found) if as_text(one).strip()]
            if ids:
                return list(dict.fromkeys(ids))
        raise UnreadablePage("The page does not say which model it is about: `model` has no value.")

    def _parameters(self, body: Schema) -> tuple[DocumentedParameter, ...]:
        properties = as_mapping(body.get("properties"))
        if "input" not in properties:
            self._note("The page has no `input`: the fields beside `model` are used instead.")
            return tuple(f for f in self._schemas.fields(body) if f.name not in _ENVELOPE)
        whole = self._schemas.resolve(properties["input"])
        variants = self._schemas.alternatives(whole)
        fields = self._merge(variants) if variants else self._schemas.fields(whole)
        for rule in _UNREAD_RULES:
            if rule in whole:
                self._note(f"The page has a rule between parameters ({rule}), which is ignored.")
        return fields

    def _merge(self, variants: list[dict[str, Any]]) -> tuple[DocumentedParameter, ...]:
        """Return what any of several inputs has; required is only what all of them require."""
        inputs = [{f.name: f for f in self._schemas.fields(variant)} for variant in variants]
        merged: dict[str, DocumentedParameter] = {}
        for fields in inputs:
            for name, field in fields.items():
                merged[name] = loosened(merged[name], field) if name in merged else field
        required = [{name for name, f in fields.items() if f.required} for fields in inputs]
        always = set.intersection(*required)
        titles = [
            " ".join(as_text(variant.get("title")).split())[:100]
            or ", ".join(name for name in merged if name in names - always)
            for variant, names in zip(variants, required, strict=True)
        ]
        listed = f": {'; or '.join(titles)}" if all(titles) else ""
        self._note(f"The page has several sets of parameters, shown together{listed}.")
        return tuple(replace(field, required=name in always) for name, field in merged.items())


def _example_ids(data: Any, depth: int = 0) -> Iterator[str]:
    """Yield the values of `model` in an example request."""
    if depth > 8:
        return
    if isinstance(data, Mapping):
        if isinstance(data.get("model"), str) and "input" in data:
            yield data["model"]
        for inner in data.values():
            yield from _example_ids(inner, depth + 1)
    for inner in as_list(data):
        yield from _example_ids(inner, depth + 1)


def read_yaml(text: str) -> Any:
    """Return the data of the first document in a YAML text, within limits of depth and size.

    YAML is read as version 1.2 has it: `16:9` and `on` are text, not 969 and true. No tag makes an
    object, and an alias counts as much as what it repeats.

    Raises: UnreadablePage.
    """
    try:
        loader = _PlainLoader(text)
        return loader.get_data() if loader.check_data() else None  # type: ignore[no-untyped-call]
    except yaml.YAMLError as exc:
        raise UnreadablePage(_describe(exc)) from exc


def _describe(exc: yaml.YAMLError) -> str:
    mark = getattr(exc, "problem_mark", None)
    problem = getattr(exc, "problem", None) or "it is not YAML"
    where = f" near line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return f"The page’s specification can’t be read{where}: {problem}. Copy the whole page again."


class _PlainLoader(yaml.CSafeLoader):
    """Makes nothing but None, booleans, numbers, texts, lists, and dictionaries with text keys."""

    _depth = 0
    _nodes = 0

    def descend_resolver(self, *_: Any) -> None:
        """Refuse deep nesting while the text is parsed; the parser calls this for each node."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise UnreadablePage(_TOO_MUCH)

    def ascend_resolver(self) -> None:
        """Leave a node."""
        self._depth -= 1

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        """Return the tag of a node that has none: a word without quotes may be a number."""
        if kind is not yaml.ScalarNode or not implicit[0]:
            return ""
        return _MERGE if value == "<<" else _PLAIN

    def construct_document(self, node: yaml.Node) -> Any:
        """Return a document's data, once it is known how large its aliases make it."""
        self._count(node, 0)
        return super().construct_document(node)

    def _count(self, node: yaml.Node, depth: int) -> None:
        self._nodes += 1
        if depth > MAX_DEPTH or self._nodes > MAX_NODES:
            raise UnreadablePage(_TOO_MUCH)
        for inner in [] if isinstance(node, yaml.ScalarNode) else node.value:
            for child in inner if isinstance(inner, tuple) else (inner,):
                self._count(child, depth + 1)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: ARG002, FBT001, FBT002 - its base's signature
        """Return plain data, whatever tag the node has."""
        if isinstance(node, yaml.MappingNode):
            self.flatten_mapping(node)
            return {self._key(key): self.construct_object(value) for key, value in node.value}
        if isinstance(node, yaml.SequenceNode):
            return [self.construct_object(item) for item in node.value]
        return _value(node.value) if node.tag == _PLAIN else node.value

    def _key(self, node: yaml.Node) -> str:
        """Return a key as it is written, whatever else the word could be read as."""
        return str(node.value if isinstance(node, yaml.ScalarNode) else self.construct_object(node))


def _value(word: str) -> Any:
    """Return what a word without quotes means: true, false, nothing, a number, or itself."""
    lowered = word.lower()
    if lowered in _WORDS:
        return _WORDS[lowered]
    if _INTEGER.match(word):
        return int(word)
    if _FLOAT.match(word) and math.isfinite(number := float(word)):
        return number
    return word
