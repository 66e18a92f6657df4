"""How much one account may be used: creates, polls, and runs that the server pays for.

Source: observed live, "createTask" (20 creates in ten seconds for each account).
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, insert, or_, select

from kie_ui.runs.accounts import Backends
from kie_ui.runs.clock import Clock
from kie_ui.runs.errors import RunsProblem
from kie_ui.runs.run import Run
from kie_ui.runs.storage.run_store import RunStore
from kie_ui.runs.storage.tables import COUNTED_RUNS, CREATES

WINDOW_MS = 11_000
"""The ten seconds that Kie counts creates over, and one more: what leaves here evenly may arrive
there closer together."""


class CreateBudget:
    """Counts creates by account: in the database, for all processes and across restarts.

    And here by a steady clock, since a time of day that is put back would forget what was sent.
    """

    def __init__(self, store: RunStore, clock: Clock, creates_per_10_s: int) -> None:
        self._store = store
        self._clock = clock
        self._max_creates = creates_per_10_s
        self._taken_s: dict[str, deque[float]] = {}
        """When this process took creates of an account, in steady seconds."""

    async def take(self, account: str) -> float:
        """Take one of an account's creates: 0 if it is granted, else the seconds until one can be.

        Raises: StoreProblem.
        """
        now_s = self._clock.steady_s()
        taken = self._taken(account, now_s)
        if len(taken) == self._max_creates and now_s - taken[0] < WINDOW_MS / 1000:
            return WINDOW_MS / 1000 - (now_s - taken[0])
        wait_ms = await self._take_shared(account)
        if wait_ms == 0:
            taken.append(now_s)
        return wait_ms / 1000

    async def _take_shared(self, account: str) -> int:
        """Take a create in the database, and return 0; else the milliseconds until one is free."""
        now_ms = self._clock.now_ms()
        # A future time was left by a clock since set back, and would block everything.
        outdated = or_(CREATES.c.at_ms <= now_ms - WINDOW_MS, CREATES.c.at_ms > now_ms)
        sent = select(CREATES.c.at_ms).where(CREATES.c.account == account).order_by(CREATES.c.at_ms)

        def work(connection: Connection) -> int:
            connection.execute(delete(CREATES).where(outdated))
            sent_at_ms = list(connection.scalars(sent))
            if len(sent_at_ms) >= self._max_creates:
                return int(sent_at_ms[-self._max_creates]) + WINDOW_MS - now_ms + 1
            connection.execute(insert(CREATES).values(account=account, at_ms=now_ms))
            return 0

        return await self._store.write(work)

    def _taken(self, account: str, now_s: float) -> deque[float]:
        """Return when creates of an account were taken; accounts long unused are forgotten."""
        if account not in self._taken_s:
            window_s = WINDOW_MS / 1000
            used = self._taken_s.items()
            self._taken_s = {
                name: taken for name, taken in used if taken and now_s - taken[-1] < window_s
            }
            self._taken_s[account] = deque(maxlen=self._max_creates)
        return self._taken_s[account]


MIN_RATE_SHARE = 1 / 64
"""The share of the usual rate that remains at least, however often Kie asks for less."""

RECOVERS_AFTER_S = 10.0
"""Seconds without a refusal after which a reduced rate is doubled, up to the usual one."""


@dataclass
class RateShare:
    """Among how many processes a rate is shared."""

    processes: int = 1


class PollRate:
    """The rate at which all tasks of one account together are polled.

    Polls are spread evenly. When Kie refuses one as too many, all of them slow down together,
    and speed up again step by step. Times are steady seconds.
    """

    def __init__(self, per_s: float, share: RateShare | None = None) -> None:
        self._per_s = per_s
        self._processes = share or RateShare()
        self._share = 1.0
        self._next_s = 0.0
        self._refused_s = float("-inf")

    def wait_s(self, now_s: float) -> float:
        """Return how long the next poll has to wait."""
        return max(0.0, self._next_s - now_s)

    def count(self, now_s: float) -> None:
        """Count one poll."""
        if self._share < 1 and now_s - self._refused_s >= RECOVERS_AFTER_S:
            self._share = min(1.0, 2 * self._share)
            self._refused_s = now_s
        per_s = self._per_s * self._share / self._processes.processes
        self._next_s = max(now_s, self._next_s) + 1 / per_s

    def slow_down(self, now_s: float, pause_s: float) -> None:
        """Poll less: Kie refused a poll. Refusals of polls sent together count once."""
        if now_s >= self._refused_s + pause_s / 2:
            self._share = max(MIN_RATE_SHARE, self._share / 2)
        self._refused_s = now_s
        self._next_s = max(self._next_s, now_s + pause_s)


DAY_MS = 24 * 60 * 60 * 1000

Listener = Callable[[str, int], None]
"""Is called with an owner, and how many of their runs are left today."""


class QuotaUsedUp(RunsProblem):
    """A visitor's runs with the server's key are used up for today."""

    def __init__(self, runs_per_day: int, *, of_all: bool = False) -> None:
        runs = "The one run" if runs_per_day == 1 else f"All {runs_per_day} runs"
        whom = "its visitors together" if of_all else "you"
        super().__init__(
            f"{runs} that this server pays for {whom} in a day are used up. More can be made "
            "after midnight UTC, or now with a Kie API key of your own."
        )


class RunsPerDay(NamedTuple):
    """How many runs a day the server's key pays for; 0 means no limit."""

    of_one: int = 0
    of_all: int = 0
    """Of all visitors together: a new cookie makes a new one."""


