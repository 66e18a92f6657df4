from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from kie_ui.catalog.registry import UnknownModel
from kie_ui.catalog.validate import InvalidValues
from kie_ui.catalog.values import FileRef
from kie_ui.runs.accounts import KEY_GONE, Backends
from kie_ui.runs.errors import KeyMissing, UnknownRun, WrongStep
from kie_ui.runs.lifecycle.create import UPLOAD_KEPT_MS
from kie_ui.runs.run import Step
from kie_ui.runs.service import RunService
from tests.fake_kie import FakeKie, dropped, endless, refusal, status
from tests.runs.harness import (
    GROK,
    KEY,
    OWNER,
    WEB,
    FastClock,
    Restart,
    ended,
    error_of,
    files_below,
    grok_values,
    held_until,
    missing,
    noted,
    press,
    press_until,
    reached,
    until,
    waiting_for_its_key,
    when,
)
from tests.wire.tiny_media import shows

LITE = "bytedance/v1-lite-image-to-video"


async def test_a_press_becomes_a_clip(
    service: RunService, fake: FakeKie, values: dict[str, Any], clip: bytes
) -> None:
    """Picture up, one create, watched to the end, clip down and looked into."""
    fake.record = {"creditsConsumed": 14.4}
    run = await press_until(service, values, Step.DONE)
    assert [change.step for change in run.step_changes] == [
        "preparing", "uploading", "sending", "waiting", "queuing", "fetching", "done",
    ]  # fmt: skip
    assert (run.clips[0].width_px, run.clips[0].height_px) == (64, 48)
    assert shows(service.clip_of(await service.run(OWNER, run.id)).read_bytes(), clip)
    assert (run.estimated_credits, run.credits_used, run.error) == (14.4, 14.4, None)
    assert (fake.counts["upload"], fake.counts["create"], fake.counts["media"]) == (1, 1, 1)


