"""The HTML of the page: our scripts and styles named in it, and compressed.

Gradio itself would add them only once its own scripts run, one round trip after the other, and
sends its HTML as it is.
"""

from __future__ import annotations

import brotli
from starlette._utils import get_route_path
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kie_ui.ui.asgi.gradio_assets import Needed

GRADIO_ENTRY = b'<script type="module"'
"""How the tag of Gradio's entry begins: before it, so that ours run first."""
HEAD_END = b"</head>"
_QUALITY = 5
"""Of the compression, which is made for every visitor anew."""


class PageHtmlMiddleware:
    """Puts our part of the head into the page's HTML, and compresses it."""

    def __init__(self, app: ASGIApp, *, head: str, needed: Needed) -> None:
        self.app = app
        self._head = f"{needed.script_tags()}\n{head}\n".encode()
        self._end = needed.style_tags().encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; the answer to one for the page is changed."""
        is_page = scope["type"] == "http" and get_route_path(scope) in ("", "/")
        await self.app(scope, receive, self._sender(scope, send) if is_page else send)

    def _sender(self, scope: Scope, send: Send) -> Send:
        """Return a `send` that changes HTML; Gradio sends it in one piece."""
        takes_brotli = "br" in Headers(scope=scope).get("accept-encoding", "")
        start: Message = {}

        async def send_page(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            headers = MutableHeaders(scope=start)
            body: bytes = message.get("body", b"")
            if body and headers.get("content-type", "").startswith("text/html"):
                body = body.replace(GRADIO_ENTRY, self._head + GRADIO_ENTRY, 1)
                body = body.replace(HEAD_END, self._end + HEAD_END, 1)
                headers.add_vary_header("Accept-Encoding")
                if takes_brotli:
                    body = brotli.compress(body, quality=_QUALITY)
                    headers["Content-Encoding"] = "br"
                headers["Content-Length"] = str(len(body))
            await send(start)
            await send({**message, "body": body})

        return send_page
