"""Where pictures and clips live on disk. Standard library only.

    <root>/inputs/<first two of sha256>/<sha256><suffix>   given pictures, kept by content
    <root>/clips/<run id><suffix>                          results: clips, pictures, sounds
    <root>/posters/<run id>.webp                           the stills that represent them

A file under its final name is always whole. Folders belong to the server's user alone (0700).
"""

import errno
import hashlib
import math
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

PART_SUFFIX = ".part"

_PRIVATE = 0o700
_RUN_ID = re.compile(r"[0-9a-f]{1,64}")
_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}")
_NAME = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")
_STALE_AFTER_S = 3600.0


def write_whole(final: Path, data: bytes) -> None:
    """Write a file that is whole or absent. Raises: OSError."""
    part = part_beside(final)
    with removing_on_failure(part):
        part.write_bytes(data)
        rename_whole(part, final)


def part_beside(final: Path) -> Path:
    """Return a new temporary name in the folder of `final`; two writers never share one."""
    return final.with_name(f"{final.stem}.{secrets.token_hex(4)}{PART_SUFFIX}")


def rename_whole(part: Path, final: Path) -> None:
    """Give a completely written part its final name, so that a power cut cannot lose it.

    Raises: OSError.
    """
    _flush(part, os.O_RDWR)
    part.replace(final)
    if os.name != "nt":  # Windows cannot open a folder, and flushes the rename by itself
        _flush(final.parent, os.O_RDONLY)


