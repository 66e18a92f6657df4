"""The runs of one model beside its form: a small component of ours, drawn by `assets/js/feed.js`.

Python only says where it stands; what it shows comes over the page's stream (`routes.py`), so it
fills itself again after a refresh without any event of Gradio's.
"""

from __future__ import annotations

from html import escape

import gradio as gr

from kie_ui.catalog.spec import ModelSpec


def build_feed(spec: ModelSpec) -> gr.HTML:
    """Build the place where the runs of a model appear."""
    return gr.HTML(
        html_template=(
            f'<section class="kie-feed" data-model="{escape(spec.model)}" '
            f'aria-label="Runs of {escape(spec.title)}">'
            '<div class="kie-empty"><p><strong>Your clip appears here.</strong></p>'
            "<p>Press Generate: the form is filled in and works as it stands.</p></div>"
            '<ol class="kie-runs"></ol></section>'
        ),
        js_on_load="window.kieUi.mountFeed(element)",
        elem_id=f"runs-{spec.api_name}",
        padding=False,
    )
