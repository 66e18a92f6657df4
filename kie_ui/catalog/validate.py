"""A spec as a pydantic input model: what may be sent, and in plain words what may not.

Source of every limit: the model's own documentation page, section "input Object Parameters".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, create_model
from pydantic import ValidationError as PydanticValidationError
from pydantic_core import PydanticCustomError

from kie_ui.catalog.constraints import (
    check_count,
    check_media,
    check_number,
    check_option,
    check_options,
    check_text,
    error_in_words,
    named,
    reject,
    reject_boolean,
    reject_broken_characters,
    shown,
)
from kie_ui.catalog.parameters import (
    ChoiceParameter,
    Column,
    JsonParameter,
    MediaParameter,
    NumberParameter,
    Parameter,
    SwitchParameter,
    TableParameter,
    TextParameter,
)
from kie_ui.catalog.rules import (
    EXTRA,
    Problem,
    apply_replacements,
    exclusion_problems,
    is_given,
    without_meaningless,
)
from kie_ui.catalog.sanitize import sanitize_schema
from kie_ui.catalog.spec import ModelSpec
from kie_ui.catalog.values import JsonValue, MediaRef, as_media
from kie_ui.strict_json import read_json

MAX_CHARACTERS = 200_000
"""Of JSON that a field takes."""

MAX_DEPTH = 60
"""Lists and objects inside each other; no documented request has more."""

_TYPES: Mapping[str, tuple[type, ...]] = {
    "array": (list,),
    "object": (dict,),
    "string": (str,),
    "boolean": (bool,),
    "number": (int, float),
    "integer": (int,),
}


class InvalidValues(ValueError):
    """These values cannot be sent; `problems` holds every reason, each naming its parameter."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__(" ".join(problem.message for problem in problems))


def check_values(spec: ModelSpec, values: Mapping[str, Any]) -> dict[str, Any]:
    """Check a form's values against the spec and convert them to the types of the wire.

    Media come in as web addresses, `FileRef`s and `UrlRef`s, one or a list of them, and come out
    as tuples of `FileRef` and `UrlRef`; lists and objects come in as they are or as JSON text, and
    come out as `JsonValue`s. Empty optional values and values without their companion are left
    out; replacements that the service would make are made. The extra input, under `EXTRA`, is
    an object of whatever else shall be sent; what it gives need not be given otherwise.
    Raises: InvalidValues, with all problems at once.
    """
    checked, problems = _checked(spec, values)
    if problems:
        raise InvalidValues(_one_per_parameter(problems))
    return apply_replacements(spec, checked)


