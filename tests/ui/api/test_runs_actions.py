from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from kie_ui.kie.errors import TaskNotFound, Unreachable
from kie_ui.runs.errors import KeyMissing, StoreProblem, UnknownRun, WrongStep
from kie_ui.ui.api.requests import MAX_BODY_BYTES
from kie_ui.ui.services import Services
from tests.ui.driving import MakeServices, make_site

RUN = "/kie-ui/runs/r1"


class Runs:
    """Stands in for the run service: records its calls, or refuses."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.refusal: Exception | None = None
        self.genuine = True

    def __getattr__(self, name: str) -> Any:
        async def act(owner: str, *given: Any) -> Any:
            self.calls.append((name, owner, *given))
            if self.refusal is not None:
                raise self.refusal
            return SimpleNamespace(id="new", model="maker/model")

        return act

    def called_back(self, *given: Any) -> bool:
        self.calls.append(("called_back", *given))
        return self.genuine

    def is_callback(self, _run_id: str, _proof: str) -> bool:
        return self.genuine


@pytest.fixture
def runs() -> Runs:
    """Give a run service that obeys."""
    return Runs()


@pytest.fixture
def services(make_services: MakeServices, runs: Runs, monkeypatch: pytest.MonkeyPatch) -> Services:
    """Give services over it."""
    services = make_services()

    async def opened() -> Runs:
        return runs

    monkeypatch.setattr(services, "runs", opened)
    return services


@pytest.fixture
async def browser(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """Give the one owner's browser."""
    site = make_site(services, has_many=False)
    transport = httpx.ASGITransport(site)
    async with httpx.AsyncClient(transport=transport, base_url="https://page.test") as browser:
        yield browser


@pytest.mark.parametrize(
    ("path", "body", "call", "answer"),
    [
        ("runs/r1/cancel", None, ("cancel", "local", "r1"), {}),
        ("runs/r1/send-again", None, ("send_again", "local", "r1"), {"run_id": "new"}),
        ("runs/r1/fetch-again", None, ("fetch_again", "local", "r1"), {}),
        ("runs/r1/watch-again", None, ("watch_again", "local", "r1"), {}),
        ("runs/r1/task-id", {"task_id": " t1 "}, ("give_task_id", "local", "r1", "t1"), {}),
        (
            "track",
            {"task_id": "t1"},
            ("track", "local", "t1", "demo"),
            {"run_id": "new", "model": "maker/model"},
        ),
    ],
)
async def test_each_route_does_one_thing_for_the_owner_who_asks(
    browser: httpx.AsyncClient, runs: Runs, path: str, body: Any, call: Any, answer: Any
) -> None:
    """And answers what the page needs to go on."""
    response = await browser.post(f"/kie-ui/{path}", json=body)
    assert (response.status_code, response.json()) == (200, answer)
    assert runs.calls == [call]
    assert (await browser.get(f"/kie-ui/{path}")).status_code == 405


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (UnknownRun(), 404),
        (WrongStep("It has left."), 409),
        (KeyMissing(), 409),
        (StoreProblem("The disk is full."), 503),
        (TaskNotFound(), 409),
        (Unreachable(), 503),
    ],
)
async def test_what_cannot_be_done_is_said_in_words(
    browser: httpx.AsyncClient, runs: Runs, refusal: Exception, status: int
) -> None:
    """The page shows the sentence beside what was pressed."""
    runs.refusal = refusal
    response = await browser.post(f"{RUN}/task-id", json={"task_id": "t1"})
    assert (response.status_code, response.json()) == (status, {"message": str(refusal)})


TASK_PATHS = [f"{RUN}/task-id", "/kie-ui/track"]


@pytest.mark.parametrize("body", [{}, {"task_id": 7}, {"task_id": "  "}])
@pytest.mark.parametrize("path", TASK_PATHS)
async def test_a_missing_task_id_is_refused_with_a_sentence(
    browser: httpx.AsyncClient, runs: Runs, path: str, body: Any
) -> None:
    """It says what to enter, and nothing is requested from Kie."""
    answer = await browser.post(path, json=body)
    assert answer.status_code == 400
    assert "Enter a task id" in answer.json()["message"]
    assert runs.calls == []


