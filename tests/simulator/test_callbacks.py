from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kie_ui.simulator.callbacks import may_be_called
from kie_ui.simulator.config import SimulatorConfig
from tests.simulator.harness import Service, ServiceFactory, Time, grok

HOOK = "http://127.0.0.1:9/hook"


class Receiver:
    """Takes callbacks, and answers the first few with other statuses."""

    def __init__(self, *statuses: int) -> None:
        self.requests: list[httpx.Request] = []
        self._statuses = list(statuses)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(self._statuses.pop(0) if self._statuses else 200)

    def body(self, number: int = 0) -> Any:
        return json.loads(self.requests[number].content)

    async def got(self, count: int) -> None:
        for _ in range(2000):
            if len(self.requests) >= count:
                return
            await asyncio.sleep(0.005)
        raise AssertionError(f"{count} callbacks did not arrive")


async def start(service_for: ServiceFactory, receiver: Receiver, **options: Any) -> Service:
    """Start a simulator whose callbacks go to the receiver."""
    return await service_for(transport=httpx.MockTransport(receiver), **options)


async def called_back(
    service_for: ServiceFactory, body: dict[str, Any] | None = None, **options: Any
) -> tuple[Service, str, httpx.Request]:
    """Create a task, and return its id and the callback that reported it."""
    receiver = Receiver()
    service = await start(service_for, receiver, **options)
    task_id = await service.create({**(body or grok()), "callBackUrl": HOOK})
    await receiver.got(1)
    return service, task_id, receiver.requests[0]


async def test_success_is_reported_with_the_query_answer(service_for: ServiceFactory) -> None:
    """A callback holds the very envelope that a query would answer."""
    service, task_id, callback = await called_back(service_for)
    body = json.loads(callback.content)
    assert (body["code"], body["data"]["taskId"]) == (200, task_id)
    assert body["data"] == await service.record(task_id)
    assert "X-Webhook-Signature" not in callback.headers  # for want of a key


async def test_failure_is_reported_with_code_501(service_for: ServiceFactory) -> None:
    """A failed task calls back with code 501 and without a result."""
    _, _, callback = await called_back(service_for, grok(prompt="[moderated] waves"))
    body = json.loads(callback.content)
    assert (body["code"], body["data"]["state"]) == (501, "fail")
    assert body["data"]["resultJson"] is None
    assert "moderation" in body["data"]["failMsg"]


async def test_callbacks_are_signed_where_there_is_a_webhook_key(
    service_for: ServiceFactory, time: Time
) -> None:
    """The signature is base64(HMAC-SHA256(key, taskId.timestamp)), with unix seconds."""
    _, task_id, callback = await called_back(service_for, webhook_key="hook-key")
    timestamp = callback.headers["X-Webhook-Timestamp"]
    digest = hmac.new(b"hook-key", f"{task_id}.{timestamp}".encode(), hashlib.sha256).digest()
    assert callback.headers["X-Webhook-Signature"] == base64.b64encode(digest).decode()
    assert abs(int(timestamp) - time.now_s) < 2


@pytest.mark.parametrize(("statuses", "count"), [((500,), 2), ((500, 500), 2), ((), 1)])
async def test_a_callback_is_tried_twice_at_most(
    service_for: ServiceFactory, statuses: tuple[int, ...], count: int
) -> None:
    """What did not arrive is sent once more, and then given up."""
    receiver = Receiver(*statuses)
    service = await start(service_for, receiver)
    await service.create({**grok(), "callBackUrl": HOOK})
    await receiver.got(count)
    await asyncio.sleep(0.05)
    assert len(receiver.requests) == count


async def test_many_callbacks_at_once_all_arrive(service_for: ServiceFactory) -> None:
    """Each task that ends is reported once, however many end together."""
    receiver = Receiver()
    service = await start(service_for, receiver, creates_per_10_s=0)
    task_ids = [await service.create({**grok(), "callBackUrl": HOOK}) for _ in range(150)]
    await receiver.got(150)
    reported = [receiver.body(number)["data"]["taskId"] for number in range(150)]
    assert sorted(reported) == sorted(task_ids)


