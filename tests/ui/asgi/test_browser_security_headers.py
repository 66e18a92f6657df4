from __future__ import annotations

import httpx
import pytest
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from kie_ui.ui.asgi.browser_security import SecurityHeadersMiddleware, content_policy


async def _broken(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("a fault")


async def _ask(
    app: ASGIApp | None = None, path: str = "/", *, is_framed: bool = False
) -> httpx.Response:
    dressed = SecurityHeadersMiddleware(app or PlainTextResponse("well"), is_framed=is_framed)
    transport = httpx.ASGITransport(dressed, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://page.test") as browser:
        return await browser.get(path)


@pytest.mark.parametrize("app", [PlainTextResponse("well"), Response(status_code=404), _broken])
async def test_every_answer_says_how_it_is_to_be_treated(app: ASGIApp) -> None:
    """Also a refusal, and one to a request that broke something."""
    headers = (await _ask(app)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["content-security-policy"] == content_policy()
    assert "camera=(self)" in headers["permissions-policy"]


async def test_a_fault_says_nothing_of_itself() -> None:
    """Its traceback is for the log."""
    answer = await _ask(_broken)
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")


async def test_only_a_space_stands_in_frames_of_other_sites() -> None:
    """There it is at home on Hugging Face."""
    at_home = (await _ask()).headers["content-security-policy"]
    on_space = (await _ask(is_framed=True)).headers["content-security-policy"]
    assert "frame-ancestors 'self';" in at_home
    assert "frame-ancestors 'self' https://huggingface.co " in on_space


async def test_what_is_a_visitors_own_is_kept_by_no_proxy() -> None:
    """And by a browser only with its cookie; the program’s own files may be kept."""
    own = (await _ask(path="/config")).headers
    assert (own["cache-control"], own["vary"]) == ("private, no-cache", "Cookie")
    picture = (await _ask(path="/gradio_api/file=/a/b.png")).headers
    assert (picture["cache-control"], picture["vary"]) == ("private, max-age=86400", "Cookie")
    gone = await _ask(PlainTextResponse("x", 404), "/gradio_api/file=/a/b.png")
    assert gone.headers["cache-control"] == "private, no-cache"
    response = PlainTextResponse("x", headers={"cache-control": "private, max-age=60"})
    assert (await _ask(response, "/kie-ui/x")).headers["cache-control"] == "private, max-age=60"
    theme = (await _ask(path="/theme.css?v=abc")).headers
    assert theme["cache-control"] == "public, max-age=31536000, immutable"
    for shared in ("/assets/index.js", "/static/fonts/a.woff2", "/theme.css", "/favicon.ico"):
        assert "cache-control" not in (await _ask(path=shared)).headers


@pytest.mark.parametrize(
    ("is_framed", "expected"),
    [(False, "samesite=lax"), (True, "samesite=none; secure; partitioned")],
)
async def test_the_login_stays_on_this_site(*, is_framed: bool, expected: str) -> None:
    """Gradio would have every site send it along; a frame's is kept for that frame."""
    signed_in = Response()
    signed_in.set_cookie("access-token-x", "t", httponly=True, samesite="none", secure=True)
    signed_in.set_cookie("access-token-unsecure-x", "t", httponly=True)
    signed_in.set_cookie("other", "t", samesite="none")
    login, unsecure, other = (await _ask(signed_in, is_framed=is_framed)).headers.get_list(
        "set-cookie"
    )
    assert expected in login.lower()
    assert "httponly" in login.lower()
    assert "samesite=lax" in unsecure.lower()
    assert "samesite=none" in other.lower()
