from __future__ import annotations

import asyncio
import ctypes
import hashlib
import logging
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
from kie_ui.runs.cluster import ProcessLock
from kie_ui.runs.errors import StoreProblem
from kie_ui.runs.run import Run, Step
from kie_ui.runs.service import RunService
from kie_ui.runs.storage.run_store import RunStore, sqlite_url
from tests.fake_kie import FakeKie, refusal
from tests.runs.harness import (
    GROK,
    OWNER,
    FastClock,
    Pragmas,
    Restart,
    StartAnother,
    a_run,
    files_below,
    make_service,
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


def fingerprint(path: Path) -> str:
    """Tell a file's content by its digest."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Fault:
    """Has the opening of the database fail for as long as it lasts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lasts = True
        self.met = 0
        real = RunStore.open

        async def open_(store: RunStore) -> None:
            if self.lasts:
                self.met += 1
                raise StoreProblem(READ_ONLY)
            await real(store)

        monkeypatch.setattr(RunStore, "open", open_)


@pytest.fixture
def fault(monkeypatch: pytest.MonkeyPatch) -> Fault:
    """Return why the database can't be opened, until its end."""
    return Fault(monkeypatch)


# At the start


async def test_what_can_only_be_read_is_listed_with_the_reason(
    start_another: StartAnother, kept: tuple[Run, ...], fault: Fault, fake: FakeKie, tmp_path: Path
) -> None:
    """Nobody stands before an empty page: paid results and their links are there."""
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
    fault: Fault,
    fake: FakeKie,
    values: dict[str, Any],
) -> None:
    """Nothing is promised that cannot be kept, and nothing leaves."""
    service = await start_another()
    by_step = {run.step: run for run in kept}
    asked = [
        service.submit(OWNER, GROK, values, "live"),
        service.track(OWNER, "task-made-elsewhere", "live"),
        service.cancel(OWNER, by_step[Step.LINED_UP].id),
        service.send_again(OWNER, by_step[Step.UNKNOWN].id),
        service.give_task_id(OWNER, by_step[Step.UNKNOWN].id, "task-x"),
        service.fetch_again(OWNER, by_step[Step.UNFETCHED].id),
    ]
    for call in asked:
        with pytest.raises(StoreProblem, match="check the permissions"):
            await call
    assert fake.counts["create"] + fake.counts["upload"] + fake.counts["media"] == 0


