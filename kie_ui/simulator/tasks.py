"""The life of tasks: waiting, queuing, generating, and an end.

Source: observed live, the five states and "createTask" (a failed
task is not billed).
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kie_ui.catalog.registry import UnknownModel
from kie_ui.simulator import callbacks
from kie_ui.simulator.checks import CheckedRequest
from kie_ui.simulator.clips import ClipOrder, build_order, choose_seed, picture_urls
from kie_ui.simulator.config import SimulatorConfig
from kie_ui.simulator.faults import Fate, fate_in_prompt
from kie_ui.simulator.files import Files
from kie_ui.simulator.pictures import NoPicture, Picture, PictureFinder
from kie_ui.simulator.records import record
from kie_ui.simulator.store import FINAL_STATES, Store, TaskRow
from kie_ui.simulator.workers import Renderer, RenderFailed

WAITING_S = 0.6
QUEUING_S = 1.0
GENERATING_S = 3.0
"""At speed 1; generating lasts longer where the clip takes longer to render."""
GENERATION_FAILED = "501"
BAD_PICTURE = "422"
INTERNAL_ERROR = "500"
OWN_FAULT = "The simulator itself failed; its log says why."
_log = logging.getLogger(__name__)


@dataclass
class _Rendering:
    """How far a task under way has come."""

    share: float = 0.0


class Tasks:
    """Creates tasks and brings each to its end."""

    def __init__(
        self, config: SimulatorConfig, store: Store, files: Files, renderer: Renderer
    ) -> None:
        self._config = config
        self._store = store
        self._files = files
        self._renderer = renderer
        self._finder = PictureFinder(config, files)
        self._slots = asyncio.Semaphore(config.max_renders)
        self._lives: set[asyncio.Task[None]] = set()
        self._renderings: dict[str, _Rendering] = {}

    def create(
        self,
        account: str,
        checked: CheckedRequest,
        body: dict[str, Any],
        price: float,
        base_url: str,
        fate: Fate | None,
    ) -> TaskRow:
        """Write a task, take its price, and set it going.

        Raises: InsufficientCredits.
        """
        fate = fate or fate_in_prompt(checked.values.get("prompt")) or Fate()
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
        await self._renderer.aclose()

    def record(self, task: TaskRow, base_url: str) -> dict[str, Any]:
        """Tell the state of a task, with addresses under `base_url`."""
        found = self._files.find(task.result_file) if task.result_file else None
        rendering = self._renderings.get(task.task_id)
        progress = int(99 * rendering.share) if rendering else 0
        return record(task, found[0] if found else None, progress, base_url)

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
        fate = Fate.model_validate(task.fate)
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

    async def _pretend(self, task: TaskRow, fate: Fate, pace: float) -> None:
        """Look busy without rendering anything."""
        self._store.move_task(task.task_id, "generating", self._config.now_ms())
        if fate.never_ends:
            return
        await self._config.sleep(GENERATING_S * pace)
        self._store.fail_task(task, fate.fail_code, fate.fail_msg, self._config.now_ms())

    async def _generate(self, task: TaskRow, pace: float) -> None:
        output = self._files.incoming_path()
        earliest_end = GENERATING_S * pace
        try:
            async with self._slots:
                self._store.move_task(task.task_id, "generating", self._config.now_ms())
                started_at = self._config.clock()
                await self._render(task, output)
            await self._config.sleep(max(0.0, earliest_end - (self._config.clock() - started_at)))
            clip = self._files.place_clip(task.account, task.task_id, output)
            self._store.finish_task(task.task_id, clip, self._config.now_ms())
        except NoPicture as error:
            self._store.fail_task(task, BAD_PICTURE, str(error), self._config.now_ms())
        except RenderFailed as error:
            self._store.fail_task(task, GENERATION_FAILED, str(error), self._config.now_ms())
        finally:
            output.unlink(missing_ok=True)
            self._renderings.pop(task.task_id, None)

    async def _render(self, task: TaskRow, output: Path) -> None:
        rendering = self._renderings.setdefault(task.task_id, _Rendering())

        def progress(share: float) -> None:
            rendering.share = share

        fetched: list[Path] = []
        try:
            order = await self._order(task, fetched)
            await self._renderer.render(order, output, progress)
        finally:
            for path in fetched:
                path.unlink(missing_ok=True)

    async def _order(self, task: TaskRow, fetched: list[Path]) -> ClipOrder:
        try:
            spec = self._config.current_registry().spec(task.model)
        except UnknownModel as error:
            raise RenderFailed(str(error)) from error
        start_url, end_url = picture_urls(spec, task.values)
        if start_url is None and "task_id" in task.values:
            index = int(task.values.get("index", 0))
            start = self._finder.find_of_image_task(task.values["task_id"], index)
        else:
            start = await self._picture(start_url, task, fetched)
        end = await self._picture(end_url, task, fetched) if end_url else None
        return build_order(task.values, task.seed, start, end)

    async def _picture(self, url: str | None, task: TaskRow, fetched: list[Path]) -> Picture:
        if url is None:
            return Picture(stand_in_host=task.model)
        picture = await self._finder.find(url, task.base_url)
        if picture.path is not None and self._files.is_incoming(picture.path):
            fetched.append(picture.path)
        return picture

    async def _report(self, task_id: str) -> None:
        task = self._store.task(task_id)
        if task is None or task.callback_url is None or task.state not in FINAL_STATES:
            return
        await callbacks.deliver(self._config, task.callback_url, self.record(task, task.base_url))
        self._store.mark_reported(task_id)
