"""What a person writes as JSON: a parameter without a widget of its own, and the extra input."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from pydantic import BaseModel
from pydantic import ValidationError as PydanticValidationError

from kie_ui.catalog.parameters import JsonParameter, TableParameter
from kie_ui.catalog.rules import is_given
from kie_ui.catalog.sanitize import sanitize_schema
from kie_ui.catalog.validation.constraints import check_count, error_in_words, reject, shown
from kie_ui.catalog.values import JsonValue
from kie_ui.strict_json import read_json

MAX_CHARACTERS = 200_000
"""Of JSON that a field takes."""

MAX_DEPTH = 60
"""Lists and objects inside each other; more is no request that anybody documents."""

_TYPES: Mapping[str, tuple[type, ...]] = {
    "array": (list,),
    "object": (dict,),
    "string": (str,),
    "boolean": (bool,),
    "number": (int, float),
    "integer": (int,),
}


def check_json(parameter: JsonParameter, value: Any) -> JsonValue:
    """Read a value, or JSON text, and check it against the documented schema.

    Raises: the error made by `reject`.
    """
    read = parse_json(value)
    wanted = _TYPES[parameter.of]
    if not isinstance(read, wanted) or (isinstance(read, bool) and bool not in wanted):
        raise reject(f"must be a JSON {parameter.of}.")
    problem = _first_problem(parameter.json_schema, read)
    if problem is not None:
        raise reject(problem)
    return JsonValue(value=read)


def check_extra(value: Any) -> JsonValue:
    """Read the extra input: a JSON object of fields that no page documents yet.

    Raises: the error made by `reject`.
    """
    read = parse_json(value)
    if not isinstance(read, dict):
        raise reject('must be a JSON object, such as {"name": "value"}.')
    return JsonValue(value=read)


def parse_json(value: Any) -> Any:
    """Read JSON text; what is no text is a value already. Raises: the error made by `reject`."""
    if isinstance(value, JsonValue):
        value = value.value
    read = _loaded(value) if isinstance(value, str) else value
    _reject_unsendable(read)
    return read


def _loaded(text: str) -> Any:
    if len(text) > MAX_CHARACTERS:
        raise reject(f"has {len(text):,} characters: {MAX_CHARACTERS:,} fit.")
    try:
        return read_json(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise reject(f"is not JSON yet, {place}: {error.msg}.") from None
    except ValueError:
        raise reject("cannot be read as JSON: make it simpler.") from None


def _reject_unsendable(value: Any, depth: int = 0) -> None:
    """Refuse what no request can carry: other types, half characters, endless numbers."""
    if depth > MAX_DEPTH:
        raise reject("is nested too deeply: make it simpler.")
    match value:
        case dict():
            for name, item in value.items():
                _reject_unsendable(name, depth + 1)
                _reject_unsendable(item, depth + 1)
        case list() | tuple():
            for item in value:
                _reject_unsendable(item, depth + 1)
        case _:
            _reject_unsendable_leaf(value)


def _reject_unsendable_leaf(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        words = "has a broken character in it, such as half an emoji: delete it."
        raise reject(words) from None
    except (TypeError, ValueError):
        raise reject("holds something that JSON cannot say.") from None


def _first_problem(schema: Mapping[str, Any], value: Any) -> str | None:
    """Say in one sentence what departs most from the schema."""
    checked = sanitize_schema(schema)
    if not checked:
        return None
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - few models need it
    from jsonschema.exceptions import best_match  # noqa: PLC0415
    from referencing import Registry  # noqa: PLC0415

    # An empty registry: whatever a schema says, nothing is ever fetched for it.
    validator = Draft202012Validator(checked, registry=Registry())
    error = best_match(validator.iter_errors(value))
    if error is None:
        return None
    place = "".join(f"[{json.dumps(part)}]" for part in error.absolute_path)
    where = f"at {shown(place)} " if place else ""
    return f"does not fit {where}what is documented: {_cut(error.message)}."


def _cut(message: str) -> str:
    text = message.rstrip(".").encode(errors="replace").decode()
    return text if len(text) <= 200 else text[:199] + "…"


def check_rows(parameter: TableParameter, row_model: type[BaseModel], value: Any) -> JsonValue:
    """Check a table row by row; empty rows are left out, but count.

    `row_model` has a field a column, in their order. Raises: the error made by `reject`.
    """
    read = parse_json(value)
    if not isinstance(read, (list, tuple)):
        raise reject("must be a list of rows.")
    rows = enumerate(map(partial(_as_row, parameter), read), 1)
    checked = [_fit_row(parameter, row_model, number, row) for number, row in rows if row]
    check_count(checked, parameter.min_items, parameter.max_items, ("row", "rows"))
    return JsonValue(value=checked)


def _as_row(parameter: TableParameter, row: Any) -> dict[str, Any]:
    """Return a row's values by column, without those that say nothing."""
    if isinstance(row, Mapping):
        return {str(name): value for name, value in row.items() if is_given(value)}
    if not parameter.is_bare and row is not None:
        raise reject("must be a list of objects.")
    return {parameter.columns[0].name: row} if is_given(row) else {}


def _fit_row(
    parameter: TableParameter, row_model: type[BaseModel], number: int, row: dict[str, Any]
) -> Any:
    columns = {column.name: column for column in parameter.columns}
    strange = [name for name in row if name not in columns]
    if strange:
        raise reject(f"has no column “{shown(strange[0])}”: see row {number}.")
    try:
        validated = row_model.model_validate(row)
    except PydanticValidationError as error:
        details: dict[str, Any] = dict(error.errors()[0])
        column = columns[str(details["loc"][0])]
        raise reject(f"row {number}: {column.label} {error_in_words(column, details)}") from None
    checked = dict(zip(columns, (_plain(value) for _, value in validated), strict=True))
    if parameter.is_bare:
        return checked[parameter.columns[0].name]
    return {name: value for name, value in checked.items() if is_given(value)}


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, JsonValue) else value
