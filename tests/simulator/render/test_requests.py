from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from kie_ui.catalog.registry import Registry, built_in_registry
from kie_ui.catalog.request import build_body, build_input
from kie_ui.catalog.spec import ModelSpec
from kie_ui.catalog.validate import check_values
from kie_ui.simulator.plan import MAX_CLIPS, MAX_RESULTS, RenderPlan, build_plan
from kie_ui.simulator.render.requests import (
    DEFAULT_SOUND_S,
    MAX_DURATION_S,
    MAX_SOUND_S,
    MIN_SOUND_S,
    ClipRequest,
    FoundMedia,
    ImageRequest,
    Placeholder,
    RenderRequest,
    SoundRequest,
    TextRequest,
    build_render_requests,
)
from kie_ui.simulator.sizes import MAX_IMAGE_SIDE_PX, image_size
from kie_ui.simulator.validation import check_request
from tests.catalog.spec_strategies import specs
from tests.catalog.strategies import values_of
from tests.simulator.harness import a_spec, media, number, table, text

GROK = built_in_registry().spec("grok-imagine/image-to-video")
LITE = built_in_registry().spec("bytedance/v1-lite-image-to-video")
A, B = Path("a.png"), Path("b.png")
CLIP, SONG = Path("clip.mp4"), Path("song.mp3")
REQUEST: TypeAdapter[RenderRequest] = TypeAdapter(RenderRequest)
PROMPT = text("prompt")


def a_clip(spec: ModelSpec, values: dict[str, Any], **found: Any) -> ClipRequest:
    """Return the one request for a clip."""
    (request,) = build_render_requests(build_plan(spec, values), FoundMedia(**found), 5)
    assert isinstance(request, ClipRequest)
    return request


def video(**fields: Any) -> ModelSpec:
    """Return a model that makes a clip of a prompt."""
    return a_spec(PROMPT, number("duration"), text("aspect_ratio"), produces="video", **fields)


def test_the_built_in_models_are_requested_as_documented() -> None:
    """Seconds, pixels, mode, camera and both pictures."""
    values = {"duration": "10", "resolution": "720p", "mode": "fun"}
    request = a_clip(GROK, values, pictures=(A,))
    assert (request.duration_s, request.short_side_px, request.mode) == (10.0, 720, "fun")
    assert (request.start, request.end, request.aspect, request.seed) == (A, None, None, 5)
    request = a_clip(LITE, {"camera_fixed": True}, pictures=(A,), end=B)
    assert (request.start, request.end, request.is_camera_fixed) == (A, B, True)


def test_a_clip_without_a_picture_starts_from_a_placeholder() -> None:
    """Its prompt and its seed decide what is drawn."""
    request = a_clip(video(), {"prompt": "a boat at sea", "aspect_ratio": "9:16"})
    assert request.start == Placeholder(text="a boat at sea", seed=5)
    assert (request.duration_s, request.aspect) == (5.0, 9 / 16)


def test_of_several_pictures_the_last_one_is_the_end() -> None:
    """Unless an end is named."""
    assert a_clip(video(), {}, pictures=(A, B)).end == B
    assert a_clip(video(), {}, pictures=(A, B, A), end=B).end == B


def test_footage_is_passed_on_at_its_own_length_and_size() -> None:
    """Where nothing else is requested, the video decides."""
    request = a_clip(video(), {}, videos=(CLIP,))
    assert (request.footage, request.duration_s, request.short_side_px) == (CLIP, None, None)


def test_a_picture_goes_before_footage_and_takes_its_length() -> None:
    """A picture that shall move as a video does is what is seen; the sound stays."""
    request = a_clip(video(), {}, pictures=(A,), videos=(CLIP,))
    assert (request.start, request.footage) == (A, None)
    assert (request.sound, request.duration_s) == (CLIP, None)


def test_a_picture_that_speaks_lasts_as_long_as_its_sound() -> None:
    """A sound beside a picture is heard in the clip."""
    request = a_clip(video(), {}, pictures=(A,), sounds=(SONG,))
    assert (request.sound, request.duration_s) == (SONG, None)


@pytest.mark.parametrize(("wanted", "made"), [(10_000, MAX_DURATION_S), (0.1, 1.0)])
def test_absurd_durations_are_kept_within_what_is_rendered(wanted: float, made: float) -> None:
    """Nobody waits for a clip of three hours."""
    assert a_clip(video(), {"duration": wanted}).duration_s == made


def test_many_shots_are_kept_within_what_is_rendered() -> None:
    """The sum of their durations is a duration like any other."""
    spec = a_spec(table("shots", number("duration")), produces="video")
    assert a_clip(spec, {"shots": [{"duration": 9}] * 3}).duration_s == 27
    assert a_clip(spec, {"shots": [{"duration": 9}] * 30}).duration_s == MAX_DURATION_S


def image_requests(spec: ModelSpec, values: dict[str, Any], **found: Any) -> list[ImageRequest]:
    """Return the requests for pictures."""
    requests = build_render_requests(build_plan(spec, values), FoundMedia(**found), 5)
    return [request for request in requests if isinstance(request, ImageRequest)]


