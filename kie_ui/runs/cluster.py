"""Which process is alive: each holds a lock of the operating system for as long as it lives.

The lock goes with its process, however that ends, so a killed holder is noticed at once and a
sleeping one is never considered dead; no clock is involved.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from kie_ui.background import BackgroundTasks
from kie_ui.runs.errors import RunsProblem
from kie_ui.runs.lifecycle.engine import RunEngine
from kie_ui.runs.lifecycle.poll_scheduler import PollScheduler
from kie_ui.runs.storage.run_store import RunStore

log = logging.getLogger(__name__)


_OWNER_ONLY = 0o700

_LOCK_TIMEOUT_S = 5.0
"""How long to try for this process's own lock: others hold it for moments, to see who is alive."""


class ProcessLock:
    """This process among those that share a data folder. Its methods block for moments."""

    def __init__(self, folder: Path) -> None:
        self.id = uuid4().hex
        self._folder = folder
        self._lock: FileLock | None = None

    def enter(self) -> None:
        """Register this process as alive; calling it again changes nothing. Raises: OSError."""
        if self._lock is not None:
            return
        self._folder.mkdir(_OWNER_ONLY, parents=True, exist_ok=True)
        lock = FileLock(self._path(self.id), thread_local=False)
        lock.acquire(timeout=_LOCK_TIMEOUT_S)
        self._lock = lock

    def leave(self) -> None:
        """Unregister this process."""
        if self._lock is not None:
            self._path(self.id).unlink(missing_ok=True)
            self._lock.release()
            self._lock = None

    def is_alive(self, holder: str) -> bool:
        """Whether a process is still there; what a dead one left behind is removed.

        Raises: OSError.
        """
        path = self._path(holder)
        if holder == self.id:
            return True
        if not path.exists():
            return False
        lock = FileLock(path, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        path.unlink(missing_ok=True)
        lock.release()
        return False

    def others(self) -> tuple[str, ...]:
        """Name the other processes that are alive. Raises: OSError."""
        names = (path.stem for path in self._folder.glob("*.lock"))
        return tuple(name for name in names if name != self.id and self.is_alive(name))

    def _path(self, holder: str) -> Path:
        return self._folder / f"{holder}.lock"


LOOK_S = 1.0
"""Seconds between looks at what the other processes do, while there are any."""

OVERLAP_MS = 2_000
"""Looks overlap by this much: a change is written a little after the time that it carries."""


class RunOwnership:
    """Holds this process's runs, takes over those of dead processes, and follows the others'."""

    def __init__(
        self, store: RunStore, lock: ProcessLock, engine: RunEngine, scheduler: PollScheduler
    ) -> None:
        self._store = store
        self._lock = lock
        self._engine = engine
        self._scheduler = scheduler
        self._tasks = BackgroundTasks()
        self._is_held = False
        self._others: frozenset[str] = frozenset()
        self._published: dict[str, int] = {}
        """The latest change of each run that another process has just changed."""
        self._looked_at_ms = 0

    async def start(self) -> None:
        """Register, and take over runs of dead processes. Raises: OSError, StoreProblem."""
        await asyncio.to_thread(self._lock.enter)
        self._looked_at_ms = self._store.clock.now_ms()
        await self._take_over()
        await self._look()
        self._is_held = True
        self._tasks.repeat(
            self._look,
            name="look for other processes",
            every_s=LOOK_S,
            sleep=self._store.clock.sleep,
            expected=(RunsProblem, OSError),
        )

    async def stop_looking(self) -> None:
        """Stop taking over runs."""
        await self._tasks.stop()

    async def stop(self) -> None:
        """Release every run, for another process to take over."""
        await self.stop_looking()
        if self._is_held:
            try:
                await self._store.release(self._lock.id)
            except RunsProblem as problem:
                log.warning("Runs are not released: %s", problem)
        await asyncio.to_thread(self._lock.leave)

    async def _take_over(self) -> None:
        for holder in await self._store.holders():
            if holder is None or not await asyncio.to_thread(self._lock.is_alive, holder):
                for run in await self._store.take_over(holder, self._lock.id):
                    self._engine.take_over(run)

    async def _look(self) -> None:
        others = frozenset(await asyncio.to_thread(self._lock.others))
        if others or self._others:
            await self._publish_changes()
        # Every time: a process may have started and ended between two checks.
        await self._take_over()
        self._scheduler.share(1 + len(others))
        self._others = others

    async def _publish_changes(self) -> None:
        """Publish what others changed since the last look, each change once."""
        now_ms = self._store.clock.now_ms()
        since_ms = self._looked_at_ms - OVERLAP_MS
        changed = await self._store.changed_by_others(self._lock.id, since_ms)
        for run in changed:
            if self._published.get(run.id) != run.updated_at_ms:
                self._store.events.publish(run)
        self._published = {run.id: run.updated_at_ms for run in changed}
        self._looked_at_ms = now_ms
