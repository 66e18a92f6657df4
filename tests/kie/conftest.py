from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from kie_ui.kie.client import Backend, KieClient, Retries

KEY = "planted-key-0123456789"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def key() -> str:
    """Give the key that every client here carries, and that nothing may show."""
    return KEY


@pytest.fixture
def backend() -> Backend:
    """Give a backend whose hosts no test may really ask."""
    return Backend(kind="live", api_key=KEY)


@pytest.fixture
def waits_s() -> list[float]:
    """Collect the waits of clients from `client_for`, in seconds; none is slept."""
    return []


@pytest.fixture
async def client_for(
    backend: Backend, waits_s: list[float]
) -> AsyncIterator[Callable[..., KieClient]]:
    """Make clients whose requests go to a handler, or to a real address when there is none."""
    clients: list[KieClient] = []

    async def sleep(wait_s: float) -> None:
        waits_s.append(wait_s)

    def make(
        handler: Callable[[httpx.Request], httpx.Response] | None = None,
        *,
        base_url: str | None = None,
        **options: Any,
    ) -> KieClient:
        place = backend
        if base_url is not None:
            place = Backend(
                kind="demo", api_base_url=base_url, upload_base_url=base_url, api_key=KEY
            )
        transport = None if handler is None else httpx.MockTransport(handler)
        defaults: dict[str, Any] = {
            "transport": transport,
            "retries": Retries(attempts=3),
            "sleep": sleep,
            "chance": lambda: 1.0,
        }
        client = KieClient(place, **{**defaults, **options})
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.aclose()
