"""The simulator as an ASGI app: a value that a function builds.

Both hosts of the real service, the job API and the file upload, are this one app.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from kie_ui.simulator.config import SimulatorConfig
from kie_ui.simulator.faults import FaultMiddleware, Faults
from kie_ui.simulator.files import Files
from kie_ui.simulator.http import file_transfer, jobs
from kie_ui.simulator.http.context import CreateLimit, SimulatorState
from kie_ui.simulator.http.control import ControlEndpoints, RequestLog, RequestLogMiddleware
from kie_ui.simulator.render.worker_pool import WorkerPool
from kie_ui.simulator.responses import (
    CREATE_PATH,
    RECORD_PATH,
    Refused,
    accepted,
    answer_crash,
    answer_not_found,
    answer_refusal,
)
from kie_ui.simulator.store import open_store
from kie_ui.simulator.tasks import Tasks


def create_simulator(config: SimulatorConfig | None = None, **options: Any) -> Starlette:
    """Build a simulator from a config, from the config's fields as keywords, or from both.

    Its parts are at `app.state.simulator`. The app must be run with its lifespan, which resumes
    what an earlier process left unfinished, and stops cleanly.
    """
    config = replace(config, **options) if config is not None else SimulatorConfig(**options)
    state = _build_state(config)
    app = Starlette(
        routes=_routes(state),
        middleware=[
            Middleware(RequestLogMiddleware, request_log=state.request_log, config=config),
            Middleware(FaultMiddleware, faults=state.faults, sleep=config.sleep),
        ],
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


def _build_state(config: SimulatorConfig) -> SimulatorState:
    store = open_store(config.data_dir)
    files = Files(config, store)
    renderer = config.renderer or WorkerPool()
    return SimulatorState(
        config=config,
        store=store,
        files=files,
        tasks=Tasks(config, store, files, renderer),
        create_limit=CreateLimit(config),
        faults=Faults(config.faults),
        request_log=RequestLog(),
        link_secret=secrets.token_bytes(32),
    )


def _routes(state: SimulatorState) -> list[Route]:
    routes = [
        Route("/", _welcome, methods=["GET"]),
        Route(CREATE_PATH, jobs.create_task, methods=["POST"]),
        Route(RECORD_PATH, jobs.record_info, methods=["GET"]),
        Route("/api/v1/chat/credit", jobs.credit, methods=["GET"]),
        Route("/api/v1/common/download-url", file_transfer.create_download_link, methods=["POST"]),
        Route("/api/file-stream-upload", file_transfer.upload_stream, methods=["POST"]),
        Route("/api/file-base64-upload", file_transfer.upload_base64, methods=["POST"]),
        Route("/api/file-url-upload", file_transfer.upload_url, methods=["POST"]),
        Route("/files/{path:path}", file_transfer.serve_file, methods=["GET"]),
    ]
    if state.config.has_control:
        routes += ControlEndpoints(state.faults, state.request_log).routes()
    return routes


async def _welcome(_request: Request) -> JSONResponse:
    """Tell people who open the address in a browser what this is."""
    return accepted("This is a simulator of Kie's API. It makes real files and bills nobody.")


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
