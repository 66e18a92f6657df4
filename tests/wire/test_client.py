from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from kie_ui.catalog.request import CREATE_TASK_PATH
from kie_ui.kie.client import Backend, KieClient, Retries, Timeouts
from kie_ui.kie.errors import (
    BadAnswer,
    InvalidInput,
    KieError,
    NoAnswer,
    NoCredits,
    RateLimited,
    ServerFault,
    TaskNotFound,
    Unauthorized,
    Unreachable,
)
from kie_ui.kie.responses import TaskRecord, TaskState
from kie_ui.simulator.config import SimulatorConfig
from kie_ui.simulator.faults import Fault
from kie_ui.simulator.render.worker_pool import WorkerPool
from kie_ui.simulator.responses import RECORD_PATH
from kie_ui.simulator.server import SimulatorServer
from tests.wire.app_process import free_port

GROK = "grok-imagine/image-to-video"
V1_LITE = "bytedance/v1-lite-image-to-video"
PICTURE = "https://pictures.test/cat.png"
INPUT = {"image_urls": [PICTURE], "prompt": "She waves.", "duration": "6", "resolution": "480p"}
UPLOADS = "/api/file-stream-upload"
FILES = "/files/*"

OpenClient = Callable[..., KieClient]


@pytest.fixture
async def open_client(key: str) -> AsyncIterator[OpenClient]:
    """Open clients that wait for nothing between their attempts."""
    opened: list[KieClient] = []

    async def sleep(wait_s: float) -> None:
        await asyncio.sleep(0)

    def open_client(base_url: str, typed: str = key, **options: Any) -> KieClient:
        backend = Backend(
            kind="live", api_base_url=base_url, upload_base_url=base_url, api_key=SecretStr(typed)
        )
        client = KieClient(backend, retries=Retries(attempts=3), sleep=sleep, **options)
        opened.append(client)
        return client

    yield open_client
    for client in opened:
        await client.aclose()


@pytest.fixture
def client(open_client: OpenClient, simulator: SimulatorServer) -> KieClient:
    """Open a client of the simulator."""
    return open_client(simulator.base_url)


def simulating(clip: bytes, folder: Path, **options: Any) -> SimulatorServer:
    """Return a simulator of its own, not yet started."""
    renderer = WorkerPool(fixed_clip=clip)
    return SimulatorServer(SimulatorConfig(data_dir=folder, renderer=renderer, **options))


def contents(folder: Path) -> list[bytes]:
    """Read every file in a folder and in its folders."""
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


async def ended(client: KieClient, task_id: str) -> TaskRecord:
    """Ask about a task until it has ended."""
    async with asyncio.timeout(10):
        while True:
            record = await client.task(task_id)
            if record.state in (TaskState.SUCCESS, TaskState.FAIL):
                return record
            await asyncio.sleep(0.005)


async def test_a_clip_is_made_from_an_uploaded_picture(
    client: KieClient, jpeg: Path, clip: bytes, tmp_path: Path
) -> None:
    """Upload, create, ask, download; the balance falls by the price."""
    before = await client.credit()
    uploaded = await client.upload(jpeg, name="cat.jpg", mime="image/jpeg")
    created = await client.create_task(
        {"model": GROK, "input": {**INPUT, "image_urls": [uploaded]}}
    )
    record = await ended(client, created.task_id)
    assert record.state is TaskState.SUCCESS
    assert record.task_id == created.task_id
    (url,) = record.result_urls
    size = await client.download(url, tmp_path / "clip.mp4", max_bytes=10**7)
    assert contents(tmp_path) == [clip]
    assert size == len(clip)
    assert await client.credit() == pytest.approx(before - 14.4)
    assert record.credits_consumed == pytest.approx(14.4)


async def test_an_uploaded_picture_comes_back_byte_for_byte(
    client: KieClient, jpeg: Path, tmp_path: Path
) -> None:
    """What Kie reads is what was given."""
    uploaded = await client.upload(jpeg, name="cat.jpg", mime="image/jpeg")
    await client.download(uploaded, tmp_path / "back.jpg", max_bytes=10**7)
    assert contents(tmp_path) == contents(jpeg.parent)


