"""Our own routes beside Gradio's: the stream of runs, and the files of their owner.

A page holds one stream. It carries a message only when something changed; the clock on the page
ticks in the browser.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    JSONResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from kie_ui.runs.errors import RunsProblem, UnknownRun, WrongStep
from kie_ui.runs.run import Run
from kie_ui.ui.services import Services
from kie_ui.ui.visitors import owner_of

PREFIX = "/kie-ui"
RECENT_RUNS = 40
"""Runs that a page shows when it opens; more wait in the database."""
KEEP_ALIVE_S = 20
"""Silence after which a comment goes over the stream, so that proxies keep it open."""

_PRIVATE = {"Cache-Control": "private, max-age=86400", "X-Content-Type-Options": "nosniff"}


def build_routes(services: Services) -> list[Route]:
    """Build the routes of one server."""

    async def stream(request: Request) -> Response:
        """Tell the owner's recent runs, then every change of them and of the account."""
        return StreamingResponse(
            _messages(services, owner_of(request)),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    async def clip(request: Request) -> Response:
        """Send a clip to its owner, in ranges if asked; `?download` names it as a file to keep."""
        run_id, index = request.path_params["run_id"], request.path_params["index"]
        try:
            runs = await services.runs()
            path = await runs.clip_file(owner_of(request), run_id, index)
        except RunsProblem as problem:
            return _refused(problem, out_of_step=404)
        disposition = "attachment" if "download" in request.query_params else "inline"
        return await _sent(
            path,
            media_type="video/mp4",
            filename=f"kie-{run_id[:8]}.mp4",
            content_disposition_type=disposition,
        )

    async def given(request: Request) -> Response:
        """Send the owner a picture that a run was started with."""
        run_id, name = request.path_params["run_id"], request.path_params["name"]
        try:
            runs = await services.runs()
            path = await runs.input_file(owner_of(request), run_id, f"inputs/{name}")
        except RunsProblem as problem:
            return _refused(problem)
        return await _sent(path)

    async def again(request: Request) -> Response:
        """Try once more what failed after the task was made; makes nothing new at Kie."""
        run_id, owner = request.path_params["run_id"], owner_of(request)
        try:
            runs = await services.runs()
            is_fetching = request.url.path.endswith("/fetch-again")
            await (runs.fetch_again if is_fetching else runs.watch_again)(owner, run_id)
        except RunsProblem as problem:
            return _refused(problem)
        return JSONResponse({})

    return [
        Route(f"{PREFIX}/stream", stream),
        Route(f"{PREFIX}/runs/{{run_id:str}}/clips/{{index:int}}.mp4", clip),
        Route(f"{PREFIX}/runs/{{run_id:str}}/inputs/{{name:path}}", given),
        Route(f"{PREFIX}/runs/{{run_id:str}}/fetch-again", again, methods=["POST"]),
        Route(f"{PREFIX}/runs/{{run_id:str}}/watch-again", again, methods=["POST"]),
    ]


def _refused(problem: RunsProblem, *, out_of_step: int = 409) -> Response:
    """Say why not: no such run, not at this step, or not while the database fails."""
    status = {UnknownRun: 404, WrongStep: out_of_step}.get(type(problem), 503)
    return JSONResponse({"message": str(problem)}, status_code=status)


async def _sent(path: Path, **options: Any) -> Response:
    """Send a file of an owner's; it may have been tidied away by hand."""
    if not await asyncio.to_thread(path.is_file):
        return JSONResponse({"message": "The file is no longer there."}, status_code=404)
    return FileResponse(path, headers=_PRIVATE, **options)


async def _messages(services: Services, owner: str) -> AsyncIterator[bytes]:
    """Yield server-sent events until the page goes away."""
    accounts = services.accounts
    yield b"retry: 2000\n\n" + _event("account", accounts.describe(owner))
    try:
        runs = await services.runs()
    except RunsProblem as problem:
        yield _event("trouble", {"message": str(problem)})
        return
    refreshing = asyncio.create_task(accounts.refresh(owner))
    async with AsyncExitStack() as open_here:
        changed_runs = await open_here.enter_async_context(runs.subscribe(owner))
        changed_account = open_here.enter_context(accounts.changes(owner))
        open_here.callback(refreshing.cancel)
        yield _event("account", accounts.describe(owner))
        for run in reversed(await runs.recent(owner, RECENT_RUNS)):
            yield _event("run", run.public())
        yield _event("ready", {"now_ms": time.time_ns() // 1_000_000})
        async for message in _merged(changed_runs, changed_account, services.is_leaving):
            yield message or _event("account", accounts.describe(owner))


async def _merged(
    changed_runs: AsyncIterator[Run], changed_account: asyncio.Event, is_leaving: asyncio.Event
) -> AsyncIterator[bytes]:
    """Yield a message a changed run, nothing (`b""`) for a changed account, and signs of life.

    Ends when the server is about to stop.
    """
    run: asyncio.Future[Any] = asyncio.ensure_future(anext(changed_runs))
    account: asyncio.Future[Any] = asyncio.ensure_future(changed_account.wait())
    leaving: asyncio.Future[Any] = asyncio.ensure_future(is_leaving.wait())
    try:
        while not is_leaving.is_set():
            done, _ = await asyncio.wait(
                {run, account, leaving}, timeout=KEEP_ALIVE_S, return_when=asyncio.FIRST_COMPLETED
            )
            if run in done:
                yield _event("run", run.result().public())
                run = asyncio.ensure_future(anext(changed_runs))
            if account in done:
                changed_account.clear()
                yield b""
                account = asyncio.ensure_future(changed_account.wait())
            if not done:
                yield b": still here\n\n"
    finally:
        for waiting in (run, account, leaving):
            waiting.cancel()


def _event(name: str, data: dict[str, Any]) -> bytes:
    # Not orjson: whatever stands in an old record must not end the page's stream.
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()
