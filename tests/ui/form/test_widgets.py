from typing import Any

import gradio as gr
import pytest
from hypothesis import given

from kie_ui.catalog.describe import facts_of, widget_kind
from kie_ui.catalog.parameters import (
    ChoiceParameter,
    MediaParameter,
    NumberParameter,
    Option,
    Parameter,
    SwitchParameter,
    TextParameter,
)
from kie_ui.catalog.rules import is_given
from kie_ui.catalog.spec import ModelSpec
from kie_ui.catalog.values import JsonValue
from kie_ui.ui.form.builder import build_form
from kie_ui.ui.form.components import MediaList, NumberField, NumberSlider, PictureInput, RowsTable
from kie_ui.ui.form.values import RANDOM, START_FROM, read_values
from kie_ui.ui.form.widgets import (
    NO,
    YES,
    build_widget,
    in_words,
    info,
    limits_in_words,
    parameter_value,
    schema_in_words,
    slider_minimum,
    widget_value,
)
from tests.catalog.spec_strategies import parameters
from tests.ui.driving import SPECS
from tests.ui.specs import (
    BOXES,
    CHECKER,
    COLOURS,
    EVERY_KIND,
    SCALE,
    SHOTS,
    STEPS,
    STRENGTH,
    STYLES,
)

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
    with gr.Blocks(analytics_enabled=False):
        form = build_form(spec)
    described = {field.name: field for field in form.describe().fields}
    for parameter in spec.parameters:
        widget: Any = form.widgets[parameter.name]
        assert widget.label == parameter.label
        if isinstance(parameter, MediaParameter):
            assert described[parameter.name].help == parameter.help
        else:
            assert widget.info == f"{parameter.help} `{parameter.name}`"


@by_model
async def test_every_widget_starts_with_the_documented_default(spec: ModelSpec) -> None:
    """What is sent untouched is the default; a documented sample picture is ours instead."""
    with gr.Blocks(analytics_enabled=False):
        form = build_form(spec)
    raw = {field.name: field.default for field in form.describe().fields}
    given = {name: widget.value for name, widget in form.widgets.items()}
    raw[START_FROM] = "task_id"  # so that what belongs to it speaks too
    for parameter in spec.parameters:
        if isinstance(parameter, MediaParameter):
            assert (given[parameter.name] is not None) == bool(parameter.default)
            continue
        empty = "" if isinstance(parameter, TextParameter) else None
        expected = empty if parameter.default is None else parameter.default
        assert read_values(spec, raw)[parameter.name] == expected


