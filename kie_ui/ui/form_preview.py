"""The form that a page would get, to be looked at before its model is added.

It is the real one, built when somebody asks for it; nothing in it can be used, and it does nothing.
"""

from __future__ import annotations

from html import escape
from typing import Any

import gradio as gr

from kie_ui.catalog.sources import read_text
from kie_ui.catalog.spec import ModelSpec
from kie_ui.ui.form_build import build_form
from kie_ui.ui.slots import Slots, Wish, begin_events, open_inputs, read_wish
from kie_ui.ui.visitors import owner_of

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
