"""What is done about runs without anyone's press: after a restart, a new key, a call, some time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from kie_ui.kie.errors import KieError
from kie_ui.runs.adopting import Adopting
from kie_ui.runs.backends import Backends
from kie_ui.runs.clients import Clients
from kie_ui.runs.clock import Clock
from kie_ui.runs.errors import RunsProblem, StoreProblem, UnknownRun, WrongStep
from kie_ui.runs.journal import Journal
from kie_ui.runs.journeys import Journeys
from kie_ui.runs.run import Run, Step
from kie_ui.runs.tracker import Tracker

if TYPE_CHECKING:  # SQLAlchemy takes a while to import, and the page's first view is without it
    from kie_ui.runs.store import Store

log = logging.getLogger(__name__)

RESULTS_KEPT_MS = 14 * 24 * 60 * 60 * 1000
"""How long Kie keeps a clip at most. Source: observed live, "Balance and download"."""

LOOK_BACK_RUNS = 200
"""How many of an owner's runs are looked through for such as a new key may know."""

FETCH_AGAIN_S = 10 * 60.0
"""Seconds between attempts to fetch the clips that could not be kept."""

REPEATED_S = 30.0
"""Seconds in which calls about the same unwatched run count once."""


class Upkeep:
    """Takes runs up again when there is a reason to; `holder` is who holds them then."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        tracker: Tracker,
        journeys: Journeys,
        adopting: Adopting,
        clients: Clients,
        holder: str,
    ) -> None:
        self._store = store
        self._journal = journal
        self._tracker = tracker
        self._journeys = journeys
        self._adopting = adopting
        self._clients = clients
        self._holder = holder
        self._told_of: dict[str, float] = {}
        """When a call told of a run that is not watched, in steady seconds."""
        self._told_early: dict[str, str] = {}
        """Task ids that calls told of runs whose create was still under way."""
        self._asides: set[asyncio.Task[None]] = set()

    @property
    def _clock(self) -> Clock:
        return self._journal.clock

    def aside(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something in the background, until the stop at the latest."""
        task = asyncio.ensure_future(work)
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)

    async def stop(self) -> None:
        """Do nothing more."""
        for task in self._asides:
            task.cancel()
        await asyncio.gather(*self._asides, return_exceptions=True)

    def take_up(self, run: Run) -> None:
        """Go on with a run that nobody holds any more."""
        if run.step is not Step.UNFETCHED:
            self._journeys.go_on(run)
        elif self._may_be_fetched(run):
            self.aside(self._fetch_quietly(run))

    async def fetch(self, run: Run) -> Run:
        """Try once more to keep a clip that was made. Raises: UnknownRun, WrongStep."""
        return await self._from(run, Step.UNFETCHED, Step.FETCHING)

    async def watch(self, run: Run) -> Run:
        """Ask Kie once more about a task. Raises: UnknownRun, WrongStep."""
        return await self._from(run, Step.UNKNOWN, Step.WAITING)

    async def _from(self, run: Run, old: Step, new: Step) -> Run:
        run = await self._journal.write(
            run, only_from=frozenset({old}), step=new, error=None, holder=self._holder
        )
        self._journeys.go_on(run)
        return run

    async def fetch_again_and_again(self) -> None:
        """Try to keep now and then what could not be kept: its links work for days at most."""
        while True:
            await self._clock.sleep(FETCH_AGAIN_S)
            try:
                for run in await self._store.unfinished_runs():
                    if run.step is Step.UNFETCHED and run.holder == self._holder:
                        await self._fetch_quietly(run)
            except StoreProblem as problem:
                log.warning("Unfetched clips are not fetched: %s", problem)

    async def _fetch_quietly(self, run: Run) -> None:
        if self._may_be_fetched(run):
            with suppress(UnknownRun, WrongStep):  # someone else was faster
                await self.fetch(run)

    def _may_be_fetched(self, run: Run) -> bool:
        return self._clock.now_ms() - (run.finished_at_ms or 0) < RESULTS_KEPT_MS

    def called_back(self, run_id: str, task_id: str | None) -> None:
        """Ask about a run's task: a genuine address was called, which proves nothing more."""
        is_watched = self._tracker.hint(run_id, task_id)
        if not is_watched and task_id is not None and self._is_news(run_id):
            self.aside(self._recover(run_id, task_id))

    def _is_news(self, run_id: str) -> bool:
        """Whether nothing was told of this run just now: calls may be repeated at will."""
        now_s = self._clock.steady_s()
        recent = ((told_of, at_s) for told_of, at_s in self._told_of.items())
        self._told_of = {told_of: at_s for told_of, at_s in recent if now_s - at_s < REPEATED_S}
        is_news = run_id not in self._told_of
        self._told_of.setdefault(run_id, now_s)
        return is_news

    async def _recover(self, run_id: str, task_id: str) -> None:
        """Find out whether a task is the lost one of a run of unknown fate."""
        try:
            run = await self._store.run(run_id)
            followed = await self._adopting.recover(run, task_id, self._holder)
        except (RunsProblem, KieError) as problem:
            log.warning("Task %s is not known to be that of run %s: %s", task_id, run_id, problem)
            return
        if followed is not None:
            self._journeys.go_on(followed)
        elif run.step is Step.SENDING:
            self._told_early[run_id] = task_id

    def sent(self, run: Run) -> None:
        """Follow a call that came while its run was still being sent."""
        task_id = self._told_early.pop(run.id, None)
        if task_id is not None and run.step is Step.UNKNOWN:
            self.aside(self._recover(run.id, task_id))
        elif task_id is not None:
            self._tracker.hint(run.id, task_id)

    async def follow_key(self, owner: str, backends: Backends) -> None:
        """After a key was typed or forgotten: ask at once, with the new key and of all it may know.

        A task that is not to be found under one key may be found under another.
        """
        self._tracker.wake(owner)
        await self._clients.retire(backends.is_in_use)
        if not backends.has_own_key(owner):
            return
        try:
            for run in await self._store.runs_of(owner, limit=LOOK_BACK_RUNS):
                if run.step is Step.UNKNOWN and run.task_id is not None and _may_be_own(run):
                    await self.watch(run)
        except RunsProblem as problem:
            log.warning("Missing tasks are not looked for under the new key: %s", problem)


def _may_be_own(run: Run) -> bool:
    """Whether a key that its owner types is one that a run may be asked about with."""
    return run.backend == "live" and run.paid_by != "server"
