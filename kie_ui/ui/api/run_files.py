"""The files of a run, for its owner alone: results, their poster, and what was put in."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import quote

from starlette.responses import FileResponse, Response

from kie_ui.catalog.media_types import OCTET_STREAM, SHOWN_IN_BROWSERS, mime_of_suffix
from kie_ui.runs.errors import WrongStep
from kie_ui.runs.history import clip_name
from kie_ui.runs.run import Run
from kie_ui.ui.api.requests import PRIVATE, ApiRequest, ApiRoute
from kie_ui.ui.errors import BadRequest


async def send_result(request: ApiRequest) -> Response:
    """Send a result, in ranges if asked for; `?download` makes it a file to keep."""
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


ROUTES = (
    ApiRoute("GET", "/runs/{run_id}/clips/{index:int}.{suffix}", send_result),
    ApiRoute("GET", "/runs/{run_id}/inputs/{name:path}", send_input),
    ApiRoute("GET", "/runs/{run_id}/poster", send_poster),
)