async def test_it_recovers_by_itself_when_the_cause_goes(
    start_another: StartAnother,
    kept: tuple[Run, ...],
    fault: Fault,
    fake: FakeKie,
    values: dict[str, Any],
    fast: FastClock,
) -> None:
    """Nobody has to restart anything: what waited goes on, and new runs can be made."""
    fast.speed = 1000.0
    service = await start_another()
    await until(lambda: fault.met >= 3)
    assert service.trouble == READ_ONLY
    fault.lasts = False
    await until(lambda: service.trouble is None)
    new = await service.submit(OWNER, GROK, values, "live")
    await reached(service, new, Step.DONE)
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
    take_over = RunStore.take_over
    failures = 3

    async def flaky(store: RunStore, old: str | None, new: str) -> tuple[Run, ...]:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise StoreProblem("The database of runs is held by another program.")
        return await take_over(store, old, new)

    monkeypatch.setattr(RunStore, "take_over", flaky)
    fast.speed = 1000.0
    service = await start_another()
    assert service.trouble is not None
    assert "held by another program" in service.trouble
    await until(lambda: service.trouble is None)
    new = await service.submit(OWNER, GROK, values, "live")
    await reached(service, new, Step.DONE)


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
    content = bytearray(path.read_bytes())
    pages = len(content) // 4096
    for page in range(pages // 3, pages // 2):
        content[page * 4096 : (page + 1) * 4096] = b"\xa5" * 4096
    path.write_bytes(content)
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
    """Start a service over a folder in a process that permissions bind; tell what it said."""
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


@pytest.mark.skipif(sys.platform != "linux", reason="needs permissions that bind everyone")
async def test_a_folder_that_is_really_read_only(forbidden: Path) -> None:
    """By permissions, and not by a stand-in: runs are listed, the reason said, no byte changed."""
    path = forbidden / "runs.sqlite3"
    store = RunStore(sqlite_url(path))
    await store.open()
    for number in range(5):
        await store.add(a_run(number))
    await store.close()
    before = fingerprint(path)
    await asyncio.to_thread(path.chmod, 0o444)
    await asyncio.to_thread(forbidden.chmod, 0o555)
    trouble, listed = await asyncio.to_thread(list_runs, forbidden)
    assert "cannot be written" in trouble
    assert listed == "5"
    assert fingerprint(path) == before
    assert files_below(forbidden) == [path]


@pytest.mark.skipif(sys.platform != "linux", reason="needs permissions that bind everyone")
async def test_what_a_killed_process_wrote_last_is_read_there_too(
    forbidden: Path, tmp_path: Path
) -> None:
    """The newest commits may stand beside the file; a read-only folder does not hide them."""
    store = RunStore(sqlite_url(tmp_path / "runs.sqlite3"))
    await store.open()
    for number in range(5):
        await store.add(a_run(number))
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


class Full:
    """Has every change of a run fail, for as long as it lasts."""

    sentence = "The database of runs cannot grow: the disk is full. Free some space."

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lasts = False
        real = RunStore.change

        async def change(store: RunStore, run_id: str, **changes: Any) -> Run:
            if self.lasts:
                raise StoreProblem(self.sentence)
            return await real(store, run_id, **changes)

        monkeypatch.setattr(RunStore, "change", change)


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Full:
    """Return a disk that can be made full."""
    return Full(monkeypatch)


async def told(service: RunService, *steps: Step) -> Run:
    """Wait until the pages are told of a run at one of the steps."""
    async with asyncio.timeout(10), service.subscribe(OWNER) as changed:
        async for run in changed:
            if run.step in steps:
                return run
    raise AssertionError("the changes never end")


async def test_a_paid_result_is_shown_from_its_links_and_kept_once_that_works(
    service: RunService, fake: FakeKie, values: dict[str, Any], full: Full
) -> None:
    """A full disk hides no clip: its links are on the page, with the reason; later it is had."""
    fake.polls_until_success = 10**6
    run = await service.submit(OWNER, GROK, values, "live")
    await reached(service, run, Step.GENERATING)
    full.lasts = True
    fake.polls_until_success = 0
    shown = await told(service, Step.UNFETCHED)
    assert shown.result_urls == (f"{fake.media_url}/media/{shown.task_id}.mp4",)
    assert shown.error is not None
    assert "disk is full" in shown.error.message
    assert "paid" in shown.error.advice
    full.lasts = False
    run = await reached(service, run, Step.DONE)
    assert (run.error, fake.counts["create"]) == (None, 1)


async def test_a_clip_that_is_had_but_cannot_be_noted_is_shown_and_noted_later(
    service: RunService,
    fake: FakeKie,
    values: dict[str, Any],
    full: Full,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The journey stands still, says so, and goes on from the kept step by itself."""

    async def fill(request: httpx.Request) -> None:
        full.lasts = True

    fake.outages["media"] = fill
    run = await service.submit(OWNER, GROK, values, "live")
    shown = await told(service, Step.UNFETCHED)
    assert shown.result_urls
    fake.outages.clear()
    full.lasts = False
    run = await reached(service, run, Step.DONE)
    assert fake.counts["create"] == 1
    assert "has to wait" in caplog.text


async def test_a_task_id_that_cannot_be_kept_is_shown_and_kept_later(
    service: RunService,
    fake: FakeKie,
    values: dict[str, Any],
    full: Full,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As long as the process lives the id is not lost, and it stands in the log in any case."""

    async def fill(request: httpx.Request) -> None:
        full.lasts = True

    fake.outages["create"] = fill
    run = await service.submit(OWNER, GROK, values, "live")
    shown = await told(service, Step.WAITING)
    assert (shown.task_id, shown.status_note) == ("task-1", Full.sentence)
    assert (await service.run(OWNER, run.id)).task_id is None
    assert "is task task-1" in caplog.text
    await asyncio.sleep(0.05)
    full.lasts = False
    run = await reached(service, run, Step.DONE)
    assert (run.task_id, fake.counts["create"]) == ("task-1", 1)


async def test_what_stands_still_before_it_was_sent_is_sent_once_later(
    service: RunService, fake: FakeKie, values: dict[str, Any], full: Full
) -> None:
    """Without the mark nothing leaves; with it, once."""

    async def fill(request: httpx.Request) -> None:
        full.lasts = True

    fake.outages["upload"] = fill
    run = await service.submit(OWNER, GROK, values, "live")
    async with service.subscribe(OWNER) as changed, asyncio.timeout(10):
        while (await anext(changed)).status_note != Full.sentence:
            pass
    assert fake.counts["create"] == 0
    fake.outages.clear()
    full.lasts = False
    await reached(service, run, Step.DONE)
    assert fake.counts["create"] == 1


async def test_a_really_full_database_loses_no_paid_clip(
    service: RunService, fake: FakeKie, fast: FastClock, values: dict[str, Any]
) -> None:
    """SQLite's own word for it, on the connection that writes: many runs, none lost, none twice."""
    fast.speed = 400.0
    fake.polls_until_success = 10**6
    fake.record = {"filler": "x" * 3_000}

    web = {"image_urls": ["https://example.com/a.png"]}
    runs = [await service.submit(OWNER, GROK, values | web, "live") for _ in range(12)]
    for run in runs:
        await reached(service, run, Step.WAITING, Step.QUEUING, Step.GENERATING)
    pragmas = Pragmas(service._store)
    await pragmas.limit(service._store, 2)
    fake.record = {"filler": "y" * 9_000}
    fake.polls_until_success = 0
    await told(service, Step.UNFETCHED)
    pragmas.lift_limit()
    for run in runs:
        assert (await reached(service, run, Step.DONE)).clips
    assert len(fake.bodies) == 12


async def test_a_database_held_by_another_program_for_a_while_delays_and_loses_nothing(
    service: RunService, fake: FakeKie, values: dict[str, Any], tmp_path: Path
) -> None:
    """A backup that locks the file is waited for."""
    fake.polls_until_success = 10**6
    run = await service.submit(OWNER, GROK, values, "live")
    await reached(service, run, Step.GENERATING)
    Pragmas(service._store).make_impatient()
    other = sqlite3.connect(tmp_path / "runs.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    fake.polls_until_success = 0
    shown = await told(service, Step.UNFETCHED)
    assert shown.error is not None
    assert "held by another program" in shown.error.message
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
    web = {"image_urls": ["https://example.com/a.png"]}
    for turns in range(40):
        pressing = asyncio.create_task(service.submit(OWNER, GROK, values | web, "live"))
        for _ in range(turns):
            await asyncio.sleep(0)
        pressing.cancel()
        await asyncio.gather(pressing, return_exceptions=True)
    await until(lambda: not service._engine._running)
    runs = await service.recent(OWNER, 99)
    for run in runs:
        await reached(service, run, Step.DONE)
    assert len(fake.bodies) == len(runs)


async def test_what_is_to_come_next_waits_for_what_is_being_done(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """A run that is asked to go on while it is under way goes on afterwards, once."""
    fake.outages["media"] = refusal(500)
    held = asyncio.Event()

    async def slow(request: httpx.Request) -> None:
        await held.wait()

    run = await service.submit(OWNER, GROK, values, "live")
    await reached(service, run, Step.UNFETCHED)
    await until(lambda: not service._engine._running)
    asked = fake.counts["media"]
    fake.outages["media"] = slow
    run = await service.fetch_again(OWNER, run.id)
    await until(lambda: fake.counts["media"] == asked + 1)
    service._engine.advance(run)
    service._engine.advance(run)
    assert list(service._engine._next) == [run.id]
    held.set()
    await until(lambda: not service._engine._running)
    assert (await service.run(OWNER, run.id)).step is Step.DONE
    assert fake.counts["media"] <= asked + 2


async def test_after_the_stop_nothing_is_begun(
    restart: Restart, fake: FakeKie, values: dict[str, Any]
) -> None:
    """A create whose answer comes in the last moment is kept; its watch is for who comes next."""
    held = asyncio.Event()

    async def slow(request: httpx.Request) -> None:
        await held.wait()

    fake.faults["create"] = [slow]
    service = await restart()
    run = await service.submit(OWNER, GROK, values, "live")
    await reached(service, run, Step.SENDING)
    stopping = asyncio.create_task(service.stop())
    await asyncio.sleep(0.02)
    held.set()
    await stopping
    assert service._scheduler._pollers == {}
    assert service._engine._running == {}
    service._engine.advance(run)
    assert service._engine._running == {}
    assert [task for task in asyncio.all_tasks() if task.get_name() == "lane"] == []


async def test_stopping_twice_or_without_a_start_is_harmless(
    tmp_path: Path, fake: FakeKie, fast: FastClock, backends: Backends
) -> None:
    """Two signals in a row, or a start that failed, end as quietly as one stop."""
    service = make_service(tmp_path, fast, backends, httpx.MockTransport(fake.answer))
    await service.stop()
    await service.stop()


async def test_who_died_is_known_by_its_lock_alone(tmp_path: Path) -> None:
    """A presence whose file lies about is no living process."""
    one, two = ProcessLock(tmp_path), ProcessLock(tmp_path)
    one.enter()
    (tmp_path / f"{two.id}.lock").write_text("")
    assert not one.is_alive(two.id)
    one.leave()


async def test_what_goes_wrong_is_in_the_log_without_the_persons_words(
    service: RunService, values: dict[str, Any], caplog: pytest.LogCaptureFixture, full: Full
) -> None:
    """A log may be shown to others."""
    caplog.set_level(logging.DEBUG, logger="kie_ui")
    full.lasts = True
    await service.submit(OWNER, GROK, values | {"prompt": "a private wish"}, "live")
    await until(lambda: "has to wait" in caplog.text)
    assert "private wish" not in caplog.text
