"""The life of tasks: waiting, queuing, generating, and an end.

Source: observed live, the five states and "createTask" (a failed task is not billed).
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio

from kie_ui.background import BackgroundTasks
from kie_ui.simulator.callbacks import Callbacks
from kie_ui.simulator.config import SimulatorConfig
from kie_ui.simulator.faults import ForcedOutcome, outcome_in_texts
from kie_ui.simulator.files import (
    IMAGE_MODEL,
    MAX_FETCHED_BYTES,
    Files,
    NoMedia,
    SampleImageTask,
    file_url,
)
from kie_ui.simulator.plan import RenderPlan, build_plan, choose_seed, texts_of
from kie_ui.simulator.render.requests import (
    FoundMedia,
    Picture,
    Placeholder,
    RenderRequest,
    TextRequest,
    build_render_requests,
    result_mime,
)
from kie_ui.simulator.render.worker_pool import Progress, Renderer, RenderFailed
from kie_ui.simulator.store import FINAL_STATES, Store, TaskRow
from kie_ui.simulator.validation import CheckedRequest

WAITING_S = 0.6
QUEUING_S = 1.0
GENERATING_S = 3.0
"""At speed 1; generating lasts longer where the result takes longer to make."""
GENERATION_FAILED = "501"
BAD_INPUT = "422"
INTERNAL_ERROR = "500"
NOT_FETCHED = "Demo mode does not fetch pictures from other hosts."
INTERNAL_ERROR_MSG = "The simulator itself failed; its log says why."
SAMPLE_CREATED_MS = 1_757_584_164_490
"""When the sample image tasks claim to have been made; any moment of the past will do."""
SAMPLE_COST_MS = 8_000
_log = logging.getLogger(__name__)


class RenderJob:
    """Finds the media of one task and makes its results; `clear` deletes every temporary file."""

    def __init__(self, task: TaskRow, files: Files) -> None:
        self._task = task
        self._files = files
        self._temporary: list[Path] = []
        self.share = 0.0
        """How much of it is done, from 0 to 1."""
        self.results: list[tuple[str, Path]] = []
        """The type of each, and its file under a temporary name."""
        self.answer: Any = None
        """The JSON object that a model of text answers, instead of files."""

    async def run(self, plan: RenderPlan, renderer: Renderer) -> None:
        """Make everything. Raises: NoMedia, RenderFailed."""
        found = await self._find(plan)
        requests = build_render_requests(plan, found, self._task.seed)
        for number, request in enumerate(requests):
            await self._render(request, renderer, partial(self._set_share, number, len(requests)))

    def clear(self) -> None:
        """Delete what was fetched, and the results that were not moved into place."""
        for path in self._temporary:
            path.unlink(missing_ok=True)

    async def _render(self, request: RenderRequest, renderer: Renderer, progress: Progress) -> None:
        output = self._files.incoming_path()
        self._temporary.append(output)
        await renderer.render(request, output, progress)
        if isinstance(request, TextRequest):
            self.answer = json.loads(await anyio.Path(output).read_text(encoding="utf-8"))
        else:
            self.results.append((result_mime(request), output))

    def _set_share(self, number: int, count: int, share: float) -> None:
        self.share = (number + share) / count

    async def _find(self, plan: RenderPlan) -> FoundMedia:
        inputs = plan.inputs
        pictures = [await self._picture(url) for url in inputs.pictures]
        videos = await self._paths("video", inputs.videos)
        sounds = await self._paths("audio", inputs.sounds)
        if inputs.videos and not videos and not pictures:
            pictures = [await self._picture(inputs.videos[0])]  # a placeholder
        end = await self._picture(inputs.end_picture) if inputs.end_picture else None
        found = FoundMedia(tuple(pictures), end, videos, sounds)
        return found if plan.task_id is None else self._with_earlier_result(plan, found)

    def _with_earlier_result(self, plan: RenderPlan, found: FoundMedia) -> FoundMedia:
        """Put the result of an earlier task before everything else of its kind."""
        account, task_id = self._task.account, plan.task_id or ""
        mime, path = self._files.result_of_task(account, task_id, plan.index)
        if mime.startswith("image/"):
            return found._replace(pictures=(path, *found.pictures))
        if mime.startswith("video/"):
            return found._replace(videos=(path, *found.videos))
        return found._replace(sounds=(path, *found.sounds))

    async def _picture(self, url: str) -> Picture:
        """Return a picture; a placeholder with the name of its host where it is not fetched."""
        path = await self._path("image", url)
        return path or Placeholder(text=urlsplit(url).hostname or url, caption=NOT_FETCHED)

    async def _paths(self, kind: str, urls: Sequence[str]) -> tuple[Path, ...]:
        found = [await self._path(kind, url) for url in urls]
        return tuple(path for path in found if path is not None)

    async def _path(self, kind: str, url: str) -> Path | None:
        path = await self._files.locate(url, self._task.base_url, MAX_FETCHED_BYTES[kind])
        if path is not None and self._files.is_incoming(path):
            self._temporary.append(path)
        return path


class Tasks:
    """Creates tasks and moves each from state to state until it ends."""

    def __init__(
        self, config: SimulatorConfig, store: Store, files: Files, renderer: Renderer
    ) -> None:
        self._config = config
        self._store = store
        self._files = files
        self._renderer = renderer
        self._callbacks = Callbacks(config)
        self._clip_slots = asyncio.Semaphore(config.max_renders)
        self._light_slots = asyncio.Semaphore(1)
        self._background = BackgroundTasks()
        self._jobs: dict[str, RenderJob] = {}
        """By task id; of the tasks whose results are being made."""

    def create(
        self,
        account: str,
        checked: CheckedRequest,
        body: dict[str, Any],
        price: float,
        base_url: str,
        outcome: ForcedOutcome | None,
    ) -> TaskRow:
        """Store a task, charge its price, and start it.

        Raises: InsufficientCredits.
        """
        spec, values = checked.spec, checked.values
        outcome = outcome or outcome_in_texts(texts_of(spec, values)) or ForcedOutcome()
        now_ms = self._config.now_ms()
        task = TaskRow(
            task_id=secrets.token_hex(16),
            account=account,
            model=spec.model,
            request=body,
            values=values,
            seed=choose_seed(spec, values),
            credits=price,
            base_url=base_url,
            callback_url=checked.callback_url,
            forced_outcome=outcome.model_dump(mode="json"),
            plan=build_plan(spec, values).model_dump(mode="json"),
            state="waiting",
            created_ms=now_ms,
            updated_ms=now_ms,
        )
        self._store.add_task(task, initial_credits=self._config.credits)
        self._start(task)
        return task

    def resume(self) -> None:
        """Start everything again that an earlier process left unfinished."""
        for task in self._store.unfinished_tasks():
            self._start(task)

    async def aclose(self) -> None:
        """Leave every task in its state; the next start resumes it."""
        await self._background.stop()
        await self._callbacks.aclose()
        await self._renderer.aclose()

    def record(self, task: TaskRow, base_url: str) -> dict[str, Any]:
        """Return the record of a task as the wire has it, with addresses under `base_url`."""
        found = [self._files.find(file_id) for file_id in task.result_files]
        urls = [file_url(base_url, row) for row, _ in filter(None, found)]
        job = self._jobs.get(task.task_id)
        return _record(task, urls, int(99 * job.share) if job else 0)

    def _start(self, task: TaskRow) -> None:
        self._background.spawn(self._run(task), name=f"simulated task {task.task_id}")

    async def _run(self, task: TaskRow) -> None:
        try:
            if task.state not in FINAL_STATES:
                await self._advance(task)
        except Exception:  # noqa: BLE001 - whatever it was, no client shall wait for ever
            _log.exception("task %s failed inside the simulator", task.task_id)
            self._fail(task, INTERNAL_ERROR, INTERNAL_ERROR_MSG)
        await self._call_back(task.task_id)

    async def _advance(self, task: TaskRow) -> None:
        """Move a task from its present state to its end."""
        outcome = ForcedOutcome.model_validate(task.forced_outcome)
        slowness = outcome.slowness / self._config.speed
        if task.state == "waiting":
            await self._config.sleep(WAITING_S * slowness)
            self._store.move_task(task.task_id, "queuing", self._config.now_ms())
        if task.state in ("waiting", "queuing"):
            await self._config.sleep(QUEUING_S * slowness)
        if outcome.never_ends or outcome.fails:
            await self._pretend(task, outcome, slowness)
        else:
            await self._generate(task, slowness)

    async def _pretend(self, task: TaskRow, outcome: ForcedOutcome, slowness: float) -> None:
        """Seem to generate without rendering anything."""
        self._store.move_task(task.task_id, "generating", self._config.now_ms())
        if outcome.never_ends:
            return
        await self._config.sleep(GENERATING_S * slowness)
        self._fail(task, outcome.fail_code, outcome.fail_msg)

    async def _generate(self, task: TaskRow, slowness: float) -> None:
        job = self._jobs[task.task_id] = RenderJob(task, self._files)
        try:
            await self._render(task, job, min_s=GENERATING_S * slowness)
            rows = [
                self._files.place_result(task.account, task.task_id, mime, path)
                for mime, path in job.results
            ]
            self._store.finish_task(task.task_id, rows, job.answer, self._config.now_ms())
        except NoMedia as error:
            self._fail(task, BAD_INPUT, str(error))
        except RenderFailed as error:
            self._fail(task, GENERATION_FAILED, str(error))
        finally:
            job.clear()
            del self._jobs[task.task_id]

    async def _render(self, task: TaskRow, job: RenderJob, min_s: float) -> None:
        """Make the results when it is their turn, in no less than `min_s` seconds."""
        plan = await asyncio.to_thread(_plan_of, task, self._config)
        async with self._clip_slots if plan.produces == "video" else self._light_slots:
            self._store.move_task(task.task_id, "generating", self._config.now_ms())
            started_at = self._config.clock()
            await job.run(plan, self._renderer)
        await self._config.sleep(max(0.0, min_s - (self._config.clock() - started_at)))

    def _fail(self, task: TaskRow, code: str, msg: str) -> None:
        self._store.fail_task(task, code, msg, self._config.now_ms())

    async def _call_back(self, task_id: str) -> None:
        task = self._store.task(task_id)
        if task is None or task.callback_url is None or task.state not in FINAL_STATES:
            return
        await self._callbacks.deliver(task.callback_url, self.record(task, task.base_url))
        self._store.mark_reported(task_id)


def _plan_of(task: TaskRow, config: SimulatorConfig) -> RenderPlan:
    """Return the plan of a task; one that an older simulator created has none, so build it.

    Raises: NoMedia, if its model is no longer known.
    """
    if task.plan is not None:
        return RenderPlan.model_validate(task.plan)
    versions = config.find_versions(task.model, "")
    if not versions:
        raise NoMedia(f"There is no model “{task.model}” any more.")
    return build_plan(versions[0], task.values)


def _record(task: TaskRow, urls: list[str], progress: int) -> dict[str, Any]:
    """Return a task's record; `progress` is in per cent, times in unix milliseconds."""
    is_success = task.state == "success"
    answer = task.result_object
    result = {"resultUrls": urls} if answer is None else {"resultObject": answer}
    cost_ms = task.completed_ms - task.created_ms if task.completed_ms and is_success else None
    return {
        "taskId": task.task_id,
        "model": task.model,
        "state": task.state,
        "param": _json(task.request),
        "resultJson": _json(result) if is_success else None,
        "failCode": task.fail_code,
        "failMsg": task.fail_msg,
        "costTime": cost_ms,
        "completeTime": task.completed_ms,
        "createTime": task.created_ms,
        "updateTime": task.updated_ms,
        "progress": 100 if is_success else progress,
        "creditsConsumed": _credits_consumed(task),
    }


def sample_record(sample: SampleImageTask, base_url: str) -> dict[str, Any]:
    """Return the record of a sample image task, which ended long ago and cost nothing."""
    completed_ms = SAMPLE_CREATED_MS + SAMPLE_COST_MS
    task = TaskRow(
        task_id=sample.task_id,
        account="",
        model=IMAGE_MODEL,
        request={"model": IMAGE_MODEL, "input": {"prompt": sample.prompt}},
        values={},
        seed=0,
        credits=0.0,
        base_url=base_url,
        callback_url=None,
        forced_outcome={},
        state="success",
        created_ms=SAMPLE_CREATED_MS,
        updated_ms=completed_ms,
        completed_ms=completed_ms,
    )
    urls = [f"{base_url}/files/{picture}" for picture in sample.pictures]
    return {**_record(task, urls, progress=100), "creditsConsumed": 0.0}


def _credits_consumed(task: TaskRow) -> float | None:
    """Return what was billed: nothing for a failed task, None for one that has not ended.

    None as well for a model whose price is not known.
    """
    if task.state == "success":
        return task.credits or None
    return 0.0 if task.state == "fail" else None


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