def check_part(
    spec: ModelSpec, values: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """Check a form that may still be unfinished: what is sound in it, and what is not."""
    try:
        return check_values(spec, values), ()
    except InvalidValues as invalid:
        unsound = {problem.parameter for problem in invalid.problems}
        rest = {name: value for name, value in values.items() if name not in unsound}
        sound = _validated(spec, without_meaningless(spec, rest), is_partial=True)
        extra, _ = _checked_extra(rest)
        return apply_replacements(spec, {**sound, **extra}), invalid.problems


def _checked(spec: ModelSpec, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    extra, problems = _checked_extra(values)
    replaced = extra[EXTRA].value.keys() if extra else ()
    meaningful = without_meaningless(spec, {n: v for n, v in values.items() if n != EXTRA})
    standing_in = {**dict.fromkeys(replaced, True), **meaningful}
    problems += [*exclusion_problems(spec, standing_in), *_unknown(spec, meaningful)]
    try:
        return {**_validated(spec, meaningful), **extra}, problems
    except PydanticValidationError as error:
        found = [_problem(spec, dict(details)) for details in error.errors()]
        is_missing = {str(d["loc"][0]) for d in error.errors() if d["type"] == "missing"}
        problems += [p for p in found if p.parameter not in is_missing & set(replaced)]
    if problems:
        return {}, problems
    return {**_validated(spec, meaningful, is_partial=True), **extra}, []


def _checked_extra(values: Mapping[str, Any]) -> tuple[dict[str, JsonValue], list[Problem]]:
    """Read the extra input, if there is any."""
    if not is_given(values.get(EXTRA)):
        return {}, []
    try:
        extra = check_extra(values[EXTRA])
    except PydanticCustomError as error:
        words = (error.context or {})["words"]
        return {}, [Problem(EXTRA, f"Extra input {words}")]
    return ({EXTRA: extra} if extra.value else {}), []


def _validated(
    spec: ModelSpec, values: Mapping[str, Any], *, is_partial: bool = False
) -> dict[str, Any]:
    """Validate the values of documented parameters. Raises: pydantic.ValidationError."""
    names = [parameter.name for parameter in spec.parameters]
    known = {name: values[name] for name in names if name in values}
    validated = input_model(spec, is_partial=is_partial).model_validate(known)
    pairs = zip(names, (value for _, value in validated), strict=True)
    return {name: value for name, value in pairs if is_given(value)}


def _unknown(spec: ModelSpec, values: Mapping[str, Any]) -> list[Problem]:
    names = [parameter.name for parameter in spec.parameters]
    takes = f"is not a parameter of {spec.model}. It takes: {', '.join(names)}."
    return [Problem(name, f"{shown(name)} {takes}") for name in values if name not in names]


@lru_cache(maxsize=256)
def input_model(spec: ModelSpec, *, is_partial: bool = False) -> type[BaseModel]:
    """Return the pydantic model of a spec's `input` object, one field a parameter, in their order.

    The documented names are aliases, because not every one could name an attribute: think of
    `schema` or `_id`. In a partial model nothing is required.
    """
    return _model_of(f"{spec.api_name}_input", spec.parameters, is_partial=is_partial)


def _model_of(
    name: str, parameters: tuple[Parameter, ...] | tuple[Column, ...], *, is_partial: bool = False
) -> type[BaseModel]:
    fields: dict[str, Any] = {
        f"parameter_{number}": _field(p, is_required=p.required and not is_partial)
        for number, p in enumerate(parameters, start=1)
    }
    config = ConfigDict(extra="forbid", frozen=True)
    return create_model(name, __config__=config, **fields)


def _field(parameter: Parameter, *, is_required: bool) -> tuple[Any, Any]:
    annotation = _annotation(parameter)
    if is_required:
        return annotation, Field(alias=parameter.name, description=parameter.help)
    return annotation | None, Field(default=None, alias=parameter.name, description=parameter.help)


def _annotation(parameter: Parameter) -> Any:
    match parameter:
        case TextParameter():
            whole = AfterValidator(reject_broken_characters)
            return Annotated[str, whole, AfterValidator(partial(check_text, parameter))]
        case NumberParameter():
            before = BeforeValidator(reject_boolean)
            return Annotated[int | float, before, AfterValidator(partial(check_number, parameter))]
        case SwitchParameter():
            return bool
        case MediaParameter():
            before = BeforeValidator(_as_media_list)
            return Annotated[
                tuple[MediaRef, ...], before, AfterValidator(partial(check_media, parameter))
            ]
        case _:
            return Annotated[Any, AfterValidator(_check_of(parameter))]


def _check_of(parameter: ChoiceParameter | TableParameter | JsonParameter) -> Callable[[Any], Any]:
    """Return the check of a value whose type pydantic can't know beforehand."""
    match parameter:
        case ChoiceParameter():
            return partial(check_options if parameter.many else check_option, parameter)
        case TableParameter():
            return partial(check_rows, parameter, _model_of("row", parameter.columns))
        case JsonParameter():
            return partial(check_json, parameter)


def _as_media_list(value: Any) -> Any:
    items = value if isinstance(value, (list, tuple)) else [value]
    return tuple(as_media(item) for item in items)


def _problem(spec: ModelSpec, details: Mapping[str, Any]) -> Problem:
    name = str(details["loc"][0])
    parameter = spec.parameter(name)
    at = details.get("ctx", {})
    words = f"{named(parameter)} {error_in_words(parameter, details)}"
    return Problem(name, words, at.get("row", 0), at.get("column", ""))


def _one_per_parameter(problems: list[Problem]) -> tuple[Problem, ...]:
    """Keep the first problem of each parameter: one sentence at a field is what gets read."""
    first: dict[str, Problem] = {}
    for problem in problems:
        first.setdefault(problem.parameter, problem)
    return tuple(first.values())


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
    """Read JSON text; what is not text is a value already. Raises: the error made by `reject`."""
    if isinstance(value, JsonValue):
        value = value.value
    read = _loaded(value) if isinstance(value, str) else value
    _reject_unsendable(read)
    return read


def _loaded(text: str) -> Any:
    if len(text) > MAX_CHARACTERS:
        raise reject(f"has {len(text):,} characters: at most {MAX_CHARACTERS:,} are allowed.")
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
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        raise reject("holds something that JSON cannot express.") from None
    reject_broken_characters(text)


def _first_problem(schema: Mapping[str, Any], value: Any) -> str | None:
    """Say in one sentence what departs most from the schema."""
    checked = sanitize_schema(schema)
    if not checked:
        return None
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match
    from referencing import Registry

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
        words = f"row {number}: {column.label} {error_in_words(column, details)}"
        raise reject(words, row=number, column=column.name) from None
    checked = dict(zip(columns, (_plain(value) for _, value in validated), strict=True))
    if parameter.is_bare:
        return checked[parameter.columns[0].name]
    return {name: value for name, value in checked.items() if is_given(value)}


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, JsonValue) else value