async def test_a_wrong_key_is_refused_whatever_is_asked(
    open_client: OpenClient, key: str, clip: bytes, tmp_path: Path, jpeg: Path
) -> None:
    """And nothing is made or stored."""
    with simulating(clip, tmp_path, accepted_keys=frozenset({key})) as simulator:
        client = open_client(simulator.base_url, "another-key")
        for asking in (
            client.credit(),
            client.task("281e5b0"),
            client.create_task({"model": GROK, "input": INPUT}),
            client.upload(jpeg, name="cat.jpg", mime="image/jpeg"),
        ):
            with pytest.raises(Unauthorized) as refused:
                await asking
            assert "another-key" not in str(refused.value)


async def test_too_few_credits_are_told_apart(
    open_client: OpenClient, clip: bytes, tmp_path: Path
) -> None:
    """Nothing is taken."""
    with simulating(clip, tmp_path, credits=14) as simulator:
        client = open_client(simulator.base_url)
        with pytest.raises(NoCredits):
            await client.create_task({"model": GROK, "input": INPUT})
        assert await client.credit() == 14


@pytest.mark.parametrize(
    "change",
    [
        {"duration": 6},
        {"duration": "7"},
        {"image_urls": PICTURE},
        {"image_urls": [PICTURE, PICTURE]},
        {"image_urls": []},
        {"task_id": "sample-grok-a"},
        {"prompt": "x" * 5_001},
        {"resolution": "1080p"},
        {"mode": 1},
    ],
)
async def test_inputs_that_break_a_documented_rule_are_refused(
    client: KieClient, simulator: SimulatorServer, change: dict[str, Any]
) -> None:
    """Once, in words; the client repeats nothing that cannot succeed."""
    with pytest.raises(InvalidInput):
        await client.create_task({"model": GROK, "input": {**INPUT, **change}})
    assert simulator.request_log.creates == 1


async def test_a_create_turned_away_by_the_rate_limit_is_its_callers_to_send_again(
    client: KieClient, simulator: SimulatorServer
) -> None:
    """It was surely not accepted, but when there is room for it only the caller's queue knows."""
    simulator.faults.add(Fault(path=CREATE_TASK_PATH, code=429, times=1))
    with pytest.raises(RateLimited) as refused:
        await client.create_task({"model": GROK, "input": INPUT})
    assert refused.value.may_retry
    assert not refused.value.may_have_been_accepted
    assert simulator.request_log.creates == 1
    await client.create_task({"model": GROK, "input": INPUT})


async def test_the_twenty_first_create_in_ten_seconds_is_turned_away(
    client: KieClient, simulator: SimulatorServer
) -> None:
    """As the account's limit says."""
    for _ in range(20):
        await client.create_task({"model": GROK, "input": INPUT})
    with pytest.raises(RateLimited):
        await client.create_task({"model": GROK, "input": INPUT})


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(drop=True), NoAnswer),
        (Fault(drop=True, after_work=True), NoAnswer),
        (Fault(status=503, body="html"), ServerFault),
        (Fault(status=500, code=500), ServerFault),
        (Fault(code=500), ServerFault),
        (Fault(body="html", status=200), BadAnswer),
        (Fault(body="broken_json", after_work=True), BadAnswer),
        (Fault(body="empty"), BadAnswer),
        (Fault(omit=("data.taskId",)), BadAnswer),
        (Fault(omit=("data",)), BadAnswer),
    ],
)
async def test_a_create_of_unknown_outcome_is_sent_once_and_said_to_be_unknown(
    client: KieClient, simulator: SimulatorServer, fault: Fault, error: type[KieError]
) -> None:
    """Kie may have taken it, and has no way to recognise a second one as the same."""
    simulator.faults.add(fault.model_copy(update={"path": CREATE_TASK_PATH, "times": None}))
    with pytest.raises(error) as lost:
        await client.create_task({"model": GROK, "input": INPUT})
    assert lost.value.may_have_been_accepted
    assert "kie.ai/logs" in lost.value.advice
    assert simulator.request_log.creates == 1


async def test_a_create_that_is_never_answered_ends_with_its_fate_unknown(
    open_client: OpenClient, simulator: SimulatorServer
) -> None:
    """The client waits as long as its timeout says, and does not send twice."""
    simulator.faults.add(Fault(path=CREATE_TASK_PATH, delay_s=5))
    client = open_client(simulator.base_url, timeouts=Timeouts(create_s=0.1))
    with pytest.raises(NoAnswer) as lost:
        await client.create_task({"model": GROK, "input": INPUT})
    assert lost.value.may_have_been_accepted
    assert simulator.request_log.creates == 1


