from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kie_ui.catalog.registry import built_in_registry
from kie_ui.catalog.spec import ModelSpec
from kie_ui.simulator.intent.roles import MAX_RESULTS, Asked, choose_seed, craft_of
from kie_ui.simulator.intent.values import plain_name
from tests.catalog.spec_strategies import specs
from tests.simulator.harness import a_spec, options

LITE = built_in_registry().spec("bytedance/v1-lite-image-to-video")
GROK = built_in_registry().spec("grok-imagine/image-to-video")


def text(name: str, **fields: Any) -> dict[str, Any]:
    """Describe a text."""
    return {"kind": "text", "name": name, **fields}


def media(name: str, kind: str = "image", **fields: Any) -> dict[str, Any]:
    """Describe media."""
    return {"kind": "media", "name": name, "media": kind, **fields}


def table(name: str, *columns: dict[str, Any]) -> dict[str, Any]:
    """Describe a table."""
    described = [{"label": each["name"], "help": "", **each} for each in columns]
    return {"kind": "table", "name": name, "columns": described}


def asked(*given: tuple[dict[str, Any], Any], **fields: Any) -> Asked:
    """Read parameters and what they are given."""
    spec = a_spec(*(parameter for parameter, _ in given), **fields)
    return Asked(spec, {parameter["name"]: value for parameter, value in given})


def test_shots_tell_a_story() -> None:
    """The rows of a table are its lines, and its prompt."""
    shots = table(
        "shots", {"kind": "text", "name": "Scene"}, {"kind": "number", "name": "duration"}
    )
    rows = [{"Scene": "dawn", "duration": 4}, {"Scene": "noon", "duration": 6}]
    told = asked((shots, rows))
    assert [words for _, words in told.lines] == ["dawn", "noon"]
    assert told.prompt == "dawn\nnoon"


def test_a_dialogue_names_who_speaks() -> None:
    """Rows of text and voice are lines; the voice is no part of the words."""
    dialogue = table(
        "dialogue", {"kind": "text", "name": "text"}, {"kind": "text", "name": "voice"}
    )
    told = asked((dialogue, [{"text": "Hello.", "voice": "Ann"}, {"text": "Hi."}]))
    assert told.lines == (("Ann", "Hello."), ("", "Hi."))


def test_a_table_of_other_things_is_no_speech() -> None:
    """Colours and their shares are neither lines nor shots."""
    colours = table("palette", {"kind": "text", "name": "hex"}, {"kind": "number", "name": "ratio"})
    told = asked((colours, [{"hex": "#ff0000", "ratio": 0.5}]), (text("prompt"), "a lake"))
    assert told.lines == (("", "a lake"),)


def test_one_voice_says_the_prompt() -> None:
    """A text and a voice beside it are one line."""
    assert asked((text("text"), "Hello."), (text("voice_id"), "Ann")).lines == (("Ann", "Hello."),)


def test_the_prompt_is_found_whatever_it_is_called() -> None:
    """By its name, else as the longest text of several words, and never what is to be avoided."""
    assert asked((text("style"), "bold and bright"), (text("prompt"), "x")).prompt == "x"
    assert asked((text("negative_prompt"), "no fog"), (text("prompt"), "sea")).prompt == "sea"
    assert asked((text("wish"), "a boat at sea"), (text("code"), "en")).prompt == "a boat at sea"
    assert asked((text("negative_prompt"), "no fog at all")).prompt == ""


def test_everything_written_is_read_for_words_that_decide_over_the_task() -> None:
    """Also what is to be avoided, and the cells of tables."""
    shots = table("shots", {"kind": "text", "name": "scene"})
    told = asked(
        (text("a"), "one"), (text("negative_prompt"), "two"), (shots, [{"scene": "three"}])
    )
    assert set(told.texts) == {"one", "two", "three"}


@pytest.mark.parametrize(
    ("name", "value", "count"),
    [
        ("num_images", "4", 4),
        ("n", 2, 2),
        ("nVariants", 3, 3),
        ("max_images", 6, 6),
        ("num_outputs", 1000, MAX_RESULTS),
        ("num_images", 0, 1),
        ("number_of_images", "x", None),
        ("num_inference_steps", 30, None),
    ],
)
def test_the_number_of_results_is_read(name: str, value: Any, count: int | None) -> None:
    """Within what is made."""
    kind = "text" if isinstance(value, str) else "number"
    assert asked(({"kind": kind, "name": name}, value)).count == count


