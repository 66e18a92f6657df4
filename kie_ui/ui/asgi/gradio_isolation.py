"""Gradio's own doors, each kept for the visitor who came through it first.

Gradio gives whoever knows a path, a session or an event what belongs to it. Here every session's
name carries a mark of its owner before Gradio sees it, so another's is one that does not exist; an
event's id that is told to a caller carries a proof; files are looked up in `files.py`. What no page
and no client of ours needs is shut.
"""

from __future__ import annotations

import hashlib
import hmac
import inspect
import json
import re
import secrets
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from gradio.processing_utils import hash_file
from gradio.utils import get_upload_folder
from starlette._utils import get_route_path
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kie_ui.ui.asgi.request_body import read_json_object
from kie_ui.ui.asgi.upload_cleanup import files_of_page
from kie_ui.ui.asgi.upload_owners import OwnedFiles, folder_of, lies_in_cache
from kie_ui.ui.assets import ASSETS
from kie_ui.ui.errors import BadRequest, BodyTooLarge

GONE = "0" * 64 + "/gone"
"""A name in Gradio's cache that no file has."""


def saying(scope: Scope, receive: Receive, body: dict[str, Any]) -> Receive:
    """Return what hands out a body in place of the one that was read."""
    said = json.dumps(body).encode()
    headers = MutableHeaders(scope=scope)
    headers["content-length"] = str(len(said))
    headers["content-type"] = "application/json"
    is_said = False

    async def receive_it() -> Message:
        nonlocal is_said
        if is_said:
            return await receive()
        is_said = True
        return {"type": "http.request", "body": said, "more_body": False}

    return receive_it


def answering(send: Send, change: Callable[[Any], Any]) -> Send:
    """Return what sends JSON as `change`, which may be a coroutine, makes it; the rest as it is."""
    start: Message = {}
    body = bytearray()

    async def send_changed(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            start = message
            return
        if message["type"] != "http.response.body":
            await send(message)
            return
        body.extend(message.get("body", b""))
        if message.get("more_body", False):
            return
        changed = bytes(body)
        if start["status"] == 200:  # anything else is a refusal, in words
            made = change(json.loads(changed))
            changed = json.dumps(await made if inspect.isawaitable(made) else made).encode()
            MutableHeaders(scope=start)["content-length"] = str(len(changed))
        await send(start)
        await send({"type": "http.response.body", "body": changed, "more_body": False})

    return send_changed


def set_path(scope: Scope, path: str) -> None:
    """Have a request go to another path, under the same root."""
    root = scope["path"].removesuffix(get_route_path(scope))
    scope["path"] = root + path
    scope["raw_path"] = quote(root + path).encode()


def change_query(scope: Scope, name: str, change: Callable[[str], str]) -> None:
    """Change every value of a name in the query."""
    pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    changed = [(k, change(value) if k == name else value) for k, value in pairs]
    scope["query_string"] = urlencode(changed).encode()


def files_named(body: object) -> Iterator[dict[str, Any]]:
    """Find every object that names a file by its path, however deep it lies."""
    unseen = [body]
    while unseen:
        value = unseen.pop()
        if isinstance(value, list):
            unseen.extend(value)
        elif isinstance(value, dict):
            unseen.extend(value.values())
            if isinstance(value.get("path"), str):
                yield value


PREFIX = "/gradio_api"
SAMPLES = ASSETS / "samples"
MAX_BODY_BYTES = 4 * 1024 * 1024
"""Of what a page or a caller says to Gradio, apart from uploads."""
_MARK_CHARACTERS = 32

_OPEN = re.compile(
    r"/(user|login_check|app_id|info|queue/status|reset)/?|/(openapi\.json|startup-events|theme\.css)"
)
"""What is the same for every visitor."""
_FILE = re.compile(r"/file[=/](?P<path>.*)", re.DOTALL)
_EVENT = re.compile(r"/call/(v2/)?(?P<name>[^/]+)/(?P<event>[0-9a-f]+)")
_CALL = re.compile(r"/call/(v2/)?(?P<name>[^/]+)/?")
_JOIN = re.compile(r"/queue/join/?|/(run|api)/[^/]+/?")
_WEB_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)
_HEARTBEAT = re.compile(r"/heartbeat/(?P<session>[^/]+)")


