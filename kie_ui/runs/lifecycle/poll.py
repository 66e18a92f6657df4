"""What an answer about a task means for its run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kie_ui.kie.errors import (
    KieError,
    Maintenance,
    RateLimited,
    TaskFailed,
    TaskNotFound,
    Unauthorized,
)
from kie_ui.kie.responses import TaskRecord, TaskState
from kie_ui.runs.accounts.credentials import Access, key_gone
from kie_ui.runs.errors import StoreProblem
from kie_ui.runs.lifecycle.poll_scheduler import LATE_AFTER_S, Outcome, Watch
from kie_ui.runs.run import Clip, Run, RunError, Step, excerpt_of, size_of
from kie_ui.runs.storage.run_store import RunStore

NOT_FOUND_GRACE_MS = 2 * 60 * 1000
"""So long after the create a task may be missing. Source: observed live, "recordInfo"."""

LATE = "Kie is taking unusually long: still watching."

_WITH_OWN_KEY = "Enter another and this run goes on."
_WITH_SERVERS_KEY = "It is the server's: once that has another, this run goes on."

_TRY_ANOTHER_KEY = (
    "If it was made with another key, enter that one and watch again;"
    " or look for it at https://kie.ai/logs."
)
_ASK_THE_SERVERS = (
    "Watch again later, or ask whoever runs this server to look for it at https://kie.ai/logs."
)

_STEPS = {
    TaskState.WAITING: Step.WAITING,
    TaskState.QUEUING: Step.QUEUING,
    TaskState.GENERATING: Step.GENERATING,
}


class Watching:
    """Asks Kie about a run's task and writes down what is new."""

    def __init__(self, store: RunStore, access: Access, on_end: Callable[[Run], None]) -> None:
        self._store = store
        self._access = access
        self._on_end = on_end
        """Is told a run that is not watched any more: made, failed, or not to be found."""

    async def ask(self, watch: Watch) -> Outcome:
        """Ask about one task, once. Raises: StoreProblem."""
        run = await self._store.run(watch.run_id)
        if not run.step.is_watched:
            return Outcome.ENDED
        try:
            async with self._access.client(run) as client:
                if client is None:
                    await self._store.set_status_note(run, key_gone(run))
                    return Outcome.PARKED
                record = await client.task(watch.task_id, attempts=1)  # the tracker repeats
        except KieError as error:
            return await self._not_told(run, error)
        return await self._told(run, record)

    async def _told(self, run: Run, record: TaskRecord) -> Outcome:
        changes = changes_told(run, record, is_late=self._is_late(run))
        news = {name: value for name, value in changes.items() if getattr(run, name) != value}
        if news:
            try:
                run = await self._store.change(run.id, **news, record=record.raw)
            except StoreProblem as problem:
                self._store.publish_unsaved(run.changed(self._store.clock.now_ms(), news), problem)
                raise
        return self._ended(run) if not run.step.is_watched else Outcome.AGAIN

    async def _not_told(self, run: Run, error: KieError) -> Outcome:
        """Carry on after an error: only a task that is really missing ends its run."""
        if isinstance(error, TaskNotFound):
            if self._age_ms(run) < NOT_FOUND_GRACE_MS:
                return Outcome.AGAIN
            return self._ended(await self._store.end(run.id, Step.UNKNOWN, missing(run, error)))
        is_late = self._is_late(run)
        if is_late and not run.is_late:
            run = await self._store.change(run.id, is_late=True)
        if isinstance(error, Unauthorized):
            way = _WITH_SERVERS_KEY if run.paid_by == "server" else _WITH_OWN_KEY
            await self._store.set_status_note(run, f"{error.message} {way}")
            return Outcome.PARKED
        await self._store.set_status_note(run, f"{error.message} Trying again.")
        is_too_much = isinstance(error, RateLimited | Maintenance)
        return Outcome.TOO_MUCH if is_too_much else Outcome.TROUBLED

    def _ended(self, run: Run) -> Outcome:
        self._on_end(run)
        return Outcome.ENDED

    def _is_late(self, run: Run) -> bool:
        return self._age_ms(run) > LATE_AFTER_S * 1000

    def _age_ms(self, run: Run) -> int:
        return self._store.clock.now_ms() - (run.sent_at_ms or run.created_at_ms)


def changes_told(run: Run, record: TaskRecord, *, is_late: bool) -> dict[str, Any]:
    """Return what a task's record says about its run, as fields of the run."""
    changes: dict[str, Any] = {"status_note": None, "progress": _share(record), "is_late": is_late}
    if record.credits_consumed is not None:
        changes["credits_used"] = record.credits_consumed
    if record.state == TaskState.FAIL:
        return changes | {"step": Step.FAILED, "progress": None, "error": failed(record)}
    if record.state == TaskState.SUCCESS:
        return changes | {"progress": None} | _made(record)
    if is_late:
        changes["status_note"] = LATE
    return changes | {"step": _step(run, record)}


def _step(run: Run, record: TaskRecord) -> Step:
    """Translate a state; one that nobody knows yet leaves the run where it is."""
    return next((step for state, step in _STEPS.items() if record.state == state), run.step)


def _share(record: TaskRecord) -> float | None:
    return None if record.progress is None else record.progress / 100


def _made(record: TaskRecord) -> dict[str, Any]:
    if record.result_urls:
        return {"step": Step.FETCHING, "result_urls": record.result_urls}
    written = written_in(record)
    if written:  # it came with the record, so there is nothing to fetch
        return {"step": Step.DONE, "clips": written}
    error = RunError(
        kind="NoResult",
        message="Kie says that the result is made, but not where it is.",
        advice=f"Ask again, or look for task {record.task_id} at https://kie.ai/logs.",
    )
    return {"step": Step.UNKNOWN, "error": error}  # paid, so it is no plain failure


def written_in(record: TaskRecord) -> tuple[Clip, ...]:
    """Return what a task wrote, as the one result that it is; nothing where it wrote nothing."""
    made = record.result_object
    if made is None:
        return ()
    name = "result.txt" if isinstance(made, str) else "result.json"
    return (Clip(name=name, kind="text", size_bytes=size_of(made), excerpt=excerpt_of(made)),)


def failed(record: TaskRecord) -> RunError:
    """Tell why a task failed."""
    error = TaskFailed(record.fail_msg, record.fail_code, answer=record.raw)
    return RunError.of(error).model_copy(update={"code": record.fail_code})


def missing(run: Run, error: TaskNotFound) -> RunError:
    """Tell that a task is not to be found, and how it may be found again."""
    return RunError(
        kind="TaskNotFound",
        message=f"Kie does not know the task {run.task_id} under the key in use.",
        advice=_ASK_THE_SERVERS if run.paid_by == "server" else _TRY_ANOTHER_KEY,
        code=error.code,
    )
