from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import httpx
import pytest

from tests.wire.api_client import (
    CALL_TIMEOUT_S,
    GROK,
    V1_LITE,
    Client,
    Job,
    calling,
    handle_file,
    made,
    plain,
    refused,
)
from tests.wire.app_process import AppProcess

SMALL = {"resolution": "480p", "duration": "3"}


@pytest.fixture(scope="module")
def caller(demo_app: AppProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Open a client of the demo."""
    with calling(demo_app, tmp_path_factory.mktemp("downloads")) as client:
        yield client


@pytest.fixture(scope="module")
def jobs(caller: Client, jpeg: Path) -> dict[str, Job]:
    """Begin, at once, every call that takes its time."""
    return {
        "untouched": caller.submit(api_name=GROK),
        "file": caller.submit(api_name=V1_LITE, image_url=handle_file(jpeg), **SMALL),
        "task": caller.submit(
            api_name=GROK, task_id="sample-grok-a", index=3, mode="spicy", prompt="She waves."
        ),
        "by_id": caller.submit(
            api_name="/generate",
            model="bytedance/v1-lite-image-to-video",
            input={**SMALL, "prompt": "by id", "image_url": handle_file(jpeg)},
            extra={"nsfw_checker": False},
        ),
        "failing": caller.submit(api_name=V1_LITE, prompt="[fail]", **SMALL),
    }


def facts(clip: Path) -> tuple[tuple[int, int], float]:
    """Measure a clip: pixels and seconds."""
    with av.open(clip) as container:
        stream = container.streams.video[0]
        assert stream.duration is not None
        assert stream.time_base is not None
        return (stream.width, stream.height), float(stream.duration * stream.time_base)


def sent(record: dict[str, Any]) -> dict[str, Any]:
    """Read from a record the inputs that were sent."""
    values: dict[str, Any] = json.loads(record["param"])["input"]
    return values


def test_a_call_without_arguments_makes_the_documented_example(jobs: dict[str, Job]) -> None:
    """A real clip of the documented length, the task id, and the record of the task."""
    clip, task_id, record = made(jobs["untouched"])
    (width, height), seconds = facts(clip)
    assert min(width, height) == 480
    assert seconds == pytest.approx(6, abs=0.1)
    assert task_id == record["taskId"]
    assert record["state"] == "success"
    assert sent(record)["image_urls"][0].startswith("https://file.aiquickdraw.com/")


def test_a_file_of_the_callers_becomes_a_clip(jobs: dict[str, Job], jpeg: Path) -> None:
    """It is uploaded on the way; the clip has its shape."""
    clip, _, record = made(jobs["file"])
    (width, height), seconds = facts(clip)
    assert width / height == pytest.approx(640 / 400, abs=0.05)
    assert seconds == pytest.approx(3, abs=0.1)
    assert sent(record)["image_url"].startswith("http://127.0.0.1")


def test_any_model_is_called_by_its_id(jobs: dict[str, Job]) -> None:
    """A file lies where its parameter wants it; what no page documents is sent as well."""
    file, files, task_id, record, text = jobs["by_id"].result(CALL_TIMEOUT_S)
    assert Path(file).stat().st_size == Path(files[0]).stat().st_size > 0
    assert (task_id, text) == (record["taskId"], None)
    assert sent(record)["image_url"].startswith("http://127.0.0.1")
    assert sent(record)["nsfw_checker"] is False


def test_an_image_task_takes_the_place_of_the_picture(jobs: dict[str, Job]) -> None:
    """With its picture's number, and spicy stays spicy."""
    _, _, record = made(jobs["task"])
    values = sent(record)
    assert (values["task_id"], values["index"], values["mode"]) == ("sample-grok-a", 3, "spicy")
    assert "image_urls" not in values


def test_a_task_that_fails_says_why_and_which_task_it_was(jobs: dict[str, Job]) -> None:
    """As on the page, so that the caller can look it up."""
    sentence = refused(jobs["failing"])
    assert "[fail] in the prompt asked for" in sentence
    assert "not billed" in sentence
    assert "(task id: " in sentence


@pytest.mark.parametrize(
    ("endpoint", "given", "words"),
    [
        (GROK, {"prompt": "x" * 5_001}, "Prompt has 5,001 characters"),
        (GROK, {"task_id": "a", "image_urls": "https://a.test/b.png"}, "cannot be used together"),
        (V1_LITE, {"image_url": ""}, "Picture (image_url) is missing"),
        (V1_LITE, {"prompt": " ", "seed": -2}, "Seed is -2"),
        (V1_LITE, {"image_url": "data:image/png;base64,AA"}, "or a web address"),
        (GROK, {"image_urls": ["https://a.test/b", "https://a.test/c"]}, "takes at most 1"),
    ],
)
def test_a_call_that_cannot_be_sent_is_refused_in_the_words_of_the_page(
    caller: Client, endpoint: str, given: dict[str, Any], words: str
) -> None:
    """At once, with what to do about it."""
    assert words in refused(caller.submit(api_name=endpoint, **given))


def test_what_is_no_picture_is_refused(caller: Client, tmp_path: Path) -> None:
    """By its bytes, whatever it is called."""
    fake = tmp_path / "cat.png"
    fake.write_text("not a picture")
    sentence = refused(caller.submit(api_name=V1_LITE, image_url=handle_file(fake)))
    assert "picture" in sentence.lower()


@pytest.mark.parametrize("path", ["/etc/passwd", "/proc/self/environ", "app.py"])
@pytest.mark.parametrize("meta", [{"meta": {"_type": "gradio.FileData"}}, {}])
def test_no_call_reads_a_file_of_the_servers(
    demo_app: AppProcess, path: str, meta: dict[str, Any]
) -> None:
    """Neither in the shape of an upload, nor in another."""
    answer = plain(demo_app, V1_LITE, image_url={"path": path, **meta}, duration="3")
    assert "event: error" in answer
    assert "event: complete" not in answer


def test_the_record_of_the_page_is_served_only_to_who_asks_for_it(demo_app: AppProcess) -> None:
    """Neither the database nor the source is a file of the page."""
    for path in (demo_app.folder / "data" / "runs.sqlite3", Path(__file__), Path("/etc/passwd")):
        answer = httpx.get(f"{demo_app.url}/gradio_api/file={path}", trust_env=False)
        assert answer.status_code in (403, 404)


def test_curl_is_enough(demo_app: AppProcess) -> None:
    """A POST that names what differs from the defaults, and a GET of what became of it."""
    answer = plain(demo_app, V1_LITE, prompt="[fail]", image_url="https://a.test/b.png")
    assert "event: error" in answer
    assert "(task id: " in answer


def test_two_calls_at_once_are_two_runs(caller: Client) -> None:
    """Neither waits for the other's end, and each has its own task."""
    first, second = (caller.submit(api_name=V1_LITE, prompt="[fail]", **SMALL) for _ in range(2))
    ids = {refused(job).partition("(task id: ")[2] for job in (first, second)}
    assert len(ids) == 2
