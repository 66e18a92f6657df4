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

from kie_ui.catalog.code_samples import build_code_samples
from kie_ui.catalog.registry import UnknownModel
from kie_ui.catalog.request import credits_in_words, estimate_credits
from kie_ui.catalog.rules import EXTRA, Problem, notices, with_defaults
from kie_ui.catalog.spec import ModelSpec
from kie_ui.catalog.validate import InvalidValues, check_part
from kie_ui.runs.errors import RunsProblem
from kie_ui.settings import Settings
from kie_ui.ui.asgi.identity import owner_of
from kie_ui.ui.errors import gradio_error, on_page, to_gradio_error
from kie_ui.ui.form.builder import build_form
from kie_ui.ui.form.drafts import wire_start_over
from kie_ui.ui.form.form import BACKGROUND_EVENT, Form, extra_notices, initial_value
from kie_ui.ui.services import Services
from kie_ui.ui.tabs.feed import build_feed

_KIE = ("https://kie.ai/", "https://docs.kie.ai/")

HAS_PRESSED = "+has_pressed"
"""Name of the state that says whether a press was refused: from then on the form shows problems."""


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
        """Everything a handler needs to know about the form."""
        return {**self.form.inputs, HAS_PRESSED: self.has_pressed}

    @property
    def followers(self) -> list[Component]:
        """What follows every change of the form."""
        notes = [shown.note for shown in self.form.fields.values()]
        counters = [s.counter for s in self.form.fields.values() if s.counter is not None]
        return [self.price, self.as_json, self.as_curl, self.as_python, *notes, *counters]


def build_model_tab(spec: ModelSpec, services: Services, tab_id: str = "") -> ModelTab:
    """Build and wire a model's tab inside the current Blocks context.

    `tab_id` names a tab that is not this model's alone.
    """
    with gr.Row(elem_classes="kie-model"):
        with gr.Column(scale=5, min_width=320, elem_classes="kie-form"):
            with gr.Row(elem_classes="kie-heading-row"):
                gr.HTML(_heading(spec), elem_classes="kie-heading")
                with gr.Column(scale=0, min_width=0, elem_classes="kie-heading-buttons"):
                    start_over = _quiet_button("Start over")
                    undo = _quiet_button("Undo", "kie-undo")
            tab = _build_left(spec, tab_id or spec.api_name)
        with gr.Column(scale=6, min_width=320, elem_classes="kie-results"):
            build_feed(spec, tab.form.tab)
    _wire_updates(tab, services.settings)
    _wire_button(tab, services)
    wire_start_over(tab.form, tab.has_pressed, start_over, undo)
    _fill_in(tab, services.settings)
    return tab


def _fill_in(tab: ModelTab, settings: Settings) -> None:
    """Show price, notes, counts and code of the untouched form from the start."""
    raw = {name: initial_value(widget) for name, widget in tab.form.inputs.items()}
    follower: Any
    for follower, shown in _updates(tab, settings, raw, shows_problems=False).items():
        follower.value = follower.postprocess(shown)


def _build_left(spec: ModelSpec, tab_id: str) -> ModelTab:
    form = build_form(spec, tab_id)
    defaults = with_defaults(spec, {})
    with gr.Row(elem_classes="kie-press"):
        _build_outage_line()
        price = gr.HTML(price_html(spec, defaults), elem_classes="kie-price")
        button = gr.Button(
            "Generate", variant="primary", elem_id=f"generate-{tab_id}", min_width=160
        )
    with gr.Accordion("Code of this request", open=False, elem_classes="kie-fold"), gr.Tabs():
        with gr.Tab("JSON"):
            as_json = _code("json")
        with gr.Tab("curl"):
            as_curl = _code("shell")
        with gr.Tab("Python"):
            as_python = _code("python")
    # A hidden widget and not a `gr.State`, for which every page would hold a connection open.
    # By its class, since Gradio shows every child of a column that it shows again.
    has_pressed = gr.Checkbox(value=False, elem_classes="kie-unseen")
    return ModelTab(form, has_pressed, price, button, as_json, as_curl, as_python)


def _build_outage_line() -> None:
    """Build where `assets/js/outage.js` says that nothing can be sent, in sight of the button."""
    gr.HTML(
        html_template='<p class="kie-outage" role="status"></p>',
        js_on_load="window.kieUi('mountOutage', element)",
        elem_classes="kie-outage-line",
        padding=False,
    )


def _quiet_button(label: str, *classes: str) -> gr.Button:
    return gr.Button(label, size="sm", min_width=0, elem_classes=["kie-plain", *classes])


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
    maker = f" by {escape(spec.maker)}" if spec.maker else ""
    return (
        f"<p>{escape(spec.summary)}</p>"
        f"<p><code>{escape(spec.model)}</code>{maker}{_page_link(spec.documentation)}</p>"
    )