@contextmanager
def removing_on_failure(part: Path) -> Iterator[None]:
    """Leave no part behind when writing or renaming it fails."""
    try:
        yield
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _flush(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that is stored: its name, which `Storage.resolve` turns into a path, and its size."""

    name: str
    size_bytes: int


class OutsideStorage(ValueError):
    """A name or path that does not belong to this storage."""


class Storage:
    """The files under one root folder, which is made with the first file.

    `now` gives the time in seconds since 1970, as files carry it.
    """

    def __init__(self, root: Path, *, now: Callable[[], float] = time.time) -> None:
        self.root = root.resolve()
        self._now = now

    def keep_input(self, source: Path, suffix: str) -> StoredFile:
        """Keep a copy of a given file.

        Its name is made from its content, so the same file is kept only once.
        Raises: OSError; ValueError for an invalid suffix.
        """
        if not _SUFFIX.fullmatch(suffix):
            raise ValueError(f"This is not a file suffix: {suffix!r}")
        digest = _sha256(source)
        kept = self.root / "inputs" / digest[:2] / f"{digest}{suffix}"
        if kept.is_file():
            os.utime(kept, (self._now(), self._now()))
        else:
            kept = self._copy_in(source, kept)
        return self._stored(kept)

    def clip_path(self, run_id: str, suffix: str = ".mp4") -> Path:
        """Where a run's result lives, whether it has arrived or not; its folder exists.

        Raises: OSError; ValueError for anything but a lowercase hexadecimal run id and a suffix.
        """
        if not _RUN_ID.fullmatch(run_id):
            raise ValueError("A run id is made of lowercase hexadecimal digits.")
        if not _SUFFIX.fullmatch(suffix):
            raise ValueError(f"This is not a file suffix: {suffix!r}")
        return self._folder("clips") / f"{run_id}{suffix}"

    def poster_path(self, run_id: str) -> Path:
        """Where the still of a run's result lives, whether it is there or not; its folder exists.

        Raises: OSError; ValueError for anything but a lowercase hexadecimal run id.
        """
        return self._folder("posters") / self.clip_path(run_id, ".webp").name

    def remove(self, name: str) -> int:
        """Remove a stored file, if it is still there; return the bytes that it took.

        Raises: OSError; OutsideStorage.
        """
        size_bytes = self.size_bytes(name)
        self.resolve(name).unlink(missing_ok=True)
        return size_bytes

    def was_given_lately(self, name: str, within_s: float) -> bool:
        """Whether a file was given in the last `within_s` seconds, perhaps for a run to come."""
        given_at_s = _written_at_s(self.resolve(name))
        return not math.isinf(given_at_s) and self._now() - given_at_s < within_s

    def part_path(self, run_id: str) -> Path:
        """Return a new temporary name beside the run's clip; two downloads never share one.

        Raises: OSError; ValueError for anything but a lowercase hexadecimal run id.
        """
        return part_beside(self.clip_path(run_id))

    def finish(self, part: Path, final: Path) -> StoredFile:
        """Flush a completely written part to the disk and give it its final name.

        Raises: OSError; OutsideStorage when either path is outside.
        """
        for path in (part, final):
            if not path.resolve().is_relative_to(self.root):
                raise OutsideStorage("Only files inside the storage can be finished.")
        rename_whole(part, final)
        return self._stored(final)

    def size_bytes(self, name: str) -> int:
        """Return the size of a stored file, 0 when it is gone. Raises: OSError; OutsideStorage."""
        try:
            return self.resolve(name).stat().st_size
        except FileNotFoundError:
            return 0

    def resolve(self, name: str) -> Path:
        """Find a stored file by its name relative to the root; it may not exist.

        Raises: OutsideStorage for a name that leaves the root, by itself or through a link.
        """
        path = self.root / PurePosixPath(name)
        is_plain = _NAME.fullmatch(name) is not None and ".." not in PurePosixPath(name).parts
        if not is_plain or path == self.root or path.resolve() != path:
            raise OutsideStorage("This name does not belong to a stored file.")
        return path

    def sweep_parts(self) -> int:
        """Remove the parts that a crash left behind, and return how many.

        A part written to lately stays: another process may be writing it. Raises: OSError.
        """
        oldest_kept_s = self._now() - _STALE_AFTER_S
        folders = ("inputs/*", "clips", "posters")
        parts = [part for each in folders for part in self.root.glob(f"{each}/*{PART_SUFFIX}")]
        stale = [part for part in parts if _written_at_s(part) <= oldest_kept_s]
        for part in stale:
            part.unlink(missing_ok=True)
        return len(stale)

    def _stored(self, path: Path) -> StoredFile:
        return StoredFile(path.relative_to(self.root).as_posix(), path.stat().st_size)

    def _copy_in(self, source: Path, expected: Path) -> Path:
        """Name the copy by its own content: the source may have changed meanwhile."""
        part = part_beside(self._folder("inputs", expected.parent.name) / expected.name)
        with removing_on_failure(part):
            shutil.copyfile(source, part)
            digest = _sha256(part)
            kept = self._folder("inputs", digest[:2]) / f"{digest}{expected.suffix}"
            rename_whole(part, kept)
        return kept

    def _folder(self, *names: str) -> Path:
        """Make a folder under the root, every level of it private and not only the last."""
        self.root.mkdir(_PRIVATE, parents=True, exist_ok=True)
        folder = self.root
        for name in names:
            folder = folder / name
            folder.mkdir(_PRIVATE, exist_ok=True)
        return folder


def explain_os_error(exc: OSError) -> str:
    """Say in a plain sentence why a file could not be written or read, and what to do."""
    return _EXPLANATIONS.get(
        exc.errno or 0,
        f"The file could not be stored ({exc.strerror or 'unknown reason'}). Try again.",
    )


_FORBIDDEN = "The storage folder may not be written to. Change its permissions, then try again."
_EXPLANATIONS = {
    errno.ENOSPC: "The disk is full. Free some space, then try again.",
    errno.EDQUOT: "The disk quota is used up. Free some space, then try again.",
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
    errno.EROFS: "The storage folder is on a read-only disk. Choose another folder for it.",
    errno.EIO: "The disk reports an error. Check the disk before trying again.",
    errno.EMFILE: "Too many files are open at once. Wait a moment, then try again.",
    errno.ENFILE: "Too many files are open at once. Wait a moment, then try again.",
    errno.ENOENT: "The file is no longer there.",
}


def _written_at_s(part: Path) -> float:
    """When a part was last written to; one that vanished meanwhile is not ours to remove."""
    try:
        return part.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
