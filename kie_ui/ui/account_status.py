"""What each owner's page shows of their account: the demo, or Kie with a key and its balance."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from typing_extensions import TypedDict

from kie_ui.kie.errors import KieError, Unauthorized
from kie_ui.runs.accounts import Backends, Balances
from kie_ui.runs.events import ChangeSignals
from kie_ui.runs.run import BackendKind

FORGET_AFTER_S = 12 * 3600.0
"""How long after the last page was closed a visitor's key and balance are remembered."""

RunsLeft = Callable[[str], Awaitable[int | None]]
"""Returns how many runs with the server's key an owner has left today; None without a limit."""


class Account(TypedDict):
    """What a page shows of its owner's account."""

    kind: BackendKind
    has_own_key: bool
    balance: float | None
    runs_left: int | None
    trouble: str | None


@dataclass
class _Status:
    """An owner's account as last seen."""

    balance: float | None = None
    trouble: str | None = None
    runs_left: int | None = None
    """With the server's key today; None if there is no limit."""
    seen_s: float | None = None
    """When its owner was last known to be there: a page was closed, or a key was taken."""


class AccountStatuses:
    """Every owner's account, and a signal to their pages when it changes."""

    def __init__(
        self,
        backends: Backends,
        balances: Balances,
        *,
        runs_left: RunsLeft,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now_s = now_s
        self._backends = backends
        self._balances = balances
        self._runs_left = runs_left
        self._accounts: dict[str, _Status] = {}
        self._signals = ChangeSignals()
        backends.listen(self._backend_changed)

    def describe(self, owner: str) -> Account:
        """Return what the page shows of an owner's account."""
        account = self._accounts.get(owner, _Status())
        return {
            "kind": self._backends.kind(owner),
            "has_own_key": self._backends.has_own_key(owner),
            "balance": account.balance,
            "runs_left": account.runs_left,
            "trouble": account.trouble,
        }

    @contextmanager
    def changes(self, owner: str) -> Iterator[asyncio.Event]:
        """Give an event that is set whenever the owner's account changes."""
        try:
            with self._signals.subscribe(owner) as changed:
                yield changed
        finally:
            self._account(owner).seen_s = self._now_s()

    async def test_key(self, owner: str, key: str) -> float:
        """Use a typed key from now on if Kie accepts it, and return its balance.

        Raises: ValueError, KieError.
        """
        balance = await self._balances.read(self._backends.live(key), max_age_s=0)
        self._backends.set_key(owner, key)
        self._account(owner).seen_s = self._now_s()
        self._update(owner, balance=balance)
        return balance

    async def refresh(self, owner: str) -> None:
        """Read the balance, if there is one; a failure is shown beside the old one."""
        if self._backends.kind(owner) != "live":
            return
        self._account(owner).runs_left = await self._runs_left(owner)
        backend = await self._backends.backend(owner, "live")
        if backend is None:
            return
        try:
            self._update(owner, balance=await self._balances.read(backend))
        except Unauthorized as error:
            self._update(owner, trouble=f"{error.message} {error.advice}".strip())
        except KieError as error:
            self._update(owner, trouble=error.message)

    def runs_left_changed(self, owner: str, runs: int) -> None:
        """Store how many runs with the server's key an owner has left today."""
        self._account(owner).runs_left = runs
        self._signals.notify(owner)

    async def prune(self, is_busy: Callable[[str], Awaitable[bool]]) -> None:
        """Forget owners, and their typed keys, who have had no page and no runs for long."""
        for owner in {*self._accounts, *self._backends.typed_owners()}:
            if self._is_gone(owner) and not await is_busy(owner) and self._is_gone(owner):
                self._backends.forget_key(owner)
                self._accounts.pop(owner, None)

    def _is_gone(self, owner: str) -> bool:
        if self._signals.has(owner):
            return False
        account = self._account(owner)
        if account.seen_s is None:
            account.seen_s = self._now_s()
        return self._now_s() - account.seen_s >= FORGET_AFTER_S

    def _account(self, owner: str) -> _Status:
        return self._accounts.setdefault(owner, _Status())

    def _backend_changed(self, owner: str) -> None:
        account = self._account(owner)
        account.balance = account.runs_left = None
        self._update(owner)

    def _update(
        self, owner: str, *, balance: float | None = None, trouble: str | None = None
    ) -> None:
        account = self._account(owner)
        account.trouble = trouble
        if balance is not None:
            account.balance = balance
        self._signals.notify(owner)
