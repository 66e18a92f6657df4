"""Runs on their way, each in the background: what comes next follows from the step alone.

So a run that is resumed after a crash goes on exactly as one that was just pressed.
"""

from __future__ import annotations

import asyncio
import logging

from kie_ui.kie.errors import KieError
from kie_ui.runs.access import Access
from kie_ui.runs.errors import RunsProblem, WrongStep
from kie_ui.runs.fetching import Fetching
from kie_ui.runs.journal import Journal
from kie_ui.runs.run import UNSENT_STEPS, Run, RunError, Step
from kie_ui.runs.sending import UNKNOWN_FATE, Sending
from kie_ui.runs.tracker import Tracker, Watch

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
        access: Access,
        sending: Sending,
        fetching: Fetching,
        tracker: Tracker,
    ) -> None:
        self._journal = journal
        self._access = access
        self._sending = sending
        self._fetching = fetching
        self._tracker = tracker
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._next: dict[str, Run] = {}
        self._asides: set[asyncio.Task[None]] = set()

    def go_on(self, run: Run) -> None:
        """Take a run on in the background, after what is being done with it already."""
        if run.id in self._under_way:
            self._next[run.id] = run
            return
        task = asyncio.create_task(self._journey(run), name=f"run {run.id}")
        self._under_way[run.id] = task
        task.add_done_callback(lambda _task: self._halted(run.id))

    def _halted(self, run_id: str) -> None:
        del self._under_way[run_id]
        following = self._next.pop(run_id, None)
        if following is not None:
            self.go_on(following)

    async def stop(self) -> None:
        """Stop everything but creates on their way; these get a moment, then stop too."""
        self._next.clear()
        tasks = {*self._under_way.values(), *self._asides}
        creates = {task for id_, task in self._under_way.items() if id_ in self._sending.in_flight}
        for task in tasks - creates:
            task.cancel()
        if creates:
            await asyncio.wait(creates, timeout=STOP_GRACE_S)
        tasks |= self._asides
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _journey(self, run: Run) -> None:
        while True:
            try:
                return await self._follow(run)
            except WrongStep:
                return log.info("Run %s is taken on elsewhere.", run.id)
            except RunsProblem as problem:
                run = await self._again_later(run, problem)
            except Exception:
                log.exception("Run %s was ended by a fault of ours.", run.id)
                return await self._end_by_fault(run)

    async def _again_later(self, run: Run, problem: RunsProblem) -> Run:
        """Wait until the database answers again: what comes next follows from the kept step."""
        while True:
            log.critical("Run %s stands still: %s", run.id, problem)
            self._journal.show(run, note=str(problem))
            await self._journal.clock.sleep(STANDSTILL_S)
            try:
                return await self._journal.read(run.id)
            except RunsProblem as again:
                problem = again

    async def _follow(self, run: Run) -> None:
        is_new_task = not run.step.is_watched
        if run.step in UNSENT_STEPS:
            run = await self._sending.send(run)
        elif run.step is Step.SENDING:
            # It stood here when the program ended: the create had left, its answer never came.
            run = await self._journal.end(run, Step.UNKNOWN, UNKNOWN_FATE)
        if run.step is Step.FETCHING:
            run = await self._fetching.fetch(run)
        if run.step.is_watched:
            self._watch(run, at_once=not is_new_task)
        elif run.is_final:
            aside = asyncio.create_task(self._note_balance(run))
            self._asides.add(aside)
            aside.add_done_callback(self._asides.discard)

    def _watch(self, run: Run, *, at_once: bool) -> None:
        sent_at_ms = run.sent_at_ms or run.created_at_ms
        watch = Watch(run.id, run.owner, run.task_id or "", sent_at_ms)
        self._tracker.watch(watch, at_once=at_once)

    async def _note_balance(self, run: Run) -> None:
        """Ask what is left on the account; a run is no worse for not knowing."""
        try:
            async with self._access.client(run) as client:
                if client is not None:
                    await self._journal.write(run, balance_after=await client.credit())
        except (KieError, RunsProblem) as problem:
            log.warning("The balance after run %s is not known: %s", run.id, problem)

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


def _step_after_fault(run: Run) -> Step:
    if run.step in UNSENT_STEPS:
        return Step.FAILED
    return Step.UNFETCHED if run.result_urls else Step.UNKNOWN
