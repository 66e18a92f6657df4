"""The right half of a model's tab: its runs, and while there are none, examples to press."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from kie_ui.catalog.parameters import (
    ChoiceParameter,
    MediaParameter,
    Parameter,
    SwitchParameter,
)
from kie_ui.catalog.request import counted_credits, estimate_credits
from kie_ui.catalog.roles import prompt_of
from kie_ui.catalog.rules import is_given, with_defaults
from kie_ui.catalog.spec import Example, ModelSpec, Produces
from kie_ui.ui import assets
from kie_ui.ui.api.history import RUNS_A_PAGE
from kie_ui.ui.errors import in_template
from kie_ui.ui.form.prefill import example_values
from kie_ui.ui.form.widgets import in_words, is_filled_in

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
            f'<div class="kie-no-runs"><div class="kie-empty">'
            f"<p><strong>{_APPEARS[spec.produces]} here.</strong></p><p>{_how(spec)}</p></div>"
            f"{_examples(spec)}</div>"
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


def _examples(spec: ModelSpec) -> str:
    """Write a card for each example; `assets/js/feed.js` fills in the form when it is pressed."""
    if not spec.examples:
        return ""
    cards = "".join(f"<li>{_card(spec, example)}</li>" for example in spec.examples)
    return f'<h2>Or start from an example</h2><ul class="kie-examples">{cards}</ul>'


def _card(spec: ModelSpec, example: Example) -> str:
    title, values = in_template(example.title), example_values(spec, example)
    settings = in_template(" · ".join(_settings(spec, values)))
    price = estimate_credits(spec, with_defaults(spec, values))
    costs = "" if price is None else f"<span>about {counted_credits(price)}</span>"
    return (
        f'<button type="button" class="kie-example" data-example="{title}">'
        f'<img src="{_thumbnail(values)}" alt="" width="480" height="300" loading="lazy">'
        f"<strong>{title}</strong> <span>{in_template(prompt_of(values))}</span> "
        f"<small><span>{settings}</span> {costs}</small></button>"
    )


def _settings(spec: ModelSpec, values: Mapping[str, Any]) -> Iterator[str]:
    """Say settings in few words, such as `6 s` and `480p`; not the prompt and the first picture."""
    first_media = next((p.name for p in spec.media_parameters if p.name in values), None)
    for name, value in values.items():
        match spec.parameter(name):
            case ChoiceParameter(unit=str() as unit):
                yield f"{value} {unit}"
            case ChoiceParameter() as choice:
                yield in_words(choice, value)
            case SwitchParameter(label=label) if value:
                yield label.lower()
            case MediaParameter(label=label) if name != first_media:
                yield label.lower()


def _thumbnail(values: Mapping[str, Any]) -> str:
    """Return the address of the small version of the first picture: of 480 × 300 pixels."""
    pictures = (value[0].name for value in values.values() if isinstance(value, tuple))
    return assets.address(f"samples/thumbs/{Path(next(pictures)).stem}.webp")
