"""Runs in a database: SQLite by default, another one by its address."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import (
    Connection,
    select,
    update,
)

from kie_ui.runs.clock import Clock, utc_now_ms
from kie_ui.runs.errors import StoreProblem
from kie_ui.runs.events import Feed
from kie_ui.runs.run import Run, RunError, Step
from kie_ui.runs.storage import transactions as tx
from kie_ui.runs.storage.database import Database
from kie_ui.runs.storage.rows import RUNS
from kie_ui.runs.storage.transactions import TaskHolder

T = TypeVar("T")


def sqlite_url(path: Path) -> str:
    """Return the address of a SQLite database in a file."""
    return f"sqlite:///{path}"


class Store:
    """All runs, for every owner. Its methods raise StoreProblem when the database fails."""

    def __init__(self, url: str, *, now_ms: Callable[[], int] = utc_now_ms) -> None:
        self._now_ms = now_ms
        self._database = Database(url)

    async def open(self) -> None:
        """Bring the database into its present shape, making it where there is none.

        A damaged one is found out before anything is written to it.
        """
        await self._database.check()
        await self._database.open(partial(tx.shape, self._now_ms()))

    async def open_to_read(self, because: str) -> None:
        """Open what can only be read; whatever would write is refused, with the reason given."""
        await self._database.only_read(because)

    async def close(self) -> None:
        """Finish what is being written and let the database go."""
        await self._database.close()

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Do work that only reads."""
        return await self._database.read(work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Do work in a transaction."""
        return await self._database.write(work)

    async def add_run(self, run: Run) -> Run:
        """Keep a new run."""
        await self._database.write(partial(tx.add_run, run))
        return run

    async def add_of_task(self, run: Run) -> Run:
        """Keep a new run of a task, or return the one that its owner has of it already."""
        return await self._database.write(partial(tx.add_of_task, run))

    async def follow_task(self, run: Run, task_id: str, holder: str) -> Run:
        """Give a run of unknown fate the id of its task, if none of its owner's runs has it.

        Raises: UnknownRun, WrongStep.
        """
        return await self._database.write(
            partial(tx.follow_task, run, task_id, holder, self._now_ms())
        )

    async def add_in_place_of(self, old_id: str, new: Run) -> tuple[Run, Run]:
        """Keep a new run that was knowingly made from an old one, once; return the old and the new.

        Raises: UnknownRun; WrongStep if another was made from it before, or it is not of unknown
        fate.
        """
        return await self._database.write(partial(tx.add_in_place_of, old_id, new, self._now_ms()))

    async def run(self, run_id: str) -> Run:
        """Return one run. Raises: UnknownRun."""
        return await self._database.read(partial(tx.read_run, run_id))

    async def run_of_task(self, owner: str, task_id: str) -> Run | None:
        """Find an owner's run of a task."""
        return await self._database.read(partial(tx.find_run_of_task, owner, task_id))

    async def others_of_task(self, owner: str, task_id: str) -> tuple[TaskHolder, ...]:
        """Tell who else has, or ever had, a run of a task, deleted or not."""
        return await self._database.read(partial(tx.find_others_of_task, owner, task_id))

    async def runs_of(
        self, owner: str, *, limit: int, before: str | None = None, model: str | None = None
    ) -> tuple[Run, ...]:
        """List an owner's runs, the newest first, from the one after the run `before` on.

        Raises: UnknownRun, for a `before` that is none of the owner's.
        """
        return await self._database.read(partial(tx.list_runs_of, owner, limit, before, model))

    async def salvaged_runs(self, owner: str, limit: int) -> tuple[Run, ...]:
        """List an owner's runs, the newest first, as far as a damaged database still holds them."""
        return await self._database.read(partial(tx.salvage, owner, limit))

    async def unfinished_runs(self, owner: str | None = None) -> tuple[Run, ...]:
        """List the runs of which something is still to come, the oldest first."""
        query = select(RUNS).where(tx.UNFINISHED_AND_KEPT).order_by(RUNS.c.created_at_ms)
        if owner is not None:
            query = query.where(RUNS.c.owner == owner)
        return await self._database.read(partial(tx.list_runs, query))

    async def undecided_runs(self, owner: str, limit: int) -> tuple[Run, ...]:
        """List an owner's runs of unknown fate that nobody has sent again, the newest first."""
        query = select(RUNS).where(RUNS.c.owner == owner, tx.UNDECIDED).limit(limit)
        query = query.order_by(RUNS.c.created_at_ms.desc(), RUNS.c.id.desc())
        return await self._database.read(partial(tx.list_runs, query))

    async def change_run(
        self, run_id: str, *, only_from: frozenset[Step] | None = None, **changes: Any
    ) -> Run:
        """Change some fields of a run in one transaction, and return it as it is then.

        Raises: UnknownRun; WrongStep if the run is at none of the steps `only_from`.
        """
        change = partial(tx.change_run, run_id, only_from, self._now_ms(), changes)
        return await self._database.write(change)

    async def holders(self) -> frozenset[str | None]:
        """Name the processes that hold unfinished runs; None stands for runs that nobody holds."""
        query = select(RUNS.c.holder).where(tx.UNFINISHED).distinct()
        return await self._database.read(lambda c: frozenset(c.scalars(query)))

    async def take_over(self, old_holder: str | None, holder: str) -> tuple[Run, ...]:
        """Take every unfinished run from a holder that is gone, and return them, oldest first."""
        return await self._database.write(partial(tx.take_over, old_holder, holder))

    async def let_go(self, holder: str) -> None:
        """Give up every run that a process holds, for whoever comes next."""
        given_up = update(RUNS).where(RUNS.c.holder == holder, tx.UNFINISHED).values(holder=None)
        await self._database.write(lambda connection: connection.execute(given_up))

    async def changed_by_others(self, holder: str, since_ms: int) -> tuple[Run, ...]:
        """List runs that other processes changed since a time in UTC milliseconds."""
        query = select(RUNS).where(
            RUNS.c.updated_at_ms >= since_ms,
            RUNS.c.holder.is_distinct_from(holder),
        )
        return await self._database.read(partial(tx.list_runs, query))

    async def take_create(self, account: str, most: int, window_ms: int) -> int:
        """Take one of the creates that an account may send in a window of time.

        Returns 0 where it was granted, else the milliseconds until the next can be. All processes
        on this database share the count, and a restart does not forget it.
        """
        take = partial(tx.take_create, account, most, window_ms, self._now_ms())
        return await self._database.write(take)

    async def secret(self, name: str) -> str:
        """Return a secret of this database's own, made up when it is first asked for."""
        return await self._database.write(partial(tx.keep_secret, name))


_LINKS_WORK = "It is made and paid: its links work for a while, and it is kept once that works."

PROGRESS_INTERVAL_S = 0.25
"""Seconds between two tellings of a transfer's progress."""


class Journal:
    """Keeps changes of runs and tells them on."""

    def __init__(self, store: Store, feed: Feed, clock: Clock) -> None:
        self._store = store
        self._feed = feed
        self.clock = clock
        self._unkept: dict[str, Run] = {}
        """How runs stand that the database does not take for now."""

    async def add(self, run: Run) -> Run:
        """Keep a new run. Raises: StoreProblem."""
        await self._store.add_run(run)
        self._feed.publish(run)
        return run

    async def add_of_task(self, run: Run) -> tuple[Run, bool]:
        """Keep a new run of a task that is known; or return the one its owner has of it already.

        The second value tells whether it is new. Raises: StoreProblem.
        """
        kept = await self._store.add_of_task(run)
        if kept.id == run.id:
            self._feed.publish(run)
        return kept, kept.id == run.id

    async def follow_task(self, run: Run, task_id: str, holder: str) -> Run:
        """Have a run of unknown fate follow a task that none of its owner's runs follows.

        Raises: WrongStep, UnknownRun, StoreProblem.
        """
        changed = await self._store.follow_task(run, task_id, holder)
        self._feed.publish(changed)
        return changed

    async def add_in_place_of(self, old: Run, new: Run) -> Run:
        """Keep a new run made from one of unknown fate. Raises: WrongStep, StoreProblem."""
        old, new = await self._store.add_in_place_of(old.id, new)
        self._feed.publish(old)
        self._feed.publish(new)
        return new

    async def read(self, run_id: str) -> Run:
        """Return a run as it is kept. Raises: UnknownRun, StoreProblem."""
        return await self._store.run(run_id)

    async def write(
        self, run: Run, *, only_from: frozenset[Step] | None = None, **changes: Any
    ) -> Run:
        """Change some fields for good. Raises: WrongStep, UnknownRun, StoreProblem."""
        changed = await self._store.change_run(run.id, only_from=only_from, **changes)
        self._unkept.pop(run.id, None)
        self._feed.publish(changed)
        return changed

    def as_it_stands(self, run: Run) -> Run:
        """Return a kept run as it really is, though the database may lag behind."""
        return self._unkept.get(run.id, run)

    async def end(self, run: Run, step: Step, error: RunError, **changes: Any) -> Run:
        """End a run without its clip."""
        return await self.write(run, step=step, error=error, note=None, **changes)

    async def remark(self, run: Run, note: str | None) -> Run:
        """Put a passing remark on a run, or take it away; what it says already is not repeated."""
        return run if run.note == note else await self.write(run, note=note)

    def show(self, run: Run, **fields: Any) -> None:
        """Tell something about a run that is not kept."""
        self._feed.publish(run.model_copy(update=fields))

    def show_unkept(self, run: Run, problem: StoreProblem) -> None:
        """Tell how a run stands though the database does not take it: a paid result has links."""
        if run.result_urls and not run.clips:
            why = RunError(kind="StoreProblem", message=str(problem), advice=_LINKS_WORK)
            run = run.model_copy(update={"step": Step.UNFETCHED, "error": why, "note": None})
        else:
            run = run.model_copy(update={"note": str(problem)})
        self._unkept[run.id] = run
        self._feed.publish(run)

    def progress_of(self, run: Run, part: int = 0, parts: int = 1) -> Progress:
        """Return what the transfer of one of several parts reports its bytes to."""
        return Progress(self, run, part, parts)


class Progress:
    """Tells how far a transfer is, a few times a second at most; nothing of it is kept."""

    def __init__(self, journal: Journal, run: Run, part: int, parts: int) -> None:
        self._journal = journal
        self._run = run
        self._part = part
        self._parts = parts
        self._told_s: float | None = None

    def __call__(self, moved_bytes: int, total_bytes: int | None) -> None:
        """Report the bytes moved so far, of how many if that is known."""
        if not total_bytes:
            return
        now_s = self._journal.clock.steady_s()
        if self._told_s is None or now_s - self._told_s >= PROGRESS_INTERVAL_S:
            self._told_s = now_s
            share = (self._part + min(1.0, moved_bytes / total_bytes)) / self._parts
            self._journal.show(self._run, progress=share)
