from __future__ import annotations

import asyncio
import logging

import httpx
import pytest

from kie_ui.simulator.render.worker_pool import RenderFailed
from tests.simulator.harness import FakeRenderer, Service, ServiceFactory, Time, grok, lite


async def reach(service: Service, task_id: str, state: str) -> None:
    """Wait until a task is in a state."""
    for _ in range(2000):
        if (await service.record(task_id))["state"] == state:
            return
        await asyncio.sleep(0.001)
    raise AssertionError(f"{task_id} never was {state}")


async def test_a_task_goes_on_where_it_was(
    service_for: ServiceFactory, renderer: FakeRenderer
) -> None:
    """After a restart a generating task is rendered anew, with the seed it had, and ends."""
    renderer.gate.clear()
    first = await service_for()
    task_id = await first.create(lite())
    await reach(first, task_id, "generating")
    await first.app.state.simulator.tasks.aclose()
    renderer.gate.set()
    second = await service_for("http://another.test:81")
    record = await second.ended(task_id)
    assert record["state"] == "success"
    assert "http://another.test:81/files/" in record["resultJson"]
    assert renderer.clips[0] == renderer.clips[1]


async def test_a_forced_outcome_is_kept(service_for: ServiceFactory) -> None:
    """A task that shall never end does not end after a restart either."""
    first = await service_for()
    task_id = await first.create(grok(prompt="[stuck]"))
    await reach(first, task_id, "generating")
    await first.app.state.simulator.tasks.aclose()
    second = await service_for()
    for _ in range(50):
        assert (await second.record(task_id))["state"] == "generating"


async def test_an_undelivered_callback_is_sent_after_a_restart(
    service_for: ServiceFactory,
) -> None:
    """A process that dies between success and callback leaves the callback to the next one."""
    received: list[httpx.Request] = []
    never = asyncio.Event()

    async def silent(_request: httpx.Request) -> httpx.Response:
        await never.wait()
        return httpx.Response(200)

    def answering(request: httpx.Request) -> httpx.Response:
        received.append(request)
        return httpx.Response(200)

    first = await service_for(transport=httpx.MockTransport(silent))
    task_id = await first.create({**grok(), "callBackUrl": "http://127.0.0.1:9/hook"})
    await first.ended(task_id)
    await first.app.state.simulator.tasks.aclose()
    await service_for(transport=httpx.MockTransport(answering))
    for _ in range(200):
        await asyncio.sleep(0.005)
        if received:
            break
    assert task_id.encode() in received[0].content


async def test_what_was_left_incomplete_is_swept_away(service_for: ServiceFactory) -> None:
    """Half files of a process that died do not stay, and neither do expired ones."""
    first = await service_for()
    url = await first.uploaded(b"x")
    folder = first.app.state.simulator.config.data_dir
    (folder / "incoming" / "half").write_bytes(b"half")
    (folder / "files" / "nobody-knows").write_bytes(b"orphan")
    second = await service_for()
    assert not (folder / "incoming" / "half").exists()
    assert not (folder / "files" / "nobody-knows").exists()
    assert (await second.client.get(url)).status_code == 200


async def test_expired_files_are_swept_away(service_for: ServiceFactory, time: Time) -> None:
    """The next start deletes what has outlived its three days."""
    first = await service_for()
    await first.uploaded(b"x")
    folder = first.app.state.simulator.config.data_dir / "files"
    time.now_s += 4 * 24 * 3600
    await service_for()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("error", [RuntimeError("bug"), RenderFailed("no luck")])
async def test_no_error_leaves_a_task_unfinished(
    service_for: ServiceFactory, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """Even a fault of our own ends the task in fail, and gives its price back."""

    class Broken(FakeRenderer):
        async def render(self, *_arguments: object) -> None:
            raise error

    service = await service_for(renderer=Broken())
    with caplog.at_level(logging.CRITICAL):
        record = await service.ended(await service.create(grok()))
    assert record["state"] == "fail"
    assert record["failMsg"]
    assert await service.balance() == 10_000
