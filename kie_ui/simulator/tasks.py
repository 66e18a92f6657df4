"""The life of tasks: waiting, queuing, generating, and an end.

Source: observed live, the five states and "createTask" (a failed
task is not billed).
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import Any

from kie_ui.simulator.briefs import Brief, build_brief
from kie_ui.simulator.callbacks import Callbacks
from kie_ui.simulator.checks import CheckedRequest
from kie_ui.simulator.config import SimulatorConfig
from kie_ui.simulator.faults import Fate, fate_in_texts
from kie_ui.simulator.files import Files
from kie_ui.simulator.finding import MediaFinder, NoMedia
from kie_ui.simulator.records import record
from kie_ui.simulator.roles import Asked, choose_seed
from kie_ui.simulator.store import FINAL_STATES, Store, TaskRow
from kie_ui.simulator.workers import Renderer, RenderFailed
from kie_ui.simulator.working import Work, brief_of

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
        fate: Fate | None,
    ) -> TaskRow:
        """Write a task, take its price, and set it going.

        Raises: InsufficientCredits.
        """
        fate = fate or fate_in_texts(Asked(checked.spec, checked.values).texts) or Fate()
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
            brief=build_brief(checked.spec, checked.values).model_dump(mode="json"),
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
        work = self._work.setdefault(task.task_id, Work(task, self._files, self._finder))
        earliest_end = GENERATING_S * pace
        try:
            brief = brief_of(task, self._config)
            async with self._slots_for(brief):
                self._store.move_task(task.task_id, "generating", self._config.now_ms())
                started_at = self._config.clock()
                await work.do(brief, self._renderer)
            await self._config.sleep(max(0.0, earliest_end - (self._config.clock() - started_at)))
            self._finish(task, work)
        except NoMedia as error:
            self._store.fail_task(task, BAD_INPUT, str(error), self._config.now_ms())
        except RenderFailed as error:
            self._store.fail_task(task, GENERATION_FAILED, str(error), self._config.now_ms())
        finally:
            work.clear()
            self._work.pop(task.task_id, None)

    def _slots_for(self, brief: Brief) -> asyncio.Semaphore:
        return self._clip_slots if brief.produces == "video" else self._light_slots

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
