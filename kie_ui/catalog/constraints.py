"""Whether a single value fits its parameter; what does not is refused in words for people.

Every function returns the value in the type of the wire, or raises the error made by `reject`.
Source of every limit: the model's own documentation page, section "input Object Parameters".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from pydantic_core import PydanticCustomError, SchemaError, SchemaValidator, ValidationError
from pydantic_core.core_schema import str_schema

from kie_ui.catalog.media_types import MEDIA_NOUNS
from kie_ui.catalog.parameters import (
    ChoiceParameter,
    MediaParameter,
    NumberParameter,
    OptionValue,
    Parameter,
    TextParameter,
)
from kie_ui.catalog.rules import Problem
from kie_ui.catalog.values import JsonValue, MediaRef

MAX_CHOICES_SAID = 30
"""Of a hundred voices a sentence names the first few."""

_LARGEST = 1e308

_WORDS: dict[str, str] = {
    "missing": "is missing: fill it in.",
    "string_type": "needs text.",
    "bool_type": "is either on or off.",
    "bool_parsing": "is either on or off.",
    "int_type": "needs a number.",
    "int_parsing": "needs a number.",
    "int_parsing_size": "needs a number.",
    "int_from_float": "needs a number.",
    "float_type": "needs a number.",
    "float_parsing": "needs a number.",
    "finite_number": "needs a number.",
}
"""Pydantic's kinds of error, in words for people; our own (`plain`) carry theirs."""


def is_checkable(pattern: str) -> bool:
    """Tell whether a pattern can be checked: it is sound, and asks for no look-around."""
    return _validator(pattern) is not None


def matches_pattern(pattern: str, text: str) -> bool:
    """Tell whether a pattern is found in a text; one that can't be checked always is."""
    validator = _validator(pattern)
    if validator is None:
        return True
    try:
        validator.validate_python(text)
    except ValidationError:
        return False
    return True


@lru_cache(maxsize=256)
def _validator(pattern: str) -> SchemaValidator | None:
    try:
        return SchemaValidator(str_schema(pattern=pattern, regex_engine="rust-regex"))
    except SchemaError:
        return None


def reject(message: str, *, row: int = 0, column: str = "") -> PydanticCustomError:
    """Make an error whose words are already meant for the person; of a table also its cell."""
    return PydanticCustomError("plain", "{words}", {"words": message, "row": row, "column": column})


def shown(text: object) -> str:
    """Cut a sent value to a length, and to characters, that a sentence can repeat."""
    return str(text)[:60].encode(errors="replace").decode()


