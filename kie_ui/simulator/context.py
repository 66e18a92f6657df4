"""What every endpoint needs: the running simulator's parts, and the account behind a request.

Source: Kie documentation, "Authentication"; observed live, "createTask" (the rate limit).
"""

from __future__ import annotations

import hashlib
import threading
from collections import defaultdict, deque
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import NamedTuple

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from kie_ui.simulator.config import VISITOR_KEY_PREFIX, SimulatorConfig
from kie_ui.simulator.faults import Faults
from kie_ui.simulator.files import Files
from kie_ui.simulator.responses import CREATE_PATH, RECORD_PATH, UPLOAD_PATHS, Refused
from kie_ui.simulator.store import Store
from kie_ui.simulator.tasks import Tasks

CREATE_WINDOW_S = 10.0
MAX_LOG_ENTRIES = 10_000


class CreateLimit:
    """The number of creates that each account may send in 10 seconds; refused ones do not count."""

    def __init__(self, config: SimulatorConfig) -> None:
        self._clock = config.clock
        self._max_creates = config.creates_per_10_s
        self._created_at: dict[str, deque[float]] = defaultdict(deque)

    def check(self, account: str) -> None:
        """Count one create. Raises: Refused with code 429."""
        if self._max_creates == 0:
            return
        now = self._clock()
        times = self._created_at[account]
        while times and now - times[0] >= CREATE_WINDOW_S:
            times.popleft()
        if len(times) >= self._max_creates:
            raise Refused(
                429,
                f"Your call frequency is too high: at most {self._max_creates} tasks may be "
                f"created in {CREATE_WINDOW_S:g} seconds. Try again later.",
            )
        times.append(now)


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
        self._entries: deque[LogEntry] = deque(maxlen=MAX_LOG_ENTRIES)

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


@dataclass(frozen=True, kw_only=True)
class SimulatorState:
    """The parts of one running simulator."""

    config: SimulatorConfig
    store: Store
    files: Files
    tasks: Tasks
    create_limit: CreateLimit
    faults: Faults
    request_log: RequestLog
    link_secret: bytes
    """Signs download links; a restart makes the old ones invalid."""


def state_of(request: Request) -> SimulatorState:
    """Return the parts of the simulator that serves a request."""
    state: SimulatorState = request.app.state.simulator
    return state


def base_url_of(request: Request) -> str:
    """Return the address that a request was sent to, without a slash at its end."""
    return str(request.base_url).rstrip("/")


def account_of(request: Request, config: SimulatorConfig) -> str:
    """Return the account behind a request's key: a digest, so that no key is ever stored.

    Raises: Refused with code 401.
    """
    scheme, key = _credentials(request)
    is_known = config.accepted_keys is None or key in config.accepted_keys
    if scheme.lower() != "bearer" or not key or not is_known:
        raise Refused(
            401, "You do not have access permissions: send “Authorization: Bearer” and a valid key."
        )
    is_visitor = key.startswith(VISITOR_KEY_PREFIX)
    account = VISITOR_KEY_PREFIX.rstrip(".") if is_visitor else key
    return hashlib.sha256(account.encode()).hexdigest()


def collection_of(request: Request) -> str:
    """Return the name of the visitor's collection of added models; empty where there is none."""
    _scheme, key = _credentials(request)
    return key.removeprefix(VISITOR_KEY_PREFIX) if key.startswith(VISITOR_KEY_PREFIX) else ""


def _credentials(request: Request) -> tuple[str, str]:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return scheme, key.strip()