def _page_link(address: str) -> str:
    """Link to a model's documentation; what an imported page calls its address may be anything."""
    if not address.startswith("https://"):
        return ""
    words = "Kie’s page" if address.startswith(_KIE) else "Documentation"
    return f' · <a href="{escape(address)}" target="_blank" rel="noreferrer">{words}</a>'


def _wire_updates(tab: ModelTab, settings: Settings) -> None:
    """Have price, notes, counts and code follow every change of the form."""

    async def update(*values: Any) -> dict[Component, Any]:
        """Return price, notes, counts and code for what the form holds now."""
        raw, has_pressed = _by_name(tab, values)
        return _updates(tab, settings, raw, shows_problems=has_pressed)

    look = gr.Button(elem_id=f"kie-look-{tab.form.tab}", elem_classes="kie-unseen")
    updated = gr.on(
        # The refusal of a press counts as a change too: an update that was under way meanwhile
        # knows nothing of it, and its answer would take the problems away again.
        [look.click, *(widget.change for widget in tab.inputs.values())],
        update,
        inputs=list(tab.inputs.values()),
        outputs=tab.followers,
        trigger_mode="always_last",
        **BACKGROUND_EVENT,
    )
    js = f"() => window.kieUi('formIsForgotten', {json.dumps(tab.spec.model)})"
    updated.failure(None, None, None, js=js)


def _wire_button(tab: ModelTab, services: Services) -> None:
    """Have the button start a run, and the browser show the press until it is answered."""

    async def press(request: gr.Request, *given: Any) -> dict[Any, Any]:
        """Start a run of what the form holds; nothing in the form changes."""
        raw, _ = _by_name(tab, given)
        found = await _start(tab.spec, services, owner_of(request), tab.form.values(raw))
        problems = tab.form.in_sight(found, raw)
        return {
            **_updates(tab, services.settings, raw, shows_problems=bool(problems)),
            **tab.form.notes_of(problems),
            **tab.form.opened(problems),
            tab.has_pressed: bool(problems),
        }

    model = json.dumps(tab.spec.model)
    tab.button.click(None, None, None, js=f"() => window.kieUi('pressing', {model})")
    pressed = tab.button.click(
        press,
        inputs=list(tab.inputs.values()),
        outputs=[*tab.followers, tab.has_pressed, *tab.form.folds],
        trigger_mode="multiple",
        **BACKGROUND_EVENT,
    )
    # A lost connection is neither a success nor a failure of Gradio's: only `then` comes after it.
    for ended, outcome in (
        (pressed.success, "heard"),
        (pressed.failure, "refused"),
        (pressed.then, "over"),
    ):
        ended(None, None, None, js=f"() => window.kieUi('pressed', {model}, '{outcome}')")


def _by_name(tab: ModelTab, values: tuple[Any, ...]) -> tuple[dict[str, Any], bool]:
    """Return the values of the form by their names, and whether a press was refused before.

    Handlers get them by place, since a page may document any name, also those of their arguments.
    """
    raw = dict(zip(tab.inputs, values, strict=True))
    return raw, bool(raw.pop(HAS_PRESSED))


async def _start(
    spec: ModelSpec, services: Services, owner: str, values: Mapping[str, Any]
) -> tuple[Problem, ...]:
    """Start a run, or return why these values cannot be sent."""
    try:
        runs = await services.runs()
        await runs.submit(owner, spec.model, values, backend=services.backends.kind(owner))
    except InvalidValues as invalid:
        return invalid.problems
    except UnknownModel:
        gone = f"“{spec.title}” is no longer here: add its page again in the Models tab."
        raise on_page(gradio_error(gone)) from None
    except (RunsProblem, OSError) as problem:
        raise on_page(to_gradio_error(problem)) from problem
    return ()


def _updates(
    tab: ModelTab, settings: Settings, raw: Mapping[str, Any], *, shows_problems: bool
) -> dict[Component, Any]:
    values = tab.form.values(raw)
    checked, problems = check_part(tab.spec, values)
    snippets = build_code_samples(
        tab.spec, checked, settings.kie_api_base_url, settings.kie_upload_base_url
    )
    shown = tab.form.in_sight if shows_problems else tab.form.while_typing
    beforehand = extra_notices(notices(tab.spec, {**values, EXTRA: checked.get(EXTRA)}), checked)
    return {
        **tab.form.notes(shown(problems, raw), beforehand),
        **tab.form.counts(raw),
        tab.price: price_html(tab.spec, values),
        tab.as_json: snippets.json,
        tab.as_curl: snippets.curl,
        tab.as_python: snippets.python,
    }


def price_html(spec: ModelSpec, values: Mapping[str, Any]) -> str:
    """Return the estimated cost of a run of these values, and the month of the price list."""
    estimate = estimate_credits(spec, values)
    if estimate is None or spec.price is None:
        return "<strong>Price unknown</strong>"
    year, month = spec.price.seen.split("-")
    seen = f"{month_name[int(month)]} {year}"
    return (
        f"<strong>about {credits_in_words(estimate)}</strong>"
        f"<small>estimate, prices of {seen}</small>"
    )
