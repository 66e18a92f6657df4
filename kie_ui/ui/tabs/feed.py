"""The right half of a model's tab: its runs, and what is said while there are none."""

from __future__ import annotations

import gradio as gr

from kie_ui.catalog.parameters import MediaParameter, Parameter
from kie_ui.catalog.rules import is_given
from kie_ui.catalog.spec import ModelSpec, Produces
from kie_ui.ui.api.history import RUNS_A_PAGE
from kie_ui.ui.errors import in_template
from kie_ui.ui.form.widgets import is_filled_in

_APPEARS: dict[Produces, str] = {
    "video": "Your clip appears",
    "image": "Your picture appears",
    "audio": "Your sound appears",
    "text": "Your text appears",
}


def build_feed(spec: ModelSpec, tab_id: str) -> gr.HTML:
    """Build the place in a tab where the runs of a model appear."""
    return gr.HTML(
        html_template=(
            f'<section class="kie-feed" data-model="{in_template(spec.model)}" '
            f'data-runs-a-page="{RUNS_A_PAGE}" aria-label="Runs of {in_template(spec.title)}">'
            f'<div class="kie-empty"><p><strong>{_APPEARS[spec.produces]} here.</strong></p>'
            f"<p>{_how(spec)}</p></div>"
            '<ol class="kie-runs"></ol></section>'
        ),
        js_on_load="window.kieUi('mountFeed', element)",
        elem_id=f"runs-{tab_id}",
        padding=False,
    )


def _how(spec: ModelSpec) -> str:
    """Return how to make the first run: some forms can be sent as they are, others lack a value."""
    if all(_is_there(parameter) for parameter in spec.parameters if parameter.required):
        return "Press Generate: the form is filled in and works as it is."
    return "Fill in the form and press Generate."


def _is_there(parameter: Parameter) -> bool:
    if isinstance(parameter, MediaParameter):
        return is_filled_in(parameter)
    return is_given(parameter.default)
