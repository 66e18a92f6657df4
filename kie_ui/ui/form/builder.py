"""A spec → its form on the page: which fields there are, in which order, and how they are wired."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import partial
from html import escape
from typing import Any

import anyio
import anyio.to_thread
import gradio as gr
from gradio.components import Component

from kie_ui.catalog.describe import widget_kind
from kie_ui.catalog.parameters import (
    ChoiceParameter,
    JsonParameter,
    MediaParameter,
    NumberParameter,
    Parameter,
    TextParameter,
)
from kie_ui.catalog.roles import roles_of
from kie_ui.catalog.rules import EXTRA
from kie_ui.catalog.spec import ExactlyOne, ModelSpec
from kie_ui.catalog.values import MediaRef
from kie_ui.settings import ASSETS
from kie_ui.simulator.files import SAMPLE_IMAGE_TASKS
from kie_ui.ui.form.components import PictureInput, look_at
from kie_ui.ui.form.form import BACKGROUND_EVENT, Field, Form, count_html
from kie_ui.ui.form.widgets import build_widget, is_filled_in

MAX_IN_SIGHT = 12
"""Fields shown unfolded; of a model with more, the optional ones after these are folded away."""

_ORDER = (("media",), ("text",), ("choice",), ("number", "switch"), ("table",), ("json",))
"""Kinds that are shown together, in the order of the form."""

_EXTRA = JsonParameter(
    name=EXTRA,
    label="Extra input",
    help=(
        "Fields that no page documents yet, as a JSON object. "
        "They go into the request last, over everything above."
    ),
)

# A typed address is shown by the browser itself; our server never fetches it. What is no
# address, or not yet, leaves the picture where it is.
_SHOW_ADDRESS_JS = """async (address, shown) => {
  const url = address.trim();
  if (!/^https?:\\/\\/[^\\s\\/]+\\/\\S+$/i.test(url)) return [];
  if (await window.kieUi('isHeldBack', url)) return [];
  return [{ path: url, url, orig_name: url.split(/[?#]/)[0].split("/").pop() || "picture",
            meta: { _type: "gradio.FileData" } }, ""];
}"""
# After a refresh it is shown only to who asks: a page that is opened asks nothing of other hosts.
_LOOK_AGAIN_JS = f"""async (address, shown) => {{
  if (!await window.kieUi('release', address.trim())) return [];
  return ({_SHOW_ADDRESS_JS})(address, shown);
}}"""

# By the time a picture was inspected, the person may have chosen another one, which stays.
_SHOW_INSTEAD_JS = """async (looked, shown) => {
  if (!looked?.instead || looked.of !== shown?.path) return shown;
  return { ...looked.instead, url: await window.kieUi('fileAddress', looked.instead.path) };
}"""

# Both are seen to by the browser alone, so that a form that was restored shows no other first.
_SHOW_CHOSEN_JS = """(chosen) => %s.map((name) => ({
  __type__: "update", visible: name === chosen }))"""
_REST_WHILE_RANDOM_JS = """(isRandom) => ({ __type__: "update", interactive: !isRandom })"""


def help_html(parameter: Parameter) -> str:
    """Return the help and documented name of a parameter whose widget has no line for them."""
    name = f"<code>{escape(parameter.name)}</code>"
    return f"<p>{escape(parameter.help)} {name}</p>"


def build_form(spec: ModelSpec, tab: str = "") -> Form:
    """Build a spec's form inside the current Blocks context, for a tab of its own or another's.

    What the clip starts from comes first, then what should happen, then how; what is required
    before what is not. Rarely needed parameters are folded away at the end, and the extra input.
    """
    form = Form(spec, tab or spec.api_name)
    for rule in spec.rules:
        if isinstance(rule, ExactlyOne):
            _build_alternatives(form, rule)
    rest = [parameter for parameter in spec.parameters if parameter.name not in form.fields]
    in_sight, more, advanced = by_need(rest)
    _build_sections(form, in_sight)
    for title, folded in (("More settings", more), ("Advanced", advanced)):
        if folded:
            with gr.Accordion(title, open=False, elem_classes="kie-fold") as fold:
                _build_sections(form, folded)
            form.folds[fold] = tuple(parameter.name for parameter in folded)
    _build_extra(form)
    return form


def by_need(
    parameters: Iterable[Parameter],
) -> tuple[list[Parameter], list[Parameter], list[Parameter]]:
    """Divide parameters into those in sight, those that are too many for it, and the rare ones."""
    ordered = in_order(parameters)
    main = [p for p in ordered if not p.advanced or p.required]
    most = max(MAX_IN_SIGHT, sum(p.required for p in main))
    return main[:most], main[most:], [p for p in ordered if p.advanced and not p.required]


def in_order(parameters: Iterable[Parameter]) -> list[Parameter]:
    """Sort parameters as the form shows them; those of a kind stay in the documented order."""
    place = {kind: place for place, kinds in enumerate(_ORDER) for kind in kinds}
    return sorted(parameters, key=lambda p: (not p.required, place[p.kind]))


def _build_sections(form: Form, parameters: list[Parameter]) -> None:
    for parameter_group in _grouped(parameters):
        if isinstance(parameter_group[0], ChoiceParameter):
            with gr.Row(elem_classes="kie-choices"):
                _build_fields(form, parameter_group)
        else:
            _build_fields(form, parameter_group)


def _grouped(parameters: list[Parameter]) -> list[list[Parameter]]:
    """Put neighbours together that are choices, or are none."""
    groups: list[list[Parameter]] = []
    for parameter in parameters:
        is_choice = isinstance(parameter, ChoiceParameter)
        if groups and isinstance(groups[-1][0], ChoiceParameter) == is_choice:
            groups[-1].append(parameter)
        else:
            groups.append([parameter])
    return groups


def _build_fields(form: Form, parameters: list[Parameter]) -> None:
    for parameter in parameters:
        form.fields[parameter.name] = _build_field(parameter)


def _build_extra(form: Form) -> None:
    """Build the extra input, folded away; notes about it are outside of the fold."""
    with gr.Column(elem_classes=["kie-field", "kie-extra"]):
        with gr.Accordion("Extra input", open=False, elem_classes="kie-fold") as fold:
            widget = build_widget(_EXTRA)
        note = gr.HTML("", elem_classes="kie-note")
    form.folds[fold] = (EXTRA,)
    form.fields[EXTRA] = Field(_EXTRA, widget, note)


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
        None,
        form.start_from,
        list(columns.values()),
        js=_SHOW_CHOSEN_JS % json.dumps(list(columns)),
        api_visibility="private",
    )


def _build_field(parameter: Parameter) -> Field:
    classes = ["kie-field", "kie-required"] if parameter.required else ["kie-field"]
    with gr.Column(elem_classes=classes, min_width=140):
        random = _build_random_switch(parameter)
        widget = build_widget(parameter)
        if isinstance(widget, PictureInput):  # the one widget that has no line for this
            gr.HTML(help_html(parameter), elem_classes="kie-help")
        address = _build_address(parameter, widget)
        _build_offer(parameter, widget, address)
        facts = _build_facts(parameter, widget)
        _build_image_tasks(parameter, widget)
        if address is not None and facts is not None:
            _wire_address(address, widget, facts)
        counter = _build_counter(parameter)
        note = gr.HTML("", elem_classes="kie-note")
    if random is not None:
        random.change(None, random, widget, js=_REST_WHILE_RANDOM_JS, api_visibility="private")
    return Field(parameter, widget, note, random, counter, address, facts)


def _build_random_switch(parameter: Parameter) -> gr.Checkbox | None:
    if not isinstance(parameter, NumberParameter) or parameter.random_value is None:
        return None
    return gr.Checkbox(
        value=parameter.default == parameter.random_value,
        label=f"Random {parameter.label.lower()}",
        info=f"Sends {parameter.random_value:g}: a different one every time.".replace("-", "−"),
    )


def _build_counter(parameter: Parameter) -> gr.HTML | None:
    if not isinstance(parameter, TextParameter) or parameter.max_length is None:
        return None
    return gr.HTML(count_html(parameter, parameter.default or ""), elem_classes="kie-counter")


def _build_address(parameter: Parameter, widget: Component) -> gr.Textbox | None:
    """Build the field for a picture's web address, beside the picture itself."""
    if not isinstance(widget, PictureInput):
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
        "<p>In demo mode addresses are not fetched: the clip is made from a placeholder.</p>",
        elem_classes="kie-demo-only kie-address-hint",
    )
    for replaced in (widget.clear, widget.upload):
        replaced(None, None, address, js="() => ''", api_visibility="private")
    return address


def _wire_address(address: gr.Textbox, widget: Component, facts: gr.HTML) -> None:
    """Have the browser show the picture at a typed address, in place of another."""
    # `change`, not `input`: a pasted address does not trigger the latter.
    for happened, js in ((address.change, _SHOW_ADDRESS_JS), (address.focus, _LOOK_AGAIN_JS)):
        happened(None, [address, widget], [widget, facts], js=js, api_visibility="private")


def _build_offer(parameter: Parameter, widget: Component, address: gr.Textbox | None) -> None:
    """Build the button that puts a picture in to try with, where the form starts without one."""
    if not isinstance(parameter, MediaParameter) or is_filled_in(parameter) or address is None:
        return
    if parameter.sample is not None:
        sample = str(ASSETS / parameter.sample)
        gr.Button("Use a sample picture", size="sm").click(
            lambda: sample, None, widget, **BACKGROUND_EVENT
        )
    elif parameter.default and widget_kind(parameter) == "picture":
        example = in_script(parameter.default[0])
        gr.Button("Use the documentation’s example", size="sm").click(
            None, None, address, js=f"() => {example}", api_visibility="private"
        )


def in_script(data: Any) -> str:
    """Write data for a script; nothing in a spec can end the script."""
    return json.dumps(data).replace("<", "\\u003c")


# Decoding takes memory for a moment, so few pictures are inspected together.
_LOOKS = anyio.CapacityLimiter(2)


async def _look_at_in_turn(
    parameter: MediaParameter, picture: MediaRef | None
) -> tuple[dict[str, Any] | None, str]:
    """Inspect a picture in a thread, once few others are being inspected."""
    return await anyio.to_thread.run_sync(look_at, parameter, picture, limiter=_LOOKS)


def _build_facts(parameter: Parameter, widget: Component) -> gr.HTML | None:
    """Build the line that describes a given picture, or says why it can't be used."""
    if not isinstance(parameter, MediaParameter) or not isinstance(widget, PictureInput):
        return None
    facts = gr.HTML("", elem_classes="kie-facts")
    # By its class, since Gradio shows every child of a column that it shows again.
    looked_at = gr.JSON(elem_classes="kie-unseen")
    looked = widget.upload(
        partial(_look_at_in_turn, parameter),
        widget,
        [looked_at, facts],
        trigger_mode="always_last",
        **BACKGROUND_EVENT,
    )
    looked.then(None, [looked_at, widget], widget, js=_SHOW_INSTEAD_JS, api_visibility="private")
    widget.clear(None, None, facts, js="() => ''", api_visibility="private")
    return facts


def _build_image_tasks(parameter: Parameter, widget: Component) -> None:
    """Build the ids that may be tried in demo mode, each a press away."""
    if "image_task_id" not in roles_of(parameter):
        return
    with gr.Column(elem_classes="kie-demo-only kie-try"):
        gr.HTML("<p>Image tasks to try in demo mode:</p>")
        with gr.Row():
            for task in SAMPLE_IMAGE_TASKS:
                gr.Button(f"{task.title}: {task.task_id}", size="sm").click(
                    None, None, widget, js=f"() => {json.dumps(task.task_id)}"
                )
