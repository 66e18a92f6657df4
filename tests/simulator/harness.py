"""Stand-ins and a client for the simulator's tests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import httpx
import numpy as np
from PIL import Image
from starlette.applications import Starlette

from kie_ui.catalog.spec import ModelSpec
from kie_ui.simulator.render.requests import ClipRequest, RenderRequest, TextRequest
from kie_ui.simulator.render.worker_pool import Progress, RenderFailed

KEY = "planted-key"
ANSWER = b'{"text": "an answer in name only"}'
CLIP = b"\0\0\0\x18ftypisom a clip in name only"


class Time:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 1_800_000_000.0
        self.slept_s: list[float] = []

    def clock(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.now_s += seconds
        await asyncio.sleep(0)


class FakeRenderer:
    """Records its requests; waits while `gate` is closed, fails where `failure` is set."""

    def __init__(self) -> None:
        self.requests: list[RenderRequest] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: str | None = None
        self.under_way = 0
        self.most_at_once = 0

    @property
    def clips(self) -> list[ClipRequest]:
        """The requests for clips."""
        return [request for request in self.requests if isinstance(request, ClipRequest)]

    async def render(self, request: RenderRequest, output: Path, progress: Progress) -> None:
        self.requests.append(request)
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        progress(0.5)
        try:
            await self.gate.wait()
        finally:
            self.under_way -= 1
        if self.failure is not None:
            raise RenderFailed(self.failure)
        made = ANSWER if isinstance(request, TextRequest) else CLIP
        await anyio.Path(output).write_bytes(made)

    async def aclose(self) -> None:
        """Stop: nothing of ours goes on by itself."""


class Service:
    """A simulator in this process, and a client that speaks to it."""

    def __init__(self, app: Starlette, client: httpx.AsyncClient) -> None:
        self.app = app
        self.client = client

    async def post(self, path: str, body: Any) -> dict[str, Any]:
        answer: dict[str, Any] = (await self.client.post(path, json=body)).json()
        return answer

    async def create(self, body: Any) -> str:
        answer = await self.post("/api/v1/jobs/createTask", body)
        assert (answer["code"], answer["msg"]) == (200, "success"), answer
        task_id: str = answer["data"]["taskId"]
        return task_id

    async def record(self, task_id: str) -> dict[str, Any]:
        """Ask for a task, and let the simulator do a step of its work."""
        await asyncio.sleep(0)
        answer = await self.client.get("/api/v1/jobs/recordInfo", params={"taskId": task_id})
        data: dict[str, Any] = answer.json()["data"]
        return data

    async def ended(self, task_id: str) -> dict[str, Any]:
        """Ask until the task has ended."""
        for _ in range(2000):
            record = await self.record(task_id)
            if record["state"] in ("success", "fail"):
                return record
            await asyncio.sleep(0.005)
        raise AssertionError(f"{task_id} did not end")

    async def balance(self) -> float:
        answer = await self.client.get("/api/v1/chat/credit")
        balance: float = answer.json()["data"]
        return balance

    async def upload(
        self, content: bytes, mime: str = "image/jpeg", **fields: str
    ) -> httpx.Response:
        """Upload a file by form."""
        form = {"uploadPath": "images", **fields}
        files = {"file": ("picture.jpg", content, mime)}
        return await self.client.post("/api/file-stream-upload", data=form, files=files)

    async def uploaded(self, content: bytes, mime: str = "image/jpeg", **fields: str) -> str:
        answer = (await self.upload(content, mime, **fields)).json()
        assert answer["success"], answer
        url: str = answer["data"]["downloadUrl"]
        return url


ServiceFactory = Callable[..., Awaitable[Service]]


def draw_picture(seed: int, size: tuple[int, int]) -> Image.Image:
    """Draw soft blobs of colour, from 60 to 230."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(60, 230, (8, 12, 3), dtype=np.uint8)
    fine = rng.integers(60, 230, (40, 60, 3), dtype=np.uint8)
    soft = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
    sharp = Image.fromarray(fine).resize(size, Image.Resampling.BICUBIC)
    return Image.blend(soft, sharp, 0.4)


def grok(**values: Any) -> dict[str, Any]:
    """Return the body of a Grok create, from a picture at another host by default."""
    given = {"image_urls": ["https://pictures.example/a.jpg"], "prompt": "waves", **values}
    present = {name: value for name, value in given.items() if value is not None}
    return {"model": "grok-imagine/image-to-video", "input": present}


def lite(**values: Any) -> dict[str, Any]:
    """Return the body of a V1 Lite create."""
    given = {"image_url": "https://pictures.example/a.jpg", "prompt": "waves", **values}
    present = {name: value for name, value in given.items() if value is not None}
    return {"model": "bytedance/v1-lite-image-to-video", "input": present}


def a_spec(*parameters: dict[str, Any], **fields: Any) -> ModelSpec:
    """Load a spec with these parameters."""
    described = [{"label": each["name"], "help": "", **each} for each in parameters]
    return ModelSpec.model_validate(
        {
            "model": "maker/model",
            "title": "Model",
            "maker": "Maker",
            "summary": "",
            "documentation": "",
            "parameters": described,
            **fields,
        }
    )


def options(*values: Any) -> list[dict[str, Any]]:
    """Return documented options."""
    return [{"value": value, "label": str(value)} for value in values]


def text(name: str, **fields: Any) -> dict[str, Any]:
    """Describe a text."""
    return {"kind": "text", "name": name, **fields}


def number(name: str, **fields: Any) -> dict[str, Any]:
    """Describe a number."""
    return {"kind": "number", "name": name, **fields}


def media(name: str, kind: str = "image", **fields: Any) -> dict[str, Any]:
    """Describe media."""
    return {"kind": "media", "name": name, "media": kind, **fields}


def table(name: str, *columns: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Describe a table."""
    described = [{"label": each["name"], "help": "", **each} for each in columns]
    return {"kind": "table", "name": name, "columns": described, **fields}
