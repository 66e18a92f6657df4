from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from kie_ui.runs.errors import WrongStep
from kie_ui.runs.run import Run, Step
from kie_ui.runs.service import RunService
from tests.fake_kie import Answer, FakeKie, refusal
from tests.runs.harness import (
    GROK,
    HELD,
    OWNER,
    FastClock,
    Flaky,
    StartAnother,
    held_until,
    idle,
    press,
    reached,
    until,
    when,
)


async def die(service: RunService) -> None:
    """End a service as a kill would: nothing is written or handed over any more."""
    service._engine._is_stopped = True
    await service._ownership.stop_looking()
    await service._engine._tasks.stop()
    await service._scheduler.stop()
    lock = service._ownership._lock._lock
    assert lock is not None
    lock.release()  # as the operating system does with every lock of a process that ends
    service._ownership._lock._lock = None
    service._ownership._is_held = False


@pytest.fixture
async def generating(service: RunService, fake: FakeKie, values: dict[str, Any]) -> Run:
    """Return a run of the first process, whose task takes until `polls_until_success` is 0."""
    fake.polls_until_success = 10**6
    return await press(service, values, Step.GENERATING)


async def test_a_run_has_one_holder_who_polls_and_fetches_it(
    service: RunService, start_another: StartAnother, fake: FakeKie, generating: Run
) -> None:
    """A second process on the same folder leaves a living one's runs alone."""
    second = await start_another()
    assert second._scheduler._pollers == {}
    assert second._engine._running == {}
    fake.polls_until_success = 0
    assert (await reached(second, generating, Step.DONE)).step is Step.DONE
    assert (fake.counts["create"], fake.counts["media"]) == (1, 1)
    assert (await second.run(OWNER, generating.id)).holder == service._ownership._lock.id
    assert second._scheduler._pollers == {}


async def test_changes_of_one_process_reach_the_pages_of_the_other(
    service: RunService, start_another: StartAnother, fake: FakeKie, values: dict[str, Any]
) -> None:
    """A person whose page is served by the second process sees the run of the first move."""
    second = await start_another()
    seen: list[Step] = []
    async with second.subscribe(OWNER) as changed, asyncio.timeout(10):
        run = await service.submit(OWNER, GROK, values, "live")
        while not seen or seen[-1] is not Step.DONE:
            news = await anext(changed)
            assert news.id == run.id
            seen.append(news.step)
    way = [Step.PREPARING, Step.UPLOADING, Step.SENDING, Step.WAITING, Step.QUEUING]
    way += [Step.GENERATING, Step.FETCHING, Step.DONE]
    assert [way.index(step) for step in seen] == sorted(way.index(step) for step in seen)
    assert fake.counts["create"] == 1


async def test_the_same_change_is_not_published_over_and_over(
    service: RunService, start_another: StartAnother, fast: FastClock, values: dict[str, Any]
) -> None:
    """Looks at the database overlap, published changes do not."""
    second = await start_another()
    run = await press(service, values, Step.DONE)
    await when(service, run, lambda run: run.balance_after is not None)
    async with second.subscribe(OWNER) as changed:
        published = 0
        try:
            async with asyncio.timeout(20 / fast.speed):
                while True:
                    await anext(changed)
                    published += 1
        except TimeoutError:
            assert published <= 2


async def test_when_the_holder_dies_another_goes_on(
    service: RunService, start_another: StartAnother, fake: FakeKie, generating: Run
) -> None:
    """Nobody has to start anything: the survivor notices, polls on, and fetches the clip."""
    second = await start_another()
    await die(service)
    fake.polls_until_success = 0
    run = await reached(second, generating, Step.DONE)
    assert run.holder == second._ownership._lock.id
    assert (fake.counts["create"], fake.counts["media"]) == (1, 1)


async def test_runs_of_a_process_that_came_and_died_between_two_looks_are_taken_over(
    service: RunService, start_another: StartAnother, fake: FakeKie, values: dict[str, Any]
) -> None:
    """Nobody ever saw it alive."""
    second = await start_another()
    fake.polls_until_success = 10**6
    run = await press(second, values, Step.GENERATING)
    service._ownership._others = frozenset()  # it has not looked since
    await die(second)
    fake.polls_until_success = 0
    assert (await reached(service, run, Step.DONE)).holder == service._ownership._lock.id


async def test_a_clean_stop_hands_over(
    service: RunService, start_another: StartAnother, fake: FakeKie, generating: Run
) -> None:
    """What the stopped process leaves is taken on by the one that stays."""
    second = await start_another()
    await service.stop()
    fake.polls_until_success = 0
    run = await reached(second, generating, Step.DONE)
    assert run.holder == second._ownership._lock.id
    assert fake.counts["create"] == 1


