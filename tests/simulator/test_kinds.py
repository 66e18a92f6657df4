from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kie_ui.catalog.registry import Registry, built_in_registry
from kie_ui.catalog.spec import ModelSpec
from kie_ui.simulator.render.requests import ClipRequest, ImageRequest, SoundRequest, TextRequest
from tests.simulator.harness import (
    ANSWER,
    CLIP,
    FakeRenderer,
    Service,
    ServiceFactory,
    a_spec,
    grok,
    media,
    number,
    table,
    text,
)

CREATE = "/api/v1/jobs/createTask"
PROMPT, FORMAT, TASK = text("prompt"), text("output_format"), text("task_id")
COUNT = number("num_images", integer=True)

IMAGES = a_spec(PROMPT, COUNT, FORMAT, model="m/images", produces="image")
GROK_IMAGES = a_spec(PROMPT, model="grok-imagine/text-to-image", produces="image")
MUSIC = a_spec(PROMPT, FORMAT, model="m/music", produces="audio")
SPEECH_TO_TEXT = a_spec(
    media("audio_url", "audio", max_bytes=1000),
    model="m/speech-to-text",
    produces="text",
)
UPSCALE = a_spec(TASK, model="m/video-upscale", produces="video")
FILES = a_spec(
    media("image_url", accepts=["image/jpeg", "image/png"]),
    media("video_url", "video", accepts=["video/mp4"]),
    media("audio_url", "audio"),
    model="m/files",
)
SCRIPT = a_spec(text("plot"), model="m/script", produces="video")
STORY = a_spec(table("shots", text("scene")), model="m/story", produces="video")
ALL = (IMAGES, GROK_IMAGES, MUSIC, SPEECH_TO_TEXT, UPSCALE, FILES, SCRIPT, STORY)
MP4, WAV, PNG = b"\0\0\0\x18ftypisom" + b"\0" * 64, b"RIFF....WAVEfmt ", b"\x89PNG\r\n\x1a\n"


@pytest.fixture
async def service(service_for: ServiceFactory) -> Service:
    """Give a simulator that serves models of every kind."""
    return await service_for(find_versions=Registry((*built_in_registry(), *ALL)).versions)


def body(spec: ModelSpec, **values: Any) -> dict[str, Any]:
    """Return the body of a create."""
    return {"model": spec.model, "input": values}


async def result(service: Service, spec: ModelSpec, **values: Any) -> dict[str, Any]:
    """Create a task and return its result."""
    record = await service.ended(await service.create(body(spec, **values)))
    assert record["state"] == "success", record
    read: dict[str, Any] = json.loads(record["resultJson"])
    return read


async def test_several_pictures_have_an_address_each(
    service: Service, renderer: FakeRenderer
) -> None:
    """As many results as were requested, each a file of the requested type."""
    urls = (await result(service, IMAGES, num_images=3, output_format="png"))["resultUrls"]
    assert len(set(urls)) == 3
    for url in urls:
        assert url.endswith(".png")
        got = await service.client.get(url)
        assert (got.content, got.headers["content-type"]) == (CLIP, "image/png")
    assert all(isinstance(request, ImageRequest) for request in renderer.requests)


async def test_a_sound_is_served_as_what_it_is(service: Service, renderer: FakeRenderer) -> None:
    """Its name and its type follow the requested format."""
    (url,) = (await result(service, MUSIC, output_format="wav"))["resultUrls"]
    assert url.endswith(".wav")
    assert (await service.client.get(url)).headers["content-type"] == "audio/wav"
    assert isinstance(renderer.requests[0], SoundRequest)


async def test_words_are_an_object(service: Service, renderer: FakeRenderer) -> None:
    """A model of words answers with `resultObject`, and with no address."""
    answer = await result(service, SPEECH_TO_TEXT, audio_url="https://a.example/a.mp3")
    assert answer == {"resultObject": json.loads(ANSWER)}
    assert isinstance(renderer.requests[0], TextRequest)


async def test_an_unknown_price_takes_nothing_and_is_not_shown(service: Service) -> None:
    """The balance stays, and the record leaves open what it would have cost."""
    record = await service.ended(await service.create(body(IMAGES, prompt="x")))
    assert record["creditsConsumed"] is None
    assert await service.balance() == 10_000