@pytest.mark.parametrize(
    ("prefixes", "called"),
    [((), HOOK), (("https://me.example/kie-ui",), "https://me.example/kie-ui/a")],
)
async def test_callbacks_leave_this_machine_only_where_that_is_admitted(
    service_for: ServiceFactory, prefixes: tuple[str, ...], called: str
) -> None:
    """With `calls_back_anywhere` off, to `callback_prefixes` and to nowhere else."""
    receiver = Receiver()
    service = await start(
        service_for, receiver, calls_back_anywhere=False, callback_prefixes=prefixes
    )
    for hook in ("https://far.example/kie-ui/a", called):
        await service.ended(await service.create({**grok(), "callBackUrl": hook}))
    await receiver.got(1)
    assert [str(request.url) for request in receiver.requests] == [called]


def is_admitted(url: str, *prefixes: str) -> bool:
    """Ask a simulator that may call these prefixes and this machine only."""
    config = SimulatorConfig(
        data_dir=Path("unused"), calls_back_anywhere=False, callback_prefixes=prefixes
    )
    return may_be_called(config, url)


@pytest.mark.parametrize(
    ("prefix", "url"),
    [
        ("https://me.example", "https://me.example"),
        ("https://me.example", "https://me.example/kie-ui/callbacks/a/b?c=d"),
        ("https://me.example/", "https://me.example:443/a"),
        ("https://ME.example:443", "https://me.EXAMPLE/a"),
        ("http://me.example:8000/a", "http://me.example:8000/a/b"),
        ("http://me.example/a/", "http://me.example/a"),
        ("http://me.example/a%20b", "http://me.example/a%20b/c"),
        ("http://[2001:db8::1]", "http://[2001:db8::1]/a"),
        ("https://müller.example", "https://xn--mller-kva.example/a"),
    ],
)
def test_what_lies_at_or_below_a_prefix_is_admitted(prefix: str, url: str) -> None:
    """However host, usual port and a slash at the end are spelt."""
    assert is_admitted(url, "https://other.example", prefix)


@pytest.mark.parametrize(
    ("prefix", "url"),
    [
        ("https://me.example", "https://me.example.evil.test"),
        ("https://me.example", "https://me.example.evil.test/me.example"),
        ("https://me.example", "https://me.example@evil.test"),
        ("https://me.example", "https://me.example\\@evil.test"),
        ("https://me.example", "https://me.example:pw@evil.test/"),
        ("https://me.example", "https://evil.test/https://me.example"),
        ("https://me.example", "https://evil.test#https://me.example"),
        ("https://me.example", "https://sub.me.example"),
        ("https://me.example", "https://me.example:8443"),
        ("https://me.example", "http://me.example"),
        ("https://me.example", "http://me.example:443"),
        ("https://me.example", "ftp://me.example"),
        ("https://me.example", "me.example"),
        ("https://me.example", "https://me.example:99999999/"),
        ("https://me.example", "https://[me.example/"),
        ("https://me.example/app", "https://me.example/"),
        ("https://me.example/app", "https://me.example/apple"),
        ("https://me.example/app", "https://me.example/app/../admin"),
        ("https://me.example/app", "https://me.example/app/%2e%2e/admin"),
        ("https://me.example/app", "https://me.example/app/.%2E/admin"),
        ("https://me.example/app", "https://me.example/app/a%2F..%2F..%2Fadmin"),
        ("https://me.example/app", "https://me.example/app/a%5C..%5C..%5Cadmin"),
        ("https://me.example/a/b", "https://me.example/a%2Fb"),
        ("https://me.example/app", "https://me.example/?x=/app"),
        ("https://me.example/app", "https://me.example//app"),
    ],
)
def test_what_only_looks_like_a_prefix_is_not_admitted(prefix: str, url: str) -> None:
    """Scheme, host and port count as a whole, and the path segment by segment."""
    assert not is_admitted(url, prefix)


@given(st.text())
def test_no_text_after_a_host_leads_to_another(rest: str) -> None:
    """Whatever follows the prefix, what is admitted goes to the prefix's own host."""
    url = "https://me.example" + rest
    if is_admitted(url, "https://me.example"):
        assert httpx.URL(url).host == "me.example"


@pytest.mark.parametrize("prefix", ["", "me.example", "ftp://me.example", "https://", "*"])
def test_a_prefix_that_is_no_address_is_refused(prefix: str) -> None:
    """A prefix that could never match, or match too much, is a mistake of the config."""
    with pytest.raises(ValueError, match="callback_prefixes"):
        is_admitted("https://me.example", prefix)