TOO_LARGE = b'{"task_id": "' + b"x" * MAX_BODY_BYTES + b'"}'


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        *((body, "application/json", 400) for body in (b"", b"{", b"[]", b"null", b"\xff")),
        (b"[" * 5000, "application/json", 400),
        (b'{"task_id": NaN}', "application/json", 400),
        (TOO_LARGE, "application/json", 413),
        (b'{"task_id": "t1"}', "text/plain", 400),
    ],
)
@pytest.mark.parametrize("path", TASK_PATHS)
async def test_a_body_that_is_no_json_object_is_refused_with_a_sentence(
    browser: httpx.AsyncClient, runs: Runs, path: str, body: bytes, media_type: str, status: int
) -> None:
    """A body must also declare its type, which a form of another site cannot do."""
    answer = await browser.post(path, content=body, headers={"Content-Type": media_type})
    assert answer.status_code == status
    assert answer.json()["message"].endswith(".")
    assert runs.calls == []


@pytest.mark.parametrize(("site", "status"), [("cross-site", 403), ("same-site", 403)])
@pytest.mark.parametrize("path", [f"{RUN}/send-again", f"{RUN}/cancel", "/kie-ui/track"])
async def test_another_sites_page_can_have_nothing_done(
    browser: httpx.AsyncClient, runs: Runs, path: str, site: str, status: int
) -> None:
    """A browser says where a request comes from; no form elsewhere makes anyone pay."""
    response = await browser.post(path, headers={"Sec-Fetch-Site": site}, json={"task_id": "t1"})
    assert response.status_code == status
    assert runs.calls == []


@pytest.mark.parametrize("site", ["same-origin", "none"])
async def test_the_page_itself_can(browser: httpx.AsyncClient, runs: Runs, site: str) -> None:
    """Its own origin is no other site."""
    response = await browser.post(f"{RUN}/cancel", headers={"Sec-Fetch-Site": site})
    assert response.status_code == 200
    assert runs.calls


CALLBACK = "/kie-ui/callbacks/r1/proof"


async def test_a_callback_prompts_a_question_and_nothing_else(
    browser: httpx.AsyncClient, runs: Runs
) -> None:
    """What it says of the task is not looked at."""
    body = {"code": 200, "data": {"taskId": "t1", "state": "success"}}
    response = await browser.post(CALLBACK, json=body)
    assert (response.status_code, response.json()) == (200, {})
    assert runs.calls == [("called_back", "r1", "proof", "t1")]


async def test_a_callback_at_a_forged_address_is_not_found(
    browser: httpx.AsyncClient, runs: Runs
) -> None:
    """A caller learns nothing of what there is."""
    runs.genuine = False
    assert (await browser.post(CALLBACK, json={"taskId": "t1"})).status_code == 404
    assert (await browser.post(CALLBACK, content=b"x" * 1_000_000)).status_code == 404
    assert runs.calls == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b"\xff\xfe", b"[" * 100_000])
async def test_a_callback_that_is_no_object_is_refused(
    browser: httpx.AsyncClient, runs: Runs, body: bytes
) -> None:
    """Before anything else is done about it."""
    assert (await browser.post(CALLBACK, content=body)).status_code == 400
    assert runs.calls == []


async def test_an_oversized_callback_is_refused_announced_or_not(
    browser: httpx.AsyncClient, runs: Runs
) -> None:
    """No more than the limit is read of it."""
    piece = b"x" * 65_536
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(64):
            sent += len(piece)
            yield piece
            await asyncio.sleep(0)

    assert (await browser.post(CALLBACK, content=piece * 5)).status_code == 413
    assert (await browser.post(CALLBACK, content=endless())).status_code == 413
    assert runs.calls == []


async def test_with_a_webhook_key_only_signed_callbacks_count(
    make_services: MakeServices, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check gets the key, the task id and the headers; forged ones cost nothing."""
    services = make_services(kie_webhook_key="planted-webhook-key")
    checked: list[Any] = []

    def is_signed(key: Any, task_id: str, headers: Any, now_s: float) -> bool:
        checked.append((key.get_secret_value(), task_id))
        return bool(headers.get("x-webhook-signature") == "right")

    async def opened() -> Runs:
        return runs

    monkeypatch.setattr(services, "runs", opened)
    monkeypatch.setattr("kie_ui.ui.api.runs.is_signed", is_signed)
    transport = httpx.ASGITransport(make_site(services))
    async with httpx.AsyncClient(transport=transport, base_url="https://page.test") as kie:
        body = json.dumps({"taskId": "t1"})
        forged = await kie.post(CALLBACK, content=body, headers={"x-webhook-signature": "wrong"})
        nameless = await kie.post(CALLBACK, json={}, headers={"x-webhook-signature": "right"})
        signed = await kie.post(CALLBACK, content=body, headers={"x-webhook-signature": "right"})
    assert [a.status_code for a in (forged, nameless, signed)] == [401, 401, 200]
    assert checked == [("planted-webhook-key", "t1")] * 2
    assert runs.calls == [("called_back", "r1", "proof", "t1")]
