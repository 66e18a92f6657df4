from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from kie_ui.catalog.library import Library
from kie_ui.simulator.config import SimulatorConfig
from kie_ui.simulator.render.worker_pool import WorkerPool
from kie_ui.simulator.server import SimulatorServer
from kie_ui.ui.services import Services
from tests.ui.driving import MakeServices, make_settings
from tests.wire.tiny_media import tiny_clip

KEY = "planted-key-of-the-page-3f9a"


@pytest.fixture(autouse=True)
def _own_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the tester's own settings out, and Gradio's files in a folder of ours."""
    for name in os.environ:
        if name.startswith(("KIE_", "GRADIO_", "SPACE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))


@pytest.fixture(autouse=True)
def _eager_tracker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask about tasks many times a second, so that no test waits for the next poll."""
    monkeypatch.setattr("kie_ui.runs.lifecycle.poll_scheduler.interval_s", lambda *_, **__: 0.02)


@pytest.fixture
def key() -> str:
    """Give the one key that the stand-in for Kie takes, and that nothing may show."""
    return KEY


@pytest.fixture(scope="session")
def clip() -> bytes:
    """Give a real MP4 of half a second."""
    return tiny_clip()


@pytest.fixture(scope="session")
def kie(clip: bytes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorServer]:
    """Serve a simulator in place of Kie: it takes one key, and renders nothing."""
    server = SimulatorServer(
        SimulatorConfig(
            data_dir=tmp_path_factory.mktemp("kie"),
            accepted_keys=frozenset({KEY}),
            renderer=WorkerPool(fixed_clip=clip),
            speed=1000,
        )
    )
    with server:
        yield server


async def _close(services: Services) -> None:
    """Close what a test has opened, if the end of its server has not done so."""
    runs = services._service
    if runs is None:
        await services.clients.close()
    elif runs._key_changed in services.backends._listeners:
        await services._close()


@pytest.fixture
async def make_services(tmp_path: Path) -> AsyncIterator[MakeServices]:
    """Make services over a data folder of their own; what they opened is closed in the end."""
    async with AsyncExitStack() as made:

        def make(**fields: Any) -> Services:
            settings = make_settings(**{"data_dir": tmp_path / "data", **fields})
            services = Services(settings, Library.of_settings(settings))
            made.push_async_callback(_close, services)
            return services

        yield make


@pytest.fixture
def demo(make_services: MakeServices) -> Services:
    """Give services without a key."""
    return make_services(simulator_speed=1000)


@pytest.fixture
def live(make_services: MakeServices, kie: SimulatorServer, key: str) -> Services:
    """Give services with a key in the server's environment."""
    return make_services(
        kie_api_key=key, kie_api_base_url=kie.base_url, kie_upload_base_url=kie.base_url
    )


@pytest.fixture
def uploads(tmp_path: Path) -> Path:
    """Give Gradio's folder for uploaded files."""
    folder = tmp_path / "gradio"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def uploaded(uploads: Path) -> Path:
    """Give a picture that was uploaded."""
    path = uploads / "0f1e" / "given.png"
    path.parent.mkdir()
    Image.new("RGB", (96, 64), (200, 120, 40)).save(path)
    return path
