"""Whether a value has the type that the documentation gives it on the wire.

The form's own check forgives what a person may type, such as 6 for the documented "6". The service
does not.
"""

from __future__ import annotations

from typing import Any, Literal

from kie_ui.catalog.parameters import (
    ChoiceParameter,
    MediaParameter,
    Parameter,
    TableParameter,
    WireType,
)

_ARTICLES = {"integer": "an integer", "array": "a list", "object": "an object"}


def type_problem(parameter: Parameter, value: Any) -> str | None:
    """Say of a value of another type what it must be; None where the type is right."""
    match parameter:
        case ChoiceParameter(many=True):
            return _of_items(parameter.of, value)
        case MediaParameter():
            return _of_addresses(parameter, value)
        case TableParameter():
            return _of_rows(parameter, value)
        case _:
            return _of_type(parameter.wire_type, value)


def _of_type(wanted: WireType, value: Any) -> str | None:
    return None if _is_of_type(wanted, value) else f"must be {_in_words(wanted)}"


def _is_of_type(wanted: WireType, value: Any) -> bool:
    match wanted:
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return _is_number(value) and value == value // 1
        case "number":
            return _is_number(value)
        case "array":
            return isinstance(value, list)
        case "object":
            return isinstance(value, dict)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _in_words(wanted: WireType) -> str:
    return _ARTICLES.get(wanted, f"a {wanted}")


def _of_items(of: Literal["string", "number", "integer"], value: Any) -> str | None:
    if isinstance(value, list) and all(_is_of_type(of, item) for item in value):
        return None
    return f"must be a list of {of}s"


def _of_addresses(parameter: MediaParameter, value: Any) -> str | None:
    if not parameter.many:
        return _of_type("string", value)
    is_list = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return None if is_list else "must be a list of addresses"


def _of_rows(parameter: TableParameter, value: Any) -> str | None:
    if not isinstance(value, list):
        return "must be a list of rows"
    for number, row in enumerate(value, start=1):
        problem = _of_row(parameter, row)
        if problem is not None:
            return f"has a row {number} of which {problem}"
    return None


def _of_row(parameter: TableParameter, row: Any) -> str | None:
    if parameter.is_bare:
        problem = type_problem(parameter.columns[0], row)
        return problem and f"the value {problem}"
    if not isinstance(row, dict):
        return "the whole must be an object"
    for column in parameter.columns:
        if row.get(column.name) is None:
            continue
        problem = type_problem(column, row[column.name])
        if problem is not None:
            return f"{column.name} {problem}"
    return None
