"""A model's form: its widgets, what stands beside them, and what they say as values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from html import escape
from typing import Any

import gradio as gr
from gradio.components import Component

from kie_ui.catalog.inputs import missing
from kie_ui.catalog.parameters import (
    ChoiceParameter,
    MediaParameter,
    NumberParameter,
    Parameter,
    SwitchParameter,
    TextParameter,
)
from kie_ui.catalog.rules import Notice, Problem, is_given
from kie_ui.catalog.spec import ExactlyOne, ModelSpec, OnlyWith
from kie_ui.simulator.samples import sample_image_tasks
from kie_ui.ui.components import PictureInput
from kie_ui.ui.pictures import look_at, media_ref
from kie_ui.ui.theme import ASSETS
from kie_ui.ui.widgets import build_widget, is_filled_in

START_FROM = "start_from"
"""Name of the choice between parameters that exclude each other."""
QUIETLY: dict[str, Any] = {
    "show_progress": "hidden",
    "concurrency_limit": None,
    "api_visibility": "private",
}
"""How the page's own events run: none covers the form, waits for another, or is public."""

RANDOM = "__random"
"""What the name of a number's "choose for me" switch ends on."""

ADDRESS = "__address"
"""What the name of a picture's typed web address ends on."""

# A typed address is shown by the browser itself; our server is never asked to look. What is no
# address, or not yet, leaves the picture where it is.
_SHOW_ADDRESS_JS = """(address, shown) => {
  const url = address.trim();
  if (!/^https?:\\/\\/[^\\s\\/]+\\/\\S+$/i.test(url)) return shown;
  return { path: url, url, orig_name: url.split(/[?#]/)[0].split("/").pop() || "picture",
           meta: { _type: "gradio.FileData" } };
}"""


# By the time that a picture was looked at, the person may have put in another one, which stays.
_SHOW_INSTEAD_JS = """(looked, shown) => {
  if (!looked?.instead || looked.of !== shown?.path) return shown;
  return { ...looked.instead, url: window.kieUi.fileAddress(looked.instead.path) };
}"""

LOOKS_AT_ONCE = 2


@dataclass(frozen=True)
class Field:
    """One parameter on the page."""

    parameter: Parameter
    widget: Component
    note: gr.HTML
    """Where problems and notices of this parameter are said."""
    random: gr.Checkbox | None = None
    counter: gr.HTML | None = None
    address: gr.Textbox | None = None


@dataclass
class Form:
    """All fields of a model, in the order of the page."""

    spec: ModelSpec
    fields: dict[str, Field] = field(default_factory=dict)
    start_from: gr.Radio | None = None
    alternatives: dict[str, gr.Column] = field(default_factory=dict)

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
        """Read what the widgets say as values of the spec's parameters.

        Of parameters that exclude each other only the chosen one speaks; what is typed in the
        others stays in its field. A typed address goes before the picture above it, so that one
        that cannot be used is told and not passed over.
        """
        silent = self._silent(raw.get(START_FROM))
        values: dict[str, Any] = {}
        for name, shown in self.fields.items():
            if name in silent:
                continue
            value = raw.get(name)
            if isinstance(shown.parameter, NumberParameter) and raw.get(name + RANDOM):
                value = shown.parameter.random_value
            values[name] = str(raw.get(name + ADDRESS) or "").strip() or value
        return values

    def _silent(self, chosen: str | None) -> set[str]:
        names: set[str] = set()
        for rule in self.spec.rules:
            if isinstance(rule, ExactlyOne):
                names.update(name for name in rule.parameters if name != chosen)
        companions = [rule for rule in self.spec.rules if isinstance(rule, OnlyWith)]
        return names | {rule.parameter for rule in companions if rule.needs in names}

    def notes(
        self, problems: tuple[Problem, ...], notices: tuple[Notice, ...]
    ) -> dict[Component, str]:
        """Say each problem and notice at its field, and empty the other notes."""
        said = {notice.parameter: _note(notice.message, "notice") for notice in notices}
        empty: dict[Component, str] = {
            shown.note: said.get(name, "") for name, shown in self.fields.items()
        }
        return {**empty, **self.notes_of(problems)}

    def in_sight(
        self, problems: tuple[Problem, ...], raw: Mapping[str, Any]
    ) -> tuple[Problem, ...]:
        """Move what is missing to the alternative that the person chose and sees."""
        chosen = raw.get(START_FROM)
        silent = self._silent(chosen)
        return tuple(
            missing(self.spec.parameter(chosen))
            if chosen and (problem.parameter in silent or self._is_choice(problem, raw))
            else problem
            for problem in problems
        )

    def _is_choice(self, problem: Problem, raw: Mapping[str, Any]) -> bool:
        is_chosen = problem.parameter == raw.get(START_FROM)
        return is_chosen and not is_given(self.values(raw).get(problem.parameter))

    def notes_of(self, problems: tuple[Problem, ...]) -> dict[Component, str]:
        """Say each problem at its field."""
        return {
            self.fields[problem.parameter].note: _note(problem.message, "error")
            for problem in problems
            if problem.parameter in self.fields
        }

    def counts(self, raw: Mapping[str, Any]) -> dict[Component, str]:
        """Count the characters of every text that has a limit."""
        return {
            shown.counter: count_html(shown.parameter, str(raw.get(name) or ""))
            for name, shown in self.fields.items()
            if shown.counter is not None and isinstance(shown.parameter, TextParameter)
        }


