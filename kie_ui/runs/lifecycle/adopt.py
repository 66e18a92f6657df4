"""Tasks whose id comes from outside: from Kie's logs, from elsewhere, or from a callback."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from kie_ui.catalog.registry import Catalog, UnknownModel
from kie_ui.catalog.roles import prompt_of
from kie_ui.catalog.validate import check_part
from kie_ui.kie.errors import error_for_code
from kie_ui.kie.responses import TaskRecord
from kie_ui.runs.accounts import Access
from kie_ui.runs.errors import KeyMissing, WrongStep
from kie_ui.runs.run import BackendKind, Run, Step, StepChange
from kie_ui.runs.storage.run_store import RunStore

_NO_SUCH_TASK = (422, "recordInfo is null")
"""Kie's own words for it. Source: observed live, "recordInfo"."""

_TASK_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,199}")


class TaskAdopter:
    """Finds tasks at Kie and makes runs of them. All of it raises KieError and StoreProblem too."""

    def __init__(self, catalog: Catalog, store: RunStore, access: Access, holder: str) -> None:
        self._catalog = catalog
        self._store = store
        self._access = access
        self._holder = holder

    async def track(self, owner: str, task_id: str, backend: BackendKind) -> tuple[Run, bool]:
        """Make a run of a task, or return the existing one; and whether it is new.

        Raises: WrongStep, KeyMissing.
        """
        task_id = clean_task_id(task_id)
        known = await self._store.run_of_task(owner, task_id)
        if known is not None:
            return known, False
        now_ms = self._store.clock.now_ms()
        blank = Run(
            id=uuid4().hex,
            owner=owner,
            holder=self._holder,
            backend=backend,
            paid_by=self._access.backends.payer(owner, backend),
            model="",
            values={},
            step=Step.WAITING,
            step_changes=(StepChange(Step.WAITING, now_ms),),
            task_id=task_id,
            is_tracked=True,
            created_at_ms=now_ms,
            updated_at_ms=now_ms,
        )
        record = await self._record(blank, task_id)
        fields = await self._fields(owner, record)
        return await self._store.add_for_task(blank.model_copy(update=fields))

    async def give_task_id(self, run: Run, task_id: str) -> Run:
        """Have a run of unknown outcome follow a task, if it can be its own.

        Raises: WrongStep, KeyMissing.
        """
        task_id = clean_task_id(task_id)
        if run.step is not Step.UNKNOWN or run.task_id is not None:
            raise WrongStep("This run needs no task id: its outcome is known.")
        known = await self._store.run_of_task(run.owner, task_id)
        if known is not None:
            raise WrongStep("Another of your runs already follows this task.")
        record = await self._record(run, task_id)
        _raise_if_other(run, record)
        return await self._store.follow_task(run, task_id, self._holder)

    async def recover(self, run: Run, task_id: str) -> Run:
        """Have a run of unknown outcome follow a task if it was made for it; else return the run.

        A task with the run's callback address proves it: the address is secret.
        Raises: WrongStep, KeyMissing.
        """
        sent_to = (run.request or {}).get("callBackUrl")
        if run.step is not Step.UNKNOWN or run.task_id is not None or not sent_to:
            return run
        record = await self._record(run, task_id)
        if (record.request or {}).get("callBackUrl") != sent_to:
            return run
        return await self._store.follow_task(run, task_id, self._holder)

    async def _record(self, run: Run, task_id: str) -> TaskRecord:
        async with self._access.client(run) as client:
            if client is None:
                raise KeyMissing(of_server=run.paid_by == "server")
            record = await client.task(task_id)
        await self._raise_if_of_others(run, task_id)
        return record

    async def _raise_if_of_others(self, run: Run, task_id: str) -> None:
        """Hide a task that is someone else's, though both are made with one account.

        Visitors who share the demo, or the server's key, may learn each other's task ids, as every
        clip holds its own. Checked after querying Kie, so that the time taken reveals nothing.
        Raises: TaskNotFound, just as where Kie knows no such task.
        """
        others = await self._store.others_of_task(run.owner, task_id)
        if any(self._access.may_share_account(run, other) for other in others):
            raise error_for_code(*_NO_SUCH_TASK, about_task=True)

    async def _fields(self, owner: str, record: TaskRecord) -> dict[str, Any]:
        """Return what a record says about how its task was made, as fields of a run."""
        request = record.request or {}
        model = record.model or str(request.get("model") or "unknown model")
        inputs = request.get("input")
        return {
            "model": model,
            "request": request or None,
            "values": await self._values(owner, model, inputs) if isinstance(inputs, dict) else {},
            "sent_at_ms": record.create_time_ms or self._store.clock.now_ms(),
        }

    async def _values(self, owner: str, model: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Read a request's inputs as values: those that the model's form can show."""
        try:
            models = await asyncio.to_thread(self._catalog.of, owner)
            checked, _problems = check_part(models.spec(model), inputs)
        except UnknownModel:
            prompt = prompt_of(inputs)
            return {"prompt": prompt} if prompt else {}
        return dict(checked)


def clean_task_id(text: str) -> str:
    """Return a pasted task id. Raises: WrongStep, with a sentence."""
    task_id = text.strip()
    if not task_id:
        raise WrongStep("Enter a task id: https://kie.ai/logs lists one for each task.")
    if not _TASK_ID.fullmatch(task_id):
        raise WrongStep(
            "This is not a task id: paste only the id, as https://kie.ai/logs shows it."
        )
    return task_id


def _raise_if_other(run: Run, record: TaskRecord) -> None:
    """Refuse a task that was surely made from something else than this run."""
    if record.model and record.model != run.model:
        raise WrongStep(f"That task uses the model {record.model}, this run {run.model}.")
    inputs = (record.request or {}).get("input")
    theirs = prompt_of(inputs) if isinstance(inputs, dict) else ""
    ours = prompt_of((run.request or {}).get("input") or {})
    if theirs and ours and theirs.strip() != ours.strip():
        raise WrongStep("That task was made with another prompt. To watch it, track it instead.")
