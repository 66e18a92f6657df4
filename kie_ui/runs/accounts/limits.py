"""How many creates one account may send: counted in the database and by a steady clock.

Source: observed live, "createTask" (20 creates in ten seconds for each account).
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import NamedTuple

from sqlalchemy import Connection, text

from kie_ui.runs.accounts.credentials import Backends
from kie_ui.runs.clock import Clock
from kie_ui.runs.errors import RunsProblem
from kie_ui.runs.run import Run
from kie_ui.runs.storage.run_store import RunStore

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
        self._most = creates_per_10_s
        self._taken_s: dict[str, deque[float]] = {}
        """When this process took creates of an account, in steady seconds."""

    async def take(self, account: str) -> float:
        """Take one of an account's creates: 0 where it is granted, else the seconds until then.

        Raises: StoreProblem.
        """
        now_s = self._clock.steady_s()
        taken = self._taken_s.setdefault(account, deque(maxlen=self._most))
        if len(taken) == self._most and now_s - taken[0] < WINDOW_MS / 1000:
            return WINDOW_MS / 1000 - (now_s - taken[0])
        wait_s = await self._store.take_create(account, self._most, WINDOW_MS) / 1000
        if wait_s == 0:
            taken.append(now_s)
        return wait_s


DAY_MS = 24 * 60 * 60 * 1000

Listener = Callable[[str, int], None]
"""Is told an owner, and how many of their runs are left today."""


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
    """How many runs a day the server's key pays for; 0 stands for no limit."""

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
        """Have a listener told whenever a visitor's runs left change."""
        self._listeners.append(listener)

    async def left(self, owner: str) -> int | None:
        """Tell how many runs are left today; None where there is no limit for this owner now."""
        if not any(self._limits) or self._backends.payer(owner, "live") != "server":
            return None
        count = partial(counted_runs, owner, self._today())
        return self._left_of(await self._store.read(count))

    @asynccontextmanager
    async def counting(self, run: Run) -> AsyncIterator[None]:
        """Count a run that is made in the block, if the server's key pays for it.

        What fails in the block counts for nothing. Raises: QuotaUsedUp, StoreProblem.
        """
        if not any(self._limits) or run.paid_by != "server":
            yield
            return
        count = partial(count_run, run.owner, run.id, self._today(), self._limits)
        self._tell(run.owner, await self._store.write(count))
        try:
            yield
        except BaseException:
            uncount = partial(uncount_run, run.owner, run.id)
            self._tell(run.owner, await self._store.write(uncount))
            raise

    def _left_of(self, runs: int) -> int | None:
        return max(0, self._limits.of_one - runs) if self._limits.of_one else None

    def _today(self) -> int:
        return self._clock.now_ms() // DAY_MS

    def _tell(self, owner: str, runs: int) -> None:
        left = self._left_of(runs)
        if left is not None:
            for listener in self._listeners:
                listener(owner, left)


def count_run(owner: str, run_id: str, day: int, limits: RunsPerDay, connection: Connection) -> int:
    """Count a new run, and tell how many of its owner's are counted now.

    Days long past are forgotten. Raises: QuotaUsedUp.
    """
    connection.execute(text("DELETE FROM counted_runs WHERE day < :day"), {"day": day - 7})
    runs = counted_runs(owner, day, connection)
    if limits.of_one and runs >= limits.of_one:
        raise QuotaUsedUp(limits.of_one)
    if limits.of_all and counted_runs(None, day, connection) >= limits.of_all:
        raise QuotaUsedUp(limits.of_all, of_all=True)
    connection.execute(
        text("INSERT INTO counted_runs (run_id, owner, day) VALUES (:run_id, :owner, :day)"),
        {"run_id": run_id, "owner": owner, "day": day},
    )
    return runs + 1


def uncount_run(owner: str, run_id: str, connection: Connection) -> int:
    """Take a run off the count, and tell how many of its day are left counted."""
    day = connection.scalar(
        text("SELECT day FROM counted_runs WHERE run_id = :run_id"), {"run_id": run_id}
    )
    connection.execute(text("DELETE FROM counted_runs WHERE run_id = :run_id"), {"run_id": run_id})
    return counted_runs(owner, day or 0, connection)


def counted_runs(owner: str | None, day: int, connection: Connection) -> int:
    """Tell how many runs of an owner's, or of everyone's, are counted on a day."""
    query = "SELECT COUNT(*) FROM counted_runs WHERE day = :day"
    whose = "" if owner is None else " AND owner = :owner"
    return int(connection.scalar(text(query + whose), {"owner": owner, "day": day}) or 0)
