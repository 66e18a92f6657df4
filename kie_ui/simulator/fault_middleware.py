"""Makes faults happen, between the server and the app."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kie_ui.simulator.answers import envelope
from kie_ui.simulator.faults import Fault, Faults, without_field

if TYPE_CHECKING:
    from kie_ui.simulator.config import Sleep

DROP_CONNECTION = "drop_connection"
"""Under this name the server puts into `scope["state"]` a function that closes the socket."""
_PROXY_PAGE = (
    "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head>"
    "<body><h1>502 Bad Gateway</h1></body></html>"
)


class FaultMiddleware:
    """Asks before each request whether something shall go wrong with it."""

    def __init__(self, app: ASGIApp, faults: Faults, sleep: Sleep) -> None:
        self._app = app
        self._faults = faults
        self._sleep = sleep

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, well or badly. The control endpoints are always served well."""
        is_exempt = scope["type"] != "http" or scope["path"].startswith("/simulator/")
        fault = None if is_exempt else self._faults.take(scope["method"], scope["path"])
        if fault is None:
            await self._app(scope, receive, send)
            return
        scope["simulator.fault"] = fault
        await self._serve_badly(fault, scope, receive, send)

    async def _serve_badly(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        await self._sleep(fault.delay_s)
        answer: Response | None = None
        if fault.after_work or not fault.answers_by_itself:
            answer = await _collect(self._app, scope, receive)
        if fault.drop:
            await _drop(scope, receive)
        elif fault.body is not None or fault.answers_by_itself:
            await _bad_answer(fault, answer)(scope, receive, send)
        elif answer is not None:
            await _incomplete(answer, fault.omit)(scope, receive, send)


async def _collect(app: ASGIApp, scope: Scope, receive: Receive) -> Response:
    """Let the app do its work and keep its answer."""
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
        # Served in-process, without a socket: what a client would see of a closed one.
        raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
    close()
    while (await receive())["type"] != "http.disconnect":
        pass


def _bad_answer(fault: Fault, real: Response | None) -> Response:
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


def _incomplete(answer: Response, omitted: tuple[str, ...]) -> Response:
    if not omitted:
        return answer
    body = json.loads(bytes(answer.body))
    for field in omitted:
        body = without_field(body, field)
    return JSONResponse(body, answer.status_code)
