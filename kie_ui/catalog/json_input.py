"""What a person writes as JSON: a parameter without a widget of its own, and the extra input."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kie_ui.catalog.fits import refuse, shown
from kie_ui.catalog.media import JsonValue
from kie_ui.catalog.parameters import JsonParameter
from kie_ui.catalog.schemas import harmless_schema

MOST_CHARACTERS = 200_000
"""Of JSON that a field takes."""

MOST_DEPTH = 60
"""Lists and objects inside each other; more is no request that anybody documents."""

_TYPES: Mapping[str, tuple[type, ...]] = {
    "array": (list,),
    "object": (dict,),
    "string": (str,),
    "boolean": (bool,),
    "number": (int, float),
    "integer": (int,),
}


def fit_json(parameter: JsonParameter, value: Any) -> JsonValue:
    """Read a value, or JSON text, and check it against the documented schema.

    Raises: the error made by `refuse`.
    """
    read = parse_json(value)
    wanted = _TYPES[parameter.of]
    if not isinstance(read, wanted) or (isinstance(read, bool) and bool not in wanted):
        raise refuse(f"must be a JSON {parameter.of}.")
    problem = _first_problem(parameter.json_schema, read)
    if problem is not None:
        raise refuse(problem)
    return JsonValue(value=read)


def fit_extra(value: Any) -> JsonValue:
    """Read the extra input: a JSON object of fields that no page documents yet.

    Raises: the error made by `refuse`.
    """
    read = parse_json(value)
    if not isinstance(read, dict):
        raise refuse('must be a JSON object, such as {"name": "value"}.')
    return JsonValue(value=read)


def parse_json(value: Any) -> Any:
    """Read JSON text; what is no text is a value already. Raises: the error made by `refuse`."""
    if isinstance(value, JsonValue):
        value = value.value
    read = _loaded(value) if isinstance(value, str) else value
    _refuse_unsendable(read)
    return read


def _loaded(text: str) -> Any:
    if len(text) > MOST_CHARACTERS:
        raise refuse(f"has {len(text):,} characters: {MOST_CHARACTERS:,} fit.")
    try:
        return json.loads(text, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise refuse(f"is not JSON yet, {place}: {error.msg}.") from None
    except (RecursionError, ValueError):
        raise refuse("cannot be read as JSON: make it simpler.") from None


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _refuse_unsendable(value: Any, depth: int = 0) -> None:
    """Refuse what no request can carry: other types, half characters, endless numbers."""
    if depth > MOST_DEPTH:
        raise refuse("is nested too deeply: make it simpler.")
    match value:
        case dict():
            for name, item in value.items():
                _refuse_unsendable(name, depth + 1)
                _refuse_unsendable(item, depth + 1)
        case list() | tuple():
            for item in value:
                _refuse_unsendable(item, depth + 1)
        case _:
            _refuse_unsendable_leaf(value)


def _refuse_unsendable_leaf(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        words = "has a broken character in it, such as half an emoji: delete it."
        raise refuse(words) from None
    except (TypeError, ValueError):
        raise refuse("holds something that JSON cannot say.") from None


def _first_problem(schema: Mapping[str, Any], value: Any) -> str | None:
    """Say in one sentence what departs most from the schema."""
    harmless = harmless_schema(schema)
    if not harmless:
        return None
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - few models need it
    from jsonschema.exceptions import best_match  # noqa: PLC0415
    from referencing import Registry  # noqa: PLC0415

    # An empty registry: whatever a schema says, nothing is ever fetched for it.
    validator = Draft202012Validator(harmless, registry=Registry())
    error = best_match(validator.iter_errors(value))
    if error is None:
        return None
    place = "".join(f"[{json.dumps(part)}]" for part in error.absolute_path)
    where = f"at {shown(place)} " if place else ""
    return f"does not fit {where}what is documented: {_cut(error.message)}."


def _cut(message: str) -> str:
    text = message.rstrip(".").encode(errors="replace").decode()
    return text if len(text) <= 200 else text[:199] + "…"
