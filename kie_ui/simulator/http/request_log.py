"""The requests that arrived, for tests that ask what a client really did."""

from __future__ import annotations

import threading
from collections import deque
from fnmatch import fnmatchcase
from typing import NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from kie_ui.simulator.config import SimulatorConfig
from kie_ui.simulator.faults import CREATE_PATH
from kie_ui.simulator.http.responses import UPLOAD_PATHS

RECORD_PATH = "/api/v1/jobs/recordInfo"
MAX_ENTRIES = 10_000


class Entry(NamedTuple):
    """One request. `query` is the part of the address after the question mark."""

    at_ms: int
    method: str
    path: str
    query: str


class RequestLog:
    """The latest requests, oldest first. May be read from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: deque[Entry] = deque(maxlen=MAX_ENTRIES)

    def add(self, entry: Entry) -> None:
        """Write one request down."""
        with self._lock:
            self._entries.append(entry)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._entries.clear()

    @property
    def entries(self) -> list[Entry]:
        """All that is remembered."""
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
        """How many times a task was asked for."""
        return self.count(RECORD_PATH)

    @property
    def uploads(self) -> int:
        """How many files were sent, or their addresses."""
        return sum(entry.path in UPLOAD_PATHS for entry in self.entries)

    def counts(self) -> dict[str, int]:
        """Count the requests of each path."""
        counts: dict[str, int] = {}
        for entry in self.entries:
            counts[entry.path] = counts.get(entry.path, 0) + 1
        return counts


class RequestLogMiddleware:
    """Writes every request down before it is served."""

    def __init__(self, app: ASGIApp, journal: RequestLog, config: SimulatorConfig) -> None:
        self._app = app
        self._journal = journal
        self._config = config

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and not scope["path"].startswith("/simulator/"):
            query = scope["query_string"].decode("latin-1")
            entry = Entry(self._config.now_ms(), scope["method"], scope["path"], query)
            self._journal.add(entry)
        await self._app(scope, receive, send)
