"""What is left on an account: asked in one place, noted on runs, shown by the page."""

from __future__ import annotations

import asyncio
import logging
from typing import NamedTuple

from kie_ui.background import BackgroundTasks
from kie_ui.kie.backend import Backend
from kie_ui.kie.errors import KieError
from kie_ui.runs.accounts.credentials import Access, Clients, account_of
from kie_ui.runs.clock import SYSTEM_CLOCK, Clock
from kie_ui.runs.errors import RunsProblem
from kie_ui.runs.run import Run
from kie_ui.runs.storage.run_store import RunStore

log = logging.getLogger(__name__)

SHARED_S = 3.0
"""Seconds for which a balance just read is given to others who ask."""

GATHER_S = 0.3
"""How long a question waits for other runs of its account to end."""


class _Question(NamedTuple):
    at_s: float
    answer: asyncio.Task[float | KieError]


class Balances:
    """Asks for balances; those who ask about one account together share one answer."""

    def __init__(self, clients: Clients, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clients = clients
        self._clock = clock
        self._questions: dict[str, _Question] = {}
        """The latest of each account."""
        self._tasks = BackgroundTasks()

    async def read(self, backend: Backend, *, max_age_s: float = SHARED_S) -> float:
        """Return an account's balance in credits, asked for at most so long ago. Raises: KieError.

        An age of 0 asks anew.
        """
        now_s = self._clock.steady_s()
        questions = self._questions.items()
        self._questions = {name: q for name, q in questions if now_s - q.at_s < SHARED_S}
        account = account_of(backend)
        question = self._questions.get(account)
        if question is None or now_s - question.at_s >= max_age_s:
            answer = self._tasks.spawn(self._ask(backend), name="balance")
            question = self._questions[account] = _Question(now_s, answer)
        balance = await asyncio.shield(question.answer)
        if isinstance(balance, KieError):
            raise balance
        return balance

    async def stop(self) -> None:
        """Ask nothing more."""
        await self._tasks.stop()

    async def _ask(self, backend: Backend) -> float | KieError:
        try:
            async with self._clients.client(backend) as client:
                return await client.credit()
        except KieError as error:
            return error


class BalanceNotes:
    """Notes the balance on runs that have ended; a run is no worse for not knowing it."""

    def __init__(self, store: RunStore, access: Access, balances: Balances) -> None:
        self._store = store
        self._access = access
        self._balances = balances
        self._gathered: dict[str, list[Run]] = {}
        self._tasks = BackgroundTasks()

    def note(self, run: Run) -> None:
        """Note the balance on a run in a moment; runs that end together share one question."""
        account = self._access.account(run)
        if account is None:
            return
        if account not in self._gathered:
            self._gathered[account] = []
            self._tasks.spawn(self._note_gathered(account), name="balance of ended runs")
        self._gathered[account].append(run)

    async def stop(self) -> None:
        """Note nothing more."""
        await self._tasks.stop()

    async def _note_gathered(self, account: str) -> None:
        await self._store.clock.sleep(GATHER_S)
        runs = self._gathered.pop(account)
        backend = await self._access.backend(runs[0])
        if backend is None:
            return
        try:
            balance = await self._balances.read(backend, max_age_s=0)
            await asyncio.gather(*(self._store.change(r.id, balance_after=balance) for r in runs))
        except (KieError, RunsProblem) as problem:
            log.warning("The balance after %s run(s) is not known: %s", len(runs), problem)
