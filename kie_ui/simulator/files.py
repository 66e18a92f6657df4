"""Files of the simulator: uploads and results, and the addresses under which they are served."""

from __future__ import annotations

import ipaddress
import secrets
from functools import cache
from pathlib import Path, PurePosixPath
from ssl import SSLContext
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import httpx

from kie_ui.catalog.media_types import OCTET_STREAM, guess_mime, suffix_of
from kie_ui.catalog.parameters import MediaParameter
from kie_ui.catalog.registry import built_in_registry
from kie_ui.simulator.config import SimulatorConfig
from kie_ui.simulator.store import FileRow, Store

DAY_MS = 24 * 60 * 60 * 1000
UPLOAD_LIFETIME_MS = 3 * DAY_MS
RESULT_LIFETIME_MS = 14 * DAY_MS
"""Source: observed live, "File upload" and "Balance and download"; the longer of the two ends."""
MAX_NAME_LENGTH = 200
FETCH_TIMEOUT_S = 30.0
"""Source: observed live, "File upload"."""
MAX_FETCHED_BYTES = {"image": 10_000_000, "video": 100_000_000, "audio": 100_000_000}
"""By kind of media. Source: both built-in models' pages, "Max File Size", for pictures."""


class NoMedia(Exception):
    """A file cannot be found or fetched; the message is for the person who named it."""


class Files:
    """Keeps the bytes of files under unguessable names, and finds the file behind an address.

    The rows of files are in the store.
    """

    def __init__(self, config: SimulatorConfig, store: Store) -> None:
        self._config = config
        self._store = store
        self._folder = config.data_dir / "files"
        self._incoming = config.data_dir / "incoming"
        for folder in (self._folder, self._incoming):
            folder.mkdir(parents=True, exist_ok=True)

    def incoming_path(self) -> Path:
        """Return a fresh path on the same disk, to write a file to before it is complete."""
        return self._incoming / secrets.token_hex(16)

    def is_incoming(self, path: Path) -> bool:
        """Tell whether a file is a temporary one."""
        return path.parent == self._incoming

    def keep_upload(self, account: str, path: str, name: str, mime: str, incoming: Path) -> FileRow:
        """Move a complete upload into place; the same path and name overwrite the old file."""
        row = self._row(incoming, UPLOAD_LIFETIME_MS, account, path, name, mime)
        row = self._store.put_file(row)
        incoming.replace(self._folder / row.file_id)
        return row

    def place_result(self, account: str, task_id: str, mime: str, incoming: Path) -> FileRow:
        """Move a complete result into place; the caller stores its row with the task's ending."""
        path, name = f"results/{task_id}", f"{secrets.token_hex(8)}{suffix_of(mime) or ''}"
        row = self._row(incoming, RESULT_LIFETIME_MS, account, path, name, mime)
        incoming.replace(self._folder / row.file_id)
        return row

    def _row(
        self, incoming: Path, lifetime_ms: int, account: str, path: str, name: str, mime: str
    ) -> FileRow:
        now_ms = self._config.now_ms()
        return FileRow(
            file_id=secrets.token_urlsafe(24),
            account=account,
            path=path,
            name=name,
            mime=mime,
            size=incoming.stat().st_size,
            stored_ms=now_ms,
            expires_ms=now_ms + lifetime_ms,
        )

    def find(self, file_id: str) -> tuple[FileRow, Path] | None:
        """Return a file's row and place, or None where there is none or it has expired."""
        row = self._store.file(file_id)
        if row is None or row.expires_ms <= self._config.now_ms():
            return None
        path = self._folder / row.file_id
        return (row, path) if path.is_file() else None

    def sweep(self) -> None:
        """Delete incomplete files of a process that was killed, and files that have expired."""
        alive = self._store.file_ids(alive_at_ms=self._config.now_ms())
        for path in self._incoming.iterdir():
            path.unlink(missing_ok=True)
        for path in self._folder.iterdir():
            if path.name not in alive:
                path.unlink(missing_ok=True)

    def own_file(self, url: str, base_url: str) -> tuple[FileRow, Path] | None:
        """Return the uploaded file, or the result, behind one of our addresses, or None."""
        path = own_path(url, base_url)
        return self.find(path.parts[0]) if path is not None else None

    async def locate(self, url: str, base_url: str, max_bytes: int) -> Path | None:
        """Return the file behind an address; None where it is elsewhere and not fetched.

        A fetched file is a temporary one, which the caller deletes. Raises: NoMedia.
        """
        sample = documented_sample(url)
        if sample is not None:
            return _existing(self._config.assets_dir / sample, url)
        path = own_path(url, base_url)
        if path is not None:
            found = self.find(path.parts[0])
            own = sample_path(self._config.assets_dir, str(path)) or (found and found[1])
            return _existing(own, url)
        if not self._config.fetch_pictures:
            return None
        return await self._fetch(url, max_bytes)

    def result_of_task(self, account: str, task_id: str, index: int) -> tuple[str, Path]:
        """Return one result of an earlier task, as its MIME type and its file.

        The task is one of the same account's, or a sample. Raises: NoMedia.
        """
        sample = sample_image_task(task_id)
        if sample is not None and 0 <= index < len(sample.pictures):
            name = sample.pictures[index]
            return "image/jpeg", _existing(self._config.assets_dir / name, name)
        task = self._store.task(task_id)
        if task is None or task.account != account or not 0 <= index < len(task.result_files):
            raise NoMedia(f"There is no result {index} of a task {task_id}.")
        found = self.find(task.result_files[index])
        if found is None:
            raise NoMedia(f"Result {index} of the task {task_id} has expired.")
        return found[0].mime, found[1]

    async def _fetch(self, url: str, max_bytes: int) -> Path:
        incoming = self.incoming_path()
        client = httpx.AsyncClient(
            transport=self._config.transport,
            verify=tls_context(),
            follow_redirects=True,
            timeout=FETCH_TIMEOUT_S,
        )
        try:
            async with client, client.stream("GET", url) as response:
                response.raise_for_status()
                await _save(response, incoming, max_bytes)
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            raise NoMedia(f"Fetching {url} failed: its host answered {status}.") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NoMedia(f"Fetching {url} failed: {type(error).__name__}.") from error
        return incoming


