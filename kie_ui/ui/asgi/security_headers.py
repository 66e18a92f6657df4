"""Security headers on every response.

The policy is as strict as this Gradio's page allows, tested in Chromium: Gradio's start-up code and
our scripts are inline, and its HTML components compile functions from text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from starlette._utils import get_route_path
from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FRAMES_OF_SPACES = ("https://huggingface.co", "https://*.huggingface.co")

_SHARED = re.compile(
    r"/(assets|static|svelte)/.*|/favicon\.ico|(/gradio_api)?/theme\.css|/robots\.txt|/manifest\.json"
    r"|/pwa_icon.*"
)
"""The same for everyone, so cached as Gradio says."""


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
                self._set_headers(MutableHeaders(scope=message), path)
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        except Exception:
            if not has_started:
                failure = PlainTextResponse("Internal Server Error", status_code=500)
                await failure(scope, receive, send_with_headers)
            raise

    def _set_headers(self, headers: MutableHeaders, path: str) -> None:
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "same-origin"
        headers["Content-Security-Policy"] = self._policy
        headers["Permissions-Policy"] = "camera=(self), microphone=(), geolocation=()"
        if not _SHARED.fullmatch(path):
            headers.setdefault("Cache-Control", "private, no-cache")
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

    Pictures and clips may come from any address, since people type some and play Kie's.
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
