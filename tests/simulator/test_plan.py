from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kie_ui.catalog.registry import built_in_registry
from kie_ui.catalog.spec import ModelSpec
from kie_ui.simulator.plan import (
    MAX_RESULTS,
    RenderPlan,
    build_plan,
    choose_seed,
    pictures_per_task,
    texts_of,
)
from tests.catalog.spec_strategies import specs
from tests.simulator.harness import a_spec, media, number, options, table, text

LITE = built_in_registry().spec("bytedance/v1-lite-image-to-video")
GROK = built_in_registry().spec("grok-imagine/image-to-video")


def plan(*given: tuple[dict[str, Any], Any], **fields: Any) -> RenderPlan:
    """Read parameters and what they are given."""
    spec = a_spec(*(parameter for parameter, _ in given), **fields)
    return build_plan(spec, {parameter["name"]: value for parameter, value in given})


def test_shots_tell_a_story() -> None:
    """The rows of a table are its prompt."""
    shots = table("shots", text("Scene"), number("duration"))
    rows = [{"Scene": "dawn", "duration": 4}, {"Scene": "noon", "duration": 6}]
    assert plan((shots, rows)).prompt == "dawn\nnoon"


def test_the_prompt_is_found_whatever_it_is_called() -> None:
    """By its name, else as the longest text of several words, and never what is to be avoided."""
    assert plan((text("style"), "bold and bright"), (text("prompt"), "x")).prompt == "x"
    assert plan((text("negative_prompt"), "no fog"), (text("prompt"), "sea")).prompt == "sea"
    assert plan((text("plot"), "a boat at sea"), (text("code"), "en")).prompt == "a boat at sea"
    assert plan((text("negative_prompt"), "no fog at all")).prompt == ""


def test_everything_written_is_read_for_words_that_decide_over_the_task() -> None:
    """Also what is to be avoided, and the cells of tables."""
    shots = table("shots", text("scene"))
    spec = a_spec(text("a"), text("negative_prompt"), shots)
    values = {"a": "one", "negative_prompt": "two", "shots": [{"scene": "three"}]}
    assert set(texts_of(spec, values)) == {"one", "two", "three"}


@pytest.mark.parametrize(
    ("name", "value", "count"),
    [
        ("num_images", "4", 4),
        ("n", 2, 2),
        ("nVariants", 3, 3),
        ("max_images", 6, 6),
        ("num_outputs", 1000, MAX_RESULTS),
        ("num_images", 0, 1),
        ("number_of_images", "x", 1),
        ("num_inference_steps", 30, 1),
    ],
)
def test_the_number_of_results_is_read(name: str, value: Any, count: int) -> None:
    """Within what is made."""
    kind = "text" if isinstance(value, str) else "number"
    assert plan(({"kind": kind, "name": name}, value), produces="image").count == count


def test_start_end_and_reference_pictures_are_distinguished() -> None:
    """The end is what says so, a mask is no picture, and mere references come last."""
    read = plan(
        (media("reference_image_urls", many=True, max_items=4), ["r1", "r2"]),
        (media("mask_url"), ["m"]),
        (media("first_frame_url"), ["s"]),
        (media("last_frame_url"), ["e"]),
        (media("video_url", "video"), ["v"]),
        (media("audio_url", "audio"), ["a"]),
    ).inputs
    assert read.pictures == ("s", "r1", "r2")
    assert (read.end_picture, read.videos, read.sounds) == ("e", ("v",), ("a",))


def test_a_file_of_any_kind_is_what_the_model_makes() -> None:
    """A speech-to-text model's `file` is a sound."""
    assert plan((media("file", "file"), ["f"]), produces="text").inputs.sounds == ("f",)
    assert plan((media("file", "file"), ["f"]), produces="image").inputs.pictures == ("f",)


def test_the_size_is_combined_from_several_parameters() -> None:
    """A ratio, a resolution, or plain width and height."""
    choice = {"kind": "choice", "options": options("16:9", "2K")}
    read = plan(
        ({**choice, "name": "aspect_ratio"}, "16:9"), ({**choice, "name": "image_resolution"}, "2K")
    ).size
    assert (read.aspect, read.mean_side_px) == (16 / 9, 2048)
    read = plan((number("width"), 640), (number("height"), 360)).size
    assert read.exact == (640, 360)


def test_only_a_requested_seed_is_taken() -> None:
    """-1 asks for chance, and so does a model without a seed; text will do for a number."""
    assert choose_seed(LITE, {"seed": 12}) == 12
    assert choose_seed(LITE, {"seed": 0}) == 0
    assert choose_seed(LITE, {"seed": -1}) >= 0
    assert len({choose_seed(GROK, {}) for _ in range(5)}) > 1
    assert choose_seed(a_spec(text("seed")), {"seed": "77"}) == 77


def test_the_built_in_models_are_read_by_the_same_roles() -> None:
    """What the two models that we have by heart mean is understood."""
    values = {"mode": "fun", "duration": "10", "resolution": "720p", "task_id": "t", "index": 3}
    read = build_plan(GROK, values)
    assert (read.duration_s, read.task_id, read.index) == (10, "t", 3)
    assert read.size.short_side_px == 720
    assert read.size.aspect is None
    lite = build_plan(LITE, {"camera_fixed": True, "image_url": ["a"], "end_image_url": ["b"]})
    assert lite.is_camera_fixed
    assert (lite.inputs.pictures, lite.inputs.end_picture) == (("a",), "b")


@pytest.mark.parametrize(
    ("fields", "parameter", "traits"),
    [
        ({"model": "m/image-upscale"}, media("image"), (False, True, False)),
        ({"model": "m/remove-background"}, media("image"), (False, False, True)),
        ({"model": "m/text-to-speech"}, text("text"), (True, False, False)),
        ({"model": "m/x"}, text("voice"), (True, False, False)),
        ({"model": "m/text-to-image"}, text("prompt"), (False, False, False)),
    ],
)
def test_what_a_model_does_is_known_by_its_name(
    fields: dict[str, Any], parameter: dict[str, Any], traits: tuple[bool, bool, bool]
) -> None:
    """Speaking, enlarging, removing a background; for most models none of these."""
    read = build_plan(a_spec(parameter, **fields), {})
    assert (read.speaks, read.enlarges, read.removes_background) == traits


def test_the_image_models_of_a_family_fill_its_index() -> None:
    """Grok's own pictures come in sixes, since its video model counts to five; others singly."""
    assert pictures_per_task("grok-imagine/text-to-image") == 6
    assert pictures_per_task("maker/model") == 1


@given(specs(), st.data())
def test_nothing_that_is_given_breaks_the_reading(spec: ModelSpec, data: st.DataObject) -> None:
    """Every role can be requested whatever a request holds."""
    anything = st.none() | st.integers() | st.text(max_size=5) | st.booleans()
    names = [p.name for p in spec.parameters if p.kind in ("choice", "number", "switch")]
    read = build_plan(spec, {name: data.draw(anything) for name in names})
    choose_seed(spec, {})
    assert read.duration_s is None or read.duration_s > 0
    assert 1 <= read.count <= MAX_RESULTS
    assert read.factor >= 1
