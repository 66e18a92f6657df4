"""One client for each backend, opened when first needed and closed when nobody needs it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from kie_ui.kie.backend import Backend
from kie_ui.kie.client import KieClient

OpenClient = Callable[[Backend], KieClient]


@dataclass
class _Held:
    client: KieClient
    users: int = 0
    is_retired: bool = False


class Clients:
    """Open clients by backend. A replaced key's client finishes what it is doing, then closes."""

    def __init__(self, open_client: OpenClient = KieClient) -> None:
        self._open_client = open_client
        self._held: dict[Backend, _Held] = {}

    @asynccontextmanager
    async def client(self, backend: Backend) -> AsyncIterator[KieClient]:
        """Lend the backend's client for as long as the block lasts."""
        held = self._held.get(backend)
        if held is None:
            held = self._held[backend] = _Held(self._open_client(backend))
        held.users += 1
        try:
            yield held.client
        finally:
            held.users -= 1
            if held.is_retired and held.users == 0:
                await held.client.aclose()

    async def retire(self, is_in_use: Callable[[Backend], bool]) -> None:
        """Close the clients of backends that are in use no more, each after its last user."""
        for backend in [backend for backend in self._held if not is_in_use(backend)]:
            held = self._held.pop(backend)
            held.is_retired = True
            if held.users == 0:
                await held.client.aclose()

    async def close(self) -> None:
        """Close every client that nobody uses, and the others after their last user."""
        await self.retire(lambda _backend: False)
