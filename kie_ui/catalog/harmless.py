"""A parameter from outside, without what could do harm on its way through the program.

What is left out limits nothing here; the service still has its own say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kie_ui.catalog.parameters import (
    ChoiceParameter,
    JsonParameter,
    MediaParameter,
    NumberParameter,
    Parameter,
    TableParameter,
)
from kie_ui.catalog.schemas import LARGEST_WHOLE, harmless_schema, is_plain

SMALLEST_STEP = 1e-9
"""Between two values of a slider."""

_COUNTED = ("min_length", "max_length", "min_items", "max_items", "max_bytes")
_NUMBER: tuple[type, ...] = (int, float)
_STATED: dict[str, tuple[type, ...]] = {
    "type": (str,),
    "required": (bool,),
    "options": (list,),
    "default": (str, int, float, bool, list, dict),
    **dict.fromkeys(("minimum", "maximum", "step"), _NUMBER),
    **dict.fromkeys(("min_length", "max_length", "min_items", "max_items", "max_bytes"), _NUMBER),
    "accepts": (list,),
    "pattern": (str,),
    "description": (str,),
}
"""The facts of a parameter and how JSON tells each."""


def harmless(parameter: Parameter, sample: str | None) -> Parameter:
    """Return a parameter without what could do harm; `sample` is a picture of ours, if any."""
    changes: dict[str, Any] = {"stated": _stated(parameter.stated), **_counts(parameter)}
    match parameter:
        case MediaParameter():
            changes["sample"] = sample if parameter.media == "image" else None
        case TableParameter():
            changes["columns"] = tuple(harmless(column, None) for column in parameter.columns)
            changes["default"] = _harmless_rows(parameter)
        case JsonParameter():
            changes["json_schema"] = harmless_schema(parameter.json_schema)
            changes["default"] = parameter.default if is_plain(parameter.default) else None
        case NumberParameter():
            changes |= _harmless_numbers(parameter)
        case ChoiceParameter():
            changes["default"] = _harmless_choice(parameter)
    return parameter.model_copy(update=changes)


def _counts(parameter: Parameter) -> dict[str, None]:
    """Leave out counts beyond all measure: they limit nothing, and no browser takes them."""
    counts = {name: getattr(parameter, name, None) for name in _COUNTED}
    return {name: None for name, count in counts.items() if count and count > LARGEST_WHOLE}


def _harmless_rows(parameter: TableParameter) -> tuple[Any, ...]:
    """Keep the rows of plain values: anything else could pass for a file on its way to a page."""
    columns = {column.name for column in parameter.columns}
    return tuple(row for row in parameter.default if _is_harmless_row(row, columns, parameter))


def _is_harmless_row(row: Any, columns: set[str], parameter: TableParameter) -> bool:
    cells = [row] if parameter.is_bare else list(row.values()) if isinstance(row, dict) else [()]
    names = set(row) if isinstance(row, dict) else set()
    plain = all(not isinstance(cell, (dict, list, tuple)) and is_plain(cell) for cell in cells)
    return plain and names <= columns


def _harmless_numbers(parameter: NumberParameter) -> dict[str, Any]:
    """Leave out what no number could keep to, or no slider could show."""
    low, high, step = parameter.minimum, parameter.maximum, parameter.step
    changes: dict[str, Any] = {}
    if low is not None and high is not None and low > high:
        changes = {"minimum": None, "maximum": None}
        low = high = None
    if step is not None and step < SMALLEST_STEP:
        changes["step"] = None
    default = parameter.default
    is_within = default is None or (
        (low is None or low <= default) and (high is None or default <= high)
    )
    return changes if is_within else {**changes, "default": None}


def _harmless_choice(parameter: ChoiceParameter) -> Any:
    """Keep a default that is among the options, and nothing else."""
    default = parameter.default
    chosen = default if isinstance(default, tuple) else (default,)
    is_fit = isinstance(default, tuple) == parameter.many and set(chosen) <= set(parameter.values)
    return default if is_fit else None


def _stated(stated: Mapping[str, Any]) -> dict[str, Any]:
    """Keep of what is stated beside the fields what a page could state, or be silent on."""
    return {name: value for name, value in stated.items() if _could_be_stated(name, value)}


def _could_be_stated(name: str, value: Any) -> bool:
    if name not in _STATED:
        return False
    kinds = _STATED[name]
    if name == "accepts" and not all(isinstance(item, str) for item in value or ()):
        return False
    return value is None or (
        isinstance(value, kinds)
        and (bool in kinds or not isinstance(value, bool))
        and is_plain(value)
    )
