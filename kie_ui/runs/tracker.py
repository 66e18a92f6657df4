"""One watcher for all tasks: when to ask about which, and never to give one up by itself.

What an answer means for a run is not decided here; see `watching`.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import count
from typing import Any

from kie_ui.runs.clock import Clock

log = logging.getLogger(__name__)

LATE_AFTER_S = 15 * 60
"""A task older than this is taking unusually long."""

AT_ONCE = 8
"""Questions on their way at the same time: parallel ones have met 429."""

PARKED_S = 60.0
"""Seconds between looks at a task that waits for a key."""

_SCHEDULE = ((30.0, 2.5), (120.0, 7.0), (LATE_AFTER_S, 20.0))
"""Up to this age in seconds, ask every so many seconds.

Source: observed live, "recordInfo", published polling advice.
"""
_LATE_INTERVAL_S = 60.0
_LONGEST_BACKOFF_S = 60.0
_JITTER = 0.2
"""The share by which an interval is shortened at random, so that tasks spread out."""


def interval_s(age_s: float, troubles: int = 0) -> float:
    """Return the seconds until a task of this age is asked about again.

    `troubles` counts the failed questions in a row; each doubles the wait, to a minute at most.
    """
    regular_s = next((every_s for end_s, every_s in _SCHEDULE if age_s < end_s), _LATE_INTERVAL_S)
    if troubles == 0:
        return regular_s
    return max(regular_s, min(_LONGEST_BACKOFF_S, regular_s * 2.0 ** min(troubles, 10)))


class Outcome(Enum):
    """What one question told about a task."""

    AGAIN = auto()
    """It is going on."""
    TROUBLED = auto()
    """It could not be told: ask again, less often."""
    PARKED = auto()
    """It cannot be told without a key: look now and then."""
    ENDED = auto()
    """There is nothing more to ask."""


@dataclass(eq=False)
class Watch:
    """One task under watch."""

    run_id: str
    owner: str
    task_id: str
    sent_at_ms: int
    troubles: int = 0
    due_s: float = field(default=0.0)
    is_asking: bool = False
    ask_again: bool = False
    """Whether it was woken while it was being asked about."""


Ask = Callable[[Watch], Awaitable[Outcome]]


async def _never_asked(_watch: Watch) -> Outcome:
    raise AssertionError("a tracker asks from its start on")


class Tracker:
    """Asks about every watched task when it is due, several at once, in one loop."""

    def __init__(
        self,
        clock: Clock,
        *,
        chance: Callable[[], float] = random.random,
        at_once: int = AT_ONCE,
    ) -> None:
        self._ask: Ask = _never_asked
        self._clock = clock
        self._chance = chance
        self._at_once = at_once
        self._watches: dict[str, Watch] = {}
        self._due: list[tuple[float, int, Watch]] = []
        self._order = count()
        self._asking: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    def start(self, ask: Ask) -> None:
        """Begin to ask, by means of `ask`."""
        self._ask = ask
        self._loop = asyncio.create_task(self._run(), name="tracker")

    async def stop(self) -> None:
        """Stop asking; what was being asked is dropped, as asking changes nothing at Kie."""
        tasks = [*self._asking, *([self._loop] if self._loop else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._loop = None

    def watch(self, watch: Watch, *, at_once: bool = False) -> None:
        """Put a task under watch; one that is watched already is left as it is."""
        if watch.run_id in self._watches:
            return
        self._watches[watch.run_id] = watch
        self._schedule(watch, 0.0 if at_once else interval_s(self.age_s(watch)))

    def wake(self, owner: str) -> None:
        """Ask about all of an owner's tasks at once, such as after a key was entered."""
        for watch in [watch for watch in self._watches.values() if watch.owner == owner]:
            self._hurry(watch)

    def hint(self, task_id: str) -> None:
        """Ask about one task at once: someone says that it has news."""
        for watch in [watch for watch in self._watches.values() if watch.task_id == task_id]:
            self._hurry(watch)

    def age_s(self, watch: Watch) -> float:
        """Return how long ago, in seconds, the task was sent."""
        return max(0.0, (self._clock.now_ms() - watch.sent_at_ms) / 1000)

    def _hurry(self, watch: Watch) -> None:
        if watch.is_asking:
            watch.ask_again = True
        else:
            self._schedule(watch, 0.0)

    def _schedule(self, watch: Watch, wait_s: float) -> None:
        """Make a watch due after `wait_s`; an earlier entry in the heap counts no more."""
        watch.due_s = self._clock.steady_s() + wait_s
        heapq.heappush(self._due, (watch.due_s, next(self._order), watch))
        self._woken.set()

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            self._ask_due()
            await self._wait_s(self._seconds_until_due())

    def _ask_due(self) -> None:
        """Begin to ask about what is due, as far as there is room."""
        now_s = self._clock.steady_s()
        while self._due and self._due[0][0] <= now_s and len(self._asking) < self._at_once:
            due_s, _, watch = heapq.heappop(self._due)
            if self._counts(watch, due_s):
                watch.is_asking = True
                task = asyncio.create_task(self._ask_one(watch))
                self._asking.add(task)
                task.add_done_callback(self._asked)

    def _counts(self, watch: Watch, due_s: float) -> bool:
        """Whether a heap entry is still the newest of a task that is still watched."""
        is_watched = self._watches.get(watch.run_id) is watch
        return is_watched and not watch.is_asking and watch.due_s == due_s

    def _asked(self, task: asyncio.Task[None]) -> None:
        self._asking.discard(task)
        self._woken.set()

    def _seconds_until_due(self) -> float | None:
        """Return how long nothing is to be done; None means until woken."""
        if not self._due or len(self._asking) >= self._at_once:
            return None
        return max(0.0, self._due[0][0] - self._clock.steady_s())

    async def _wait_s(self, wait_s: float | None) -> None:
        """Sleep that long, or until something is scheduled, hurried or answered."""
        woken = asyncio.ensure_future(self._woken.wait())
        waits: set[asyncio.Future[Any]] = {woken}
        if wait_s is not None:
            waits.add(asyncio.ensure_future(self._clock.sleep(wait_s)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _ask_one(self, watch: Watch) -> None:
        outcome = await self._outcome(watch)
        watch.is_asking = False
        if outcome is Outcome.ENDED:
            del self._watches[watch.run_id]
            return
        watch.troubles = watch.troubles + 1 if outcome is Outcome.TROUBLED else 0
        self._schedule(watch, self._wait_after(watch, outcome))

    async def _outcome(self, watch: Watch) -> Outcome:
        try:
            return await self._ask(watch)
        except Exception:
            # A fault of ours in one answer must not end the watch over a paid task.
            log.exception("Asking about run %s failed.", watch.run_id)
            return Outcome.TROUBLED

    def _wait_after(self, watch: Watch, outcome: Outcome) -> float:
        if watch.ask_again:
            watch.ask_again = False
            return 0.0
        wait_s = interval_s(self.age_s(watch), watch.troubles)
        if outcome is Outcome.PARKED:
            wait_s = max(wait_s, PARKED_S)
        return wait_s * (1 - _JITTER * self._chance())
