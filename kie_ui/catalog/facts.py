"""What a page states of a parameter, as one JSON object: what `show --json` prints."""

from __future__ import annotations

from typing import Any

from kie_ui.catalog.parameters import (
    ChoiceParameter,
    JsonParameter,
    MediaParameter,
    NumberParameter,
    Parameter,
    SwitchParameter,
    TableParameter,
    TextParameter,
)
from kie_ui.catalog.spec import ModelSpec

ORDER = (
    "name",
    "type",
    "required",
    "options",
    "default",
    "minimum",
    "maximum",
    "step",
    "min_length",
    "max_length",
    "min_items",
    "max_items",
    "max_bytes",
    "accepts",
    "pattern",
    "description",
    "widget",
)
"""The names of the facts, in the order in which they are told."""

MOST_IN_SIGHT = 12
"""Choices; a longer list is one to search."""
MOST_STOPS = 10_000
"""Values of a slider; with more of them a number is typed in."""


def facts_of(parameter: Parameter) -> dict[str, Any]:
    """Return what is documented of a parameter, and the widget that it gets."""
    facts = derived_facts(parameter) | parameter.stated | {"widget": widget_of(parameter)}
    return {name: facts[name] for name in ORDER if facts.get(name) is not None}


def facts_of_model(spec: ModelSpec) -> dict[str, Any]:
    """Return what is documented of a model, and what its page left open."""
    return {
        "model": spec.model,
        "title": spec.title,
        "parameters": [facts_of(parameter) for parameter in spec.parameters],
        "warnings": list(spec.warnings),
    }


def derived_facts(parameter: Parameter) -> dict[str, Any]:
    """Return the facts that the fields of a parameter hold, without what is only `stated`."""
    return {
        "name": parameter.name,
        "type": parameter.wire_type,
        "required": parameter.required,
        "description": parameter.help or None,
        **_limits(parameter),
    }


def is_same_fact(one: Any, other: Any) -> bool:
    """Compare as JSON does: true is not 1."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _limits(parameter: Parameter) -> dict[str, Any]:
    match parameter:
        case TextParameter():
            return {
                "default": parameter.default,
                "min_length": parameter.min_length,
                "max_length": parameter.max_length,
                "pattern": parameter.pattern,
            }
        case ChoiceParameter():
            default = parameter.default
            return {
                "options": list(parameter.values),
                "default": list(default) if isinstance(default, tuple) else default,
                "min_items": parameter.min_items,
                "max_items": parameter.max_items,
            }
        case NumberParameter():
            return {
                "default": _plain(parameter.default),
                "minimum": _plain(parameter.minimum),
                "maximum": _plain(parameter.maximum),
                "step": _plain(parameter.step),
            }
        case MediaParameter():
            return _media(parameter)
        case TableParameter():
            return {
                "default": list(parameter.default) or None,
                "min_items": parameter.min_items,
                "max_items": parameter.max_items,
            }
        case SwitchParameter() | JsonParameter():
            return {"default": parameter.default}


def _media(parameter: MediaParameter) -> dict[str, Any]:
    first = parameter.default[0] if parameter.default else None
    return {
        "default": list(parameter.default) or None if parameter.many else first,
        "min_items": parameter.min_items if parameter.many else None,
        "max_items": parameter.max_items if parameter.many else None,
        "max_bytes": parameter.max_bytes,
        "accepts": list(parameter.accepts) or None,
    }


def _plain(number: float | None) -> int | float | None:
    """Write a whole number as one."""
    return int(number) if number is not None and number.is_integer() else number


def widget_of(parameter: Parameter) -> str:
    """Name what the form shows for a parameter, in a plain word."""
    match parameter:
        case TextParameter():
            word = "long text" if parameter.multiline else "text"
        case ChoiceParameter():
            word = _choice(parameter)
        case NumberParameter():
            word = "slider" if is_slider(parameter) else "number"
        case SwitchParameter():
            word = "three-way switch" if parameter.default is None else "switch"
        case MediaParameter():
            several = parameter.many and parameter.max_items != 1
            word = _MEDIA[parameter.media] + ("s" if several else "")
        case TableParameter():
            word = "table"
        case JsonParameter():
            word = "JSON"
    return word


_MEDIA = {"image": "picture", "video": "video", "audio": "sound", "file": "file"}


def _choice(parameter: ChoiceParameter) -> str:
    if parameter.many:
        return "several choices"
    return "list" if len(parameter.options) > MOST_IN_SIGHT else "choice"


def is_slider(parameter: NumberParameter) -> bool:
    """Tell whether a number is chosen on a slider: between two ends not too far apart."""
    low, high = parameter.minimum, parameter.maximum
    if low is None or high is None:
        return False
    return high - low <= MOST_STOPS * (parameter.step or (1 if parameter.integer else 0.01))
