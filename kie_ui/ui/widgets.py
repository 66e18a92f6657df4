"""A parameter → the widget that fits it."""

from __future__ import annotations

import gradio as gr
from gradio.components import Component

from kie_ui.catalog.parameters import (
    ChoiceParameter,
    MediaParameter,
    NumberParameter,
    Parameter,
    SwitchParameter,
    TextParameter,
)
from kie_ui.ui.components import NumberSlider, PictureInput
from kie_ui.ui.theme import ASSETS

MOST_SEGMENTS = 3
"""Choices beside each other, up to this many; a longer list, or one of amounts, drops down."""


def info(parameter: Parameter) -> str:
    """Say what a parameter means, and its documented name."""
    return f"{parameter.help} `{parameter.name}`"


def build_widget(parameter: Parameter) -> Component:
    """Build the widget of a parameter, filled in with its documented default."""
    match parameter:
        case TextParameter():
            return _text(parameter)
        case ChoiceParameter():
            return _choice(parameter)
        case NumberParameter():
            return _number(parameter)
        case SwitchParameter():
            return gr.Checkbox(
                value=bool(parameter.default), label=parameter.label, info=info(parameter)
            )
        case MediaParameter():
            return _picture(parameter)


def _text(parameter: TextParameter) -> Component:
    return gr.Textbox(
        value=parameter.default or "",
        label=parameter.label,
        info=info(parameter),
        lines=5 if parameter.multiline else 1,
        max_lines=14 if parameter.multiline else 1,
    )


def _choice(parameter: ChoiceParameter) -> Component:
    choices = [(option.label, option.value) for option in parameter.options]
    if len(choices) <= MOST_SEGMENTS and parameter.unit is None:
        return gr.Radio(
            choices,
            value=parameter.default,
            label=parameter.label,
            info=info(parameter),
            elem_classes="kie-segments",
        )
    return gr.Dropdown(
        choices,
        value=parameter.default,
        label=parameter.label,
        info=info(parameter),
    )


def _number(parameter: NumberParameter) -> Component:
    if parameter.minimum is None or parameter.maximum is None:
        return gr.Number(
            value=parameter.default,
            label=parameter.label,
            info=info(parameter),
            precision=0 if parameter.is_whole else None,
        )
    default = parameter.minimum if parameter.default is None else parameter.default
    is_random = default == parameter.random_value
    minimum = lowest_choice(parameter)
    return NumberSlider(
        minimum=minimum,
        maximum=parameter.maximum,
        step=parameter.step or 0.01,
        value=minimum if is_random else default,
        label=parameter.label,
        info=info(parameter),
        interactive=not is_random,
        buttons=[],
    )


def lowest_choice(parameter: NumberParameter) -> float:
    """Return where the slider begins: past the value that has a switch of its own."""
    lowest = parameter.minimum or 0
    is_switched = parameter.random_value is not None and parameter.random_value == lowest
    return lowest + (parameter.step or 1) if is_switched else lowest


def is_filled_in(parameter: MediaParameter) -> bool:
    """Tell whether the form starts with our sample: where the documentation starts with one too."""
    return parameter.sample is not None and bool(parameter.default)


def _picture(parameter: MediaParameter) -> Component:
    return PictureInput(
        value=str(ASSETS / (parameter.sample or "")) if is_filled_in(parameter) else None,
        type="filepath",
        image_mode=None,
        sources=["upload", "webcam", "clipboard"],
        label=parameter.label,
        height=260,
        buttons=["fullscreen"],
        webcam_options=gr.WebcamOptions(mirror=False),
        alt_text=f"{parameter.label} chosen for this run",
        placeholder="Drop a picture here\n— or —\nclick to choose one",
        elem_classes="kie-picture",
    )
