"""The values of a run, in words."""

from __future__ import annotations

import json
from typing import Any

from kie_ui.catalog.media import JsonValue
from kie_ui.catalog.parameters import (
    ChoiceParameter,
    NumberParameter,
    Parameter,
    TableParameter,
)

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
