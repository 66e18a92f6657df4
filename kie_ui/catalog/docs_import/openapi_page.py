"""Pages with an OpenAPI specification: in a fence of a Markdown page, or as a file of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from kie_ui.catalog.docs_import.documented import (
    DocumentedModel,
    DocumentedParameter,
    Findings,
    UnreadablePage,
)
from kie_ui.catalog.docs_import.markdown_text import (
    Fence,
    addresses_of_results,
    fences,
    first_sentence,
)
from kie_ui.catalog.docs_import.openapi_schema import Schema, Schemas, loosened
from kie_ui.catalog.docs_import.safe_yaml import read_json, read_yaml

_LOOKS_LIKE = re.compile(r"^[ \t]*[\"']?(openapi|swagger|paths)[\"']?[ \t]*:", re.MULTILINE)
_LANGUAGES = ("", "yaml", "yml", "json", "openapi")
_CREATE = "createTask"
_ENVELOPE = ("model", "input", "callBackUrl", "callbackUrl", "progressCallBackUrl")


def is_openapi(text: str) -> bool:
    """Tell whether a page holds an OpenAPI specification."""
    return any(True for _ in _specifications(text))


def read_openapi(text: str) -> tuple[DocumentedModel, ...]:
    """Return the models that the specifications of a page describe.

    Raises: UnreadablePage.
    """
    models: dict[str, DocumentedModel] = {}
    others: list[str] = []
    for source in _specifications(text):
        root = _data(source.content)
        for path, operation in _operations(root):
            if _CREATE not in path and not _has_input(root, operation):
                others.append(path)
                continue
            for model in _Operation(source, root, operation).models():
                models.setdefault(model.model, model)
    if not models:
        raise UnreadablePage(_nothing(others))
    return tuple(models.values())


def _nothing(others: list[str]) -> str:
    if others:
        return (
            f"This page describes {others[0]}, which is another service of Kie. Only models that "
            "are started with createTask can be added."
        )
    return "The page’s specification describes no createTask request. Copy the whole page."


def _specifications(text: str) -> Iterator[Fence]:
    """Yield what looks like a specification; a whole page that is one has no fences."""
    if _LOOKS_LIKE.match(text.lstrip()) or text.lstrip().startswith("{"):
        yield Fence("", text, "")
        return
    for fence in fences(text):
        if fence.language in _LANGUAGES and _LOOKS_LIKE.search(fence.content):
            yield fence


def _data(source: str) -> Mapping[str, Any]:
    if source.lstrip().startswith("{"):
        try:
            data = read_json(source)
        except ValueError:
            data = read_yaml(source)
    else:
        data = read_yaml(source)
    return data if isinstance(data, Mapping) else {}


def _operations(root: Mapping[str, Any]) -> Iterator[tuple[str, Schema]]:
    """Yield every POST request that a specification describes, by its path."""
    for path, methods in _mapping(root.get("paths")).items():
        operation = _mapping(methods).get("post")
        if isinstance(operation, Mapping):
            yield path, operation


def _has_input(root: Mapping[str, Any], operation: Schema) -> bool:
    body = Schemas(root, Findings()).resolved(_body(operation))
    return {"model", "input"} <= _mapping(body.get("properties")).keys()


def _body(operation: Schema) -> Any:
    """Return the schema of what is sent."""
    contents = _mapping(_mapping(operation.get("requestBody")).get("content"))
    content = contents.get("application/json") or next(iter(contents.values()), None)
    return _mapping(content).get("schema")


class _Operation:
    """One createTask request of a page."""

    def __init__(self, source: Fence, root: Mapping[str, Any], operation: Schema) -> None:
        self._source = source
        self._operation = operation
        self._findings = Findings()
        self._schemas = Schemas(root, self._findings)

    def models(self) -> Iterator[DocumentedModel]:
        """Yield the models that the request may name, each with its parameters."""
        body = self._schemas.resolved(_body(self._operation))
        for variant in self._schemas.alternatives(body) or [body]:
            parameters = self._parameters(variant)
            for model in self._ids(variant):
                yield self._model(model, parameters)

    def _model(self, model: str, parameters: tuple[DocumentedParameter, ...]) -> DocumentedModel:
        description = self._operation.get("description")
        tags = self._operation.get("tags")
        folder = self._operation.get("x-apidog-folder") or (tags or [""])[0]
        return DocumentedModel(
            model=model,
            title=self._source.heading or str(self._operation.get("summary") or ""),
            parameters=parameters,
            summary=first_sentence(description) if isinstance(description, str) else "",
            folder=folder if isinstance(folder, str) else "",
            results=addresses_of_results(self._source.content),
            warnings=tuple(self._findings),
        )

    def _ids(self, body: Schema) -> list[str]:
        """Return the ids that the page gives for `model`, from its enum or else its sample."""
        model = self._schemas.resolved(_mapping(body.get("properties")).get("model"))
        examples = _mapping(self._operation.get("requestBody"))
        for found in (
            model.get("enum"),
            [model.get("const")],
            [model.get("default")],
            model.get("examples"),
            [model.get("example")],
            re.findall(r"`([^`\s]+)`", str(model.get("description", "")))[:1],
            list(_named_in(examples)),
        ):
            ids = [one.strip() for one in found or [] if isinstance(one, str) and one.strip()]
            if ids:
                return list(dict.fromkeys(ids))
        raise UnreadablePage("The page does not say which model it is about: `model` has no value.")

    def _parameters(self, body: Schema) -> tuple[DocumentedParameter, ...]:
        properties = _mapping(body.get("properties"))
        if "input" in properties:
            whole = self._schemas.resolved(properties["input"])
            variants = self._schemas.alternatives(whole)
            fields = self._merged(variants) if variants else self._schemas.fields(whole)
            self._note_rules(whole)
            return fields
        self._findings.add("The page has no `input`: what stands beside `model` is taken for it.")
        return tuple(f for f in self._schemas.fields(body) if f.name not in _ENVELOPE)

    def _note_rules(self, whole: Schema) -> None:
        for rule in ("not", "if", "dependentRequired", "dependencies"):
            if rule in whole:
                self._findings.add(f"The page has a rule between parameters ({rule}), left unread.")

    def _merged(self, variants: list[dict[str, Any]]) -> tuple[DocumentedParameter, ...]:
        """Return what any of several inputs has; required is only what all of them require."""
        listed = [{f.name: f for f in self._schemas.fields(variant)} for variant in variants]
        merged: dict[str, DocumentedParameter] = {}
        for fields in listed:
            for name, field in fields.items():
                merged[name] = loosened(merged[name], field) if name in merged else field
        wanted = [{name for name, f in fields.items() if f.required} for fields in listed]
        needed = set.intersection(*wanted)
        ways = [
            _title(variant) or ", ".join(f for f in merged if f in w - needed)
            for variant, w in zip(variants, wanted, strict=True)
        ]
        named = f": {'; or '.join(ways)}" if all(ways) else ""
        self._findings.add(f"The page has several sets of parameters, shown together{named}.")
        return tuple(replace(field, required=name in needed) for name, field in merged.items())


def _named_in(data: Any, depth: int = 0) -> Iterator[str]:
    """Yield the values of `model` in an example request."""
    if depth > 8:
        return
    if isinstance(data, Mapping):
        if isinstance(data.get("model"), str) and "input" in data:
            yield data["model"]
        for inner in data.values():
            yield from _named_in(inner, depth + 1)
    elif isinstance(data, list):
        for inner in data:
            yield from _named_in(inner, depth + 1)


def _title(schema: Schema) -> str:
    title = schema.get("title")
    return " ".join(title.split())[:100] if isinstance(title, str) else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