NO_LIMIT = RunsPerDay()


class Quota:
    """Counts the runs that the server's key pays for."""

    def __init__(
        self, store: RunStore, backends: Backends, clock: Clock, limits: RunsPerDay
    ) -> None:
        self._store = store
        self._backends = backends
        self._clock = clock
        self._limits = limits
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Call a listener whenever the runs that a visitor has left change."""
        self._listeners.append(listener)

    async def left(self, owner: str) -> int | None:
        """Return how many runs are left today; None where there is no limit for this owner now."""
        if not any(self._limits) or self._backends.payer(owner, "live") != "server":
            return None
        count = partial(counted_runs, owner, self._today())
        return self._left_of(await self._store.read(count))

    @asynccontextmanager
    async def counting(self, run: Run) -> AsyncIterator[None]:
        """Count a run that is made in the block, if the server's key pays for it.

        A run that fails in the block is not counted. Raises: QuotaUsedUp, StoreProblem.
        """
        if not any(self._limits) or run.paid_by != "server":
            yield
            return
        count = partial(count_run, run.owner, run.id, self._today(), self._limits)
        self._notify(run.owner, await self._store.write(count))
        try:
            yield
        except BaseException:
            uncount = partial(uncount_run, run.owner, run.id)
            self._notify(run.owner, await self._store.write(uncount))
            raise

    def _left_of(self, runs: int) -> int | None:
        return max(0, self._limits.of_one - runs) if self._limits.of_one else None

    def _today(self) -> int:
        return self._clock.now_ms() // DAY_MS

    def _notify(self, owner: str, runs: int) -> None:
        left = self._left_of(runs)
        if left is not None:
            for listener in self._listeners:
                listener(owner, left)


def count_run(owner: str, run_id: str, day: int, limits: RunsPerDay, connection: Connection) -> int:
    """Count a new run, and return how many of its owner's are counted now.

    Days long past are forgotten. Raises: QuotaUsedUp.
    """
    connection.execute(delete(COUNTED_RUNS).where(COUNTED_RUNS.c.day < day - 7))
    runs = counted_runs(owner, day, connection)
    if limits.of_one and runs >= limits.of_one:
        raise QuotaUsedUp(limits.of_one)
    if limits.of_all and counted_runs(None, day, connection) >= limits.of_all:
        raise QuotaUsedUp(limits.of_all, of_all=True)
    connection.execute(insert(COUNTED_RUNS).values(run_id=run_id, owner=owner, day=day))
    return runs + 1


def uncount_run(owner: str, run_id: str, connection: Connection) -> int:
    """Take a run off the count, and return how many of its day are still counted."""
    is_run = COUNTED_RUNS.c.run_id == run_id
    day = connection.scalar(select(COUNTED_RUNS.c.day).where(is_run))
    connection.execute(delete(COUNTED_RUNS).where(is_run))
    return counted_runs(owner, day or 0, connection)


def counted_runs(owner: str | None, day: int, connection: Connection) -> int:
    """Return how many runs of an owner, or of everyone, are counted on a day."""
    query = select(func.count()).select_from(COUNTED_RUNS).where(COUNTED_RUNS.c.day == day)
    if owner is not None:
        query = query.where(COUNTED_RUNS.c.owner == owner)
    return connection.scalar(query) or 0
