from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from kie_ui.media.export import Entry
from kie_ui.runs.errors import WrongStep
from kie_ui.runs.lifecycle.download import look_inside
from kie_ui.runs.run import Run, Step
from kie_ui.runs.service import RunService
from tests.fake_kie import Answer, FakeKie
from tests.runs.harness import API, OWNER, error_of, press, until
from tests.wire.tiny_media import tiny_picture, tiny_sound


def made_of(fake: FakeKie, files: dict[str, bytes], **more: Any) -> None:
    """Have Kie make these files, and put anything else into the result."""

    async def media(request: httpx.Request) -> Answer:
        return Answer(200, content=files[request.url.path.rpartition("/")[2]])

    fake.outages["media"] = media
    result = {"resultUrls": [f"{API}/media/{name}" for name in files], **more}
    fake.record = {"state": "success", "resultJson": json.dumps(result)}


async def settled(service: RunService, values: dict[str, Any]) -> Run:
    """Press Generate, and wait until nothing more happens."""
    run = await press(service, values)
    await until(lambda: run.id not in service._engine._running)
    return await service.run(OWNER, run.id)


async def test_a_text_is_kept_with_its_run(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """There is nothing to fetch, so the run is done at once; what was written is in its record."""
    made_of(fake, {}, resultObject="A poem about a fox.")
    run = await settled(service, values)
    assert (run.step, run.error) == (Step.DONE, None)
    assert Step.FETCHING not in [change.step for change in run.step_changes]
    (clip,) = run.clips
    assert (clip.kind, clip.name, clip.excerpt) == ("text", "result.txt", "A poem about a fox.")
    assert run.written == "A poem about a fox."
    assert fake.counts["media"] == 0
    await until(lambda: fake.counts["credit"] > 0)
    with pytest.raises(WrongStep, match="the run itself holds it"):
        service.clip_of(await service.run(OWNER, run.id))
    with pytest.raises(WrongStep, match="no picture"):
        await service.history.poster_file(OWNER, run.id)


async def test_a_task_that_made_nothing_is_not_done(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """It was paid, so it is no plain failure either."""
    made_of(fake, {}, resultObject={})
    run = await settled(service, values)
    assert run.step is Step.UNKNOWN
    assert error_of(run).kind == "NoResult"


async def test_results_of_every_kind_come_together(
    service: RunService, fake: FakeKie, values: dict[str, Any], clip: bytes
) -> None:
    """Each is what its bytes say, in Kie's order; what was written comes last."""
    files = {
        "a.png": tiny_picture(),
        "b.wav": tiny_sound(),
        "c.mp4": clip,
        "d.pdf": b"%PDF-1.7 a document",
        "e.srt": b"1\n00:00:01,000 --> 00:00:02,000\nHello\n",
    }
    made_of(fake, files, resultObject={"title": "all of them"})
    run = await settled(service, values)
    assert run.step is Step.DONE
    assert [c.kind for c in run.clips] == ["image", "audio", "video", "file", "file", "text"]
    suffixes = [c.name.rpartition(".")[2] for c in run.clips]
    assert suffixes == ["png", "wav", "mp4", "pdf", "srt", "json"]
    assert run.clips[1].duration_s == pytest.approx(1.0)
    assert (await service.history.poster_file(OWNER, run.id)).is_file()
    entries = await service.history.clip_entries(OWNER, [run.id])
    sources = [entry.source for entry in entries[:-1]]
    for source, content in zip(sources, files.values(), strict=False):
        assert not isinstance(source, bytes)
        if source.suffix != ".mp4":  # it has got its recipe
            assert source.read_bytes() == content
    assert isinstance(sources[-1], bytes)
    assert json.loads(sources[-1]) == {"title": "all of them"}
    assert [entry.name.rpartition(".")[2] for entry in entries] == [*suffixes, "csv"]


async def test_a_sound_has_a_picture_too(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """How loud it is, drawn."""
    made_of(fake, {"a.wav": tiny_sound()})
    run = await settled(service, values)
    assert (await service.history.poster_file(OWNER, run.id)).read_bytes()[8:12] == b"WEBP"


async def test_very_many_results_have_names_of_their_own(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """In their folder and in the ZIP."""
    files = {f"{n}.png": tiny_picture((n, n, n)) for n in range(40)}
    made_of(fake, files)
    run = await settled(service, values)
    assert len({clip.name for clip in run.clips}) == 40
    entries: list[Entry] = await service.history.clip_entries(OWNER, [run.id])
    assert len({entry.name for entry in entries}) == 41


async def test_what_has_come_is_not_fetched_again(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """When the last of several fails at first, the others stay."""
    fetched: list[str] = []
    files = {f"{n}.png": tiny_picture((n, n, n)) for n in range(3)}
    made_of(fake, files)

    async def media(request: httpx.Request) -> Answer:
        name = request.url.path.rpartition("/")[2]
        fetched.append(name)
        is_cut = name == "2.png" and fetched.count(name) == 1
        return Answer(200, content=files[name][: 40 if is_cut else None])

    fake.outages["media"] = media
    run = await settled(service, values)
    assert run.step is Step.DONE
    assert fetched == ["0.png", "1.png", "2.png", "2.png"]


@pytest.mark.parametrize(
    "url",
    ["https://a.test/e.srt", "https://a.test/e.srt?x=a.mp4#b.png", "https://[odd/e.SRT"],
)
def test_a_text_file_is_told_by_its_address(tmp_path: Path, url: str) -> None:
    """However odd the rest of it is."""
    part = tmp_path / "e.part"
    part.write_bytes(b"1\n00:00:01,000 --> 00:00:02,000\nHello\n")
    clip, suffix = look_inside(part, url)
    assert (clip.kind, suffix) == ("file", ".srt")
