"""The way from a run to the client it is made with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kie_ui.kie.backend import Backend
from kie_ui.kie.client import KieClient
from kie_ui.runs.backends import Backends, Billed
from kie_ui.runs.clients import Clients
from kie_ui.runs.journal import Journal
from kie_ui.runs.run import BackendKind, Payer, Run

KEY_GONE = "The key is gone: enter it again and this run goes on."

SERVER_KEY_GONE = "The server's key, which pays for this run, is gone: with it this run goes on."


def key_gone(run: Run) -> str:
    """Say what a run waits for whose key is missing."""
    return SERVER_KEY_GONE if run.paid_by == "server" else KEY_GONE


class Access:
    """Lends the client of a run's own backend: a run goes on with what it was begun with.

    That holds for the key too: who pays was settled at the press, see `Run.paid_by`.
    """

    def __init__(self, backends: Backends, clients: Clients, journal: Journal) -> None:
        self._backends = backends
        self._clients = clients
        self._journal = journal

    @asynccontextmanager
    async def client(self, run: Run) -> AsyncIterator[KieClient | None]:
        """Lend the run's client, or None if its key is missing."""
        backend = await self._backend(run)
        if backend is None:
            yield None
            return
        async with self._clients.client(backend) as client:
            yield client

    def payer(self, owner: str, kind: BackendKind) -> Payer | None:
        """Tell whose key an owner's next run of a kind is made with."""
        return self._backends.payer(owner, kind)

    def account(self, run: Run) -> str | None:
        """Name the account that a run goes to; None if its key is missing."""
        return self._backends.account(run.owner, run.backend, run.paid_by)

    def may_share_account(self, run: Run, other: Billed) -> bool:
        """Tell whether something else may have been made with the account of a run."""
        return self.account(run) in self._backends.possible_accounts(other)

    async def account_in_time(self, run: Run) -> str:
        """Name a run's account; if its key is missing, say so and wait until it is entered."""
        while (account := self.account(run)) is None:
            change = self._backends.next_change(run.owner)
            run = await self._journal.remark(run, key_gone(run))
            await change.wait()
        if run.note == key_gone(run):
            await self._journal.remark(run, None)
        return account

    @asynccontextmanager
    async def client_in_time(self, run: Run) -> AsyncIterator[KieClient]:
        """Lend the run's client; if its key is missing, say so and wait until it is entered."""
        while (backend := await self._backend(run)) is None:
            await self.account_in_time(run)
        async with self._clients.client(backend) as client:
            yield client

    async def _backend(self, run: Run) -> Backend | None:
        return await self._backends.backend(run.owner, run.backend, run.paid_by)