_UNKNOWN_SESSION = {
    "msg": "unexpected_error",
    "event_id": None,
    "message": "404: Not Found",
    "session_not_found": True,
    "success": False,
}


@dataclass(frozen=True)
class _Visit:
    """One request to Gradio, and whose it is."""

    scope: Scope
    receive: Receive
    send: Send
    owner: str
    mark: str

    async def refuse(self, status: int = 404, sentence: str = "Not found.") -> None:
        """Answer just as if there were nothing."""
        answer = JSONResponse({"detail": sentence}, status_code=status)
        await answer(self.scope, self.receive, self.send)


Door = Callable[[_Visit, "re.Match[str]"], Awaitable[None]]


class GradioIsolationMiddleware:
    """Stands between the visitors and Gradio's routes; one owner alone needs it not."""

    def __init__(self, app: ASGIApp, *, files: OwnedFiles) -> None:
        self.app = app
        self._files = files
        self._secret = secrets.token_bytes(32)
        self._public: frozenset[str] | None = None
        self._doors: tuple[tuple[str, re.Pattern[str], Door], ...] = (
            ("GET", _FILE, self._file),
            ("GET", _EVENT, self._result),
            ("POST", _CALL, self._call),
            ("POST", _JOIN, self._join),
            ("POST", re.compile(r"/cancel"), self._cancel),
            ("GET", re.compile(r"/queue/data"), self._session),
            ("GET", _HEARTBEAT, self._heartbeat),
            ("POST", re.compile(r"/upload"), self._upload),
            ("GET", re.compile(r"/upload_progress"), self._progress),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through what is this visitor's own, or everyone's."""
        is_request = scope["type"] in ("http", "websocket")
        path = get_route_path(scope) if is_request else ""
        if not path.startswith(PREFIX):
            await self.app(scope, receive, send)
            return
        owner = str(scope["state"]["owner"])
        visit = _Visit(scope, receive, send, owner, self._proof(owner))
        if scope["type"] != "http":
            return
        inner, method = path.removeprefix(PREFIX), scope["method"]
        if _OPEN.fullmatch(inner):
            await self.app(scope, receive, send)
            return
        for of_method, pattern, door in self._doors:
            match = pattern.fullmatch(inner)
            if match and of_method == {"HEAD": "GET"}.get(method, method):
                await door(visit, match)
                return
        await visit.refuse()

    async def _file(self, visit: _Visit, match: re.Match[str]) -> None:
        """Send a file of the visitor's, or one that is part of the page."""
        if await self._may_see(visit, match["path"]):
            await self._pass(visit)
        else:
            await visit.refuse()

    async def _may_see(self, visit: _Visit, path: str) -> bool:
        """Tell whether a path may be asked for; what lies outside the cache Gradio judges itself.

        A web address is never fetched: nobody here needs it, and it would hide who asks.
        """
        if _WEB_ADDRESS.match(path) or "\0" in path:
            return False
        if not lies_in_cache(path):
            return True
        is_public = folder_of(path) in self._public_folders(visit.scope)
        return is_public or await self._files.is_owned(visit.owner, path)

    async def _result(self, visit: _Visit, match: re.Match[str]) -> None:
        """Tell what became of a call to who made it."""
        told = match["event"]
        event, proof = told[:-_MARK_CHARACTERS], told[-_MARK_CHARACTERS:]
        if not hmac.compare_digest(proof, self._proof(f"{visit.owner} {event}")):
            await visit.refuse()
            return
        set_path(visit.scope, get_route_path(visit.scope).removesuffix(told) + event)
        await self._pass(visit)

    async def _call(self, visit: _Visit, match: re.Match[str]) -> None:
        """Begin a call; the id that is answered works for this visitor alone."""
        if match["name"] not in _endpoints(visit.scope):
            await visit.refuse()
            return

        def prove(answer: Any) -> Any:
            if isinstance(answer, dict) and isinstance(answer.get("event_id"), str):
                event = answer["event_id"]
                return {**answer, "event_id": event + self._proof(f"{visit.owner} {event}")}
            return answer

        await self._pass_with_body(visit, answering(visit.send, prove))

    async def _join(self, visit: _Visit, _match: re.Match[str]) -> None:
        """Begin an event of the page, or of a client."""
        await self._pass_with_body(visit, visit.send)

    async def _cancel(self, visit: _Visit, _match: re.Match[str]) -> None:
        """Stop an event of the visitor's own."""
        body = await self._body(visit)
        if body is None:
            return
        session = self._marked(visit, str(body.get("session_hash")))
        events = _queue(visit.scope).pending_event_ids_session.get(session, ())
        if not isinstance(body.get("event_id"), str) or body["event_id"] not in events:
            await visit.refuse()
            return
        await self._pass(visit, body={**body, "session_hash": session})

    async def _session(self, visit: _Visit, _match: re.Match[str]) -> None:
        """Tell the news of a session of the visitor's."""
        change_query(visit.scope, "session_hash", partial(self._marked, visit))
        session = dict(parse_qsl(visit.scope["query_string"].decode())).get("session_hash")
        if session in _queue(visit.scope).pending_messages_per_session:
            await self._pass(visit)
            return
        # In the words in which Gradio says so itself, without the traceback in its log.
        unknown = f"data: {json.dumps(_UNKNOWN_SESSION)}\n\n"
        answer = Response(unknown, media_type="text/event-stream")
        await answer(visit.scope, visit.receive, visit.send)

    async def _progress(self, visit: _Visit, _match: re.Match[str]) -> None:
        """Tell how far an upload of the visitor's is."""
        change_query(visit.scope, "upload_id", partial(self._marked, visit))
        await self._pass(visit)

    async def _heartbeat(self, visit: _Visit, match: re.Match[str]) -> None:
        """Keep a session of the visitor's alive."""
        session = match["session"]
        path = get_route_path(visit.scope).removesuffix(session)
        set_path(visit.scope, path + self._marked(visit, session))
        await self._pass(visit)

    async def _upload(self, visit: _Visit, _match: re.Match[str]) -> None:
        """Take files, which are the visitor's from before they are told where they lie."""
        change_query(visit.scope, "upload_id", partial(self._marked, visit))

        async def give(answer: Any) -> Any:
            if isinstance(answer, list):
                await self._files.give(visit.owner, [path for path in answer if path])
            return answer

        await self._pass(visit, send=answering(visit.send, give))

    async def _pass_with_body(self, visit: _Visit, send: Send) -> None:
        body = await self._body(visit)
        if body is None:
            return
        for named in files_named(body):
            if not await self._may_name(visit, named["path"]):
                named["path"] = str(Path(get_upload_folder()) / GONE)
        session = body.get("session_hash")
        if isinstance(session, str):
            body["session_hash"] = self._marked(visit, session)
        await self._pass(visit, send=send, body=body)

    async def _may_name(self, visit: _Visit, path: str) -> bool:
        """Tell whether a file may be given; one outside the cache is refused further in."""
        return not lies_in_cache(path) or await self._may_see(visit, path)

    async def _body(self, visit: _Visit) -> dict[str, Any] | None:
        """Read the body; if it is no JSON object, refuse the request and return None."""
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
            receive = saying(scope, receive, body)
        await self.app(scope, receive, send or visit.send)

    def _public_folders(self, scope: Scope) -> frozenset[str]:
        """Name the folders of cached files that are part of the page itself.

        Among them our samples that a button puts in: Gradio names folders after the content.
        """
        if self._public is None:
            page = scope["app"].get_blocks()
            shown = {folder_of(path) for path in files_of_page(page)}
            samples = {hash_file(path) for path in SAMPLES.iterdir() if path.is_file()}
            self._public = frozenset(name for name in shown | samples if name is not None)
        return self._public

    def _marked(self, visit: _Visit, name: str) -> str:
        return f"{name}.{visit.mark}"

    def _proof(self, what: str) -> str:
        proof = hmac.new(self._secret, what.encode(), hashlib.sha256).hexdigest()
        return proof[:_MARK_CHARACTERS]


def _endpoints(scope: Scope) -> frozenset[str]:
    """Name the events that can be called from outside."""
    events = scope["app"].get_blocks().fns.values()
    return frozenset(event.api_name for event in events if isinstance(event.api_name, str))


def _queue(scope: Scope) -> Any:
    """Return Gradio's queue, which alone knows its sessions and their events."""
    return scope["app"].get_blocks()._queue  # noqa: SLF001 - it is told nowhere else
