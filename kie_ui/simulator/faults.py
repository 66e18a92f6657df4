"""Faults on demand and the log of requests: for tests, and for people who build clients.

A fault applies to the requests whose path matches, as many times as it says. Answers can be late,
refused, unreadable, incomplete or never arrive; a create can make a task that fails or never ends.
Source of the ways in which the real service goes wrong: observed live, "Envelope and errors" and
"createTask".
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import reduce
from typing import Any, Literal, NamedTuple

import httpx
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kie_ui.catalog.request import CREATE_TASK_PATH
from kie_ui.simulator.config import SimulatorConfig
from kie_ui.simulator.responses import RECORD_PATH, UPLOAD_PATHS, envelope

DROP_CONNECTION = "drop_connection"
"""The key in `scope["state"]` of a function that closes the socket without an answer."""
MAX_LOG_ENTRIES = 10_000


class ForcedOutcome(BaseModel):
    """How one task ends, other than in success after the usual time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fails: bool = False
    fail_code: str = "501"
    fail_msg: str = "The generation failed, as requested."
    never_ends: bool = False
    slowness: float = Field(default=1.0, gt=0)
    """How many times longer than usual the task takes."""


class Fault(BaseModel):
    """One thing that goes wrong, for some requests and a number of times.

    A fault that replaces the answer (`status`, `code`, `body`, `drop`) keeps the request from being
    processed. With `after_work` it is processed and only its answer is lost or replaced, as when a
    create is accepted and billed but the answer never arrives.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = "*"
    """Requests it applies to, such as `/api/v1/jobs/createTask`; `*` and `?` are wildcards."""
    method: str = "*"
    times: int | None = Field(default=1, gt=0)
    """How many requests it applies to; None for no limit."""
    skip: int = Field(default=0, ge=0)
    """How many matching requests pass first."""
    delay_s: float = Field(default=0.0, ge=0)
    """How late the answer is."""
    status: int | None = Field(default=None, ge=200, le=599)
    """HTTP status of the answer."""
    code: int | None = None
    """`code` in the body of the answer."""
    msg: str | None = None
    """`msg` in the body of the answer."""
    body: Literal["broken_json", "html", "empty"] | None = None
    """What to answer instead of the envelope."""
    drop: bool = False
    """Close the connection without an answer."""
    after_work: bool = False
    omit: tuple[str, ...] = ()
    """Fields to leave out of the real answer, such as `data.taskId`."""
    outcome: ForcedOutcome | None = None
    """How the task ends, where the request is a create."""

    @property
    def replaces_answer(self) -> bool:
        """Whether the real answer is not sent."""
        return self.drop or any(x is not None for x in (self.status, self.code, self.body))


class Faults:
    """The active faults. May be used from any thread."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._lock = threading.Lock()
        self._active: list[_ActiveFault] = [_ActiveFault(fault) for fault in faults]

    def add(self, fault: Fault) -> None:
        """Activate a fault; of several that match a request, the first one applies."""
        with self._lock:
            self._active.append(_ActiveFault(fault))

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._active.clear()

    def __iter__(self) -> Iterator[Fault]:
        with self._lock:
            return iter([each.fault for each in self._active])

    def take(self, method: str, path: str) -> Fault | None:
        """Return the fault that applies to this request, and count it as used."""
        with self._lock:
            for active in self._active:
                fault = active.fault
                if not (fnmatchcase(path, fault.path) and fnmatchcase(method, fault.method)):
                    continue
                active.matched += 1
                if active.matched <= fault.skip:
                    continue
                if fault.times is not None and active.matched >= fault.skip + fault.times:
                    self._active.remove(active)
                return fault
        return None


@dataclass(eq=False)
class _ActiveFault:
    """A fault, and how many requests it has matched so far."""

    fault: Fault
    matched: int = 0


class LogEntry(NamedTuple):
    """One request. `query` is the part of the address after the question mark."""

    at_ms: int
    method: str
    path: str
    query: str


class RequestLog:
    """The latest requests, oldest first. Each call on a deque is atomic, so any thread may read."""

    def __init__(self) -> None:
        self._entries: deque[LogEntry] = deque(maxlen=MAX_LOG_ENTRIES)
        self.add = self._entries.append
        self.clear = self._entries.clear

    @property
    def entries(self) -> list[LogEntry]:
        """A copy of all entries."""
        return list(self._entries)

    def count(self, path: str) -> int:
        """Count the requests to a path; `*` and `?` are wildcards."""
        return sum(fnmatchcase(entry.path, path) for entry in self.entries)

    @property
    def creates(self) -> int:
        """How many creates arrived, refused ones included."""
        return self.count(CREATE_TASK_PATH)

    @property
    def queries(self) -> int:
        """How many queries of a task arrived."""
        return self.count(RECORD_PATH)

    @property
    def uploads(self) -> int:
        """How many uploads arrived, of any of the three kinds."""
        return sum(map(self.count, UPLOAD_PATHS))


