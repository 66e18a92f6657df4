from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kie_ui.runs.run import Run, Step
from kie_ui.runs.service import RunService
from kie_ui.runs.storage.run_store import RunStore
from tests.fake_kie import FakeKie, status
from tests.runs.harness import (
    GROK,
    HELD,
    OWNER,
    WEB,
    FastClock,
    Flaky,
    Restart,
    a_run,
    press,
    reached,
    until,
)


async def unfetched(service: RunService, fake: FakeKie, values: dict[str, Any]) -> Run:
    """Press Generate, and have the paid clip not come through."""
    fake.outages["media"] = status(404)
    return await press(service, values | WEB, Step.UNFETCHED)


@pytest.fixture
async def eager(restart: Restart, monkeypatch: pytest.MonkeyPatch) -> RunService:
    """Return a service that tries again more often."""
    monkeypatch.setattr("kie_ui.runs.lifecycle.engine.DOWNLOAD_AGAIN_S", 20.0)
    return await restart()


async def test_what_could_not_be_kept_is_tried_again_now_and_then(
    eager: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """A paid clip does not wait for someone to press a button: its links die after days."""
    run = await unfetched(eager, fake, values)
    before = fake.counts["media"]
    await until(lambda: fake.counts["media"] > before)
    fake.outages.clear()
    run = await reached(eager, run, Step.DONE)
    assert (run.error, fake.counts["create"]) == (None, 1)


async def test_a_database_that_fails_then_does_not_end_the_trying(
    eager: RunService,
    fake: FakeKie,
    values: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is said in the log, and the next time comes."""
    run = await unfetched(eager, fake, values)
    flaky = Flaky(monkeypatch, RunStore, "unfinished", HELD, left=2)
    await until(lambda: flaky.failed == 2)
    fake.outages.clear()
    await reached(eager, run, Step.DONE)
    assert "held by another program" in caplog.text


async def test_every_unfinished_run_is_in_sight_however_old(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """Behind a page full of newer ones there may be one that still waits."""
    fake.polls_until_success = 10**6
    old = await press(service, values | WEB, Step.GENERATING)
    fake.polls_until_success = 0
    new = []
    for _ in range(4):
        fake.record = {"state": "fail", "failMsg": "No."}
        new.append(await service.submit(OWNER, GROK, values | WEB, "live"))
        fake.polls[old.task_id or "task-1"] = 0
        await reached(service, new[-1], Step.FAILED)
    sight = await service.in_sight(OWNER, 2)
    listed = [run.id for run in sight]
    assert listed[:2] == [new[3].id, new[2].id]
    assert len(listed) == len(set(listed))
    is_unfinished = not (await service.run(OWNER, old.id)).is_final
    assert (old.id in listed) == is_unfinished
    assert await service.in_sight("eve", 2) == ()


async def test_runs_of_unknown_outcome_are_in_sight_until_somebody_deals_with_them(
    service: RunService,
) -> None:
    """A page that says that something needs the person shows what; in order, and bounded."""
    for number in range(1, 110):
        step = Step.DONE if number > 105 else Step.UNKNOWN
        await service._store.add(a_run(number, step=step))
    sight = await service.in_sight(OWNER, 3)
    numbers = [int(run.id, 16) for run in sight]
    assert numbers == [109, 108, 107, *range(105, 5, -1)]
    assert not await service.has_unfinished(OWNER)
    await service._store.change(f"{50:032x}", sent_again_as="f" * 32)
    await service._store.add(a_run(200, step=Step.GENERATING))
    assert await service.has_unfinished(OWNER)
    numbers = [int(run.id, 16) for run in await service.in_sight(OWNER, 3)]
    assert 50 not in numbers
    assert 5 in numbers


async def test_a_run_that_is_advanced_twice_is_asked_about_once(
    service: RunService, fake: FakeKie, fast: FastClock, values: dict[str, Any]
) -> None:
    """One coroutine takes a run on, however many reasons there are to do so."""
    fake.polls_until_success = 10**6
    run = await press(service, values | WEB, Step.GENERATING)
    fast.speed = 0
    before = fake.counts["record"]
    for _ in range(3):
        service._engine.advance(run)
    await asyncio.sleep(0.05)
    assert fake.counts["record"] <= before + 1
