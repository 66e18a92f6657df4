"""The stream of server-sent events that each open page holds.

It carries an event only when something changed; elapsed times tick in the browser.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

from starlette.responses import Response, StreamingResponse
from typing_extensions import TypedDict

from kie_ui.runs.errors import RunsProblem
from kie_ui.runs.run import PublicRun
from kie_ui.runs.service import RunService
from kie_ui.ui.account_status import Account
from kie_ui.ui.api.history import RUNS_A_PAGE
from kie_ui.ui.api.requests import ApiRequest, ApiRoute

KEEP_ALIVE_S = 20
"""Silence after which an event is sent anyway: it keeps proxies from closing the connection,
and lets the page distinguish a dead connection from a quiet one."""


class Ready(TypedDict):
    """All that there is has been sent; what follows is news."""

    now_ms: int


class Trouble(TypedDict):
    """What is wrong with the runs, if anything, and whether the stream goes on."""

    message: str | None
    is_open: bool


class Alive(TypedDict):
    """Nothing new."""


class StreamEvents(TypedDict):
    """The data of each event, by its name."""

    run: PublicRun
    account: Account
    places: dict[str, int]
    ready: Ready
    trouble: Trouble
    alive: Alive


Sources = Mapping[str, Callable[[], Awaitable[Any]]]


async def open_stream(request: ApiRequest) -> Response:
    """Send the owner's recent runs, then every change of them and of the account."""
    return StreamingResponse(
        _events(request),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _events(request: ApiRequest) -> AsyncIterator[bytes]:
    """Yield events until the page closes, its user signs out or the server shuts down."""
    services, owner = request.services, request.owner
    yield b"retry: 2000\n\n" + _account_event(request)
    try:
        runs = await request.runs()
        async with AsyncExitStack() as exit_stack:
            sources = await _open_sources(exit_stack, request, runs)
            refreshing = services.tasks.spawn(services.accounts.refresh(owner), name="balance")
            exit_stack.callback(refreshing.cancel)
            async for event in _present_state(request, runs):
                yield event
            async for event in _changes(request, runs, sources):
                yield event
    except RunsProblem as problem:
        yield _event("trouble", Trouble(message=str(problem), is_open=False))


async def _open_sources(
    exit_stack: AsyncExitStack, request: ApiRequest, runs: RunService
) -> Sources:
    """Subscribe to all that a page shows, until the exit stack closes."""
    owner, services = request.owner, request.services
    changed_runs = await exit_stack.enter_async_context(runs.subscribe(owner))
    account = exit_stack.enter_context(services.accounts.changes(owner))
    places = exit_stack.enter_context(runs.queue_changes(owner))
    return {
        "run": lambda: anext(changed_runs),
        "account": lambda: _wait_and_clear(account),
        "places": lambda: _wait_and_clear(places),
        "shutdown": services.is_shutting_down.wait,
    }


async def _wait_and_clear(event: asyncio.Event) -> None:
    await event.wait()
    event.clear()


async def _present_state(request: ApiRequest, runs: RunService) -> AsyncIterator[bytes]:
    """Yield the account, then the recent runs, oldest first so that the page puts each on top."""
    yield _account_event(request)
    for run in reversed(await runs.in_sight(request.owner, RUNS_A_PAGE)):
        yield _event("run", run.public())
    yield _event("ready", Ready(now_ms=time.time_ns() // 1_000_000))
    yield _event("places", runs.places(request.owner))
    if runs.trouble is not None:
        yield _event("trouble", Trouble(message=runs.trouble, is_open=True))


async def _changes(request: ApiRequest, runs: RunService, sources: Sources) -> AsyncIterator[bytes]:
    trouble = runs.trouble
    async for source, value in _next_of(sources):
        if source == "shutdown" or not _is_still_signed_in(request):
            return
        if runs.trouble != trouble:
            trouble = runs.trouble
            yield _event("trouble", Trouble(message=trouble, is_open=True))
        match source:
            case "run":
                yield _event("run", value.public())
            case "account":
                yield _account_event(request)
            case "places":
                yield _event("places", runs.places(request.owner))
            case _:
                yield _event("alive", Alive())


async def _next_of(sources: Sources) -> AsyncIterator[tuple[str, Any]]:
    """Yield the name and the value of whichever source has one; ("alive", None) after silence."""
    waits = {name: asyncio.ensure_future(wait()) for name, wait in sources.items()}
    try:
        while True:
            done, _ = await asyncio.wait(
                waits.values(), timeout=KEEP_ALIVE_S, return_when=asyncio.FIRST_COMPLETED
            )
            if not done:
                yield "alive", None
            for name in [name for name, wait in waits.items() if wait in done]:
                yield name, waits[name].result()
                waits[name] = asyncio.ensure_future(sources[name]())
    finally:
        for wait in waits.values():
            wait.cancel()


def _is_still_signed_in(request: ApiRequest) -> bool:
    users = request.services.users
    return not users or users.signed_in(request.http.scope) is not None


def _account_event(request: ApiRequest) -> bytes:
    return _event("account", request.services.accounts.describe(request.owner))


def _event(name: str, data: Mapping[str, object]) -> bytes:
    # Not orjson: it refuses some values that old records hold, which would end the stream.
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()


ROUTES = (ApiRoute("GET", "/stream", open_stream),)
