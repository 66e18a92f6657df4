"""A model's documentation page, fetched by its address: from hosts that the operator names alone.

Visitors type the address, so it may lead nowhere else: not by another scheme or port, not by a
redirect, and not by a name that resolves to a machine in the server's network (safehttpx resolves
the name once, refuses private addresses, and connects to what it resolved). Neither a key nor a
cookie is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection

import httpx
from safehttpx import (  # type: ignore[import-untyped]  # it comes without types
    AsyncSecureTransport,
    async_validate_url,
)

MAX_PAGE_BYTES = 1_000_000
TIMEOUT_S = 20.0
"""For all of it, redirects included."""
MAX_REDIRECTS = 5

TransportTo = Callable[[str], Awaitable[httpx.AsyncBaseTransport]]
"""Returns a transport to a host. Raises: ValueError, OSError where none is allowed."""

_HEADERS = {
    "Accept": "text/markdown, text/plain, text/html;q=0.5",
    "Accept-Encoding": "identity",  # so that what is counted is what arrives
    "User-Agent": "kie-ui",
}


class PageProblem(Exception):
    """The page cannot be fetched; the text is a sentence for the person."""


class _NoMarkdown(PageProblem):
    """The address has no Markdown source: nothing, or a web page alone."""


async def public_transport(host: str) -> httpx.AsyncBaseTransport:
    """Return a transport to the public address of a host. Raises: ValueError where it has none."""
    transport: httpx.AsyncBaseTransport = AsyncSecureTransport(await async_validate_url(host))
    return transport


async def fetch_page(
    address: str,
    hosts: Collection[str],
    *,
    transport_to: TransportTo = public_transport,
    timeout_s: float = TIMEOUT_S,
) -> str:
    """Return the text of a documentation page, as it was written.

    The documentation's site has a web page at a plain address, and its Markdown source at the same
    address with `.md` appended, which is tried first.
    Raises: PageProblem.
    """
    url = _read_address(address, hosts)
    try:
        async with asyncio.timeout(timeout_s):
            if url.path.endswith((".md", "/")):
                return await _fetch(url, hosts, transport_to)
            try:
                return await _fetch(url.copy_with(path=f"{url.path}.md"), hosts, transport_to)
            except _NoMarkdown:
                return await _fetch(url, hosts, transport_to)
    except TimeoutError:
        raise PageProblem(f"{url.host} takes too long to answer. {_PASTE}") from None


_PASTE = "Open the page in your browser, copy its text and paste it instead."


def _read_address(address: str, hosts: Collection[str]) -> httpx.URL:
    """Read a typed address, whose `https://` may be missing."""
    if not hosts:
        raise PageProblem(f"This server fetches no pages. {_PASTE}")
    typed = address.strip()
    if "://" not in typed:
        typed = f"https://{typed}"
    try:
        url = httpx.URL(typed)
        url.host  # noqa: B018 - raises for an invalid name
    except (httpx.InvalidURL, ValueError):
        raise PageProblem("This is not a web address.") from None
    _raise_if_elsewhere(url, hosts)
    return url.copy_with(fragment=None)


def _raise_if_elsewhere(url: httpx.URL, hosts: Collection[str]) -> None:
    if not url.host:
        raise PageProblem("This is not a web address.")
    if url.scheme != "https":
        raise PageProblem("Only addresses that begin with https:// are fetched.")
    if url.host not in hosts or url.port is not None or url.userinfo:
        allowed = " and ".join(sorted(hosts))
        raise PageProblem(f"Pages are fetched from {allowed} only. {_PASTE}")


async def _fetch(url: httpx.URL, hosts: Collection[str], transport_to: TransportTo) -> str:
    """Fetch an address, following redirects to the named hosts alone."""
    for _ in range(MAX_REDIRECTS + 1):
        try:
            answer = await _ask(url, await transport_to(url.host))
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError, RuntimeError) as exc:
            raise PageProblem(f"{url.host} cannot be reached from here. {_PASTE}") from exc
        if isinstance(answer, str):
            return answer
        _raise_if_elsewhere(answer, hosts)
        url = answer
    raise PageProblem(f"{url.host} redirects endlessly.")


async def _ask(url: httpx.URL, transport: httpx.AsyncBaseTransport) -> str | httpx.URL:
    """Return the page at an address, or the address that it redirects to."""
    async with (
        httpx.AsyncClient(transport=transport, trust_env=False, timeout=TIMEOUT_S) as client,
        client.stream("GET", url, headers=_HEADERS) as response,
    ):
        if response.has_redirect_location:
            return url.join(response.headers["Location"])
        if response.status_code in (404, 410):
            raise _NoMarkdown("There is no page at this address.")
        if not response.is_success:
            raise PageProblem(f"{url.host} answered with the error {response.status_code}.")
        return _read_text(response.headers.get("Content-Type", ""), await _read(response))


async def _read(response: httpx.Response) -> bytes:
    """Read a body, up to the size that a page may have."""
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_PAGE_BYTES:
            raise PageProblem("This page is larger than any that documents a model.")
    return bytes(body)


def _read_text(content_type: str, body: bytes) -> str:
    text = body.decode("utf-8", "replace")
    begins = text.lstrip("\ufeff \t\r\n")[:15].lower()
    if "html" in content_type.lower() or begins.startswith(("<!doctype", "<html")):
        raise _NoMarkdown(
            "At this address is only a web page, not what it was written from. Use “Copy page” "
            "there, or copy its text, and paste it instead."
        )
    if not text.strip():
        raise _NoMarkdown("The page at this address is empty.")
    return text
