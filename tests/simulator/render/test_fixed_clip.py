from __future__ import annotations

from pathlib import Path

from kie_ui.simulator.render.worker_pool import WorkerPool
from tests.simulator.harness import CLIP, ServiceFactory, grok, lite


async def test_every_order_gets_a_copy_of_the_same_clip(
    service_for: ServiceFactory, tmp_path: Path
) -> None:
    """Whatever model and length were asked for."""
    service = await service_for(renderer=WorkerPool(fixed_clip=CLIP), fetch_pictures=False)
    for body in (grok(), lite(duration="12")):
        record = await service.ended(await service.create(body))
        assert record["state"] == "success"
    placed = list((tmp_path / "data" / "files").iterdir())
    assert [file.read_bytes() for file in placed] == [CLIP, CLIP]
