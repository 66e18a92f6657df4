from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import httpx
import pytest

from kie_ui.runs.accounts import Backends
from kie_ui.runs.lifecycle.create import MAX_UPLOADS_OF_ONE, RATE_LIMIT_WAITS_S
from kie_ui.runs.limits import CreateBudget
from kie_ui.runs.run import Step
from kie_ui.runs.service import Limits, RunService
from tests.fake_kie import Answer, FakeKie, dropped, refusal
from tests.runs.harness import (
    FULL_DISK,
    GROK,
    OWNER,
    WEB,
    FastClock,
    Flaky,
    Restart,
    StartAnother,
    most_within,
    press_times,
    reached,
    until,
)

MOST = 3
WINDOW_S = 10.0


class Budgeted:
    """Services over the same data with a small budget, and the creates that come of them."""

    def __init__(self, start_another: StartAnother, fast: FastClock) -> None:
        self._start_another = start_another
        self._fast = fast
        self._services: list[RunService] = []
        self._counting = 0
        """How many creates are being counted: they leave a moment later."""
        self.arrivals_s: list[float] = []
        """When creates came to Kie, by the fast clock."""

    async def note_arrival(self, request: httpx.Request) -> Answer | None:
        self.arrivals_s.append(self._fast.steady_s())
        return None

    async def start(self) -> RunService:
        """Start one more service."""
        service = await self._start_another(Limits(creates_per_10_s=MOST))
        take = service._queue._take

        async def take_one(account: str) -> float:
            self._counting += 1
            try:
                return await take(account)
            finally:
                self._counting -= 1

        service._queue._take = take_one
        self._services.append(service)
        return service

    async def pass_until_sent(self, runs: int) -> None:
        """Let time pass by the second until so many creates came to Kie.

        Before every second, each run either has arrived or is in line: none is in between.
        """
        async with asyncio.timeout(60):
            while len(self.arrivals_s) < runs:
                await asyncio.sleep(0.025)  # sleepers notice a jump
                await until(lambda: self._has_none_in_between(runs))
                self._fast.jump(1)

    def _has_none_in_between(self, runs: int) -> bool:
        in_line = sum(len(service.places(OWNER)) for service in self._services)
        return self._counting == 0 and len(self.arrivals_s) + in_line == runs

    def most_within_window(self) -> int:
        """Return the largest number of creates within any window of Kie's limit."""
        return most_within(self.arrivals_s, WINDOW_S)


@pytest.fixture
def budgeted(start_another: StartAnother, fast: FastClock, fake: FakeKie) -> Budgeted:
    """Return what starts services with a small budget, and notes when their creates arrive."""
    fast.speed = 0  # time passes by jumps alone, so arrivals have exact times
    budgeted = Budgeted(start_another, fast)
    fake.outages["create"] = budgeted.note_arrival
    return budgeted


async def test_creates_leave_within_the_budget_of_their_key(
    budgeted: Budgeted, values: dict[str, Any]
) -> None:
    """Kie sees no more in any ten seconds than it allows, and refuses none for that."""
    await press_times(await budgeted.start(), values | WEB, 8)
    await budgeted.pass_until_sent(8)
    assert budgeted.most_within_window() == MOST


async def test_two_processes_share_the_budget(budgeted: Budgeted, values: dict[str, Any]) -> None:
    """The count is in the database, so two programs spend no more than one may."""
    for service in (await budgeted.start(), await budgeted.start()):
        await press_times(service, values | WEB, 3)
    await budgeted.pass_until_sent(6)
    assert budgeted.most_within_window() == MOST


async def test_a_restart_does_not_forget_the_budget(
    budgeted: Budgeted, values: dict[str, Any]
) -> None:
    """A restart is no way around Kie's limit."""
    service = await budgeted.start()
    await press_times(service, values | WEB, 5)
    await until(lambda: len(budgeted.arrivals_s) == MOST and len(service.places(OWNER)) == 2)
    await service.stop()
    await budgeted.start()
    await budgeted.pass_until_sent(5)
    assert budgeted.most_within_window() == MOST


async def test_another_owners_first_is_not_held_up(
    restart: Restart, fake: FakeKie, fast: FastClock, backends: Backends, values: dict[str, Any]
) -> None:
    """On one key, a single run is sent before another owner's many."""
    backends.set_key("eve", "planted-key-of-the-tests")
    values = values | WEB
    fast.speed = 0
    service = await restart(Limits(creates_per_10_s=1))
    for number in range(30):
        await service.submit(OWNER, GROK, values | {"prompt": f"ada {number}"}, "live")
    await until(lambda: len(service.places(OWNER)) == 29)
    run = await service.submit("eve", GROK, values | {"prompt": "eve"}, "live")
    await until(lambda: service.places("eve") == {run.id: 2})
    fast.speed = 200
    await reached(service, run, Step.DONE)
    sent = [body["input"]["prompt"] for body in fake.bodies]
    assert sent.index("eve") == 2


