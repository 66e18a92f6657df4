"""One watcher for all tasks, never giving one up by itself; each account has a lane of its own."""

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

from kie_ui.runs.accounts.credentials import Billed
from kie_ui.runs.clock import Clock
from kie_ui.runs.errors import StoreProblem
from kie_ui.runs.lifecycle.create_queue import FairQueue
from kie_ui.runs.run import BackendKind, Payer

log = logging.getLogger(__name__)


LATE_AFTER_S = 15 * 60
"""A task older than this is taking unusually long."""

_SCHEDULE = ((30.0, 2.5), (120.0, 7.0), (LATE_AFTER_S, 20.0))
"""Up to this age in seconds, ask every so many seconds."""
_SCHEDULE_WITH_CALLBACKS = ((120.0, 20.0), (LATE_AFTER_S, 40.0))
"""Kie calls when it is done, so asking is for calls that get lost."""
_LATE_INTERVAL_S = 60.0
_LONGEST_BACKOFF_S = 60.0

SLOWEST = 1 / 64
"""The share of the usual pace that remains at least, however often Kie asks for less."""
RECOVERS_AFTER_S = 10.0
"""Seconds without a complaint after which the pace is doubled again, up to the usual one."""


def interval_s(age_s: float, troubles: int = 0, *, has_callbacks: bool = False) -> float:
    """Return the seconds until a task of this age is asked about again.

    `troubles` counts the failed questions in a row; each doubles the wait, to a minute at most.
    """
    schedule = _SCHEDULE_WITH_CALLBACKS if has_callbacks else _SCHEDULE
    regular_s = next((every_s for end_s, every_s in schedule if age_s < end_s), _LATE_INTERVAL_S)
    if troubles == 0:
        return regular_s
    return max(regular_s, min(_LONGEST_BACKOFF_S, regular_s * 2.0 ** min(troubles, 10)))


@dataclass
class PaceShare:
    """Among how many processes a pace is shared."""

    processes: int = 1


class Pace:
    """The pace at which one account is asked about all its tasks together.

    Questions are spread evenly. When Kie complains, all of them slow down together, and speed up
    again step by step. Times are steady seconds.
    """

    def __init__(self, per_s: float, share: PaceShare | None = None) -> None:
        self._per_s = per_s
        self._processes = share or PaceShare()
        self._share = 1.0
        self._next_s = 0.0
        self._complained_s = float("-inf")

    def wait_s(self, now_s: float) -> float:
        """Return how long the next question has to wait."""
        return max(0.0, self._next_s - now_s)

    def asked(self, now_s: float) -> None:
        """Count one question."""
        if self._share < 1 and now_s - self._complained_s >= RECOVERS_AFTER_S:
            self._share = min(1.0, 2 * self._share)
            self._complained_s = now_s
        per_s = self._per_s * self._share / self._processes.processes
        self._next_s = max(now_s, self._next_s) + 1 / per_s

    def complained(self, now_s: float, pause_s: float) -> None:
        """Slow down: Kie was asked too much. Complaints of questions sent together count once."""
        if now_s >= self._complained_s + pause_s / 2:
            self._share = max(SLOWEST, self._share / 2)
        self._complained_s = now_s
        self._next_s = max(self._next_s, now_s + pause_s)


AT_ONCE = 8
"""Questions of one account on their way at the same time: parallel ones have met 429."""

POLLS_PER_S = 20.0
"""Questions of one account per second, at most."""

PARKED_S = 60.0
"""Seconds between looks at a task that waits for a key."""

PAUSE_S = 5.0
"""How long an account is not asked at all after a complaint."""

HINT_GAP_S = 0.3
"""Seconds between questions about one task that are asked because someone says it has news, from
the second on; doubled whenever there was none, so that calls repeated at will cost next to nothing.
"""

LONGEST_HINT_GAP_S = 60.0

HINT_DEBT_S = 1.0
"""How far such questions may go ahead of their pace."""

