"""The life of tasks: waiting, queuing, generating, and an end.

Source: observed live, the five states and "createTask" (a failed
task is not billed).
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import anyio

from kie_ui.simulator.callbacks import Callbacks
from kie_ui.simulator.config import SimulatorConfig
from kie_ui.simulator.faults import ForcedOutcome, fate_in_texts
from kie_ui.simulator.files import (
    IMAGE_MODEL,
    Files,
    MediaFinder,
    NoMedia,
    SampleImageTask,
    file_url,
    sample_url,
)
from kie_ui.simulator.plan import RenderPlan, build_plan, choose_seed, texts_of
from kie_ui.simulator.render.requests import (
    FoundMedia,
    Picture,
    RenderRequest,
    TextRequest,
    build_render_requests,
    result_mime,
)
from kie_ui.simulator.render.worker_pool import Renderer, RenderFailed
from kie_ui.simulator.store import FINAL_STATES, FileRow, Store, TaskRow
from kie_ui.simulator.validation import CheckedRequest


class Made(NamedTuple):
    """One result: a file under a temporary name, and its type."""

    path: Path
    mime: str


class Work:
    """The work on one task; nothing temporary of it is left after `clear`."""

    def __init__(self, task: TaskRow, files: Files, finder: MediaFinder) -> None:
        self._task = task
        self._files = files
        self._finder = finder
        self._temporary: list[Path] = []
        self.share = 0.0
        """How much of it is done, from 0 to 1."""
        self.made: list[Made] = []
        """The files so far."""
        self.answer: Any = None
        """What was answered, where that is no file."""

    async def do(self, plan: RenderPlan, renderer: Renderer) -> None:
        """Make everything. Raises: NoMedia, RenderFailed."""
        requests = build_render_requests(plan, await self._find(plan), self._task.seed)
        for number, request in enumerate(requests):
            await self._make(request, renderer, number, len(requests))

    def clear(self) -> None:
        """Delete what was fetched, and what was made and has not been placed."""
        for path in self._temporary:
            path.unlink(missing_ok=True)

    async def _make(
        self, request: RenderRequest, renderer: Renderer, number: int, count: int
    ) -> None:
        output = self._files.incoming_path()
        self._temporary.append(output)
        await renderer.render(request, output, partial(self._tell, number, count))
        if isinstance(request, TextRequest):
            self.answer = json.loads(await anyio.Path(output).read_text(encoding="utf-8"))
        else:
            self.made.append(Made(output, result_mime(request)))

    def _tell(self, number: int, count: int, share: float) -> None:
        self.share = (number + share) / count

    async def _find(self, plan: RenderPlan) -> FoundMedia:
        inputs = plan.inputs
        pictures = [await self._picture(url) for url in inputs.pictures]
        videos = await self._places("video", inputs.videos)
        sounds = await self._places("audio", inputs.sounds)
        if inputs.videos and not videos and not pictures:
            pictures = [await self._picture(inputs.videos[0])]  # a placeholder
        end = await self._picture(inputs.end_picture) if inputs.end_picture else None
        found = FoundMedia(pictures=tuple(pictures), end=end, videos=videos, sounds=sounds)
        return found if plan.task_id is None else self._with_earlier_result(plan, found)

    def _with_earlier_result(self, plan: RenderPlan, found: FoundMedia) -> FoundMedia:
        """Put the result of an earlier task before everything else of its kind."""
        account, task_id = self._task.account, plan.task_id or ""
        mime, path = self._finder.result_of_task(account, task_id, plan.index)
        if mime.startswith("image/"):
            return found._replace(pictures=(path, *found.pictures))
        if mime.startswith("video/"):
            return found._replace(videos=(path, *found.videos))
        return found._replace(sounds=(path, *found.sounds))

    async def _picture(self, url: str) -> Picture:
        picture = await self._finder.find_picture(url, self._task.base_url)
        if isinstance(picture, Path):
            self._note_fetched(picture)
        return picture

    async def _places(self, kind: str, urls: Sequence[str]) -> tuple[Path, ...]:
        places = [await self._finder.find(url, self._task.base_url, kind) for url in urls]
        for place in places:
            self._note_fetched(place)
        return tuple(place for place in places if place is not None)

    def _note_fetched(self, place: Path | None) -> None:
        if place is not None and self._files.is_incoming(place):
            self._temporary.append(place)


def plan_of(task: TaskRow, config: SimulatorConfig) -> RenderPlan:
    """Return what a task shall make; one of an older simulator did not write that down.

    Raises: NoMedia, where its model is no longer known.
    """
    if task.brief is not None:
        return RenderPlan.model_validate(task.brief)
    versions = config.catalog.versions(task.model)
    if not versions:
        raise NoMedia(f"There is no model “{task.model}” any more.")
    return build_plan(versions[0], task.values)


SAMPLE_CREATED_MS = 1_757_584_164_490
"""When the sample image tasks claim to have been made; any fixed moment of the past will do."""
SAMPLE_COST_MS = 8_000


def record(task: TaskRow, results: list[FileRow], progress: int, base_url: str) -> dict[str, Any]:
    """Tell the state of a task; `progress` is in per cent, times in unix milliseconds."""
    is_success = task.state == "success"
    cost_ms = task.completed_ms - task.created_ms if task.completed_ms and is_success else None
    return {
        "taskId": task.task_id,
        "model": task.model,
        "state": task.state,
        "param": _json(task.request),
        "resultJson": _json(_result(task, results, base_url)) if is_success else None,
        "failCode": task.fail_code,
        "failMsg": task.fail_msg,
        "costTime": cost_ms,
        "completeTime": task.completed_ms,
        "createTime": task.created_ms,
        "updateTime": task.updated_ms,
        "progress": 100 if is_success else progress,
        "creditsConsumed": _credits_consumed(task),
    }


def _result(task: TaskRow, results: list[FileRow], base_url: str) -> dict[str, Any]:
    """Tell what a task has made: an answer, or where its files are."""
    if task.result_object is not None:
        return {"resultObject": task.result_object}
    return {"resultUrls": [file_url(base_url, file) for file in results]}


def sample_record(task: SampleImageTask, base_url: str) -> dict[str, Any]:
    """Tell the state of a sample image task: long done."""
    request = {"model": IMAGE_MODEL, "input": {"prompt": task.prompt}}
    completed_ms = SAMPLE_CREATED_MS + SAMPLE_COST_MS
    return {
        "taskId": task.task_id,
        "model": IMAGE_MODEL,
        "state": "success",
        "param": _json(request),
        "resultJson": _json({"resultUrls": [sample_url(base_url, p) for p in task.pictures]}),
        "failCode": None,
        "failMsg": None,
        "costTime": SAMPLE_COST_MS,
        "completeTime": completed_ms,
        "createTime": SAMPLE_CREATED_MS,
        "updateTime": completed_ms,
        "progress": 100,
        "creditsConsumed": 0.0,
    }


def _credits_consumed(task: TaskRow) -> float | None:
    """Tell what was billed: nothing for a failed task, and nothing yet for one under way.

    Of a model whose price nobody knows, none is told either.
    """
    if task.state == "success":
        return task.credits or None
    return 0.0 if task.state == "fail" else None


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


WAITING_S = 0.6
QUEUING_S = 1.0
GENERATING_S = 3.0
"""At speed 1; generating lasts longer where the result takes longer to make."""
GENERATION_FAILED = "501"
BAD_INPUT = "422"
INTERNAL_ERROR = "500"
OWN_FAULT = "The simulator itself failed; its log says why."
_log = logging.getLogger(__name__)


class Tasks:
    """Creates tasks and brings each to its end."""

    def __init__(
        self,
        config: SimulatorConfig,
        store: Store,
        files: Files,
        finder: MediaFinder,
        renderer: Renderer,
    ) -> None:
        self._config = config
        self._store = store
        self._files = files
        self._renderer = renderer
        self._finder = finder
        self._callbacks = Callbacks(config)
        self._clip_slots = asyncio.Semaphore(config.max_renders)
        self._light_slots = asyncio.Semaphore(config.max_light_renders)
        self._lives: set[asyncio.Task[None]] = set()
        self._work: dict[str, Work] = {}
        """What is being made, by the ids of tasks."""

    def create(
        self,
        account: str,
        checked: CheckedRequest,
        body: dict[str, Any],
        price: float,
        base_url: str,
        fate: ForcedOutcome | None,
    ) -> TaskRow:
        """Write a task, take its price, and set it going.

        Raises: InsufficientCredits.
        """
        fate = fate or fate_in_texts(texts_of(checked.spec, checked.values)) or ForcedOutcome()
        now_ms = self._config.now_ms()
        task = TaskRow(
            task_id=secrets.token_hex(16),
            account=account,
            model=checked.spec.model,
            request=body,
            values=checked.values,
            seed=choose_seed(checked.spec, checked.values),
            credits=price,
            base_url=base_url,
            callback_url=checked.callback_url,
            fate=fate.model_dump(mode="json"),
            brief=build_plan(checked.spec, checked.values).model_dump(mode="json"),
            state="waiting",
            created_ms=now_ms,
            updated_ms=now_ms,
        )
        self._store.add_task(task, at_start=self._config.credits)
        self._set_going(task)
        return task

    def resume(self) -> None:
        """Set everything going again that an earlier process left unfinished."""
        for task in self._store.unfinished_tasks():
            self._set_going(task)

    async def aclose(self) -> None:
        """Leave every task where it is; the next start resumes it."""
        lives = list(self._lives)
        for life in lives:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)
        await self._callbacks.aclose()
        await self._renderer.aclose()

    def record(self, task: TaskRow, base_url: str) -> dict[str, Any]:
        """Tell the state of a task, with addresses under `base_url`."""
        found = [self._files.find(file_id) for file_id in task.result_files]
        work = self._work.get(task.task_id)
        progress = int(99 * work.share) if work else 0
        return record(task, [each[0] for each in found if each], progress, base_url)

    def _set_going(self, task: TaskRow) -> None:
        life = asyncio.create_task(self._live(task))
        self._lives.add(life)
        life.add_done_callback(self._lives.discard)

    async def _live(self, task: TaskRow) -> None:
        try:
            if task.state not in FINAL_STATES:
                await self._bring_to_end(task)
        except Exception:  # noqa: BLE001 - whatever it was, nobody shall wait for ever
            _log.exception("task %s failed inside the simulator", task.task_id)
            self._store.fail_task(task, INTERNAL_ERROR, OWN_FAULT, self._config.now_ms())
        await self._report(task.task_id)

    async def _bring_to_end(self, task: TaskRow) -> None:
        fate = ForcedOutcome.model_validate(task.fate)
        pace = fate.slowness / self._config.speed
        if task.state == "waiting":
            await self._config.sleep(WAITING_S * pace)
            self._store.move_task(task.task_id, "queuing", self._config.now_ms())
        if task.state in ("waiting", "queuing"):
            await self._config.sleep(QUEUING_S * pace)
        if fate.never_ends or fate.fails:
            await self._pretend(task, fate, pace)
        else:
            await self._generate(task, pace)

    async def _pretend(self, task: TaskRow, fate: ForcedOutcome, pace: float) -> None:
        """Look busy without rendering anything."""
        self._store.move_task(task.task_id, "generating", self._config.now_ms())
        if fate.never_ends:
            return
        await self._config.sleep(GENERATING_S * pace)
        self._store.fail_task(task, fate.fail_code, fate.fail_msg, self._config.now_ms())

    async def _generate(self, task: TaskRow, pace: float) -> None:
        work = self._work.setdefault(task.task_id, Work(task, self._files, self._finder))
        earliest_end = GENERATING_S * pace
        try:
            plan = plan_of(task, self._config)
            async with self._slots_for(plan):
                self._store.move_task(task.task_id, "generating", self._config.now_ms())
                started_at = self._config.clock()
                await work.do(plan, self._renderer)
            await self._config.sleep(max(0.0, earliest_end - (self._config.clock() - started_at)))
            self._finish(task, work)
        except NoMedia as error:
            self._store.fail_task(task, BAD_INPUT, str(error), self._config.now_ms())
        except RenderFailed as error:
            self._store.fail_task(task, GENERATION_FAILED, str(error), self._config.now_ms())
        finally:
            work.clear()
            self._work.pop(task.task_id, None)

    def _slots_for(self, plan: RenderPlan) -> asyncio.Semaphore:
        return self._clip_slots if plan.produces == "video" else self._light_slots

    def _finish(self, task: TaskRow, work: Work) -> None:
        results = [
            self._files.place_result(task.account, task.task_id, mime, path)
            for path, mime in work.made
        ]
        self._store.finish_task(task.task_id, results, work.answer, self._config.now_ms())

    async def _report(self, task_id: str) -> None:
        task = self._store.task(task_id)
        if task is None or task.callback_url is None or task.state not in FINAL_STATES:
            return
        await self._callbacks.deliver(task.callback_url, self.record(task, task.base_url))
        self._store.mark_reported(task_id)
