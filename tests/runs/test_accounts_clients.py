from __future__ import annotations

import asyncio

from pydantic import SecretStr

from kie_ui.kie.client import Backend, KieClient
from kie_ui.runs.accounts import IDLE_S, Clients
from kie_ui.runs.clock import Clock

ADAS = Backend(kind="live", api_key=SecretStr("adas"))
EVES = Backend(kind="live", api_key=SecretStr("eves"))
BOBS = Backend(kind="live", api_key=SecretStr("bobs"))


class Spied(KieClient):
    """A client that remembers being closed."""

    is_closed = False

    async def aclose(self) -> None:
        self.is_closed = True
        await super().aclose()


async def test_a_backend_has_one_client() -> None:
    """Connections are kept and shared; another key has a client of its own."""
    clients = Clients(Spied)
    async with clients.client(ADAS) as first, clients.client(ADAS) as second:
        assert first is second
    async with clients.client(ADAS) as third, clients.client(EVES) as other:
        assert third is first
        assert other is not first
    await clients.close()


async def test_a_client_in_use_is_closed_after_its_last_user() -> None:
    """A create on its way is not cut off because its key was replaced meanwhile."""
    clients = Clients(Spied)
    async with clients.client(ADAS) as client:
        assert isinstance(client, Spied)
        async with clients.client(ADAS):
            await clients.retire(lambda backend: backend != ADAS)
        assert not client.is_closed
    assert client.is_closed


async def test_an_idle_client_of_a_forgotten_key_is_closed_at_once() -> None:
    """A key that was taken back does not stay in memory; others are left alone."""
    clients = Clients(Spied)
    async with clients.client(ADAS) as adas, clients.client(EVES) as eves:
        pass
    await clients.retire(lambda backend: backend == EVES)
    assert isinstance(adas, Spied)
    assert isinstance(eves, Spied)
    assert (adas.is_closed, eves.is_closed) == (True, False)
    await clients.close()
    assert eves.is_closed


async def test_a_retired_client_is_lent_to_nobody_anew() -> None:
    """Who comes after the change gets a fresh client."""
    clients = Clients(Spied)
    async with clients.client(ADAS) as old:
        await clients.retire(lambda _backend: False)
        async with clients.client(ADAS) as new:
            assert new is not old
        await asyncio.sleep(0)
    await clients.close()


async def test_a_client_that_nobody_asks_is_closed_when_another_is_opened() -> None:
    """A visitor who left keeps no connections open; one whose request is under way does."""
    now_s = 0.0
    clients = Clients(Spied, Clock(steady_s=lambda: now_s))
    async with clients.client(ADAS) as idle:
        pass
    async with clients.client(EVES) as busy:
        now_s = IDLE_S + 1
        async with clients.client(BOBS):
            pass
        assert isinstance(idle, Spied)
        assert isinstance(busy, Spied)
        assert (idle.is_closed, busy.is_closed) == (True, False)
    await clients.close()
