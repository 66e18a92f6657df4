"""Several processes on one data folder: each takes on its own runs, and those of the dead.

What another process does with its runs is told to the pages of this one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from kie_ui.runs.clock import Clock
from kie_ui.runs.errors import RunsProblem
from kie_ui.runs.presence import Presence
from kie_ui.runs.run import Run
from kie_ui.runs.subscriptions import Feed

if TYPE_CHECKING:  # SQLAlchemy takes a while to import, and the page's first view is without it
    from kie_ui.runs.store import Store

log = logging.getLogger(__name__)

LOOK_S = 1.0
"""Seconds between looks at what the other processes do, while there are any."""

OVERLAP_MS = 2_000
"""Looks overlap by this much: a change is written a little after the time that it carries."""


class Holding:
    """Holds this process's runs, takes over those of dead processes, and follows the others'."""

    def __init__(
        self,
        store: Store,
        presence: Presence,
        feed: Feed,
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
                await self._store.let_go(self.id)
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
