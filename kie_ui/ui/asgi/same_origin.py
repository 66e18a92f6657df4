"""Refuses requests that a page of another site caused, before we or Gradio see them.

Gradio lets every site read its answers, and a browser sends cookies along from another port or a
sibling host; a server for one person needs not even a cookie. Programs, which send neither of the
headers that are checked, are not affected.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette._utils import get_route_path
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

FOREIGN = "This was asked for by another site."
MISDIRECTED = (
    "This server answers on this computer alone. To reach it under another name, set "
    "KIE_UI_ALLOWED_HOSTS to that name."
)
_FROM_OUTSIDE = "/kie-ui/callbacks/"
"""Kie calls here, under any name; what it says is not trusted."""
_OWN = ("same-origin", "none")


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
        return site not in _OWN and not is_opened
    origin = headers.get("origin")
    asked = (headers.get("host"), headers.get("x-forwarded-host", "").split(",")[0].strip())
    return origin is not None and _place(origin) not in asked


def _place(origin: str) -> str:
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
