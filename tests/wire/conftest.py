from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from PIL import Image

from kie_ui.simulator.config import SimulatorConfig
from kie_ui.simulator.render.worker_pool import WorkerPool
from kie_ui.simulator.server import SimulatorServer
from tests.fake_kie import KEY, FakeKie, serving
from tests.wire.app_process import AppProcess, with_fast_clock
from tests.wire.tiny_media import tiny_clip


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep requests on this computer."""
    for name in os.environ:
        if name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def clip() -> bytes:
    """Give a real MP4 of half a second."""
    return tiny_clip()


@pytest.fixture(scope="session")
def jpeg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a picture that Kie takes as it is."""
    path = tmp_path_factory.mktemp("given") / "given.jpg"
    Image.effect_noise((640, 400), 60).convert("RGB").save(path, quality=90)
    return path


@pytest.fixture(scope="session")
def _simulator(clip: bytes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorServer]:
    folder = tmp_path_factory.mktemp("simulator")
    with SimulatorServer(
        SimulatorConfig(speed=1000, data_dir=folder, renderer=WorkerPool(fixed_clip=clip))
    ) as server:
        yield server


@pytest.fixture
def simulator(_simulator: SimulatorServer) -> SimulatorServer:
    """Give a simulator that renders nothing, hurries, and has had no request yet."""
    _simulator.faults.clear()
    _simulator.request_log.clear()
    return _simulator


@pytest.fixture
def key() -> str:
    """Give a key of its own to every test: the simulator counts creates by account."""
    return f"planted-key-{uuid4().hex}"


@pytest.fixture(scope="session")
def demo_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppProcess]:
    """Run the program as a newcomer does: without a key."""
    with AppProcess(tmp_path_factory.mktemp("demo"), KIE_UI_SIMULATOR_SPEED="50") as app:
        yield app


@pytest.fixture(scope="session")
def fake(clip: bytes) -> Iterator[FakeKie]:
    """Serve a Kie that knows its documentation by heart."""
    with serving(FakeKie(clip, is_strict=True, polls_until_success=0)) as kie:
        yield kie


@pytest.fixture(scope="session")
def live_app(fake: FakeKie, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppProcess]:
    """Run the program with a key in its environment, which its many visitors may use."""
    settings = {
        "KIE_API_KEY": KEY,
        "KIE_UI_SHARE_SERVER_KEY": "1",
        "KIE_UI_RUNS_PER_DAY": "0",
        "KIE_UI_TOTAL_RUNS_PER_DAY": "0",
        "KIE_UI_VISITORS": "many",
        "KIE_UI_CREATES_PER_10_S": "1000",
        **fake.environment,
    }
    with AppProcess(tmp_path_factory.mktemp("live"), with_fast_clock(20), **settings) as app:
        yield app
