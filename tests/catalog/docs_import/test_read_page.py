from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kie_ui.catalog.describe import facts_of
from kie_ui.catalog.docs_import.documented import (
    DocumentedModel,
    DocumentedOption,
    DocumentedParameter,
    UnreadablePage,
)
from kie_ui.catalog.docs_import.read_page import read_page, to_spec
from kie_ui.catalog.parameters import (
    ChoiceParameter,
    JsonParameter,
    MediaParameter,
    NumberParameter,
    Parameter,
    SwitchParameter,
    TextParameter,
)
from kie_ui.catalog.spec import MAX_PARAMETERS, ModelSpec
from tests.catalog.docs_import.reading import page

ADDRESS = "https://a.example/1"
A_TEXT = DocumentedParameter(name="a", type="string")


def spec_of(*parameters: DocumentedParameter, model: str = "heron/clip", **rest: Any) -> ModelSpec:
    """Return the spec of a model with these parameters."""
    return to_spec(DocumentedModel(model=model, title="Heron", parameters=parameters, **rest))


def made(**stated: Any) -> Parameter:
    """Return the parameter that is made of what a page states."""
    return spec_of(
        DocumentedParameter(**({"name": "value", "type": "string"} | stated))
    ).parameters[0]


def options(*values: Any) -> tuple[DocumentedOption, ...]:
    """Return values to choose from."""
    return tuple(DocumentedOption(value) for value in values)


@pytest.mark.parametrize(
    "stated",
    [
        {"type": "string", "options": options("a", "b"), "default": "c"},
        {"type": "integer", "minimum": 2, "maximum": 10, "default": 0},
        {"type": "integer", "default": 0.5},
        {"type": "number", "default": 10**400},
        {"type": "string", "max_length": 3, "default": "long"},
        {"type": "string", "default": 5},
        {"type": "boolean", "default": "maybe"},
        {"name": "image_url", "type": "string", "default": "not an address"},
        {"name": "image_urls", "type": "array", "max_items": 1, "default": [ADDRESS] * 2},
        {
            "type": "array",
            "items": DocumentedParameter(name="item", type="integer"),
            "default": [[1], [2]],
        },
    ],
)
def test_a_default_that_breaks_the_page_s_own_rules_gives_a_warning_and_is_kept_apart(
    stated: dict[str, Any],
) -> None:
    """The form does not start with it, a warning says so, and `show` still says it."""
    spec = spec_of(DocumentedParameter(**({"name": "value"} | stated)))
    parameter = spec.parameters[0]
    assert parameter.default in (None, ())
    assert any("default" in warning for warning in spec.warnings)
    assert facts_of(parameter)["default"] == stated["default"]


@pytest.mark.parametrize(
    ("name", "default"), [("image_url", ""), ("image_urls", []), ("image_urls", [""])]
)
def test_an_empty_default_of_a_file_needs_no_remark(name: str, default: Any) -> None:
    """That there is no sample is what the form shows anyway; `show` says which."""
    kind = "array" if isinstance(default, list) else "string"
    spec = spec_of(DocumentedParameter(name=name, type=kind, default=default))
    assert spec.parameters[0].default == ()
    assert not any("default" in warning for warning in spec.warnings)
    assert facts_of(spec.parameters[0])["default"] == default


@pytest.mark.parametrize(
    "stated",
    [
        {"type": "number", "minimum": 5, "maximum": 1},
        {"type": "string", "min_length": 5, "max_length": 1},
        {"name": "image_urls", "type": "array", "min_items": 5, "max_items": 1},
    ],
)
def test_limits_that_nothing_can_keep_are_not_checked(stated: dict[str, Any]) -> None:
    """They give a warning, and are still shown as the page has them."""
    spec = spec_of(DocumentedParameter(**({"name": "value"} | stated)))
    assert any("nothing lies between" in warning for warning in spec.warnings)
    assert facts_of(spec.parameters[0]).items() >= stated.items()


def test_a_boolean_without_a_default_is_left_open() -> None:
    """Three states: the service chooses where nobody did."""
    switch = made(type="boolean")
    assert isinstance(switch, SwitchParameter)
    assert switch.default is None


