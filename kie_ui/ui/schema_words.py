"""A JSON schema in words, for whoever has to write what it describes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST_DEPTH = 3
MOST_FIELDS = 8

_WORDS = {
    "string": ("text", "texts"),
    "number": ("a number", "numbers"),
    "integer": ("a whole number", "whole numbers"),
    "boolean": ("true or false", "values of true or false"),
    "array": ("a list", "lists"),
    "object": ("an object", "objects"),
}
_ANYTHING = ("a value", "values")


def schema_in_words(schema: Mapping[str, Any], type_: str) -> str:
    """Say what fits, in a sentence: "A list of lists of whole numbers."."""
    words = _said({"type": type_, **schema}, MOST_DEPTH)
    return f"{words[:1].upper()}{words[1:]}."


def _said(schema: Mapping[str, Any], depth: int, *, is_plural: bool = False) -> str:
    type_ = schema.get("type")
    words = _WORDS.get(type_, _ANYTHING) if isinstance(type_, str) else _ANYTHING
    noun = words[is_plural]
    if depth == 0:
        return noun
    if type_ == "array" and isinstance(schema.get("items"), Mapping):
        return f"{noun} of {_count(schema)}{_said(schema['items'], depth - 1, is_plural=True)}"
    if type_ == "object" and isinstance(schema.get("properties"), Mapping):
        return f"{noun} with {_fields(schema['properties'], depth)}"
    return noun


def _count(schema: Mapping[str, Any]) -> str:
    least, most = (schema.get(name) for name in ("minItems", "maxItems"))
    if least is not None and least == most:
        return f"{least} "
    if most is not None:
        return f"{least} to {most} " if least else f"up to {most} "
    return f"{least} or more " if least else ""


def _fields(properties: Mapping[str, Any], depth: int) -> str:
    shown = list(properties.items())[:MOST_FIELDS]
    named = [f"“{name}” ({_said(_schema(each), depth - 1)})" for name, each in shown]
    return ", ".join(named) + (" and more" if len(properties) > MOST_FIELDS else "")


def _schema(given: object) -> Mapping[str, Any]:
    return given if isinstance(given, Mapping) else {}