_JITTER = 0.2
"""The share by which an interval is shortened at random, so that tasks spread out."""


class Outcome(Enum):
    """What one question told about a task."""

    AGAIN = auto()
    """It is going on."""
    TROUBLED = auto()
    """It could not be told: ask again, less often."""
    TOO_MUCH = auto()
    """Kie was asked too much at once, or is closed for maintenance: ask it less about anything."""
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
    backend: BackendKind = "live"
    has_callbacks: bool = False
    paid_by: Payer | None = None
    troubles: int = 0
    due_s: float = 0.0
    asked_s: float = float("-inf")
    is_hinted: bool = False
    hint_gap_s: float = 0.0
    is_asking: bool = False
    ask_again: bool = False
    """Whether it was hurried while it was being asked about."""


Ask = Callable[[Watch], Awaitable[Outcome]]


@dataclass(frozen=True)
class PollSettings:
    """How lanes ask."""

    clock: Clock
    at_once: int = AT_ONCE
    polls_per_s: float = POLLS_PER_S
    chance: Callable[[], float] = random.random
    pace_share: PaceShare = field(default_factory=PaceShare)


class AccountPoller:
    """Asks about every task of one account when it is due, several at once, in one loop."""

    def __init__(self, ask: Ask, settings: PollSettings) -> None:
        self._ask = ask
        self._clock = settings.clock
        self._chance = settings.chance
        self._at_once = settings.at_once
        self._pace = Pace(settings.polls_per_s, settings.pace_share)
        self._hint_pace = Pace(settings.polls_per_s / 2, settings.pace_share)
        """Hints have half of the pace at most: regular questions are never crowded out."""
        self._watches: dict[str, Watch] = {}
        self._later: list[tuple[float, int, Watch]] = []
        self._due: FairQueue[Watch] = FairQueue()
        self._hurried: FairQueue[Watch] = FairQueue()
        self._order = count()
        self._asking: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._loop = asyncio.create_task(self._run(), name="lane")

    def __len__(self) -> int:
        return len(self._watches)

    async def stop(self) -> None:
        """Stop asking; what was being asked is dropped, as asking changes nothing at Kie."""
        tasks = [*self._asking, self._loop]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def watch(self, watch: Watch, *, at_once: bool = False) -> None:
        """Put a task under watch; one that is watched already is left as it is."""
        if watch.run_id in self._watches:
            return
        self._watches[watch.run_id] = watch
        self._schedule(watch, 0.0 if at_once else self._interval_s(watch))

    def find(self, run_id: str) -> Watch | None:
        """Return the watch over a run."""
        return self._watches.get(run_id)

    def give_up(self, owner: str) -> list[Watch]:
        """Hand over the watches of an owner, such as for the lane of another key."""
        given = [w for w in self._watches.values() if w.owner == owner and not w.is_asking]
        for watch in given:
            del self._watches[watch.run_id]
        return given

    def wake(self, owner: str) -> None:
        """Ask about all of an owner's tasks soon, such as after a key was entered."""
        for watch in [watch for watch in self._watches.values() if watch.owner == owner]:
            self._hurry(watch, 0.0)

    def hint(self, watch: Watch) -> None:
        """Ask about one task at once, as far as that was not done just now."""
        asked_ago_s = self._clock.steady_s() - watch.asked_s
        watch.is_hinted = True
        self._hurry(watch, max(0.0, watch.hint_gap_s - asked_ago_s), jumps_the_line=True)

    async def turn(self) -> None:
        """Wait until a question may be asked that is about no watch, and count it."""
        now_s = self._clock.steady_s()
        wait_s = self._pace.wait_s(now_s)
        self._pace.asked(now_s)
        if wait_s > 0:
            await self._clock.sleep(wait_s)

    def complained(self) -> None:
        """Slow down, and pause: Kie was asked too much."""
        now_s = self._clock.steady_s()
        self._pace.complained(now_s, PAUSE_S)
        self._hint_pace.complained(now_s, PAUSE_S)

    def age_s(self, watch: Watch) -> float:
        """Return how long ago, in seconds, the task was sent."""
        return max(0.0, (self._clock.now_ms() - watch.sent_at_ms) / 1000)

    def _interval_s(self, watch: Watch) -> float:
        return interval_s(self.age_s(watch), watch.troubles, has_callbacks=watch.has_callbacks)

    def _hurry(self, watch: Watch, wait_s: float, *, jumps_the_line: bool = False) -> None:
        if watch.is_asking:
            watch.ask_again = True
        elif jumps_the_line and wait_s == 0:
            watch.due_s = self._clock.steady_s()
            self._hurried.put(watch.owner, watch)
            self._woken.set()
        elif watch.due_s > self._clock.steady_s() + wait_s:
            self._schedule(watch, wait_s)

    def _schedule(self, watch: Watch, wait_s: float) -> None:
        """Make a watch due after `wait_s`; an earlier entry in the heap counts no more."""
        watch.due_s = self._clock.steady_s() + wait_s
        heapq.heappush(self._later, (watch.due_s, next(self._order), watch))
        self._woken.set()

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            self._line_up_due()
            self._ask_due()
            await self._wait_s(self._seconds_until_next())

    def _line_up_due(self) -> None:
        now_s = self._clock.steady_s()
        while self._later and self._later[0][0] <= now_s:
            due_s, _, watch = heapq.heappop(self._later)
            if self._watches.get(watch.run_id) is watch and watch.due_s == due_s:
                line = self._hurried if watch.is_hinted else self._due
                line.put(watch.owner, watch)

    def _ask_due(self) -> None:
        """Begin to ask about what is due, as far as there is room and the pace allows."""
        while len(self._asking) < self._at_once:
            now_s = self._clock.steady_s()
            is_hinted = len(self._hurried) > 0 and self._hint_pace.wait_s(now_s) <= HINT_DEBT_S
            if not is_hinted and not (len(self._due) and self._pace.wait_s(now_s) == 0):
                return
            watch = self._hurried.pop() if is_hinted else self._due.pop()
            if not self._is_due(watch, now_s):
                continue
            if is_hinted:
                self._hint_pace.asked(now_s)
            if watch.is_hinted:
                watch.is_hinted = False
                gap_s = max(HINT_GAP_S, 2 * watch.hint_gap_s)
                watch.hint_gap_s = min(gap_s, LONGEST_HINT_GAP_S)
            watch.is_asking = True
            watch.asked_s = now_s
            self._pace.asked(now_s)
            task = asyncio.create_task(self._ask_one(watch))
            self._asking.add(task)
            task.add_done_callback(self._asked)

    def _is_due(self, watch: Watch, now_s: float) -> bool:
        """Whether a watch that stood in line is still to be asked about."""
        is_watched = self._watches.get(watch.run_id) is watch
        return is_watched and not watch.is_asking and watch.due_s <= now_s

    def _asked(self, task: asyncio.Task[None]) -> None:
        self._asking.discard(task)
        self._woken.set()

    def _seconds_until_next(self) -> float | None:
        """Return how long nothing is to be done; None means until woken."""
        if len(self._asking) >= self._at_once:
            return None
        now_s = self._clock.steady_s()
        waits = [max(0.0, self._later[0][0] - now_s)] if self._later else []
        if len(self._hurried):
            waits.append(max(0.0, self._hint_pace.wait_s(now_s) - HINT_DEBT_S))
        if len(self._due):
            waits.append(self._pace.wait_s(now_s))
        return min(waits, default=None)

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
        if outcome is Outcome.TOO_MUCH:
            self.complained()
        watch.troubles = watch.troubles + 1 if outcome is Outcome.TROUBLED else 0
        self._schedule(watch, self._wait_after(watch, outcome))

    async def _outcome(self, watch: Watch) -> Outcome:
        try:
            return await self._ask(watch)
        except StoreProblem as problem:
            log.critical("Run %s stands still: %s", watch.run_id, problem)
            return Outcome.TROUBLED
        except Exception:
            # A fault of ours in one answer must not end the watch over a paid task.
            log.exception("Asking about run %s failed.", watch.run_id)
            return Outcome.TROUBLED

    def _wait_after(self, watch: Watch, outcome: Outcome) -> float:
        if watch.ask_again:
            watch.ask_again = False
            return max(0.0, watch.hint_gap_s - (self._clock.steady_s() - watch.asked_s))
        wait_s = self._interval_s(watch)
        if outcome is Outcome.PARKED:
            wait_s = max(wait_s, PARKED_S)
        return wait_s * (1 - _JITTER * self._chance())