def test_start_end_and_reference_pictures_are_told_apart() -> None:
    """The end is what says so, a mask is no picture, and mere references come last."""
    told = asked(
        (media("reference_image_urls", many=True, max_items=4), ["r1", "r2"]),
        (media("mask_url"), ["m"]),
        (media("first_frame_url"), ["s"]),
        (media("last_frame_url"), ["e"]),
        (media("video_url", "video"), ["v"]),
        (media("audio_url", "audio"), ["a"]),
    ).inputs
    assert told.pictures == ("s", "r1", "r2")
    assert (told.end_picture, told.videos, told.sounds) == ("e", ("v",), ("a",))


def test_a_file_of_any_kind_is_what_the_model_makes() -> None:
    """A speech-to-text model's `file` is a sound."""
    assert asked((media("file", "file"), ["f"]), produces="text").inputs.sounds == ("f",)
    assert asked((media("file", "file"), ["f"]), produces="image").inputs.pictures == ("f",)


def test_the_size_is_put_together_from_all_that_tell_it() -> None:
    """A ratio, a resolution, or plain width and height."""
    choice = {"kind": "choice", "options": options("16:9", "2K")}
    told = asked(
        ({**choice, "name": "aspect_ratio"}, "16:9"), ({**choice, "name": "image_resolution"}, "2K")
    ).extent
    assert (told.aspect, told.mean_side_px) == (16 / 9, 2048)
    number = {"kind": "number"}
    assert asked(
        ({**number, "name": "width"}, 640), ({**number, "name": "height"}, 360)
    ).extent.exact == (640, 360)


def test_only_a_seed_that_was_asked_for_is_taken() -> None:
    """-1 asks for chance, and so does a model without a seed; text will do for a number."""
    assert choose_seed(LITE, {"seed": 12}) == 12
    assert choose_seed(LITE, {"seed": 0}) == 0
    assert choose_seed(LITE, {"seed": -1}) >= 0
    assert len({choose_seed(GROK, {}) for _ in range(5)}) > 1
    assert choose_seed(a_spec(text("seed")), {"seed": "77"}) == 77


def test_the_built_in_models_are_read_by_the_same_roles() -> None:
    """What the two models that we have by heart mean is understood."""
    values = {"mode": "fun", "duration": "10", "resolution": "720p", "task_id": "t", "index": 3}
    told = Asked(GROK, values)
    assert (told.duration_s, told.task_id, told.index, told.names_image_task) == (10, "t", 3, True)
    assert told.extent.short_side_px == 720
    assert told.extent.aspect is None
    lite = Asked(LITE, {"camera_fixed": True, "image_url": ["a"], "end_image_url": ["b"]})
    assert lite.is_camera_fixed
    assert (lite.inputs.pictures, lite.inputs.end_picture) == (("a",), "b")


@pytest.mark.parametrize(
    ("fields", "parameter", "craft"),
    [
        ({"model": "m/image-upscale"}, media("image"), (False, True, False)),
        ({"model": "m/remove-background"}, media("image"), (False, False, True)),
        ({"model": "m/text-to-speech"}, text("text"), (True, False, False)),
        ({"model": "m/x"}, text("voice"), (True, False, False)),
        ({"model": "m/text-to-image"}, text("prompt"), (False, False, False)),
    ],
)
def test_what_a_model_does_is_told_by_its_name(
    fields: dict[str, Any], parameter: dict[str, Any], craft: tuple[bool, bool, bool]
) -> None:
    """Speaking, enlarging, cutting out; for most models none of these."""
    assert craft_of(a_spec(parameter, **fields)) == craft


def test_names_have_one_plain_spelling() -> None:
    """Capitals, hyphens and blanks make no difference."""
    assert {plain_name(each) for each in ("aspectRatio", "aspect-ratio", "Aspect_Ratio ")} == {
        "aspect_ratio"
    }


@settings(deadline=None)
@given(specs(), st.data())
def test_nothing_that_is_given_breaks_the_reading(spec: ModelSpec, data: st.DataObject) -> None:
    """Every role can be asked for whatever a request holds."""
    anything = st.none() | st.integers() | st.text(max_size=5) | st.booleans()
    names = [p.name for p in spec.parameters if p.kind in ("choice", "number", "switch")]
    told = Asked(spec, {name: data.draw(anything) for name in names})
    choose_seed(spec, {})
    assert told.duration_s is None or told.duration_s > 0
    assert told.count is None or 1 <= told.count <= MAX_RESULTS
    assert told.factor >= 1
    assert isinstance([*told.formats, told.prompt, told.voice, told.index, told.extent], list)
