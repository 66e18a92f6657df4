"""What the page's own scripts may have done: calling off, trying again, adopting a task.

Each answers `{}` or the new run's id, or a sentence for the person. None makes a task at Kie but
`send-again`, which a person has to ask for knowingly.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kie_ui.kie.errors import KieError, Unreachable
from kie_ui.kie.webhook import is_signed, task_id_of
from kie_ui.runs.errors import RunsProblem
from kie_ui.ui.api.requests import TooLarge, read_body
from kie_ui.ui.asgi.identity import owner_of
from kie_ui.ui.services import Services

if TYPE_CHECKING:  # the page's first view needs no run service
    from kie_ui.runs.service import RunService


MAX_BODY_BYTES = 16 * 1024

Answer = dict[str, Any]
Action = Callable[["RunService", str, Request], Awaitable[Answer | Response]]


class BadRequest(Exception):
    """The request itself is not what this route takes; the text is a sentence for the person."""


def build_action_routes(services: Services, prefix: str) -> list[Route]:
    """Build the routes of one server."""

    def route(path: str, action: Action) -> Route:
        async def handle(request: Request) -> Response:
            return await done(services, action, request)

        return Route(prefix + path, handle, methods=["POST"])

    async def track(runs: RunService, owner: str, request: Request) -> Answer:
        """Follow a task that was made elsewhere."""
        task_id = await _task_id(request)
        run = await runs.track(owner, task_id, services.backends.kind(owner))
        return {"run_id": run.id, "model": run.model}

    return [
        route("/runs/{run_id:str}/cancel", _cancel),
        route("/runs/{run_id:str}/send-again", _send_again),
        route("/runs/{run_id:str}/task-id", _give_task_id),
        route("/runs/{run_id:str}/fetch-again", _fetch_again),
        route("/runs/{run_id:str}/watch-again", _watch_again),
        route("/track", track),
    ]


async def _cancel(runs: RunService, owner: str, request: Request) -> Answer:
    """Call a run off before its create has left."""
    await runs.cancel(owner, request.path_params["run_id"])
    return {}


async def _send_again(runs: RunService, owner: str, request: Request) -> Answer:
    """Make a run of unknown fate once more, as a person knowingly asks for."""
    run = await runs.send_again(owner, request.path_params["run_id"])
    return {"run_id": run.id}


async def _give_task_id(runs: RunService, owner: str, request: Request) -> Answer:
    """Take the task id that a person found in Kie's logs."""
    await runs.give_task_id(owner, request.path_params["run_id"], await _task_id(request))
    return {}


async def _fetch_again(runs: RunService, owner: str, request: Request) -> Answer:
    """Try once more to keep a clip that was made."""
    await runs.fetch_again(owner, request.path_params["run_id"])
    return {}


async def _watch_again(runs: RunService, owner: str, request: Request) -> Answer:
    """Ask once more about a task that was not to be found."""
    await runs.watch_again(owner, request.path_params["run_id"])
    return {}


async def done(services: Services, action: Action, request: Request) -> Response:
    """Answer what was asked for, or say in words why it can't be done."""
    try:
        runs = await services.runs()
        answer = await action(runs, owner_of(request), request)
        return answer if isinstance(answer, Response) else JSONResponse(answer)
    except BadRequest as problem:
        return _refused(str(problem), 400)
    except RunsProblem as problem:
        return refused(problem)
    except KieError as problem:
        return _refused(str(problem), 503 if _may_work_later(problem) else 409)


def refused(problem: RunsProblem, *, out_of_step: int = 409) -> Response:
    """Say why not: no such run, not at this step, or not while the database fails."""
    status = {"UnknownRun": 404, "StoreProblem": 503, "QuotaUsedUp": 429}
    return _refused(str(problem), status.get(type(problem).__name__, out_of_step))


def _refused(sentence: str, status: int) -> Response:
    return JSONResponse({"message": sentence}, status_code=status)


def _may_work_later(problem: KieError) -> bool:
    return problem.may_retry or isinstance(problem, Unreachable)


async def _task_id(request: Request) -> str:
    try:
        given = json.loads(await read_body(request, MAX_BODY_BYTES))
    except (ValueError, RecursionError, TooLarge):
        raise BadRequest("Enter a task id.") from None
    task_id = given.get("task_id") if isinstance(given, dict) else None
    if not isinstance(task_id, str) or not task_id.strip():
        raise BadRequest("Enter a task id, as it stands in Kie’s logs.")
    return task_id.strip()


MAX_BODY_BYTES_CALLBACKS = 256 * 1024


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
                return _refused_callbacks("There is no such callback.", 404)
            body = _parsed(await read_body(request, MAX_BODY_BYTES_CALLBACKS))
        except RunsProblem as problem:
            return _refused_callbacks(str(problem), 503)
        except TooLarge:
            return _refused_callbacks("The body is too large.", 413)
        if body is None:
            return _refused_callbacks("The body is no JSON object.", 400)
        task_id = task_id_of(body)
        if not _may_come_from_kie(services, request, task_id):
            return _refused_callbacks("The signature is missing or wrong.", 401)
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


def _refused_callbacks(sentence: str, status: int) -> Response:
    return JSONResponse({"message": sentence}, status_code=status)
