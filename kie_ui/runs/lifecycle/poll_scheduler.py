"""When each watched task is polled: by its age, fairly, within its account's rate."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum, auto

from kie_ui.background import BackgroundTasks
from kie_ui.runs.clock import Clock
from kie_ui.runs.errors import StoreProblem
from kie_ui.runs.lifecycle.create_queue import FairQueue
from kie_ui.runs.limits import PollRate, RateShare
from kie_ui.runs.run import Run

log = logging.getLogger(__name__)

LATE_AFTER_S = 15 * 60
"""A task older than this is taking unusually long."""

_SCHEDULE = ((30.0, 2.5), (120.0, 7.0), (LATE_AFTER_S, 20.0))
"""Up to this age in seconds, poll every so many seconds."""
_SCHEDULE_WITH_CALLBACKS = ((120.0, 20.0), (LATE_AFTER_S, 40.0))
"""Kie calls when a task has ended; polling makes up for calls that get lost."""
_LATE_INTERVAL_S = 60.0
_MAX_BACKOFF_S = 60.0

MAX_CONCURRENT = 8
"""Polls of one account on their way at the same time: more have met 429."""

POLLS_PER_S = 20.0
"""Polls of one account per second, at most."""

KEY_NEEDED_INTERVAL_S = 60.0
"""Seconds between attempts to poll a task that waits for a key."""

PAUSE_S = 5.0
"""How long an account is not polled at all after Kie has refused a poll as one too many."""

HINT_GAP_S = 0.3
"""Seconds between polls about one task that follow hints, from the second on; doubled whenever
there was no news, so that callbacks repeated at will cost next to nothing."""

MAX_HINT_GAP_S = 60.0

HINT_DEBT_S = 1.0
"""How far polls that follow hints may run ahead of their rate."""

_JITTER = 0.2
"""The share by which an interval is shortened at random, so that tasks spread out."""


def interval_s(age_s: float, failures: int = 0, *, has_callbacks: bool = False) -> float:
    """Return the seconds until a task of this age is polled again.

    `failures` counts the failed polls in a row; each doubles the wait, to a minute at most.
    """
    schedule = _SCHEDULE_WITH_CALLBACKS if has_callbacks else _SCHEDULE
    regular_s = next((every_s for end_s, every_s in schedule if age_s < end_s), _LATE_INTERVAL_S)
    if failures == 0:
        return regular_s
    return max(regular_s, min(_MAX_BACKOFF_S, regular_s * 2.0 ** min(failures, 10)))


class Outcome(Enum):
    """The outcome of polling a task that has not ended."""

    AGAIN = auto()
    """It is still under way."""
    FAILED = auto()
    """Nothing: poll again, less often."""
    RATE_LIMITED = auto()
    """Kie refused a poll as one too many, or is closed for maintenance: poll less."""
    KEY_NEEDED = auto()
    """Nothing, as the key is missing or refused: look once a minute."""


Poll = Callable[[Run], Awaitable[Run | Outcome]]
"""Polls a run's task once; returns the run if its task has ended."""

AccountOf = Callable[[Run], str]
"""Names the account that a run was made with; any name where its key is missing."""


@dataclass(frozen=True)
class PollSettings:
    """How often and how many tasks are polled, and by which clock."""

    clock: Clock
    max_concurrent: int = MAX_CONCURRENT
    polls_per_s: float = POLLS_PER_S
    chance: Callable[[], float] = random.random
    rate_share: RateShare = field(default_factory=RateShare)