async def test_a_run_in_line_is_sent_by_the_survivor_and_only_by_it(
    service: RunService,
    start_another: StartAnother,
    fake: FakeKie,
    values: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the dead had not sent is sent once."""

    async def not_yet(_account: str) -> float:
        return 3_600.0

    monkeypatch.setattr(service._queue, "_take", not_yet)
    run = await press(service, values, Step.LINED_UP)
    second = await start_another()
    await die(service)
    await service._queue.stop()
    await reached(second, run, Step.DONE)
    assert len(fake.bodies) == 1


@pytest.mark.parametrize("late_answer", [None, refusal(413)])
async def test_of_two_that_take_a_run_for_theirs_one_sends(
    service: RunService,
    start_another: StartAnother,
    fake: FakeKie,
    values: dict[str, Any],
    late_answer: Any,
) -> None:
    """Should a holder be taken for dead that is not, a clip is still not bought twice."""
    released = asyncio.Event()

    async def slow(request: httpx.Request) -> Answer | None:
        await released.wait()
        return await late_answer(request) if late_answer else None

    fake.faults["upload"] = [slow]
    run = await service.submit(OWNER, GROK, values, "live")
    await until(lambda: fake.counts["upload"] == 1)
    lock = service._ownership._lock._lock
    assert lock is not None
    lock.release()
    second = await start_another()
    async with asyncio.timeout(10):
        await second.ended(OWNER, run.id)
        released.set()
        await idle(service)
    assert (await second.run(OWNER, run.id)).step is Step.DONE
    assert fake.counts["create"] == 1


async def test_a_run_can_be_cancelled_from_the_other_process(
    service: RunService, start_another: StartAnother, fake: FakeKie, values: dict[str, Any]
) -> None:
    """Nothing is sent, and the pages of both processes show it."""
    released = asyncio.Event()
    fake.faults["upload"] = [held_until(released)]
    run = await service.submit(OWNER, GROK, values, "live")
    await until(lambda: fake.counts["upload"] == 1)
    second = await start_another()
    async with service.subscribe(OWNER) as changed, asyncio.timeout(10):
        assert (await second.cancel(OWNER, run.id)).step is Step.CANCELLED
        released.set()
        while (await anext(changed)).step is not Step.CANCELLED:
            pass
    assert fake.counts["create"] == 0


async def test_a_task_that_another_process_watches_is_not_watched_twice(
    service: RunService, start_another: StartAnother, fake: FakeKie, generating: Run
) -> None:
    """Tracking what one follows already just shows it."""
    second = await start_another()
    assert (await second.track(OWNER, generating.task_id or "", "live")).id == generating.id
    assert second._scheduler._pollers == {}
    assert second._engine._running == {}


async def test_a_paid_clip_that_one_process_could_not_keep_is_fetched_by_the_other(
    service: RunService, start_another: StartAnother, fake: FakeKie, values: dict[str, Any]
) -> None:
    """Either process can take the run on; two at once fetch it once."""
    fake.outages["media"] = refusal(500)
    run = await press(service, values, Step.UNFETCHED)
    second = await start_another()
    before = fake.counts["media"]
    fake.outages.clear()
    tries = await asyncio.gather(
        service.fetch_again(OWNER, run.id),
        second.fetch_again(OWNER, run.id),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, WrongStep) for outcome in tries) == 1
    await reached(service, run, Step.DONE)
    assert fake.counts["media"] == before + 1


async def test_a_look_that_fails_is_tried_again(
    service: RunService,
    start_another: StartAnother,
    fake: FakeKie,
    generating: Run,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A database that is busy for a moment does not make a process blind for good."""
    second = await start_another()
    flaky = Flaky(monkeypatch, second._store, "holders", HELD, left=2)
    await die(service)
    fake.polls_until_success = 0
    await reached(second, generating, Step.DONE)
    assert flaky.failed == 2
    assert "held by another program" in caplog.text


async def test_the_stopped_take_nothing_over(
    service: RunService, start_another: StartAnother, fake: FakeKie, values: dict[str, Any]
) -> None:
    """After its stop a service begins nothing, whatever is left over at that moment."""
    fake.polls_until_success = 10**6
    second = await start_another()
    run = await press(second, values, Step.GENERATING)
    stopping = asyncio.create_task(service.stop())
    await die(second)
    await stopping
    service._engine.take_over(run)
    assert service._engine._running == {}
    assert service._scheduler._pollers == {}
