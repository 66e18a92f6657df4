"""The way from a run to the client it is made with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kie_ui.kie.client import KieClient
from kie_ui.runs.backends import Backends
from kie_ui.runs.clients import Clients
from kie_ui.runs.journal import Journal
from kie_ui.runs.run import Run

KEY_GONE = "The key is gone: enter it again and this run goes on."


class Access:
    """Lends the client of a run's own backend: a run goes on with what it was begun with."""

    def __init__(self, backends: Backends, clients: Clients, journal: Journal) -> None:
        self._backends = backends
        self._clients = clients
        self._journal = journal

    @asynccontextmanager
    async def client(self, run: Run) -> AsyncIterator[KieClient | None]:
        """Lend the run's client, or None if its key is missing."""
        backend = await self._backends.backend(run.owner, run.backend)
        if backend is None:
            yield None
            return
        async with self._clients.client(backend) as client:
            yield client

    @asynccontextmanager
    async def client_in_time(self, run: Run) -> AsyncIterator[KieClient]:
        """Lend the run's client; if its key is missing, say so and wait until it is entered."""
        while (backend := await self._backends.backend(run.owner, run.backend)) is None:
            change = self._backends.next_change(run.owner)
            run = await self._journal.remark(run, KEY_GONE)
            await change.wait()
        async with self._clients.client(backend) as client:
            yield client
