"""What is said of a parameter and its value, in words for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kie_ui.catalog.parameters import ChoiceParameter, MediaParameter, Parameter
from kie_ui.catalog.rules import Problem
from kie_ui.catalog.validation.constraints import NOUNS, choices_in_words

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
"""Pydantic's kinds of error, in words for people; ours (`plain`) bring their own."""


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
    return _WORDS.get(details["type"], "cannot be read: enter it anew.")


def _a_file(parameter: MediaParameter) -> str:
    return f"a {NOUNS[parameter.media][0]}"


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
