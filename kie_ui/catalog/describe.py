"""What a page states of a parameter, as `show --json` prints it, and what a newer page changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kie_ui.catalog.media_types import MEDIA_NOUNS
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

LIMITS = (
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
)
"""The facts that limit a value, or give one."""
ORDER = ("name", "type", "required", *LIMITS, "description", "widget")
"""The names of the facts, in the order in which they are shown."""

MAX_SEGMENTS = 3
"""Choices beside each other."""
MAX_LETTERS = 45
"""Of all choices beside each other together."""

_WORDS = {
    "type": "type",
    "default": "default",
    "minimum": "lowest value",
    "maximum": "highest value",
    "step": "step",
    "min_length": "fewest characters",
    "max_length": "most characters",
    "min_items": "fewest entries",
    "max_items": "most entries",
    "max_bytes": "largest file",
    "accepts": "accepted files",
    "pattern": "pattern",
}
_LONGEST = 80
"""Characters of a value that a sentence shows."""


def facts_of(parameter: Parameter) -> dict[str, Any]:
    """Return what is documented of a parameter, and the widget that it gets."""
    facts = derived_facts(parameter) | parameter.stated | {"widget": widget_kind(parameter)}
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
    limits = {name: getattr(parameter, name, None) for name in LIMITS}
    match parameter:
        case ChoiceParameter():
            limits["options"] = parameter.values
        case NumberParameter():
            limits = {name: _plain(number) for name, number in limits.items()}
        case MediaParameter(many=False):
            first = next(iter(parameter.default), None)
            limits |= {"default": first, "min_items": None, "max_items": None}
    return {name: _as_list(limit) for name, limit in limits.items()}


def _as_list(value: Any) -> Any:
    """Write a tuple as a list; an empty one states nothing."""
    return (list(value) or None) if isinstance(value, tuple) else value


def _plain(number: float | None) -> int | float | None:
    """Write a whole number as one."""
    return int(number) if number is not None and number.is_integer() else number


def widget_kind(parameter: Parameter) -> str:
    """Decide by which widget, in plain words, the form asks for a parameter."""
    match parameter:
        case TextParameter():
            kind = "long text" if parameter.multiline else "text"
        case ChoiceParameter():
            kind = _choice_widget(parameter)
        case NumberParameter():
            kind = "slider" if _has_slider(parameter) else "number"
        case SwitchParameter():
            kind = _switch_widget(parameter)
        case MediaParameter():
            one, several = MEDIA_NOUNS[parameter.media]
            kind = several if parameter.many and parameter.max_items != 1 else one
        case TableParameter():
            kind = "table"
        case JsonParameter():
            kind = "JSON"
    return kind


def _choice_widget(parameter: ChoiceParameter) -> str:
    """Lay few short words beside each other; a longer list, or one of amounts, drops down."""
    if parameter.many:
        return "several choices"
    letters = sum(len(option.label) for option in parameter.options)
    are_few = len(parameter.options) <= MAX_SEGMENTS and letters <= MAX_LETTERS
    return "choice" if are_few and parameter.unit is None else "list"


def _has_slider(parameter: NumberParameter) -> bool:
    """Tell whether a number has both ends of a slider, and where its handle starts."""
    low, high = parameter.minimum, parameter.maximum
    has_both_ends = low is not None and high is not None and low < high
    return has_both_ends and parameter.default is not None


def _switch_widget(parameter: SwitchParameter) -> str:
    if parameter.default is not None:
        return "switch"
    return "yes or no" if parameter.required else "three-way switch"


def differences(old: ModelSpec, new: ModelSpec) -> tuple[str, ...]:
    """Say what a newer spec of a model changes in a request, a sentence each."""
    before = {parameter.name: parameter for parameter in old.parameters}
    after = {parameter.name: parameter for parameter in new.parameters}
    added = (parameter for name, parameter in after.items() if name not in before)
    kept = (name for name in before if name in after)
    return (
        *(f"{p.name} is new{', and required' if p.required else ''}." for p in added),
        *(f"{name} is gone." for name in before if name not in after),
        *(sentence for name in kept for sentence in _changes(before[name], after[name])),
    )


def _changes(before: Parameter, after: Parameter) -> Iterator[str]:
    old, new = facts_of(before), facts_of(after)
    for fact in ("type", "required", *LIMITS):
        if not is_same_fact(old.get(fact), new.get(fact)):
            yield _words(before.name, fact, old.get(fact), new.get(fact))


def _words(name: str, fact: str, old: Any, new: Any) -> str:
    if fact == "required":
        return f"{name} is {'now' if new else 'no longer'} required."
    if fact == "options":
        return _words_on_options(name, old or [], new or [])
    if old is None:
        return f"{name}: {_WORDS[fact]} {_shown(fact, new)}; there was none."
    if new is None:
        return f"{name}: no {_WORDS[fact]} any more; it was {_shown(fact, old)}."
    return f"{name}: {_WORDS[fact]} {_shown(fact, new)} instead of {_shown(fact, old)}."


def _words_on_options(name: str, old: list[Any], new: list[Any]) -> str:
    if not old:
        return f"{name} now has a list to choose from: {_listed(new)}."
    if not new:
        return f"{name} no longer has a list to choose from."
    gained = [value for value in new if value not in old]
    lost = [value for value in old if value not in new]
    parts = [
        f"now also {_listed(gained)}" if gained else "",
        f"no longer {_listed(lost)}" if lost else "",
    ]
    return f"{name}: {', '.join(filter(None, parts)) or 'the options are in a different order'}."


def _listed(values: list[Any]) -> str:
    shown = ", ".join(str(value) for value in values[:8])
    return shown if len(values) <= 8 else f"{shown} and {len(values) - 8} more"


def _shown(fact: str, value: Any) -> str:
    if fact == "max_bytes":
        return f"{value / 1_000_000:g} MB"
    if isinstance(value, bool):
        return "on" if value else "off"
    text = _listed(value) if isinstance(value, list) else str(value)
    text = " ".join(text.split())
    return f"“{text[: _LONGEST - 1]}…”" if len(text) > _LONGEST else text or "empty"