def untouched_value(widget: Any) -> Any:
    """Return what a handler gets of a widget that nobody has touched."""
    is_picture = isinstance(widget, PictureInput) and widget.value is not None
    return media_ref(widget.value) if is_picture else widget.value


def _note(message: str, kind: str) -> str:
    role = "alert" if kind == "error" else "status"
    return f'<p class="kie-note-{kind}" role="{role}">{escape(message)}</p>'


def help_html(parameter: Parameter) -> str:
    """Say what a parameter means, and its documented name, where the widget itself cannot."""
    name = f"<code>{escape(parameter.name)}</code>"
    return f"<p>{escape(parameter.help)} {name}</p>"


def count_html(parameter: TextParameter, text: str) -> str:
    """Show how many characters of the limit are used, and how many are too many."""
    limit = parameter.max_length or 0
    over = len(text) - limit
    kind = "kie-over" if over > 0 else ""
    words = f"{len(text):,} / {limit:,}" + (f" · {over:,} too many" if over > 0 else "")
    return f'<span class="{kind}">{words} characters</span>'


def build_form(spec: ModelSpec) -> Form:
    """Build a spec's form inside the current Blocks context.

    What the clip starts from comes first, then what should happen, then how; rarely needed
    parameters are folded away at the end.
    """
    form = Form(spec)
    for rule in spec.rules:
        if isinstance(rule, ExactlyOne):
            _build_alternatives(form, rule)
    rest = [parameter for parameter in spec.parameters if parameter.name not in form.fields]
    main = [parameter for parameter in rest if not parameter.advanced]
    _build_fields(form, [p for p in main if isinstance(p, MediaParameter)])
    _build_fields(form, [p for p in main if isinstance(p, TextParameter)])
    with gr.Row(elem_classes="kie-choices"):
        _build_fields(form, [p for p in main if isinstance(p, ChoiceParameter)])
    _build_fields(form, [p for p in main if isinstance(p, (NumberParameter, SwitchParameter))])
    advanced = [parameter for parameter in rest if parameter.advanced]
    if advanced:
        with gr.Accordion("Advanced", open=False, elem_classes="kie-fold"):
            _build_fields(form, advanced)
    return form


def _build_fields(form: Form, parameters: list[Parameter]) -> None:
    for parameter in parameters:
        form.fields[parameter.name] = _build_field(parameter)


def _build_alternatives(form: Form, rule: ExactlyOne) -> None:
    """Build a choice between parameters that exclude each other; only the chosen one shows."""
    first = rule.parameters[0]
    form.start_from = gr.Radio(
        [(alternative.label, alternative.parameter) for alternative in rule.alternatives],
        value=first,
        label=rule.label,
        elem_classes="kie-segments",
    )
    columns: dict[str, gr.Column] = {}
    for name in rule.parameters:
        with gr.Column(visible=name == first, elem_classes="kie-alternative") as columns[name]:
            _build_fields(form, [form.spec.parameter(n) for n in (name, *form.companions(name))])
    form.alternatives |= columns
    form.start_from.change(
        lambda chosen: [gr.Column(visible=name == chosen) for name in columns],
        form.start_from,
        list(columns.values()),
        show_progress="hidden",
        queue=False,
        api_visibility="private",
    )


