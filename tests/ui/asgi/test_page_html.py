from __future__ import annotations

from typing import Any

import brotli
import httpx
import pytest
from gradio.route_utils import get_root_url
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from kie_ui.ui.asgi.gradio_assets import Needed
from kie_ui.ui.asgi.page_html import MAX_KEPT, NAMING, PageHtmlMiddleware

HEAD = '<head><script type="module" src="gradio.js"></script></head>'
HTML = f'<html>{HEAD}%s {{"theme_hash":"ab1"}}</html>'


class Page:
    """Stands in for Gradio: its page names the server as it was asked for."""

    def __init__(self, *, has_users: bool = False) -> None:
        self.made = 0
        site = Starlette(routes=[Route("/", self.send), Route("/other", self.send)])
        head, needed = "<our-head>", Needed(("early.js",), ())
        app = PageHtmlMiddleware(site, head=head, needed=needed, has_users=has_users)
        self.browser = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://page.test"
        )

    async def send(self, request: Request) -> Response:
        self.made += 1
        if "broken" in request.query_params:
            return Response("no page", 500)
        return HTMLResponse(HTML % request.url)

    async def get(self, path: str = "/", **headers: str) -> httpx.Response:
        return await self.browser.get(path, headers={"accept-encoding": "identity", **headers})


@pytest.fixture
def page() -> Page:
    """Give the page behind our middleware."""
    return Page()


async def test_our_scripts_come_before_gradios(page: Page) -> None:
    """Which waits for them, since they arrange the tabs that it builds."""
    shown = (await page.get()).text
    assert shown.index("early.js") < shown.index("<our-head>") < shown.index("gradio.js")
    assert shown.index('as="style" href="theme.css?v=ab1"') < shown.index("</head>")


async def test_the_page_is_made_once_and_sent_compressed_to_who_takes_it(page: Page) -> None:
    """To everyone else as it is."""
    plain = await page.get()
    async with page.browser.stream("GET", "/", headers={"accept-encoding": "br"}) as packed:
        content = b"".join([chunk async for chunk in packed.aiter_raw()])
    assert page.made == 1
    assert (packed.headers["content-encoding"], packed.headers["vary"]) == ("br", "Accept-Encoding")
    assert brotli.decompress(content).decode() == plain.text
    assert "content-encoding" not in plain.headers


@pytest.mark.parametrize(
    "other",
    [
        {"host": "b.test"},
        {"x-forwarded-host": "b.test"},
        {"x-forwarded-proto": "https"},
        {"x-gradio-server": "http://b.test"},
    ],
)
async def test_who_names_the_server_otherwise_gets_a_page_of_their_own(
    page: Page, other: dict[str, str]
) -> None:
    """Gradio writes the address into it."""
    await page.get()
    await page.get(**other)
    assert page.made == 2


def test_gradio_reads_the_servers_address_from_no_other_header() -> None:
    """Else a page could be kept that holds an address of somebody's choice."""
    read: set[str] = set()

    class Headers(dict[str, str]):
        def get(self, name: str, default: Any = None) -> Any:
            read.add(name.lower())
            return default

        def __getitem__(self, name: str) -> str:
            read.add(name.lower())
            raise KeyError(name)

    scope = {"type": "http", "path": "/", "headers": [], "server": ("page.test", 80)}
    request = Request({**scope, "scheme": "http", "query_string": b""})
    request._headers = Headers()  # type: ignore[assignment]
    get_root_url(request, "/", None)
    assert {"x-forwarded-host", "x-gradio-server"} <= read <= set(NAMING)


async def test_names_that_anyone_makes_up_take_no_more_than_some_room(page: Page) -> None:
    """The oldest goes."""
    for number in range(3 * MAX_KEPT):
        assert f"{number}.test" in (await page.get(host=f"{number}.test")).text
    await page.get(host=f"{3 * MAX_KEPT - 1}.test")
    assert page.made == 3 * MAX_KEPT


async def test_what_may_depend_on_who_asks_is_never_kept(page: Page) -> None:
    """An address with a query, the page where people sign in, and what is no page."""
    for _ in range(2):
        await page.get("/?__theme=dark")
        assert (await page.get("/?broken")).status_code == 500
    assert page.made == 4
    assert "<our-head>" not in (await page.get("/other")).text
    of_users = Page(has_users=True)
    for _ in range(2):
        assert "<our-head>" in (await of_users.get()).text
    assert of_users.made == 2