@dataclass(eq=False)
class Watch:
    """A run that waits for the end of its task."""

    run: Run
    due_s: float = 0.0
    polled_s: float = float("-inf")
    failures: int = 0
    """Failed polls in a row."""
    is_hinted: bool = False
    hint_gap_s: float = 0.0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it is due sooner than before."""
    answer: asyncio.Future[Run | Outcome | None] | None = None
    """What it waits for in the line of its account; None lets it leave the line."""
    is_polling: bool = False
    poll_again: bool = False
    """Whether there may be news since the poll on its way."""


class AccountPoller:
    """Polls the tasks of one account: within its rate, several at once, owners in turn."""

    def __init__(self, poll: Poll, settings: PollSettings, tasks: BackgroundTasks) -> None:
        self._poll = poll
        self._clock = settings.clock
        self._max_concurrent = settings.max_concurrent
        self._tasks = tasks
        self._rate = PollRate(settings.polls_per_s, settings.rate_share)
        self._hint_rate = PollRate(settings.polls_per_s / 2, settings.rate_share)
        """Hints have half of the rate at most: regular polls are never crowded out."""
        self._line: FairQueue[Watch] = FairQueue()
        self._hinted_line: FairQueue[Watch] = FairQueue()
        self._polling = 0
        self._changed = asyncio.Event()
        self._is_running = False

    async def poll(self, watch: Watch) -> Run | Outcome | None:
        """Poll a run's task in its turn; return None if it was made to leave the line."""
        watch.answer = asyncio.get_running_loop().create_future()
        (self._hinted_line if watch.is_hinted else self._line).put(watch.run.owner, watch)
        self._changed.set()
        if not self._is_running:
            self._is_running = True
            self._tasks.spawn(self._poll_in_turn(), name="account poller")
        try:
            return await watch.answer
        finally:
            self._remove(watch)
            watch.answer = None
            watch.is_polling = False

    def expedite(self, watch: Watch) -> None:
        """Move a watch in line ahead of the regular ones."""
        self._remove(watch)
        self._hinted_line.put(watch.run.owner, watch)
        self._changed.set()

    async def turn(self) -> None:
        """Wait until a poll may be sent that belongs to no watch, and count it."""
        now_s = self._clock.steady_s()
        wait_s = self._rate.wait_s(now_s)
        self._rate.count(now_s)
        if wait_s > 0:
            await self._clock.sleep(wait_s)

    def rate_limited(self) -> None:
        """Pause, then poll less often: Kie refused a poll as one too many."""
        now_s = self._clock.steady_s()
        self._rate.slow_down(now_s, PAUSE_S)
        self._hint_rate.slow_down(now_s, PAUSE_S)

    def _remove(self, watch: Watch) -> None:
        self._line.remove(watch.run.owner, watch)
        self._hinted_line.remove(watch.run.owner, watch)

    async def _poll_in_turn(self) -> None:
        """Poll everything in line, then end."""
        try:
            while self._line or self._hinted_line:
                self._changed.clear()
                await self._clock.wait(self._changed, self._poll_due())
        finally:
            self._is_running = False

    def _poll_due(self) -> float | None:
        """Begin to poll as far as there is room; return the seconds until there is room again.

        None means: not before something changes.
        """
        while self._polling < self._max_concurrent:
            now_s = self._clock.steady_s()
            waits_s = []
            if self._hinted_line:
                waits_s.append(max(0.0, self._hint_rate.wait_s(now_s) - HINT_DEBT_S))
                if waits_s[-1] == 0:
                    self._hint_rate.count(now_s)
                    self._begin(self._hinted_line.pop(), now_s)
                    continue
            if self._line:
                waits_s.append(self._rate.wait_s(now_s))
                if waits_s[-1] == 0:
                    self._begin(self._line.pop(), now_s)
                    continue
            return min(waits_s, default=None)
        return None

    def _begin(self, watch: Watch, now_s: float) -> None:
        self._rate.count(now_s)
        watch.polled_s = now_s
        if watch.is_hinted:
            watch.is_hinted = False
            watch.hint_gap_s = min(max(HINT_GAP_S, 2 * watch.hint_gap_s), MAX_HINT_GAP_S)
        watch.is_polling = True
        self._polling += 1
        self._tasks.spawn(self._poll_one(watch.run, watch.answer), name=f"poll {watch.run.id}")

    async def _poll_one(
        self, run: Run, answer: asyncio.Future[Run | Outcome | None] | None
    ) -> None:
        try:
            outcome = await self._outcome(run)
        finally:
            self._polling -= 1
            self._changed.set()
        if outcome is Outcome.RATE_LIMITED:
            self.rate_limited()
        if answer is not None and not answer.done():
            answer.set_result(outcome)

    async def _outcome(self, run: Run) -> Run | Outcome:
        try:
            return await self._poll(run)
        except StoreProblem as problem:
            log.critical("Run %s has to wait: %s", run.id, problem)
        except Exception:
            # A fault of ours in one answer must not end the watch over a paid task.
            log.exception("Polling run %s failed.", run.id)
        return Outcome.FAILED


