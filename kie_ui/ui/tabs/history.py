"""The History tab: every run of this visitor, found again; drawn by `assets/js/history.js`.

Python only builds its place: everything else is requested when the tab is first
opened.
"""

from __future__ import annotations

import gradio as gr

TAB = "history"
"""The id of the tab."""

_PLACE = '<section class="kie-history" aria-label="History"></section>'


def build_layer() -> None:
    """Build the place for dialogs and notices above the page."""
    gr.HTML(
        html_template='<div class="kie-layer"></div>',
        js_on_load="window.kieUi.mountLayer(element)",
        elem_classes="kie-layer-place",
        padding=False,
    )


def build_history() -> None:
    """Build the tab's content inside the current Blocks context."""
    gr.HTML(
        html_template=_PLACE,
        js_on_load="window.kieUi.mountHistory(element)",
        elem_id="kie-history",
        padding=False,
    )