async def test_the_create_is_the_documented_one(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """What leaves is the documented body, with the upload's address, and is kept as it left."""
    run = await press(service, values)
    assert fake.bodies == [
        {
            "model": GROK,
            "input": {
                "image_urls": [*fake.files],
                "prompt": "She waves.",
                "mode": "fun",
                "duration": "6",
                "resolution": "480p",
            },
        }
    ]
    assert run.request == fake.bodies[0]
    assert run.answer is not None
    assert run.answer["data"] == {"taskId": run.task_id}


async def test_a_web_address_is_passed_on_and_not_uploaded(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """Kie fetches what is on the web by itself."""
    await press_until(service, values | WEB, Step.DONE)
    assert fake.counts["upload"] == 0
    assert fake.bodies[0]["input"]["image_urls"] == WEB["image_urls"]


async def test_upload_names_never_repeat(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """The same picture twice is two names: a name used again would overwrite the first."""
    await asyncio.gather(press(service, values), press(service, values))
    assert len(set(fake.upload_names)) == 2
    assert all(name.endswith(".png") for name in fake.upload_names)


async def test_the_balance_comes_after_the_end(service: RunService, values: dict[str, Any]) -> None:
    """What is left on the account appears with the clip."""
    run = await service.submit(OWNER, GROK, values, "live")
    run = await when(service, run, lambda run: run.balance_after is not None)
    assert (run.step, run.balance_after) == (Step.DONE, 87.5)


async def test_a_balance_that_cannot_be_read_harms_nothing(
    service: RunService, fake: FakeKie, values: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """The clip is there; the log has the rest."""
    caplog.set_level(logging.WARNING)
    fake.outages["credit"] = refusal(500)
    run = await press_until(service, values, Step.DONE)
    await until(lambda: "balance" in caplog.text)
    assert (await service.run(OWNER, run.id)).balance_after is None


@pytest.mark.parametrize("content", [b"this is a letter, not a picture", None])
async def test_all_problems_are_reported_at_once(
    service: RunService, fake: FakeKie, tmp_path: Path, content: bytes | None
) -> None:
    """Bad values and a broken or lost picture are one answer; no run is made, nothing leaves."""
    broken = tmp_path / "broken.png"
    if content is not None:
        broken.write_bytes(content)
    values = {
        "image_url": FileRef(path=str(broken), name="broken.png"),
        "prompt": "x" * 10_001,
        "duration": "99",
        "seed": "many",
    }
    with pytest.raises(InvalidValues) as caught:
        await service.submit(OWNER, LITE, values, "live")
    parameters = {problem.parameter for problem in caught.value.problems}
    assert parameters == {"image_url", "prompt", "duration", "seed"}
    assert await service.recent(OWNER, 9) == ()
    assert fake.counts.total() == 0


async def test_the_given_file_may_vanish_after_the_press(
    service: RunService, values: dict[str, Any], picture: Path
) -> None:
    """The run has its own copy before `submit` returns, and the owner can see it."""
    moved = picture.with_name("moved.png")
    run = await service.submit(OWNER, GROK, values, "live")
    await asyncio.to_thread(picture.rename, moved)
    run = await service.ended(OWNER, run.id)
    assert run.step is Step.DONE
    kept = await service.input_file(OWNER, run.id, run.files[0].path)
    assert kept.read_bytes() == moved.read_bytes()


async def test_a_run_says_what_is_made_differently(
    service: RunService, fake: FakeKie, values: dict[str, Any], tmp_path: Path
) -> None:
    """Notices about values and changes of pictures are part of the run."""
    bitmap = tmp_path / "old.bmp"
    Image.new("RGB", (80, 60)).save(bitmap)
    given = values | {
        "image_urls": [FileRef(path=str(bitmap), name="old.bmp")],
        "mode": "spicy",
    }
    run = await press(service, given)
    assert run.values["mode"] == fake.bodies[0]["input"]["mode"] == "normal"
    assert "normal" in run.notices[0]
    assert run.changes
    assert not run.files[0].path.endswith(".bmp")


async def test_without_a_key_nothing_live_begins(
    service: RunService, values: dict[str, Any], backends: Backends
) -> None:
    """A press without a key says so and leaves no run."""
    backends.forget_key(OWNER)
    with pytest.raises(KeyMissing):
        await service.submit(OWNER, GROK, values, "live")
    assert await service.recent(OWNER, 9) == ()


async def test_a_model_that_is_not_there_is_said(
    service: RunService, values: dict[str, Any]
) -> None:
    """A caller's typing error in the model's name names the models there are."""
    with pytest.raises(UnknownModel, match="grok"):
        await service.submit(OWNER, "grok", values, "live")


async def test_a_demo_run_stays_a_demo_run(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """A typed key does not turn a demo run into a paid one half-way."""
    await press(service, values, backend="demo")
    assert fake.keys_at("record") == {"demo-key"}


async def test_runs_are_their_owners_alone(service: RunService, values: dict[str, Any]) -> None:
    """Another owner's run is as unknown as one that never was, by every method."""
    run = await press(service, values)
    answers = [
        service.run("eve", run.id),
        service.input_file("eve", run.id, run.files[0].path),
        service.fetch_again("eve", run.id),
        service.watch_again("eve", run.id),
        service.ended("eve", run.id),
        service.recent("eve", 9, before=run.id),
        service.run("eve", "no-such-run"),
    ]
    for answer in answers:
        with pytest.raises(UnknownRun):
            await answer
    assert await service.recent("eve", 9) == ()


async def test_only_a_runs_own_pictures_are_shown(
    service: RunService, values: dict[str, Any]
) -> None:
    """A run is no way to other files."""
    run = await service.submit(OWNER, GROK, values, "live")
    for name in ("../runs.sqlite3", "/etc/passwd", "clips/x.mp4", ""):
        with pytest.raises(UnknownRun):
            await service.input_file(OWNER, run.id, name)


async def test_no_key_reaches_the_disk(
    service: RunService, values: dict[str, Any], fake: FakeKie, tmp_path: Path
) -> None:
    """Neither database nor files hold the key, not even when Kie repeats it in an error."""
    fake.outages["record"] = refusal(500, f"bad header Bearer {KEY}")
    run = await service.submit(OWNER, GROK, values, "live")
    await when(service, run, lambda run: run.status_note is not None)
    fake.outages.clear()
    await service.ended(OWNER, run.id)
    assert not any(KEY.encode() in path.read_bytes() for path in files_below(tmp_path))


async def test_the_progress_of_an_upload_is_published(
    service: RunService, values: dict[str, Any], tmp_path: Path
) -> None:
    """A big picture shows how much of it has left, and none of that is written down."""
    noise = tmp_path / "noise.png"
    Image.effect_noise((1500, 1500), 90).save(noise)
    shares: list[float] = []
    async with service.subscribe(OWNER) as changed, asyncio.timeout(10):
        given = values | {"image_urls": [FileRef(path=str(noise), name="noise.png")]}
        run = await service.submit(OWNER, GROK, given, "live")
        while not run.is_final:
            run = await anext(changed)
            if run.step is Step.UPLOADING and run.progress is not None:
                shares.append(run.progress)
    assert shares
    assert shares == sorted(shares)
    assert all(0 < share <= 1 for share in shares)


async def test_a_failed_task_ends_its_run_with_kies_words(
    service: RunService, values: dict[str, Any], fake: FakeKie
) -> None:
    """What Kie made nothing of is failed, is not fetched, and says why."""
    fake.record = {"state": "fail", "failCode": "500", "failMsg": "The picture shows nothing."}
    run = await press_until(service, values, Step.FAILED)
    assert "The picture shows nothing" in error_of(run).message
    assert fake.counts["media"] == 0


async def test_waiting_runs_go_on_when_the_key_comes_back(
    restart: Restart, fake: FakeKie, backends: Backends, values: dict[str, Any]
) -> None:
    """After a restart typed keys are gone; entering one again is all that is needed."""
    fake.polls_until_success = 99
    service = await restart()
    run = await press(service, values, Step.GENERATING)
    backends.forget_key(OWNER)
    service = await restart()
    await noted(service, run, KEY_GONE)
    fake.polls_until_success = 0
    backends.set_key(OWNER, "another-key")
    run = await ended(service, run)
    assert (run.step, run.status_note) == (Step.DONE, None)
    assert "another-key" in fake.keys_at("record")
    assert fake.counts["create"] == 1


async def test_an_unsent_run_waits_for_its_key(
    restart: Restart, fake: FakeKie, backends: Backends, values: dict[str, Any]
) -> None:
    """What was stopped before it was sent is sent once its key is back, and only then."""
    service, run = await waiting_for_its_key(restart, fake, backends, values)
    assert fake.counts["create"] == 0
    backends.set_key(OWNER, KEY)
    assert (await ended(service, run)).step is Step.DONE
    assert fake.counts["create"] == 1


async def test_what_was_uploaded_is_not_uploaded_again_for_a_day(
    restart: Restart, fake: FakeKie, fast: FastClock, values: dict[str, Any]
) -> None:
    """A restart uses the upload, unless Kie may have thrown it away by then."""
    fake.faults["create"] = [refusal(429)] * 50
    service = await restart()
    run = await service.submit(OWNER, GROK, values, "live")
    await until(lambda: fake.counts["create"] > 0)
    service = await restart()
    await until(lambda: fake.counts["create"] > 6)
    assert fake.counts["upload"] == 1
    fast.jump(UPLOAD_KEPT_MS / 1000)
    service = await restart()
    fake.faults.clear()
    assert (await ended(service, run)).step is Step.DONE
    assert fake.counts["upload"] == 2
    assert fake.bodies[0]["input"]["image_urls"][0].endswith(fake.upload_names[1])


async def test_a_missing_task_is_found_again_under_the_right_key(
    service: RunService, fake: FakeKie, fast: FastClock, backends: Backends, values: dict[str, Any]
) -> None:
    """Entering the key that made the task is enough; nobody has to press anything."""
    run = await missing(service, fake, fast, values)
    fake.outages.clear()
    backends.set_key(OWNER, "the-right-key")
    run = await reached(service, run, Step.DONE)
    assert run.error is None
    assert fake.counts["create"] == 1


async def test_watching_again_asks_once_more(
    service: RunService, fake: FakeKie, fast: FastClock, values: dict[str, Any]
) -> None:
    """A run given up as missing can be taken up, and only such a run."""
    fake.outages["record"] = refusal(422, "recordInfo is null")
    run = await press(service, values, Step.WAITING)
    with pytest.raises(WrongStep):
        await service.watch_again(OWNER, run.id)
    fast.jump(125)
    await reached(service, run, Step.UNKNOWN)
    fake.outages.clear()
    await service.watch_again(OWNER, run.id)
    assert (await ended(service, run)).step is Step.DONE


async def test_a_run_without_a_task_id_cannot_be_watched(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """There is nothing to ask about, and the sentence says where to look instead."""
    fake.faults["create"] = [dropped()]
    run = await press(service, values)
    with pytest.raises(WrongStep, match=r"https://kie\.ai/logs"):
        await service.watch_again(OWNER, run.id)


async def test_a_clip_that_is_not_there_cannot_be_opened(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """A run without a clip, and a clip beyond the last, say so."""
    run = await press(service, values)
    for index in (1, -1):
        with pytest.raises(WrongStep):
            service.clip_of(await service.run(OWNER, run.id), index)


async def test_waiting_for_an_ended_run_returns_at_once(
    service: RunService, values: dict[str, Any]
) -> None:
    """Who comes after the end does not wait for a change that never comes."""
    run = await press(service, values)
    async with asyncio.timeout(1):
        assert (await service.ended(OWNER, run.id)).step is Step.DONE


async def test_a_stop_is_quick_and_leaves_what_can_go_on(
    restart: Restart, fake: FakeKie, picture: Path
) -> None:
    """Twenty runs in every state survive a stop; each is created once and becomes a clip."""
    fake.polls_until_success = 6
    service = await restart()
    runs = [
        await service.submit(OWNER, GROK, grok_values(picture) | {"prompt": f"No. {n}"}, "live")
        for n in range(20)
    ]
    async with asyncio.timeout(5):
        service = await restart()
    async with asyncio.timeout(20):
        ended = [await service.ended(OWNER, run.id) for run in runs]
    assert {run.step for run in ended} == {Step.DONE}
    assert sorted(body["input"]["prompt"] for body in fake.bodies) == sorted(
        f"No. {n}" for n in range(20)
    )


async def test_one_clip_may_be_several(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """Every address of a result is fetched, in order."""
    urls = '{"resultUrls": ["http://kie.test/a.mp4", "http://kie.test/b.mp4"]}'
    fake.record = {"state": "success", "resultJson": urls}
    run = await press(service, values)
    files = [service.clip_of(await service.run(OWNER, run.id), index) for index in range(2)]
    assert len(set(files)) == 2
    assert all(file.is_file() for file in files)
    assert fake.counts["media"] == 2


async def test_other_hosts_are_not_contacted(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """A picture's web address is never fetched from here."""

    async def never(request: httpx.Request) -> httpx.Response | None:
        raise AssertionError(request.url)

    fake.polls_until_success = 99
    fake.outages["media"] = never
    await press(service, values | {"image_urls": ["http://10.0.0.1/secret.png"]}, Step.GENERATING)
    assert fake.counts["media"] == 0


async def test_a_create_on_its_way_is_given_a_moment_at_the_stop(
    restart: Restart, fake: FakeKie, values: dict[str, Any]
) -> None:
    """A stop just after the press does not throw the task id away."""
    held = asyncio.Event()
    fake.faults["create"] = [held_until(held)]
    service = await restart()
    run = await press(service, values, Step.SENDING)
    stopping = asyncio.ensure_future(restart())
    await asyncio.sleep(0.05)
    held.set()
    service = await stopping
    run = await ended(service, run)
    assert (run.step, fake.counts["create"]) == (Step.DONE, 1)


async def test_a_create_that_takes_longer_than_the_stop_is_of_unknown_outcome(
    restart: Restart, fake: FakeKie, values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stop does not wait for ever, and is honest about what it left."""
    monkeypatch.setattr("kie_ui.runs.lifecycle.engine.STOP_GRACE_S", 0.05)
    fake.faults["create"] = [endless]
    service = await restart()
    run = await press(service, values, Step.SENDING)
    async with asyncio.timeout(3):
        service = await restart()
    assert (await service.ended(OWNER, run.id)).step is Step.UNKNOWN
    assert fake.counts["create"] == 1


async def test_a_stopped_service_follows_no_more_keys(restart: Restart, backends: Backends) -> None:
    """Only the running service follows a change of key."""
    await restart()
    await restart()
    assert len(backends._listeners) == 1


async def test_a_clip_that_kie_no_longer_has_is_not_asked_for_at_every_start(
    restart: Restart, fake: FakeKie, fast: FastClock, values: dict[str, Any]
) -> None:
    """After two weeks nothing is fetched any more for an unfetched run."""
    fake.outages["media"] = status(410)
    service = await restart()
    run = await press(service, values)
    fast.jump(15 * 24 * 3600)
    before = fake.counts["media"]
    service = await restart()
    assert (await service.run(OWNER, run.id)).step is Step.UNFETCHED
    assert fake.counts["media"] == before