def reject_broken_characters(text: str) -> str:
    """Refuse a lone surrogate, such as half an emoji leaves behind: no request can carry it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        words = "has a broken character in it, such as half an emoji: delete it."
        raise reject(words) from None
    return text


def check_text(parameter: TextParameter, text: str) -> str:
    """Refuse text outside the limits; a character is a Unicode code point, an emoji mostly one."""
    if not parameter.multiline:
        text = text.strip()  # an id that was pasted with its blanks
    count, least, most = len(text), parameter.min_length, parameter.max_length
    if most is not None and count > most:
        over = f"{count - most:,} more than the {most:,} that fit"
        raise reject(f"has {count:,} characters, {over}: shorten it.")
    if least is not None and count < least:
        raise reject(f"has {_counted(count, 'character')}: write at least {least:,}.")
    if parameter.pattern is not None and not matches_pattern(parameter.pattern, text):
        raise reject(f"does not have the documented form, {shown(parameter.pattern)}: change it.")
    return text


def check_option(parameter: ChoiceParameter, value: Any) -> OptionValue:
    """Return the documented value that was meant: 6 is good for the documented "6"."""
    for option in parameter.values:
        if type(option) is type(value) and option == value:
            return option
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        for option in parameter.values:
            if _as_text(option) == _as_text(value):
                return option
        raise reject(f"cannot be “{shown(_as_text(value))}”: {choices_in_words(parameter)}.")
    raise reject(f"cannot be that: {choices_in_words(parameter)}.")


def check_options(parameter: ChoiceParameter, value: Any) -> JsonValue:
    """Return the documented values that were meant, each once, in the order given."""
    items = value if isinstance(value, (list, tuple)) else [value]
    chosen = list(dict.fromkeys(check_option(parameter, item) for item in items))
    check_count(chosen, parameter.min_items, parameter.max_items, ("value", "values"))
    return JsonValue(value=chosen)


def choices_in_words(parameter: ChoiceParameter) -> str:
    """Name the documented values, as far as a sentence can."""
    words = [str(value) for value in parameter.values]
    more = len(words) - MAX_CHOICES_SAID
    named = ", ".join(words[:MAX_CHOICES_SAID])
    return f"choose one of {named}" + (f" and {more} more" if more > 0 else "")


def reject_boolean(value: Any) -> Any:
    """Refuse yes and no where a number is wanted; Python would take them for 1 and 0."""
    if isinstance(value, bool):
        raise reject("needs a number, not yes or no.")
    return value


def check_number(parameter: NumberParameter, number: float) -> float | int:
    """Refuse a number outside the documented range, or beside the documented steps."""
    low, high, step = parameter.minimum, parameter.maximum, parameter.step
    if not -_LARGEST < number < _LARGEST:
        raise reject("needs a number.")
    if (low is not None and number < low) or (high is not None and number > high):
        raise reject(f"is {digits(number)}: choose {_range_in_words(low, high)}.")
    if parameter.integer and number != int(number):
        raise reject(f"is {digits(number)}: it must be a whole number.")
    if step is not None and not _is_on_step(parameter, number, step):
        raise reject(f"is {digits(number)}: it must be {_steps_in_words(low, step)}.")
    return int(number) if parameter.is_whole else number


def check_media(parameter: MediaParameter, items: tuple[MediaRef, ...]) -> tuple[MediaRef, ...]:
    """Refuse too many files, and too few."""
    check_count(items, parameter.min_items, parameter.max_items, MEDIA_NOUNS[parameter.media])
    return items


def check_count(
    items: Sequence[Any], least: int | None, most: int | None, nouns: tuple[str, str]
) -> None:
    """Refuse a list that is too long or too short. Raises: the error made by `reject`."""
    if most is not None and len(items) > most:
        excess = len(items) - most
        raise reject(f"takes at most {most}: remove {excess} of these {len(items)}.")
    if least is not None and len(items) < least:
        one, many = nouns
        lacking = least - len(items)
        raise reject(f"needs at least {least}: add {lacking} {one if lacking == 1 else many}.")


def digits(number: float) -> str:
    """Write a number as people do: 2147483648, not 2.14748e+09, as long as that is legible."""
    is_legible = abs(number) < 1e21 and number == int(number)
    return str(int(number)) if is_legible else f"{number:.15g}"


def _as_text(value: object) -> str:
    is_whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if is_whole and isinstance(value, float) else str(value)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def _is_on_step(parameter: NumberParameter, number: float, step: float) -> bool:
    off = abs(math.remainder(number - (parameter.minimum or 0), step))
    if parameter.is_whole and step.is_integer():
        return number == int(number) and off == 0
    # Binary fractions only approximate 0.1 and its multiples.
    return off <= max(1e-9 * step, 1e-12 * abs(number))


def _steps_in_words(low: float | None, step: float) -> str:
    start = low or 0.0
    if start % step:
        return f"{digits(start)} plus a multiple of {digits(step)}"
    return "a whole number" if step == 1 else f"a multiple of {digits(step)}"


def _range_in_words(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"a number from {digits(low)} to {digits(high)}"
    return f"{digits(low)} or more" if low is not None else f"{digits(high or 0.0)} or less"


def error_in_words(parameter: Parameter, details: Mapping[str, Any]) -> str:
    """Say what pydantic found wrong with a value, as the rest of a sentence that names it."""
    if details["type"] == "plain":
        return str(details["ctx"]["words"])
    if isinstance(parameter, MediaParameter):
        state = "is missing: add" if details["type"] == "missing" else "needs"
        return (
            f"{state} {_a_file(parameter)}, or a web address that starts with https:// or http://."
        )
    if isinstance(parameter, ChoiceParameter) and details["type"] != "missing":
        return f"cannot be that: {choices_in_words(parameter)}."
    return _WORDS.get(details["type"], "cannot be read: enter it again.")


def _a_file(parameter: MediaParameter) -> str:
    return f"a {MEDIA_NOUNS[parameter.media][0]}"


def missing(parameter: Parameter) -> Problem:
    """Say that a parameter has to be given."""
    what = "fill it in"
    if isinstance(parameter, MediaParameter):
        what = f"add {_a_file(parameter)}, or its web address"
    return Problem(parameter.name, f"{named(parameter)} is missing: {what}.")


def named(parameter: Parameter) -> str:
    """Name a parameter for people, with its documented name where that is another word."""
    is_same_word = parameter.label.lower() == parameter.name.lower()
    return parameter.label if is_same_word else f"{parameter.label} ({parameter.name})"
