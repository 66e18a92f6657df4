"""Polling a task, and what the answer means for its run."""

from __future__ import annotations

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
from kie_ui.runs.accounts import Access, key_gone
from kie_ui.runs.errors import StoreProblem, WrongStep
from kie_ui.runs.lifecycle.poll_scheduler import LATE_AFTER_S, Outcome
from kie_ui.runs.run import WATCHED_STEPS, Clip, Run, RunError, Step, excerpt_of, size_of
from kie_ui.runs.storage.run_store import RunStore

NOT_FOUND_GRACE_MS = 2 * 60 * 1000
"""How long after the create a task may be missing. Source: observed live, "recordInfo"."""

LATE = "Kie is taking unusually long: still watching."

_WITH_OWN_KEY = "Enter another one to continue this run."
_WITH_SERVER_KEY = "It is the server's: this run continues once the server has another."

_TRY_ANOTHER_KEY = (
    "If it was made with another key, enter that one and watch again;"
    " or look for it at https://kie.ai/logs."
)
_ASK_OPERATOR = (
    "Watch again later, or ask the operator of this server to look for it at https://kie.ai/logs."
)

_STEPS: dict[str, Step] = {
    TaskState.WAITING: Step.WAITING,
    TaskState.QUEUING: Step.QUEUING,
    TaskState.GENERATING: Step.GENERATING,
}


class TaskPoller:
    """Polls a run's task and saves what is new."""

    def __init__(self, store: RunStore, access: Access) -> None:
        self._store = store
        self._clock = store.clock
        self._access = access

    async def poll(self, run: Run) -> Run | Outcome:
        """Poll once; return the run if there is nothing more to poll. Raises: StoreProblem."""
        run = await self._store.run(run.id)
        if not run.step.is_watched or run.task_id is None:
            return run
        try:
            async with self._access.client(run) as client:
                if client is None:
                    await self._store.set_status_note(run, key_gone(run))
                    return Outcome.KEY_NEEDED
                record = await client.task(run.task_id, attempts=1)  # the scheduler repeats
        except KieError as error:
            return await self._after_error(run, error)
        run = await self._save(run, record)
        return Outcome.AGAIN if run.step.is_watched else run

    async def _save(self, run: Run, record: TaskRecord) -> Run:
        changes = changes_by_record(run, record, is_late=self._is_late(run))
        news = {name: value for name, value in changes.items() if getattr(run, name) != value}
        if not news:
            return run
        try:
            return await self._store.change(
                run.id, only_from=WATCHED_STEPS, **news, record=record.raw
            )
        except WrongStep:  # another answer about the same task was faster
            return await self._store.run(run.id)
        except StoreProblem as problem:
            self._store.publish_unsaved(run.changed(self._clock.now_ms(), news), problem)
            raise

    async def _after_error(self, run: Run, error: KieError) -> Run | Outcome:
        """Carry on after an error: only a task that is really missing ends its run."""
        if isinstance(error, TaskNotFound):
            if self._age_ms(run) < NOT_FOUND_GRACE_MS:
                return Outcome.AGAIN
            return await self._store.end(run.id, Step.UNKNOWN, task_missing(run, error))
        if self._is_late(run) and not run.is_late:
            run = await self._store.change(run.id, is_late=True)
        if isinstance(error, Unauthorized):
            advice = _WITH_SERVER_KEY if run.paid_by == "server" else _WITH_OWN_KEY
            await self._store.set_status_note(run, f"{error.message} {advice}")
            return Outcome.KEY_NEEDED
        await self._store.set_status_note(run, f"{error.message} Trying again.")
        is_too_much = isinstance(error, RateLimited | Maintenance)
        return Outcome.RATE_LIMITED if is_too_much else Outcome.FAILED

    def _is_late(self, run: Run) -> bool:
        return self._age_ms(run) > LATE_AFTER_S * 1000

    def _age_ms(self, run: Run) -> int:
        return self._clock.now_ms() - (run.sent_at_ms or run.created_at_ms)


def changes_by_record(run: Run, record: TaskRecord, *, is_late: bool) -> dict[str, Any]:
    """Return what a task's record says about its run, as fields of the run."""
    progress = None if record.progress is None else record.progress / 100
    changes: dict[str, Any] = {"status_note": None, "progress": progress, "is_late": is_late}
    if record.credits_consumed is not None:
        changes["credits_used"] = record.credits_consumed
    if record.state == TaskState.FAIL:
        failure = TaskFailed(record.fail_msg, record.fail_code, answer=record.raw)
        error = RunError.of(failure).model_copy(update={"code": record.fail_code})
        return changes | {"step": Step.FAILED, "progress": None, "error": error}
    if record.state == TaskState.SUCCESS:
        return changes | {"progress": None} | _success(record)
    if is_late:
        changes["status_note"] = LATE
    return changes | {"step": _STEPS.get(record.state, run.step)}  # unknown ones change nothing


def _success(record: TaskRecord) -> dict[str, Any]:
    if record.result_urls:
        return {"step": Step.FETCHING, "result_urls": record.result_urls}
    written = written_results(record)
    if written:  # it came with the record, so there is nothing to download
        return {"step": Step.DONE, "clips": written}
    error = RunError(
        kind="NoResult",
        message="Kie says that the result is ready, but not where it is.",
        advice=f"Ask again, or look for task {record.task_id} at https://kie.ai/logs.",
    )
    return {"step": Step.UNKNOWN, "error": error}  # paid, so not an ordinary failure


def written_results(record: TaskRecord) -> tuple[Clip, ...]:
    """Return the text or data that a record holds itself, as one result; else nothing."""
    made = record.result_object
    if made is None:
        return ()
    name = "result.txt" if isinstance(made, str) else "result.json"
    return (Clip(name=name, kind="text", size_bytes=size_of(made), excerpt=excerpt_of(made)),)


def task_missing(run: Run, error: TaskNotFound) -> RunError:
    """Return that a task can't be found, and how it may be found again."""
    return RunError(
        kind="TaskNotFound",
        message=f"Kie does not know the task {run.task_id} under the key in use.",
        advice=_ASK_OPERATOR if run.paid_by == "server" else _TRY_ANOTHER_KEY,
        code=error.code,
    )
