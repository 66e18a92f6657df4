"""A Kie of our own that counts, a clock that runs fast, and how to put a service on top of both."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from kie_ui.catalog.media import FileRef
from kie_ui.catalog.registry import built_in_registry
from kie_ui.kie.backend import Backend
from kie_ui.kie.client import KieClient
from kie_ui.media.storage import Storage
from kie_ui.runs.backends import Backends
from kie_ui.runs.clients import Clients
from kie_ui.runs.clock import Clock
from kie_ui.runs.run import Run, Step, StepChange
from kie_ui.runs.service import RunService
from kie_ui.runs.store import Store, sqlite_url

API = "http://kie.test"
GROK = "grok-imagine/image-to-video"
KEY = "planted-key-of-the-tests"
OWNER = "ada"

Answer = httpx.Response
Fault = Callable[[httpx.Request], Awaitable[Answer | None]]
"""Answers in Kie's place, raises, or returns None to let Kie answer after all."""


class FastClock:
    """Time that runs `speed` times as fast as the wall's, and jumps when told to."""

    def __init__(self, speed: float = 200.0) -> None:
        self.speed = speed
        self._start_s = time.monotonic()
        self._jumped_s = 0.0

    def steady_s(self) -> float:
        return (time.monotonic() - self._start_s) * self.speed + self._jumped_s

    def now_ms(self) -> int:
        return 1_800_000_000_000 + int(self.steady_s() * 1000)

    async def sleep(self, duration_s: float) -> None:
        await asyncio.sleep(duration_s / self.speed)

    def jump(self, duration_s: float) -> None:
        self._jumped_s += duration_s

    @property
    def clock(self) -> Clock:
        return Clock(self.now_ms, self.steady_s, self.sleep)


@dataclass
class FakeKie:
    """Kie's wire protocol by hand, independent of the simulator; counts what it is asked."""

    clip: bytes
    base_url: str = API
    polls_until_success: int = 2
    counts: Counter[str] = field(default_factory=Counter)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    upload_names: list[str] = field(default_factory=list)
    polls: Counter[str] = field(default_factory=Counter)
    keys: set[str] = field(default_factory=set)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    """By endpoint; each is used up by one request."""
    outages: dict[str, Fault] = field(default_factory=dict)
    """By endpoint, until taken away."""
    record: dict[str, Any] = field(default_factory=dict)
    """What stands in every task's record beside its state."""

    async def answer(self, request: httpx.Request) -> Answer:
        await request.aread()
        endpoint = self._endpoint(request)
        self.counts[endpoint] += 1
        waiting = self.faults.get(endpoint)
        fault = waiting.pop(0) if waiting else self.outages.get(endpoint)
        if fault is not None and (answer := await fault(request)) is not None:
            return answer
        return await getattr(self, f"_{endpoint}")(request)  # type: ignore[no-any-return]

    def _endpoint(self, request: httpx.Request) -> str:
        ends = {
            "createTask": "create",
            "recordInfo": "record",
            "credit": "credit",
            "file-stream-upload": "upload",
            "download-url": "renew",
        }
        last = request.url.path.rsplit("/", 1)[-1]
        return ends.get(last, "media")

    async def _create(self, request: httpx.Request) -> Answer:
        body = json.loads(request.content)
        self.bodies.append(body)
        return envelope({"taskId": f"task-{len(self.bodies)}"})

    async def _record(self, request: httpx.Request) -> Answer:
        task_id = request.url.params["taskId"]
        self.polls[task_id] += 1
        self.keys.add(request.headers["Authorization"])
        states = ["waiting", "queuing", "generating"]
        state = states[min(self.polls[task_id], len(states)) - 1]
        data: dict[str, Any] = {"taskId": task_id, "resultJson": "", "state": state}
        if self.polls[task_id] > self.polls_until_success:
            urls = [f"{self.base_url}/media/{task_id}.mp4"]
            data |= {"state": "success", "resultJson": json.dumps({"resultUrls": urls})}
        return envelope(data | self.record)

    async def _credit(self, request: httpx.Request) -> Answer:
        return envelope(87.5)

    async def _upload(self, request: httpx.Request) -> Answer:
        head = request.content.split(b'name="fileName"\r\n\r\n', 1)[1]
        name = head.split(b"\r\n", 1)[0].decode()
        self.upload_names.append(name)
        return envelope({"downloadUrl": f"{self.base_url}/uploads/{name}"}, success=True)

    async def _renew(self, request: httpx.Request) -> Answer:
        return envelope(json.loads(request.content)["url"] + "?fresh=1")

    async def _media(self, request: httpx.Request) -> Answer:
        assert "authorization" not in request.headers
        return Answer(200, content=self.clip, headers={"Content-Type": "video/mp4"})