@by_model
async def test_every_widget_offers_what_is_documented_and_no_more(spec: ModelSpec) -> None:
    """Choices are the documented ones with their labels; numbers keep to their range and step."""
    for parameter in spec.parameters:
        widget = await built(parameter)
        if isinstance(parameter, ChoiceParameter):
            assert widget.choices == [(option.label, option.value) for option in parameter.options]
        if isinstance(parameter, NumberParameter):
            assert (widget.minimum, widget.maximum) == (
                slider_minimum(parameter),
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
    widget: Any = form.widgets["seed"]
    (switch,) = (f for f in form.describe().fields if f.name == "seed" + RANDOM)
    assert switch.default is True
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


@pytest.mark.parametrize("parameter", EVERY_KIND.parameters, ids=lambda parameter: parameter.name)
async def test_every_kind_has_its_widget_with_label_and_documented_name(
    parameter: Parameter,
) -> None:
    """Whatever a page documents, nothing is left without one."""
    widget = await built(parameter)
    assert WIDGETS[parameter.name] in type(widget).__mro__
    assert widget.label == parameter.label
    if isinstance(widget, gr.HTML):
        assert widget.props["about"]["name"] == parameter.name
    else:
        assert widget.info.endswith(f"`{parameter.name}`")


WIDGETS: dict[str, type] = {
    "prompt": gr.Textbox,
    "voice": gr.Dropdown,
    "steps": gr.Dropdown,
    "styles": gr.Dropdown,
    "strength": gr.Slider,
    "scale": gr.Number,
    "nsfw_checker": gr.Radio,
    "image_urls": MediaList,
    "video_url": MediaList,
    "audio_urls": MediaList,
    "shots": RowsTable,
    "colours": RowsTable,
    "boxes": gr.Textbox,
    "word": gr.Textbox,
}


async def test_what_may_stay_open_can_be_left_out() -> None:
    """A choice, a switch and a number without a default say nothing until somebody chooses."""
    for parameter in (STEPS, CHECKER, SCALE):
        widget = await built(parameter)
        assert not is_given(parameter_value(parameter, widget.value))
    steps = await built(STEPS)
    assert steps.choices[0] == ("Leave out", "")
    assert steps.choices[1:] == [("4", 4), ("8", 8), ("16", 16), ("32", 32)]


async def test_a_choice_that_is_required_has_to_be_made() -> None:
    """Nothing is chosen at first, and leaving out is none of the choices."""
    for parameter in (STEPS, CHECKER):
        widget = await built(parameter.model_copy(update={"required": True}))
        assert widget.value is None
        assert "Leave out" not in [label for label, _ in widget.choices]


async def test_long_words_drop_down_though_they_are_few() -> None:
    """In a bar they would not be read."""
    few = tuple(Option(value=value, label=value * 30) for value in "ab")
    choice = ChoiceParameter(name="c", label="C", help="", options=few, default="a")
    assert isinstance(await built(choice), gr.Dropdown)


async def test_of_several_choices_the_counts_are_said_and_kept() -> None:
    """No more can be chosen than fit."""
    widget = await built(STYLES)
    assert (widget.multiselect, widget.max_choices, widget.value) == (True, 2, [])
    assert "Choose up to 2." in widget.info


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"minimum": 0, "maximum": 2.5}, "From 0 to 2.5."),
        ({"minimum": 1}, "1 or more."),
        ({"maximum": -1}, "-1 or less."),
        ({}, ""),
        ({"minimum": 0, "maximum": 1, "default": 0.5}, ""),
    ],
)
def test_a_range_that_no_slider_shows_is_said(limits: dict[str, float], words: str) -> None:
    """In the line that says what the number means."""
    parameter = NumberParameter(name="n", label="N", help="", **limits)
    assert limits_in_words(parameter) == words


async def test_an_empty_number_is_nothing_and_not_zero() -> None:
    """And one that does not fit is reported by the check, which says why."""
    widget = await built(SCALE)
    assert (widget.value, widget.preprocess(""), widget.preprocess(None)) == ("", None, None)
    assert widget.preprocess(99) == 99
    assert widget.preprocess(2.5) == 2.5


async def test_the_example_of_a_page_is_shown_in_the_empty_field() -> None:
    """As an example, and not as if it stood there."""
    widget = await built(TextParameter(name="t", label="T", help="", sample="A heron."))
    assert (widget.value, widget.placeholder) == ("", "For example: A heron.")


@pytest.mark.parametrize(
    ("help_", "said"),
    [
        ("ISO 639-1 code", "ISO 639-1 code. Written like `^[a-z]{2}$`. `t`"),
        ("Which one?", "Which one? Written like `^[a-z]{2}$`. `t`"),
        ("", "Written like `^[a-z]{2}$`. `t`"),
    ],
)
def test_help_and_limits_are_sentences(help_: str, said: str) -> None:
    """Also where the page ends its words without a full stop."""
    assert info(TextParameter(name="t", label="T", help=help_, pattern="^[a-z]{2}$")) == said


async def test_nothing_that_a_page_says_becomes_a_link() -> None:
    """Gradio reads a little Markdown where a parameter is explained."""
    parameter = TextParameter(name="t", label="T", help="[press](https://evil.test) ![]( x)")
    assert "](" not in info(parameter)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        (CHECKER, True),
        (CHECKER, False),
        (STYLES, ["oil"]),
        (STEPS, 8),
        (STRENGTH, 0.25),
        (SHOTS, [{"prompt": "a"}]),
    ],
    ids=lambda given: getattr(given, "name", None),
)
def test_what_a_widget_says_of_a_value_is_that_value(parameter: Parameter, value: Any) -> None:
    """There and back."""
    assert parameter_value(parameter, widget_value(parameter, value)) == value