async def test_a_kie_that_is_not_there_was_surely_not_asked(open_client: OpenClient) -> None:
    """No connection was opened, so nothing can have been accepted."""
    client = open_client(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Unreachable) as lost:
        await client.create_task({"model": GROK, "input": INPUT})
    assert not lost.value.may_have_been_accepted


@pytest.mark.parametrize(
    "fault",
    [Fault(drop=True), Fault(status=502, body="html"), Fault(code=500), Fault(code=429)],
)
async def test_a_question_is_asked_again(
    client: KieClient, simulator: SimulatorServer, fault: Fault
) -> None:
    """Asking changes nothing, so a passing fault does not show."""
    created = await client.create_task({"model": GROK, "input": INPUT})
    for path in (RECORD_PATH, "/api/v1/chat/credit"):
        simulator.faults.add(fault.model_copy(update={"path": path}))
    assert (await client.task(created.task_id)).task_id == created.task_id
    assert await client.credit() > 0


async def test_a_question_may_be_asked_just_once(
    client: KieClient, simulator: SimulatorServer
) -> None:
    """A caller with a schedule of its own hears of a fault at once."""
    created = await client.create_task({"model": GROK, "input": INPUT})
    simulator.faults.add(Fault(path=RECORD_PATH, code=429))
    with pytest.raises(RateLimited):
        await client.task(created.task_id, attempts=1)
    assert simulator.request_log.queries == 1


@pytest.mark.parametrize("path", [UPLOADS, FILES])
async def test_a_transfer_that_breaks_is_begun_anew(
    client: KieClient, simulator: SimulatorServer, jpeg: Path, tmp_path: Path, path: str
) -> None:
    """The same name again overwrites, so an upload too is safe to repeat."""
    simulator.faults.add(Fault(path=path, drop=True))
    uploaded = await client.upload(jpeg, name="cat.jpg", mime="image/jpeg")
    await client.download(uploaded, tmp_path / "back.jpg", max_bytes=10**7)
    assert contents(tmp_path) == contents(jpeg.parent)


async def test_a_task_that_fails_is_a_record_and_costs_nothing(client: KieClient) -> None:
    """Not an error of the question."""
    before = await client.credit()
    created = await client.create_task({"model": GROK, "input": {**INPUT, "prompt": "[moderated]"}})
    record = await ended(client, created.task_id)
    assert record.state is TaskState.FAIL
    assert record.fail_msg
    assert "moderation" in record.fail_msg
    assert await client.credit() == before


async def test_a_task_of_another_key_is_not_found(
    client: KieClient, open_client: OpenClient, simulator: SimulatorServer
) -> None:
    """Nor is one that there never was."""
    created = await client.create_task({"model": GROK, "input": INPUT})
    other = open_client(simulator.base_url, "another-key")
    for asking in (other.task(created.task_id), client.task("281e5b0")):
        with pytest.raises(TaskNotFound):
            await asking


async def test_v1_lite_takes_all_that_is_documented(client: KieClient, jpeg: Path) -> None:
    """Every parameter at once, in the types of the wire."""
    uploaded = await client.upload(jpeg, name="cat.jpg", mime="image/jpeg")
    given = {
        "prompt": "She waves.",
        "image_url": uploaded,
        "end_image_url": PICTURE,
        "resolution": "480p",
        "duration": "3",
        "camera_fixed": True,
        "seed": 2_147_483_647,
        "enable_safety_checker": False,
    }
    created = await client.create_task({"model": V1_LITE, "input": given})
    assert (await ended(client, created.task_id)).state is TaskState.SUCCESS


async def test_the_simulator_keeps_no_key(
    open_client: OpenClient, key: str, clip: bytes, tmp_path: Path
) -> None:
    """Not even on its own disk."""
    with simulating(clip, tmp_path, speed=1000) as server:
        client = open_client(server.base_url)
        created = await client.create_task({"model": GROK, "input": INPUT})
        await ended(client, created.task_id)
    kept = contents(tmp_path)
    assert kept
    assert not any(key.encode() in content for content in kept)
