from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
import safehttpx  # type: ignore[import-untyped]  # it comes without types

from kie_ui.kie.docs_site import (
    MAX_PAGE_BYTES,
    MAX_REDIRECTS,
    PageProblem,
    fetch_page,
    public_transport,
)

HOSTS = frozenset({"docs.example", "more.example"})
ADDRESS = "https://docs.example/market/one"
PAGE = "# One\n\nmodel: `maker/one`\n"

Answer = Callable[[httpx.Request], httpx.Response]


class Site:
    """Answers in the place of the documentation's hosts, and remembers the requests."""

    def __init__(self, answer: Answer | None = None) -> None:
        self.addresses: list[str] = []
        self.requests: list[httpx.Request] = []
        self._answer = answer or (lambda _: httpx.Response(200, text=PAGE))

    async def transport_to(self, host: str) -> httpx.AsyncBaseTransport:
        return httpx.MockTransport(self._answered)

    def _answered(self, request: httpx.Request) -> httpx.Response:
        self.addresses.append(str(request.url))
        self.requests.append(request)
        return self._answer(request)

    async def fetch(self, address: str = ADDRESS, timeout_s: float = 5.0) -> str:
        return await fetch_page(address, HOSTS, transport_to=self.transport_to, timeout_s=timeout_s)


def by_path(**pages: str | httpx.Response) -> Answer:
    """Answer by the last part of an address, in which `_` means a dot; else 404."""

    def answer(request: httpx.Request) -> httpx.Response:
        page = pages.get(request.url.path.rpartition("/")[2].replace(".", "_"))
        if isinstance(page, str):
            return httpx.Response(200, text=page)
        return page or httpx.Response(404, text="nothing here")

    return answer


def redirect(to: str) -> httpx.Response:
    """Send elsewhere."""
    return httpx.Response(302, headers={"Location": to})


def html(text: str = "<!DOCTYPE html><p>One") -> httpx.Response:
    """Answer a web page."""
    return httpx.Response(200, html=text)


@pytest.mark.parametrize(
    "address",
    [
        ADDRESS,
        f"  {ADDRESS}\n",
        "docs.example/market/one",
        f"{ADDRESS}#parameters",
        "https://DOCS.example:443/market/one",
    ],
)
async def test_the_source_of_a_page_is_requested_first(address: str) -> None:
    """However the address was typed or copied."""
    site = Site()
    assert await site.fetch(address) == PAGE
    assert site.addresses == [f"{ADDRESS}.md"]


async def test_an_address_of_markdown_is_taken_as_it_is() -> None:
    """Nothing is put behind it."""
    site = Site()
    assert await site.fetch(f"{ADDRESS}.md?v=2") == PAGE
    assert site.addresses == [f"{ADDRESS}.md?v=2"]


@pytest.mark.parametrize("instead", [httpx.Response(404), html(), httpx.Response(200, text=" ")])
async def test_without_markdown_the_plain_address_is_requested(instead: httpx.Response) -> None:
    """Some host may serve the page there."""
    site = Site(by_path(one_md=instead, one=PAGE))
    assert await site.fetch() == PAGE
    assert site.addresses == [f"{ADDRESS}.md", ADDRESS]


async def _endless() -> AsyncIterator[bytes]:
    while True:
        yield b"x" * 65_536


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        *(
            (by_path(one=page), r"only a web page.*paste it")
            for page in (html(), httpx.Response(200, text="\n<HTML lang=en>"), html("x"))
        ),
        *(
            (
                lambda _, status=status: httpx.Response(status, text="<b>secret</b>"),
                f"error {status}",
            )
            for status in (403, 429, 500, 503)
        ),
        (by_path(), "no page at this address"),
        (lambda _: httpx.Response(200, content=_endless()), "larger than any"),
    ],
)
async def test_what_is_no_page_is_refused_in_words(answer: Answer, sentence: str) -> None:
    """Markup cannot be read, an error is named by its status, and no more is read than fits."""
    with pytest.raises(PageProblem, match=sentence):
        await Site(answer).fetch()


