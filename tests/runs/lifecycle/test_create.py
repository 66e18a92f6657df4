from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import httpx
import pytest

from kie_ui.runs.accounts import Backends
from kie_ui.runs.errors import StoreProblem
from kie_ui.runs.lifecycle.create import MAX_UPLOADS_OF_ONE, RATE_LIMIT_WAITS_S
from kie_ui.runs.lifecycle.create_queue import TakeCreate
from kie_ui.runs.limits import CreateBudget
from kie_ui.runs.run import Run, Step
from kie_ui.runs.service import Limits, RunService
from tests.fake_kie import Answer, FakeKie, dropped, refusal
from tests.runs.harness import GROK, OWNER, FastClock, Restart, StartAnother, reached, until

MOST = 3
WINDOW_S = 10.0

Start = Callable[[], Awaitable[RunService]]


@pytest.fixture
def stopped(fast: FastClock) -> FastClock:
    """Stop the clock: time passes by jumps alone, and what comes to Kie comes at its true time."""
    fast.speed = 0
    return fast


@dataclass
class Takes:
    """How many creates are being counted: they count from then, and leave a moment later."""

    under_way: int = 0

    def counted(self, take: TakeCreate) -> TakeCreate:
        """Have an eye on the counting."""

        async def take_one(account: str) -> float:
            self.under_way += 1
            try:
                return await take(account)
            finally:
                self.under_way -= 1

        return take_one


@pytest.fixture
def takes() -> Takes:
    """Return what knows of creates that are just being counted, by all services together."""
    return Takes()


@pytest.fixture
def start(start_another: StartAnother, stopped: FastClock, takes: Takes) -> Start:
    """Return what starts services over the same data, with a small budget for creates."""

    async def start_one() -> RunService:
        service = await start_another(Limits(creates_per_10_s=MOST))
        service._queue._take = takes.counted(service._queue._take)
        return service

    return start_one


@pytest.fixture
def arrivals_s(fake: FakeKie, stopped: FastClock) -> list[float]:
    """Return what lists when creates came to Kie, in seconds of the fast clock."""
    times_s: list[float] = []

    async def note(request: httpx.Request) -> Answer | None:
        times_s.append(stopped.steady_s())
        return None

    fake.outages["create"] = note
    return times_s


def most_within(times_s: list[float], window_s: float) -> int:
    """Return the largest number of times within any window of so many seconds."""
    return max(sum(start <= at_s < start + window_s for at_s in times_s) for start in times_s)


async def pressed(service: RunService, values: dict[str, Any], times: int) -> list[Run]:
    """Press Generate several times."""
    values = values | {"image_urls": ["https://example.com/a.png"]}
    return [await service.submit(OWNER, GROK, values, "live") for _ in range(times)]


async def pass_until_sent(
    fast: FastClock, takes: Takes, arrivals_s: list[float], runs: int, *services: RunService
) -> None:
    """Let time pass by the second until so many creates came to Kie.

    Before every second, each run either has arrived or is in line: none is in between.
    """

    def none_is_in_between() -> bool:
        in_line = sum(len(service.places(OWNER)) for service in services)
        return takes.under_way == 0 and len(arrivals_s) + in_line == runs

    async with asyncio.timeout(60):
        while len(arrivals_s) < runs:
            await asyncio.sleep(0.025)  # sleepers notice a jump
            await until(none_is_in_between)
            fast.jump(1)


async def test_creates_leave_within_the_budget_of_their_key(
    start: Start,
    stopped: FastClock,
    takes: Takes,
    arrivals_s: list[float],
    values: dict[str, Any],
) -> None:
    """Kie sees no more in any ten seconds than it allows, and nothing is refused for that."""
    service = await start()
    await pressed(service, values, 8)
    await pass_until_sent(stopped, takes, arrivals_s, 8, service)
    assert most_within(arrivals_s, WINDOW_S) == MOST


async def test_two_processes_share_the_budget(
    start: Start,
    stopped: FastClock,
    takes: Takes,
    arrivals_s: list[float],
    values: dict[str, Any],
) -> None:
    """The count stands in the database, so two programs spend no more than one may."""
    services = [await start(), await start()]
    for service in services:
        await pressed(service, values, 3)
    await pass_until_sent(stopped, takes, arrivals_s, 6, *services)
    assert most_within(arrivals_s, WINDOW_S) == MOST


async def test_a_restart_does_not_forget_the_budget(
    start: Start,
    stopped: FastClock,
    takes: Takes,
    arrivals_s: list[float],
    values: dict[str, Any],
) -> None:
    """Starting anew is no way around Kie's limit."""
    service = await start()
    await pressed(service, values, 5)
    await until(lambda: len(arrivals_s) == MOST and len(service.places(OWNER)) == 2)
    await service.stop()
    service = await start()
    await pass_until_sent(stopped, takes, arrivals_s, 5, service)
    assert most_within(arrivals_s, WINDOW_S) == MOST


async def test_another_owners_first_is_not_held_up(
    restart: Restart, fake: FakeKie, fast: FastClock, backends: Backends, values: dict[str, Any]
) -> None:
    """On one key, whoever comes with one run is sent before another's many."""
    backends.set_key("eve", "planted-key-of-the-tests")
    values = values | {"image_urls": ["https://example.com/a.png"]}
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
    """Ten seconds, twenty, thirty, then a minute each time; no other create knocks meanwhile."""
    fast.speed = 0
    arrived_s: dict[str, list[float]] = {"first": [], "second": []}

    async def refuse_the_first(request: httpx.Request) -> Answer | None:
        prompt = json.loads(request.content)["input"]["prompt"]
        arrived_s[prompt].append(fast.steady_s())
        too_often = prompt == "first" and len(arrived_s["first"]) <= 5
        return await refusal(429)(request) if too_often else None

    fake.outages["create"] = refuse_the_first
    (first,) = await pressed(service, values | {"prompt": "first"}, 1)
    await until(lambda: service.places(OWNER) == {first.id: 1})
    (second,) = await pressed(service, values | {"prompt": "second"}, 1)
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
    runs = await pressed(service, values, 3)
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
    runs = await pressed(service, values, 3)
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
    take_shared = CreateBudget._take_shared
    failures = 4

    async def flaky(self: CreateBudget, account: str) -> int:
        nonlocal failures
        if failures > 0 and fake.bodies:
            failures -= 1
            raise StoreProblem("The database of runs cannot grow: the disk is full.")
        return await take_shared(self, account)

    monkeypatch.setattr(CreateBudget, "_take_shared", flaky)
    runs = await pressed(service, values, 3)
    for run in runs:
        await reached(service, run, Step.DONE)
    assert failures == 0
    assert len(fake.bodies) == 3


async def test_a_key_that_changes_in_line_takes_its_runs_to_its_own_line(
    restart: Restart, fake: FakeKie, fast: FastClock, backends: Backends, values: dict[str, Any]
) -> None:
    """A run is sent within the budget of the key that it is sent with."""
    fast.speed = 0
    service = await restart(Limits(creates_per_10_s=1))
    runs = await pressed(service, values, 2)
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
    for _ in range(MAX_UPLOADS_OF_ONE + 4):
        await service.submit(OWNER, GROK, values, "live")
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
    runs = [await service.submit(OWNER, GROK, values, "live") for _ in range(3)]
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
