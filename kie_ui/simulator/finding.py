"""From the addresses in a request to media on this disk.

Our own files and the documented samples are always at hand. Whatever lies at other hosts is
fetched only where that is allowed; otherwise something drawn stands in for it.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from kie_ui.simulator.config import SimulatorConfig
from kie_ui.simulator.files import Files, own_path
from kie_ui.simulator.orders import Picture
from kie_ui.simulator.samples import documented_sample, sample_image_task, sample_path
from kie_ui.simulator.store import FileRow, Store
from kie_ui.simulator.tls import tls_context

FETCH_TIMEOUT_S = 30.0
"""Source: observed live, "File upload"."""
MAX_FETCHED_BYTES = {"image": 10_000_000, "video": 100_000_000, "audio": 100_000_000}
"""By what is wanted. Source: both built-in models' pages, "Max File Size", for pictures."""


class NoMedia(Exception):
    """A file cannot be had; the message is for the person who asked for it."""


class MediaFinder:
    """Finds the file behind an address."""

    def __init__(self, config: SimulatorConfig, files: Files, store: Store) -> None:
        self._config = config
        self._files = files
        self._store = store

    def own_file(self, url: str, base_url: str) -> tuple[FileRow, Path] | None:
        """Return the uploaded file, or the result, behind one of our addresses, or None."""
        path = own_path(url, base_url)
        return self._files.find(path.parts[0]) if path is not None else None

    async def find(self, url: str, base_url: str, kind: str = "image") -> Path | None:
        """Return the file behind an address; None where it lies elsewhere and is not fetched.

        Raises: NoMedia.
        """
        sample = documented_sample(url)
        if sample is not None:
            return self._existing(self._config.assets_dir / sample, url)
        path = own_path(url, base_url)
        if path is not None:
            return self._existing(self._own_place(str(path)), url)
        if not self._config.fetch_pictures:
            return None
        return await self.fetch(url, MAX_FETCHED_BYTES[kind])

    async def find_picture(self, url: str, base_url: str) -> Picture:
        """Return the picture behind an address, or the card that stands in for it.

        Raises: NoMedia.
        """
        path = await self.find(url, base_url)
        return Picture(path=path, stand_in_host="" if path else urlsplit(url).hostname or url)

    def result_of_task(self, account: str, task_id: str, index: int) -> tuple[str, Path]:
        """Return one result of an earlier task, as its MIME type and its file.

        The task is one of the same account's, or a sample. Raises: NoMedia.
        """
        sample = sample_image_task(task_id)
        if sample is not None and 0 <= index < len(sample.pictures):
            name = sample.pictures[index]
            return "image/jpeg", self._existing(self._config.assets_dir / name, name)
        task = self._store.task(task_id)
        if task is None or task.account != account or not 0 <= index < len(task.result_files):
            raise NoMedia(f"There is no result {index} of a task {task_id}.")
        found = self._files.find(task.result_files[index])
        if found is None:
            raise NoMedia(f"Result {index} of the task {task_id} has expired.")
        return found[0].mime, found[1]

    async def fetch(self, url: str, max_bytes: int) -> Path:
        """Download a file from another host; whoever uses it deletes it.

        Raises: NoMedia.
        """
        incoming = self._files.incoming_path()
        http = partial(httpx.AsyncClient, transport=self._config.transport, verify=tls_context())
        try:
            async with (
                http(follow_redirects=True, timeout=FETCH_TIMEOUT_S) as client,
                client.stream("GET", url) as response,
            ):
                response.raise_for_status()
                await _save(response, incoming, max_bytes)
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            raise NoMedia(f"Fetching {url} failed: its host answered {status}.") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NoMedia(f"Fetching {url} failed: {type(error).__name__}.") from error
        return incoming

    def _own_place(self, path: str) -> Path | None:
        sample = sample_path(self._config.assets_dir, path)
        if sample is not None:
            return sample
        found = self._files.find(path.partition("/")[0])
        return found[1] if found is not None else None

    def _existing(self, place: Path | None, name: str) -> Path:
        if place is None or not place.is_file():
            raise NoMedia(f"There is no file at {name}. Uploaded files are kept for 3 days.")
        return place


async def _save(response: httpx.Response, place: Path, max_bytes: int) -> None:
    """Write a body to a file as it arrives, and no further than the limit."""
    size = 0
    with place.open("wb") as file:
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            if size > max_bytes:
                megabytes = max_bytes / 1e6
                raise NoMedia(f"{response.url} is larger than the limit of {megabytes:g} MB.")
            file.write(chunk)
