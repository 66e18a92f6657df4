"""The head of the page: what this is, the queue, and the mode it is in, with the key behind it."""

from __future__ import annotations

import json
from collections.abc import Iterable

import gradio as gr

from kie_ui.catalog.spec import ModelSpec
from kie_ui.ui.api.history import RUNS_A_PAGE
from kie_ui.ui.api.reuse import can_animate
from kie_ui.ui.errors import in_template
from kie_ui.ui.form.prefill import has_seed
from kie_ui.ui.services import Services


def queue_html(specs: Iterable[ModelSpec]) -> str:
    """Return the button and the panel, and what scripts have to know about each model."""
    models = [
        {
            "model": spec.model,
            "title": spec.title,
            "tab": spec.api_name,
            "has_seed": has_seed(spec),
            "can_animate": can_animate(spec),
        }
        for spec in specs
    ]
    return (
        f'<div class="kie-queue" data-models="{in_template(json.dumps(models))}">'
        '<button type="button" class="kie-queue-button" aria-expanded="false" '
        'aria-controls="kie-queue-panel">Queue: empty</button>'
        '<section class="kie-panel" id="kie-queue-panel" aria-label="Queue" tabindex="-1" '
        "hidden></section></div>"
    )


_BADGE = """<header class="kie-masthead">
<div class="kie-brand"><h1>Kie UI</h1><p>A picture, a sentence, a clip.</p></div>
<div class="kie-head-right">{queue}
<div class="kie-account">
<button type="button" class="kie-mode" data-kind="" aria-expanded="false" \
aria-controls="kie-account">…</button>
<section class="kie-panel" id="kie-account" aria-label="Demo or live" hidden></section>
</div></div></header>"""


def build_head(services: Services) -> None:
    """Build the name of the page, the queue and the mode inside the current Blocks context."""
    gr.HTML(
        html_template=_BADGE.format(queue=queue_html(services.tabs.values())),
        js_on_load="window.kieUi('mountAccount', element); window.kieUi('mountQueue', element)",
        elem_classes="kie-head",
        padding=False,
    )


def build_tracked_feed() -> gr.HTML:
    """Build the place for runs of models that are not here; it is hidden while there are none."""
    return gr.HTML(
        html_template=(
            '<section class="kie-feed kie-tracked" '
            f'data-runs-a-page="{RUNS_A_PAGE}" aria-label="Tracked tasks" hidden>'
            '<h2>Tracked tasks</h2><div class="kie-no-runs" hidden></div>'
            '<ol class="kie-runs"></ol></section>'
        ),
        js_on_load="window.kieUi('mountFeed', element)",
        elem_id="runs-tracked",
        elem_classes="kie-tracked-place",
        padding=False,
    )