async def test_redirects_among_the_named_hosts_are_followed() -> None:
    """Relative ones and those to another host of the list."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "more.example":
            return httpx.Response(200, text=PAGE)
        moved = request.url.path == "/new.md"
        return redirect("https://more.example/one.md") if moved else redirect("/new.md")

    site = Site(answer)
    assert await site.fetch() == PAGE
    assert site.addresses[1:] == ["https://docs.example/new.md", "https://more.example/one.md"]


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/x.md",
        "//evil.example/x.md",
        "http://docs.example/x.md",
        "https://docs.example:8443/x.md",
        "https://127.0.0.1/x.md",
        "https://docs.example@evil.example/x.md",
        "https://ada:secret@docs.example/x.md",
        "file:///etc/passwd",
        "https://docs.example.evil.example/x.md",
    ],
)
async def test_no_redirect_leads_elsewhere(target: str) -> None:
    """Every hop is checked as the typed address is."""
    site = Site(lambda _: redirect(target))
    with pytest.raises(PageProblem, match=r"fetched|not a web address"):
        await site.fetch()
    assert site.addresses == [f"{ADDRESS}.md"]


async def test_redirects_end() -> None:
    """A site that sends in a circle is given up."""
    site = Site(lambda request: redirect(f"{request.url}x"))
    with pytest.raises(PageProblem, match="endlessly"):
        await site.fetch()
    assert len(site.addresses) == MAX_REDIRECTS + 1


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("", "not a web address"),
        ("https://", "not a web address"),
        ("https://[", "only"),
        ("https://docs.example:port/", "not a web address"),
        ("\0", "not a web address"),
        ("http://docs.example/one", "begin with https"),
        ("ftp://docs.example/one", "begin with https"),
        ("file:///etc/passwd", "not a web address"),
        ("https://evil.example/one", "docs.example and more.example only"),
        ("https://sub.docs.example/one", "only"),
        ("https://docs.example:8443/one", "only"),
        ("https://ada:secret@docs.example/one", "only"),
        ("https://127.0.0.1/one", "only"),
        ("https://2130706433/one", "only"),
    ],
)
async def test_only_addresses_of_the_named_hosts_are_requested(address: str, sentence: str) -> None:
    """Whatever else is typed is refused before anything is requested."""
    site = Site()
    with pytest.raises(PageProblem, match=sentence):
        await site.fetch(address)
    assert site.addresses == []


async def test_without_hosts_nothing_is_fetched() -> None:
    """An operator may turn it off."""
    with pytest.raises(PageProblem, match="fetches no pages"):
        await fetch_page(ADDRESS, frozenset())


async def test_neither_key_nor_cookie_goes_along(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that the server or the site knows of anybody."""
    monkeypatch.setenv("KIE_API_KEY", "planted-key")

    def answer(request: httpx.Request) -> httpx.Response:
        cookie = {"Set-Cookie": "visitor=1"}
        if request.url.path.endswith("one.md"):
            return httpx.Response(302, headers={"Location": "/two.md", **cookie})
        return httpx.Response(200, text=PAGE, headers=cookie)

    site = Site(answer)
    await site.fetch()
    for request in site.requests:
        assert not {"authorization", "cookie"} & set(request.headers)
        assert b"planted-key" not in b"".join(part for pair in request.headers.raw for part in pair)


async def test_a_host_that_does_not_answer_is_given_up() -> None:
    """After the timeout, with a sentence."""

    async def never(host: str) -> httpx.AsyncBaseTransport:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(PageProblem, match="too long"):
        await fetch_page(ADDRESS, HOSTS, transport_to=never, timeout_s=0.01)


@pytest.mark.parametrize(
    "error", [httpx.ConnectError("planted"), httpx.ReadError("planted"), httpx.ReadTimeout("t")]
)
async def test_a_host_that_cannot_be_reached_is_a_problem(error: httpx.HTTPError) -> None:
    """With what helps instead, and without what the machine said."""

    def fail(request: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(PageProblem, match=r"docs\.example cannot be reached.*paste"):
        await Site(fail).fetch()


@pytest.mark.parametrize(
    ("body", "read"),
    [(b"\xff\xfe# One", "# One"), (b"x" * MAX_PAGE_BYTES, "x" * MAX_PAGE_BYTES)],
    ids=["no text", "the largest page"],
)
async def test_a_page_is_read_to_its_last_byte(body: bytes, read: str) -> None:
    """Bytes that are no text do no harm: they are shown as such."""
    fetched = await Site(lambda _: httpx.Response(200, content=body)).fetch()
    assert fetched.endswith(read)
    assert len(fetched) == len(body)


async def test_a_name_of_a_machine_of_our_own_leads_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Even if the operator's list names it: the way there is only to public addresses."""

    async def unknown_elsewhere(hostname: str) -> list[str]:
        return []

    monkeypatch.setattr(safehttpx, "async_resolve_hostname_google", unknown_elsewhere)
    with pytest.raises(ValueError, match="failed validation"):
        await public_transport("localhost")
    with pytest.raises(PageProblem, match="cannot be reached"):
        await fetch_page("https://localhost/one", {"localhost"})