class PollScheduler:
    """Polls every watched task when it is due, and never gives one up by itself."""

    def __init__(self, poll: Poll, account_of: AccountOf, settings: PollSettings) -> None:
        self._poll = poll
        self._account_of = account_of
        self._settings = settings
        self._clock = settings.clock
        self._watches: dict[str, Watch] = {}
        self._pollers: dict[str, AccountPoller] = {}
        self._tasks = BackgroundTasks()

    async def stop(self) -> None:
        """Stop polling; polls on their way are dropped, as they change nothing at Kie."""
        await self._tasks.stop()
        self._pollers.clear()

    async def wait(self, run: Run, *, at_once: bool = False) -> Run:
        """Poll a run's task until it has ended, and return the run as it is then.

        The first poll is `at_once`, or when a task of its age is due.
        """
        watch = self._watches[run.id] = Watch(run)
        watch.due_s = self._clock.steady_s() + (0.0 if at_once else self._interval_s(watch))
        try:
            while True:
                await self._sleep_until_due(watch)
                answer = await self._poller(run).poll(watch)
                if isinstance(answer, Run):
                    return answer
                if answer is not None:
                    self._schedule(watch, answer)
        finally:
            del self._watches[run.id]

    def hint(self, run_id: str, task_id: str | None = None) -> bool:
        """Poll a run's task at once, as there may be news. False if it is not watched."""
        watch = self._watches.get(run_id)
        if watch is None or task_id not in (None, watch.run.task_id):
            return False
        watch.is_hinted = True
        due_s = max(self._clock.steady_s(), watch.polled_s + watch.hint_gap_s)
        if watch.is_polling:
            watch.poll_again = True
        elif watch.answer is None:
            self._make_due(watch, due_s)
        elif due_s <= self._clock.steady_s() and not watch.answer.done():
            self._poller(watch.run).expedite(watch)
        return True

    def wake(self, owner: str) -> None:
        """Poll all of an owner's tasks now, with the current key."""
        for watch in [watch for watch in self._watches.values() if watch.run.owner == owner]:
            if watch.is_polling:
                watch.poll_again = True
            elif watch.answer is None:
                self._make_due(watch, self._clock.steady_s())
            elif not watch.answer.done():
                watch.answer.set_result(None)  # to the line of its present account
        self._drop_unused()

    async def turn(self, run: Run) -> None:
        """Wait until one more poll may be sent with a run's account, beside its watches."""
        await self._poller(run).turn()

    def rate_limited(self, run: Run) -> None:
        """Poll less with a run's account: Kie refused a poll as one too many."""
        self._poller(run).rate_limited()

    def share(self, processes: int) -> None:
        """Poll at a share of the rate, as so many processes poll with the same keys."""
        self._settings.rate_share.processes = processes

    async def _sleep_until_due(self, watch: Watch) -> None:
        while (wait_s := watch.due_s - self._clock.steady_s()) > 0:
            watch.changed.clear()
            await self._clock.wait(watch.changed, wait_s)

    def _make_due(self, watch: Watch, due_s: float) -> None:
        if due_s < watch.due_s:
            watch.due_s = due_s
            watch.changed.set()

    def _schedule(self, watch: Watch, outcome: Outcome) -> None:
        """Set when a watch is due again."""
        now_s = self._clock.steady_s()
        watch.failures = watch.failures + 1 if outcome is Outcome.FAILED else 0
        if watch.poll_again:
            watch.poll_again = False
            watch.due_s = max(now_s, watch.polled_s + watch.hint_gap_s)
            return
        wait_s = self._interval_s(watch)
        if outcome is Outcome.KEY_NEEDED:
            wait_s = max(wait_s, KEY_NEEDED_INTERVAL_S)
        watch.due_s = now_s + wait_s * (1 - _JITTER * self._settings.chance())

    def _interval_s(self, watch: Watch) -> float:
        run = watch.run
        age_s = (self._clock.now_ms() - (run.sent_at_ms or run.created_at_ms)) / 1000
        has_callbacks = bool((run.request or {}).get("callBackUrl")) and not run.is_tracked
        return interval_s(max(0.0, age_s), watch.failures, has_callbacks=has_callbacks)

    def _poller(self, run: Run) -> AccountPoller:
        account = self._account_of(run)
        if account not in self._pollers:
            self._drop_unused()
            self._pollers[account] = AccountPoller(self._poll, self._settings, self._tasks)
        return self._pollers[account]

    def _drop_unused(self) -> None:
        """Forget the pollers of accounts that no watch belongs to any more."""
        in_use = {self._account_of(watch.run) for watch in self._watches.values()}
        self._pollers = {name: p for name, p in self._pollers.items() if name in in_use}
