"""Who makes a request: the one owner of a local server, or one owner per browser or user.

A visitor is known by a secret in an HttpOnly cookie, a user (`KIE_UI_USERS`) by Gradio's login.
Only a hash of either is stored, so that reading the database lets nobody become that visitor.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
from collections import Counter
from collections.abc import Mapping
from typing import Any

import gradio as gr
from pydantic import SecretStr
from starlette._utils import get_route_path
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection, Request, cookie_parser
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL_OWNER = "local"
NOBODY = ""
"""The owner of requests by someone who has to sign in first."""
COOKIE = "kie_ui_visitor"
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
_YEAR_S = 365 * 24 * 3600

MAX_WAITING_LOGINS = 5
"""Login attempts for one name that wait at the same time."""
WRONG_PASSWORD_DELAY_S = 1.0

_NEEDS_NO_LOGIN = re.compile(
    r"/kie-ui/callbacks/.*|/gradio_api/(user|login_check|app_id|startup-events)/?"
    r"|/gradio_api/theme\.css",
    re.DOTALL,
)
"""Below our and Gradio's prefixes: Kie's callbacks, and what the login page itself requests."""
_PREFIXES = ("/kie-ui", "/gradio_api", "/monitoring")


def owner_of(request: Request | gr.Request) -> str:
    """Return the owner of a request that came through the middleware."""
    inner = getattr(request, "request", None) or request
    return str(inner.state.owner)


def owner_of_secret(secret: str) -> str:
    """Return the owner that a visitor's secret, or a user's name, identifies."""
    return hashlib.sha256(secret.encode()).hexdigest()[:32]


class Users:
    """Who may sign in. Passwords are kept as hashes and compared in constant time."""

    def __init__(
        self, passwords: Mapping[str, SecretStr], *, delay_s: float = WRONG_PASSWORD_DELAY_S
    ) -> None:
        self._salt = secrets.token_bytes(32)
        self._no_hash = secrets.token_bytes(32)
        self._delay_s = delay_s
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._waiting: Counter[str] = Counter()
        self._hashes = {
            name: self._hash(password.get_secret_value()) for name, password in passwords.items()
        }

    def __bool__(self) -> bool:
        return bool(self._hashes)

    async def admit(self, name: str, password: str) -> bool:
        """Tell whether this is a user and their password; a wrong password takes a second.

        Attempts for one name take turns, so that many at once are no faster than one by one; those
        beyond `MAX_WAITING_LOGINS` are refused unseen.
        """
        known = self._hashes.get(name, self._no_hash)
        line = name if name in self._hashes else ""  # unknown names share one
        if self._waiting[line] >= MAX_WAITING_LOGINS:
            return False
        self._waiting[line] += 1
        try:
            async with self._turns.setdefault(line, asyncio.Semaphore()):
                if hmac.compare_digest(known, self._hash(password)):
                    return True
                await asyncio.sleep(self._delay_s)
                return False
        finally:
            self._waiting[line] -= 1

    def signed_in(self, scope: Scope) -> str | None:
        """Return the user whose request this is, by the cookies of Gradio's login."""
        app: Any = scope.get("app")
        tokens: Mapping[str, str] = getattr(app, "tokens", {})
        cookies = cookie_parser(HTTPConnection(scope).headers.get("cookie", ""))
        for kind in ("access-token", "access-token-unsecure"):
            name = tokens.get(cookies.get(f"{kind}-{getattr(app, 'cookie_id', '')}", ""))
            if name in self._hashes:
                return name
        return None

    def _hash(self, password: str) -> bytes:
        return hmac.new(self._salt, password.encode(errors="replace"), hashlib.sha256).digest()


class IdentityMiddleware:
    """Gives every request an owner, which `owner_of` returns.

    `is_framed`: the page is inside another site's frame, as on a Space.
    """

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
        self.users = users

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Set the owner; give a new browser its cookie, refuse someone who has not signed in."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        if not self.users and self.has_many:
            await self._as_visitor(scope, receive, send)
            return
        owner = self._user(self.users, scope) if self.users else LOCAL_OWNER
        scope.setdefault("state", {})["owner"] = owner
        if owner == NOBODY and _needs_login(scope):
            refusal = JSONResponse({"message": "Sign in first."}, status_code=401)
            await refusal(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _user(self, users: Users, scope: Scope) -> str:
        name = users.signed_in(scope)
        if name is None:
            return NOBODY
        return owner_of_secret(f"user {name}") if self.has_many else LOCAL_OWNER

    async def _as_visitor(self, scope: Scope, receive: Receive, send: Send) -> None:
        known = _visitor_secret(Headers(scope=scope))
        secret = known or secrets.token_urlsafe(32)
        scope.setdefault("state", {})["owner"] = owner_of_secret(secret)
        cookie = self._cookie(secret, is_secure=_is_secure(scope))

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and known is None:
                MutableHeaders(scope=message).append("set-cookie", cookie)
            await send(message)

        await self.app(scope, receive, send_with_cookie)

    def _cookie(self, secret: str, *, is_secure: bool) -> str:
        site = "SameSite=Lax; Secure" if is_secure else "SameSite=Lax"
        if self.is_framed:
            site = "SameSite=None; Secure; Partitioned"
        return f"{COOKIE}={secret}; Path=/; Max-Age={_YEAR_S}; HttpOnly; {site}"


def _visitor_secret(headers: Headers) -> str | None:
    # Not http.cookies: it stops at the first odd cookie of another program on this host.
    secret = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
    return secret if _SECRET.fullmatch(secret) else None


def _is_secure(scope: Scope) -> bool:
    """Tell whether the browser uses HTTPS, maybe to a proxy before us."""
    forwarded = Headers(scope=scope).get("x-forwarded-proto", "").split(",")[0].strip()
    return "https" in (scope.get("scheme"), forwarded)


def _needs_login(scope: Scope) -> bool:
    """Tell whether a path needs a user; for the page itself Gradio shows its login."""
    path = get_route_path(scope)
    return path.startswith(_PREFIXES) and not _NEEDS_NO_LOGIN.fullmatch(path)
