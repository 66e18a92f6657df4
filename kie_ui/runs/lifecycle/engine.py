"""The path of a run: one coroutine takes it from its stored step to its end.

So a run that is resumed after a crash continues exactly like one just submitted.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field

from kie_ui.background import BackgroundTasks
from kie_ui.kie.errors import KieError
from kie_ui.runs.accounts import BalanceNotes
from kie_ui.runs.errors import RunsProblem, StoreProblem, UnknownRun, WrongStep
from kie_ui.runs.lifecycle.adopt import TaskAdopter
from kie_ui.runs.lifecycle.create import UNKNOWN_OUTCOME, TaskCreator
from kie_ui.runs.lifecycle.download import Downloader
from kie_ui.runs.lifecycle.poll_scheduler import PollScheduler
from kie_ui.runs.retention import Retention
from kie_ui.runs.run import UNSENT_STEPS, Run, RunError, Step
from kie_ui.runs.storage.run_store import RunStore

log = logging.getLogger(__name__)

STORE_RETRY_S = 10.0
"""Seconds that a run waits after the database has failed, then resumes from its stored step."""

STOP_GRACE_S = 1.5
"""Seconds that a create on its way is given at the stop, so that its task id is not lost."""

RESULTS_KEPT_MS = 14 * 24 * 60 * 60 * 1000
"""How long Kie keeps a clip at most. Source: observed live, "Balance and download"."""

MAX_RUNS_RECHECKED = 200
"""How many of an owner's newest runs are checked for tasks that a new key may know."""

DOWNLOAD_AGAIN_S = 10 * 60.0
"""Seconds between attempts to download what could not be stored."""

REPEATED_S = 30.0
"""Seconds in which calls about the same unwatched run count once."""


