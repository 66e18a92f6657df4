"""Adopt a task that was made elsewhere: the field for its id, and a place for those without a tab.

Drawn and sent by `assets/js/track.js`; the adopted run then comes over the page's stream.
"""

from __future__ import annotations

import gradio as gr

from kie_ui.ui.earlier import RUNS_A_PAGE

_FORM = """<form class="kie-track" novalidate>
<p>For any Kie task of your key, made anywhere: it is followed here until its clip is kept. \
Watching bills nothing.</p>
<p class="kie-demo-only">In demo mode only tasks of the demo can be tracked.</p>
<label for="kie-track-id">Task id</label>
<div class="kie-inline"><input id="kie-track-id" class="kie-input" type="text" \
autocomplete="off" spellcheck="false" placeholder="As it stands in Kie’s logs" \
aria-describedby="kie-track-note">
<button type="submit" class="kie-button">Track this task</button></div>
<p class="kie-inline-note" id="kie-track-note" role="alert"></p>
</form>"""


def build_track() -> None:
    """Build the field for a task's id inside the current Blocks context."""
    with gr.Accordion("Track an existing task", open=False, elem_classes="kie-fold kie-tracking"):
        gr.HTML(
            html_template=_FORM,
            js_on_load="window.kieUi.mountTrack(element)",
            padding=False,
        )


def build_tracked_feed() -> gr.HTML:
    """Build the place for runs of models that are not here; it is hidden while there are none."""
    return gr.HTML(
        html_template=(
            '<section class="kie-feed kie-tracked" '
            f'data-runs-a-page="{RUNS_A_PAGE}" aria-label="Tracked tasks" hidden>'
            '<h2>Tracked tasks</h2><div class="kie-empty" hidden></div>'
            '<ol class="kie-runs"></ol></section>'
        ),
        js_on_load="window.kieUi.mountFeed(element)",
        elem_id="runs-tracked",
        elem_classes="kie-tracked-place",
        padding=False,
    )
