"""The Models tab: every model that there is, to be found and opened; and how to add one more.

Drawn by `assets/js/models_list.js` and `models_add.js` from what `models_routes` tells.
"""

from __future__ import annotations

from html import escape
from typing import Any

import gradio as gr

from kie_ui.catalog.library.exchange import read_text
from kie_ui.catalog.spec import ModelSpec
from kie_ui.ui.asgi.identity import owner_of
from kie_ui.ui.form.builder import build_form
from kie_ui.ui.tabs.added_model import Slots, Wish, begin_events, open_inputs, read_wish

TAB = "preview"


def build_form_preview(slots: Slots) -> None:
    """Build the place of the form inside the current Blocks context."""
    asked: Any = gr.Textbox(visible="hidden")
    ask = gr.Button(visible="hidden", elem_id="kie-ask-preview")
    js = "() => window.kieUi.askedPreview()"
    ask.click(None, None, asked, js=js, api_visibility="private")
    with gr.Column(elem_classes="kie-form-preview"):

        @gr.render(  # type: ignore[untyped-decorator]  # Gradio's has no types
            inputs=[asked], triggers=[asked.change], show_progress="hidden"
        )
        def build(told: str | None, request: gr.Request) -> None:
            """Build the form of a page that somebody may add."""
            wish = read_wish(told)
            if wish is None or not slots.services.library.may_add(owner_of(request)):
                return
            with slots.building, wish.wrapping():
                spec = _spec(wish)
                if spec is not None:
                    _build(spec)


def _spec(wish: Wish) -> ModelSpec | None:
    """Read the page once more: nothing was kept of it."""
    text, name = wish.given.get("text"), wish.given.get("name")
    if not isinstance(text, str) or not isinstance(name, str):
        return None
    specs = read_text(text, name).specs
    return next((spec for spec in specs if spec.model == wish.model), None)


def _build(spec: ModelSpec) -> None:
    begin_events()
    gr.HTML(
        f"<h3>The form of “{escape(spec.title)}”</h3><p>To be looked at: add it to use it.</p>",
        js_on_load="window.kieUi.previewIsThere(element)",
        elem_classes="kie-form-preview-head",
    )
    with gr.Column(elem_classes="kie-form"):
        open_inputs(build_form(spec, TAB))


TAB_MODELS = "models"
"""The id of the tab."""

_ADDER = '<section class="kie-models kie-models-top" aria-label="All models"></section>'
_LIST = '<section class="kie-models kie-models-found" aria-label="Models"></section>'


def build_models(slots: Slots) -> None:
    """Build the tab's content inside the current Blocks context."""
    gr.HTML(
        html_template=_ADDER,
        js_on_load="window.kieUi.mountModels(element)",
        elem_id="kie-models",
        padding=False,
    )
    build_form_preview(slots)
    gr.HTML(
        html_template=_LIST,
        js_on_load="window.kieUi.mountModelsList(element)",
        padding=False,
    )
