"""Background tasks: started in one place, never dying unseen, awaited at the end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger(__name__)


class BackgroundTasks:
    """Owns every task that it started until the task ends or `stop` ends it."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, None], *, name: str) -> asyncio.Task[None]:
        """Run `work` beside everything else; an exception that ends it is logged."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def stop(self, *, grace_s: float = 0.0) -> None:
        """Give the tasks `grace_s` seconds to end, cancel the rest and wait for them."""
        if grace_s > 0 and self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=grace_s)
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("The background task %s failed.", task.get_name(), exc_info=error)
