from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kie_ui.catalog.parameters import (
    MediaParameter,
    NumberParameter,
    Parameter,
    SwitchParameter,
    TextParameter,
)
from kie_ui.catalog.registry import built_in_registry
from kie_ui.catalog.roles import (
    image_task_parameter,
    index_parameters,
    is_named_like,
    parameters_for,
    prompt_of,
    roles_of,
)
from kie_ui.catalog.spec import Produces
from kie_ui.catalog.values import FileRef, JsonValue

GROK, V1_LITE = built_in_registry()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"seed": 1, "prompt": "A cat.", "text": "Other words."}, "A cat."),
        ({"prompt": " ", "text": "Hello"}, "Hello"),
        ({"voice": "Anna", "what_to_say": "Good morning to all"}, "Good morning to all"),
        ({"a": "two words", "b": "three more words"}, "three more words"),
        ({"shots": JsonValue(value=[{"prompt": "A cat walks.", "duration": 5}])}, "A cat walks."),
        ({"shots": [{"prompt": "A cat walks."}]}, "A cat walks."),
        (
            {
                "style": "calm and slow",
                "dialogue": [{"voice": "a b", "text": t} for t in ("Hi", "You")],
            },
            "Hi / You",
        ),
        (
            {"lines": [{"who": "Anna B", "says": "Good morning"}, {"says": "Hi"}]},
            "Good morning / Hi",
        ),
        ({"dialogue": [{"voice": "Anna", "line": "Hi"}]}, ""),
        ({"dialogue": [{}, {"text": None}, "Hi", {"text": "Ho "}]}, "Ho"),
        ({"image_url": "https://a.example/a b", "resolution": "480p"}, ""),
        ({"image": (FileRef(path="a b", name="a b"),), "flag": True}, ""),
        ({"prompt": 5}, ""),
        ({}, ""),
    ],
)
def test_the_words_of_a_run_are_found_whatever_they_are_called(
    values: dict[str, Any], words: str
) -> None:
    """The likeliest name first, else the longest text of several words; never an address."""
    assert prompt_of(values) == words


def parameter(kind: Callable[..., Parameter], name: str, **facts: Any) -> Parameter:
    """Make a parameter of which little more than the name matters."""
    return kind(name=name, label=name, help="", **facts)


@pytest.mark.parametrize(
    ("one", "roles"),
    [
        (parameter(TextParameter, "prompt"), {"prompt"}),
        (parameter(TextParameter, "positive-prompt"), {"prompt"}),
        (parameter(TextParameter, "negativePrompt"), {"negative_prompt"}),
        (parameter(TextParameter, "video_duration"), {"duration"}),
        (parameter(TextParameter, "aspectRatio"), {"aspect_ratio"}),
        (parameter(TextParameter, "image_size"), {"resolution"}),
        (parameter(TextParameter, "output_format"), {"format", "aspect_ratio"}),
        (parameter(TextParameter, "nVariants"), {"count"}),
        (parameter(TextParameter, "task_id"), {"task_id"}),
        (parameter(TextParameter, "source", names="image_task"), {"task_id", "image_task_id"}),
        (parameter(NumberParameter, "seed"), {"seed"}),
        (parameter(NumberParameter, "chance", random_value=-1), {"seed"}),
        (parameter(NumberParameter, "image_index"), {"index"}),
        (parameter(NumberParameter, "num_frames"), {"frame_count"}),
        (parameter(SwitchParameter, "generate_audio"), {"sound_switch"}),
        (parameter(TextParameter, "audio"), set()),
        (parameter(SwitchParameter, "camera_fixed"), {"fixed_camera"}),
        (parameter(SwitchParameter, "prompt_optimizer"), set()),
        (parameter(TextParameter, "anything_else"), set()),
        (parameter(MediaParameter, "image_urls"), {"start_picture"}),
        (parameter(MediaParameter, "end_image_url"), {"end_picture"}),
        (parameter(MediaParameter, "last_frame"), {"end_picture"}),
        (parameter(MediaParameter, "reference_images"), {"reference_picture"}),
        (parameter(MediaParameter, "mask_url"), {"mask"}),
        (parameter(MediaParameter, "audio", media="audio"), {"audio"}),
        (parameter(MediaParameter, "end_clip", media="video"), {"video"}),
    ],
)
def test_a_role_is_derived_from_kind_and_name(one: Parameter, roles: set[str]) -> None:
    """However a name is written, the same words have the same role; media have exactly one."""
    assert roles_of(one) == roles


@pytest.mark.parametrize(
    ("produces", "role"),
    [("video", "video"), ("audio", "audio"), ("text", "audio"), ("image", "start_picture")],
)
def test_a_mere_file_is_of_the_kind_that_the_model_makes(produces: Produces, role: str) -> None:
    """Where a page says only "file", a video model means a video; what makes text hears sound."""
    assert roles_of(parameter(MediaParameter, "file_url", media="file"), produces) == {role}


def test_the_built_in_models_have_the_documented_roles() -> None:
    """Every role is found in the models whose pages are known by heart."""
    assert [p.name for p in parameters_for(GROK, "prompt", "duration")] == ["prompt", "duration"]
    assert image_task_parameter(GROK) == GROK.parameter("task_id")
    assert index_parameters(GROK) == (GROK.parameter("index"),)
    assert image_task_parameter(V1_LITE) is None
    assert parameters_for(V1_LITE, "end_picture") == (V1_LITE.parameter("end_image_url"),)
    assert "seed" in roles_of(V1_LITE.parameter("seed"))


def test_a_name_alone_can_have_a_role() -> None:
    """The fields of a row have no parameter; their names follow the same table."""
    names = ["voice", "Speaker-Name", "voices_of_spring"]
    assert [is_named_like(name, "voice") for name in names] == [True, True, False]
