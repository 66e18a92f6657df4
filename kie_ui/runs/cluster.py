"""Which process is alive: each holds a lock of the operating system for as long as it lives.

The lock goes with its process, however that ends, so a killed holder is known at once and a
sleeping one is never taken for dead; no clock is involved.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from kie_ui.runs.clock import Clock
from kie_ui.runs.errors import RunsProblem
from kie_ui.runs.events import RunEvents
from kie_ui.runs.run import Run
from kie_ui.runs.storage.run_store import RunStore

log = logging.getLogger(__name__)


_PRIVATE = 0o700

_MOMENT_S = 5.0
"""How long to try for a lock of one's own: others hold it for moments, to see who is alive."""


class ProcessLock:
    """This process among those that share a data folder. Blocks for moments: a disk is asked."""

    def __init__(self, folder: Path) -> None:
        self.id = uuid4().hex
        self._folder = folder
        self._lock: FileLock | None = None

    def enter(self) -> None:
        """Be known as alive from now on; once more changes nothing. Raises: OSError."""
        if self._lock is not None:
            return
        self._folder.mkdir(_PRIVATE, parents=True, exist_ok=True)
        lock = FileLock(self._path(self.id), thread_local=False)
        lock.acquire(timeout=_MOMENT_S)
        self._lock = lock

    def leave(self) -> None:
        """Be gone."""
        if self._lock is not None:
            self._path(self.id).unlink(missing_ok=True)
            self._lock.release()
            self._lock = None

    def is_alive(self, holder: str) -> bool:
        """Tell whether a process is still there; what a dead one left behind is removed.

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
        self,
        store: RunStore,
        presence: ProcessLock,
        feed: RunEvents,
        clock: Clock,
        on_taken: Callable[[Run], None],
        on_others: Callable[[int], None],
    ) -> None:
        self._store = store
        self._presence = presence
        self._feed = feed
        self._clock = clock
        self._on_taken = on_taken
        self._on_others = on_others
        """Is told how many other processes there are, when that has changed."""
        self._looking: asyncio.Task[None] | None = None
        self._others: frozenset[str] = frozenset()
        self._told: dict[str, int] = {}
        self._looked_at_ms = 0

    @property
    def id(self) -> str:
        """Who holds the runs of this process."""
        return self._presence.id

    async def start(self) -> None:
        """Be known, and take over what nobody holds any more. Raises: OSError, StoreProblem."""
        await asyncio.to_thread(self._presence.enter)
        self._looked_at_ms = self._clock.now_ms()
        await self._take_over()
        await self._look()
        self._looking = asyncio.create_task(self._look_again_and_again(), name="holding")

    async def look_no_more(self) -> None:
        """Take nothing over any more."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def stop(self) -> None:
        """Let every run go, for whoever comes next."""
        await self.look_no_more()
        if self._looking is not None:
            try:
                await self._store.release(self.id)
            except RunsProblem as problem:
                log.warning("Runs are not let go: %s", problem)
        await asyncio.to_thread(self._presence.leave)

    async def _take_over(self) -> None:
        for holder in await self._store.holders():
            if holder is None or not await asyncio.to_thread(self._presence.is_alive, holder):
                for run in await self._store.take_over(holder, self.id):
                    self._on_taken(run)

    async def _look_again_and_again(self) -> None:
        while True:
            await self._clock.sleep(LOOK_S)
            try:
                await self._look()
            except (RunsProblem, OSError) as problem:
                log.warning("Other processes on this data folder are not seen: %s", problem)

    async def _look(self) -> None:
        others = frozenset(await asyncio.to_thread(self._presence.others))
        if others or self._others:
            await self._tell_changes()
        # Every time: a process may have come and gone between two looks.
        await self._take_over()
        if len(others) != len(self._others):
            self._on_others(len(others))
        self._others = others

    async def _tell_changes(self) -> None:
        """Tell what others changed since the last look, each change once."""
        now_ms = self._clock.now_ms()
        since_ms = self._looked_at_ms - OVERLAP_MS
        changed = await self._store.changed_by_others(self.id, since_ms)
        for run in changed:
            if self._told.get(run.id) != run.updated_at_ms:
                self._feed.publish(run)
        self._told = {run.id: run.updated_at_ms for run in changed}
        self._looked_at_ms = now_ms
