from __future__ import annotations

import httpx
import pytest
from starlette.responses import PlainTextResponse

from kie_ui.ui.asgi.browser_security import FOREIGN, MISDIRECTED, SameOriginMiddleware

HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


async def _ask(
    method: str = "GET",
    url: str = "http://page.test:7860/kie-ui/stream",
    hosts: frozenset[str] | None = None,
    **headers: str,
) -> httpx.Response:
    site = SameOriginMiddleware(PlainTextResponse("well"), hosts=hosts)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(site)) as browser:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await browser.request(method, url, headers=named)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "DELETE"])
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_script_of_another_site_gets_nothing(method: str, site: str) -> None:
    """A sibling host or another port of this computer is another site too."""
    answer = await _ask(method, sec_fetch_site=site, sec_fetch_mode="cors")
    assert answer.status_code == 403
    if method != "HEAD":
        assert answer.json()["message"] == FOREIGN


async def test_a_link_and_a_frame_open_the_page_but_a_form_does_nothing() -> None:
    """Opening changes nothing; a form of another site would come with the visitor's cookie."""
    for method, status in (("GET", 200), ("POST", 403)):
        answer = await _ask(method, sec_fetch_site="cross-site", sec_fetch_mode="navigate")
        assert answer.status_code == status


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("site", ["same-origin", "none"])
async def test_the_page_itself_and_a_typed_address_are_heard(method: str, site: str) -> None:
    """Behind a proxy that names us differently as well: the browser knows better."""
    answer = await _ask(method, sec_fetch_site=site, origin="https://seen-outside.example")
    assert answer.text == "well"


@pytest.mark.parametrize(
    "origin",
    [
        "http://page.test",
        "http://page.test:8320",
        "http://evil.page.test:7860",
        "http://evil.test",
        "null",
        "http://[",
        "",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_over_plain_http_the_origin_tells(method: str, origin: str) -> None:
    """Where a browser says nothing of the site."""
    assert (await _ask(method, origin=origin)).status_code == 403


async def test_over_plain_http_our_own_origin_is_heard() -> None:
    """Also as a proxy passes it on; and so are programs, which have none."""
    ours = "http://page.test:7860"
    assert (await _ask("POST", origin=ours)).text == "well"
    inside = "http://127.0.0.1:7860/kie-ui/track"
    assert (await _ask("POST", inside, origin=ours)).status_code == 403
    passed_on = await _ask("POST", inside, origin=ours, x_forwarded_host="page.test:7860, x")
    assert passed_on.text == "well"
    assert (await _ask("POST")).text == "well"


@pytest.mark.parametrize(
    "host", ["evil.test:7860", "localhost.evil.test", "127.0.0.1.evil.test", "", "[", "2130706433"]
)
async def test_a_name_that_points_here_by_somebody_elses_doing_gets_nothing(host: str) -> None:
    """Its pages would be of one origin with ours; the sentence says what to do if it is no foe."""
    answer = await _ask(hosts=HOSTS, host=host, sec_fetch_site="same-origin")
    assert (answer.status_code, answer.json()["message"]) == (421, MISDIRECTED)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:7861", "127.0.0.1:7860", "[::1]:7860", "kie.localhost:80"]
)
async def test_our_own_names_are_heard(host: str) -> None:
    """With any port, in any case."""
    assert (await _ask(hosts=HOSTS, host=host)).text == "well"


async def test_kie_calls_back_from_wherever_it_is() -> None:
    """Under the public name; what it says is not believed anyway."""
    url = "http://public.example/kie-ui/callbacks/1/proof"
    assert (await _ask("POST", url, hosts=HOSTS, origin="https://kie.ai")).text == "well"