PROMPT_WORDS: dict[str, tuple[str, ForcedOutcome]] = {
    "[fail]": (
        "the task fails",
        ForcedOutcome(
            fails=True, fail_msg="The generation failed, as [fail] in the prompt asked for."
        ),
    ),
    "[moderated]": (
        "the task fails as if moderation had refused it",
        ForcedOutcome(
            fails=True,
            fail_code="400",
            fail_msg="The content was refused by moderation, as [moderated] in the prompt asked.",
        ),
    ),
    "[stuck]": ("the task never ends", ForcedOutcome(never_ends=True)),
    "[slow]": ("the task takes ten times as long", ForcedOutcome(slowness=10.0)),
}
"""Words in a prompt that decide how its task ends, with what they do."""


def outcome_in_texts(texts: Iterable[str]) -> ForcedOutcome | None:
    """Return the outcome that a word in a text asks for, or None."""
    text = "\n".join(texts).lower()
    return next((outcome for word, (_, outcome) in PROMPT_WORDS.items() if word in text), None)


def without_field(body: Any, field: str) -> Any:
    """Return a JSON value without the field of that dotted name."""
    head, _, rest = field.partition(".")
    if not isinstance(body, dict) or head not in body:
        return body
    others = {name: value for name, value in body.items() if name != head}
    return {**others, head: without_field(body[head], rest)} if rest else others


_PROXY_PAGE = (
    "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head>"
    "<body><h1>502 Bad Gateway</h1></body></html>"
)


class FaultMiddleware:
    """Logs every request, and applies the fault that matches it; not at the control endpoints."""

    def __init__(
        self, app: ASGIApp, config: SimulatorConfig, faults: Faults, request_log: RequestLog
    ) -> None:
        self._app = app
        self._config = config
        self._faults = faults
        self._request_log = request_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"].startswith("/simulator/"):
            await self._app(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        query = scope["query_string"].decode("latin-1")
        self._request_log.add(LogEntry(self._config.now_ms(), method, path, query))
        fault = scope["simulator.fault"] = self._faults.take(method, path)
        if fault is None:
            await self._app(scope, receive, send)
        else:
            await self._serve_with_fault(fault, scope, receive, send)

    async def _serve_with_fault(
        self, fault: Fault, scope: Scope, receive: Receive, send: Send
    ) -> None:
        await self._config.sleep(fault.delay_s)
        answer: Response | None = None
        if fault.after_work or not fault.replaces_answer:
            answer = await _collect(self._app, scope, receive)
        if fault.drop:
            await _drop(scope, receive)
        elif fault.replaces_answer:
            await _replacement(fault, answer)(scope, receive, send)
        elif answer is not None:
            await _without_fields(answer, fault.omit)(scope, receive, send)


async def _collect(app: ASGIApp, scope: Scope, receive: Receive) -> Response:
    """Run the app and keep its answer."""
    answer = Response()
    chunks: list[bytes] = []

    async def keep(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status_code = message["status"]
            answer.raw_headers = list(message["headers"])
        elif message["type"] == "http.response.body":
            chunks.append(message.get("body", b""))

    await app(scope, receive, keep)
    answer.body = b"".join(chunks)
    return answer


async def _drop(scope: Scope, receive: Receive) -> None:
    """Close the connection without an answer."""
    close = scope.get("state", {}).get(DROP_CONNECTION)
    if close is None:
        # Served in-process, without a socket: raise what a client would see.
        raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
    close()
    while (await receive())["type"] != "http.disconnect":
        pass


def _replacement(fault: Fault, real: Response | None) -> Response:
    status = fault.status or 200
    if fault.body == "html":
        return HTMLResponse(_PROXY_PAGE, fault.status or 502)
    if fault.body == "empty":
        return Response(b"", status)
    code = fault.code or fault.status or 500
    body = envelope(None, code=code, msg=fault.msg or f"Fault on demand: {code}")
    if fault.body == "broken_json":
        text = bytes(real.body) if real is not None else json.dumps(body).encode()
        return Response(text[: len(text) // 2], status, media_type="application/json")
    return JSONResponse(body, status)


def _without_fields(answer: Response, omitted: tuple[str, ...]) -> Response:
    if not omitted:
        return answer
    body = reduce(without_field, omitted, json.loads(bytes(answer.body)))
    return JSONResponse(body, answer.status_code)