def test_a_number_in_quotes_within_a_range_is_chosen_from_a_list() -> None:
    """A text that is to be "6" to "30" offers these, and says no options of its own."""
    seconds = made(
        name="duration", minimum=6, maximum=30, step=1, description="How many seconds", default="6"
    )
    assert isinstance(seconds, ChoiceParameter)
    assert seconds.values == tuple(str(number) for number in range(6, 31))
    assert seconds.unit == "s"
    facts = facts_of(seconds)
    assert "options" not in facts
    assert (facts["minimum"], facts["maximum"], facts["step"]) == (6, 30, 1)


def test_a_seed_that_may_be_minus_one_has_a_value_for_chance() -> None:
    """A range from -1 means that -1 lets the model choose."""
    seed = made(name="seed", type="integer", minimum=-1, maximum=99)
    assert isinstance(seed, NumberParameter)
    assert seed.random_value == -1
    assert seed.advanced


def test_what_is_required_is_never_folded_away() -> None:
    """Rare parameters are, unless the model needs them."""
    assert made(name="watermark", type="boolean").advanced
    assert not made(name="watermark", type="boolean", required=True).advanced


def test_a_task_of_pictures_is_known_by_the_words_of_its_page() -> None:
    """Only an id of a Grok task that made images is one to try."""
    image = made(name="task_id", description="The task_id of an image made with Grok before")
    video = made(name="task_id", description="Task ID of a video, such as grok-imagine/to-video")
    assert isinstance(image, TextParameter)
    assert isinstance(video, TextParameter)
    assert (image.names, video.names) == ("image_task", None)


def test_a_pattern_that_the_checks_do_not_know_gives_a_warning() -> None:
    """Look-around is not checked, but shown."""
    parameter = made(pattern="^(?=a)")
    assert isinstance(parameter, TextParameter)
    assert parameter.pattern is None
    assert facts_of(parameter)["pattern"] == "^(?=a)"


@pytest.mark.parametrize(
    "model",
    [
        "../../etc/passwd",
        "/heron",
        "heron/../x",
        "a\\b",
        "a b",
        "heron\n",
        "<b>",
        "a" * 201,
        "a/",
        "é",
    ],
)
def test_an_id_that_could_lead_elsewhere_is_refused(model: str) -> None:
    """Paths, marks and control characters are no model ids."""
    with pytest.raises(UnreadablePage, match="not a model id"):
        spec_of(A_TEXT, model=model)


@pytest.mark.parametrize("name", ["__proto__", "a b", "<script>", "", "+extra", "a" * 65, "1a"])
def test_a_name_that_is_none_is_left_out_with_a_warning(name: str) -> None:
    """The other parameters stay; a form without any helps nobody."""
    spec = spec_of(DocumentedParameter(name=name, type="string"), A_TEXT)
    assert [parameter.name for parameter in spec.parameters] == ["a"]
    assert any("extra input" in warning for warning in spec.warnings)
    with pytest.raises(UnreadablePage, match="no parameters"):
        spec_of(DocumentedParameter(name=name, type="string"))


def test_a_thousand_parameters_are_cut_with_a_warning() -> None:
    """The first ones make the form, and few sentences say so."""
    many = [DocumentedParameter(name=f"p{n}", type="object") for n in range(1_000)]
    spec = spec_of(*many)
    assert len(spec.parameters) == MAX_PARAMETERS
    assert len(spec.warnings) <= 41
    assert "more remarks" in spec.warnings[-1]


def test_two_thousand_options_are_cut_with_a_warning() -> None:
    """A list that nobody could look through ends."""
    spec = spec_of(
        DocumentedParameter(name="voice", type="string", options=options(*map(str, range(2_000))))
    )
    choice = spec.parameters[0]
    assert isinstance(choice, ChoiceParameter)
    assert len(choice.options) == 1_000
    assert len(facts_of(choice)["options"]) == 2_000
    assert any("2000 options" in warning for warning in spec.warnings)


