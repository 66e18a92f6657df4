"""Files of the simulator: uploads and results, and the addresses under which they are served."""

from __future__ import annotations

import ipaddress
import mimetypes
import secrets
from pathlib import Path, PurePosixPath
from urllib.parse import quote, urlsplit

from kie_ui.media.types import TYPES
from kie_ui.simulator.config import SimulatorConfig
from kie_ui.simulator.store import FileRow, Store

DAY_MS = 24 * 60 * 60 * 1000
UPLOAD_LIFETIME_MS = 3 * DAY_MS
RESULT_LIFETIME_MS = 14 * DAY_MS
"""Source: observed live, "File upload" and "Balance and download"; the longer of the two ends."""
MAX_NAME_LENGTH = 200


class Files:
    """Keeps bytes under unguessable names; what counts is in the store."""

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
        """Tell whether a file is only here for a moment."""
        return path.parent == self._incoming

    def keep_upload(self, account: str, path: str, name: str, mime: str, incoming: Path) -> FileRow:
        """Move a complete upload into place; the same path and name overwrite the old file."""
        known = self._store.named_file(account, path, name)
        file_id = known.file_id if known else secrets.token_urlsafe(24)
        row = self._row(file_id, account, path, name, mime, incoming, UPLOAD_LIFETIME_MS)
        incoming.replace(self._folder / row.file_id)
        return self._store.put_file(row)

    def place_result(self, account: str, task_id: str, mime: str, incoming: Path) -> FileRow:
        """Move a complete result into place; the store still has to be told of its row."""
        file_id, name = secrets.token_urlsafe(24), f"{secrets.token_hex(8)}{TYPES[mime][0]}"
        path = f"results/{task_id}"
        row = self._row(file_id, account, path, name, mime, incoming, RESULT_LIFETIME_MS)
        incoming.replace(self._folder / file_id)
        return row

    def find(self, file_id: str) -> tuple[FileRow, Path] | None:
        """Return a file's row and place, or None where there is none or it has expired."""
        row = self._store.file(file_id)
        if row is None or row.expires_ms <= self._config.now_ms():
            return None
        path = self._folder / row.file_id
        return (row, path) if path.is_file() else None

    def sweep(self) -> None:
        """Delete what was left incomplete by a process that died, and what has expired."""
        alive = self._store.file_ids(alive_at_ms=self._config.now_ms())
        for path in self._incoming.iterdir():
            path.unlink(missing_ok=True)
        for path in self._folder.iterdir():
            if path.name not in alive:
                path.unlink(missing_ok=True)

    def _row(
        self,
        file_id: str,
        account: str,
        path: str,
        name: str,
        mime: str,
        incoming: Path,
        lifetime_ms: int,
    ) -> FileRow:
        now_ms = self._config.now_ms()
        return FileRow(
            file_id=file_id,
            account=account,
            path=path,
            name=name,
            mime=mime,
            size=incoming.stat().st_size,
            stored_ms=now_ms,
            expires_ms=now_ms + lifetime_ms,
        )


def file_url(base_url: str, row: FileRow) -> str:
    """Return the address of a file, under the address by which this request reached us."""
    return f"{base_url}/files/{row.file_id}/{quote(row.name)}"


def sample_url(base_url: str, picture: str) -> str:
    """Return the address of a sample picture."""
    return f"{base_url}/files/{quote(picture)}"


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
    """Reduce a sent file name to its last part, without what a file system would trip over."""
    last = PurePosixPath(name.replace("\\", "/")).name
    printable = "".join(character for character in last if character.isprintable())
    return printable.strip(". ")[-MAX_NAME_LENGTH:]


def clean_folder(path: str) -> str:
    """Reduce a sent upload path to plain folder names."""
    parts = (clean_name(part) for part in path.replace("\\", "/").split("/"))
    return "/".join(part for part in parts if part)


def random_name(original: str, mime: str) -> str:
    """Invent a name for an upload that brought none, with a fitting ending."""
    ending = PurePosixPath(clean_name(original)).suffix or mimetypes.guess_extension(mime) or ""
    return f"{secrets.token_hex(12)}{ending}"


def declared_type(declared: str | None, name: str) -> str:
    """Return the type that an upload declares, or else the one its name suggests.

    The bytes are not asked: the service trusts what is declared. Source: observed live, "File
    upload".
    """
    plain = (declared or "").partition(";")[0].strip().lower()
    if plain and plain != "application/octet-stream":
        return plain
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
