"""Kie calls back when a task has ended; the simulator of the demo does so for real."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.wire.api_client import V1_LITE
from tests.wire.app_process import AppProcess, with_fast_clock
from tests.wire.visitor import Visitor

PROMPT = "announced by a call"
STUCK = "[stuck] for ever"
SMALL = {"resolution": "480p", "duration": "3"}


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppProcess]:
    """Run a demo that can be called, and that asks for itself only after hours."""
    settings = {"KIE_UI_SIMULATOR_SPEED": "100", "KIE_WEBHOOK_KEY": "planted-webhook-key"}
    app = AppProcess(tmp_path_factory.mktemp("called"), with_fast_clock(0.001), **settings)
    app.set_environment(KIE_UI_PUBLIC_URL=app.url)
    with app:
        yield app


@pytest.fixture
def visitor(patient: AppProcess) -> Iterator[Visitor]:
    """Open its page."""
    with Visitor(patient) as visitor:
        yield visitor


def test_a_signed_call_brings_the_clip(visitor: Visitor) -> None:
    """Nothing else would within this test: the first question is due in hours."""
    visitor.call(V1_LITE, prompt=PROMPT, **SMALL)
    run = visitor.run(PROMPT, "done")
    assert visitor.get(f"/kie-ui/runs/{run['id']}/clips/0.mp4").is_success


def test_forged_calls_change_nothing(visitor: Visitor, patient: AppProcess) -> None:
    """Made up, unsigned, signed wrongly, much too large, over and over: the run waits on."""
    visitor.call(V1_LITE, prompt=STUCK, **SMALL)
    run = visitor.run(STUCK, "waiting")
    genuine = visitor.get(f"/kie-ui/runs/{run['id']}").json()["run"]["request"]["callBackUrl"]
    made_up = genuine[:-64] + "0" * 64
    body = json.dumps({"code": 200, "data": {"taskId": run["task_id"], "state": "success"}})
    signed = {"x-webhook-signature": "bm8=", "x-webhook-timestamp": str(int(time.time()))}
    for _ in range(20):
        answers = [
            httpx.post(made_up, content=body, trust_env=False),
            httpx.post(genuine, content=body, trust_env=False),
            httpx.post(genuine, content=body, headers=signed, trust_env=False),
            httpx.post(genuine, content=body + " " * 300_000, trust_env=False),
        ]
        assert [answer.status_code for answer in answers] == [404, 401, 401, 413]
    assert visitor.run(STUCK)["step"] == "waiting"
