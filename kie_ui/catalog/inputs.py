"""A spec as a pydantic input model: what may be sent, and in plain words what may not.

Source of every limit: the model's own documentation page, section "input Object Parameters".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, create_model
from pydantic import ValidationError as PydanticValidationError
from pydantic_core import PydanticCustomError

from kie_ui.catalog.media import MediaRef, as_media
from kie_ui.catalog.parameters import (
    ChoiceParameter,
    MediaParameter,
    NumberParameter,
    Parameter,
    SwitchParameter,
    TextParameter,
)
from kie_ui.catalog.rules import (
    Problem,
    apply_replacements,
    exclusion_problems,
    is_given,
    without_meaningless,
)
from kie_ui.catalog.spec import ModelSpec


class InvalidValues(ValueError):
    """These values cannot be sent; `problems` holds every reason, each naming its parameter."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__(" ".join(problem.message for problem in problems))


def check_values(spec: ModelSpec, values: Mapping[str, Any]) -> dict[str, Any]:
    """Check a form's values against the spec and bring them into the types of the wire.

    Media come in as web addresses, `FileRef`s and `UrlRef`s, one or a list of them, and come out
    as tuples of `FileRef` and `UrlRef`; empty optional values and values without
    their companion are left out; replacements that the service would make are made.
    Raises: InvalidValues, with all problems at once.
    """
    meaningful = without_meaningless(spec, values)
    problems = [*exclusion_problems(spec, meaningful), *_unknown(spec, meaningful)]
    checked: dict[str, Any] = {}
    try:
        checked = _validated(spec, meaningful)
    except PydanticValidationError as error:
        problems += [_problem(spec, dict(details)) for details in error.errors()]
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
        return apply_replacements(spec, sound), invalid.problems


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
    takes = f"is no parameter of {spec.model}. It takes: {', '.join(names)}."
    return [Problem(name, f"{_shown(name)} {takes}") for name in values if name not in names]


@lru_cache(maxsize=256)
def input_model(spec: ModelSpec, *, is_partial: bool = False) -> type[BaseModel]:
    """Return the pydantic model of a spec's `input` object, one field a parameter, in their order.

    The documented names are aliases, because not every one could name an attribute: think of
    `schema` or `_id`. In a partial model nothing is required.
    """
    fields: dict[str, Any] = {
        f"parameter_{number}": _field(p, is_required=p.required and not is_partial)
        for number, p in enumerate(spec.parameters, start=1)
    }
    config = ConfigDict(extra="forbid", frozen=True)
    return create_model(f"{spec.api_name}_input", __config__=config, **fields)


def _field(parameter: Parameter, *, is_required: bool) -> tuple[Any, Any]:
    annotation = _annotation(parameter)
    if is_required:
        return annotation, Field(alias=parameter.name, description=parameter.help)
    return annotation | None, Field(default=None, alias=parameter.name, description=parameter.help)


def _annotation(parameter: Parameter) -> Any:
    match parameter:
        case TextParameter():
            whole = AfterValidator(_refuse_half_characters)
            return Annotated[str, whole, AfterValidator(partial(_fit_length, parameter))]
        case ChoiceParameter():
            before = BeforeValidator(_as_text)
            return Annotated[str, before, AfterValidator(partial(_fit_options, parameter))]
        case NumberParameter():
            before = BeforeValidator(_refuse_switch)
            return Annotated[float, before, AfterValidator(partial(_fit_range, parameter))]
        case SwitchParameter():
            return bool
        case MediaParameter():
            before = BeforeValidator(_as_media_list)
            return Annotated[
                tuple[MediaRef, ...], before, AfterValidator(partial(_fit_count, parameter))
            ]


def _refuse(message: str) -> PydanticCustomError:
    """Make an error whose words are already meant for the person."""
    return PydanticCustomError("plain", "{words}", {"words": message})


def _shown(text: str) -> str:
    """Cut what somebody sent to a length, and to characters, that a sentence can repeat."""
    return str(text)[:60].encode(errors="replace").decode()


def _refuse_half_characters(text: str) -> str:
    """Refuse a lone surrogate, such as half an emoji leaves behind: no request can carry it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        words = "has a broken character in it, such as half an emoji: delete it."
        raise _refuse(words) from None
    return text


def _fit_length(parameter: TextParameter, text: str) -> str:
    if not parameter.multiline:
        text = text.strip()  # an id that was pasted with its blanks
    """Refuse text over the limit; a character is a Unicode code point, an emoji mostly one."""
    if parameter.max_length is not None and len(text) > parameter.max_length:
        excess = len(text) - parameter.max_length
        raise _refuse(
            f"has {len(text):,} characters, {excess:,} more than the {parameter.max_length:,} "
            "that fit: shorten it."
        )
    return text


def _as_text(value: Any) -> Any:
    """Let a caller write 6 for the documented "6"; `True` is no number here."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _fit_options(parameter: ChoiceParameter, value: str) -> str:
    if value not in parameter.values:
        raise _refuse(f"cannot be “{_shown(value)}”: {_choices_in_words(parameter)}.")
    return value


