"""The values of a run, in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kie_ui.catalog.parameters import ChoiceParameter, NumberParameter, Parameter, TableParameter
from kie_ui.catalog.values import JsonValue

_BETWEEN_CELLS = " · "


def plain_text(value: Any) -> str:
    """Write a value as text: lists and objects as JSON."""
    if isinstance(value, JsonValue):
        return json.dumps(value.value, ensure_ascii=False, indent=2)
    return str(value)


def in_words(parameter: Parameter, value: Any) -> str:
    """Write a value of a parameter as a person reads it: labels for values, rows as lines."""
    match parameter, value:
        case ChoiceParameter(), str():
            labels = {option.value: option.label for option in parameter.options}
            label = labels.get(value, value)
            return f"{label} {parameter.unit}" if parameter.unit and label == value else label
        case _, bool():
            return "yes" if value else "no"
        case NumberParameter(), _ if value == parameter.random_value:
            return "random"
        case _, float() if value.is_integer():
            return str(int(value))
        case TableParameter(), JsonValue(value=list() as rows):
            return "\n".join(_row_in_words(parameter, row) for row in rows)
    return plain_text(value)


def _row_in_words(table: TableParameter, row: Any) -> str:
    """Write a row in one line: each column's name and what stands in it."""
    columns = {column.name: column for column in table.columns}
    if not isinstance(row, dict):
        return in_words(table.columns[0], row)
    known = [(column.label, in_words(column, row[n])) for n, column in columns.items() if n in row]
    others = [(name, str(value)) for name, value in row.items() if name not in columns]
    return _BETWEEN_CELLS.join(f"{label}: {words}" for label, words in known + others)


MAX_DEPTH = 3
MAX_FIELDS = 8

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
    words = _said({"type": type_, **schema}, MAX_DEPTH)
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
    shown = list(properties.items())[:MAX_FIELDS]
    named = [f"“{name}” ({_said(_schema(each), depth - 1)})" for name, each in shown]
    return ", ".join(named) + (" and more" if len(properties) > MAX_FIELDS else "")


def _schema(given: object) -> Mapping[str, Any]:
    return given if isinstance(given, Mapping) else {}
