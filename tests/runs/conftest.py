from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from kie_ui.catalog.registry import Catalog
from kie_ui.runs.accounts import Backends
from kie_ui.runs.clock import Clock
from kie_ui.runs.service import Limits, RunService
from kie_ui.runs.storage.run_store import RunStore, sqlite_url
from tests.fake_kie import FakeKie
from tests.runs.harness import (
    FastClock,
    Restart,
    StartAnother,
    grok_values,
    make_backends,
    make_service,
)
from tests.wire.tiny_media import tiny_clip

_USUAL = Limits()


@pytest.fixture(scope="session")
def clip() -> bytes:
    """Return a real MP4 of half a second."""
    return tiny_clip()


@pytest.fixture
def fake(clip: bytes) -> FakeKie:
    """Return a Kie that counts."""
    return FakeKie(clip)


@pytest.fixture
def fast() -> FastClock:
    """Return a clock that runs fast."""
    return FastClock()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Return a small picture that fits as it is."""
    path = tmp_path / "given.png"
    Image.new("RGB", (96, 64), (200, 120, 40)).save(path)
    return path


@pytest.fixture
def backends() -> Backends:
    """Return backends where the one owner has typed a key."""
    return make_backends()


@pytest.fixture
async def start_another(
    tmp_path: Path, fake: FakeKie, fast: FastClock, backends: Backends
) -> AsyncIterator[StartAnother]:
    """Return what starts services over the same data, each as a process of its own would."""
    started: list[RunService] = []
    usual_backends = backends

    async def start(
        limits: Limits = _USUAL,
        *,
        backends: Backends | None = None,
        catalog: Catalog | None = None,
    ) -> RunService:
        transport = httpx.MockTransport(fake.answer)
        service = make_service(
            tmp_path, fast, backends or usual_backends, transport, limits, catalog
        )
        started.append(service)
        await service.start()
        return service

    yield start
    for service in started:
        await service.stop()


@pytest.fixture
def restart(start_another: StartAnother) -> Restart:
    """Return what stops the service, if one runs, and starts the next one over the same data."""
    running: list[RunService] = []

    async def start(limits: Limits = _USUAL) -> RunService:
        if running:
            await running.pop().stop()
        running.append(await start_another(limits))
        return running[-1]

    return start


@pytest.fixture
async def service(restart: Restart) -> RunService:
    """Return a started service."""
    return await restart()


@pytest.fixture
def values(picture: Path) -> dict[str, Any]:
    """Return the values of a valid form."""
    return grok_values(picture)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[RunStore]:
    """Return an open, empty store."""
    opened = RunStore(sqlite_url(tmp_path / "store.sqlite3"), clock=Clock(now_ms=lambda: 5_000))
    await opened.open()
    yield opened
    await opened.close()
