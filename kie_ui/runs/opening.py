"""The database opened: for real, or to be read alone where it cannot be written, until it can."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from kie_ui.media.storage import Storage, explain_os_error
from kie_ui.runs.clock import Clock
from kie_ui.runs.errors import StoreProblem

if TYPE_CHECKING:  # SQLAlchemy takes a while to import, and the page's first view is without it
    from kie_ui.runs.store import Store

log = logging.getLogger(__name__)

REOPEN_S = 10.0
"""Seconds between attempts to open a database that can't be written."""


class Opening:
    """Opens the store and the storage; `opened` is called once they can be written."""

    def __init__(
        self,
        store: Store,
        storage: Storage,
        clock: Clock,
        opened: Callable[[], Awaitable[None]],
        aside: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self.trouble: str | None = None
        """Why nothing can be kept, where runs can be read at best."""
        self._store = store
        self._storage = storage
        self._clock = clock
        self._opened = opened
        self._aside = aside

    def raise_trouble(self) -> None:
        """Refuse what could not be kept. Raises: StoreProblem, where there is trouble."""
        if self.trouble is not None:
            raise StoreProblem(self.trouble)

    async def open(self) -> None:
        """Open, to be read alone where need be; then opening is tried again and again.

        Raises: StoreProblem, if it can't even be read.
        """
        try:
            await self._open()
        except (StoreProblem, OSError) as problem:
            sentence = explain_os_error(problem) if isinstance(problem, OSError) else str(problem)
            await self._only_read(sentence)

    async def _open(self) -> None:
        """Open for real. Raises: StoreProblem, OSError."""
        await self._store.open()
        await asyncio.to_thread(self._storage.sweep_parts)
        await self._opened()
        self.trouble = None

    async def _only_read(self, sentence: str) -> None:
        """Go on without writing. Raises: StoreProblem, if nothing can be read."""
        try:
            await self._store.open_to_read(sentence)
        except StoreProblem as unreadable:
            raise StoreProblem(sentence) from unreadable
        self.trouble = sentence
        log.critical("Runs can be read, but none can be made: %s", sentence)
        self._aside(self._reopen())

    async def _reopen(self) -> None:
        while self.trouble is not None:
            await self._clock.sleep(REOPEN_S)
            try:
                await self._open()
            except (StoreProblem, OSError):  # it has been said already
                with suppress(StoreProblem):
                    await self._store.open_to_read(self.trouble)
