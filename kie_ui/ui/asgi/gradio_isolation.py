"""Keeps visitors apart on Gradio's own routes.

Gradio hands a file, a session or an event to anyone who knows its name. Here the name of a session
gets a suffix that only its owner can have before Gradio sees it, so that another's session does not
exist; the id of a call carries a signature of its owner; files are looked up in `uploads`. Routes
that neither our page nor clients need are closed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from starlette._utils import get_route_path
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kie_ui.ui.asgi.request_body import read_json_object
from kie_ui.ui.asgi.uploads import (
    OwnedFiles,
    files_of_page,
    folder_of,
    is_in_cache,
    sample_folders,
    upload_folder,
)
from kie_ui.ui.errors import BadRequest, BodyTooLarge

PREFIX = "/gradio_api"
MAX_BODY_BYTES = 4 * 1024 * 1024
"""Of a request to Gradio, uploads excepted."""
MISSING_FILE = "0" * 64 + "/gone"
"""A name in Gradio's folder that no file has."""
_SIGNATURE_CHARACTERS = 32

_SAME_FOR_ALL = re.compile(
    r"/(user|login_check|app_id|info|queue/status|reset)/?|/(openapi\.json|startup-events|theme\.css)"
)
_WEB_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)

_UNKNOWN_SESSION = {
    "msg": "unexpected_error",
    "event_id": None,
    "message": "404: Not Found",
    "session_not_found": True,
    "success": False,
}
"""Gradio's own answer to an unknown session, without the traceback in its log."""


@dataclass(frozen=True)
class _Visit:
    """One request to Gradio, and whose it is."""

    scope: Scope
    receive: Receive
    send: Send
    owner: str

    async def refuse(self, status: int = 404, sentence: str = "Not found.") -> None:
        """Answer as if there were nothing."""
        await self.respond(JSONResponse({"detail": sentence}, status_code=status))

    async def respond(self, response: Response) -> None:
        """Answer in Gradio's place."""
        await response(self.scope, self.receive, self.send)


Handler = Callable[[_Visit, "re.Match[str]"], Awaitable[None]]


