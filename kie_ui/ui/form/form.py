"""A model's form: its widgets, the notes beside them, and their values."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

import gradio as gr
from gradio.components import Component

from kie_ui.catalog.constraints import missing
from kie_ui.catalog.parameters import JsonParameter, NumberParameter, Parameter, TextParameter
from kie_ui.catalog.rules import EXTRA, Notice, Problem, is_given
from kie_ui.catalog.spec import ExactlyOne, ModelSpec, OnlyWith
from kie_ui.catalog.values import JsonValue
from kie_ui.ui.form.components import MediaList, PictureInput, media_ref
from kie_ui.ui.form.widgets import parameter_value

START_FROM = "+start_from"
"""Name of the choice between parameters that exclude each other.

Like all names here that are not a parameter's own, it has a character that no documented name has.
"""
BACKGROUND_EVENT: dict[str, Any] = {
    "show_progress": "hidden",
    "queue": False,
    "api_visibility": "private",
}
"""How the page's own events run: none covers the form, waits for another, or is public.

They do not join Gradio's queue. Its browser client closes the stream of answers when the server has
no more to say; an event that joins at that moment has its answer sent to nobody, and its button
does nothing from then on (about once in a thousand presses on a busy computer). Without the queue,
the answer is that of the request itself.
"""

RANDOM = "+random"
"""The suffix of the name of a number's "choose for me" switch."""

ADDRESS = "+address"
"""The suffix of the name of a picture's typed web address."""

COUNTED_FROM = 0.8
"""Of its limit, from where on a short text is counted."""


@dataclass(frozen=True)
class Field:
    """One parameter on the page."""

    parameter: Parameter
    widget: Component
    note: gr.HTML
    """Where problems and notices of this parameter are shown."""
    random: gr.Checkbox | None = None
    counter: gr.HTML | None = None
    address: gr.Textbox | None = None
    facts: gr.HTML | None = None
    """What a given picture is, in words."""


