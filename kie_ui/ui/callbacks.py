"""The address that Kie calls when a task has news.

Nothing of a call is believed: a genuine one has its task asked about at once, and that is all.
Source: Kie documentation, Callback.
"""

from __future__ import annotations

import json
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kie_ui.kie.webhook import is_signed, task_id_of
from kie_ui.runs.errors import RunsProblem
from kie_ui.ui.reading import TooLarge, read_body
from kie_ui.ui.services import Services

MAX_BODY_BYTES = 256 * 1024


def build_callback_routes(services: Services, prefix: str) -> list[Route]:
    """Build the route of one server; it is told no owner and needs none."""

    async def called_back(request: Request) -> Response:
        """Check where a call comes from, then have the task asked about.

        The address is checked first: of a made-up one not even the body is read.
        """
        run_id, proof = request.path_params["run_id"], request.path_params["proof"]
        try:
            runs = await services.runs()
            if not runs.is_callback(run_id, proof):
                return _refused("There is no such callback.", 404)
            body = _parsed(await read_body(request, MAX_BODY_BYTES))
        except RunsProblem as problem:
            return _refused(str(problem), 503)
        except TooLarge:
            return _refused("The body is too large.", 413)
        if body is None:
            return _refused("The body is no JSON object.", 400)
        task_id = task_id_of(body)
        if not _may_come_from_kie(services, request, task_id):
            return _refused("The signature is missing or wrong.", 401)
        runs.called_back(run_id, proof, task_id)
        return JSONResponse({})

    path = f"{prefix}/callbacks/{{run_id:str}}/{{proof:str}}"
    return [Route(path, called_back, methods=["POST"])]


def _parsed(body: bytes) -> dict[str, Any] | None:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _may_come_from_kie(services: Services, request: Request, task_id: str | None) -> bool:
    """Check the signature, where this server was told a key to check it with."""
    key = services.settings.kie_webhook_key
    if key is None:
        return True
    return task_id is not None and is_signed(key, task_id, request.headers, time.time())


def _refused(sentence: str, status: int) -> Response:
    return JSONResponse({"message": sentence}, status_code=status)