def file_url(base_url: str, row: FileRow) -> str:
    """Return the address of a file, under the address that the request was sent to."""
    return f"{base_url}/files/{row.file_id}/{quote(row.name)}"


def own_path(url: str, base_url: str) -> PurePosixPath | None:
    """Return the path below `/files/` if the address is one of ours, whatever its port.

    The port may have changed since the address was handed out; any loopback name is ours.
    """
    try:
        parts = urlsplit(url)
        host, own_host = parts.hostname, urlsplit(base_url).hostname
    except ValueError:
        return None
    if host is None or not (host == own_host or is_loopback(host)):
        return None
    path = PurePosixPath(parts.path)
    is_ours = path.parts[:2] == ("/", "files") and len(path.parts) > 2 and ".." not in path.parts
    return path.relative_to("/files") if is_ours else None


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address means this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def clean_name(name: str) -> str:
    """Reduce a given file name to its last part, without characters that file systems refuse."""
    last = PurePosixPath(name.replace("\\", "/")).name
    printable = "".join(character for character in last if character.isprintable())
    return printable.strip(". ")[-MAX_NAME_LENGTH:]


def clean_folder(path: str) -> str:
    """Reduce a given upload path to plain folder names."""
    parts = (clean_name(part) for part in path.replace("\\", "/").split("/"))
    return "/".join(part for part in parts if part)


def random_name(original: str, mime: str) -> str:
    """Invent a name for an upload without one, with a fitting suffix."""
    suffix = PurePosixPath(clean_name(original)).suffix or suffix_of(mime) or ""
    return f"{secrets.token_hex(12)}{suffix}"


def declared_type(declared: str | None, name: str) -> str:
    """Return the type that an upload declares, or else the one its name suggests.

    The bytes are not read: the service trusts what is declared. Source: observed live, "File
    upload".
    """
    plain = (declared or "").partition(";")[0].strip().lower()
    return guess_mime(name) if plain in ("", OCTET_STREAM) else plain


IMAGE_MODEL = "grok-imagine/text-to-image"
PICTURES_PER_TASK = 6
"""Source: Grok page, parameter `index`."""


class SampleImageTask(NamedTuple):
    """A finished Grok image task of six pictures. `pictures` are paths under `assets/`."""

    task_id: str
    title: str
    prompt: str
    pictures: tuple[str, ...]


def _sample(folder: str, title: str, prompt: str) -> SampleImageTask:
    pictures = tuple(f"samples/{folder}/{index}.jpg" for index in range(PICTURES_PER_TASK))
    return SampleImageTask(f"sample-{folder}", title, prompt, pictures)


SAMPLE_IMAGE_TASKS = (
    _sample("grok-a", "Paper boat", "A paper boat on a quiet lake"),
    _sample("grok-b", "Hot-air balloons", "Hot-air balloons over hills"),
)
"""The image tasks that every key may use as `task_id`."""


def sample_image_task(task_id: str) -> SampleImageTask | None:
    """Return the sample image task of that id, or None."""
    return next((task for task in SAMPLE_IMAGE_TASKS if task.task_id == task_id), None)


def documented_sample(url: str) -> str | None:
    """Return the asset that answers for a documented sample address, or None."""
    for spec in built_in_registry():
        for parameter in spec.parameters:
            if isinstance(parameter, MediaParameter) and url in parameter.default:
                return parameter.sample
    return None


def sample_path(assets_dir: Path, name: str) -> Path | None:
    """Return where a served sample picture is, or None if `name` is none of them."""
    known = {picture for task in SAMPLE_IMAGE_TASKS for picture in task.pictures}
    return assets_dir / PurePosixPath(name) if name in known else None


def _existing(path: Path | None, name: str) -> Path:
    """Return the path of a file that is there. Raises: NoMedia."""
    if path is None or not path.is_file():
        raise NoMedia(f"There is no file at {name}. Uploaded files are kept for 3 days.")
    return path


@cache
def tls_context() -> SSLContext:
    """Load the certificates once: they take longer to load than a request takes to send."""
    return httpx.create_ssl_context()


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
