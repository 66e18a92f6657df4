"""What the browser sends of a form → the values of the spec's parameters, and what is said of them.

The browser sends by name what each widget holds. Nothing in it is trusted: what no widget can hold
counts as nothing, or is left for the check, which says in words what is wrong.
"""

from __future__ import annotations

from calendar import month_name
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal

from pydantic import BaseModel

from kie_ui.catalog.constraints import missing
from kie_ui.catalog.describe import widget_kind
from kie_ui.catalog.parameters import (
    JsonParameter,
    MediaParameter,
    NumberParameter,
    Parameter,
    TableParameter,
)
from kie_ui.catalog.request import credits_in_words, estimate_credits
from kie_ui.catalog.rules import EXTRA, Notice, Problem, is_given, notices
from kie_ui.catalog.spec import ExactlyOne, ModelSpec, OnlyWith
from kie_ui.catalog.validate import check_part
from kie_ui.catalog.values import JsonValue
from kie_ui.ui.form.components import NotAPicture, media_ref, ref_or_text
from kie_ui.ui.form.widgets import parameter_value

START_FROM = "+start_from"
"""Name of the choice between parameters that exclude each other.

Like all names here that are not a parameter's own, it has a character that no documented name has.
"""
RANDOM = "+random"
"""The suffix of the name of a number's "choose for me" switch."""
ADDRESS = "+address"
"""The suffix of the name of a picture's typed web address."""

EXTRA_PARAMETER = JsonParameter(
    name=EXTRA,
    label="Extra input",
    help="Fields that no page documents yet, as a JSON object. They go over everything above.",
)


class Note(BaseModel):
    """One sentence at a field of a form."""

    field: str
    kind: Literal["error", "notice"]
    text: str
    row: int = 0
    """Of a table, from 1; 0: no row in particular."""
    column: str = ""


class Price(BaseModel):
    """The estimated cost of a run, in words."""

    text: str
    note: str = ""


class FormState(BaseModel):
    """What the page shows of a form's present values."""

    price: Price
    notes: list[Note]


def read_values(spec: ModelSpec, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Read what the widgets hold as values of the spec's parameters and of the extra input.

    Of parameters that exclude each other only the chosen one counts; what is typed in the others
    stays in its field. A typed address goes before the picture above it, so that one that cannot be
    used is a problem and not passed over.
    """
    silent = excluded(spec, _chosen(raw))
    return {
        parameter.name: _value(parameter, raw)
        for parameter in (*spec.parameters, EXTRA_PARAMETER)
        if parameter.name not in silent
    }


def _chosen(raw: Mapping[str, Any]) -> Collection[str]:
    """Return the alternative that the person chose, if there is one."""
    chosen = raw.get(START_FROM)
    return {chosen} if isinstance(chosen, str) else ()


def _value(parameter: Parameter, raw: Mapping[str, Any]) -> Any:
    held = raw.get(parameter.name)
    match parameter:
        case MediaParameter() if widget_kind(parameter) == "picture":
            address = str(raw.get(parameter.name + ADDRESS) or "").strip()
            return address or _picture(held)
        case MediaParameter():
            return [ref_or_text(item) for item in held] if isinstance(held, list) else []
        case TableParameter():
            return held if isinstance(held, list) else []
        case NumberParameter() if raw.get(parameter.name + RANDOM) is True:
            return parameter.random_value
        case NumberParameter():
            return None if isinstance(held, str) else held
        case _:
            return parameter_value(parameter, held)


def _picture(held: object) -> Any:
    """Read a picture; an unusable payload counts as none: the form says which one is missing."""
    try:
        return None if held is None else media_ref(held)
    except NotAPicture:
        return None


def excluded(spec: ModelSpec, chosen: Collection[str]) -> set[str]:
    """Return the alternatives that are not chosen, and what is sent only together with them."""
    rules = [rule for rule in spec.rules if isinstance(rule, ExactlyOne)]
    names = {name for rule in rules for name in rule.parameters if name not in chosen}
    companions = [rule for rule in spec.rules if isinstance(rule, OnlyWith)]
    return names | {rule.parameter for rule in companions if rule.needs in names}


def describe_state(
    spec: ModelSpec, raw: Mapping[str, Any], *, shows_problems: bool = False
) -> FormState:
    """Return the price, and at each field what is wrong or will be done otherwise.

    Before any press only the problems of JSON that was begun are shown.
    """
    values = read_values(spec, raw)
    checked, problems = check_part(spec, values)
    shown = in_sight(spec, problems, raw) if shows_problems else while_typing(spec, problems, raw)
    beforehand = notices(spec, {**values, EXTRA: checked.get(EXTRA)})
    return FormState(
        price=describe_price(spec, values),
        notes=list(notes_of(shown, extra_notices(beforehand, checked))),
    )


def describe_price(spec: ModelSpec, values: Mapping[str, Any]) -> Price:
    """Return the estimated cost of a run of these values, and the month of the price list."""
    estimate = estimate_credits(spec, values)
    if estimate is None or spec.price is None:
        return Price(text="Price unknown")
    year, month = spec.price.seen.split("-")
    seen = f"estimate, prices of {month_name[int(month)]} {year}"
    return Price(text=f"about {credits_in_words(estimate)}", note=seen)


def notes_of(problems: Collection[Problem], beforehand: Collection[Notice] = ()) -> Iterator[Note]:
    """Write each problem at its field, and each notice where there is no problem."""
    wrong = {problem.parameter for problem in problems}
    for problem in problems:
        yield Note(
            field=problem.parameter,
            kind="error",
            text=problem.message,
            row=problem.row,
            column=problem.column,
        )
    for notice in beforehand:
        if notice.parameter not in wrong:
            yield Note(field=notice.parameter, kind="notice", text=notice.message)


def in_sight(
    spec: ModelSpec, problems: Collection[Problem], raw: Mapping[str, Any]
) -> tuple[Problem, ...]:
    """Move what is missing to the alternative that the person chose and sees."""
    chosen = next((name for name in _chosen(raw) if spec.exclusive_with(name)), None)
    if chosen is None:
        return tuple(problems)
    silent = excluded(spec, {chosen})
    is_empty = not is_given(read_values(spec, raw).get(chosen))
    return tuple(
        missing(spec.parameter(chosen))
        if problem.parameter in silent or (problem.parameter == chosen and is_empty)
        else problem
        for problem in problems
    )


def while_typing(
    spec: ModelSpec, problems: Collection[Problem], raw: Mapping[str, Any]
) -> tuple[Problem, ...]:
    """Keep the problems that are shown before any press: those of JSON that was begun."""
    written = {p.name for p in (*spec.parameters, EXTRA_PARAMETER) if isinstance(p, JsonParameter)}
    return tuple(p for p in problems if p.parameter in written and raw.get(p.parameter))


def extra_notices(notices: tuple[Notice, ...], checked: Mapping[str, Any]) -> tuple[Notice, ...]:
    """Add a notice of what the extra input sends, since that is folded away."""
    extra = checked.get(EXTRA)
    if not isinstance(extra, JsonValue) or any(n.parameter == EXTRA for n in notices):
        return notices
    return (*notices, Notice(EXTRA, f"Sent as well: {', '.join(map(str, extra.value))}."))
