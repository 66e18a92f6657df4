"""Background tasks: started in one place, never dying unseen, awaited at the end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")


class BackgroundTasks:
    """Owns every task that it started until the task ends or `stop` ends it."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def spawn(
        self, work: Coroutine[Any, Any, T], *, name: str, is_awaited: bool = False
    ) -> asyncio.Task[T]:
        """Run `work` beside everything else; an exception that ends it is logged.

        But not if the task `is_awaited`: then it reaches those who wait.
        """
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard if is_awaited else self._ended)
        return task

    def repeat(
        self,
        work: Callable[[], Awaitable[object]],
        *,
        name: str,
        every_s: float,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        expected: tuple[type[Exception], ...] = (),
        at_once: bool = False,
    ) -> None:
        """Do `work` every so many seconds until the stop; no error ends that.

        The first time is after a pause, or `at_once`. Of an `expected` error only the sentence is
        logged: its cause may quote what people typed.
        """

        async def run_forever() -> None:
            if not at_once:
                await sleep(every_s)
            while True:
                try:
                    await work()
                except expected as problem:
                    log.warning("The background task %s will try again: %s", name, problem)
                except Exception:
                    log.exception("The background task %s will try again.", name)
                await sleep(every_s)

        self.spawn(run_forever(), name=name)

    async def stop(self) -> None:
        """Cancel every task, and wait for their ends."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("The background task %s failed.", task.get_name(), exc_info=error)
