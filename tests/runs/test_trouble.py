from __future__ import annotations

import asyncio
import ctypes
import logging
import math
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kie_ui.runs.accounts import Backends
from kie_ui.runs.errors import StoreProblem
from kie_ui.runs.run import Run, Step
from kie_ui.runs.service import RunService
from kie_ui.runs.storage.run_store import RunStore, sqlite_url
from tests.fake_kie import Answer, FakeKie, Fault, refusal
from tests.runs.harness import (
    FULL_DISK,
    GROK,
    HELD,
    OWNER,
    WEB,
    FastClock,
    Flaky,
    Pragmas,
    Restart,
    StartAnother,
    a_run,
    damage,
    error_of,
    files_below,
    fingerprint,
    held_until,
    idle,
    make_service,
    noted,
    press,
    press_times,
    reached,
    until,
)

ROOT = Path(__file__).parents[2]
READ_ONLY = "The database of runs cannot be written: check the permissions."


@pytest.fixture
async def kept(tmp_path: Path) -> tuple[Run, ...]:
    """Return runs of an earlier day, kept in the data folder, the newest first."""
    store = RunStore(sqlite_url(tmp_path / "runs.sqlite3"))
    await store.open()
    url = ("https://kie.test/paid.mp4",)
    steps = [Step.LINED_UP, Step.GENERATING, Step.DONE, Step.UNKNOWN, Step.UNFETCHED]
    runs = [
        await store.add(
            a_run(
                number,
                step=step,
                task_id=f"task-{number}" if step is Step.GENERATING else None,
                result_urls=url if step is Step.UNFETCHED else (),
                values={"prompt": "A long story. " * 300},
            )
        )
        for number, step in enumerate(steps * 12)
    ]
    await store.close()
    return tuple(reversed(runs))


@pytest.fixture
def fault(monkeypatch: pytest.MonkeyPatch) -> Flaky:
    """Have the opening of the database fail until the test ends that."""
    return Flaky(monkeypatch, RunStore, "open", READ_ONLY, left=math.inf)


# At the start


async def test_what_can_only_be_read_is_listed_with_the_reason(
    start_another: StartAnother, kept: tuple[Run, ...], fault: Flaky, fake: FakeKie, tmp_path: Path
) -> None:
    """The page is not empty: paid results and their links are there."""
    before = fingerprint(tmp_path / "runs.sqlite3")
    service = await start_another()
    assert service.trouble == READ_ONLY
    assert await service.recent(OWNER, 99) == kept
    assert len(await service.in_sight(OWNER, 5)) > 5
    unfetched = next(run for run in kept if run.step is Step.UNFETCHED)
    assert (await service.run(OWNER, unfetched.id)).result_urls == ("https://kie.test/paid.mp4",)
    assert fake.counts.total() == 0
    assert fingerprint(tmp_path / "runs.sqlite3") == before


async def test_whatever_would_change_something_is_refused_with_the_reason(
    start_another: StartAnother,
    kept: tuple[Run, ...],
    fault: Flaky,
    fake: FakeKie,
    values: dict[str, Any],
) -> None:
    """Nothing is promised that cannot be kept, and nothing leaves."""
    service = await start_another()
    by_step = {run.step: run for run in kept}
    calls = [
        service.submit(OWNER, GROK, values, "live"),
        service.track(OWNER, "task-made-elsewhere", "live"),
        service.cancel(OWNER, by_step[Step.LINED_UP].id),
        service.send_again(OWNER, by_step[Step.UNKNOWN].id),
        service.give_task_id(OWNER, by_step[Step.UNKNOWN].id, "task-x"),
        service.fetch_again(OWNER, by_step[Step.UNFETCHED].id),
    ]
    for call in calls:
        with pytest.raises(StoreProblem, match="check the permissions"):
            await call
    assert fake.counts["create"] + fake.counts["upload"] + fake.counts["media"] == 0


async def test_it_recovers_by_itself_when_the_cause_goes(
    start_another: StartAnother,
    kept: tuple[Run, ...],
    fault: Flaky,
    fake: FakeKie,
    values: dict[str, Any],
    fast: FastClock,
) -> None:
    """Nobody has to restart anything: what waited goes on, and new runs can be made."""
    fast.speed = 1000.0
    service = await start_another()
    await until(lambda: fault.failed >= 3)
    assert service.trouble == READ_ONLY
    fault.left = 0
    await until(lambda: service.trouble is None)
    new = await press(service, values, Step.DONE)
    lined_up = next(run for run in kept if run.step is Step.GENERATING)
    await reached(service, lined_up, Step.DONE)
    assert new.id in {run.id for run in await service.recent(OWNER, 3)}