@dataclass
class Form:
    """All fields of a model, in the order of the page; the last is the extra input, `EXTRA`."""

    spec: ModelSpec
    tab: str
    """The id of its tab, which no other form has: what is found by an id on the page bears it."""
    fields: dict[str, Field] = field(default_factory=dict)
    start_from: gr.Radio | None = None
    alternatives: dict[str, gr.Column] = field(default_factory=dict)
    folds: dict[gr.Accordion, tuple[str, ...]] = field(default_factory=dict)
    """What is folded away in each."""

    def companions(self, name: str) -> tuple[str, ...]:
        """Return the parameters that are sent only together with `name`."""
        return tuple(
            rule.parameter
            for rule in self.spec.rules
            if isinstance(rule, OnlyWith) and rule.needs == name
        )

    @property
    def inputs(self) -> dict[str, Component]:
        """Every widget by the name under which a handler gets its value."""
        named: dict[str, Component] = {}
        if self.start_from is not None:
            named[START_FROM] = self.start_from
        for name, shown in self.fields.items():
            named[name] = shown.widget
            if shown.random is not None:
                named[name + RANDOM] = shown.random
            if shown.address is not None:
                named[name + ADDRESS] = shown.address
        return named

    def values(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """Read what the widgets hold as values of the spec's parameters.

        Of parameters that exclude each other only the chosen one counts; what is typed in the
        others stays in its field. A typed address goes before the picture above it, so that one
        that cannot be used is a problem and not passed over.
        """
        silent = excluded(self.spec, {raw.get(START_FROM)})
        values: dict[str, Any] = {}
        for name, shown in self.fields.items():
            if name in silent:
                continue
            value = raw.get(name)
            if isinstance(shown.parameter, NumberParameter) and raw.get(name + RANDOM):
                value = shown.parameter.random_value
            address = str(raw.get(name + ADDRESS) or "").strip()
            values[name] = address or parameter_value(shown.parameter, value)
        return values

    def notes(
        self, problems: tuple[Problem, ...], notices: tuple[Notice, ...]
    ) -> dict[Component, str]:
        """Show each problem and notice at its field, and empty the other notes."""
        texts = {notice.parameter: _note(notice.message, "notice") for notice in notices}
        empty: dict[Component, str] = {
            shown.note: texts.get(name, "") for name, shown in self.fields.items()
        }
        return {**empty, **self.notes_of(problems)}

    def in_sight(
        self, problems: tuple[Problem, ...], raw: Mapping[str, Any]
    ) -> tuple[Problem, ...]:
        """Move what is missing to the alternative that the person chose and sees."""
        chosen = raw.get(START_FROM)
        silent = excluded(self.spec, {chosen})
        return tuple(
            missing(self.spec.parameter(chosen))
            if chosen and (problem.parameter in silent or self._is_choice(problem, raw))
            else problem
            for problem in problems
        )

    def _is_choice(self, problem: Problem, raw: Mapping[str, Any]) -> bool:
        is_chosen = problem.parameter == raw.get(START_FROM)
        return is_chosen and not is_given(self.values(raw).get(problem.parameter))

    def while_typing(
        self, problems: tuple[Problem, ...], raw: Mapping[str, Any]
    ) -> tuple[Problem, ...]:
        """Keep the problems that are shown before any press: those of JSON that was begun."""
        return tuple(p for p in problems if self._is_json(p.parameter) and raw.get(p.parameter))

    def _is_json(self, name: str) -> bool:
        return name in self.fields and isinstance(self.fields[name].parameter, JsonParameter)

    def notes_of(self, problems: tuple[Problem, ...]) -> dict[Component, str]:
        """Show each problem at its field."""
        return {
            self.fields[problem.parameter].note: _note(problem.message, "error")
            for problem in problems
            if problem.parameter in self.fields
        }

    def opened(self, problems: tuple[Problem, ...]) -> dict[gr.Accordion, Any]:
        """Unfold the section that contains a problem, which would be hidden otherwise."""
        with_problems = {problem.parameter for problem in problems}
        return {
            fold: gr.update(open=True)
            for fold, names in self.folds.items()
            if not with_problems.isdisjoint(names)
        }

    def counts(self, raw: Mapping[str, Any]) -> dict[Component, str]:
        """Count the characters of every text that has a limit."""
        return {
            shown.counter: count_html(shown.parameter, str(raw.get(name) or ""))
            for name, shown in self.fields.items()
            if shown.counter is not None and isinstance(shown.parameter, TextParameter)
        }


def excluded(spec: ModelSpec, chosen: Collection[str | None]) -> set[str]:
    """Return the alternatives that are not chosen, and what is sent only together with them."""
    rules = [rule for rule in spec.rules if isinstance(rule, ExactlyOne)]
    names = {name for rule in rules for name in rule.parameters if name not in chosen}
    companions = [rule for rule in spec.rules if isinstance(rule, OnlyWith)]
    return names | {rule.parameter for rule in companions if rule.needs in names}


def initial_value(widget: Any) -> Any:
    """Return what a handler gets from an untouched widget."""
    if isinstance(widget, MediaList):
        return widget.preprocess(widget.value)
    is_picture = isinstance(widget, PictureInput) and widget.value is not None
    return media_ref(widget.value) if is_picture else widget.value


def extra_notices(notices: tuple[Notice, ...], checked: Mapping[str, Any]) -> tuple[Notice, ...]:
    """Add a notice of what the extra input sends, since that is folded away."""
    extra = checked.get(EXTRA)
    if not isinstance(extra, JsonValue) or any(n.parameter == EXTRA for n in notices):
        return notices
    return (*notices, Notice(EXTRA, f"Sent as well: {', '.join(map(str, extra.value))}."))


def _note(message: str, kind: str) -> str:
    role = "alert" if kind == "error" else "status"
    return f'<p class="kie-note-{kind}" role="{role}">{escape(message)}</p>'


def count_html(parameter: TextParameter, text: str) -> str:
    """Show how many characters of the limit are used, and how many are too many.

    For a short text, only once it is near the limit.
    """
    limit = parameter.max_length or 0
    if not parameter.multiline and len(text) < COUNTED_FROM * limit:
        return ""
    over = len(text) - limit
    kind = "kie-over" if over > 0 else ""
    words = f"{len(text):,} / {limit:,}" + (f" · {over:,} too many" if over > 0 else "")
    return f'<span class="{kind}">{words} characters</span>'
