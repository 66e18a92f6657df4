"""What the rules between parameters mean: pure functions over a spec and the values of its form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from kie_ui.catalog.parameters import MediaParameter
from kie_ui.catalog.spec import Becomes, ExactlyOne, ModelSpec, OnlyWith
from kie_ui.catalog.values import JsonValue

EXTRA = "+extra"
"""Under this name a form's values hold the extra input: an object of fields that no page documents.

It goes into the request last, over everything. No documented name can be that.
"""


class Problem(NamedTuple):
    """Why one parameter cannot be sent as it is, in words that say what to do."""

    parameter: str
    message: str
    row: int = 0
    """Of a table, from 1; 0: no row in particular."""
    column: str = ""
    """Of a table, by its documented name."""


class Notice(NamedTuple):
    """Something that will be done otherwise than the values say."""

    parameter: str
    message: str


def is_given(value: Any) -> bool:
    """Whether a value says anything: blank text and empty lists do not, `False` and 0 do."""
    if value is None:
        return False
    if isinstance(value, str):
        return bool(value.strip())
    if isinstance(value, (list, tuple, dict)):
        return len(value) > 0
    return is_given(value.value) if isinstance(value, JsonValue) else True


def with_defaults(spec: ModelSpec, given: Mapping[str, Any]) -> dict[str, Any]:
    """Complete the values that a caller left out with the documented defaults.

    Of parameters that exclude each other, none gets its default once one of them is given or has
    got its own.
    """
    values = dict(given)
    for parameter in spec.parameters:
        others = spec.exclusive_with(parameter.name)
        if parameter.name in given or any(is_given(values.get(name)) for name in others):
            continue
        if is_given(parameter.default):
            values[parameter.name] = parameter.default
    return values


def without_meaningless(spec: ModelSpec, values: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what says nothing: empty values, and parameters whose companion is missing."""
    kept = {name: value for name, value in values.items() if is_given(value)}
    companions = [rule for rule in spec.rules if isinstance(rule, OnlyWith)]
    # Once more after each one left out: another may have been kept for its sake alone.
    while lonely := {
        r.parameter for r in companions if r.parameter in kept and r.needs not in kept
    }:
        for name in lonely:
            del kept[name]
    return kept


def apply_replacements(spec: ModelSpec, values: Mapping[str, Any]) -> dict[str, Any]:
    """Replace the values that the service would replace by itself."""
    replaced = dict(values)
    for rule in _rules_that_replace(spec, values):
        replaced[rule.parameter] = rule.becomes
    return replaced


def notices(spec: ModelSpec, values: Mapping[str, Any]) -> tuple[Notice, ...]:
    """List what would be done otherwise than these values say.

    `values` are checked ones, or a form's; an extra input that is not an object is ignored.
    """
    replaced = [Notice(rule.parameter, rule.notice) for rule in _rules_that_replace(spec, values)]
    return (*replaced, *_overridden(spec, values))


def _overridden(spec: ModelSpec, values: Mapping[str, Any]) -> Iterator[Notice]:
    """Say which documented values the extra input overrides."""
    extra = values.get(EXTRA)
    if not isinstance(extra, JsonValue):
        return
    names = [parameter.name for parameter in spec.parameters if parameter.name in extra.value]
    if names:
        yield Notice(EXTRA, f"Sent instead of what the form says: {', '.join(names)}.")


def in_effect(checked: Mapping[str, Any]) -> dict[str, Any]:
    """Return checked values as they take effect, the extra input over everything."""
    rest = {name: value for name, value in checked.items() if name != EXTRA}
    extra = checked.get(EXTRA)
    return {**rest, **extra.value} if isinstance(extra, JsonValue) else rest


def exclusion_problems(spec: ModelSpec, values: Mapping[str, Any]) -> Iterator[Problem]:
    """Find groups of which none, or more than one, is given."""
    for rule in spec.rules:
        if not isinstance(rule, ExactlyOne):
            continue
        labels = {name: spec.parameter(name).label for name in rule.parameters}
        given = [name for name in rule.parameters if is_given(values.get(name))]
        if not given:
            first = rule.parameters[0]
            ways = " or ".join(_way(spec, name) for name in rule.parameters)
            yield Problem(first, f"Something to start from is missing: give {ways}.")
        elif len(given) > 1:
            both = " and ".join(f"{labels[name]} ({name})" for name in given)
            for name in given:
                yield Problem(name, f"{both} cannot be used together: clear one of them.")


def _way(spec: ModelSpec, name: str) -> str:
    parameter = spec.parameter(name)
    noun = "a picture" if isinstance(parameter, MediaParameter) else f"a {parameter.label}"
    return f"{noun} ({name})"


def _rules_that_replace(spec: ModelSpec, values: Mapping[str, Any]) -> Iterator[Becomes]:
    for rule in spec.rules:
        if (
            isinstance(rule, Becomes)
            and values.get(rule.parameter) == rule.value
            and is_given(values.get(rule.given))
        ):
            yield rule
