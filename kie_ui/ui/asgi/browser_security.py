"""Protects the page in people's browsers: refuses requests of other sites, sets security headers.

Gradio lets every site read its answers, and a browser sends cookies along from another port or a
sibling host; a server for one person needs not even a cookie. Programs, which send neither of the
headers that are checked, are not affected.

The content security policy is as strict as this Gradio's page allows, tested in Chromium: Gradio's
start-up code and our scripts are inline, and its HTML components compile functions from text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette._utils import get_route_path
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FOREIGN = "Another site caused this request."
MISDIRECTED = (
    "This server is reachable from this computer only. To reach it under another name, set "
    "KIE_UI_ALLOWED_HOSTS to that name."
)
_FROM_OUTSIDE = "/kie-ui/callbacks/"
"""Kie calls here, under any name; its content is not trusted."""
_OWN_SITES = ("same-origin", "none")

FRAMES_OF_SPACES = ("https://huggingface.co", "https://*.huggingface.co")

_SHARED = re.compile(
    r"/(assets|static|svelte|kie-ui/assets)/.*|/favicon\.ico|(/gradio_api)?/theme\.css|/robots\.txt|/manifest\.json"
    r"|/pwa_icon.*"
)
"""The same for everyone, so cached as Gradio says."""

_FOR_EVER = "public, max-age=31536000, immutable"
"""For the theme, which Gradio's page asks for with a hash of its content."""
_UPLOADED = "/gradio_api/file="
_FOR_A_DAY = "private, max-age=86400"
"""For a file in Gradio's folder: its address holds a hash of its content."""


class SameOriginMiddleware:
    """Passes on requests of our own page, of a person who opens an address, and of programs.

    `hosts` are the names under which the server may be reached; None allows any. They are checked
    because another site can make its own name point to this computer (DNS rebinding).
    """

    def __init__(self, app: ASGIApp, *, hosts: frozenset[str] | None = None) -> None:
        self.app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        answer = self._refusal(scope) if scope["type"] == "http" else None
        await (answer or self.app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        if get_route_path(scope).startswith(_FROM_OUTSIDE):
            return None
        headers = Headers(scope=scope)
        if self._hosts is not None and not _is_one_of(self._hosts, headers.get("host", "")):
            return _refused(421, MISDIRECTED)
        if is_foreign(scope.get("method", "GET"), headers):
            return _refused(403, FOREIGN)
        return None


def is_foreign(method: str, headers: Headers) -> bool:
    """Tell whether a page of another site caused a request, other than by a link or a frame.

    Browsers send `Sec-Fetch-Site`, but not over plain HTTP: then `Origin` is compared to the host.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        is_opened = method in ("GET", "HEAD") and headers.get("sec-fetch-mode") == "navigate"
        return site not in _OWN_SITES and not is_opened
    origin = headers.get("origin")
    hosts = (headers.get("host"), headers.get("x-forwarded-host", "").split(",")[0].strip())
    return origin is not None and _host_of(origin) not in hosts


def _host_of(origin: str) -> str:
    """Return the host and port of an origin; "null", which no host equals, if it has none."""
    try:
        return urlsplit(origin).netloc or "null"
    except ValueError:
        return "null"


def _is_one_of(hosts: frozenset[str], host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name in hosts or name.endswith(".localhost")


def _refused(status: int, sentence: str) -> JSONResponse:
    return JSONResponse({"message": sentence, "detail": sentence}, status_code=status)


class SecurityHeadersMiddleware:
    """Sets the headers on every response, also on that to a request that raises."""

    def __init__(self, app: ASGIApp, *, is_framed: bool = False) -> None:
        self.app = app
        self.is_framed = is_framed
        self._policy = content_policy(FRAMES_OF_SPACES if is_framed else ())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its response with the headers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = get_route_path(scope)
        has_started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal has_started
            if message["type"] == "http.response.start":
                has_started = True
                headers = MutableHeaders(scope=message)
                if path.endswith("/theme.css") and b"v=" in scope["query_string"]:
                    headers.setdefault("Cache-Control", _FOR_EVER)
                self._set_headers(headers, path, message["status"])
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        except Exception:
            if not has_started:
                failure = PlainTextResponse("Internal Server Error", status_code=500)
                await failure(scope, receive, send_with_headers)
            raise

    def _set_headers(self, headers: MutableHeaders, path: str, status: int) -> None:
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "same-origin"
        headers["Content-Security-Policy"] = self._policy
        headers["Permissions-Policy"] = "camera=(self), microphone=(), geolocation=()"
        if not _SHARED.fullmatch(path):
            is_picture = path.startswith(_UPLOADED) and status in (200, 206)
            headers.setdefault("Cache-Control", _FOR_A_DAY if is_picture else "private, no-cache")
            headers.add_vary_header("Cookie")
        cookies = headers.getlist("set-cookie")
        if cookies:
            del headers["set-cookie"]
            for cookie in cookies:
                headers.append("set-cookie", self._restricted(cookie))

    def _restricted(self, cookie: str) -> str:
        """Restrict Gradio's login cookies, which it lets every site send along, to our own site."""
        if not cookie.startswith("access-token-"):
            return cookie
        if self.is_framed:
            is_shared = re.search(r"samesite=none", cookie, re.IGNORECASE)
            return f"{cookie}; Partitioned" if is_shared else cookie
        return re.sub(r"samesite=none", "SameSite=Lax", cookie, flags=re.IGNORECASE)


def content_policy(frames: Iterable[str] = ()) -> str:
    """Return the content security policy; `frames` are other sites that may frame the page.

    Pictures and clips may come from any address, since people enter them and play Kie's.
    """
    anywhere = "'self' data: blob: https: http:"
    parts = {
        "default-src": "'self'",
        "script-src": "'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src": "'self' 'unsafe-inline'",
        "font-src": "'self' data:",
        "img-src": anywhere,
        "media-src": anywhere,
        "connect-src": "'self' data: blob:",
        "worker-src": "'self' blob:",
        "frame-src": "'self'",
        "frame-ancestors": " ".join(("'self'", *frames)),
        "form-action": "'self'",
        "base-uri": "'self'",
        "object-src": "'none'",
    }
    return "; ".join(f"{name} {sources}" for name, sources in parts.items())