async def test_a_presence_that_cannot_be_shown_is_trouble_too_and_passes(
    start_another: StartAnother,
    kept: tuple[Run, ...],
    fast: FastClock,
    values: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A start that failed half-way is tried again from its beginning."""
    Flaky(monkeypatch, RunStore, "take_over", HELD, left=3)
    fast.speed = 1000.0
    service = await start_another()
    assert service.trouble is not None
    assert "held by another program" in service.trouble
    await until(lambda: service.trouble is None)
    await press(service, values, Step.DONE)


async def test_a_folder_for_processes_that_cannot_be_made_is_said(
    start_another: StartAnother, kept: tuple[Run, ...], tmp_path: Path, fast: FastClock
) -> None:
    """Runs are listed meanwhile; once the folder can be used, all is well."""
    fast.speed = 1000.0
    (tmp_path / "files").mkdir()
    blocked = tmp_path / "files" / "processes"
    blocked.write_text("in the way")
    service = await start_another()
    assert service.trouble
    assert len(await service.recent(OWNER, 99)) == len(kept)
    blocked.unlink()
    await until(lambda: service.trouble is None)


async def test_a_damaged_database_lists_what_can_be_read_and_is_left_as_it_is(
    start_another: StartAnother,
    kept: tuple[Run, ...],
    fast: FastClock,
    fake: FakeKie,
    tmp_path: Path,
) -> None:
    """The sentence says what to do, and a copy can still be made of every byte."""
    path = tmp_path / "runs.sqlite3"
    damage(path, 1 / 3, 1 / 2)
    before = fingerprint(path)
    fast.speed = 1000.0
    service = await start_another()
    assert service.trouble is not None
    assert "damaged" in service.trouble
    assert "restore a copy" in service.trouble
    assert (await service.recent(OWNER, 3)) == kept[:3]
    await asyncio.sleep(0.05)  # some attempts to open it again
    await service.stop()
    assert fingerprint(path) == before
    assert fake.counts.total() == 0


async def test_what_is_no_database_stops_the_start(
    start_another: StartAnother, tmp_path: Path
) -> None:
    """There is nothing to list; the sentence names the file, and the file stays."""
    path = tmp_path / "runs.sqlite3"
    path.write_bytes(b"Dear Ada, " * 500)
    with pytest.raises(StoreProblem, match=r"runs\.sqlite3"):
        await start_another()
    assert path.read_bytes() == b"Dear Ada, " * 500


LIST_RUNS = """
import asyncio, sys
from pathlib import Path
from kie_ui.runs.errors import StoreProblem
from tests.runs.harness import (FastClock, GROK, OWNER, make_backends, make_service)

async def main():
    service = make_service(Path(sys.argv[1]), FastClock(), make_backends())
    await service.start()
    print(service.trouble)
    print(len(await service.recent(OWNER, 99)))
    await service.stop()

asyncio.run(main())
"""


def obey_permissions() -> None:
    """Give up, for good, the right of an all-powerful user to write where it is forbidden."""
    drop_from_bounding_set, override, read_search = 24, 1, 2
    for right in (override, read_search):
        if ctypes.CDLL(None).prctl(drop_from_bounding_set, right, 0, 0, 0) != 0:
            raise PermissionError


@pytest.fixture
def forbidden(tmp_path: Path) -> Iterator[Path]:
    """Return a folder that can be made read-only, and is made writable in the end."""
    folder = tmp_path / "forbidden"
    folder.mkdir()
    yield folder
    folder.chmod(0o755)


def list_runs(folder: Path) -> tuple[str, str]:
    """Start a service over a folder in a process that permissions bind; return its output."""
    done = subprocess.run(
        [sys.executable, "-c", LIST_RUNS, str(folder)],
        cwd=ROOT,
        text=True,
        capture_output=True,
        check=False,
        timeout=30,
        preexec_fn=obey_permissions if os.geteuid() == 0 else None,
    )
    assert done.returncode == 0, done.stderr
    trouble, listed = done.stdout.splitlines()
    return trouble, listed


async def store_of_five(path: Path) -> RunStore:
    """Return an open store with five runs."""
    store = RunStore(sqlite_url(path))
    await store.open()
    for number in range(5):
        await store.add(a_run(number))
    return store


needs_permissions = pytest.mark.skipif(
    sys.platform != "linux", reason="needs permissions that bind everyone"
)


@needs_permissions
async def test_a_folder_that_is_really_read_only(forbidden: Path) -> None:
    """By permissions, and not by a stand-in: runs are listed, the reason said, no byte changed."""
    path = forbidden / "runs.sqlite3"
    await (await store_of_five(path)).close()
    before = fingerprint(path)
    await asyncio.to_thread(path.chmod, 0o444)
    await asyncio.to_thread(forbidden.chmod, 0o555)
    trouble, listed = await asyncio.to_thread(list_runs, forbidden)
    assert "cannot be written" in trouble
    assert listed == "5"
    assert fingerprint(path) == before
    assert files_below(forbidden) == [path]


@needs_permissions
async def test_what_a_killed_process_wrote_last_is_read_there_too(
    forbidden: Path, tmp_path: Path
) -> None:
    """The newest commits may stand beside the file; a read-only folder does not hide them."""
    store = await store_of_five(tmp_path / "runs.sqlite3")
    for path in files_below(tmp_path, "runs.sqlite3*"):  # as a kill leaves them
        await asyncio.to_thread(shutil.copy, path, forbidden)
    await store.close()
    for path in files_below(forbidden):
        await asyncio.to_thread(path.chmod, 0o444)
    await asyncio.to_thread(forbidden.chmod, 0o555)
    before = {path: fingerprint(path) for path in files_below(forbidden)}
    assert len(before) == 3
    _trouble, listed = await asyncio.to_thread(list_runs, forbidden)
    assert listed == "5"
    assert {path: fingerprint(path) for path in files_below(forbidden)} == before


# In the middle


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Flaky:
    """Return a disk that can be made full: no change of a run can be saved then."""
    return Flaky(monkeypatch, RunStore, "change", FULL_DISK)


@pytest.fixture
def fill(full: Flaky) -> Fault:
    """Return what fills the disk, and lets Kie answer then."""

    async def fill(request: httpx.Request) -> Answer | None:
        full.left = math.inf
        return None

    return fill


async def published(service: RunService, *steps: Step) -> Run:
    """Wait until a run at one of the steps is published."""
    async with asyncio.timeout(10), service.subscribe(OWNER) as changed:
        async for run in changed:
            if run.step in steps:
                return run
    raise AssertionError("the changes never end")


async def test_a_paid_result_is_shown_from_its_links_and_kept_once_that_works(
    service: RunService, fake: FakeKie, values: dict[str, Any], full: Flaky
) -> None:
    """A full disk hides no clip: its links are on the page, with the reason; it is kept later."""
    fake.polls_until_success = 10**6
    run = await press(service, values, Step.GENERATING)
    full.left = math.inf
    fake.polls_until_success = 0
    shown = await published(service, Step.UNFETCHED)
    assert shown.result_urls == (f"{fake.media_url}/media/{shown.task_id}.mp4",)
    assert "disk is full" in error_of(shown).message
    assert "paid" in error_of(shown).advice
    full.left = 0
    run = await reached(service, run, Step.DONE)
    assert (run.error, fake.counts["create"]) == (None, 1)


async def test_a_clip_that_is_had_but_cannot_be_noted_is_shown_and_noted_later(
    service: RunService,
    fake: FakeKie,
    values: dict[str, Any],
    full: Flaky,
    fill: Fault,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The run pauses, says so, and continues from the saved step by itself."""
    fake.outages["media"] = fill
    run = await service.submit(OWNER, GROK, values, "live")
    shown = await published(service, Step.UNFETCHED)
    assert shown.result_urls
    fake.outages.clear()
    full.left = 0
    run = await reached(service, run, Step.DONE)
    assert fake.counts["create"] == 1
    assert "has to wait" in caplog.text


async def test_a_task_id_that_cannot_be_kept_is_shown_and_kept_later(
    service: RunService,
    fake: FakeKie,
    values: dict[str, Any],
    full: Flaky,
    fill: Fault,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As long as the process lives the id is not lost, and it is in the log in any case."""
    fake.outages["create"] = fill
    run = await service.submit(OWNER, GROK, values, "live")
    shown = await published(service, Step.WAITING)
    assert (shown.task_id, shown.status_note) == ("task-1", FULL_DISK)
    assert (await service.run(OWNER, run.id)).task_id is None
    assert "is task task-1" in caplog.text
    await asyncio.sleep(0.05)
    full.left = 0
    run = await reached(service, run, Step.DONE)
    assert (run.task_id, fake.counts["create"]) == ("task-1", 1)


async def test_what_stands_still_before_it_was_sent_is_sent_once_later(
    service: RunService, fake: FakeKie, values: dict[str, Any], full: Flaky, fill: Fault
) -> None:
    """Without the mark nothing leaves; with it, once."""
    fake.outages["upload"] = fill
    run = await service.submit(OWNER, GROK, values, "live")
    await noted(service, run, FULL_DISK)
    assert fake.counts["create"] == 0
    fake.outages.clear()
    full.left = 0
    await reached(service, run, Step.DONE)
    assert fake.counts["create"] == 1


async def test_a_really_full_database_loses_no_paid_clip(
    service: RunService, fake: FakeKie, fast: FastClock, values: dict[str, Any]
) -> None:
    """SQLite's own word for it, on the connection that writes: many runs, none lost, none twice."""
    fast.speed = 400.0
    fake.polls_until_success = 10**6
    fake.record = {"filler": "x" * 3_000}
    runs = await press_times(service, values | WEB, 12)
    for run in runs:
        await reached(service, run, Step.WAITING, Step.QUEUING, Step.GENERATING)
    pragmas = Pragmas(service._store)
    await pragmas.limit(service._store, 2)
    fake.record = {"filler": "y" * 9_000}
    fake.polls_until_success = 0
    await published(service, Step.UNFETCHED)
    pragmas.lift_limit()
    for run in runs:
        assert (await reached(service, run, Step.DONE)).clips
    assert len(fake.bodies) == 12


async def test_a_database_held_by_another_program_for_a_while_delays_and_loses_nothing(
    service: RunService, fake: FakeKie, values: dict[str, Any], tmp_path: Path
) -> None:
    """A backup that locks the file is waited for."""
    fake.polls_until_success = 10**6
    run = await press(service, values, Step.GENERATING)
    Pragmas(service._store).make_impatient()
    other = sqlite3.connect(tmp_path / "runs.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    fake.polls_until_success = 0
    shown = await published(service, Step.UNFETCHED)
    assert "held by another program" in error_of(shown).message
    with pytest.raises(StoreProblem, match="held by another program"):
        await service.submit(OWNER, GROK, values, "live")
    other.execute("ROLLBACK")
    other.close()
    await reached(service, run, Step.DONE)
    assert fake.counts["create"] == 1


# Callers that go away, and works that come together


async def test_a_press_whose_page_is_closed_is_kept_and_goes_on_or_neither(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """A caller that is cancelled at any moment leaves no run that nobody takes on."""
    for turns in range(40):
        pressing = asyncio.create_task(service.submit(OWNER, GROK, values | WEB, "live"))
        for _ in range(turns):
            await asyncio.sleep(0)
        pressing.cancel()
        await asyncio.gather(pressing, return_exceptions=True)
    await idle(service)
    runs = await service.recent(OWNER, 99)
    for run in runs:
        await reached(service, run, Step.DONE)
    assert len(fake.bodies) == len(runs)


async def test_what_is_to_come_next_waits_for_what_is_being_done(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """A run that is to go on while it is under way goes on afterwards, once."""
    fake.outages["media"] = refusal(500)
    held = asyncio.Event()
    run = await press(service, values, Step.UNFETCHED)
    await idle(service)
    before = fake.counts["media"]
    fake.outages["media"] = held_until(held)
    run = await service.fetch_again(OWNER, run.id)
    await until(lambda: fake.counts["media"] == before + 1)
    service._engine.advance(run)
    service._engine.advance(run)
    assert list(service._engine._next) == [run.id]
    held.set()
    await idle(service)
    assert (await service.run(OWNER, run.id)).step is Step.DONE
    assert fake.counts["media"] <= before + 2


async def test_after_the_stop_nothing_is_begun(
    restart: Restart, fake: FakeKie, values: dict[str, Any]
) -> None:
    """A create whose answer comes in the last moment is kept; its watch is for who comes next."""
    held = asyncio.Event()

    fake.faults["create"] = [held_until(held)]
    service = await restart()
    run = await press(service, values, Step.SENDING)
    stopping = asyncio.create_task(service.stop())
    await asyncio.sleep(0.02)
    held.set()
    await stopping
    assert service._scheduler._pollers == {}
    assert service._engine._running == {}
    service._engine.advance(run)
    assert service._engine._running == {}
    assert [task for task in asyncio.all_tasks() if task.get_name() == "account poller"] == []


async def test_stopping_twice_or_without_a_start_is_harmless(
    tmp_path: Path, fake: FakeKie, fast: FastClock, backends: Backends
) -> None:
    """Two signals in a row, or a start that failed, end as quietly as one stop."""
    service = make_service(tmp_path, fast, backends, httpx.MockTransport(fake.answer))
    await service.stop()
    await service.stop()


async def test_what_goes_wrong_is_in_the_log_without_the_persons_words(
    service: RunService, values: dict[str, Any], caplog: pytest.LogCaptureFixture, full: Flaky
) -> None:
    """A log may be shown to others."""
    caplog.set_level(logging.DEBUG, logger="kie_ui")
    full.left = math.inf
    await service.submit(OWNER, GROK, values | {"prompt": "a private thought"}, "live")
    await until(lambda: "has to wait" in caplog.text)
    assert "private thought" not in caplog.text
