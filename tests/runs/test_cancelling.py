from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from kie_ui.runs.accounts import Backends
from kie_ui.runs.errors import UnknownRun, WrongStep
from kie_ui.runs.lifecycle.create import MAX_UPLOADS_OF_ONE
from kie_ui.runs.run import Run, Step
from kie_ui.runs.service import CANCELLED, Limits, RunService
from tests.fake_kie import FakeKie, dropped, endless, status
from tests.runs.harness import (
    GROK,
    KEY,
    OWNER,
    WEB,
    FastClock,
    Restart,
    held_until,
    idle,
    press,
    press_times,
    reached,
    until,
    waiting_for_its_key,
)


async def test_a_run_that_waits_for_its_key_can_be_cancelled(
    restart: Restart, fake: FakeKie, backends: Backends, values: dict[str, Any]
) -> None:
    """It comes to rest so, and a key that is entered later does not send it."""
    service, run = await waiting_for_its_key(restart, fake, backends, values)
    run = await service.cancel(OWNER, run.id)
    assert (run.step, run.status_note, run.is_final) == (Step.CANCELLED, CANCELLED, True)
    await idle(service)
    kept = await service.run(OWNER, run.id)
    assert (kept.step, kept.status_note) == (Step.CANCELLED, CANCELLED)
    assert kept.finished_at_ms is not None
    backends.set_key(OWNER, KEY)
    service = await restart()
    assert (await service.run(OWNER, run.id)).step is Step.CANCELLED
    assert fake.counts["create"] == 0


async def test_a_run_can_be_cancelled_while_its_picture_is_uploaded(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """The upload is broken off, and its place is free for the next."""
    fake.outages["upload"] = endless
    runs = await press_times(service, values, MAX_UPLOADS_OF_ONE + 2)
    await until(lambda: fake.counts["upload"] == MAX_UPLOADS_OF_ONE)
    for run in runs:
        await service.cancel(OWNER, run.id)
    await idle(service)
    fake.outages.clear()
    await press(service, values, Step.DONE)
    assert fake.counts["create"] == 1


async def test_a_run_can_be_cancelled_while_it_waits_in_line(
    restart: Restart, fake: FakeKie, fast: FastClock, values: dict[str, Any]
) -> None:
    """Its place goes to the one behind it, and no create is spent on it."""
    fast.speed = 0
    service = await restart(Limits(creates_per_10_s=1))
    runs = [await service.submit(OWNER, GROK, values, "live")]
    await reached(service, runs[0], Step.WAITING, Step.DONE)
    for _ in range(2):
        runs.append(await service.submit(OWNER, GROK, values, "live"))
        await reached(service, runs[-1], Step.LINED_UP)
    assert service.places(OWNER) == {runs[1].id: 1, runs[2].id: 2}
    await service.cancel(OWNER, runs[1].id)
    await until(lambda: runs[1].id not in service.places(OWNER))
    assert service.places(OWNER) == {runs[2].id: 1}
    fast.speed = 200
    await reached(service, runs[2], Step.DONE)
    assert fake.counts["create"] == 2


async def test_nothing_is_cancelled_once_the_create_has_left(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """Kie has no way to stop a task; the sentence says that, and that it is billed."""
    held = asyncio.Event()
    fake.faults["create"] = [held_until(held)]
    fake.polls_until_success = 10**6
    run = await press(service, values, Step.SENDING)
    with pytest.raises(WrongStep, match="no way to stop a task"):
        await service.cancel(OWNER, run.id)
    held.set()
    await reached(service, run, Step.GENERATING)
    with pytest.raises(WrongStep, match="no way to stop a task"):
        await service.cancel(OWNER, run.id)
    fake.polls_until_success = 0
    await reached(service, run, Step.DONE)
    with pytest.raises(WrongStep, match="ended already"):
        await service.cancel(OWNER, run.id)


@pytest.mark.parametrize("fault", [dropped(), status(502)])
async def test_a_run_of_unknown_outcome_cannot_be_cancelled(
    service: RunService, fake: FakeKie, values: dict[str, Any], fault: Any
) -> None:
    """What Kie may have accepted cannot be cancelled here."""
    fake.faults["create"] = [fault]
    run = await press(service, values, Step.UNKNOWN)
    with pytest.raises(WrongStep):
        await service.cancel(OWNER, run.id)


async def test_only_the_owner_cancels(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """To anyone else there is no such run."""
    fake.outages["upload"] = endless
    run = await service.submit(OWNER, GROK, values, "live")
    for owner, run_id in (("eve", run.id), (OWNER, "f" * 32)):
        with pytest.raises(UnknownRun):
            await service.cancel(owner, run_id)
    assert not (await service.run(OWNER, run.id)).is_final


async def test_cancelling_twice_says_that_it_has_ended(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """Two windows press at the same moment: one of them wins, both see it cancelled."""
    fake.outages["upload"] = endless
    run = await service.submit(OWNER, GROK, values, "live")
    tries = await asyncio.gather(
        *(service.cancel(OWNER, run.id) for _ in range(3)), return_exceptions=True
    )
    assert sum(isinstance(outcome, Run) for outcome in tries) == 1
    assert sum(isinstance(outcome, WrongStep) for outcome in tries) == 2


@pytest.mark.parametrize("seed", range(6))
async def test_of_cancelling_and_sending_exactly_one_wins(
    service: RunService, fake: FakeKie, values: dict[str, Any], seed: int
) -> None:
    """Pressed at any moment: either it was cancelled and never left, or it left and was not."""
    chance = random.Random(seed)
    values = values | WEB

    async def press_and_cancel(number: int) -> None:
        prompt = f"No. {number}"
        run = await service.submit(OWNER, GROK, values | {"prompt": prompt}, "live")
        if chance.random() < 0.5:
            for _ in range(chance.randrange(30)):
                await asyncio.sleep(0)
        else:
            await asyncio.sleep(chance.uniform(0, 0.02))
        try:
            await service.cancel(OWNER, run.id)
            is_cancelled = True
        except WrongStep:
            is_cancelled = False
        await until(lambda: run.id not in service._engine._running)
        left = [body for body in fake.bodies if body["input"]["prompt"] == prompt]
        assert len(left) == (0 if is_cancelled else 1)
        end = await reached(service, run, Step.CANCELLED, Step.DONE)
        assert (end.step is Step.CANCELLED) == is_cancelled

    async with asyncio.timeout(20):
        await asyncio.gather(*(press_and_cancel(number) for number in range(15)))
