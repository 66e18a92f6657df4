"""The requests that arrived, and the endpoints that control a simulator from outside.

For tests that ask what a client really did, also of clients that are not written in Python.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from fnmatch import fnmatchcase
from typing import NamedTuple

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from kie_ui.simulator.config import SimulatorConfig
from kie_ui.simulator.faults import Fault, Faults
from kie_ui.simulator.responses import (
    CREATE_PATH,
    RECORD_PATH,
    UPLOAD_PATHS,
    Refused,
    accepted,
    read_json_object,
)

MAX_ENTRIES = 10_000


class LogEntry(NamedTuple):
    """One request. `query` is the part of the address after the question mark."""

    at_ms: int
    method: str
    path: str
    query: str


class RequestLog:
    """The latest requests, oldest first. May be read from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: deque[LogEntry] = deque(maxlen=MAX_ENTRIES)

    def add(self, entry: LogEntry) -> None:
        """Append one request."""
        with self._lock:
            self._entries.append(entry)

    def clear(self) -> None:
        """Forget all requests."""
        with self._lock:
            self._entries.clear()

    @property
    def entries(self) -> list[LogEntry]:
        """A copy of all entries."""
        with self._lock:
            return list(self._entries)

    def count(self, path: str) -> int:
        """Count the requests to a path; `*` and `?` are wildcards."""
        return sum(fnmatchcase(entry.path, path) for entry in self.entries)

    @property
    def creates(self) -> int:
        """How many creates arrived, refused ones included."""
        return self.count(CREATE_PATH)

    @property
    def queries(self) -> int:
        """How many queries of a task arrived."""
        return self.count(RECORD_PATH)

    @property
    def uploads(self) -> int:
        """How many uploads arrived, of any of the three kinds."""
        return sum(map(self.count, UPLOAD_PATHS))


class RequestLogMiddleware:
    """Logs every request before it is served, but for those to the control endpoints."""

    def __init__(self, app: ASGIApp, request_log: RequestLog, config: SimulatorConfig) -> None:
        self._app = app
        self._request_log = request_log
        self._config = config

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and not scope["path"].startswith("/simulator/"):
            query = scope["query_string"].decode("latin-1")
            entry = LogEntry(self._config.now_ms(), scope["method"], scope["path"], query)
            self._request_log.add(entry)
        await self._app(scope, receive, send)


class ControlEndpoints:
    """Faults and the request log over HTTP; they need no key, so they are served on demand only."""

    def __init__(self, faults: Faults, request_log: RequestLog) -> None:
        self._faults = faults
        self._request_log = request_log

    def routes(self) -> list[Route]:
        """Return a route for each endpoint."""
        return [
            Route("/simulator/faults", self._list_faults, methods=["GET"]),
            Route("/simulator/faults", self._add_fault, methods=["POST"]),
            Route("/simulator/faults", self._clear_faults, methods=["DELETE"]),
            Route("/simulator/journal", self._show_log, methods=["GET"]),
            Route("/simulator/journal", self._clear_log, methods=["DELETE"]),
        ]

    async def _list_faults(self, _request: Request) -> JSONResponse:
        return accepted([fault.model_dump(mode="json") for fault in self._faults])

    async def _add_fault(self, request: Request) -> JSONResponse:
        try:
            fault = Fault.model_validate(await read_json_object(request))
        except ValidationError as error:
            raise Refused(422, str(error), http_status=422) from error
        self._faults.add(fault)
        return accepted(fault.model_dump(mode="json"))

    async def _clear_faults(self, _request: Request) -> JSONResponse:
        self._faults.clear()
        return accepted(None)

    async def _show_log(self, _request: Request) -> JSONResponse:
        entries = self._request_log.entries
        counts = Counter(entry.path for entry in entries)
        return accepted({"counts": counts, "requests": [entry._asdict() for entry in entries]})

    async def _clear_log(self, _request: Request) -> JSONResponse:
        self._request_log.clear()
        return accepted(None)