class GradioIsolationMiddleware:
    """Lets each visitor reach only their own files, sessions and events of Gradio's."""

    def __init__(self, app: ASGIApp, *, files: OwnedFiles) -> None:
        self.app = app
        self._files = files
        self._secret = secrets.token_bytes(32)
        self._page_folders: frozenset[str] | None = None
        self._handlers: tuple[tuple[str, re.Pattern[str], Handler], ...] = (
            ("GET", re.compile(r"/file[=/](?P<path>.*)", re.DOTALL), self._send_file),
            ("GET", re.compile(r"/call/(v2/)?[^/]+/(?P<event>[0-9a-f]+)"), self._send_result),
            ("POST", re.compile(r"/call/(v2/)?(?P<name>[^/]+)/?"), self._call),
            ("POST", re.compile(r"/queue/join/?|/(run|api)/[^/]+/?"), self._start_event),
            ("POST", re.compile(r"/cancel"), self._cancel),
            ("GET", re.compile(r"/queue/data"), self._send_session_events),
            ("GET", re.compile(r"/heartbeat/(?P<session>[^/]+)"), self._heartbeat),
            ("POST", re.compile(r"/upload"), self._upload),
            ("GET", re.compile(r"/upload_progress"), self._send_upload_progress),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is the same for everyone or this visitor's own; refuse all else."""
        is_request = scope["type"] in ("http", "websocket")
        path = get_route_path(scope) if is_request else ""
        if not path.startswith(PREFIX):
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":  # neither our page nor clients use web sockets
            return
        path, method = path.removeprefix(PREFIX), scope["method"]
        if _SAME_FOR_ALL.fullmatch(path):
            await self.app(scope, receive, send)
            return
        visit = _Visit(scope, receive, send, str(scope["state"]["owner"]))
        for handled_method, pattern, handler in self._handlers:
            match = pattern.fullmatch(path)
            if match and handled_method == ("GET" if method == "HEAD" else method):
                await handler(visit, match)
                return
        await visit.refuse()

    async def _send_file(self, visit: _Visit, match: re.Match[str]) -> None:
        if await self._may_see(visit, match["path"]):
            await self._pass(visit)
        else:
            await visit.refuse()

    async def _send_result(self, visit: _Visit, match: re.Match[str]) -> None:
        signed = match["event"]
        event, signature = signed[:-_SIGNATURE_CHARACTERS], signed[-_SIGNATURE_CHARACTERS:]
        if not hmac.compare_digest(signature, self._sign(f"{visit.owner} {event}")):
            await visit.refuse()
            return
        set_path(visit.scope, get_route_path(visit.scope).removesuffix(signed) + event)
        await self._pass(visit)

    async def _call(self, visit: _Visit, match: re.Match[str]) -> None:
        """Start a call; the id in the answer works for this visitor alone."""
        if match["name"] not in _endpoints(visit.scope):
            await visit.refuse()
            return

        async def sign_event(answer: Any) -> Any:
            if isinstance(answer, dict) and isinstance(answer.get("event_id"), str):
                event = answer["event_id"]
                return {**answer, "event_id": event + self._sign(f"{visit.owner} {event}")}
            return answer

        await self._pass_with_body(visit, send_changed_json(visit.send, sign_event))

    async def _start_event(self, visit: _Visit, _match: re.Match[str]) -> None:
        await self._pass_with_body(visit, visit.send)

    async def _cancel(self, visit: _Visit, _match: re.Match[str]) -> None:
        """Stop an event of the visitor's own."""
        body = await self._read_body(visit)
        if body is None:
            return
        session = self._own_name(visit, str(body.get("session_hash")))
        events = _queue(visit.scope).pending_event_ids_session.get(session, ())
        if not isinstance(body.get("event_id"), str) or body["event_id"] not in events:
            await visit.refuse()
            return
        await self._pass(visit, body={**body, "session_hash": session})

    async def _send_session_events(self, visit: _Visit, _match: re.Match[str]) -> None:
        change_query(visit.scope, "session_hash", partial(self._own_name, visit))
        session = dict(parse_qsl(visit.scope["query_string"].decode())).get("session_hash")
        if session in _queue(visit.scope).pending_messages_per_session:
            await self._pass(visit)
        else:
            unknown = f"data: {json.dumps(_UNKNOWN_SESSION)}\n\n"
            await visit.respond(Response(unknown, media_type="text/event-stream"))

    async def _send_upload_progress(self, visit: _Visit, _match: re.Match[str]) -> None:
        change_query(visit.scope, "upload_id", partial(self._own_name, visit))
        await self._pass(visit)

    async def _heartbeat(self, visit: _Visit, match: re.Match[str]) -> None:
        session = match["session"]
        path = get_route_path(visit.scope).removesuffix(session)
        set_path(visit.scope, path + self._own_name(visit, session))
        await self._pass(visit)

    async def _upload(self, visit: _Visit, _match: re.Match[str]) -> None:
        """Take files; they are the visitor's before the answer gives their paths."""
        change_query(visit.scope, "upload_id", partial(self._own_name, visit))

        async def give(answer: Any) -> Any:
            if isinstance(answer, list):
                await self._files.give(visit.owner, [path for path in answer if path])
            return answer

        await self._pass(visit, send=send_changed_json(visit.send, give))

    async def _may_see(self, visit: _Visit, path: str) -> bool:
        """Tell whether a file may be sent; Gradio itself judges those outside its folder.

        A web address is never fetched: nothing here needs it, and it would hide who requests it.
        """
        if _WEB_ADDRESS.match(path) or "\0" in path:
            return False
        if not is_in_cache(path) or folder_of(path) in self._folders_of_page(visit.scope):
            return True
        return await self._files.is_owned(visit.owner, path)

    async def _pass_with_body(self, visit: _Visit, send: Send) -> None:
        """Pass an event on under the visitor's own session, without files of others."""
        body = await self._read_body(visit)
        if body is None:
            return
        for file in files_named(body):
            path = file["path"]
            if is_in_cache(path) and not await self._may_see(visit, path):
                file["path"] = str(upload_folder() / MISSING_FILE)
        session = body.get("session_hash")
        if isinstance(session, str):
            body["session_hash"] = self._own_name(visit, session)
        await self._pass(visit, send=send, body=body)

    async def _read_body(self, visit: _Visit) -> dict[str, Any] | None:
        """Read the body; if it is not a JSON object, refuse the request and return None."""
        request = Request(visit.scope, visit.receive)
        try:
            return await read_json_object(request, MAX_BODY_BYTES)
        except BodyTooLarge as problem:
            await visit.refuse(413, str(problem))
        except BadRequest as problem:
            await visit.refuse(422, str(problem))  # as Gradio's own validation does
        return None

    async def _pass(
        self, visit: _Visit, *, send: Send | None = None, body: dict[str, Any] | None = None
    ) -> None:
        scope, receive = visit.scope, visit.receive
        if body is not None:
            receive = receive_json(scope, receive, body)
        await self.app(scope, receive, send or visit.send)

    def _folders_of_page(self, scope: Scope) -> frozenset[str]:
        """Return the folders of files that are part of the page, our samples among them."""
        if self._page_folders is None:
            shown = {folder_of(path) for path in files_of_page(scope["app"].get_blocks())}
            self._page_folders = sample_folders() | {name for name in shown if name is not None}
        return self._page_folders

    def _own_name(self, visit: _Visit, name: str) -> str:
        """Return the name of a session or upload as Gradio knows it: one for each owner."""
        return f"{name}.{self._sign(visit.owner)}"

    def _sign(self, text: str) -> str:
        signature = hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()
        return signature[:_SIGNATURE_CHARACTERS]


def _endpoints(scope: Scope) -> frozenset[str]:
    """Return the names of the events that can be called from outside."""
    events = scope["app"].get_blocks().fns.values()
    public = (event.api_name for event in events if event.api_visibility != "private")
    return frozenset(name for name in public if isinstance(name, str))


def _queue(scope: Scope) -> Any:
    """Return Gradio's queue, which alone knows its sessions and their events."""
    return scope["app"].get_blocks()._queue  # noqa: SLF001 - there is no public way


def files_named(body: object) -> Iterator[dict[str, Any]]:
    """Find every object that names a file by its path, at any depth."""
    unseen = [body]
    while unseen:
        value = unseen.pop()
        if isinstance(value, list):
            unseen.extend(value)
        elif isinstance(value, dict):
            unseen.extend(value.values())
            if isinstance(value.get("path"), str):
                yield value


def set_path(scope: Scope, path: str) -> None:
    """Send a request to another path, under the same root."""
    root = scope["path"].removesuffix(get_route_path(scope))
    scope["path"] = root + path
    scope["raw_path"] = quote(root + path).encode()


def change_query(scope: Scope, name: str, change: Callable[[str], str]) -> None:
    """Change every value that the query has under a name."""
    pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    changed = [(k, change(value) if k == name else value) for k, value in pairs]
    scope["query_string"] = urlencode(changed).encode()


def receive_json(scope: Scope, receive: Receive, body: dict[str, Any]) -> Receive:
    """Return a `receive` that gives this body in place of the one that was read."""
    content = json.dumps(body).encode()
    headers = MutableHeaders(scope=scope)
    headers["content-length"] = str(len(content))
    headers["content-type"] = "application/json"
    messages = iter([{"type": "http.request", "body": content, "more_body": False}])

    async def receive_body() -> Message:
        message = next(messages, None)
        return await receive() if message is None else message

    return receive_body


def send_changed_json(send: Send, change: Callable[[Any], Awaitable[Any]]) -> Send:
    """Return a `send` that changes a successful JSON answer; a refusal is left as it is."""
    start: Message = {}
    body = bytearray()

    async def send_changed(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            start = message
        elif message["type"] != "http.response.body":
            await send(message)
        else:
            body.extend(message.get("body", b""))
            if not message.get("more_body", False):
                await send_all()

    async def send_all() -> None:
        content = bytes(body)
        if start["status"] == 200:
            content = json.dumps(await change(json.loads(content))).encode()
            MutableHeaders(scope=start)["content-length"] = str(len(content))
        await send(start)
        await send({"type": "http.response.body", "body": content, "more_body": False})

    return send_changed