def envelope(data: Any, code: int = 200, msg: str = "success", **more: Any) -> Answer:
    """Wrap data as Kie wraps every answer."""
    return Answer(200, json={"code": code, "msg": msg, "data": data, **more})


def refusal(code: int, msg: str = "no") -> Fault:
    """Say no, with HTTP 200 and a code of its own."""

    async def refuse(request: httpx.Request) -> Answer:
        return envelope(None, code, msg)

    return refuse


def status(code: int) -> Fault:
    """Answer with a bare HTTP status and a web page."""

    async def answer(request: httpx.Request) -> Answer:
        return Answer(code, content=b"<html>proxy</html>")

    return answer


def dropped(error: type[httpx.TransportError] = httpx.ReadError) -> Fault:
    """Break the connection before Kie has seen anything."""

    async def drop(request: httpx.Request) -> Answer:
        raise error("planted", request=request)

    return drop


async def endless(request: httpx.Request) -> Answer | None:
    """Let a request wait for an answer that never comes."""
    await asyncio.Event().wait()
    return None


def make_backends(api: str = API) -> Backends:
    """Return backends where the one owner has typed a key."""

    async def demo() -> Backend:
        return Backend(
            kind="demo", api_base_url=api, upload_base_url=api, api_key=SecretStr("demo-key")
        )

    made = Backends(demo=demo, api_base_url=api, upload_base_url=api)
    made.set_key(OWNER, KEY)
    return made


Restart = Callable[[], Awaitable[RunService]]


def make_service(
    folder: Path,
    fast: FastClock,
    backends: Backends,
    transport: httpx.AsyncBaseTransport | None = None,
) -> RunService:
    """Return a service over the data in a folder, not yet started."""
    open_client = partial(KieClient, transport=transport, sleep=fast.clock.sleep)
    return RunService(
        registry=built_in_registry(),
        store=Store(sqlite_url(folder / "runs.sqlite3"), now_ms=fast.now_ms),
        storage=Storage(folder / "files"),
        backends=backends,
        clients=Clients(open_client),
        clock=fast.clock,
    )


def grok_values(picture: Path) -> dict[str, Any]:
    """Return the values of a form that is filled in rightly."""
    return {
        "image_urls": [FileRef(path=str(picture), name="given.png")],
        "prompt": "She waves.",
        "mode": "fun",
        "duration": "6",
        "resolution": "480p",
    }


def a_run(number: int = 1, owner: str = OWNER, **fields: Any) -> Run:
    """Return a run, with numbered id and times."""
    run_id = f"{number:032x}"
    step = fields.get("step", Step.PREPARING)
    made = {
        "id": run_id,
        "owner": owner,
        "backend": "live",
        "model": GROK,
        "values": {"prompt": "She waves."},
        "step_changes": (StepChange(step, 1_000 + number),),
        "created_at_ms": 1_000 + number,
        "updated_at_ms": 1_000 + number,
    }
    return Run.model_validate(made | fields)


async def reached(service: RunService, run: Run, *steps: Step) -> Run:
    """Wait until a run stands at one of the steps."""
    async with asyncio.timeout(10), service.subscribe(run.owner) as changed:
        run = await service.run(run.owner, run.id)
        while run.step not in steps:
            news = await anext(changed)
            run = news if news.id == run.id else run
    return run


async def until(claim: Callable[[], bool]) -> None:
    """Wait until something becomes true."""
    async with asyncio.timeout(10):
        while not claim():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


def files_below(folder: Path, pattern: str = "*") -> list[Path]:
    """List the files in a folder and in its folders."""
    return [path for path in folder.rglob(pattern) if path.is_file()]
