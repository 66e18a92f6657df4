"""The Models tab: every model that there is, to be found and opened; and how to add one more.

Drawn by `assets/js/models_list.js` and `models_add.js` from what `ui/api/models.py` answers.
"""

from __future__ import annotations

from html import escape

import gradio as gr

from kie_ui.catalog.exchange import read_text
from kie_ui.catalog.spec import ModelSpec
from kie_ui.ui.asgi.identity import owner_of
from kie_ui.ui.form.builder import build_form
from kie_ui.ui.services import Services
from kie_ui.ui.tabs.more_models import fresh_container, open_inputs

TAB = "models"
"""The id of the tab."""
PREVIEW = "preview"
"""Names the form of a page that may be added, as a tab's id names that tab's form."""

_ADDER = '<section class="kie-models kie-models-top" aria-label="All models"></section>'
_LIST = '<section class="kie-models kie-models-found" aria-label="Models"></section>'


def build_models(services: Services) -> None:
    """Build the tab's content inside the current Blocks context."""
    gr.HTML(
        html_template=_ADDER,
        js_on_load="window.kieUi.mountModels(element)",
        elem_id="kie-models",
        padding=False,
    )
    with gr.Column(elem_classes="kie-form-preview"):
        _build_preview(services)
    gr.HTML(
        html_template=_LIST,
        js_on_load="window.kieUi.mountModelsList(element)",
        padding=False,
    )


def _build_preview(services: Services) -> None:
    """Build where the form of a page is shown before the page is added."""
    name, text, model = (gr.Textbox(visible="hidden") for _ in range(3))
    turn = gr.Number(0, visible="hidden")
    show = gr.Button(visible="hidden", elem_id="kie-show-preview")
    js = "() => window.kieUi.previewedPage()"
    shown = show.click(None, None, [name, text, model], js=js, api_visibility="private")
    # Afterwards, for the change of the turn has the form built of what the others then say.
    js = "() => window.kieUi.previewTurn()"
    shown.then(None, None, turn, js=js, api_visibility="private")

    @gr.render(  # type: ignore[untyped-decorator]  # Gradio's has no types
        inputs=[name, text, model, turn],
        triggers=[turn.change],
        queue=False,
        show_progress="hidden",
    )
    def build_preview(
        name: str, text: str, model: str, turn: float | None, request: gr.Request
    ) -> None:
        """Build the form of one model of a page, which is read once more: nothing was kept."""
        if not text or not services.library.may_add(owner_of(request)):
            return
        specs = read_text(text, name).specs
        with fresh_container(turn):
            for spec in specs:
                if spec.model == model:
                    _build_form(spec)


def _build_form(spec: ModelSpec) -> None:
    gr.HTML(
        f"<h3>The form of “{escape(spec.title)}”</h3><p>To be looked at: add it to use it.</p>",
        js_on_load="window.kieUi.previewIsThere(element)",
        elem_classes="kie-form-preview-head",
    )
    with gr.Column(elem_classes="kie-form"):
        open_inputs(build_form(spec, PREVIEW))
