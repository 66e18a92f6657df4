"""YAML and JSON from strangers, read as plain data within limits of depth and size.

The parser of PyYAML gives events; the data are built from these here. So no tag makes an object,
an alias counts as much as what it stands for, and nothing nests deeper than a page ever does.
Plain words are read as YAML 1.2 has it: `16:9` and `on` are text, not 969 and true.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

import yaml

from kie_ui.catalog.docs_import.documented import UnreadablePage

MAX_DEPTH = 60
MAX_NODES = 30_000
"""Values, those that aliases repeat included."""

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,300})\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|(?=[0-9]+[eE])[0-9]+)([eE][-+]?[0-9]{1,4})?\Z")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
_MERGE = "<<"
_TOO_MUCH = "The page repeats or nests its values too often to be read. Paste the original page."

# libyaml's parser, where this PyYAML was built with it, is some ten times as fast.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(text: str) -> Any:
    """Return the data of the first document in a YAML text.

    Raises: UnreadablePage.
    """
    try:
        data = _Builder(yaml.parse(text, Loader=_Loader)).build()
    except yaml.YAMLError as exc:
        raise UnreadablePage(_place_of(exc)) from exc
    if not _is_shallow(data):
        raise UnreadablePage(_TOO_MUCH)
    return data


def read_json(text: str) -> Any:
    """Return the data of a JSON text.

    Raises: ValueError, also for what nests too deeply and for numbers too long to be one.
    """
    try:
        data = json.loads(text, parse_constant=_refused, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not _is_shallow(data):
        raise ValueError("nested too deeply")
    return data


def _refused(word: str) -> float:
    raise ValueError(f"{word} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refused(text)


def _is_shallow(data: Any) -> bool:
    level = [data]
    for _ in range(MAX_DEPTH):
        level = [inner for value in level for inner in _within(value)]
        if not level:
            return True
    return False


def _within(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _place_of(exc: yaml.YAMLError) -> str:
    mark = getattr(exc, "problem_mark", None)
    problem = getattr(exc, "problem", None) or "it is not YAML"
    where = f" near line {mark.line + 1} of its specification" if mark else ""
    return f"The page can’t be read{where}: {problem}. Copy the whole page again."


class _Builder:
    """Makes data of a parser's events."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._anchored: dict[str, tuple[Any, int]] = {}
        """What each anchor names, with the number of values in it."""
        self._nodes = 0

    def build(self) -> Any:
        """Return the first document's data."""
        for event in self._events:
            if not isinstance(event, (yaml.StreamStartEvent, yaml.DocumentStartEvent)):
                return None if isinstance(event, yaml.StreamEndEvent) else self._value(event, 0)
        return None

    def _value(self, event: Any, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self._repeated(event.anchor)
        self._count(1)
        if depth > MAX_DEPTH:
            raise UnreadablePage(_TOO_MUCH)
        before = self._nodes
        value = self._fresh(event, depth)
        if event.anchor:
            self._anchored[event.anchor] = (value, self._nodes - before + 1)
        return value

    def _fresh(self, event: Any, depth: int) -> Any:
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(depth)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(depth)
        return _scalar(event)

    def _repeated(self, anchor: str | None) -> Any:
        """Return what an alias stands for; one within itself stands for nothing yet."""
        if anchor is None or anchor not in self._anchored:
            raise UnreadablePage(_TOO_MUCH)
        value, size = self._anchored[anchor]
        self._count(size)
        return value

    def _count(self, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise UnreadablePage(_TOO_MUCH)

    def _sequence(self, depth: int) -> list[Any]:
        values = []
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            values.append(self._value(event, depth + 1))
        return values

    def _mapping(self, depth: int) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._key(event, depth)
            value = self._value(next(self._events), depth + 1)
            if key == _MERGE and _is_plain(event):
                _merge(merged, value)
            else:
                own[key] = value
        return merged | own if merged else own

    def _key(self, event: Any, depth: int) -> str:
        """Return a key as it is spelt, whatever else the word could be read as."""
        value = self._value(event, depth + 1)
        return event.value if isinstance(event, yaml.ScalarEvent) else str(value)


def _merge(into: dict[str, Any], value: Any) -> None:
    """Take over what `<<` names: the earlier of several wins."""
    for source in value if isinstance(value, list) else [value]:
        if isinstance(source, dict):
            for key, inherited in source.items():
                into.setdefault(key, inherited)


def _is_plain(event: Any) -> bool:
    """Tell whether a scalar stands there without quotes and without a tag."""
    return isinstance(event, yaml.ScalarEvent) and event.implicit[0]


def _scalar(event: Any) -> Any:
    text = event.value
    if not _is_plain(event):
        return text
    lowered = text.lower() if len(text) < 6 else text
    if lowered in _WORDS:
        return _WORDS[lowered]
    return _number(text) if text[0] in "+-.0123456789" else text


def _number(text: str) -> Any:
    """Return the number that a plain word spells, or else the word."""
    if _INTEGER.match(text):
        return int(text)
    if _FLOAT.match(text) and math.isfinite(number := float(text)):
        return number
    return text