def passes_for(widget: Any) -> set[str]:
    """Return the kinds that a built widget looks like to a person."""
    match widget:
        case PictureInput() | RowsTable() | gr.Checkbox() | gr.Slider() | gr.Number():
            kinds = {LOOKS[type(widget)]}
        case MediaList():
            one, several = {"video", "sound", "file"}, {"pictures", "videos", "sounds", "files"}
            kinds = one if widget.props["about"]["most"] == 1 else several
        case gr.Textbox():
            lines = "text" if widget.lines == 1 else "long text"
            kinds = {"JSON" if "kie-json" in widget.elem_classes else lines}
        case gr.Radio() if {YES, NO} <= {value for _, value in widget.choices}:
            kinds = {"yes or no" if len(widget.choices) == 2 else "three-way switch"}
        case gr.Radio():
            kinds = {"choice"}
        case _:
            kinds = {"several choices" if widget.multiselect else "list"}
    return kinds


LOOKS: dict[type, str] = {
    PictureInput: "picture",
    RowsTable: "table",
    gr.Checkbox: "switch",
    NumberSlider: "slider",
    NumberField: "number",
}


def started(parameter: Parameter) -> Parameter:
    """Return a number or a switch with a default."""
    if isinstance(parameter, NumberParameter):
        return parameter.model_copy(update={"default": parameter.minimum})
    is_switch = isinstance(parameter, SwitchParameter)
    return parameter.model_copy(update={"default": False}) if is_switch else parameter


@given(parameters("p") | parameters("p").map(started))
async def test_the_form_shows_the_widget_that_the_facts_name(parameter: Parameter) -> None:
    """What `show` and the preview of a page say is what the form builds."""
    assert widget_kind(parameter) in passes_for(await built(parameter))
    assert facts_of(parameter)["widget"] == widget_kind(parameter)


@pytest.mark.parametrize(
    ("parameter", "value", "words"),
    [
        (
            SHOTS,
            [{"prompt": "A boat.", "duration": 5.0}, {"camera": "pan", "mood": ["calm"]}],
            "Prompt: A boat. · Duration: 5\nCamera: pan · mood: ['calm']",
        ),
        (COLOURS, ["#ff0000", "#00ff00"], "#ff0000\n#00ff00"),
        (BOXES, [[1]], "[\n  [\n    1\n  ]\n]"),
    ],
)
def test_rows_are_lines_and_other_data_is_json(
    parameter: Parameter, value: Any, words: str
) -> None:
    """A page may since have been replaced by one without a column that a run was given."""
    assert in_words(parameter, JsonValue(value=value)) == words


INTEGERS = {"type": "array", "items": {"type": "integer"}}


@pytest.mark.parametrize(
    ("schema", "type_", "words"),
    [
        ({}, "object", "An object."),
        (INTEGERS, "array", "A list of whole numbers."),
        ({"items": INTEGERS}, "array", "A list of lists of whole numbers."),
        (
            {"items": {"type": "number"}, "minItems": 4, "maxItems": 4},
            "array",
            "A list of 4 numbers.",
        ),
        ({"items": {}, "maxItems": 2}, "array", "A list of up to 2 values."),
        ({"items": {"type": "string"}, "minItems": 1}, "array", "A list of 1 or more texts."),
        (
            {"properties": {"x": {"type": "number"}, "on": {"type": "boolean"}, "odd": 5}},
            "object",
            "An object with “x” (a number), “on” (true or false), “odd” (a value).",
        ),
        ({"type": ["string", "null"]}, "string", "A value."),
        (
            {"items": {"items": {"items": INTEGERS, "type": "array"}, "type": "array"}},
            "array",
            "A list of lists of lists of lists.",
        ),
    ],
)
def test_a_schema_is_said_in_a_sentence(schema: dict[str, Any], type_: str, words: str) -> None:
    """As deep as anybody reads, and harmless whatever a page says."""
    assert schema_in_words(schema, type_) == words


def test_of_many_fields_the_first_are_named() -> None:
    """Nobody reads a hundred."""
    many = {f"field_{number}": {"type": "string"} for number in range(100)}
    said = schema_in_words({"properties": many}, "object")
    assert said.count("(text)") == 8
    assert said.endswith(" and more.")