def test_options_that_are_no_plain_values_are_json() -> None:
    """A list of lists can't be chosen from."""
    assert isinstance(made(options=options(["a"], ["b"])), JsonParameter)
    assert isinstance(made(options=options(1, "a")), JsonParameter)


def test_html_in_any_text_stays_text() -> None:
    """What a page says is kept as it is said; showing it as text is the page's part."""
    script = "<script>alert(1)</script>"
    parameter = made(name="value", title=script, description=script, default=script)
    assert (parameter.label, parameter.help, parameter.default) == (script, script, script)


def test_help_is_the_description_without_what_the_form_shows_itself() -> None:
    """Limits in brackets and very long lists are left out of the help, not of the facts."""
    description = "How close (Min: 0, Max: 1, Step: 0.1) (step: 0.1)"
    parameter = made(type="number", description=description)
    assert parameter.help == "How close"
    assert facts_of(parameter)["description"] == description
    long = made(description="First. " + "Word " * 200)
    assert long.help.endswith("…")
    assert len(long.help) < 405


def test_what_files_fit_is_left_out_of_the_help_where_the_form_shows_it() -> None:
    """Also of one address, as a mask is given."""
    words = "The mask\n(Accepted types: image/png; Max size: 4.0MB)"
    mask = made(name="mask_url", description=words, accepts=("image/png",))
    assert mask.help == "The mask"
    assert made(name="mask_url", description="A (Max size: 4MB)", max_bytes=4).help == "A"
    assert made(name="mask_note", description=words).help == words


@pytest.mark.parametrize(
    ("name", "longest", "widget"),
    [
        ("style", 500, "text"),
        ("style", 501, "long text"),
        ("style", None, "text"),
        ("negative_prompt", 500, "long text"),
    ],
)
def test_a_text_has_several_lines_if_it_is_long_or_speech(
    name: str, longest: int | None, widget: str
) -> None:
    """By its length, or by what it is called."""
    assert facts_of(made(name=name, max_length=longest))["widget"] == widget


@pytest.mark.parametrize(
    ("example", "sample"),
    [
        ("A heron\n takes off ", "A heron takes off"),
        ("a" * 81, "a" * 79 + "…"),
        ("  ", None),
        (5, None),
        ("the default", None),
    ],
)
def test_the_example_of_a_text_is_kept_as_a_line(example: Any, sample: str | None) -> None:
    """It is shown in the empty field, and is no fact of the parameter."""
    parameter = made(example=example, default="the default")
    assert isinstance(parameter, TextParameter)
    assert parameter.sample == sample
    assert facts_of(parameter) == facts_of(made(default="the default"))


@pytest.mark.parametrize(
    ("model", "rest", "produces"),
    [
        ("heron/text-to-image", {}, "image"),
        ("heron/speech-to-text", {}, "text"),
        ("heron/image-to-video", {"results": ("https://a.example/x.png",)}, "video"),
        ("heron/one", {"results": ("https://a.example/x.mp3",)}, "audio"),
        ("heron/one", {"folder": "docs/en/Market/Image    Models/Heron"}, "image"),
        ("heron/one", {"folder": "docs/en/Market/Music Models/Heron"}, "audio"),
        ("heron/image-upscale", {}, "image"),
        ("heron/video-upscale", {}, "video"),
        ("heron/tts", {}, "audio"),
    ],
)
def test_what_a_model_makes_is_known_by_its_id_its_results_or_its_folder(
    model: str, rest: dict[str, Any], produces: str
) -> None:
    """In that order; where none says it, it is taken for a video, with a warning."""
    assert spec_of(A_TEXT, model=model, **rest).produces == produces
    unknown = spec_of(A_TEXT, model="heron/one")
    assert unknown.produces == "video"
    assert any("what the model makes" in warning for warning in unknown.warnings)


