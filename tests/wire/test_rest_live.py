from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fake_kie import (
    DROPPED,
    FAULT,
    GROK_IMAGE_TASK,
    HALF_JSON,
    KEY,
    NULL_RECORD,
    PROXY_PAGE,
    RATE_LIMITED,
    FakeKie,
    Story,
    envelope,
    failed,
)
from tests.wire.api_client import GROK, V1_LITE, Client, Job, calling, handle_file, made, refused
from tests.wire.app_process import AppProcess
from tests.wire.tiny_media import shows

ADDRESS = "https://pictures.test/cat.png?size=large"

WELL = {
    "the rate limit turns it away once": Story(creates=(RATE_LIMITED, None)),
    "it is waiting, then made": Story(records=("waiting", "success")),
    "it is in a state nobody knows": Story(records=("dreaming", "success")),
    "it is not to be found for a moment": Story(records=(NULL_RECORD, "success")),
    "questions fail for a moment": Story(records=(PROXY_PAGE, HALF_JSON, DROPPED, "success")),
    "the download breaks once": Story(media=(DROPPED, None)),
}
"""Stories that end with the clip, by the prompt that asks for them."""

BADLY = {
    "no credits": (Story(creates=(envelope(None, 402, "Top up"),)), "too few credits"),
    "bad input": (Story(creates=(envelope(None, 422, "No such mode"),)), "No such mode"),
    "a field is missing": (
        Story(creates=(envelope(None, 500, "This field is required"),)),
        "This field is required",
    ),
    "the task fails": (Story(records=("waiting", failed("501", "Too blurry"))), "Too blurry"),
    "moderation": (Story(records=(failed("400", "Sensitive content"),)), "content filter"),
    "no clip": (Story(records=({"state": "success", "resultJson": ""},)), "not where it is"),
}
"""Stories that end without, and words of the sentence that says why."""

DOUBTFUL = {
    "a fault with HTTP 200": Story(creates=(FAULT,)),
    "a proxy's page": Story(creates=(PROXY_PAGE,)),
    "half of an answer": Story(creates=(HALF_JSON,)),
    "no answer": Story(creates=(DROPPED,)),
    "an answer without a task id": Story(creates=(envelope({}),)),
}
"""Stories after which nobody can know whether there is a task."""


