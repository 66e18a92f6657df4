"""The HTML of the page: our scripts and styles named in it, compressed, and made once.

Gradio itself would add them only once its own scripts run, one round trip after the other. It makes
the HTML anew for every visitor, though it is the same for all, and sends it as it is.
"""

from __future__ import annotations

import asyncio
import re
from typing import NamedTuple

import brotli
from starlette._utils import get_route_path
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kie_ui.ui.asgi.gradio_assets import Needed

GRADIO_ENTRY = b'<script type="module"'
"""How the tag of Gradio's entry begins: before it, so that ours run first."""
HEAD_END = b"</head>"
_THEME = re.compile(rb'"theme_hash":"(\w+)"')
MAX_KEPT = 16
"""Names of this server for which the page is kept; each takes a fifth of a megabyte."""
_QUALITY = 7
NAMING = ("host", "x-forwarded-host", "x-forwarded-proto", "x-gradio-server")
"""All headers by which Gradio finds out the server's own address, which it writes into the page.

One that is left out here would let a visitor choose the address in the page that others get.
"""


class _Html(NamedTuple):
    plain: bytes
    compressed: bytes


class PageHtmlMiddleware:
    """Puts our part of the head into the page's HTML, compresses it, and keeps it.

    Where people sign in, and for an address with a query, Gradio is asked each time: what it sends
    then may depend on who asks, and for what.
    """

    def __init__(self, app: ASGIApp, *, head: str, needed: Needed, has_users: bool) -> None:
        self.app = app
        self._head = f"{needed.script_tags()}\n{head}\n".encode()
        self._end = needed.style_tags().encode()
        self._has_users = has_users
        self._kept: dict[tuple[object, ...], _Html] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; one for the page is answered here where it can be."""
        is_page = scope["type"] == "http" and get_route_path(scope) in ("", "/")
        if not is_page or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        response = await self._kept_or_made(scope, receive)
        await response(scope, receive, send)

    async def _kept_or_made(self, scope: Scope, receive: Receive) -> Response:
        headers = Headers(scope=scope)
        key = (scope["scheme"], scope.get("root_path"), *map(headers.get, NAMING))
        may_keep = not self._has_users and not scope["query_string"]
        html = self._kept.get(key) if may_keep else None
        if html is None:
            made = await _ask(self.app, scope, receive)
            if made.status_code != 200 or not isinstance(made.body, bytes):
                return made
            html = await asyncio.to_thread(self._complete, made.body)
            if may_keep:
                self._keep(key, html)
        takes_brotli = "br" in headers.get("accept-encoding", "")
        response = HTMLResponse(html.compressed if takes_brotli else html.plain)
        response.headers.add_vary_header("Accept-Encoding")
        if takes_brotli:
            response.headers["Content-Encoding"] = "br"
        return response

    def _complete(self, html: bytes) -> _Html:
        """Add our part, and the theme, which Gradio's page finds only after all its scripts."""
        theme = _THEME.search(html)
        if theme:
            preload = b'<link rel="preload" as="style" href="theme.css?v=%s">'
            html = html.replace(HEAD_END, preload % theme[1] + HEAD_END, 1)
        html = html.replace(GRADIO_ENTRY, self._head + GRADIO_ENTRY, 1)
        html = html.replace(HEAD_END, self._end + HEAD_END, 1)
        return _Html(html, brotli.compress(html, quality=_QUALITY))

    def _keep(self, key: tuple[object, ...], html: _Html) -> None:
        """Keep a page in place of the oldest: anyone may name this server as they like."""
        if len(self._kept) >= MAX_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = html


async def _ask(app: ASGIApp, scope: Scope, receive: Receive) -> Response:
    """Return the whole answer of an app."""
    start: Message = {}
    body = bytearray()

    async def record(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            body.extend(message.get("body", b""))

    await app(scope, receive, record)
    answer = Response(bytes(body), status_code=start["status"])
    answer.raw_headers = list(start["headers"])
    return answer
