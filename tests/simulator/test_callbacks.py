from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from typing import Any

import httpx
import pytest

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


async def test_success_is_reported_with_the_query_answer(service_for: ServiceFactory) -> None:
    """A callback holds the very envelope that a query would answer."""
    receiver = Receiver()
    service = await start(service_for, receiver)
    task_id = await service.create({**grok(), "callBackUrl": HOOK})
    await receiver.got(1)
    body = receiver.body()
    assert (body["code"], body["data"]["taskId"]) == (200, task_id)
    assert body["data"] == await service.record(task_id)


async def test_failure_is_reported_with_code_501(service_for: ServiceFactory) -> None:
    """A failed task calls back with code 501 and without a result."""
    receiver = Receiver()
    service = await start(service_for, receiver)
    await service.create({**grok(prompt="[moderated] waves"), "callBackUrl": HOOK})
    await receiver.got(1)
    body = receiver.body()
    assert (body["code"], body["data"]["state"]) == (501, "fail")
    assert body["data"]["resultJson"] is None
    assert "moderation" in body["data"]["failMsg"]


async def test_callbacks_are_signed_where_there_is_a_webhook_key(
    service_for: ServiceFactory, time: Time
) -> None:
    """The signature is base64(HMAC-SHA256(key, taskId.timestamp)), with unix seconds."""
    receiver = Receiver()
    service = await start(service_for, receiver, webhook_key="hook-key")
    task_id = await service.create({**grok(), "callBackUrl": HOOK})
    await receiver.got(1)
    headers = receiver.requests[0].headers
    timestamp = headers["X-Webhook-Timestamp"]
    digest = hmac.new(b"hook-key", f"{task_id}.{timestamp}".encode(), hashlib.sha256).digest()
    assert headers["X-Webhook-Signature"] == base64.b64encode(digest).decode()
    assert abs(int(timestamp) - time.now_s) < 2


async def test_without_a_webhook_key_nothing_is_signed(service_for: ServiceFactory) -> None:
    """The signature headers are missing where no key was made."""
    receiver = Receiver()
    service = await start(service_for, receiver)
    await service.create({**grok(), "callBackUrl": HOOK})
    await receiver.got(1)
    assert "X-Webhook-Signature" not in receiver.requests[0].headers


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


async def test_callbacks_stay_on_this_machine_where_told_so(service_for: ServiceFactory) -> None:
    """With `calls_back_anywhere` off, no other host is called."""
    receiver = Receiver()
    service = await start(service_for, receiver, calls_back_anywhere=False)
    task_id = await service.create({**grok(), "callBackUrl": "https://far.example/hook"})
    await service.ended(task_id)
    await service.create({**grok(), "callBackUrl": HOOK})
    await receiver.got(1)
    assert [request.url.host for request in receiver.requests] == ["127.0.0.1"]
