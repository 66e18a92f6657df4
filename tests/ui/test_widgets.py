from typing import Any

import gradio as gr
import pytest

from kie_ui.catalog.parameters import (
    ChoiceParameter,
    MediaParameter,
    NumberParameter,
    Option,
    Parameter,
    TextParameter,
)
from kie_ui.catalog.spec import ModelSpec
from kie_ui.ui.form import RANDOM, START_FROM, build_form, help_html
from kie_ui.ui.widgets import build_widget, lowest_choice
from tests.ui.driving import SPECS

by_model = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.api_name)


async def built(parameter: Parameter) -> Any:
    """Build a parameter's widget. Outside a running loop Gradio would leave one open behind it."""
    with gr.Blocks(analytics_enabled=False):
        return build_widget(parameter)


@by_model
async def test_every_parameter_is_on_the_page_in_words_and_by_its_documented_name(
    spec: ModelSpec,
) -> None:
    """Its label, what it means, and how the documentation calls it."""
    with gr.Blocks(analytics_enabled=False) as page:
        form = build_form(spec)
    texts = [block.value for block in page.blocks.values() if isinstance(block, gr.HTML)]
    for parameter in spec.parameters:
        widget: Any = form.fields[parameter.name].widget
        assert widget.label == parameter.label
        if isinstance(parameter, MediaParameter):
            assert help_html(parameter) in texts
            assert f"<code>{parameter.name}</code>" in help_html(parameter)
        else:
            assert widget.info == f"{parameter.help} `{parameter.name}`"


@by_model
async def test_every_widget_starts_with_the_documented_default(spec: ModelSpec) -> None:
    """What is sent untouched is the default; a documented sample picture is ours instead."""
    with gr.Blocks(analytics_enabled=False):
        form = build_form(spec)
    inputs: dict[str, Any] = dict(form.inputs)
    raw = {name: component.value for name, component in inputs.items()}
    raw[START_FROM] = "task_id"  # so that what belongs to it speaks too
    for parameter in spec.parameters:
        if isinstance(parameter, MediaParameter):
            assert (raw[parameter.name] is not None) == bool(parameter.default)
            continue
        empty = "" if isinstance(parameter, TextParameter) else None
        expected = empty if parameter.default is None else parameter.default
        assert form.values(raw)[parameter.name] == expected


@by_model
async def test_every_widget_offers_what_is_documented_and_no_more(spec: ModelSpec) -> None:
    """Choices are the documented ones with their labels; numbers keep to their range and step."""
    for parameter in spec.parameters:
        widget = await built(parameter)
        if isinstance(parameter, ChoiceParameter):
            assert widget.choices == [(option.label, option.value) for option in parameter.options]
        if isinstance(parameter, NumberParameter):
            assert (widget.minimum, widget.maximum) == (
                lowest_choice(parameter),
                parameter.maximum,
            )
            assert widget.step == parameter.step


async def test_few_choices_stand_beside_each_other_and_many_drop_down() -> None:
    """Three words fit in a bar; twelve durations do not, and two are amounts to pick from."""
    words = tuple(Option(value=value, label=value) for value in "abcd")
    few = ChoiceParameter(name="c", label="C", help="", options=words[:3])
    many = ChoiceParameter(name="c", label="C", help="", options=words)
    amounts = ChoiceParameter(name="c", label="C", help="", options=words[:2], unit="s")
    assert isinstance(await built(few), gr.Radio)
    assert isinstance(await built(many), gr.Dropdown)
    assert isinstance(await built(amounts), gr.Dropdown)


async def test_a_random_seed_is_a_switch_and_the_slider_begins_past_it() -> None:
    """Nobody has to know that −1 means random: the switch says it, and the slider rests."""
    seed = SPECS[1].parameter("seed")
    with gr.Blocks(analytics_enabled=False):
        form = build_form(SPECS[1])
    widget: Any = form.fields["seed"].widget
    switch: Any = form.inputs["seed" + RANDOM]
    assert switch.value is True
    assert (widget.minimum, widget.value, widget.interactive) == (0, 0, False)
    assert isinstance(seed, NumberParameter)
    assert seed.random_value == -1


async def test_a_number_without_a_range_is_typed() -> None:
    """A slider needs both ends; whole numbers take no decimals."""
    widget = await built(
        NumberParameter(name="n", label="N", help="", minimum=0, step=1, default=3)
    )
    assert isinstance(widget, gr.Number)
    assert (widget.value, widget.precision) == (3, 0)


async def test_a_short_text_has_one_line_and_a_long_one_has_more() -> None:
    """An id is not a prompt."""
    one = await built(TextParameter(name="t", label="T", help=""))
    many = await built(TextParameter(name="t", label="T", help="", multiline=True, default="so"))
    assert (one.lines, one.max_lines) == (1, 1)
    assert many.lines > 1
    assert many.value == "so"
