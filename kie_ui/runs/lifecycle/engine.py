"""Runs on their way, each in the background: what comes next follows from the step alone.

So a run that is resumed after a crash goes on exactly as one that was just pressed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from kie_ui.kie.errors import KieError
from kie_ui.runs.accounts.balance import Balances
from kie_ui.runs.accounts.credentials import Backends, Clients
from kie_ui.runs.clock import Clock
from kie_ui.runs.errors import RunsProblem, StoreProblem, UnknownRun, WrongStep
from kie_ui.runs.lifecycle.adopt import Adopting
from kie_ui.runs.lifecycle.create import UNKNOWN_FATE, Sending
from kie_ui.runs.lifecycle.download import Fetching, Posters
from kie_ui.runs.lifecycle.poll_scheduler import PollScheduler, Watch
from kie_ui.runs.run import UNSENT_STEPS, Run, RunError, Step
from kie_ui.runs.storage.run_store import RunStore

log = logging.getLogger(__name__)


STANDSTILL_S = 10.0
"""How long a run waits when the database fails, before it goes on from its kept step."""

STOP_GRACE_S = 1.5
"""Seconds that a create on its way is given at the stop, so that its task id is not lost."""


class Journeys:
    """Takes every run from the step where it stands to the next, until it waits or has ended."""

    def __init__(
        self,
        store: RunStore,
        balances: Balances,
        sending: Sending,
        fetching: Fetching,
        posters: Posters,
        tracker: PollScheduler,
    ) -> None:
        self._store = store
        self._balances = balances
        self._sending = sending
        self._fetching = fetching
        self._posters = posters
        self._tracker = tracker
        self.on_sent: Callable[[Run], None] = _nothing
        """Is told a run that has been sent, or has ended."""
        self.on_kept: Callable[[], None] = _none
        """Is told that a clip came to the disk."""
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._next: dict[str, Run] = {}
        self._is_stopped = False

    def go_on(self, run: Run) -> None:
        """Take a run on in the background, after what is being done with it already.

        After the stop nothing is begun any more; whoever comes next goes on with it.
        """
        if self._is_stopped:
            return
        if run.id in self._under_way:
            self._next[run.id] = run
            return
        task = asyncio.create_task(self._journey(run), name=f"run {run.id}")
        self._under_way[run.id] = task
        task.add_done_callback(lambda _task: self._halted(run.id))

    def break_off(self, run_id: str) -> None:
        """Stop what is being done with a run that was cancelled before its create left."""
        task = self._under_way.get(run_id)
        if task is not None and run_id not in self._sending.in_flight:
            task.cancel()

    def _halted(self, run_id: str) -> None:
        del self._under_way[run_id]
        following = self._next.pop(run_id, None)
        if following is not None:
            self.go_on(following)

    async def stop(self) -> None:
        """Stop everything but creates on their way; these get a moment, then stop too."""
        self._is_stopped = True
        self._next.clear()
        tasks = set(self._under_way.values())
        creates = {task for id_, task in self._under_way.items() if id_ in self._sending.in_flight}
        for task in tasks - creates:
            task.cancel()
        if creates:
            await asyncio.wait(creates, timeout=STOP_GRACE_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _journey(self, run: Run) -> None:
        while True:
            try:
                return await self._follow(run)
            except (WrongStep, UnknownRun):
                log.info("Run %s was cancelled, or is taken on elsewhere.", run.id)
                return await self._tell_as_kept(run.id)
            except StoreProblem as problem:
                run = await self._again_later(run, problem)
            except Exception:
                log.exception("Run %s was ended by a fault of ours.", run.id)
                return await self._end_by_fault(run)

    async def _tell_as_kept(self, run_id: str) -> None:
        """Tell how a run stands that another process has changed."""
        try:
            self._store.events.publish(await self._store.run(run_id))
        except RunsProblem as problem:
            log.warning("Run %s cannot be told: %s", run_id, problem)

    async def _again_later(self, run: Run, problem: StoreProblem) -> Run:
        """Wait until the database answers again: what comes next follows from the kept step."""
        while True:
            log.critical("Run %s stands still: %s", run.id, problem)
            self._store.publish_unsaved(run, problem)
            await self._store.clock.sleep(STANDSTILL_S)
            try:
                return await self._store.run(run.id)
            except StoreProblem as again:
                problem = again

    async def _follow(self, run: Run) -> None:
        is_new_task, has_come = not run.step.is_watched, False
        if run.step in UNSENT_STEPS:
            run = await self._sending.send(run)
        elif run.step is Step.SENDING:
            # It stood here when the program ended: the create had left, its answer never came.
            run = await self._store.end(run.id, Step.UNKNOWN, UNKNOWN_FATE)
        if run.step is Step.FETCHING:
            run = await self._fetching.fetch(run)
            has_come = run.step is Step.DONE
            self.on_kept()
        if run.step.is_watched:
            self._watch(run, at_once=not is_new_task)
        elif run.is_final:
            self._balances.note(run)
        self.on_sent(run)
        if has_come:
            await self._posters.make_in_time(run)

    def _watch(self, run: Run, *, at_once: bool) -> None:
        sent_at_ms = run.sent_at_ms or run.created_at_ms
        has_callbacks = bool((run.request or {}).get("callBackUrl")) and not run.is_tracked
        watch = Watch(
            run.id,
            run.owner,
            run.task_id or "",
            sent_at_ms,
            run.backend,
            has_callbacks=has_callbacks,
            paid_by=run.paid_by,
        )
        self._tracker.watch(watch, at_once=at_once)

    async def _end_by_fault(self, run: Run) -> None:
        """End a run that a fault of ours has stopped, truthfully about what left this machine."""
        try:
            run = await self._store.run(run.id)
            if not run.is_final:
                await self._store.end(run.id, _step_after_fault(run), _FAULT)
        except RunsProblem as problem:
            log.critical("Run %s stands still: %s", run.id, problem)


_FAULT = RunError(
    kind="Fault",
    message="Something went wrong in this program, not at Kie.",
    advice="The program's log says what; please report it.",
)


def _none() -> None:
    pass


def _nothing(_run: Run) -> None:
    pass


def _step_after_fault(run: Run) -> Step:
    if run.step in UNSENT_STEPS:
        return Step.FAILED
    return Step.UNFETCHED if run.result_urls else Step.UNKNOWN


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
        store: RunStore,
        tracker: PollScheduler,
        journeys: Journeys,
        adopting: Adopting,
        clients: Clients,
        holder: str,
    ) -> None:
        self._store = store
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
        return self._store.clock

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
        run = await self._store.change(
            run.id, only_from=frozenset({old}), step=new, error=None, holder=self._holder
        )
        self._journeys.go_on(run)
        return run

    async def fetch_again_and_again(self) -> None:
        """Try to keep now and then what could not be kept: its links work for days at most."""
        while True:
            await self._clock.sleep(FETCH_AGAIN_S)
            try:
                for run in await self._store.unfinished():
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
