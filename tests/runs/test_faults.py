from __future__ import annotations

import asyncio
import errno
import json
import math
from pathlib import Path
from typing import Any

import httpx
import pytest

from kie_ui.media.storage import Storage
from kie_ui.runs.errors import StoreProblem, WrongStep
from kie_ui.runs.run import Step
from kie_ui.runs.service import RunService
from tests.fake_kie import (
    Answer,
    FakeKie,
    Fault,
    Story,
    dropped,
    endless,
    envelope,
    refusal,
    status,
)
from tests.runs.harness import (
    FULL_DISK,
    GROK,
    HELD,
    OWNER,
    Flaky,
    Restart,
    ended,
    error_of,
    files_below,
    idle,
    press,
    press_until,
    reached,
    until,
)


def accepted_then(fault: Fault, fake: FakeKie) -> Fault:
    """Let Kie take a create, and spoil its answer."""

    async def answer(request: httpx.Request) -> Answer | None:
        await fake.create(request)
        return await fault(request)

    return answer


@pytest.mark.parametrize(
    "fault",
    [dropped(), dropped(httpx.ReadTimeout), dropped(httpx.WriteError), status(502), refusal(500)],
)
async def test_a_create_of_unknown_outcome_is_never_repeated(
    service: RunService, fake: FakeKie, values: dict[str, Any], fault: Fault
) -> None:
    """Kie may have taken it and bills it: the run says so, and leaves the choice to the person."""
    fake.faults["create"] = [accepted_then(fault, fake)]
    run = await press_until(service, values, Step.UNKNOWN)
    assert "not known whether" in error_of(run).message
    assert "https://kie.ai/logs" in error_of(run).advice
    assert (fake.counts["create"], len(fake.bodies)) == (1, 1)


async def test_a_create_without_a_task_id_is_of_unknown_outcome_too(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """An answer that says yes and names no task is kept for reading."""
    fake.stories[values["prompt"]] = Story(creates=(envelope({"recordId": "r"}),))
    run = await press_until(service, values, Step.UNKNOWN)
    assert run.answer is not None
    assert run.answer["data"] == {"recordId": "r"}
    assert fake.counts["create"] == 1


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (401, "Unauthorized"),
        (402, "NoCredits"),
        (422, "InvalidInput"),
        (433, "KeyLimitReached"),  # waiting in line would not help
    ],
)
async def test_a_refused_create_is_failed_and_says_what_to_do(
    service: RunService, fake: FakeKie, values: dict[str, Any], code: int, kind: str
) -> None:
    """Kie said no: nothing was made or billed, and its own words are shown."""
    fake.faults["create"] = [refusal(code, "Because of this")]
    run = await press_until(service, values, Step.FAILED)
    assert (error_of(run).kind, error_of(run).code) == (kind, code)
    assert "Because of this" in error_of(run).message
    assert error_of(run).advice
    assert fake.counts["create"] == 1


