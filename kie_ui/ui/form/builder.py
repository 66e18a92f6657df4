"""A spec → its form on the page: which widgets there are, in which order, and how they are wired.

A widget of Gradio's is all that a parameter has here. Notes, counters, help, and the small inputs
beside it are drawn by `assets/js/form.js`, since Gradio sends every component to every page and
copies it for every session.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
from gradio.components import Component

from kie_ui.catalog.describe import widget_kind
from kie_ui.catalog.parameters import ChoiceParameter, Parameter
from kie_ui.catalog.spec import ExactlyOne, ModelSpec, OnlyWith
from kie_ui.ui.form.plan import MARK, FormPlan, describe_form, mark_of
from kie_ui.ui.form.values import EXTRA_PARAMETER, START_FROM
from kie_ui.ui.form.widgets import build_widget

MAX_IN_SIGHT = 12
"""Fields shown unfolded; of a model with more, the optional ones after these are folded away."""

_ORDER = (("media",), ("text",), ("choice",), ("number", "switch"), ("table",), ("json",))
"""Kinds that are shown together, in the order of the form."""

_IN_BROWSER: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


@dataclass
class Form:
    """The widgets of a model, in the order of the page; the last is that of the extra input."""

    spec: ModelSpec
    tab: str
    """The id of its tab, which no other form has: what is found by an id on the page bears it."""
    widgets: dict[str, Component] = field(default_factory=dict)
    """By the names of their values."""
    parameters: dict[str, Parameter] = field(default_factory=dict)
    folds: dict[gr.Accordion, list[str]] = field(default_factory=dict)
    """What is folded away in each."""

    def describe(self) -> FormPlan:
        """Describe it to the browser."""
        folds = list(self.folds.values())
        return describe_form(self.spec, self.tab, self.widgets, self.parameters, folds)

    def companions(self, name: str) -> tuple[str, ...]:
        """Return the parameters that are sent only together with `name`."""
        return tuple(
            rule.parameter
            for rule in self.spec.rules
            if isinstance(rule, OnlyWith) and rule.needs == name
        )


def build_form(spec: ModelSpec, tab: str = "") -> Form:
    """Build a spec's form inside the current Blocks context, for a tab of its own or another's.

    What the clip starts from comes first, then what should happen, then how; what is required
    before what is not. Rarely needed parameters are folded away at the end, and the extra input.
    """
    form = Form(spec, tab or spec.api_name)
    for rule in spec.rules:
        if isinstance(rule, ExactlyOne):
            _build_alternatives(form, rule)
    rest = [parameter for parameter in spec.parameters if parameter.name not in form.widgets]
    in_sight, more, advanced = by_need(rest)
    _build_sections(form, in_sight)
    for title, folded in (("More settings", more), ("Advanced", advanced)):
        if folded:
            with gr.Accordion(title, open=False, elem_classes="kie-fold") as fold:
                _build_sections(form, folded)
            form.folds[fold] = [parameter.name for parameter in folded]
    _build_extra(form)
    return form


def wire_form(form: Form) -> None:
    """Tell the scripts what the widgets hold, and let them fill the widgets in.

    The server has no part in either. `filling` gives a value, or an update that changes nothing,
    for every widget and every fold.
    """
    widgets = list(form.widgets.values())
    changes = [getattr(widget, "change") for widget in widgets]  # noqa: B009 - mypy knows no events
    js = f"(...values) => window.kieUi('formChanged', '{form.tab}', values)"
    gr.on(changes, None, widgets, None, js=js, **_IN_BROWSER)
    fill = gr.Button(visible="hidden", elem_id=f"kie-fill-{form.tab}")
    js = f"() => window.kieUi('filling', '{form.tab}')"
    fill.click(None, None, [*widgets, *form.folds], js=js, **_IN_BROWSER)


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


def _build_fields(form: Form, parameters: Iterable[Parameter]) -> None:
    for parameter in parameters:
        _build_field(form, parameter)


def _build_alternatives(form: Form, rule: ExactlyOne) -> None:
    """Build a choice between parameters that exclude each other; only the chosen one is shown."""
    choice = gr.Radio(
        [(alternative.label, alternative.parameter) for alternative in rule.alternatives],
        value=rule.parameters[0],
        label=rule.label,
        elem_classes=["kie-segments", "kie-inline-choice", MARK + mark_of(START_FROM)],
    )
    form.widgets[START_FROM] = choice
    for name in rule.parameters:
        classes = ["kie-alternative", f"kie-alternative-{mark_of(name)}"]
        with gr.Column(elem_classes=classes):
            _build_fields(form, (form.spec.parameter(n) for n in (name, *form.companions(name))))


def _build_extra(form: Form) -> None:
    """Build the extra input, folded away; the fold is its field, whose notes stay in sight."""
    classes = ["kie-fold", "kie-extra", "kie-field", MARK + mark_of(EXTRA_PARAMETER.name)]
    with gr.Accordion("Extra input", open=False, elem_classes=classes) as fold:
        widget = build_widget(EXTRA_PARAMETER)
    form.folds[fold] = [EXTRA_PARAMETER.name]
    form.widgets[EXTRA_PARAMETER.name] = widget
    form.parameters[EXTRA_PARAMETER.name] = EXTRA_PARAMETER


def _build_field(form: Form, parameter: Parameter) -> None:
    """Build a widget; that of a picture is of a fixed height, so what belongs to it goes below."""
    classes = ["kie-field", "kie-required"] if parameter.required else ["kie-field"]
    widget: Any
    if widget_kind(parameter) == "picture":
        with gr.Column(elem_classes=classes):
            widget = build_widget(parameter)
        classes = []
    else:
        widget = build_widget(parameter)
    given = widget.elem_classes or []
    widget.elem_classes = [*given, *classes, MARK + mark_of(parameter.name)]
    form.widgets[parameter.name] = widget
    form.parameters[parameter.name] = parameter
