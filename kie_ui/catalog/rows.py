"""Tables: lists of rows, each checked column by column."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from pydantic import BaseModel
from pydantic import ValidationError as PydanticValidationError

from kie_ui.catalog.fits import fit_count, refuse, shown
from kie_ui.catalog.json_input import parse_json
from kie_ui.catalog.media import JsonValue
from kie_ui.catalog.parameters import TableParameter
from kie_ui.catalog.rules import is_given
from kie_ui.catalog.words import error_in_words


def fit_rows(parameter: TableParameter, row_model: type[BaseModel], value: Any) -> JsonValue:
    """Check a table row by row; rows in which nothing stands are left out, but count.

    `row_model` has a field a column, in their order. Raises: the error made by `refuse`.
    """
    read = parse_json(value)
    if not isinstance(read, (list, tuple)):
        raise refuse("must be a list of rows.")
    rows = enumerate(map(partial(_as_row, parameter), read), 1)
    fitted = [_fit_row(parameter, row_model, number, row) for number, row in rows if row]
    fit_count(fitted, parameter.min_items, parameter.max_items, ("row", "rows"))
    return JsonValue(value=fitted)


def _as_row(parameter: TableParameter, row: Any) -> dict[str, Any]:
    """Return a row's values by column, without those that say nothing."""
    if isinstance(row, Mapping):
        return {str(name): value for name, value in row.items() if is_given(value)}
    if not parameter.is_bare and row is not None:
        raise refuse("must be a list of objects.")
    return {parameter.columns[0].name: row} if is_given(row) else {}


def _fit_row(
    parameter: TableParameter, row_model: type[BaseModel], number: int, row: dict[str, Any]
) -> Any:
    columns = {column.name: column for column in parameter.columns}
    strange = [name for name in row if name not in columns]
    if strange:
        raise refuse(f"has no column “{shown(strange[0])}”: see row {number}.")
    try:
        validated = row_model.model_validate(row)
    except PydanticValidationError as error:
        details: dict[str, Any] = dict(error.errors()[0])
        column = columns[str(details["loc"][0])]
        raise refuse(f"row {number}: {column.label} {error_in_words(column, details)}") from None
    fitted = dict(zip(columns, (_plain(value) for _, value in validated), strict=True))
    if parameter.is_bare:
        return fitted[parameter.columns[0].name]
    return {name: value for name, value in fitted.items() if is_given(value)}


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, JsonValue) else value
