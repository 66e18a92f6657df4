import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kie_ui.kie.errors import DownloadFailed
from kie_ui.kie.transfer import CountedBody
from tests.kie.answers import ClientFor, Script

Handler = Callable[[httpx.Request], httpx.Response]
Fetch = Callable[..., Awaitable[int]]
CLIP_URL = "https://media.example/clip.mp4"


async def chunked(*chunks: bytes) -> AsyncIterator[bytes]:
    """Send a body without announcing its length."""
    for chunk in chunks:
        yield chunk


def redirect(to: str) -> httpx.Response:
    """Send elsewhere."""
    return httpx.Response(302, headers={"Location": to})


@pytest.fixture
def fetch(client_for: ClientFor, tmp_path: Path) -> Fetch:
    """Give a function that downloads up to 10 bytes, by default, from a host that answers so."""

    async def fetch(answer: Handler, url: str = CLIP_URL, **options: Any) -> int:
        to = tmp_path / "clip.mp4"
        return await client_for(answer).download(url, to, **{"max_bytes": 10, **options})

    return fetch


@pytest.mark.parametrize("is_announced", [True, False])
async def test_a_download_is_written_and_counted(
    fetch: Fetch, tmp_path: Path, *, is_announced: bool
) -> None:
    """The bytes land in the file; progress is their number, and the total if announced."""
    content = bytes(range(256)) * 2000
    body = content if is_announced else chunked(content[:100], content[100:])
    progress: list[tuple[int, int | None]] = []
    size_bytes = await fetch(
        lambda _: httpx.Response(200, content=body),
        max_bytes=len(content),
        on_progress=lambda received, total: progress.append((received, total)),
    )
    assert size_bytes == len(content)
    assert (tmp_path / "clip.mp4").read_bytes() == content
    assert progress[-1] == (len(content), len(content) if is_announced else None)
    assert len(progress) > 1


async def test_media_hosts_never_get_the_key(fetch: Fetch, key: str) -> None:
    """No header of a download holds the key, before a redirect or after it."""
    script = Script(redirect("https://api.kie.ai/clip.mp4"), httpx.Response(200, content=b"clip"))
    await fetch(script)
    assert [request.url.host for request in script.requests] == ["media.example", "api.kie.ai"]
    for request in script.requests:
        assert "Authorization" not in request.headers
        assert key not in str(request.headers.raw)


@pytest.mark.parametrize(
    "url", ["", "clip.mp4", "file:///etc/passwd", "ftp://a.example/b", "//a/b"]
)
async def test_only_web_addresses_are_downloaded(fetch: Fetch, url: str) -> None:
    """An address that is not http or https is refused before anything is requested."""
    script = Script(httpx.Response(200, content=b"x"))
    with pytest.raises(DownloadFailed, match="address"):
        await fetch(script, url)
    assert script.requests == []


@pytest.mark.parametrize(
    "location", ["ftp://a.example/b", "file:///etc/passwd", "http://a:port/", CLIP_URL]
)
async def test_a_redirect_cannot_leave_the_web_or_go_round(
    fetch: Fetch, tmp_path: Path, location: str
) -> None:
    """Redirects are followed to http and https only, and not in a circle."""
    script = Script(redirect(location))
    with pytest.raises(DownloadFailed):
        await fetch(script)
    assert {request.url.scheme for request in script.requests} == {"https"}
    assert not (tmp_path / "clip.mp4").exists()


@pytest.mark.parametrize("code", [403, 404, 410])
async def test_an_expired_link_says_so(fetch: Fetch, code: int) -> None:
    """A link that is over is not requested again."""
    script = Script(httpx.Response(code, text="<html>AccessDenied</html>"))
    with pytest.raises(DownloadFailed) as caught:
        await fetch(script)
    assert (caught.value.expired, caught.value.code) == (True, code)
    assert len(script.requests) == 1


@pytest.mark.parametrize("code", [429, 500, 503])
async def test_a_download_is_repeated_where_that_may_help(fetch: Fetch, code: int) -> None:
    """A passing trouble of the media host costs a wait, not the result."""
    trouble = httpx.Response(code)
    assert await fetch(Script(trouble, trouble, httpx.Response(200, content=b"clip"))) == 4


@pytest.mark.parametrize("is_announced", [True, False])
async def test_a_result_larger_than_allowed_is_not_kept_reading(
    fetch: Fetch, *, is_announced: bool
) -> None:
    """The limit holds whether or not the size was announced, and is not tried twice."""
    body = bytes(11) if is_announced else chunked(bytes(6), bytes(5))
    script = Script(httpx.Response(200, content=body))
    with pytest.raises(DownloadFailed, match="larger"):
        await fetch(script)
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    ("headers", "content", "reason"),
    [
        ({}, b"", "empty"),
        ({"Content-Length": "9"}, b"clip", "cut short"),
        ({"Content-Encoding": "gzip"}, b"junk", r"\w"),
    ],
)
async def test_an_empty_or_broken_result_is_an_error(
    fetch: Fetch, headers: dict[str, str], content: bytes, reason: str
) -> None:
    """Fewer bytes than announced, none, or a body that cannot be unpacked, is not a result."""
    with pytest.raises(DownloadFailed, match=reason):
        await fetch(lambda _: httpx.Response(200, headers=headers, content=chunked(content)))


async def test_a_disk_that_cannot_be_written_is_an_error_of_the_disk(
    client_for: ClientFor, tmp_path: Path
) -> None:
    """The disk's errors pass through as they are."""
    client = client_for(lambda _: httpx.Response(200, content=b"clip"))
    with pytest.raises(FileNotFoundError):
        await client.download(CLIP_URL, tmp_path / "none" / "clip.mp4", max_bytes=10)


async def test_a_body_is_read_off_the_event_loop() -> None:
    """Chunks are produced in other threads, and the loop goes on meanwhile."""
    may_go_on = threading.Event()
    threads: set[int] = set()

    def chunks() -> Iterator[bytes]:
        for chunk in (b"a", b"", b"bc"):
            assert may_go_on.wait(timeout=10)
            threads.add(threading.get_ident())
            yield chunk

    # Set by the loop itself: were the wait on the loop's own thread, nobody could.
    asyncio.get_running_loop().call_soon(may_go_on.set)
    progress: list[tuple[int, int]] = []
    body = CountedBody(chunks(), 3, lambda sent, total: progress.append((sent, total)))
    assert b"".join([chunk async for chunk in body]) == b"abc"
    assert threading.get_ident() not in threads
    assert progress[-1] == (3, 3)


async def test_a_download_is_written_off_the_event_loop(
    fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is opened by another thread than the event loop's."""
    threads: list[int] = []
    open_file = Path.open

    def watched(*args: object, **kwargs: object) -> object:
        threads.append(threading.get_ident())
        return open_file(*args, **kwargs)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", watched)
    await fetch(lambda _: httpx.Response(200, content=b"clip"))
    assert threads
    assert threading.get_ident() not in threads