def test_several_pictures_are_numbered() -> None:
    """Each is another one of the same prompt and seed."""
    spec = a_spec(PROMPT, number("num_images"), produces="image")
    requests = image_requests(spec, {"prompt": "x", "num_images": 3})
    assert [request.number for request in requests] == [0, 1, 2]
    assert {request.source for request in requests} == {
        Placeholder(text="x", seed=5, number=number) for number in range(3)
    }
    assert len(image_requests(spec, {"num_images": 1000})) == MAX_RESULTS


@pytest.mark.parametrize(
    ("model", "factor", "file_format"),
    [
        ("m/image-to-image", 1.0, "jpeg"),
        ("m/image-upscale", 2.0, "jpeg"),
        ("m/remove-background", 1.0, "png"),
    ],
)
def test_a_given_picture_has_the_size_and_format_of_its_model(
    model: str, factor: float, file_format: str
) -> None:
    """An upscaler doubles it; what removes backgrounds makes a format with transparency."""
    (request,) = image_requests(a_spec(PROMPT, model=model, produces="image"), {}, pictures=(A,))
    assert (request.factor, request.format, request.source) == (factor, file_format, A)


@pytest.mark.parametrize(
    ("wanted", "made"), [("png", "png"), ("JPG", "jpeg"), ("image/webp", "webp")]
)
def test_the_requested_format_of_a_picture_is_made(wanted: str, made: str) -> None:
    """However it is spelt."""
    spec = a_spec(PROMPT, text("output_format"), produces="image")
    assert image_requests(spec, {"output_format": wanted})[0].format == made


@pytest.mark.parametrize(
    ("wanted", "made"),
    [
        ("mp3_44100_128", ("mp3", 44_100)),
        ("mp3_22050_32", ("mp3", 22_050)),
        ("pcm_16000", ("wav", 16_000)),
        ("opus_48000_64", ("ogg", 48_000)),
        ("wav", ("wav", 44_100)),
        ("FLAC", ("flac", 44_100)),
        ("pcm_999999", ("wav", 48_000)),
        ("hologram", ("mp3", 44_100)),
    ],
)
def test_the_requested_format_of_a_sound_is_made(wanted: str, made: tuple[str, int]) -> None:
    """With its rate, as far as there is such a one."""
    spec = a_spec(PROMPT, text("output_format"), produces="audio")
    (request,) = build_render_requests(build_plan(spec, {"output_format": wanted}), FoundMedia(), 5)
    assert isinstance(request, SoundRequest)
    assert (request.format, request.rate_hz) == made


@pytest.mark.parametrize(
    ("model", "found", "seconds"),
    [
        ("m/text-to-speech", {}, 4.0),
        ("m/music", {}, DEFAULT_SOUND_S),
        ("m/text-to-speech", {"sounds": (SONG,)}, MAX_SOUND_S),
    ],
)
def test_speech_takes_the_time_that_its_text_needs(
    model: str, found: dict[str, Any], seconds: float
) -> None:
    """Music has a usual length, and a given sound its own."""
    assert a_sound(model, {"prompt": "x" * 60}, **found).duration_s == seconds


@pytest.mark.parametrize(("wanted", "made"), [(10_000, MAX_SOUND_S), (0.1, MIN_SOUND_S), (7, 7)])
def test_the_requested_length_of_a_sound_is_made_within_bounds(wanted: float, made: float) -> None:
    """Nobody waits for a song of three hours."""
    assert a_sound("m/music", {"duration": wanted}).duration_s == made


def a_sound(model: str, values: dict[str, Any], **found: Any) -> SoundRequest:
    """Return the one request for a sound."""
    spec = a_spec(PROMPT, number("duration"), model=model, produces="audio")
    (request,) = build_render_requests(build_plan(spec, values), FoundMedia(**found), 5)
    assert isinstance(request, SoundRequest)
    return request


def test_a_model_of_words_hears_what_it_is_given() -> None:
    """A sound makes a transcript of it, also where it lies elsewhere and is not fetched."""
    spec = a_spec(media("audio_url", "audio"), produces="text")
    brief = build_plan(spec, {"audio_url": ["https://a.example"]})
    for sounds in ((SONG,), ()):
        (request,) = build_render_requests(brief, FoundMedia(sounds=sounds), 5)
        assert isinstance(request, TextRequest)
        assert request.is_transcript


@given(st.data())
def test_whatever_is_accepted_can_be_requested(data: st.DataObject) -> None:
    """Every accepted request becomes requests within the limits, and its brief can be kept."""
    spec = data.draw(specs())
    checked = check_values(spec, data.draw(values_of(spec)))
    built = build_input(spec, checked, lambda _ref: "https://files.example/a")
    values = check_request(Registry((spec,)).versions, build_body(spec, built)).values
    brief = build_plan(spec, values)
    assert RenderPlan.model_validate_json(brief.model_dump_json()) == brief
    requests = build_render_requests(brief, FoundMedia(), 5)
    assert 1 <= len(requests) <= (MAX_CLIPS if spec.produces == "video" else MAX_RESULTS)
    for request in requests:
        assert REQUEST.validate_json(REQUEST.dump_json(request)) == request
        if isinstance(request, ImageRequest):
            assert max(image_size(request.size)) <= MAX_IMAGE_SIDE_PX
