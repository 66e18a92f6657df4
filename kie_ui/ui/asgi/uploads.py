"""Gradio's folder of uploaded and served files: where it is, whose each file is, how old ones go.

Gradio names the folder of a file after the file's content, and serves it to anyone who knows its
path. Here each such folder has owners: everyone who uploaded that content, or was given it. Owners
are known across restarts, so that drafts keep their pictures. Gradio's own clean-up deletes every
upload when the server stops, so ours replaces it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path

import gradio as gr
from gradio.processing_utils import hash_file, save_file_to_cache
from gradio.utils import get_upload_folder

from kie_ui.settings import ASSETS

logger = logging.getLogger(__name__)

SAMPLES = ASSETS / "samples"
FOLDER_VARIABLE = "GRADIO_TEMP_DIR"
"""The environment variable that names Gradio's folder; an operator's own choice is respected."""
KEEP_FILE_S = 7 * 24 * 3600
"""How long an upload is kept after it was last given; a run holds a copy of its own."""
KEEP_OWNER_S = 30 * 24 * 3600
"""How long an owner is remembered after a file was last given: longer than the file is kept."""
CLEAN_EVERY_S = 3600.0


def claim_uploads(data_path: Path) -> Path | None:
    """Have Gradio keep uploads in the data folder and return where; None if that is impossible.

    Call it before the page is built. An unusable data folder does not prevent the page, which
    reports it; uploads then go to Gradio's default.
    """
    if os.environ.get(FOLDER_VARIABLE):
        return None
    folder = data_path / "uploads"
    try:
        data_path.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.mkdir(exist_ok=True, mode=0o700)
        if folder.is_symlink():
            return None
        folder.chmod(0o700)
    except OSError as problem:
        logger.warning("Uploads are not kept in the data folder: %s", problem.strerror)
        return None
    if not os.access(folder, os.W_OK | os.X_OK):
        return None
    os.environ[FOLDER_VARIABLE] = str(folder)
    return folder


def upload_folder() -> Path:
    """Return Gradio's folder; it may not exist yet."""
    return Path(get_upload_folder())


def copy_to_cache(path: Path) -> str:
    """Copy a file to where Gradio serves it, and return that path. Blocks."""
    return str(save_file_to_cache(path, get_upload_folder()))


def content_folder(path: Path) -> str:
    """Return the name of the folder that Gradio gives a file of this content. Blocks."""
    return str(hash_file(path))


@cache
def sample_folders() -> frozenset[str]:
    """Return the folders that Gradio gives to our sample pictures. Blocks."""
    return frozenset(content_folder(path) for path in SAMPLES.iterdir() if path.is_file())


def folder_of(path: str | Path) -> str | None:
    """Return which folder inside Gradio's holds a file; None if it is elsewhere."""
    try:
        inside = Path(path).resolve().relative_to(upload_folder().resolve())
    except (ValueError, OSError):  # elsewhere, or no path at all
        return None
    return inside.parts[0] if inside.parts else None


def is_in_cache(path: str) -> bool:
    """Tell whether a path leads into Gradio's folder, even if a link then leads out of it."""
    if folder_of(path) is not None:
        return True
    as_written, cache = (os.path.abspath(p) for p in (path, upload_folder()))  # noqa: PTH100 - follows no links
    return Path(as_written).is_relative_to(cache)


def files_of_page(page: gr.Blocks) -> frozenset[Path]:
    """Return the copies that the page itself shows, such as our sample pictures."""
    names = {name for block in page.blocks.values() for name in getattr(block, "keep_in_cache", ())}
    return frozenset(map(Path, names))


class OwnedFiles:
    """The owners of Gradio's files: an empty file `<owner>/<folder>` for each, given when it was.

    Where these cannot be written, owners are remembered until the program stops.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._unwritten: set[Path] = set()

    async def give(self, owner: str, paths: Iterable[str | Path]) -> None:
        """Make an owner of files; paths outside Gradio's folder are ignored."""
        folders = {folder_of(path) for path in paths} - {None}
        if folders:
            await asyncio.to_thread(self._give, owner, map(str, folders))

    async def is_owned(self, owner: str, path: str | Path) -> bool:
        """Tell whether a file in Gradio's folder is this owner's."""
        folder = folder_of(path)
        return folder is not None and await asyncio.to_thread(self._is_owned, owner, folder)

    async def may_use(self, owner: str, path: str | Path) -> bool:
        """Tell whether a form may name a file: one of its owner's, or a sample.

        What is not in Gradio's folder is nobody's, and is not taken for a file at all.
        """
        folder = folder_of(path)
        if folder is None or folder in await asyncio.to_thread(sample_folders):
            return True
        return await self.is_owned(owner, path)

    def delete_old(self) -> None:
        """Forget owners to whom nothing was given for `KEEP_OWNER_S`. Blocks."""
        delete_old_files(self._folder, time.time() - KEEP_OWNER_S)

    def _give(self, owner: str, folders: Iterable[str]) -> None:
        for mark in (self._folder / owner / folder for folder in folders):
            try:
                for parent in (self._folder.parent, self._folder, mark.parent):
                    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                mark.touch(mode=0o600)
            except OSError as problem:
                logger.warning("An owner is not kept across restarts: %s", problem.strerror)
                self._unwritten.add(mark)

    def _is_owned(self, owner: str, folder: str) -> bool:
        mark = self._folder / owner / folder
        try:
            return mark in self._unwritten or mark.is_file()
        except OSError:  # a name that no file can have
            return False


def delete_old_uploads(folder: Path, kept: Collection[Path]) -> None:
    """Delete uploads older than `KEEP_FILE_S`, except those that the page itself shows. Blocks."""
    if deleted := delete_old_files(folder, time.time() - KEEP_FILE_S, kept):
        logger.info("%d old uploads deleted.", deleted)


def delete_old_files(folder: Path, oldest_s: float, kept: Collection[Path] = ()) -> int:
    """Delete files from before a time, and folders left empty; return how many files. Blocks.

    What cannot be deleted is left for the next time. Symbolic links are not followed.
    """
    deleted = 0
    for parent, folders, names in os.walk(folder, topdown=False):
        for path in (Path(parent, name) for name in names):
            deleted += path not in kept and _delete_if_older(path, oldest_s)
        for path in (Path(parent, name) for name in folders):
            _delete_if_empty(path, oldest_s)
    return deleted


def _delete_if_older(path: Path, oldest_s: float) -> bool:
    try:
        if path.lstat().st_mtime >= oldest_s:
            return False
        path.unlink()
    except OSError as problem:
        logger.debug("An old upload cannot be deleted: %s", problem.strerror)
        return False
    return True


def _delete_if_empty(folder: Path, oldest_s: float) -> None:
    """Delete an empty folder; a young one may be about to receive a file."""
    try:
        if not folder.is_symlink() and folder.lstat().st_mtime < oldest_s:
            folder.rmdir()
    except OSError:  # not empty, or no longer there
        return
