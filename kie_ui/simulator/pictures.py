"""From the addresses in a request to pictures on this disk.

Our own files and the documented samples are always at hand. Whatever lies at other hosts is
fetched only where that is allowed; otherwise a drawn card stands in for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ConfigDict

from kie_ui.simulator.config import SimulatorConfig
from kie_ui.simulator.files import Files, own_path
from kie_ui.simulator.samples import documented_sample, sample_image_task, sample_path
from kie_ui.simulator.store import FileRow

MAX_PICTURE_BYTES = 10_000_000
"""Source: both model pages, "Max File Size"."""
FETCH_TIMEOUT_S = 30.0
"""Source: observed live, "File upload"."""


class NoPicture(Exception):
    """The picture cannot be had; the message is for the person who asked for the clip."""


class Picture(BaseModel):
    """Where the renderer finds a picture: a file, or the host for which a card stands in."""

    model_config = ConfigDict(frozen=True)

    path: Path | None = None
    stand_in_host: str = ""


class PictureFinder:
    """Finds the picture behind an address."""

    def __init__(self, config: SimulatorConfig, files: Files) -> None:
        self._config = config
        self._files = files

    def own_file(self, url: str, base_url: str) -> FileRow | None:
        """Return the row of an uploaded file or clip behind one of our addresses, or None."""
        path = own_path(url, base_url)
        found = self._files.find(path.parts[0]) if path is not None else None
        return found[0] if found is not None else None

    async def find(self, url: str, base_url: str) -> Picture:
        """Return the picture behind an address.

        Raises: NoPicture.
        """
        sample = documented_sample(self._config.current_registry(), url)
        if sample is not None:
            return Picture(path=self._existing(self._config.assets_dir / sample, url))
        path = own_path(url, base_url)
        if path is not None:
            return Picture(path=self._existing(self._own_place(str(path)), url))
        if not self._config.fetch_pictures:
            return Picture(stand_in_host=urlsplit(url).hostname or url)
        return Picture(path=await self.fetch(url))

    def find_of_image_task(self, task_id: str, index: int) -> Picture:
        """Return one picture of a Grok image task.

        Raises: NoPicture.
        """
        task = sample_image_task(task_id)
        if task is None or not 0 <= index < len(task.pictures):
            raise NoPicture(f"There is no picture {index} of an image task {task_id}.")
        place = self._config.assets_dir / task.pictures[index]
        return Picture(path=self._existing(place, task.pictures[index]))

    async def fetch(self, url: str, max_bytes: int = MAX_PICTURE_BYTES) -> Path:
        """Download a file from another host; whoever uses it deletes it.

        Raises: NoPicture.
        """
        incoming = self._files.incoming_path()
        options: dict[str, Any] = {"follow_redirects": True, "timeout": FETCH_TIMEOUT_S}
        try:
            async with (
                httpx.AsyncClient(transport=self._config.transport, **options) as client,
                client.stream("GET", url) as response,
            ):
                response.raise_for_status()
                await _save(response, incoming, max_bytes)
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            raise NoPicture(f"Fetching {url} failed: its host answered {status}.") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NoPicture(f"Fetching {url} failed: {type(error).__name__}.") from error
        return incoming

    def _own_place(self, path: str) -> Path | None:
        sample = sample_path(self._config.assets_dir, path)
        if sample is not None:
            return sample
        found = self._files.find(path.partition("/")[0])
        return found[1] if found is not None else None

    def _existing(self, place: Path | None, name: str) -> Path:
        if place is None or not place.is_file():
            raise NoPicture(f"There is no picture at {name}. Uploaded files are kept for 3 days.")
        return place


async def _save(response: httpx.Response, place: Path, max_bytes: int) -> None:
    """Write a body to a file as it arrives, and no further than the limit."""
    size = 0
    with place.open("wb") as file:
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            if size > max_bytes:
                megabytes = max_bytes / 1e6
                raise NoPicture(f"{response.url} is larger than the limit of {megabytes:g} MB.")
            file.write(chunk)
