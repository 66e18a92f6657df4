"""What an owner's runs are paid from: the demo, or Kie with a key and its balance."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import SecretStr

from kie_ui.kie.backend import Backend, clean_api_key
from kie_ui.kie.errors import KieError, Unauthorized
from kie_ui.runs.accounts.balance import Balances
from kie_ui.runs.accounts.credentials import Backends
from kie_ui.runs.events import ChangeSignals

GONE_AFTER_S = 12 * 3600.0
"""How long after the last page was closed a visitor's key and balance are remembered."""


RunsLeft = Callable[[str], Awaitable[int | None]]


class Accounts:
    """Every owner's balance as last seen, told to the pages that show it."""

    def __init__(
        self,
        backends: Backends,
        balances: Balances,
        live: Callable[[SecretStr], Backend],
        *,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.runs_left: RunsLeft = _no_limit
        """Tells how many runs with the server's key an owner has left today."""
        self._now_s = now_s
        self._left: dict[str, int] = {}
        self._seen_s: dict[str, float] = {}
        """When each owner was last known to be there: as a page closed, or as a key was taken."""
        self._backends = backends
        self._live = live
        self._reader = balances
        self._balances: dict[str, float] = {}
        self._troubles: dict[str, str] = {}
        self._bells = ChangeSignals()
        backends.listen(self._forget)

    def describe(self, owner: str) -> dict[str, Any]:
        """Say what the page shows of an owner's account."""
        return {
            "kind": self._backends.kind(owner),
            "has_own_key": self._backends.has_own_key(owner),
            "balance": self._balances.get(owner),
            "runs_left": self._left.get(owner),
            "trouble": self._troubles.get(owner),
        }

    @contextmanager
    def changes(self, owner: str) -> Iterator[asyncio.Event]:
        """Give an event that is set whenever the owner's account changes."""
        try:
            with self._bells.subscribe(owner) as changed:
                yield changed
        finally:
            self._seen_s[owner] = self._now_s()

    async def test_key(self, owner: str, key: str) -> float:
        """Take a typed key once Kie has answered to it, and return the balance.

        A key that Kie refuses is not taken. Raises: ValueError, KieError.
        """
        backend = self._live(SecretStr(clean_api_key(key)))
        balance = await self._reader.read(backend, max_age_s=0)
        self._backends.set_key(owner, key)
        self._seen_s[owner] = self._now_s()
        self._tell(owner, balance=balance)
        return balance

    async def refresh(self, owner: str) -> None:
        """Read the balance anew, where there is one; what fails is said beside it."""
        if self._backends.kind(owner) != "live":
            return
        await self._count_runs_left(owner)
        backend = await self._backends.backend(owner, "live")
        if backend is None:
            return
        try:
            self._tell(owner, balance=await self._reader.read(backend))
        except Unauthorized as error:
            self._tell(owner, trouble=f"{error.message} {error.advice}".strip())
        except KieError as error:
            self._tell(owner, trouble=error.message)

    def runs_left_changed(self, owner: str, runs: int) -> None:
        """Take note of how many runs with the server's key an owner has left today."""
        self._left[owner] = runs
        self._bells.notify(owner)

    async def prune(self, is_busy: Callable[[str], Awaitable[bool]]) -> None:
        """Forget who has had no page open for long and waits for nothing, the typed key too."""
        known = {*self._seen_s, *self._balances, *self._troubles, *self._left}
        for owner in known.union(self._backends.typed_owners()):
            if self._is_gone(owner) and not await is_busy(owner) and self._is_gone(owner):
                self._backends.forget_key(owner)
                for table in (self._seen_s, self._balances, self._troubles, self._left):
                    table.pop(owner, None)

    def _is_gone(self, owner: str) -> bool:
        if self._bells.has(owner):
            return False
        seen_s = self._seen_s.setdefault(owner, self._now_s())
        return self._now_s() - seen_s >= GONE_AFTER_S

    async def _count_runs_left(self, owner: str) -> None:
        left = await self.runs_left(owner)
        if left is None:
            self._left.pop(owner, None)
        else:
            self._left[owner] = left

    def _forget(self, owner: str) -> None:
        self._balances.pop(owner, None)
        self._left.pop(owner, None)
        self._tell(owner)

    def _tell(
        self, owner: str, *, balance: float | None = None, trouble: str | None = None
    ) -> None:
        self._troubles.pop(owner, None)
        if balance is not None:
            self._balances[owner] = balance
        if trouble is not None:
            self._troubles[owner] = trouble
        self._bells.notify(owner)


async def _no_limit(_owner: str) -> int | None:
    return None
