"""What is left on an account after a run: runs that end together share one question."""

from __future__ import annotations

import asyncio
import logging

from kie_ui.kie.errors import KieError
from kie_ui.runs.accounts.credentials import Access
from kie_ui.runs.errors import RunsProblem
from kie_ui.runs.run import Run
from kie_ui.runs.storage.run_store import RunStore

log = logging.getLogger(__name__)

GATHER_S = 0.3
"""How long a question waits for other runs of its account to end."""


class Balances:
    """Notes the balance on runs that have ended; a run is no worse for not knowing it."""

    def __init__(self, store: RunStore, access: Access) -> None:
        self._store = store
        self._access = access
        self._gathered: dict[str, list[Run]] = {}
        self._asking: set[asyncio.Task[None]] = set()

    def note(self, run: Run) -> None:
        """Have the balance noted on a run in a moment."""
        account = self._access.account(run)
        if account is None:
            return
        if account in self._gathered:
            self._gathered[account].append(run)
            return
        self._gathered[account] = [run]
        asking = asyncio.create_task(self._ask(account))
        self._asking.add(asking)
        asking.add_done_callback(self._asking.discard)

    async def stop(self) -> None:
        """Ask nothing more."""
        for asking in self._asking:
            asking.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)

    async def _ask(self, account: str) -> None:
        await self._store.clock.sleep(GATHER_S)
        runs = self._gathered.pop(account)
        try:
            async with self._access.client(runs[0]) as client:
                if client is None:
                    return
                balance = await client.credit()
            await asyncio.gather(*(self._store.change(r.id, balance_after=balance) for r in runs))
        except (KieError, RunsProblem) as problem:
            log.warning("The balance after %s run(s) is not known: %s", len(runs), problem)
