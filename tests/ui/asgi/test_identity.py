import hashlib
import re
from http.cookies import SimpleCookie
from typing import Any

import gradio as gr
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from kie_ui.ui.asgi.identity import COOKIE, LOCAL_OWNER, IdentityMiddleware, owner_of


async def _who(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer the owner of a request."""
    await PlainTextResponse(owner_of(Request(scope)))(scope, receive, send)


def _browser(
    *, has_many: bool = True, is_framed: bool = False, **options: Any
) -> httpx.AsyncClient:
    app = IdentityMiddleware(_who, has_many=has_many, is_framed=is_framed)
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="https://page.test", **options)


async def _owner_with(cookie: str) -> httpx.Response:
    async with _browser() as browser:
        return await browser.get("/", headers={b"cookie": cookie.encode("latin-1")})


async def test_a_local_server_has_one_owner_and_sets_no_cookie() -> None:
    """Who sits at this computer is known without a cookie."""
    async with _browser(has_many=False) as browser:
        answer = await browser.get("/")
    assert answer.text == LOCAL_OWNER
    assert "set-cookie" not in answer.headers


async def test_on_a_reachable_server_every_browser_is_an_owner_and_stays_the_same() -> None:
    """Two browsers are two owners; the second request of one is the same owner's."""
    async with _browser() as ada, _browser() as ben:
        first = (await ada.get("/")).text
        again = await ada.get("/")
        other = (await ben.get("/")).text
    assert again.text == first
    assert "set-cookie" not in again.headers
    assert len({first, other, LOCAL_OWNER}) == 3


async def test_the_cookie_cannot_be_read_by_scripts_and_stays_on_this_site() -> None:
    """It is HttpOnly, for every path, and not sent along from other sites."""
    async with _browser() as browser:
        cookie = SimpleCookie((await browser.get("/")).headers["set-cookie"])[COOKIE]
    assert cookie["httponly"] is True
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/"
    assert int(cookie["max-age"]) > 30 * 24 * 3600


async def test_in_a_frame_of_another_site_the_cookie_is_partitioned() -> None:
    """There the page is a third party: only such a cookie is kept."""
    async with _browser(is_framed=True) as browser:
        attributes = (await browser.get("/")).headers["set-cookie"].split("; ")
    assert {"SameSite=None", "Secure", "Partitioned", "HttpOnly"} <= set(attributes)


async def test_the_owner_is_only_a_hash_of_the_secret() -> None:
    """Who reads the database cannot become its visitors."""
    async with _browser() as browser:
        answer = await browser.get("/")
    secret = SimpleCookie(answer.headers["set-cookie"])[COOKIE].value
    assert answer.text == hashlib.sha256(secret.encode()).hexdigest()[:32]
    assert secret not in answer.text


@pytest.mark.parametrize(
    "forged",
    [
        f"{COOKIE}=",
        f"{COOKIE}=local",
        f"{COOKIE}={'a' * 42}",
        f"{COOKIE}={'a' * 44}",
        f'{COOKIE}="; Path=/',
        f"{COOKIE}={'é' * 43}",
        "no cookie at all",
    ],
)
async def test_a_forged_or_broken_cookie_gets_a_new_identity(forged: str) -> None:
    """What we cannot have given out counts as no cookie."""
    first, second = await _owner_with(forged), await _owner_with(forged)
    assert first.text != second.text
    assert re.fullmatch(r"[0-9a-f]{32}", first.text)
    assert COOKIE in first.headers["set-cookie"]


@pytest.mark.parametrize("odd", ['tour={"step": 1}', "tour", "tour=a b", "tour[0]=1", "tour=é"])
async def test_an_odd_cookie_of_another_program_hides_ours_from_nobody(odd: str) -> None:
    """Programs on other ports of one host share their cookies, and not all write them well."""
    ours = f"{COOKIE}={'s' * 43}"
    alone, beside = await _owner_with(ours), await _owner_with(f"{odd}; {ours}")
    assert beside.text == alone.text


@given(cookie=st.binary(max_size=120))
async def test_no_cookie_header_breaks_the_page(cookie: bytes) -> None:
    """Whatever the header holds, the request is served, and nobody becomes the local owner."""
    owners: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        owners.append(owner_of(Request(scope)))

    scope: Scope = {"type": "http", "headers": [(b"cookie", cookie)]}
    await IdentityMiddleware(app, has_many=True)(scope, None, None)  # type: ignore[arg-type]
    assert re.fullmatch(r"[0-9a-f]{32}", owners[0])


async def test_what_is_no_request_passes_untouched() -> None:
    """The lifespan of the server has no owner."""
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    scope: Scope = {"type": "lifespan"}
    await IdentityMiddleware(app, has_many=True)(scope, None, None)  # type: ignore[arg-type]
    assert seen == [{"type": "lifespan"}]


def test_an_event_and_a_route_see_the_same_owner() -> None:
    """Gradio wraps the request that our routes get bare."""
    request = Request({"type": "http", "headers": [], "state": {"owner": "ada"}})
    assert owner_of(request) == owner_of(gr.Request(request)) == "ada"
