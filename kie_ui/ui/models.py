"""The Models tab: every model that there is, to be found and opened; and how to add one more.

Drawn by `assets/js/models_list.js` and `models_add.js` from what `models_routes` tells.
"""

from __future__ import annotations

import gradio as gr

from kie_ui.ui.form_preview import build_form_preview
from kie_ui.ui.slots import Slots

TAB = "models"
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
