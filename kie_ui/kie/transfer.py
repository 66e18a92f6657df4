"""The bodies of uploads and downloads: counted and checked, with the disk left to threads."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO, Literal

import httpx

from kie_ui.kie.errors import DownloadFailed, error_for_code
from kie_ui.kie.responses import web_address, whole_number

UploadProgress = Callable[[int, int], None]
DownloadProgress = Callable[[int, int | None], None]

_CHUNK_BYTES = 256 * 1024


@asynccontextmanager
async def open_in_thread(path: Path, mode: Literal["rb", "wb"]) -> AsyncIterator[BinaryIO]:
    """Open a file in a thread, and close it in the end.

    A task that is cancelled while the thread opens never gets the file, which is still closed.
    Raises: OSError.
    """
    opening = asyncio.ensure_future(asyncio.to_thread(lambda: path.open(mode)))
    try:
        file = await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close_unwanted)
        raise
    with file:
        yield file


def _close_unwanted(opening: asyncio.Future[BinaryIO]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


class CountedBody(httpx.AsyncByteStream):
    """A request body whose chunks are produced in a thread and counted as they are taken."""

    def __init__(
        self, chunks: Iterable[bytes], total_bytes: int, on_progress: UploadProgress | None
    ) -> None:
        self._chunks = chunks
        self._total_bytes = total_bytes
        self._on_progress = on_progress

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks, sent_bytes = iter(self._chunks), 0
        while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
            yield chunk
            sent_bytes += len(chunk)
            if self._on_progress:
                self._on_progress(sent_bytes, self._total_bytes)


def count_upload(request: httpx.Request, on_progress: UploadProgress | None) -> httpx.Request:
    """Make a multipart request read its file in threads and report the bytes sent."""
    if isinstance(request.stream, Iterable):
        total_bytes = int(request.headers["Content-Length"])
        request.stream = CountedBody(request.stream, total_bytes, on_progress)
    return request


def raise_if_not_web(url: str) -> None:
    """Stop at an address that cannot be fetched from the web. Raises: DownloadFailed."""
    if web_address(url) is None:
        raise DownloadFailed("The result's address is not one that can be downloaded.")


async def stay_on_the_web(request: httpx.Request) -> None:
    """Stop a redirect to another scheme than http and https. Raises: DownloadFailed."""
    raise_if_not_web(str(request.url))


def raise_if_not_media(response: httpx.Response, max_bytes: int) -> None:
    """Check status and size by the headers of a response. Raises: DownloadFailed."""
    status = response.status_code
    if status in (403, 404, 410):
        raise DownloadFailed(
            "The link to this result no longer works.",
            advice="Kie keeps results for one to fourteen days; see https://kie.ai/logs.",
            code=status,
        )
    if status != 200:
        may_retry = error_for_code(status).may_retry
        raise DownloadFailed(
            f"The result could not be downloaded (code {status}).", code=status, may_retry=may_retry
        )
    _raise_if_too_large(_announced_bytes(response) or 0, max_bytes)


async def save_body(
    response: httpx.Response, to: Path, max_bytes: int, on_progress: DownloadProgress | None
) -> int:
    """Write an answer's body to `to` and return its size in bytes.

    Raises: DownloadFailed if it is empty, cut short or longer than `max_bytes`; OSError.
    """
    announced_bytes, received_bytes = _announced_bytes(response), 0
    async with open_in_thread(to, "wb") as file:
        async for chunk in response.aiter_bytes(_CHUNK_BYTES):
            received_bytes += len(chunk)
            _raise_if_too_large(received_bytes, max_bytes)
            await asyncio.to_thread(file.write, chunk)
            if on_progress:
                on_progress(received_bytes, announced_bytes)
    if received_bytes == 0:
        raise DownloadFailed("The result is an empty file.", may_retry=True)
    if announced_bytes is not None and received_bytes != announced_bytes:
        raise DownloadFailed("The result was cut short during the download.", may_retry=True)
    return received_bytes


def _announced_bytes(response: httpx.Response) -> int | None:
    """Read the file's size, unless the body is packed and the announced size is the packing's."""
    if "Content-Encoding" in response.headers:
        return None
    return whole_number(response.headers.get("Content-Length"))


def _raise_if_too_large(size_bytes: int, max_bytes: int) -> None:
    if size_bytes > max_bytes:
        raise DownloadFailed(
            f"The result is larger than the {max_bytes / 1e6:,.0f} MB allowed here.",
            advice="Fetch it from https://kie.ai/logs instead.",
        )