async def test_a_rate_limit_holds_the_whole_account_back_for_longer_and_longer(
    service: RunService, fake: FakeKie, fast: FastClock, values: dict[str, Any]
) -> None:
    """Ten seconds, twenty, thirty, then a minute each time; no other create leaves meanwhile."""
    fast.speed = 0
    arrived_s: dict[str, list[float]] = {"first": [], "second": []}

    async def refuse_the_first(request: httpx.Request) -> Answer | None:
        prompt = json.loads(request.content)["input"]["prompt"]
        arrived_s[prompt].append(fast.steady_s())
        too_often = prompt == "first" and len(arrived_s["first"]) <= 5
        return await refusal(429)(request) if too_often else None

    fake.outages["create"] = refuse_the_first
    (first,) = await press_times(service, values | WEB | {"prompt": "first"}, 1)
    await until(lambda: service.places(OWNER) == {first.id: 1})
    (second,) = await press_times(service, values | WEB | {"prompt": "second"}, 1)
    await until(lambda: service.places(OWNER) == {first.id: 1, second.id: 2})
    fast.speed = 1000.0
    await reached(service, first, Step.DONE)
    await reached(service, second, Step.DONE)
    waits_s = [later - sooner for sooner, later in pairwise(arrived_s["first"])]
    least_s = [*RATE_LIMIT_WAITS_S, RATE_LIMIT_WAITS_S[-1]]
    assert all(wait_s >= least for wait_s, least in zip(waits_s, least_s, strict=True))
    assert arrived_s["second"][0] - arrived_s["first"][0] >= RATE_LIMIT_WAITS_S[0]
    assert len(fake.bodies) == 2


async def test_a_run_in_line_shows_its_place_and_is_sent_in_the_end(
    restart: Restart, fake: FakeKie, fast: FastClock, values: dict[str, Any]
) -> None:
    """The line is a step of its own, kept, with places from 1."""
    fast.speed = 0
    service = await restart(Limits(creates_per_10_s=1))
    runs = await press_times(service, values | WEB, 3)
    await until(lambda: len(service.places(OWNER)) == 2)
    assert sorted(service.places(OWNER).values()) == [1, 2]
    fast.speed = 200
    for run in runs:
        end = await reached(service, run, Step.DONE)
    steps = [change.step for change in end.step_changes]
    assert steps[:3] == [Step.PREPARING, Step.LINED_UP, Step.SENDING]
    assert service.places(OWNER) == {}


async def test_a_run_in_line_goes_on_after_a_restart(
    restart: Restart, fake: FakeKie, fast: FastClock, values: dict[str, Any]
) -> None:
    """The line is made anew from what is kept."""
    fast.speed = 0
    service = await restart(Limits(creates_per_10_s=1))
    runs = await press_times(service, values | WEB, 3)
    await until(lambda: len(service.places(OWNER)) == 2)
    service = await restart(Limits(creates_per_10_s=1))
    await until(lambda: len(service.places(OWNER)) == 2)
    fast.speed = 200
    for run in runs:
        await reached(service, run, Step.DONE)
    assert len(fake.bodies) == 3


async def test_a_database_that_fails_in_line_holds_a_run_up_and_no_longer(
    restart: Restart, fake: FakeKie, values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the budget nothing leaves; once it can be read, everything does, once."""
    service = await restart(Limits(creates_per_10_s=1))
    flaky = Flaky(
        monkeypatch,
        CreateBudget,
        "_take_shared",
        FULL_DISK,
        left=4,
        only_if=lambda *_args: bool(fake.bodies),
    )
    runs = await press_times(service, values | WEB, 3)
    for run in runs:
        await reached(service, run, Step.DONE)
    assert flaky.failed == 4
    assert len(fake.bodies) == 3


async def test_a_key_that_changes_in_line_takes_its_runs_to_its_own_line(
    restart: Restart, fake: FakeKie, fast: FastClock, backends: Backends, values: dict[str, Any]
) -> None:
    """A run is sent within the budget of the key that it is sent with."""
    fast.speed = 0
    service = await restart(Limits(creates_per_10_s=1))
    runs = await press_times(service, values | WEB, 2)
    await until(lambda: len(service.places(OWNER)) == 1)
    backends.set_key(OWNER, "another-key")
    fast.speed = 200
    for run in runs:
        await reached(service, run, Step.DONE)
    assert len(fake.bodies) == 2


async def test_one_owners_uploads_do_not_hold_up_anothers(
    service: RunService, fake: FakeKie, backends: Backends, values: dict[str, Any]
) -> None:
    """However many of one person stall, another's goes up at once."""
    backends.set_key("eve", "eves-key")
    released = asyncio.Event()
    keys: list[str] = []

    async def stalled(request: httpx.Request) -> Answer | None:
        keys.append(request.headers["Authorization"])
        await released.wait()
        return None

    fake.outages["upload"] = stalled
    await press_times(service, values, MAX_UPLOADS_OF_ONE + 4)
    await until(lambda: len(keys) == MAX_UPLOADS_OF_ONE)
    run = await service.submit("eve", GROK, values, "live")
    await until(lambda: "Bearer eves-key" in keys)
    assert len(keys) == MAX_UPLOADS_OF_ONE + 1
    released.set()
    await reached(service, run, Step.DONE)


async def test_creates_that_never_left_wait_in_line_and_count_anew(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """Without a network nothing is refused; once it is back everything is sent, once."""
    fake.outages["create"] = dropped(httpx.ConnectError)
    runs = await press_times(service, values, 3)
    await reached(service, runs[-1], Step.LINED_UP)
    await until(lambda: fake.counts["create"] >= 2)
    fake.outages.clear()
    for run in runs:
        await reached(service, run, Step.DONE)
    assert len(fake.bodies) == 3


async def test_a_clock_put_back_forgets_no_creates(service: RunService, fast: FastClock) -> None:
    """What was sent is counted by a steady clock too."""
    most = Limits().creates_per_10_s
    fast.speed = 0
    assert [await service._queue._take("account") for _ in range(most)] == [0] * most
    fast.now_ms = lambda: 0  # type: ignore[method-assign]
    service._store.clock = replace(service._store.clock, now_ms=fast.now_ms)
    assert await service._queue._take("account") > 0
