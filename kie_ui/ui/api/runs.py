"""One run's routes: its files, for its owner alone, and what is done to it. And Kie's callbacks.

Of the actions only `send-again` makes a task at Kie, which a person has to request explicitly.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.responses import FileResponse, Response
from typing_extensions import TypedDict

from kie_ui.catalog.media_types import OCTET_STREAM, SHOWN_IN_BROWSERS, mime_of_suffix
from kie_ui.kie.webhook import is_signed, task_id_of
from kie_ui.runs.errors import WrongStep
from kie_ui.runs.history import clip_name
from kie_ui.runs.run import Run
from kie_ui.ui.api.requests import PRIVATE, ApiRequest, ApiRoute
from kie_ui.ui.asgi.request_body import read_json_object
from kie_ui.ui.errors import BadRequest

MAX_CALLBACK_BYTES = 256 * 1024


class Done(TypedDict):
    """Nothing to say."""


class StartedRun(TypedDict):
    """The run that is there now."""

    run_id: str


class TrackedRun(StartedRun):
    """The run of a task that was made elsewhere."""

    model: str


async def send_result(request: ApiRequest) -> Response:
    """Send a result, in ranges if requested; `?download` makes it a file to keep."""
    run, index = await request.run(), request.http.path_params["index"]
    if index < len(run.clips) and run.written and run.clips[index].kind == "text":
        return _text_response(run, index)
    try:
        path = (await request.runs()).clip_of(run, index)
    except WrongStep as problem:
        raise BadRequest(str(problem), 404) from None
    name = clip_name(run, index, path.suffix)
    return await _file_response(path, name, is_download="download" in request.http.query_params)


async def send_input(request: ApiRequest) -> Response:
    """Send a file that a run was started with."""
    name = f"inputs/{request.http.path_params['name']}"
    path = await (await request.runs()).input_file(request.owner, request.run_id, name)
    return await _file_response(path, path.name)


async def send_poster(request: ApiRequest) -> Response:
    """Send the still picture that represents a run's result."""
    runs = await request.runs()
    path = await runs.history.poster_file(request.owner, request.run_id)
    if not await asyncio.to_thread(path.is_file):
        raise WrongStep("The poster is no longer there.")
    return FileResponse(path, headers=PRIVATE)


async def _file_response(path: Path, name: str, *, is_download: bool = False) -> Response:
    """Send a file; what could hold a script is only to be downloaded.

    Raises: BadRequest, if someone has deleted it.
    """
    if not await asyncio.to_thread(path.is_file):
        raise BadRequest("The file is no longer there.", 404)
    mime = mime_of_suffix(path.suffix)
    is_showable = mime in SHOWN_IN_BROWSERS
    return FileResponse(
        path,
        headers=PRIVATE,
        media_type=mime if is_showable else OCTET_STREAM,
        filename=name,
        content_disposition_type="inline" if is_showable and not is_download else "attachment",
    )


def _text_response(run: Run, index: int) -> Response:
    """Send a text that a model wrote, as a file to keep."""
    suffix = Path(run.clips[index].name).suffix
    name = quote(clip_name(run, index, suffix))
    headers = {**PRIVATE, "Content-Disposition": f"attachment; filename*=utf-8''{name}"}
    media_type = "application/json" if suffix == ".json" else "text/plain"
    return Response((run.written or "").encode(), media_type=media_type, headers=headers)


async def cancel(request: ApiRequest) -> Done:
    """Cancel a run whose create request was not sent."""
    await (await request.runs()).cancel(request.owner, request.run_id)
    return {}


async def send_again(request: ApiRequest) -> StartedRun:
    """Repeat a run of unknown outcome, at the explicit request of a person."""
    run = await (await request.runs()).send_again(request.owner, request.run_id)
    return {"run_id": run.id}


async def give_task_id(request: ApiRequest) -> Done:
    """Take the task id that a person found in Kie's logs."""
    task_id = await _task_id(request)
    await (await request.runs()).give_task_id(request.owner, request.run_id, task_id)
    return {}


async def fetch_again(request: ApiRequest) -> Done:
    """Try again to download a result."""
    await (await request.runs()).fetch_again(request.owner, request.run_id)
    return {}


async def watch_again(request: ApiRequest) -> Done:
    """Poll again for a task that was not found."""
    await (await request.runs()).watch_again(request.owner, request.run_id)
    return {}


async def track(request: ApiRequest) -> TrackedRun:
    """Adopt a task that was made elsewhere."""
    task_id = await _task_id(request)
    kind = request.services.backends.kind(request.owner)
    run = await (await request.runs()).track(request.owner, task_id, kind)
    return {"run_id": run.id, "model": run.model}


async def _task_id(request: ApiRequest) -> str:
    task_id = (await request.json_object()).get("task_id")
    if not isinstance(task_id, str) or not task_id.strip():
        raise BadRequest("Enter a task id from Kie’s logs.")
    return task_id.strip()


async def receive_callback(request: ApiRequest) -> Done:
    """Check a call of Kie's, then poll its task.

    The address is checked first: of a forged one not even the body is read.
    """
    run_id, proof = request.run_id, request.http.path_params["proof"]
    runs = await request.runs()
    if not runs.is_callback(run_id, proof):
        raise BadRequest("There is no such callback.", 404)
    body = await read_json_object(request.http, MAX_CALLBACK_BYTES, needs_json_type=False)
    runs.called_back(run_id, proof, _signed_task_id(request, body))
    return {}


def _signed_task_id(request: ApiRequest, body: dict[str, Any]) -> str | None:
    """Return the task id of a callback. Raises: BadRequest, if a signature is missing or wrong."""
    task_id, key = task_id_of(body), request.services.settings.kie_webhook_key
    if key is not None and not (
        task_id and is_signed(key, task_id, request.http.headers, time.time())
    ):
        raise BadRequest("The signature is missing or wrong.", 401)
    return task_id


ROUTES = (
    ApiRoute("GET", "/runs/{run_id}/clips/{index:int}.{suffix}", send_result),
    ApiRoute("GET", "/runs/{run_id}/inputs/{name:path}", send_input),
    ApiRoute("GET", "/runs/{run_id}/poster", send_poster),
    ApiRoute("POST", "/runs/{run_id}/cancel", cancel),
    ApiRoute("POST", "/runs/{run_id}/send-again", send_again),
    ApiRoute("POST", "/runs/{run_id}/task-id", give_task_id),
    ApiRoute("POST", "/runs/{run_id}/fetch-again", fetch_again),
    ApiRoute("POST", "/runs/{run_id}/watch-again", watch_again),
    ApiRoute("POST", "/track", track),
    ApiRoute("POST", "/callbacks/{run_id}/{proof}", receive_callback),
)
