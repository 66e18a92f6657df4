"""A model's tab: the form on the left, its runs on the right, and what joins them."""

from __future__ import annotations

import json
from calendar import month_name
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr
from gradio.components import Component

from kie_ui.catalog.inputs import InvalidValues, check_part
from kie_ui.catalog.price import credits_in_words, estimate_credits
from kie_ui.catalog.rules import Problem, notices, with_defaults
from kie_ui.catalog.snippets import build_snippets
from kie_ui.catalog.spec import ModelSpec
from kie_ui.runs.errors import RunsProblem
from kie_ui.settings import Settings
from kie_ui.ui.feed import build_feed
from kie_ui.ui.form import QUIETLY, Form, build_form, untouched_value
from kie_ui.ui.refusals import on_page, refusal
from kie_ui.ui.services import Services
from kie_ui.ui.visitors import owner_of

HAS_PRESSED = "has_pressed"
"""Name of the state that says whether this form was refused: from then on it says what is amiss."""


@dataclass(frozen=True)
class ModelTab:
    """The parts of one model's tab that its events change."""

    form: Form
    has_pressed: gr.Checkbox
    price: gr.HTML
    button: gr.Button
    as_json: gr.Code
    as_curl: gr.Code
    as_python: gr.Code

    @property
    def spec(self) -> ModelSpec:
        """The model of this tab."""
        return self.form.spec

    @property
    def inputs(self) -> dict[str, Any]:
        """Everything a handler needs to know of the form."""
        return {**self.form.inputs, HAS_PRESSED: self.has_pressed}

    @property
    def followers(self) -> list[Component]:
        """What follows every change of the form."""
        notes = [shown.note for shown in self.form.fields.values()]
        counters = [s.counter for s in self.form.fields.values() if s.counter is not None]
        return [self.price, self.as_json, self.as_curl, self.as_python, *notes, *counters]


def build_model_tab(spec: ModelSpec, services: Services) -> ModelTab:
    """Build and wire a model's tab inside the current Blocks context."""
    with gr.Row(elem_classes="kie-model"):
        with gr.Column(scale=5, min_width=320, elem_classes="kie-form"):
            gr.HTML(_heading(spec), elem_classes="kie-heading")
            tab = _build_left(spec)
        with gr.Column(scale=6, min_width=320, elem_classes="kie-results"):
            build_feed(spec)
    _wire(tab, services)
    _fill_in(tab, services.settings)
    return tab


def _fill_in(tab: ModelTab, settings: Settings) -> None:
    """Have what follows the form say from the start what the untouched form says."""
    raw = {name: untouched_value(widget) for name, widget in tab.form.inputs.items()}
    follower: Any
    for follower, shown in _followed(tab, settings, raw, says_problems=False).items():
        follower.value = follower.postprocess(shown)


def _build_left(spec: ModelSpec) -> ModelTab:
    form = build_form(spec)
    defaults = with_defaults(spec, {})
    with gr.Row(elem_classes="kie-press"):
        price = gr.HTML(price_html(spec, defaults), elem_classes="kie-price")
        button = gr.Button(
            "Generate", variant="primary", elem_id=f"generate-{spec.api_name}", min_width=160
        )
    with gr.Accordion("Code of this request", open=False, elem_classes="kie-fold"), gr.Tabs():
        with gr.Tab("JSON"):
            as_json = _code("json")
        with gr.Tab("curl"):
            as_curl = _code("shell")
        with gr.Tab("Python"):
            as_python = _code("python")
    # A hidden widget and not a `gr.State`, for which every page would hold a connection open.
    has_pressed = gr.Checkbox(value=False, visible="hidden")
    return ModelTab(form, has_pressed, price, button, as_json, as_curl, as_python)


def _code(language: Any) -> gr.Code:
    return gr.Code(
        language=language,
        interactive=False,
        show_label=False,
        lines=8,
        max_lines=24,
        wrap_lines=True,
    )


def _heading(spec: ModelSpec) -> str:
    return (
        f"<p>{escape(spec.summary)}</p>"
        f"<p><code>{escape(spec.model)}</code> by {escape(spec.maker)} · "
        f'<a href="{escape(spec.documentation)}" target="_blank" rel="noreferrer">'
        "Kie’s page</a></p>"
    )


def _wire(tab: ModelTab, services: Services) -> None:
    async def follow(**raw: Any) -> dict[Component, Any]:
        """Bring price, notes, counts and code up to what the form says now."""
        has_pressed = bool(raw.pop(HAS_PRESSED))
        return _followed(tab, services.settings, raw, says_problems=has_pressed)

    async def press(request: gr.Request, **raw: Any) -> dict[Component, Any]:
        """Start a run of what the form says; nothing in the form changes."""
        raw.pop(HAS_PRESSED)
        values = tab.form.values(raw)
        found = await _start(tab.spec, services, owner_of(request), values)
        problems = tab.form.in_sight(found, raw)
        followed = _followed(tab, services.settings, raw, says_problems=bool(problems))
        return {**followed, **tab.form.notes_of(problems), tab.has_pressed: bool(problems)}

    gr.on(
        # The refusal of a press counts as a change too: a look at the form that was under way
        # meanwhile knows nothing of it, and its answer would take the problems away again.
        [widget.change for widget in tab.inputs.values()],
        follow,
        inputs_kwargs=tab.inputs,
        outputs=tab.followers,
        trigger_mode="always_last",
        **QUIETLY,
    )
    model = json.dumps(tab.spec.model)
    tab.button.click(None, None, None, js=f"() => window.kieUi.pressing({model})")
    pressed = tab.button.click(
        press,
        inputs_kwargs=tab.inputs,
        outputs=[*tab.followers, tab.has_pressed],
        trigger_mode="multiple",
        **QUIETLY,
    )
    for ended in (pressed.success, pressed.failure):
        ended(None, None, None, js=f"() => window.kieUi.pressed({model})")


async def _start(
    spec: ModelSpec, services: Services, owner: str, values: Mapping[str, Any]
) -> tuple[Problem, ...]:
    """Start a run, or tell why these values cannot be sent."""
    try:
        runs = await services.runs()
        await runs.submit(owner, spec.model, values, backend=services.backends.kind(owner))
    except InvalidValues as invalid:
        return invalid.problems
    except (RunsProblem, OSError) as problem:
        raise on_page(refusal(problem)) from problem
    return ()


def _followed(
    tab: ModelTab, settings: Settings, raw: Mapping[str, Any], *, says_problems: bool
) -> dict[Component, Any]:
    values = tab.form.values(raw)
    checked, problems = check_part(tab.spec, values)
    snippets = build_snippets(
        tab.spec, checked, settings.kie_api_base_url, settings.kie_upload_base_url
    )
    said = tab.form.in_sight(problems, raw) if says_problems else ()
    return {
        **tab.form.notes(said, notices(tab.spec, values)),
        **tab.form.counts(raw),
        tab.price: price_html(tab.spec, values),
        tab.as_json: snippets.json,
        tab.as_curl: snippets.curl,
        tab.as_python: snippets.python,
    }


def price_html(spec: ModelSpec, values: Mapping[str, Any]) -> str:
    """Say what a run of these values will cost, and how old that knowledge is."""
    estimate = estimate_credits(spec, values)
    if estimate is None or spec.price is None:
        return "<strong>Price unknown</strong>"
    year, month = spec.price.seen.split("-")
    seen = f"{month_name[int(month)]} {year}"
    return (
        f"<strong>about {credits_in_words(estimate)}</strong>"
        f"<small>estimate, prices of {seen}</small>"
    )
