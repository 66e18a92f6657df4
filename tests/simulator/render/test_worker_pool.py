from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kie_ui.simulator.render.requests import ClipRequest, Placeholder
from kie_ui.simulator.render.worker_pool import RenderFailed, WorkerPool
from tests.simulator.harness import CLIP, ServiceFactory, grok, lite


def request(duration_s: float = 1.0, short_side_px: int = 120) -> ClipRequest:
    """Return a request for a clip without a picture."""
    start = Placeholder(text="a.example")
    return ClipRequest(start=start, duration_s=duration_s, short_side_px=short_side_px, seed=1)


async def test_one_worker_makes_clip_after_clip(tmp_path: Path) -> None:
    """A second request finds the process of the first, and its progress ends at all."""
    renderer = WorkerPool()
    shares: list[float] = []
    for number in range(2):
        await renderer.render(request(), tmp_path / f"{number}.mp4", shares.append)
    assert (tmp_path / "0.mp4").read_bytes() == (tmp_path / "1.mp4").read_bytes()
    assert shares == [1.0, 1.0]
    assert len(renderer._idle) == 1
    await renderer.aclose()
    assert not renderer._idle


async def test_a_refused_picture_does_not_end_the_worker(tmp_path: Path) -> None:
    """After a broken picture the same process makes the next clip."""
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    renderer = WorkerPool()
    wanted = request().model_copy(update={"start": broken})
    with pytest.raises(RenderFailed, match="cannot be read"):
        await renderer.render(wanted, tmp_path / "a.mp4", lambda _share: None)
    await renderer.render(request(), tmp_path / "b.mp4", lambda _share: None)
    await renderer.aclose()


async def test_a_dying_worker_fails_its_clip_only(tmp_path: Path) -> None:
    """A process that ends in the middle fails its clip; the next clip gets a new process."""
    renderer = WorkerPool()
    long = request(duration_s=12.0, short_side_px=360)
    rendering = asyncio.create_task(
        renderer.render(
            long, tmp_path / "a.mp4", lambda _share: next(iter(renderer._workers)).kill()
        )
    )
    with pytest.raises(RenderFailed, match="stopped"):
        await rendering
    await renderer.render(request(), tmp_path / "b.mp4", lambda _share: None)
    await renderer.aclose()


async def test_an_idle_worker_is_sent_away(tmp_path: Path) -> None:
    """After a while without requests the process ends and gives its memory back."""
    renderer = WorkerPool(idle_s=0.01)
    await renderer.render(request(), tmp_path / "a.mp4", lambda _share: None)
    for _ in range(500):
        if not renderer._idle:
            break
        await asyncio.sleep(0.01)
    assert not renderer._idle
    await renderer.aclose()


async def test_every_request_gets_a_copy_of_the_same_clip(
    service_for: ServiceFactory, tmp_path: Path
) -> None:
    """Whatever model and length were requested."""
    service = await service_for(renderer=WorkerPool(fixed_clip=CLIP), fetch_pictures=False)
    for body in (grok(), lite(duration="12")):
        record = await service.ended(await service.create(body))
        assert record["state"] == "success"
    placed = list((tmp_path / "data" / "files").iterdir())
    assert [file.read_bytes() for file in placed] == [CLIP, CLIP]
