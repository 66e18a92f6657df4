from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from kie_ui.runs.run import Run, Step
from kie_ui.runs.service import RunService
from tests.runs.harness import OWNER, Answer, FakeKie, FastClock, make_backends, make_service, until

ROOT = Path(__file__).parents[2]


@dataclass
class Served:
    """A Kie of our own on a real port, as a killed process needs one."""

    fake: FakeKie
    url: str = ""
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Speak ASGI for the fake."""
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        query = scope["query_string"].decode()
        url = f"{self.url}{scope['path']}" + (f"?{query}" if query else "")
        request = httpx.Request(scope["method"], url, headers=scope["headers"], content=body)
        answer = await self.fake.answer(request)
        headers = [(b"content-length", str(len(answer.content)).encode())]
        await send(
            {"type": "http.response.start", "status": answer.status_code, "headers": headers}
        )
        await send({"type": "http.response.body", "body": answer.content})

    async def hold(self, request: httpx.Request) -> Answer:
        """Keep a request waiting for its answer until the test is over."""
        await self.released.wait()
        return Answer(503)

    async def take_and_hold(self, request: httpx.Request) -> Answer:
        """Accept a create and never say so."""
        await self.fake._create(request)
        return await self.hold(request)


@pytest.fixture
async def served(fake: FakeKie) -> AsyncIterator[Served]:
    """Serve the fake on a free port of this computer."""
    served = Served(fake)
    config = uvicorn.Config(served, port=0, lifespan="off", ws="none", log_level="error")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    served.url = fake.base_url = f"http://127.0.0.1:{port}"
    yield served
    served.released.set()
    server.should_exit = True
    await serving


@pytest.fixture
async def child(served: Served, tmp_path: Path, picture: Path) -> AsyncIterator[Any]:
    """Start a process of its own that presses Generate."""
    arguments = ["-m", "tests.runs.press_generate", str(tmp_path), served.url, str(picture)]
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, cwd=ROOT)
    yield process
    if process.returncode is None:
        process.kill()
        await process.wait()


@pytest.fixture
async def successor(served: Served, tmp_path: Path, fast: FastClock) -> AsyncIterator[RunService]:
    """Return the service that comes after the killed one, not yet started."""
    service = make_service(tmp_path, fast, make_backends(served.url))
    yield service
    await service.stop()


async def killed_at(child: Any, fake: FakeKie, endpoint: str, requests: int = 1) -> None:
    """Kill the process at so many requests to an endpoint, without any farewell."""
    await until(lambda: fake.counts[endpoint] >= requests or child.returncode is not None)
    assert child.returncode is None
    child.kill()
    await child.wait()
    fake.faults.clear()


async def goes_on(service: RunService) -> Run:
    """Start the successor and wait for the end of the run that it found."""
    await service.start()
    (run,) = await service.recent(OWNER, 9)
    async with asyncio.timeout(10):
        return await service.ended(OWNER, run.id)


async def test_killed_while_uploading_it_is_sent_after_the_restart(
    child: Any, served: Served, fake: FakeKie, successor: RunService
) -> None:
    """Nothing had left, so nothing is lost: the run is created, once."""
    fake.faults["upload"] = [served.hold]
    await killed_at(child, fake, "upload")
    assert (await goes_on(successor)).step is Step.DONE
    assert fake.counts["create"] == 1


async def test_killed_while_sending_it_is_never_sent_again(
    child: Any, served: Served, fake: FakeKie, successor: RunService
) -> None:
    """Kie had taken the create; whoever restarts is told that nobody here can know."""
    fake.faults["create"] = [served.take_and_hold]
    await killed_at(child, fake, "create")
    run = await goes_on(successor)
    assert (run.step, run.task_id) == (Step.UNKNOWN, None)
    assert run.sent_at_ms is not None
    assert run.request == fake.bodies[0]
    assert fake.counts["create"] == 1


async def test_killed_while_kie_works_it_is_watched_on(
    child: Any, fake: FakeKie, successor: RunService
) -> None:
    """The task id was kept the moment it came, and leads to the clip."""
    fake.polls_until_success = 10**6
    await killed_at(child, fake, "record", 3)
    fake.polls_until_success = 0
    run = await goes_on(successor)
    assert (run.step, run.task_id) == (Step.DONE, "task-1")
    assert fake.counts["create"] == 1


async def test_killed_while_fetching_it_is_fetched_again(
    child: Any, served: Served, fake: FakeKie, successor: RunService, tmp_path: Path
) -> None:
    """The paid clip is downloaded by whoever comes next."""
    fake.faults["media"] = [served.hold]
    await killed_at(child, fake, "media")
    run = await goes_on(successor)
    assert run.step is Step.DONE
    assert (await successor.clip_file(OWNER, run.id)).is_relative_to(tmp_path)
    assert (fake.counts["create"], fake.counts["upload"]) == (1, 1)
