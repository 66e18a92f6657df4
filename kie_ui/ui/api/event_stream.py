"""Our own routes beside Gradio's: the stream of runs, the files of their owner, and the actions.

A page holds one stream. It carries a message only when something changed; the clock on the page
ticks in the browser.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    JSONResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from kie_ui.catalog.media_types import OCTET_STREAM, SHOWN_IN_BROWSERS, mime_of_suffix
from kie_ui.runs.errors import RunsProblem
from kie_ui.runs.history import clip_name
from kie_ui.runs.run import Run
from kie_ui.ui.api.history import RUNS_A_PAGE, build_earlier_routes, build_history_routes
from kie_ui.ui.api.models import build_models_routes
from kie_ui.ui.api.reuse import build_using_routes
from kie_ui.ui.api.run_actions import build_action_routes, build_callback_routes, refused
from kie_ui.ui.asgi.identity import owner_of
from kie_ui.ui.services import Services

PREFIX = "/kie-ui"
KEEP_ALIVE_S = 20
"""Silence after which a sign of life goes over the stream: proxies keep it open, and the page can
tell a dead connection from a quiet one."""

_PRIVATE = {"Cache-Control": "private, max-age=86400", "X-Content-Type-Options": "nosniff"}


def build_routes(services: Services) -> list[Route]:
    """Build the routes of one server."""

    async def stream(request: Request) -> Response:
        """Tell the owner's recent runs, then every change of them and of the account."""
        return StreamingResponse(
            _messages(services, owner_of(request), partial(_is_still, services, request)),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    async def clip(request: Request) -> Response:
        """Send a result to its owner, in ranges if asked; `?download` makes it a file to keep."""
        run_id, index = request.path_params["run_id"], request.path_params["index"]
        try:
            runs = await services.runs()
            run = await runs.run(owner_of(request), run_id)
            if index < len(run.clips) and run.written and run.clips[index].kind == "text":
                return _written(run, index)
            path = runs.clip_of(run, index)
        except RunsProblem as problem:
            return refused(problem, out_of_step=404)
        name = clip_name(run, index, path.suffix)
        return await _sent(path, name, is_kept="download" in request.query_params)

    async def given(request: Request) -> Response:
        """Send the owner a file that a run was started with."""
        run_id, name = request.path_params["run_id"], request.path_params["name"]
        try:
            runs = await services.runs()
            path = await runs.input_file(owner_of(request), run_id, f"inputs/{name}")
        except RunsProblem as problem:
            return refused(problem)
        return await _sent(path)

    return [
        Route(f"{PREFIX}/stream", stream),
        Route(f"{PREFIX}/runs/{{run_id:str}}/clips/{{index:int}}.{{suffix:str}}", clip),
        Route(f"{PREFIX}/runs/{{run_id:str}}/inputs/{{name:path}}", given),
        *build_earlier_routes(services, PREFIX),
        *build_action_routes(services, PREFIX),
        *build_history_routes(services, PREFIX),
        *build_using_routes(services, PREFIX),
        *build_models_routes(services, PREFIX),
        *build_callback_routes(services, PREFIX),
    ]


async def _sent(path: Path, name: str | None = None, *, is_kept: bool = False) -> Response:
    """Send a file of an owner's; it may have been tidied away by hand.

    Shown by the browser is only what is a picture, a sound or a clip and nothing else: whatever
    could hold a script comes as a file to keep.
    """
    if not await asyncio.to_thread(path.is_file):
        return JSONResponse({"message": "The file is no longer there."}, status_code=404)
    mime = mime_of_suffix(path.suffix)
    can_be_shown = mime in SHOWN_IN_BROWSERS
    return FileResponse(
        path,
        headers=_PRIVATE,
        media_type=mime if can_be_shown else OCTET_STREAM,
        filename=name or path.name,
        content_disposition_type="inline" if can_be_shown and not is_kept else "attachment",
    )


def _written(run: Run, index: int) -> Response:
    """Send what a model wrote, as a file to keep."""
    suffix = Path(run.clips[index].name).suffix
    name = quote(clip_name(run, index, suffix))
    kept = {"Content-Disposition": f"attachment; filename*=utf-8''{name}"}
    media_type = "application/json" if suffix == ".json" else "text/plain"
    return Response(
        (run.written or "").encode(), media_type=media_type, headers={**_PRIVATE, **kept}
    )


def _is_still(services: Services, request: Request) -> bool:
    """Tell whether who opened a stream is still signed in, where that is asked for."""
    return not services.users or services.users.signed_in(request.scope) is not None


async def _messages(
    services: Services, owner: str, is_still: Callable[[], bool]
) -> AsyncIterator[bytes]:
    """Yield server-sent events until the page goes away, or its person signs out."""
    accounts = services.accounts
    yield b"retry: 2000\n\n" + _event("account", accounts.describe(owner))
    try:
        runs = await services.runs()
    except RunsProblem as problem:
        yield _event("trouble", {"message": str(problem), "is_open": False})
        return
    refreshing = asyncio.create_task(accounts.refresh(owner))
    async with AsyncExitStack() as open_here:
        changes = _Changes(
            await open_here.enter_async_context(runs.subscribe(owner)),
            open_here.enter_context(accounts.changes(owner)),
            open_here.enter_context(runs.queue_changes(owner)),
            services.is_leaving,
            is_still,
        )
        open_here.callback(refreshing.cancel)
        yield _event("account", accounts.describe(owner))
        try:
            in_sight = await runs.in_sight(owner, RUNS_A_PAGE)
        except RunsProblem as problem:
            yield _event("trouble", {"message": str(problem), "is_open": False})
            return
        for run in reversed(in_sight):
            yield _event("run", run.public())
        yield _event("ready", {"now_ms": time.time_ns() // 1_000_000})
        yield _event("places", runs.places(owner))
        told = runs.trouble
        if told is not None:
            yield _event("trouble", {"message": told, "is_open": True})
        async for news in changes.news():
            if runs.trouble != told:
                told = runs.trouble
                yield _event("trouble", {"message": told, "is_open": True})
            if isinstance(news, Run):
                yield _event("run", news.public())
            elif news is _News.ACCOUNT:
                yield _event("account", accounts.describe(owner))
            elif news is _News.PLACES:
                yield _event("places", runs.places(owner))
            else:
                yield _event("alive", {})


class _News(Enum):
    """What a page is told of beside changed runs."""

    ACCOUNT = auto()
    PLACES = auto()
    SILENCE = auto()


@dataclass(frozen=True)
class _Changes:
    """Everything that a page hears of, as one stream."""

    runs: AsyncIterator[Run]
    account: asyncio.Event
    places: asyncio.Event
    is_leaving: asyncio.Event
    """Set when the server is about to stop."""
    is_still: Callable[[], bool]
    """Whether who hears of it is still signed in."""

    async def news(self) -> AsyncIterator[Run | _News]:
        """Yield each piece of news as it comes, until the server leaves."""
        run: asyncio.Future[Run] = asyncio.ensure_future(anext(self.runs))
        events = {_News.ACCOUNT: self.account, _News.PLACES: self.places}
        waits: dict[_News, asyncio.Future[Any]] = {
            news: asyncio.ensure_future(event.wait()) for news, event in events.items()
        }
        leaving: asyncio.Future[Any] = asyncio.ensure_future(self.is_leaving.wait())
        try:
            while not self.is_leaving.is_set():
                done, _ = await asyncio.wait(
                    {run, leaving, *waits.values()},
                    timeout=KEEP_ALIVE_S,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if not self.is_still():
                    return
                if run in done:
                    yield run.result()
                    run = asyncio.ensure_future(anext(self.runs))
                for news, event in events.items():
                    if waits[news] in done:
                        event.clear()
                        yield news
                        waits[news] = asyncio.ensure_future(event.wait())
                if not done:
                    yield _News.SILENCE
        finally:
            for waiting in (run, leaving, *waits.values()):
                waiting.cancel()


def _event(name: str, data: dict[str, Any]) -> bytes:
    # Not orjson: whatever stands in an old record must not end the page's stream.
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()
