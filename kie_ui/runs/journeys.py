"""Runs on their way, each in the background: what comes next follows from the step alone.

So a run that is resumed after a crash goes on exactly as one that was just pressed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from kie_ui.runs.balances import Balances
from kie_ui.runs.errors import RunsProblem, StoreProblem, UnknownRun, WrongStep
from kie_ui.runs.fetching import Fetching
from kie_ui.runs.journal import Journal
from kie_ui.runs.lane import Watch
from kie_ui.runs.posters import Posters
from kie_ui.runs.run import UNSENT_STEPS, Run, RunError, Step
from kie_ui.runs.sending import UNKNOWN_FATE, Sending
from kie_ui.runs.tracker import Tracker

log = logging.getLogger(__name__)

STANDSTILL_S = 10.0
"""How long a run waits when the database fails, before it goes on from its kept step."""

STOP_GRACE_S = 1.5
"""Seconds that a create on its way is given at the stop, so that its task id is not lost."""


class Journeys:
    """Takes every run from the step where it stands to the next, until it waits or has ended."""

    def __init__(
        self,
        journal: Journal,
        balances: Balances,
        sending: Sending,
        fetching: Fetching,
        posters: Posters,
        tracker: Tracker,
    ) -> None:
        self._journal = journal
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
            self._journal.show(await self._journal.read(run_id))
        except RunsProblem as problem:
            log.warning("Run %s cannot be told: %s", run_id, problem)

    async def _again_later(self, run: Run, problem: StoreProblem) -> Run:
        """Wait until the database answers again: what comes next follows from the kept step."""
        while True:
            log.critical("Run %s stands still: %s", run.id, problem)
            self._journal.show_unkept(run, problem)
            await self._journal.clock.sleep(STANDSTILL_S)
            try:
                return await self._journal.read(run.id)
            except StoreProblem as again:
                problem = again

    async def _follow(self, run: Run) -> None:
        is_new_task, has_come = not run.step.is_watched, False
        if run.step in UNSENT_STEPS:
            run = await self._sending.send(run)
        elif run.step is Step.SENDING:
            # It stood here when the program ended: the create had left, its answer never came.
            run = await self._journal.end(run, Step.UNKNOWN, UNKNOWN_FATE)
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
            run = await self._journal.read(run.id)
            if not run.is_final:
                await self._journal.end(run, _step_after_fault(run), _FAULT)
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
