"""Who is asking: one owner on a local server, one owner a browser or a user on a reachable one.

A visitor is known by a secret in an HttpOnly cookie, a user by their login. What is written down
is only a hash of either, so that nobody who reads the database can become that visitor.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import TYPE_CHECKING, Any

from starlette._utils import get_route_path
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse

if TYPE_CHECKING:
    import gradio as gr
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from kie_ui.ui.asgi.login import Users

LOCAL_OWNER = "local"
NOBODY = ""
"""The owner of requests by who has not signed in, where that is asked for."""
COOKIE = "kie_ui_visitor"
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
_YEAR_S = 365 * 24 * 3600

_OPEN_TO_NOBODY = re.compile(
    r"/kie-ui/callbacks/.*|/gradio_api/(user|login_check|app_id|startup-events)/?"
    r"|/gradio_api/theme\.css",
    re.DOTALL,
)
"""What is behind no login although it lies under our or Gradio's prefix: Kie signs in nowhere, and
the page of the login itself asks for the others."""
_PREFIXES = ("/kie-ui", "/gradio_api", "/monitoring")


class IdentityMiddleware:
    """Gives every request an owner, which events and routes read from `request.state.owner`."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        has_many: bool,
        is_framed: bool = False,
        users: Users | None = None,
    ) -> None:
        self.app = app
        self.has_many = has_many
        self.is_framed = is_framed
        """Whether the page stands in another site's frame, as on a Space."""
        self.users = users

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Name the owner of a request; hand a newcomer its cookie, send a stranger to the login."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        state: dict[str, Any] = scope.setdefault("state", {})
        if self.users:
            state["owner"] = self._user(self.users, scope)
            if state["owner"] == NOBODY and _is_behind_login(scope):
                await _not_signed_in()(scope, receive, send)
                return
            await self.app(scope, receive, send)
        elif self.has_many:
            await self._as_visitor(state, scope, receive, send)
        else:
            state["owner"] = LOCAL_OWNER
            await self.app(scope, receive, send)

    def _user(self, users: Users, scope: Scope) -> str:
        name = users.signed_in(scope)
        if name is None:
            return NOBODY
        return owner_of_secret(f"user {name}") if self.has_many else LOCAL_OWNER

    async def _as_visitor(
        self, state: dict[str, Any], scope: Scope, receive: Receive, send: Send
    ) -> None:
        known = _visitor_secret(Headers(scope=scope))
        secret = known or secrets.token_urlsafe(32)
        state["owner"] = owner_of_secret(secret)
        cookie = self._cookie(secret, is_secure=_is_secure(scope))

        async def send_with_cookie(message: Message) -> None:
            is_start = message["type"] == "http.response.start"
            if is_start and known is None:
                MutableHeaders(scope=message).append("set-cookie", cookie)
            await send(message)

        await self.app(scope, receive, send_with_cookie)

    def _cookie(self, secret: str, *, is_secure: bool) -> str:
        site = "SameSite=Lax; Secure" if is_secure else "SameSite=Lax"
        if self.is_framed:
            site = "SameSite=None; Secure; Partitioned"
        return f"{COOKIE}={secret}; Path=/; Max-Age={_YEAR_S}; HttpOnly; {site}"


def owner_of(request: Request | gr.Request) -> str:
    """Return the owner of a request that came through the middleware."""
    inner = getattr(request, "request", None) or request
    return str(inner.state.owner)


def owner_of_secret(secret: str) -> str:
    """Return the owner that a visitor's secret, or a user's name, stands for."""
    return hashlib.sha256(secret.encode()).hexdigest()[:32]


def _visitor_secret(headers: Headers) -> str | None:
    # Not http.cookies: it stops at the first odd cookie of another program on this host.
    secret = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
    return secret if _SECRET.fullmatch(secret) else None


def _is_secure(scope: Scope) -> bool:
    """Tell whether the browser came by HTTPS, maybe to a proxy before us."""
    forwarded = Headers(scope=scope).get("x-forwarded-proto", "").split(",")[0].strip()
    return "https" in (scope.get("scheme"), forwarded)


def _is_behind_login(scope: Scope) -> bool:
    """Tell whether a path needs a user; the page itself Gradio answers with its login."""
    path = get_route_path(scope)
    return path.startswith(_PREFIXES) and not _OPEN_TO_NOBODY.fullmatch(path)


def _not_signed_in() -> JSONResponse:
    return JSONResponse({"message": "Sign in first."}, status_code=401)
