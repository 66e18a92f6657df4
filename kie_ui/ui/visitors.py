"""Who is asking: one owner on a local server, one owner a browser on a reachable one.

A visitor is known by a secret in an HttpOnly cookie. What is written down is only a hash of it, so
that nobody who reads the database can become that visitor.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser

if TYPE_CHECKING:
    import gradio as gr
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL_OWNER = "local"
COOKIE = "kie_ui_visitor"
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
_YEAR_S = 365 * 24 * 3600


class VisitorMiddleware:
    """Gives every browser an identity, which events and routes read from `request.state.owner`."""

    def __init__(self, app: ASGIApp, *, has_many: bool, is_framed: bool = False) -> None:
        self.app = app
        self.has_many = has_many
        self.is_framed = is_framed
        """Whether the page stands in another site's frame, as on a Space."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Name the owner of a request; hand a newcomer its cookie."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        state: dict[str, Any] = scope.setdefault("state", {})
        if not self.has_many:
            state["owner"] = LOCAL_OWNER
            await self.app(scope, receive, send)
            return
        known = _visitor_secret(Headers(scope=scope))
        secret = known or secrets.token_urlsafe(32)
        state["owner"] = hashlib.sha256(secret.encode()).hexdigest()[:32]

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and known is None:
                MutableHeaders(scope=message).append("set-cookie", self._cookie(secret))
            await send(message)

        await self.app(scope, receive, send_with_cookie)

    def _cookie(self, secret: str) -> str:
        site = "SameSite=None; Secure; Partitioned" if self.is_framed else "SameSite=Lax"
        return f"{COOKIE}={secret}; Path=/; Max-Age={_YEAR_S}; HttpOnly; {site}"


def owner_of(request: Request | gr.Request) -> str:
    """Return the owner of a request that came through the middleware."""
    inner = getattr(request, "request", None) or request
    return str(inner.state.owner)


def _visitor_secret(headers: Headers) -> str | None:
    # Not http.cookies: it stops at the first odd cookie of another program on this host.
    secret = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
    return secret if _SECRET.fullmatch(secret) else None