def _build_field(parameter: Parameter) -> Field:
    with gr.Column(elem_classes="kie-field", min_width=140):
        random = _build_random_switch(parameter)
        widget = build_widget(parameter)
        if isinstance(parameter, MediaParameter):  # the one widget that has no line for this
            gr.HTML(help_html(parameter), elem_classes="kie-help")
        address = _build_address(parameter, widget)
        _build_offer(parameter, widget)
        _build_facts(parameter, widget)
        _build_image_tasks(parameter, widget)
        counter = _build_counter(parameter)
        note = gr.HTML("", elem_classes="kie-note")
    if random is not None:
        random.change(
            lambda is_random: gr.Slider(interactive=not is_random),
            random,
            widget,
            show_progress="hidden",
            queue=False,
            api_visibility="private",
        )
    return Field(parameter, widget, note, random, counter, address)


def _build_random_switch(parameter: Parameter) -> gr.Checkbox | None:
    if not isinstance(parameter, NumberParameter) or parameter.random_value is None:
        return None
    return gr.Checkbox(
        value=parameter.default == parameter.random_value,
        label=f"Random {parameter.label.lower()}",
        info=f"Sends {parameter.random_value:g}: another one every time.".replace("-", "−"),
    )


def _build_counter(parameter: Parameter) -> gr.HTML | None:
    if not isinstance(parameter, TextParameter) or parameter.max_length is None:
        return None
    if not parameter.multiline:
        return None
    return gr.HTML(count_html(parameter, parameter.default or ""), elem_classes="kie-counter")


def _build_address(parameter: Parameter, widget: Component) -> gr.Textbox | None:
    """Build the field for a picture's web address, beside the picture itself."""
    if not isinstance(parameter, MediaParameter) or not isinstance(widget, PictureInput):
        return None
    address = gr.Textbox(
        label=f"{parameter.label}: web address",
        placeholder="… or paste the web address of a picture",
        show_label=False,
        container=False,
        max_lines=1,
        elem_classes="kie-address",
    )
    gr.HTML(
        "<p>In demo mode no address is fetched: the clip is made from a stand-in.</p>",
        elem_classes="kie-demo-only kie-address-hint",
    )
    # `change`, not `input`: a pasted address comes without the latter.
    address.change(None, [address, widget], widget, js=_SHOW_ADDRESS_JS, api_visibility="private")
    for replaced in (widget.clear, widget.upload):
        replaced(None, None, address, js="() => ''", api_visibility="private")
    return address


def _build_offer(parameter: Parameter, widget: Component) -> None:
    """Build the button that puts our sample in, where the form does not start with it."""
    if not isinstance(parameter, MediaParameter) or is_filled_in(parameter):
        return
    if parameter.sample is not None:
        sample = str(ASSETS / parameter.sample)
        gr.Button("Use a sample picture", size="sm").click(lambda: sample, None, widget, **QUIETLY)


def _build_facts(parameter: Parameter, widget: Component) -> None:
    """Build the line that tells what a given picture is, or why it can't be used."""
    if not isinstance(parameter, MediaParameter) or not isinstance(widget, PictureInput):
        return
    facts = gr.HTML("", elem_classes="kie-facts")
    looked_at = gr.JSON(visible="hidden")
    # Decoding takes memory for a moment, so few pictures are looked at together.
    looking = {**QUIETLY, "concurrency_limit": LOOKS_AT_ONCE, "concurrency_id": "look"}
    looked = widget.upload(
        partial(look_at, parameter),
        widget,
        [looked_at, facts],
        trigger_mode="always_last",
        **looking,
    )
    looked.then(None, [looked_at, widget], widget, js=_SHOW_INSTEAD_JS, api_visibility="private")
    widget.clear(None, None, facts, js="() => ''", api_visibility="private")


def _build_image_tasks(parameter: Parameter, widget: Component) -> None:
    """Build the ids that may be tried in demo mode, each a press away."""
    if not isinstance(parameter, TextParameter) or parameter.names != "image_task":
        return
    with gr.Column(elem_classes="kie-demo-only kie-try"):
        gr.HTML("<p>In demo mode these image tasks may be tried:</p>")
        with gr.Row():
            for task in sample_image_tasks():
                gr.Button(f"{task.title}: {task.task_id}", size="sm").click(
                    None, None, widget, js=f"() => {json.dumps(task.task_id)}"
                )
