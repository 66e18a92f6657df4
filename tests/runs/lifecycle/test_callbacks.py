from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
from collections import Counter
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kie_ui.runs.lifecycle.callbacks import CALLBACK_PATH, CallbackAddresses
from kie_ui.runs.run import Run, Step
from kie_ui.runs.service import Limits, RunService
from tests.fake_kie import Answer, FakeKie, dropped, status
from tests.runs.harness import (
    GROK,
    OWNER,
    FastClock,
    Restart,
    idle,
    make_backends,
    make_service,
    press,
    reached,
    until,
)

PUBLIC = Limits(public_url="https://me.example/ui/")
RUN_ID = "ab" * 16


# Addresses


def test_an_address_carries_its_run_and_a_proof() -> None:
    """It begins with the public address, and the proof is far too long to guess."""
    url = CallbackAddresses("https://me.example/ui/", "secret").url(RUN_ID)
    assert url is not None
    assert re.fullmatch(rf"https://me\.example/ui{CALLBACK_PATH}/{RUN_ID}/[0-9a-f]{{64}}", url)
    assert "secret" not in url


def test_without_a_public_address_kie_does_not_call() -> None:
    """A server that Kie can't reach requests no callbacks."""
    assert CallbackAddresses("", "secret").url(RUN_ID) is None


@given(st.text(max_size=80), st.text(max_size=80))
def test_a_made_up_address_is_never_genuine(run_id: str, proof: str) -> None:
    """Whatever is tried, even what no address can hold, is refused without an error."""
    assert not CallbackAddresses("https://me.example", "secret").is_genuine(run_id, proof)


def test_a_proof_is_for_its_run_and_its_database_alone() -> None:
    """A proof that leaked opens nothing else."""
    callbacks = CallbackAddresses("https://me.example", "secret")
    proof = (callbacks.url(RUN_ID) or "").rsplit("/", 1)[1]
    assert callbacks.is_genuine(RUN_ID, proof)
    assert not callbacks.is_genuine("cd" * 16, proof)
    assert not callbacks.is_genuine(RUN_ID, proof.upper())
    assert not CallbackAddresses("https://me.example", "another secret").is_genuine(RUN_ID, proof)


def test_before_there_is_a_secret_nothing_is_genuine() -> None:
    """A service that could not open its database believes no proof that anyone can make."""
    proof = hmac.new(b"", RUN_ID.encode(), hashlib.sha256).hexdigest()
    assert not CallbackAddresses("https://me.example", "").is_genuine(RUN_ID, proof)


# Calls


def proof_in(fake: FakeKie, number: int = -1) -> str:
    """Return the proof in the callback address that Kie got."""
    return str(fake.bodies[number]["callBackUrl"].rsplit("/", 1)[1])