async def test_an_unreachable_kie_is_surely_not_billed(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """Where no connection opened, the run is failed and can be pressed again."""
    fake.outages["create"] = dropped(httpx.ConnectError)
    await press_until(service, values, Step.FAILED)
    assert fake.bodies == []


async def test_creates_turned_away_by_the_rate_limit_are_sent_later(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """A refused create is not queued at Kie: it waits in our line, says so, and is taken once."""
    fake.faults["create"] = [refusal(429)] * 4
    seen = set()
    async with service.subscribe(OWNER) as changed, asyncio.timeout(10):
        run = await service.submit(OWNER, GROK, values, "live")
        while not run.is_final:
            run = await anext(changed)
            seen.add((run.step, run.status_note))
    assert run.step is Step.DONE
    assert any(
        step is Step.LINED_UP and note and "sent as soon as possible" in note for step, note in seen
    )
    assert len(fake.bodies) == 1


async def test_a_rate_limit_without_end_is_no_refusal_and_can_be_cancelled(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """However long Kie turns a create away, it stays in line until the person has enough."""
    fake.outages["create"] = refusal(429)
    run = await service.submit(OWNER, GROK, values, "live")
    await until(lambda: fake.counts["create"] >= 3)
    await reached(service, run, Step.LINED_UP)
    run = await service.cancel(OWNER, run.id)
    fake.outages.clear()
    await idle(service)
    assert (run.step, service.places(OWNER)) == (Step.CANCELLED, {})
    assert fake.bodies == []


@pytest.mark.parametrize("fault", [refusal(401), refusal(413), status(500)])
async def test_an_upload_that_fails_sends_nothing(
    service: RunService, fake: FakeKie, values: dict[str, Any], fault: Fault
) -> None:
    """Without its picture a run does not go to Kie."""
    fake.outages["upload"] = fault
    run = await press_until(service, values, Step.FAILED)
    assert run.error is not None
    assert fake.counts["create"] == 0


async def test_an_upload_is_tried_again(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """A connection that breaks once costs a moment."""
    fake.faults["upload"] = [dropped(), status(503)]
    await press_until(service, values, Step.DONE)
    assert fake.counts["create"] == 1


async def test_a_picture_that_is_lost_before_its_upload_is_said(
    restart: Restart, fake: FakeKie, values: dict[str, Any], tmp_path: Path
) -> None:
    """Someone tidied the data folder up while the program was off."""
    fake.faults["upload"] = [endless]
    service = await restart()
    run = await service.submit(OWNER, GROK, values, "live")
    await until(lambda: fake.counts["upload"] > 0)
    for kept in files_below(tmp_path / "files" / "inputs"):
        kept.unlink()
    service = await restart()
    run = await ended(service, run)
    assert run.step is Step.FAILED
    assert "Choose it again" in error_of(run).advice
    assert fake.counts["create"] == 0


async def test_an_expired_link_is_renewed(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """Where a result's address works no more, Kie gives a fresh one."""

    async def expired(request: httpx.Request) -> Answer | None:
        return None if request.url.query else Answer(403)

    fake.outages["media"] = expired
    await press_until(service, values, Step.DONE)
    assert fake.counts["renew"] == 1


async def test_a_paid_clip_that_cannot_be_fetched_stays_fetchable(
    service: RunService, fake: FakeKie, values: dict[str, Any], tmp_path: Path
) -> None:
    """The run is unfetched, shows its link, leaves no half file, and is fetched on demand."""
    fake.outages["media"] = status(503)
    run = await press_until(service, values, Step.UNFETCHED)
    assert run.error is not None
    assert run.result_urls
    assert files_below(tmp_path, "*.part") == []
    fake.outages.clear()
    assert (await service.fetch_again(OWNER, run.id)).step is Step.FETCHING
    run = await ended(service, run)
    assert (run.step, run.error) == (Step.DONE, None)
    with pytest.raises(WrongStep):
        await service.fetch_again(OWNER, run.id)
    assert fake.counts["create"] == 1


async def test_a_link_that_moved_is_read_anew(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """Before a result is fetched once more, its record is read for where it is now."""
    fake.record["resultJson"] = json.dumps({"resultUrls": [f"{fake.media_url}/media/old.mp4"]})

    async def moved(request: httpx.Request) -> Answer | None:
        if not request.url.path.endswith("/old.mp4"):
            return None
        fake.record.clear()
        return Answer(502)

    fake.outages["media"] = moved
    run = await press_until(service, values, Step.DONE)
    assert run.result_urls == (f"{fake.media_url}/media/{run.task_id}.mp4",)
    assert fake.counts["renew"] == 0


async def test_a_link_that_kie_does_not_renew_has_expired(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """The reason that counts is the first one."""
    fake.outages |= {"media": status(410), "renew": refusal(422, "not ours")}
    run = await press_until(service, values, Step.UNFETCHED)
    assert (error_of(run).kind, error_of(run).code) == ("DownloadFailed", 410)


async def test_what_is_no_clip_is_not_taken_for_one(
    service: RunService, fake: FakeKie, values: dict[str, Any], tmp_path: Path
) -> None:
    """A web page in the clip's place is fetched again, and never put into place."""
    good = fake.clip
    fake.clip = b"<html>Sign in to this network</html>"
    run = await press_until(service, values, Step.UNFETCHED)
    assert files_below(tmp_path / "files" / "clips") == []
    fake.clip = good
    await service.fetch_again(OWNER, run.id)
    assert (await ended(service, run)).step is Step.DONE


def no_space(*_: Any) -> None:
    """Fail as on a full disk."""
    raise OSError(errno.ENOSPC, "No space left on device")


async def test_a_full_disk_keeps_the_clip_fetchable(
    service: RunService, fake: FakeKie, values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence names the disk, and Kie is not queried over and over."""
    with monkeypatch.context() as patched:
        patched.setattr(Storage, "finish", no_space)
        run = await press_until(service, values, Step.UNFETCHED)
    assert "disk is full" in error_of(run).message
    assert fake.counts["media"] == 1


async def test_unfetched_clips_are_tried_once_more_at_the_start(
    restart: Restart, fake: FakeKie, values: dict[str, Any]
) -> None:
    """What could not be kept yesterday may be kept today."""
    fake.outages["media"] = status(503)
    service = await restart()
    run = await press(service, values)
    fake.outages.clear()
    service = await restart()
    await reached(service, run, Step.DONE)


async def test_a_full_disk_at_the_press_is_a_sentence(
    service: RunService, values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture that cannot be kept stops the press before anything was sent."""
    monkeypatch.setattr(Storage, "keep_input", no_space)
    with pytest.raises(StoreProblem, match="disk is full"):
        await service.submit(OWNER, GROK, values, "live")


async def test_a_task_id_outlives_a_database_that_is_busy_for_a_moment(
    service: RunService,
    fake: FakeKie,
    values: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Saving the id of a paid task is tried again, and it is in the log meanwhile."""

    def is_task_id(_run_id: str, **changes: Any) -> bool:
        return "task_id" in changes

    flaky = Flaky(monkeypatch, service._store, "change", HELD, left=2, only_if=is_task_id)
    await press_until(service, values, Step.DONE)
    assert flaky.failed == 2
    assert "task-1" in caplog.text


async def test_a_fault_of_ours_before_the_create_is_failed(
    service: RunService,
    fake: FakeKie,
    values: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """No run waits for ever because of an error that nobody thought of."""

    def broken(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("kie_ui.runs.lifecycle.create.build_input", broken)
    await press_until(service, values, Step.FAILED)
    assert fake.counts["create"] == 0
    assert "ZeroDivisionError" in caplog.text


async def test_a_fault_of_ours_after_the_create_is_not_called_failed(
    service: RunService, fake: FakeKie, values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What may have been paid is never said to be free."""

    async def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("kie_ui.kie.client.KieClient.create_task", broken)
    await press_until(service, values, Step.UNKNOWN)


async def test_a_run_that_the_database_stops_says_so_on_the_page(
    service: RunService, fake: FakeKie, values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be written is not sent either, and the page learns why nothing moves."""
    Flaky(monkeypatch, service._store, "change", FULL_DISK, left=math.inf)
    async with service.subscribe(OWNER) as changed, asyncio.timeout(10):
        run = await service.submit(OWNER, GROK, values, "live")
        while run.status_note is None:
            run = await anext(changed)
    assert "disk is full" in run.status_note
    assert fake.counts["create"] == 0