def _choices_in_words(parameter: ChoiceParameter) -> str:
    return f"choose one of {', '.join(parameter.values)}"


def _refuse_switch(value: Any) -> Any:
    if isinstance(value, bool):
        raise _refuse("needs a number, not yes or no.")
    return value


def _fit_range(parameter: NumberParameter, number: float) -> float | int:
    low, high, step = parameter.minimum, parameter.maximum, parameter.step
    if not math.isfinite(number):
        raise _refuse("needs a number.")
    if (low is not None and number < low) or (high is not None and number > high):
        raise _refuse(f"is {_digits(number)}: choose {_range_in_words(low, high)}.")
    if step is not None and not _is_on_step(parameter, number, step):
        raise _refuse(f"is {_digits(number)}: it must be {_steps_in_words(low, step)}.")
    return int(number) if parameter.is_whole else number


def _is_on_step(parameter: NumberParameter, number: float, step: float) -> bool:
    off = abs(math.remainder(number - (parameter.minimum or 0), step))
    if parameter.is_whole:
        return number.is_integer() and off == 0
    # Binary fractions only come near to 0.1 and its multiples.
    return off <= max(1e-9 * step, 1e-12 * abs(number))


def _steps_in_words(low: float | None, step: float) -> str:
    start = low or 0.0
    if start % step:
        return f"{_digits(start)} plus a multiple of {_digits(step)}"
    return "a whole number" if step == 1 else f"a multiple of {_digits(step)}"


def _range_in_words(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"a number from {_digits(low)} to {_digits(high)}"
    return f"{_digits(low)} or more" if low is not None else f"{_digits(high or 0.0)} or less"


def _digits(number: float) -> str:
    """Write a number as people do: 2147483648, not 2.14748e+09, as long as that is legible."""
    return str(int(number)) if number.is_integer() and abs(number) < 1e21 else f"{number:.15g}"


def _as_media_list(value: Any) -> Any:
    items = value if isinstance(value, (list, tuple)) else [value]
    return tuple(as_media(item) for item in items)


def _fit_count(parameter: MediaParameter, items: tuple[MediaRef, ...]) -> tuple[MediaRef, ...]:
    if len(items) > parameter.max_items:
        excess = len(items) - parameter.max_items
        raise _refuse(
            f"takes {parameter.max_items} at most: take {excess} of these {len(items)} away."
        )
    return items


_WORDS: dict[str, str] = {
    "missing": "is missing: fill it in.",
    "string_type": "needs text.",
    "bool_type": "is either on or off.",
    "bool_parsing": "is either on or off.",
    "float_type": "needs a number.",
    "float_parsing": "needs a number.",
    "finite_number": "needs a number.",
}
"""Pydantic's kinds of error, in words for people; ours (`plain`) bring their own."""


def _problem(spec: ModelSpec, details: Mapping[str, Any]) -> Problem:
    name = str(details["loc"][0])
    parameter = spec.parameter(name)
    if details["type"] == "plain":
        words = details["ctx"]["words"]
    elif isinstance(parameter, MediaParameter):
        state = "is missing: add" if details["type"] == "missing" else "needs"
        words = f"{state} a picture, or a web address that starts with https:// or http://."
    elif isinstance(parameter, ChoiceParameter) and details["type"] != "missing":
        words = f"cannot be that: {_choices_in_words(parameter)}."
    else:
        words = _WORDS.get(details["type"], "cannot be read: enter it anew.")
    return Problem(name, f"{named(parameter)} {words}")


def missing(parameter: Parameter) -> Problem:
    """Say that a parameter has to be given."""
    what = "add a picture, or its web address" if parameter.kind == "media" else "fill it in"
    return Problem(parameter.name, f"{named(parameter)} is missing: {what}.")


def named(parameter: Parameter) -> str:
    """Name a parameter for people, with its documented name where that is another word."""
    is_same_word = parameter.label.lower() == parameter.name.lower()
    return parameter.label if is_same_word else f"{parameter.label} ({parameter.name})"


def _one_per_parameter(problems: list[Problem]) -> tuple[Problem, ...]:
    """Keep the first problem of each parameter: one sentence at a field is what gets read."""
    first: dict[str, Problem] = {}
    for problem in problems:
        first.setdefault(problem.parameter, problem)
    return tuple(first.values())