AccountOf = Callable[[Billed], str]
"""Names the account with which something was made; any name where its key is missing."""


async def _never_asked(_watch: Watch) -> Outcome:
    raise AssertionError("a tracker asks from its start on")


class PollScheduler:
    """Asks about every watched task, those of one account in one lane."""

    def __init__(self, settings: PollSettings, account_of: AccountOf) -> None:
        self._settings = settings
        self._account_of = account_of
        self._ask: Ask = _never_asked
        self._lanes: dict[str, AccountPoller] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._is_stopped = False

    def start(self, ask: Ask) -> None:
        """Begin to ask, by means of `ask`."""
        self._ask = ask

    async def stop(self) -> None:
        """Stop asking; what was being asked is dropped, as asking changes nothing at Kie."""
        self._is_stopped = True
        lanes = tuple(self._lanes.values())
        self._lanes.clear()
        await asyncio.gather(*(lane.stop() for lane in lanes), *self._closing)

    def watch(self, watch: Watch, *, at_once: bool = False) -> None:
        """Put a task under watch, unless it is already, or nothing is watched any more."""
        if not self._is_stopped and self._find(watch.run_id) is None:
            self._lane_of(watch).watch(watch, at_once=at_once)

    async def turn(self, made: Billed) -> None:
        """Wait until one more question may be asked with an account, beside those about watches."""
        if not self._is_stopped:
            await self._lane_of(made).turn()

    def complained(self, made: Billed) -> None:
        """Slow down: such a question was one too many."""
        if not self._is_stopped:
            self._lane_of(made).complained()

    def share(self, processes: int) -> None:
        """Have all lanes ask at their share of the pace: so many processes ask with one key."""
        self._settings.pace_share.processes = processes

    def wake(self, owner: str) -> None:
        """Ask about all of an owner's tasks soon, with the key that the owner has now."""
        for lane in tuple(self._lanes.values()):
            for watch in lane.give_up(owner):
                self._lane_of(watch).watch(watch, at_once=True)
            lane.wake(owner)  # those that were just being asked about
        self._close_empty()

    def hint(self, run_id: str, task_id: str | None = None) -> bool:
        """Ask about one run's task at once: someone says that it has news. False if unwatched."""
        found = self._find(run_id)
        if found is None or task_id not in (None, found[1].task_id):
            return False
        lane, watch = found
        lane.hint(watch)
        return True

    def _find(self, run_id: str) -> tuple[AccountPoller, Watch] | None:
        for lane in self._lanes.values():
            watch = lane.find(run_id)
            if watch is not None:
                return lane, watch
        return None

    def _lane_of(self, made: Billed) -> AccountPoller:
        account = self._account_of(made)
        lane = self._lanes.get(account)
        if lane is None:
            self._close_empty()
            lane = self._lanes[account] = AccountPoller(self._ask, self._settings)
        return lane

    def _close_empty(self) -> None:
        """Let go of the lanes of keys that nobody uses any more."""
        for account in [account for account, lane in self._lanes.items() if not len(lane)]:
            closing = asyncio.create_task(self._lanes.pop(account).stop())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
