from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from kie_ui.simulator.app import create_simulator
from kie_ui.simulator.config import SimulatorConfig
from kie_ui.simulator.files import SAMPLE_IMAGE_TASKS
from kie_ui.simulator.render.clip import render_clip
from kie_ui.simulator.render.requests import ClipRequest
from tests.simulator.harness import KEY, FakeRenderer, Service, ServiceFactory, Time, draw_picture


@pytest.fixture
def time() -> Time:
    """Give a clock that no test has to wait for."""
    return Time()


@pytest.fixture
async def renderer() -> FakeRenderer:
    """Give a renderer that renders nothing."""
    return FakeRenderer()


@pytest.fixture
async def service_for(
    tmp_path: Path, time: Time, renderer: FakeRenderer, assets_dir: Path
) -> AsyncIterator[ServiceFactory]:
    """Give a function that starts a simulator in this process, with the given config fields."""
    async with AsyncExitStack() as stack:

        async def start(base_url: str = "http://simulator.test", **options: Any) -> Service:
            defaults: dict[str, Any] = {
                "data_dir": tmp_path / "data",
                "assets_dir": assets_dir,
                "clock": time.clock,
                "sleep": time.sleep,
                "renderer": renderer,
            }
            app = create_simulator(SimulatorConfig(**{**defaults, **options}))
            await stack.enter_async_context(app.router.lifespan_context(app))
            client = httpx.AsyncClient(
                transport=httpx.ASGITransport(app, raise_app_exceptions=False),
                base_url=base_url,
                headers={"Authorization": f"Bearer {KEY}"},
            )
            return Service(app, await stack.enter_async_context(client))

        yield start


@pytest.fixture
async def service(service_for: ServiceFactory) -> Service:
    """Give a simulator as it is by default."""
    return await service_for()


@pytest.fixture(scope="session")
def picture_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a picture of 3:2 with structure at every scale, and no pixel that is nearly black."""
    path = tmp_path_factory.mktemp("pictures") / "start.png"
    draw_picture(1, (600, 400)).save(path)
    return path


@pytest.fixture(scope="session")
def end_picture_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give another picture, of 1:1."""
    path = tmp_path_factory.mktemp("pictures") / "end.png"
    draw_picture(2, (400, 400)).save(path)
    return path


@pytest.fixture(scope="session")
def assets_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with every sample picture that the simulator knows of."""
    folder = tmp_path_factory.mktemp("assets")
    names = [picture for task in SAMPLE_IMAGE_TASKS for picture in task.pictures]
    for number, name in enumerate([*names, "samples/cafe.jpg", "samples/archway.jpg"]):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        draw_picture(number, (60, 40)).save(path)
    return folder


@pytest.fixture(scope="session")
def silent_clip(tmp_path_factory: pytest.TempPathFactory, picture_path: Path) -> Path:
    """Give a clip of a second without sound."""
    clip = tmp_path_factory.mktemp("clips") / "silent.mp4"
    start = picture_path
    render_clip(ClipRequest(start=start, duration_s=1.0, short_side_px=64, seed=1), clip)
    return clip
