import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from kie_ui.kie.client import KieClient
from kie_ui.kie.errors import DownloadFailed
from kie_ui.kie.transfer import CountedBody

ClientFor = Callable[..., KieClient]
CLIP_URL = "https://media.example/clip.mp4"


async def chunked(*chunks: bytes) -> AsyncIterator[bytes]:
    """Send a body without announcing its length."""
    for chunk in chunks:
        yield chunk


async def test_a_download_is_written_and_counted(client_for: ClientFor, tmp_path: Path) -> None:
    """The bytes land in the file, and progress tells received and announced sizes."""
    content = bytes(range(256)) * 2000
    progress: list[tuple[int, int | None]] = []
    size_bytes = await client_for(lambda _: httpx.Response(200, content=content)).download(
        CLIP_URL,
        tmp_path / "clip.mp4",
        max_bytes=10**6,
        on_progress=lambda received, total: progress.append((received, total)),
    )
    assert size_bytes == len(content)
    assert (tmp_path / "clip.mp4").read_bytes() == content
    assert progress[-1] == (len(content), len(content))
    assert len(progress) > 1


async def test_a_length_that_was_not_announced_is_unknown(
    client_for: ClientFor, tmp_path: Path
) -> None:
    """Without Content-Length the total is None, and the bytes count as they come."""
    progress: list[tuple[int, int | None]] = []
    client = client_for(lambda _: httpx.Response(200, content=chunked(b"ab", b"c")))
    await client.download(
        CLIP_URL,
        tmp_path / "clip.mp4",
        max_bytes=3,
        on_progress=lambda received, total: progress.append((received, total)),
    )
    assert progress[-1] == (3, None)


async def test_media_hosts_never_get_the_key(
    client_for: ClientFor, tmp_path: Path, key: str
) -> None:
    """No header of a download holds the key, before a redirect or after it."""
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if len(requests) == 1:
            return httpx.Response(302, headers={"Location": "https://api.kie.ai/clip.mp4"})
        return httpx.Response(200, content=b"clip")

    await client_for(answer).download(CLIP_URL, tmp_path / "clip.mp4", max_bytes=10)
    assert [request.url.host for request in requests] == ["media.example", "api.kie.ai"]
    for request in requests:
        assert "Authorization" not in request.headers
        assert key not in str(request.headers.raw)


@pytest.mark.parametrize(
    "url", ["", "clip.mp4", "file:///etc/passwd", "ftp://a.example/b", "//a/b"]
)
async def test_only_web_addresses_are_downloaded(
    client_for: ClientFor, tmp_path: Path, url: str
) -> None:
    """An address that is not http or https is refused before anything is asked."""
    client = client_for(lambda _: httpx.Response(200, content=b"x"))
    with pytest.raises(DownloadFailed, match="address"):
        await client.download(url, tmp_path / "clip.mp4", max_bytes=10)


@pytest.mark.parametrize("location", ["ftp://a.example/b", "file:///etc/passwd", "http://a:port/"])
async def test_a_redirect_cannot_leave_the_web(
    client_for: ClientFor, tmp_path: Path, location: str
) -> None:
    """Redirects are followed to http and https only."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.scheme)
        return httpx.Response(302, headers={"Location": location})

    with pytest.raises(DownloadFailed):
        await client_for(answer).download(CLIP_URL, tmp_path / "clip.mp4", max_bytes=10)
    assert set(asked) == {"https"}
    assert not (tmp_path / "clip.mp4").exists()


async def test_redirects_without_end_are_an_error(client_for: ClientFor, tmp_path: Path) -> None:
    """A circle of redirects ends as a failed download."""
    client = client_for(lambda _: httpx.Response(302, headers={"Location": CLIP_URL}))
    with pytest.raises(DownloadFailed):
        await client.download(CLIP_URL, tmp_path / "clip.mp4", max_bytes=10)


@pytest.mark.parametrize("code", [403, 404, 410])
async def test_an_expired_link_is_told(client_for: ClientFor, tmp_path: Path, code: int) -> None:
    """A link that is over says so, and is not asked again."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(code, text="<html>AccessDenied</html>")

    with pytest.raises(DownloadFailed) as caught:
        await client_for(answer).download(CLIP_URL, tmp_path / "clip.mp4", max_bytes=10)
    assert caught.value.expired
    assert caught.value.code == code
    assert len(asked) == 1


@pytest.mark.parametrize("code", [429, 500, 503])
async def test_a_download_is_repeated_where_that_may_help(
    client_for: ClientFor, tmp_path: Path, code: int
) -> None:
    """A passing trouble of the media host costs a wait, not the result."""
    answers = [httpx.Response(code), httpx.Response(code), httpx.Response(200, content=b"clip")]
    client = client_for(lambda _: answers.pop(0))
    assert await client.download(CLIP_URL, tmp_path / "clip.mp4", max_bytes=10) == 4


@pytest.mark.parametrize(
    "response",
    [
        lambda: httpx.Response(200, content=bytes(11)),
        lambda: httpx.Response(200, content=chunked(bytes(6), bytes(5))),
    ],
)
async def test_a_result_larger_than_allowed_is_not_kept_reading(
    client_for: ClientFor, tmp_path: Path, response: Callable[[], httpx.Response]
) -> None:
    """The limit holds whether or not the size was announced, and is not tried twice."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return response()

    with pytest.raises(DownloadFailed, match="larger"):
        await client_for(answer).download(CLIP_URL, tmp_path / "clip.mp4", max_bytes=10)
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("headers", "content", "reason"),
    [({}, b"", "empty"), ({"Content-Length": "9"}, b"clip", "cut short")],
)
async def test_an_empty_or_truncated_result_is_an_error(
    client_for: ClientFor, tmp_path: Path, headers: dict[str, str], content: bytes, reason: str
) -> None:
    """Fewer bytes than announced, or none, is not a result."""
    client = client_for(lambda _: httpx.Response(200, headers=headers, content=chunked(content)))
    with pytest.raises(DownloadFailed, match=reason):
        await client.download(CLIP_URL, tmp_path / "clip.mp4", max_bytes=10)


async def test_a_broken_compression_is_a_failed_download(
    client_for: ClientFor, tmp_path: Path
) -> None:
    """A body that cannot be unpacked is our error, not the library's."""
    headers = {"Content-Encoding": "gzip"}
    client = client_for(lambda _: httpx.Response(200, headers=headers, content=chunked(b"junk")))
    with pytest.raises(DownloadFailed):
        await client.download(CLIP_URL, tmp_path / "clip.mp4", max_bytes=10)


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
    client_for: ClientFor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is opened by another thread than the event loop's."""
    threads: list[int] = []
    open_file = Path.open

    def watched(*args: object, **kwargs: object) -> object:
        threads.append(threading.get_ident())
        return open_file(*args, **kwargs)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", watched)
    client = client_for(lambda _: httpx.Response(200, content=b"clip"))
    await client.download(CLIP_URL, tmp_path / "clip.mp4", max_bytes=10)
    assert threads
    assert threading.get_ident() not in threads
