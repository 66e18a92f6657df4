"""Where pictures lie between the form and a run: a private folder of ours, swept now and then.

Gradio's own clearing deletes every upload when the server stops, and with it the pictures of forms
that are half filled in. Ours leaves alone what a person may still come back to.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Collection
from pathlib import Path

import gradio as gr

logger = logging.getLogger(__name__)

FOLDER_VARIABLE = "GRADIO_TEMP_DIR"
"""Where Gradio reads which folder takes its uploads; an operator's own choice is left alone."""
KEPT_S = 7 * 24 * 3600
"""How long an upload stays after it was last given; a run holds a copy of its own."""
SWEEP_EVERY_S = 3600


def claim_uploads(data_path: Path) -> Path | None:
    """Have Gradio keep uploads in the data folder, and return where; None where that can't be.

    To be called before the page is built. An unusable data folder is no reason not to open the
    page: it is told there, and uploads go where Gradio would put them.
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


def files_of_page(page: gr.Blocks) -> frozenset[Path]:
    """Return the copies that the page itself shows, such as our sample pictures."""
    kept: set[Path] = set()
    for block in page.blocks.values():
        kept.update(Path(name) for name in getattr(block, "keep_in_cache", ()))
    return frozenset(kept)


def sweep(folder: Path, kept: Collection[Path], now_s: float, *, kept_s: float = KEPT_S) -> int:
    """Delete the files that are older than `kept_s`, and folders left empty; tell how many files.

    What cannot be deleted is left for the next time. Symbolic links are not followed.
    """
    deleted = 0
    for parent, folders, names in os.walk(folder, topdown=False):
        for path in (Path(parent, name) for name in names):
            deleted += path not in kept and _delete_if_older(path, now_s - kept_s)
        for path in (Path(parent, name) for name in folders):
            _delete_if_empty(path, now_s - kept_s)
    return deleted


def _delete_if_older(path: Path, than_s: float) -> bool:
    try:
        if path.lstat().st_mtime >= than_s:
            return False
        path.unlink()
    except OSError as problem:
        logger.debug("An old upload stays: %s", problem.strerror)
        return False
    return True


def _delete_if_empty(folder: Path, than_s: float) -> None:
    """Delete an empty folder; a young one may be about to take a file."""
    try:
        if not folder.is_symlink() and folder.lstat().st_mtime < than_s:
            folder.rmdir()
    except OSError:  # not empty, or no longer there
        return


class Sweeper:
    """Sweeps a folder at the start and every hour, in a thread; a context manager."""

    def __init__(self, folder: Path, kept: Collection[Path]) -> None:
        self._folder = folder
        self._kept = kept
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upload-sweep", daemon=True)

    def __enter__(self) -> Sweeper:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while True:
            deleted = sweep(self._folder, self._kept, time.time())
            if deleted:
                logger.info("%d old uploads deleted.", deleted)
            if self._is_over.wait(SWEEP_EVERY_S):
                return
