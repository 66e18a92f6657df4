"""YAML and JSON from strangers, read as plain data within limits of depth and size.

YAML is read as version 1.2 has it: `16:9` and `on` are text, not 969 and true. No tag makes an
object, and an alias counts as much as what it repeats.
"""

from __future__ import annotations

import math
import re
from typing import Any

import yaml

from kie_ui import strict_json
from kie_ui.catalog.docs_import.documented import UnreadablePage

MAX_DEPTH = 60
MAX_NODES = 30_000
"""Values, those that aliases repeat included."""

_TOO_MUCH = "The page repeats or nests its values too often to be read. Paste the original page."
_PLAIN = "!plain"
_MERGE = "tag:yaml.org,2002:merge"
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,300})\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|(?=[0-9]+[eE])[0-9]+)([eE][-+]?[0-9]{1,4})?\Z")


def read_yaml(text: str) -> Any:
    """Return the data of the first document in a YAML text.

    Raises: UnreadablePage.
    """
    try:
        loader = _PlainLoader(text)
        return loader.get_data() if loader.check_data() else None  # type: ignore[no-untyped-call]
    except yaml.YAMLError as exc:
        raise UnreadablePage(_describe(exc)) from exc


def read_json(text: str) -> Any:
    """Return the data of a JSON text.

    Raises: ValueError, also for what nests too deeply and for numbers too long to be one.
    """
    data = strict_json.read_json(text)
    if not _is_shallow(data, MAX_DEPTH):
        raise ValueError("nested too deeply")
    return data


def _is_shallow(value: Any, max_depth: int) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    inner = value if isinstance(value, list) else []
    return max_depth > 0 and all(_is_shallow(one, max_depth - 1) for one in inner)


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
