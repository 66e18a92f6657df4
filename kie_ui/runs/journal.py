"""The one pen that changes runs: first the database, then whoever watches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kie_ui.runs.clock import Clock
from kie_ui.runs.errors import StoreProblem
from kie_ui.runs.run import Run, RunError, Step
from kie_ui.runs.subscriptions import Feed

if TYPE_CHECKING:  # SQLAlchemy takes a while to import, and the page's first view is without it
    from kie_ui.runs.store import Store

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
