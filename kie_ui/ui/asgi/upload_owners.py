"""Whose is which file in Gradio's cache: known across restarts, so that drafts keep their pictures.

Gradio names the folder of a cached file after the file's content, and shows it to whoever knows
the path. Here each such folder has owners: whoever uploaded that content, or was given it. Two
visitors who upload the same picture both own it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

from gradio.utils import get_upload_folder

logger = logging.getLogger(__name__)

KEPT_MS = 30 * 24 * 3600 * 1000
"""How long an owner is remembered after a file was last given: longer than the file stays."""

_TABLE = """
CREATE TABLE IF NOT EXISTS owners (
    folder TEXT NOT NULL, owner TEXT NOT NULL, at_ms INTEGER NOT NULL,
    PRIMARY KEY (folder, owner)
) WITHOUT ROWID"""


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class OwnedFiles:
    """The owners of the folders of Gradio's cache, in a small database of its own.

    Where that database fails, owners are remembered as long as the program runs.
    """

    def __init__(self, database: Path, *, now_ms: Callable[[], int] = _now_ms) -> None:
        self._database = database
        self._now_ms = now_ms
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()

    async def give(self, owner: str, paths: Iterable[str | Path]) -> None:
        """Let an owner see files; paths outside Gradio's cache say nothing."""
        folders = {folder_of(path) for path in paths} - {None}
        if folders:
            await asyncio.to_thread(self._give, owner, sorted(map(str, folders)))

    async def is_owned(self, owner: str, path: str | Path) -> bool:
        """Tell whether a file in Gradio's cache is this owner's."""
        folder = folder_of(path)
        return folder is not None and await asyncio.to_thread(self._is_owned, owner, folder)

    def close(self) -> None:
        """Let the database go."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _give(self, owner: str, folders: list[str]) -> None:
        now_ms = self._now_ms()
        with self._lock, self._opened() as connection:
            connection.execute("DELETE FROM owners WHERE at_ms < ?", (now_ms - KEPT_MS,))
            connection.executemany(
                "INSERT INTO owners VALUES (?, ?, ?)"
                " ON CONFLICT (folder, owner) DO UPDATE SET at_ms = excluded.at_ms",
                [(folder, owner, now_ms) for folder in folders],
            )

    def _is_owned(self, owner: str, folder: str) -> bool:
        query = "SELECT 1 FROM owners WHERE folder = ? AND owner = ?"
        with self._lock, closing(self._opened().execute(query, (folder, owner))) as found:
            return found.fetchone() is not None

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            try:
                self._connection = _open(self._database)
            except (OSError, sqlite3.Error) as problem:
                logger.warning("Owners of uploads are not kept across restarts: %s", problem)
                self._connection = _open(None)
        return self._connection


def folder_of(path: str | Path) -> str | None:
    """Name the folder of Gradio's cache in which a file lies; None where it lies elsewhere."""
    try:
        inside = Path(path).resolve().relative_to(Path(get_upload_folder()).resolve())
    except (ValueError, OSError):  # elsewhere, or no path at all
        return None
    return inside.parts[0] if inside.parts else None


def lies_in_cache(path: str) -> bool:
    """Tell whether a path leads into Gradio's cache, be it only by a link."""
    if folder_of(path) is not None:
        return True
    as_written, cache = (os.path.abspath(p) for p in (path, get_upload_folder()))  # noqa: PTH100 - follows no links
    return Path(as_written).is_relative_to(cache)


def _open(path: Path | None) -> sqlite3.Connection:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    connection = sqlite3.connect(path or ":memory:", check_same_thread=False, timeout=5)
    try:
        connection.execute("PRAGMA journal_mode=WAL").close()
        connection.execute("PRAGMA synchronous=NORMAL").close()
        with connection:
            connection.execute(_TABLE)
    except sqlite3.Error:
        connection.close()
        raise
    return connection
