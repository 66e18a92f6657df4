from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kie_ui.catalog.request import CREATE_TASK_PATH
from kie_ui.runs.run import Step
from kie_ui.runs.service import RunService
from kie_ui.simulator.faults import Fault, ForcedOutcome
from kie_ui.simulator.responses import RECORD_PATH
from kie_ui.simulator.server import SimulatorServer
from tests.runs.harness import (
    OWNER,
    FastClock,
    ended,
    error_of,
    grok_values,
    make_backends,
    make_service,
    press_until,
)
from tests.wire.tiny_media import shows

UPLOADS = "/api/file-stream-upload"
FILES = "/files/*"


@pytest.fixture
async def service(
    tmp_path: Path, simulator: SimulatorServer, key: str
) -> AsyncIterator[RunService]:
    """Start the run service on the simulator, with time running fast."""
    folder = tmp_path / "runs"
    folder.mkdir()
    backends = make_backends(simulator.base_url)
    backends.set_key(OWNER, key)
    service = make_service(folder, FastClock(), backends)
    await service.start()
    yield service
    await service.stop()


async def test_a_press_ends_with_the_clip_on_this_disk(
    service: RunService, simulator: SimulatorServer, jpeg: Path, clip: bytes
) -> None:
    """One upload, one create, and the bytes that Kie made."""
    run = await press_until(service, grok_values(jpeg), Step.DONE)
    assert shows(service.clip_of(await service.run(OWNER, run.id)).read_bytes(), clip)
    assert (simulator.request_log.uploads, simulator.request_log.creates) == (1, 1)
    assert run.credits_used == pytest.approx(14.4)
    steps = [change.step for change in run.step_changes]
    assert steps[:4] == [Step.PREPARING, Step.UPLOADING, Step.SENDING, Step.WAITING]
    assert steps[-2:] == [Step.FETCHING, Step.DONE]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(path=CREATE_TASK_PATH, code=401), "did not accept the API key"),
        (Fault(path=CREATE_TASK_PATH, status=401, code=401), "did not accept the API key"),
        (Fault(path=CREATE_TASK_PATH, code=402), "too few credits"),
        (Fault(path=CREATE_TASK_PATH, code=422, msg="No such mode"), "No such mode"),
        (Fault(path=CREATE_TASK_PATH, code=500, msg="This field is required"), "field is required"),
        (Fault(path=UPLOADS, code=401), "did not accept the API key"),
        (
            Fault(path=CREATE_TASK_PATH, outcome=ForcedOutcome(fails=True, fail_msg="Too blurry")),
            "Too blurry",
        ),
    ],
)
async def test_what_kie_refuses_or_fails_to_make_is_a_failed_run_that_says_why(
    service: RunService, simulator: SimulatorServer, jpeg: Path, fault: Fault, words: str
) -> None:
    """With one create at most, and advice on what to do."""
    simulator.faults.add(fault)
    run = await press_until(service, grok_values(jpeg), Step.FAILED)
    assert words in error_of(run).message
    assert error_of(run).advice
    assert simulator.request_log.creates <= 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault(drop=True),
        Fault(drop=True, after_work=True),
        Fault(status=502, body="html"),
        Fault(code=500),
        Fault(body="broken_json", after_work=True),
        Fault(omit=("data.taskId",)),
    ],
)
async def test_a_create_of_unknown_outcome_is_counted_once_at_kies_door(
    service: RunService, simulator: SimulatorServer, jpeg: Path, fault: Fault
) -> None:
    """The run says that nobody can know, and where to look; it is never sent again by itself."""
    simulator.faults.add(fault.model_copy(update={"path": CREATE_TASK_PATH, "times": None}))
    run = await press_until(service, grok_values(jpeg), Step.UNKNOWN)
    assert "kie.ai/logs" in error_of(run).advice
    assert simulator.request_log.creates == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault(path=CREATE_TASK_PATH, code=429, times=7),
        Fault(path=UPLOADS, drop=True),
        Fault(path=UPLOADS, status=503, body="html"),
        Fault(path=RECORD_PATH, code=500, times=9),
        Fault(path=RECORD_PATH, body="html", times=9),
        Fault(path=RECORD_PATH, code=422, msg="recordInfo is null", times=3),
        Fault(path=RECORD_PATH, drop=True, times=9),
        Fault(path=FILES, drop=True, skip=0),
        Fault(path=FILES, status=503, body="html", times=4),
    ],
)
async def test_a_passing_fault_costs_time_and_nothing_else(
    service: RunService, simulator: SimulatorServer, jpeg: Path, clip: bytes, fault: Fault
) -> None:
    """The clip comes all the same, from one accepted create."""
    simulator.faults.add(fault)
    run = await press_until(service, grok_values(jpeg), Step.DONE)
    assert shows(service.clip_of(await service.run(OWNER, run.id)).read_bytes(), clip)
    refused = 7 if fault.code == 429 else 0
    assert simulator.request_log.creates == 1 + refused


async def test_a_clip_that_cannot_be_fetched_is_kept_in_mind_and_fetched_later(
    service: RunService, simulator: SimulatorServer, jpeg: Path, clip: bytes
) -> None:
    """It is made and paid: a press on the button brings it, without another create."""
    simulator.faults.add(Fault(path=FILES, status=503, body="html", times=None))
    run = await press_until(service, grok_values(jpeg), Step.UNFETCHED)
    simulator.faults.clear()
    await service.fetch_again(OWNER, run.id)
    run = await ended(service, run)
    assert run.step is Step.DONE
    assert shows(service.clip_of(await service.run(OWNER, run.id)).read_bytes(), clip)
    assert simulator.request_log.creates == 1