@pytest.mark.parametrize(
    "requested", [body(SCRIPT, plot="[fail] please"), body(STORY, shots=[{"scene": "sea [fail]"}])]
)
async def test_words_in_any_text_decide_over_the_task(
    service: Service, requested: dict[str, Any]
) -> None:
    """Whatever the parameter is called, and also in a row of a table."""
    record = await service.ended(await service.create(requested))
    assert (record["state"], "[fail]" in record["failMsg"]) == ("fail", True)


async def test_a_picture_of_grok_goes_on_as_a_clip(
    service: Service, renderer: FakeRenderer
) -> None:
    """An image task of the same account is taken by its id, and the clip starts from it."""
    task_id = await service.create(body(GROK_IMAGES, prompt="a lake"))
    urls = json.loads((await service.ended(task_id))["resultJson"])["resultUrls"]
    assert len(urls) == 6
    requested = grok(image_urls=None, task_id=task_id, index=4, mode="spicy")
    assert (await service.ended(await service.create(requested)))["state"] == "success"
    start = renderer.clips[0].start
    assert isinstance(start, Path)
    assert start.name == urls[4].split("/")[-2]
    assert renderer.clips[0].mode == "spicy"


async def test_an_image_task_of_fewer_pictures_has_no_more(service: Service) -> None:
    """An index that the model allows and the task does not have is refused too."""
    task_id = await service.create(body(IMAGES, num_images=2))
    await service.ended(task_id)
    for index, code in ((1, 200), (2, 422)):
        answer = await service.post(CREATE, grok(image_urls=None, task_id=task_id, index=index))
        assert answer["code"] == code


async def test_anothers_task_is_none_of_mine(service: Service) -> None:
    """Neither is one that has not ended, nor one that made no picture."""
    task_id = await service.create(body(GROK_IMAGES, prompt="a lake"))
    requested = grok(image_urls=None, task_id=task_id)
    assert (await service.post(CREATE, requested))["code"] == 422
    await service.ended(task_id)
    tune_id = await service.create(body(MUSIC, prompt="a song"))
    await service.ended(tune_id)
    assert (await service.post(CREATE, grok(image_urls=None, task_id=tune_id)))["code"] == 422
    service.client.headers["Authorization"] = "Bearer another-key"
    assert (await service.post(CREATE, requested))["code"] == 422


async def test_any_earlier_result_can_be_worked_on(
    service: Service, renderer: FakeRenderer
) -> None:
    """A clip is taken by its task's id where a model enlarges clips."""
    task_id = await service.create(grok())
    await service.ended(task_id)
    await result(service, UPSCALE, task_id=task_id)
    request = renderer.requests[-1]
    assert isinstance(request, ClipRequest)
    assert request.footage is not None
    answer = await service.post(CREATE, body(UPSCALE, task_id="nobody"))
    assert (answer["code"], "nobody" in answer["msg"]) == (422, True)


@pytest.mark.parametrize(
    ("name", "content", "declared", "code"),
    [
        ("image_url", PNG, "image/png", 200),
        ("image_url", MP4, "image/png", 422),
        ("image_url", b"who knows", "image/jpg", 200),
        ("image_url", b"who knows", "image/bmp", 422),
        ("video_url", MP4, "application/octet-stream", 200),
        ("video_url", PNG, "video/mp4", 422),
        ("audio_url", WAV, "audio/x-wav", 200),
        ("audio_url", PNG, "audio/mpeg", 422),
    ],
)
async def test_a_file_is_what_its_bytes_say(
    service: Service, name: str, content: bytes, declared: str, code: int
) -> None:
    """The bytes decide the type; only where they show none, the declared one counts."""
    url = await service.uploaded(content, declared)
    assert (await service.post(CREATE, body(FILES, **{name: url})))["code"] == code


async def test_a_sound_beyond_its_limit_is_refused(service: Service) -> None:
    """The limit of the parameter counts, for files of every kind."""
    url = await service.uploaded(WAV + b"\0" * 1000, "audio/wav")
    answer = await service.post(CREATE, body(SPEECH_TO_TEXT, audio_url=url))
    assert (answer["code"], "size exceeds limit" in answer["msg"]) == (422, True)


async def test_a_half_made_task_leaves_nothing_behind(
    service: Service, renderer: FakeRenderer
) -> None:
    """Where a later result fails, the earlier ones of the task are gone too."""
    renderer.failure = "no luck"
    record = await service.ended(await service.create(body(IMAGES, num_images=3)))
    assert record["state"] == "fail"
    folder = service.app.state.simulator.config.data_dir
    assert list((folder / "incoming").iterdir()) == []
    assert list((folder / "files").iterdir()) == []
