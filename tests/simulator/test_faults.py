from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kie_ui.simulator.faults import Fault, Faults, ForcedOutcome, outcome_in_texts, without_field
from tests.simulator.harness import Service, ServiceFactory, Time, grok

CREATE = "/api/v1/jobs/createTask"
CREDIT = "/api/v1/chat/credit"


def add_fault(service: Service, **fields: Any) -> None:
    """Arm a fault with these fields."""
    service.app.state.simulator.faults.add(Fault(**fields))


async def test_a_fault_applies_as_often_as_it_says(service: Service) -> None:
    """A fault that applies twice lets the third request pass."""
    add_fault(service, path=CREDIT, code=455, msg="maintenance", times=2)
    answers = [(await service.client.get(CREDIT)).json() for _ in range(3)]
    assert [answer["code"] for answer in answers] == [455, 455, 200]
    assert answers[0]["msg"] == "maintenance"


async def test_a_fault_may_apply_for_ever_and_may_skip_some(service: Service) -> None:
    """Without a number it always applies; skipped requests pass first."""
    add_fault(service, path=CREDIT, status=429, times=None, skip=1)
    statuses = [(await service.client.get(CREDIT)).status_code for _ in range(4)]
    assert statuses == [200, 429, 429, 429]


async def test_a_fault_applies_only_to_its_path_and_method(service: Service) -> None:
    """Other requests are served well."""
    add_fault(service, path="/api/v1/jobs/*", method="POST", status=500)
    assert await service.balance() == 10_000
    assert (await service.client.get("/api/v1/jobs/recordInfo")).status_code == 200
    assert (await service.client.post(CREATE, json=grok())).status_code == 500


async def test_answers_can_be_unreadable(service: Service) -> None:
    """Broken JSON, a proxy's HTML page and an empty body are each on offer."""
    add_fault(service, body="broken_json")
    add_fault(service, body="html")
    add_fault(service, body="empty", status=503)
    broken, page, empty = [await service.client.get(CREDIT) for _ in range(3)]
    with pytest.raises(json.JSONDecodeError):
        broken.json()
    assert (page.status_code, page.text.startswith("<!DOCTYPE html>")) == (502, True)
    assert (empty.status_code, empty.content) == (503, b"")


async def test_an_answer_can_be_late(service: Service, time: Time) -> None:
    """The delay passes before the answer, which is the real one."""
    add_fault(service, path=CREDIT, delay_s=7)
    assert await service.balance() == 10_000
    assert 7 in time.slept_s


async def test_fields_can_be_missing(service: Service) -> None:
    """Named fields are left out of the real answer."""
    add_fault(service, path=CREATE, omit=("data.taskId", "msg"))
    assert await service.post(CREATE, grok()) == {"code": 200, "data": {}}


async def test_a_lost_answer_leaves_the_work_done_or_not(service: Service) -> None:
    """A connection dropped after the work leaves a billed task; dropped before, nothing."""
    add_fault(service, path=CREATE, drop=True)
    assert (await service.client.post(CREATE, json=grok())).status_code == 500  # no socket here
    assert await service.balance() == 10_000
    add_fault(service, path=CREATE, drop=True, after_work=True)
    await service.client.post(CREATE, json=grok())
    assert await service.balance() == 9985.6


async def test_a_replaced_answer_can_hide_done_work(service: Service) -> None:
    """A create can be accepted although its answer is a 502 page."""
    add_fault(service, path=CREATE, body="html", after_work=True)
    assert (await service.client.post(CREATE, json=grok())).status_code == 502
    assert await service.balance() == 9985.6


async def test_a_task_can_be_made_to_fail(service: Service) -> None:
    """A create's forced outcome decides the code and the message of the failure."""
    add_fault(
        service, path=CREATE, outcome=ForcedOutcome(fails=True, fail_code="433", fail_msg="no luck")
    )
    record = await service.ended(await service.create(grok()))
    assert (record["state"], record["failCode"], record["failMsg"]) == ("fail", "433", "no luck")
    assert record["resultJson"] is None


async def test_a_stuck_task_never_ends(service: Service, time: Time) -> None:
    """A prompt with [stuck] keeps its task generating."""
    task_id = await service.create(grok(prompt="a boat [stuck]"))
    for _ in range(200):
        record = await service.record(task_id)
    time.now_s += 10_000
    assert record["state"] == "generating"


async def test_a_slow_task_takes_ten_times_as_long(service: Service) -> None:
    """A prompt with [slow] stretches every wait by ten."""
    record = await service.ended(await service.create(grok(prompt="[SLOW] boat")))
    assert record["costTime"] == pytest.approx(46_000, abs=2)


async def test_faults_and_request_log_over_http(service_for: ServiceFactory) -> None:
    """With control on, other people's clients can add faults and read the request log."""
    service = await service_for(has_control=True)
    added = await service.post("/simulator/faults", {"path": CREDIT, "status": 503})
    assert added["data"]["status"] == 503
    assert len((await service.client.get("/simulator/faults")).json()["data"]) == 1
    assert (await service.client.get(CREDIT)).status_code == 503
    assert (await service.post("/simulator/faults", {"pth": 1}))["code"] == 422
    await service.client.delete("/simulator/faults")
    journal = (await service.client.get("/simulator/journal")).json()["data"]
    assert journal["counts"] == {CREDIT: 1}
    await service.client.delete("/simulator/journal")
    assert service.app.state.simulator.request_log.entries == []


async def test_control_is_off_by_default(service: Service) -> None:
    """An embedded simulator lets nobody add faults over HTTP."""
    for path in ("/simulator/faults", "/simulator/journal"):
        assert (await service.client.get(path)).status_code == 404


async def test_the_request_log_counts_what_arrived(service: Service) -> None:
    """Creates, queries and uploads are counted, refused ones included."""
    task_id = await service.create(grok())
    await service.post(CREATE, {})
    await service.record(task_id)
    await service.uploaded(b"x")
    log = service.app.state.simulator.request_log
    assert (log.creates, log.queries, log.uploads) == (2, 1, 1)
    assert log.count("/api/v1/*") == 3


async def test_a_dropped_connection_in_process_looks_like_one(service: Service) -> None:
    """Served without a socket, a client that lets errors through sees a lost connection."""
    add_fault(service, path=CREDIT, drop=True)
    transport = httpx.ASGITransport(service.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://x.test") as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(CREDIT)


@given(st.lists(st.integers(1, 4), max_size=4), st.integers(0, 12))
def test_faults_are_used_up_one_after_the_other(times: list[int], requests: int) -> None:
    """As many requests go wrong as the active faults allow, and no more."""
    faults = Faults(Fault(times=each) for each in times)
    taken = [faults.take("GET", "/x") for _ in range(requests)]
    assert sum(fault is not None for fault in taken) == min(requests, sum(times))
    assert sum(fault.times or 0 for fault in faults) <= sum(times)


@given(st.text())
def test_an_ordinary_prompt_forces_no_outcome(prompt: str) -> None:
    """Only the documented words decide over a task."""
    if "[" not in prompt:
        assert outcome_in_texts([prompt]) is None


_JSON = st.recursive(
    st.none() | st.integers(), lambda inner: st.dictionaries(st.sampled_from("abc"), inner)
)


@given(_JSON, st.sampled_from(["a", "a.b", "a.b.c"]))
def test_leaving_a_field_out_is_final(body: Any, field: str) -> None:
    """What was left out is not there, and leaving it out again changes nothing."""
    once = without_field(body, field)
    assert without_field(once, field) == once