def count_database(service: RunService, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count reads and writes of the database."""
    counted: Counter[str] = Counter()
    database = service._store._database
    for name in ("read", "write"):
        real = getattr(database, name)

        async def counting(work: Any, name: str = name, real: Any = real) -> Any:
            counted[name] += 1
            return await real(work)

        monkeypatch.setattr(database, name, counting)
    return counted


@pytest.fixture
async def still_service(restart: Restart, fast: FastClock, fake: FakeKie) -> RunService:
    """Return a service that can be called, and whose own polls are far off."""
    fast.speed = 0.001
    fake.polls_until_success = 0
    return await restart(PUBLIC)


@pytest.fixture
async def run(still_service: RunService, values: dict[str, Any]) -> Run:
    """Return a run whose task waits at Kie."""
    return await press(still_service, values, Step.WAITING)


async def test_a_create_says_where_to_call_and_keeps_that(fake: FakeKie, run: Run) -> None:
    """The address is part of the request as it left."""
    assert fake.bodies[0]["callBackUrl"].startswith(
        f"https://me.example/ui{CALLBACK_PATH}/{run.id}/"
    )
    assert run.request == fake.bodies[0]


@pytest.mark.parametrize("names_task", [True, False])
async def test_a_genuine_call_prompts_one_poll_and_is_believed_in_nothing(
    still_service: RunService, fake: FakeKie, run: Run, *, names_task: bool
) -> None:
    """The address says which run is meant; the clip comes from Kie's own record, at once."""
    assert fake.counts["record"] == 0
    task_id = run.task_id if names_task else None
    assert still_service.called_back(run.id, proof_in(fake), task_id)
    await reached(still_service, run, Step.DONE)
    assert fake.counts["record"] == 1


async def test_a_forged_call_costs_nothing(
    still_service: RunService, fake: FakeKie, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many come, they cost neither a query of the database nor one of Kie."""
    await until(lambda: run.id in still_service._scheduler._watches)
    running = len(still_service._engine._tasks)
    counted = count_database(still_service, monkeypatch)
    for number in range(500):
        assert not still_service.called_back(run.id, f"{number:064x}", run.task_id)
        assert not still_service.called_back(f"{number:032x}", proof_in(fake), run.task_id)
    await asyncio.sleep(0.02)
    assert counted.total() == 0
    assert fake.counts["record"] == 0
    assert len(still_service._engine._tasks) == running


async def test_a_call_that_is_repeated_without_end_costs_one_question(
    still_service: RunService, fake: FakeKie, run: Run
) -> None:
    """Within a second at least; the steady time hardly moves in this test."""
    fake.polls_until_success = 10**6
    for _ in range(300):
        still_service.called_back(run.id, proof_in(fake), run.task_id)
        await asyncio.sleep(0)
    await until(lambda: fake.counts["record"] == 1)
    await asyncio.sleep(0.05)
    assert fake.counts["record"] == 1


async def test_a_call_that_is_replayed_after_the_end_costs_nothing(
    still_service: RunService, fake: FakeKie, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kie gets no request, nothing changes, and the database is read once at most."""
    still_service.called_back(run.id, proof_in(fake), run.task_id)
    await reached(still_service, run, Step.DONE)
    await idle(still_service)
    before = await still_service.run(OWNER, run.id)
    before_counts = fake.counts.copy()
    counted = count_database(still_service, monkeypatch)
    for _ in range(200):
        assert still_service.called_back(run.id, proof_in(fake), run.task_id)
        assert still_service.called_back(run.id, proof_in(fake), None)
        await asyncio.sleep(0)
    await asyncio.sleep(0.02)
    assert counted["read"] <= 1
    assert counted["write"] == 0
    assert (fake.counts["record"], fake.counts["media"]) == (
        before_counts["record"],
        before_counts["media"],
    )
    assert await still_service.run(OWNER, run.id) == before


async def test_a_call_about_another_task_changes_nothing(
    still_service: RunService, fake: FakeKie, run: Run
) -> None:
    """A genuine address with a wrong task id in its body is not a reason to ask about it."""
    still_service.called_back(run.id, proof_in(fake), "task-of-someone-else")
    await asyncio.sleep(0.05)
    assert fake.counts["record"] == 0
    assert (await still_service.run(OWNER, run.id)).task_id == run.task_id


async def test_with_callbacks_polling_remains(
    public: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """A call that never comes costs patience, and no clip."""
    fake.polls_until_success = 0
    run = await press(public, values, Step.DONE)
    way = {change.step: change.at_ms for change in run.step_changes}
    assert way[Step.FETCHING] - way[Step.WAITING] >= 15_000


# A run of unknown outcome, found again by a call


@pytest.fixture
async def public(restart: Restart) -> RunService:
    """Return a service that can be called."""
    return await restart(PUBLIC)


async def lost(service: RunService, fake: FakeKie, values: dict[str, Any]) -> Run:
    """Press Generate; Kie takes it, and its answer is lost."""

    async def take_and_break(request: httpx.Request) -> Answer | None:
        await fake.create(request)
        return await status(502)(request)

    fake.faults["create"] = [take_and_break]
    run = await service.submit(OWNER, GROK, values, "live")
    return await reached(service, run, Step.UNKNOWN)


def remember(fake: FakeKie, body: dict[str, Any]) -> None:
    """Have every record of Kie say that its task was made with this request."""
    fake.record = {"model": body["model"], "param": json.dumps(body)}


async def test_a_lost_task_is_found_again_by_its_call(
    public: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """Its task carries the very address of the run, which nobody else knows."""
    run = await lost(public, fake, values)
    remember(fake, fake.bodies[0])
    assert public.called_back(run.id, proof_in(fake), "task-1")
    run = await reached(public, run, Step.DONE)
    assert (run.task_id, run.error) == ("task-1", None)
    assert fake.counts["create"] == 1


@pytest.mark.parametrize(
    "address", [None, "https://me.example/ui/kie-ui/callbacks/other/proof", 7, ""]
)
async def test_a_task_that_does_not_carry_the_address_is_not_taken_for_it(
    public: RunService, fake: FakeKie, values: dict[str, Any], address: Any
) -> None:
    """Someone who learnt the address can't make a run show another clip."""
    run = await lost(public, fake, values)
    remember(fake, fake.bodies[0] | {"callBackUrl": address})
    assert public.called_back(run.id, proof_in(fake), "task-of-someone-else")
    await until(lambda: fake.counts["record"] == 1)
    await until(lambda: len(public._engine._tasks) == 1)
    assert (await public.run(OWNER, run.id)).step is Step.UNKNOWN


async def test_a_call_that_comes_before_the_creates_answer_is_remembered(
    public: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """If that answer never comes, the call has said which task to look at."""
    answered = asyncio.Event()

    async def taken_and_never_answered(request: httpx.Request) -> Answer | None:
        await fake.create(request)
        await answered.wait()
        return await dropped()(request)

    fake.faults["create"] = [taken_and_never_answered]
    run = await public.submit(OWNER, GROK, values, "live")
    await until(lambda: bool(fake.bodies))
    remember(fake, fake.bodies[0])
    assert public.called_back(run.id, proof_in(fake), "task-1")
    await until(lambda: run.id in public._engine._early_calls)
    answered.set()
    run = await reached(public, run, Step.DONE)
    assert (run.task_id, fake.counts["create"]) == ("task-1", 1)


async def test_calls_about_a_lost_run_are_looked_into_now_and_then(
    public: RunService, fake: FakeKie, fast: FastClock, values: dict[str, Any]
) -> None:
    """A hundred calls within half a minute cost one poll; a later one counts again."""
    run = await lost(public, fake, values)
    proof = proof_in(fake)
    remember(fake, {"model": GROK, "input": {}})
    fast.speed = 1.0
    for number in range(100):
        public.called_back(run.id, proof, f"task-{number}")
        await asyncio.sleep(0)
    await until(lambda: len(public._engine._tasks) == 1)
    assert fake.counts["record"] == 1
    fast.jump(31)
    public.called_back(run.id, proof, "task-1")
    await until(lambda: fake.counts["record"] == 2)


async def test_a_call_for_a_run_that_is_gone_changes_nothing(
    public: RunService, fake: FakeKie, caplog: pytest.LogCaptureFixture
) -> None:
    """A genuine address of an older database leaves a line in the log, no more."""
    proof = public._callbacks._proof(RUN_ID)
    assert public.called_back(RUN_ID, proof, "task-1")
    await until(lambda: len(public._engine._tasks) == 1)
    assert fake.counts["record"] == 0
    assert RUN_ID in caplog.text


async def test_addresses_outlive_a_restart(
    restart: Restart, fake: FakeKie, values: dict[str, Any]
) -> None:
    """A task that was made before the restart may be called back about after it."""
    fake.polls_until_success = 10**6
    service = await restart(PUBLIC)
    run = await press(service, values, Step.WAITING)
    service = await restart(PUBLIC)
    assert service.called_back(run.id, proof_in(fake), run.task_id)


async def test_before_the_start_no_call_is_genuine(
    tmp_path: Any, fake: FakeKie, fast: FastClock
) -> None:
    """While the database is not open, a proof made with no secret opens nothing."""
    transport = httpx.MockTransport(fake.answer)
    service = make_service(tmp_path, fast, make_backends(), transport, PUBLIC)
    proof = hmac.new(b"", RUN_ID.encode(), hashlib.sha256).hexdigest()
    assert not service.called_back(RUN_ID, proof, "task-1")
    await service.stop()
