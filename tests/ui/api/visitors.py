"""Visitors of a server, and runs that are kept as if they had come to some point."""

from __future__ import annotations

from itertools import count
from typing import Any
from uuid import uuid4

import httpx

from kie_ui.catalog.values import FileRef
from kie_ui.runs.run import Clip, Run, Step, StepChange
from kie_ui.ui.asgi.identity import COOKIE
from kie_ui.ui.services import Services
from tests.ui.driving import V1_LITE

SITE = "https://page.test"


class Visitor:
    """A browser and who it is."""

    def __init__(self, browser: httpx.AsyncClient, owner: str) -> None:
        self.get = browser.get
        self.post = browser.post
        self.owner = owner
        self.cookie = f"{COOKIE}={browser.cookies[COOKIE]}"


_numbers = count(1)


async def planted(services: Services, owner: str, **fields: Any) -> Run:
    """Keep a run as if it had come to this point, each a moment after the one before."""
    step, at_ms = fields.pop("step", Step.DONE), next(_numbers)
    run = Run(
        id=uuid4().hex,
        owner=owner,
        backend="demo",
        model=fields.pop("model", V1_LITE.model),
        values=fields.pop("values", {"prompt": "She waves."}),
        step=step,
        step_changes=(StepChange(step, at_ms),),
        created_at_ms=at_ms,
        updated_at_ms=at_ms,
        finished_at_ms=at_ms if step.is_final else None,
        **fields,
    )
    await (await services.runs())._store.add(run)
    return run


async def planted_clip(services: Services, owner: str, content: bytes) -> Run:
    """Keep a finished run with its clip."""
    folder = services.settings.data_path / "clips"
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{uuid4().hex}.mp4"
    (folder / name).write_bytes(content)
    clip = Clip(name=f"clips/{name}", width_px=64, height_px=48, duration_s=0.5)
    return await planted(services, owner, clips=(clip,))


async def planted_picture(services: Services, owner: str, content: bytes) -> tuple[Run, str]:
    """Keep a run that was started with a picture, and tell where the picture is served."""
    name = f"inputs/ab/{uuid4().hex}.png"
    path = services.settings.data_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    run = await planted(services, owner, values={"image_url": (FileRef(path=name, name="a.png"),)})
    return run, f"/kie-ui/runs/{run.id}/{name}"