@pytest.mark.parametrize(
    ("heading", "model", "title"),
    [
        ("Heron Clip API Documentation", "heron/clip", "Heron Clip"),
        (
            "Image To Video API Documentation",
            "grok-imagine/image-to-video",
            "Grok Imagine Image To Video",
        ),
        ("elevenlabs/audio-isolation", "elevenlabs/audio-isolation", "ElevenLabs Audio Isolation"),
        ("", "heron-2.5/fast", "Heron 2.5 Fast"),
        (
            "Heron V6 Fusion / Reference-to-Video",
            "heron/v6",
            "Heron V6 Fusion / Reference-to-Video",
        ),
    ],
)
def test_the_title_is_the_page_s_heading(heading: str, model: str, title: str) -> None:
    """Without "API Documentation"; one that names only the task gets its family before it."""
    page_ = DocumentedModel(model=model, title=heading, parameters=(A_TEXT,))
    assert to_spec(page_).title == title


@pytest.mark.parametrize(
    ("name", "kind", "label"),
    [
        ("image_urls", "array", "Images"),
        ("input_urls", "array", "Input images"),
        ("end_image_url", "string", "End image"),
        ("driving_audio_url", "string", "Driving audio"),
        ("cfg_scale", "number", "CFG scale"),
        ("nFrames", "integer", "N frames"),
        ("callBackUrl", "string", "Call back URL"),
    ],
)
def test_a_label_is_the_name_in_words(name: str, kind: str, label: str) -> None:
    """Files are called after what they are, and not after their address."""
    assert made(name=name, type=kind).label == label


def test_the_address_is_kept_only_if_it_is_one() -> None:
    """A file's name is no place where the page can be read again."""
    text = page("heron-still.md")
    address = "https://docs.kie.ai/market/heron/still"
    assert read_page(text, source=address)[0].documentation == address
    assert read_page(text, source="still.md")[0].documentation == ""


def test_files_are_known_by_their_types_before_their_name() -> None:
    """What is accepted decides; several kinds at once are just files."""
    both = made(name="image_url", accepts=("image/png", "video/mp4"))
    video = made(name="image_url", accepts=("video/mp4",))
    assert isinstance(both, MediaParameter)
    assert isinstance(video, MediaParameter)
    assert (both.media, video.media) == ("file", "video")


def test_a_name_twice_counts_once() -> None:
    """The same heading again gives a warning, and the first one counts."""
    text = page("heron-still.md")
    seed = "#### seed\n- **Type**: `integer`\n"
    read = read_page(text.replace(seed, f"{seed}\n#### seed\n- **Type**: `string`\n"))[0]
    assert facts_of(read.parameter("seed"))["type"] == "integer"
    assert any("twice" in warning for warning in read.warnings)


def test_a_page_beyond_any_size_is_refused_unread() -> None:
    """Half a million characters are no documentation page."""
    with pytest.raises(UnreadablePage, match="too long"):
        read_page("x" * 500_001)


@pytest.mark.parametrize(
    "text",
    [
        "#" * 450_000,
        "# a\n" * 120_000,
        "- **" * 120_000,
        "`" * 450_000,
        "| " * 240_000,
        "```yaml\nopenapi: 3\n" * 24_000,
        "<!--" * 120_000,
        "&" * 450_000,
        "### input parameters\n" + "#### a\n- **Type**: `string`\n- **Default Value**: `\n" * 9_000,
    ],
    ids=lambda text: text[:12],
)
def test_a_page_made_to_be_slow_is_refused(text: str) -> None:
    """No text within the size limit keeps the reader from coming back with a sentence."""
    with pytest.raises(UnreadablePage):
        read_page(text)


def test_stated_facts_survive_being_written_down() -> None:
    """A spec read back from its JSON states the same facts."""
    spec = spec_of(DocumentedParameter(name="image_url", type="string", default=""))
    again = ModelSpec.model_validate_json(spec.model_dump_json())
    assert again == spec
    assert facts_of(again.parameters[0])["default"] == ""


def test_a_table_needs_flat_rows() -> None:
    """A row that holds a list is written as JSON."""
    row = DocumentedParameter(
        name="item",
        type="object",
        fields=(A_TEXT, DocumentedParameter(name="b", type="array")),
    )
    assert isinstance(made(type="array", items=row), JsonParameter)
    assert isinstance(made(type="array", items=replace(row, fields=())), JsonParameter)
