"""What an owner's runs are paid from: the demo, or Kie with a key and its balance."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import SecretStr

from kie_ui.kie.backend import Backend, clean_api_key
from kie_ui.kie.errors import KieError, Unauthorized
from kie_ui.runs.backends import Backends


class Accounts:
    """Every owner's balance as last seen, told to the pages that show it."""

    def __init__(self, backends: Backends, live: Callable[[SecretStr], Backend]) -> None:
        self._backends = backends
        self._live = live
        self._balances: dict[str, float] = {}
        self._troubles: dict[str, str] = {}
        self._changed: dict[str, set[asyncio.Event]] = {}
        backends.listen(self._forget)

    def describe(self, owner: str) -> dict[str, Any]:
        """Say what the page shows of an owner's account."""
        return {
            "kind": self._backends.kind(owner),
            "has_own_key": self._backends.has_own_key(owner),
            "balance": self._balances.get(owner),
            "trouble": self._troubles.get(owner),
        }

    @contextmanager
    def changes(self, owner: str) -> Iterator[asyncio.Event]:
        """Give an event that is set whenever the owner's account changes."""
        event = asyncio.Event()
        self._changed.setdefault(owner, set()).add(event)
        try:
            yield event
        finally:
            events = self._changed[owner]
            events.remove(event)
            if not events:
                del self._changed[owner]

    async def test_key(self, owner: str, key: str) -> float:
        """Take a typed key once Kie has answered to it, and return the balance.

        A key that Kie refuses is not taken. Raises: ValueError, KieError.
        """
        backend = self._live(SecretStr(clean_api_key(key)))
        balance = await _credit(backend)
        self._backends.set_key(owner, key)
        self._tell(owner, balance=balance)
        return balance

    async def refresh(self, owner: str) -> None:
        """Read the balance anew, where there is one; what fails is said beside it."""
        if self._backends.kind(owner) != "live":
            return
        backend = await self._backends.backend(owner, "live")
        if backend is None:
            return
        try:
            self._tell(owner, balance=await _credit(backend))
        except Unauthorized as error:
            self._tell(owner, trouble=f"{error.message} {error.advice}".strip())
        except KieError as error:
            self._tell(owner, trouble=error.message)

    def _forget(self, owner: str) -> None:
        self._balances.pop(owner, None)
        self._tell(owner)

    def _tell(
        self, owner: str, *, balance: float | None = None, trouble: str | None = None
    ) -> None:
        self._troubles.pop(owner, None)
        if balance is not None:
            self._balances[owner] = balance
        if trouble is not None:
            self._troubles[owner] = trouble
        for event in self._changed.get(owner, ()):
            event.set()


async def _credit(backend: Backend) -> float:
    from kie_ui.kie.client import KieClient  # noqa: PLC0415 - the first view needs no client

    async with KieClient(backend) as client:
        return await client.credit()
