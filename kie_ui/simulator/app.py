"""The simulator as an ASGI app: a value that a function builds.

Both hosts of the real service, the job API and the file upload, are this one app.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from kie_ui.catalog.request import CREATE_TASK_PATH
from kie_ui.simulator import endpoints
from kie_ui.simulator.config import SimulatorConfig
from kie_ui.simulator.context import SimulatorState, state_of
from kie_ui.simulator.faults import Fault, FaultMiddleware
from kie_ui.simulator.responses import (
    RECORD_PATH,
    Refused,
    accepted,
    answer_crash,
    answer_not_found,
    answer_refusal,
    read_json_object,
)


def create_simulator(config: SimulatorConfig) -> Starlette:
    """Build a simulator.

    Its parts are at `app.state.simulator`. The app must be run with its lifespan, which resumes
    what an earlier process left unfinished, and stops cleanly.
    """
    state = SimulatorState(config)
    app = Starlette(
        routes=[*_ROUTES, *_CONTROL_ROUTES] if config.has_control else _ROUTES,
        middleware=[Middleware(FaultMiddleware, config, state.faults, state.request_log)],
        exception_handlers={
            Refused: answer_refusal,
            404: answer_not_found,
            405: answer_not_found,
            Exception: answer_crash,
        },
        lifespan=_lifespan,
    )
    app.state.simulator = state
    return app


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    state: SimulatorState = app.state.simulator
    state.files.sweep()
    state.store.reset_balances()
    state.tasks.resume()
    try:
        yield
    finally:
        await state.tasks.aclose()
        state.store.close()


async def _welcome(_request: Request) -> JSONResponse:
    """Tell people who open the address in a browser what this is."""
    return accepted("This is a simulator of Kie's API. It makes real files and bills nobody.")


async def _list_faults(request: Request) -> JSONResponse:
    return accepted([fault.model_dump(mode="json") for fault in state_of(request).faults])


async def _add_fault(request: Request) -> JSONResponse:
    try:
        fault = Fault.model_validate(await read_json_object(request))
    except ValidationError as error:
        raise Refused(422, str(error), http_status=422) from error
    state_of(request).faults.add(fault)
    return accepted(fault.model_dump(mode="json"))


async def _clear_faults(request: Request) -> JSONResponse:
    state_of(request).faults.clear()
    return accepted(None)


async def _show_log(request: Request) -> JSONResponse:
    entries = state_of(request).request_log.entries
    counts = Counter(entry.path for entry in entries)
    return accepted({"counts": counts, "requests": [entry._asdict() for entry in entries]})


async def _clear_log(request: Request) -> JSONResponse:
    state_of(request).request_log.clear()
    return accepted(None)


_ROUTES = [
    Route("/", _welcome, methods=["GET"]),
    Route(CREATE_TASK_PATH, endpoints.create_task, methods=["POST"]),
    Route(RECORD_PATH, endpoints.record_info, methods=["GET"]),
    Route("/api/v1/chat/credit", endpoints.credit, methods=["GET"]),
    Route("/api/v1/common/download-url", endpoints.create_download_link, methods=["POST"]),
    Route("/api/file-stream-upload", endpoints.upload_stream, methods=["POST"]),
    Route("/api/file-base64-upload", endpoints.upload_base64, methods=["POST"]),
    Route("/api/file-url-upload", endpoints.upload_url, methods=["POST"]),
    Route("/files/{path:path}", endpoints.serve_file, methods=["GET"]),
]
_CONTROL_ROUTES = [
    Route("/simulator/faults", _list_faults, methods=["GET"]),
    Route("/simulator/faults", _add_fault, methods=["POST"]),
    Route("/simulator/faults", _clear_faults, methods=["DELETE"]),
    Route("/simulator/journal", _show_log, methods=["GET"]),
    Route("/simulator/journal", _clear_log, methods=["DELETE"]),
]
"""For tests of clients in any language; they need no key, so they are served on demand only."""