@pytest.fixture(scope="module")
def caller(live_app: AppProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Open a client of the program with a key."""
    with calling(live_app, tmp_path_factory.mktemp("downloads")) as client:
        yield client


@pytest.fixture(scope="module")
def jobs(caller: Client, fake: FakeKie, jpeg: Path) -> dict[str, Job]:
    """Begin all calls of this module at once, each identified by its prompt."""
    stories = WELL | {prompt: story for prompt, (story, _) in BADLY.items()} | DOUBTFUL
    fake.stories |= stories
    given: dict[str, tuple[str, dict[str, Any]]] = {
        "a file": (V1_LITE, {"image_url": handle_file(jpeg)}),
        "a file in a list": (GROK, {"image_urls": [handle_file(jpeg)]}),
        "an address": (V1_LITE, {"image_url": ADDRESS}),
        "an address as a file": (V1_LITE, {"image_url": handle_file(ADDRESS)}),
        "an address in a list": (GROK, {"image_urls": [ADDRESS]}),
        "an image task": (GROK, {"task_id": GROK_IMAGE_TASK, "index": 5, "mode": "spicy"}),
        "spicy": (GROK, {"image_urls": ADDRESS, "mode": "spicy"}),
        "everything": (
            V1_LITE,
            {
                "image_url": ADDRESS,
                "end_image_url": handle_file(jpeg),
                "resolution": "1080p",
                "duration": "12",
                "camera_fixed": True,
                "seed": 7,
                "enable_safety_checker": False,
            },
        ),
        **{prompt: (GROK, {}) for prompt in stories},
    }
    return {
        prompt: caller.submit(api_name=endpoint, prompt=prompt, **arguments)
        for prompt, (endpoint, arguments) in given.items()
    }


def test_a_file_reaches_kie_byte_for_byte(
    jobs: dict[str, Job], fake: FakeKie, jpeg: Path, clip: bytes
) -> None:
    """A picture that fits is not touched; the clip shows what Kie made."""
    brought = made(jobs["a file"])
    url = fake.body_of("a file")["input"]["image_url"]
    assert fake.files[url] == jpeg.read_bytes()
    assert shows(brought.clip.read_bytes(), clip)
    assert brought.record["param"]


def test_a_file_in_a_list_reaches_kie_in_a_list(
    jobs: dict[str, Job], fake: FakeKie, jpeg: Path
) -> None:
    """Grok documents a list of one."""
    made(jobs["a file in a list"])
    (url,) = fake.body_of("a file in a list")["input"]["image_urls"]
    assert fake.files[url] == jpeg.read_bytes()


@pytest.mark.parametrize(
    ("prompt", "sent"),
    [
        ("an address", {"image_url": ADDRESS}),
        ("an address as a file", {"image_url": ADDRESS}),
        ("an address in a list", {"image_urls": [ADDRESS]}),
    ],
)
def test_an_address_is_passed_on_as_it_is(
    jobs: dict[str, Job], fake: FakeKie, prompt: str, sent: dict[str, Any]
) -> None:
    """Nobody here fetches it, or it would have been uploaded."""
    made(jobs[prompt])
    assert sent.items() <= fake.body_of(prompt)["input"].items()


def test_an_image_task_is_sent_alone(jobs: dict[str, Job], fake: FakeKie) -> None:
    """Its sample picture stays away, its number comes along, and spicy stays."""
    made(jobs["an image task"])
    assert fake.body_of("an image task") == {
        "model": "grok-imagine/image-to-video",
        "input": {
            "task_id": GROK_IMAGE_TASK,
            "index": 5,
            "prompt": "an image task",
            "mode": "spicy",
            "duration": "6",
            "resolution": "480p",
        },
    }


def test_every_parameter_is_sent_in_its_documented_type(
    jobs: dict[str, Job], fake: FakeKie
) -> None:
    """The whole body of a create, written out."""
    made(jobs["everything"])
    body = fake.body_of("everything")
    end = body["input"].pop("end_image_url")
    assert end in fake.files
    assert body == {
        "model": "bytedance/v1-lite-image-to-video",
        "input": {
            "prompt": "everything",
            "image_url": ADDRESS,
            "resolution": "1080p",
            "duration": "12",
            "camera_fixed": True,
            "seed": 7,
            "enable_safety_checker": False,
        },
    }


def test_spicy_with_an_own_picture_is_sent_as_normal(jobs: dict[str, Job], fake: FakeKie) -> None:
    """As the page says beforehand."""
    made(jobs["spicy"])
    assert fake.body_of("spicy")["input"]["mode"] == "normal"


@pytest.mark.parametrize("prompt", WELL)
def test_what_passes_by_itself_costs_no_clip(
    jobs: dict[str, Job], fake: FakeKie, clip: bytes, prompt: str
) -> None:
    """The call brings it all the same, from the one task that there is."""
    assert shows(made(jobs[prompt]).clip.read_bytes(), clip)
    assert fake.creates[prompt] == len(fake.stories[prompt].creates)
    assert fake.body_of(prompt)


@pytest.mark.parametrize("prompt", BADLY)
def test_a_call_without_a_clip_says_why(jobs: dict[str, Job], fake: FakeKie, prompt: str) -> None:
    """In a sentence, with the task's id where there is a task; sent once."""
    sentence = refused(jobs[prompt])
    story, words = BADLY[prompt]
    assert words in sentence
    assert ("(task id: task-" in sentence) == (story.creates == (None,))
    assert fake.creates.get(prompt) == 1, sentence


@pytest.mark.parametrize("prompt", DOUBTFUL)
def test_a_create_of_unknown_outcome_is_sent_once(
    jobs: dict[str, Job], fake: FakeKie, prompt: str
) -> None:
    """The caller learns that it may be billed, and where to look."""
    sentence = refused(jobs[prompt])
    assert "It is not known whether" in sentence
    assert "kie.ai/logs" in sentence
    assert fake.creates.get(prompt) == 1, sentence


@pytest.fixture(scope="module")
def all_ended(jobs: dict[str, Job]) -> None:
    """Wait for the end of every call."""
    for job in jobs.values():
        job.exception(60)


@pytest.mark.usefixtures("all_ended")
def test_nothing_that_was_sent_departs_from_the_documentation(fake: FakeKie) -> None:
    """Not a field, not a type, not a header; and no host but Kie's own sees the key."""
    assert fake.complaints == []
    assert {fake.host_of(request) for request in fake.received} == {"api", "upload", "media"}
    for request in fake.received:
        is_media = fake.host_of(request) == "media"
        assert ("Authorization" not in request.headers) == is_media
        assert b"callBackUrl" not in request.content


@pytest.mark.usefixtures("all_ended")
def test_the_servers_key_is_nowhere_but_in_requests_to_kie(
    live_app: AppProcess, caller: Client
) -> None:
    """Not on the disk, not in the log, not in anything that a browser or a caller can ask for."""
    kept = [path.read_bytes() for path in live_app.folder.rglob("*") if path.is_file()]
    assert len(kept) > 5
    assert not any(KEY.encode() in content for content in kept)
    with httpx.Client(base_url=live_app.url, trust_env=False) as http:
        for address in ("/", "/config", "/gradio_api/info", "/gradio_api/openapi.json"):
            answer = http.get(address)
            assert answer.is_success
            assert KEY not in answer.text
    assert KEY not in str(caller.view_api(return_format="dict"))


@pytest.mark.usefixtures("all_ended")
def test_the_log_of_a_day_holds_no_traceback(live_app: AppProcess) -> None:
    """Whatever Kie did above, none of it is a fault of the program."""
    assert "Traceback" not in live_app.output