@dataclass(kw_only=True, eq=False)
class RunEngine:
    """Takes every run of this process to its end, each in the background."""

    holder: str
    store: RunStore
    creator: TaskCreator
    scheduler: PollScheduler
    downloader: Downloader
    balances: BalanceNotes
    retention: Retention
    adopter: TaskAdopter
    _tasks: BackgroundTasks = field(default_factory=BackgroundTasks, init=False)
    _running: dict[str, asyncio.Task[None]] = field(default_factory=dict, init=False)
    _next: dict[str, Run] = field(default_factory=dict, init=False)
    """Runs to advance as soon as the current work on them has ended."""
    _is_stopped: bool = field(default=False, init=False)
    _called_s: dict[str, float] = field(default_factory=dict, init=False)
    """When a callback named a run that is not watched, in steady seconds."""
    _early_calls: dict[str, str] = field(default_factory=dict, init=False)
    """Task ids from callbacks about runs whose create was still on its way."""

    def start(self) -> None:
        """Start retrying failed downloads at intervals."""
        self._tasks.repeat(
            self._download_missing,
            name="download again",
            every_s=DOWNLOAD_AGAIN_S,
            sleep=self.store.clock.sleep,
            expected=(RunsProblem,),
        )

    async def stop(self) -> None:
        """Stop everything but creates on their way; these get a moment, then stop too."""
        self._is_stopped = True
        self._next.clear()
        in_flight = {self._running[run_id] for run_id in self.creator.in_flight & {*self._running}}
        for task in {*self._running.values()} - in_flight:
            task.cancel()
        if in_flight:
            await asyncio.wait(in_flight, timeout=STOP_GRACE_S)
        await self._tasks.stop()

    def advance(self, run: Run) -> None:
        """Take a run on in the background, once what is being done with it has ended.

        After the stop nothing new is started: another process takes over.
        """
        if self._is_stopped:
            return
        if run.id in self._running:
            self._next[run.id] = run
            return
        task = self._tasks.spawn(self._run(run), name=f"run {run.id}")
        self._running[run.id] = task
        task.add_done_callback(lambda _task: self._ended(run.id))

    def cancel(self, run_id: str) -> None:
        """Stop what is being done with a run that was cancelled before its create left."""
        task = self._running.get(run_id)
        if task is not None and run_id not in self.creator.in_flight:
            task.cancel()

    def _ended(self, run_id: str) -> None:
        del self._running[run_id]
        following = self._next.pop(run_id, None)
        if following is not None:
            self.advance(following)

    async def _run(self, run: Run) -> None:
        """Advance a run, again from its stored step whenever the database has failed."""
        while True:
            try:
                return await self._advance(run)
            except (WrongStep, UnknownRun):
                log.info("Run %s was cancelled, or another process has it.", run.id)
                return await self._publish_stored(run.id)
            except StoreProblem as problem:
                run = await self._wait_for_store(run, problem)
            except Exception:
                log.exception("Run %s was ended by a fault of ours.", run.id)
                return await self._end_by_fault(run)

    async def _advance(self, run: Run) -> None:
        """Take a run from its step to its end: create, poll, download, finish.

        Each station returns the run at its next step, so a restart enters at the stored one.
        """
        is_resumed = run.step.is_watched
        if run.step in UNSENT_STEPS:
            run = await self.creator.create(run)
        elif run.step is Step.SENDING:
            # The program ended at this step: the create had left, and its answer never came.
            run = await self.store.end(run.id, Step.UNKNOWN, UNKNOWN_OUTCOME)
        early_task_id = self._early_calls.pop(run.id, None)  # Kie called before it answered
        if early_task_id is not None and run.step is Step.UNKNOWN:
            run = await self._recover(run, early_task_id)
        if run.step.is_watched and not self._is_stopped:
            at_once = is_resumed or early_task_id is not None
            run = await self.scheduler.wait(run, at_once=at_once)
        is_made = run.step is Step.FETCHING
        if is_made:
            run = await self.downloader.download(run)
        if run.is_final:
            self.balances.note(run)
        if is_made and run.step is Step.DONE:
            await self.retention.keep_disk_limit()

    async def _publish_stored(self, run_id: str) -> None:
        """Publish a run as another process has changed it."""
        try:
            self.store.events.publish(await self.store.run(run_id))
        except RunsProblem as problem:
            log.warning("Run %s cannot be shown: %s", run_id, problem)

    async def _wait_for_store(self, run: Run, problem: StoreProblem) -> Run:
        """Return a run as it is stored, once the database answers again."""
        while True:
            log.critical("Run %s has to wait: %s", run.id, problem)
            self.store.publish_unsaved(run, problem)
            await self.store.clock.sleep(STORE_RETRY_S)
            try:
                return await self.store.run(run.id)
            except StoreProblem as again:
                problem = again

    async def _end_by_fault(self, run: Run) -> None:
        """End a run that a fault of ours has stopped, truthfully about what left this machine."""
        try:
            run = await self.store.run(run.id)
            if not run.is_final:
                await self.store.end(run.id, _step_after_fault(run), _FAULT)
        except RunsProblem as problem:
            log.critical("Run %s has to wait: %s", run.id, problem)

    # Runs that are taken up again

    def take_over(self, run: Run) -> None:
        """Go on with a run that no process holds any more."""
        if run.step is not Step.UNFETCHED:
            self.advance(run)
        elif not self._is_stopped:
            self._tasks.spawn(self._download_if_kept(run), name=f"download {run.id}")

    async def download_again(self, run: Run) -> Run:
        """Try again to store a finished result. Raises: UnknownRun, WrongStep."""
        return await self._advance_from(run, Step.UNFETCHED, Step.FETCHING)

    async def poll_again(self, run: Run) -> Run:
        """Ask Kie again about a task. Raises: UnknownRun, WrongStep."""
        return await self._advance_from(run, Step.UNKNOWN, Step.WAITING)

    async def _advance_from(self, run: Run, old: Step, new: Step) -> Run:
        run = await self.store.change(
            run.id, only_from=frozenset({old}), step=new, error=None, holder=self.holder
        )
        self.advance(run)
        return run

    async def _download_missing(self) -> None:
        """Download again what could not be stored: its links work for days at most."""
        for run in await self.store.unfinished():
            if run.step is Step.UNFETCHED and run.holder == self.holder:
                await self._download_if_kept(run)

    async def _download_if_kept(self, run: Run) -> None:
        if self.store.clock.now_ms() - (run.finished_at_ms or 0) < RESULTS_KEPT_MS:
            with suppress(UnknownRun, WrongStep):  # someone else was faster
                await self.download_again(run)

    # News from outside

    def key_changed(self, owner: str, *, has_own_key: bool) -> None:
        """Ask at once about an owner's tasks with the current key.

        One that could not be found under one key may be found under another.
        """
        self.scheduler.wake(owner)
        if has_own_key and not self._is_stopped:
            self._tasks.spawn(self._poll_missing(owner), name="poll with another key")

    async def _poll_missing(self, owner: str) -> None:
        try:
            for run in await self.store.runs_of(owner, limit=MAX_RUNS_RECHECKED):
                is_missing = run.step is Step.UNKNOWN and run.task_id is not None
                if is_missing and run.backend == "live" and run.paid_by != "server":
                    await self.poll_again(run)
        except RunsProblem as problem:
            log.warning("Missing tasks are not looked for under the new key: %s", problem)

    def called_back(self, run_id: str, task_id: str | None) -> None:
        """Ask about a run's task: its genuine address was called, which proves nothing more."""
        if self.scheduler.hint(run_id, task_id) or task_id is None:
            return
        if run_id in self.creator.in_flight:
            self._early_calls[run_id] = task_id
        elif self._is_news(run_id):
            self._tasks.spawn(self._follow_call(run_id, task_id), name=f"callback {run_id}")

    def _is_news(self, run_id: str) -> bool:
        """Say whether no call named this run just now: calls may be repeated at will."""
        now_s = self.store.clock.steady_s()
        calls = self._called_s.items()
        self._called_s = {called: at_s for called, at_s in calls if now_s - at_s < REPEATED_S}
        is_news = run_id not in self._called_s
        self._called_s.setdefault(run_id, now_s)
        return is_news

    async def _follow_call(self, run_id: str, task_id: str) -> None:
        try:
            run = await self.store.run(run_id)
        except RunsProblem as problem:
            log.warning("A call about run %s is not followed: %s", run_id, problem)
            return
        followed = await self._recover(run, task_id)
        if followed is not run:
            self.advance(followed)

    async def _recover(self, run: Run, task_id: str) -> Run:
        """Have a run of unknown outcome follow a task, if that was made for it; else return it."""
        try:
            return await self.adopter.recover(run, task_id)
        except (RunsProblem, KieError) as problem:
            log.warning("Task %s is not known to be that of run %s: %s", task_id, run.id, problem)
            return run


_FAULT = RunError(
    kind="Fault",
    message="Something went wrong in this program, not at Kie.",
    advice="The program's log says what; please report it.",
)


def _step_after_fault(run: Run) -> Step:
    if run.step in UNSENT_STEPS:
        return Step.FAILED
    return Step.UNFETCHED if run.result_urls else Step.UNKNOWN
