"""Where pictures and clips live on disk. Standard library only.

    <root>/inputs/<first two of sha256>/<sha256><suffix>   given pictures, kept by content
    <root>/clips/<run id>.mp4                              results, one for each run

A file under its final name is always whole. Folders belong to the server's user alone (0700).
"""

import errno
import hashlib
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from kie_ui.media.atomic import PART_SUFFIX, part_beside, removing_on_failure, rename_whole

_PRIVATE = 0o700
_RUN_ID = re.compile(r"[0-9a-f]{1,64}")
_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}")
_NAME = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")
_STALE_AFTER_S = 3600.0


class OutsideStorage(ValueError):
    """A name or path that does not belong to this storage."""


class Storage:
    """The files under one root folder, which is made when the first file comes.

    `now` gives the time in seconds since 1970, as files carry it.
    """

    def __init__(self, root: Path, *, now: Callable[[], float] = time.time) -> None:
        self.root = root.resolve()
        self._now = now

    def keep_input(self, source: Path, suffix: str) -> str:
        """Keep a copy of a picture and return its name, which `resolve` turns into a path.

        The name is made from the content, so the same picture is kept once, however often it comes.
        Raises: OSError; ValueError for a suffix that is none.
        """
        if not _SUFFIX.fullmatch(suffix):
            raise ValueError(f"This is not a file suffix: {suffix!r}")
        kept = self._input_path(_sha256(source), suffix)
        if not kept.is_file():
            kept = self._copy_in(source, kept)
        return kept.relative_to(self.root).as_posix()

    def clip_path(self, run_id: str) -> Path:
        """Where a run's clip lives, whether it has arrived or not; its folder exists.

        Raises: OSError; ValueError for anything but a lowercase hexadecimal run id.
        """
        if not _RUN_ID.fullmatch(run_id):
            raise ValueError("A run id is made of lowercase hexadecimal digits.")
        return self._folder("clips") / f"{run_id}.mp4"

    def part_path(self, run_id: str) -> Path:
        """Make up a temporary name beside the run's clip; two downloads never share one.

        Raises: OSError; ValueError for anything but a lowercase hexadecimal run id.
        """
        return part_beside(self.clip_path(run_id))

    def finish(self, part: Path, final: Path) -> None:
        """Flush a completely written part to the disk and give it its final name.

        Raises: OSError; OutsideStorage when either path lies elsewhere.
        """
        for path in (part, final):
            if not path.resolve().is_relative_to(self.root):
                raise OutsideStorage("Only files inside the storage can be finished.")
        rename_whole(part, final)

    def resolve(self, name: str) -> Path:
        """Find a stored file by its name relative to the root; it may not exist.

        Raises: OutsideStorage for a name that leaves the root, by itself or through a link.
        """
        path = self.root / PurePosixPath(name)
        is_plain = _NAME.fullmatch(name) is not None and ".." not in PurePosixPath(name).parts
        if not is_plain or path == self.root or path.resolve() != path:
            raise OutsideStorage("This name does not belong to a stored file.")
        return path

    def sweep_parts(self, *, older_than_s: float = _STALE_AFTER_S) -> int:
        """Remove the parts that a crash left behind, and say how many they were.

        A part written to within `older_than_s` seconds stays: another process may be at it.
        Raises: OSError.
        """
        oldest_kept_s = self._now() - older_than_s
        stale = [part for part in self._parts() if _written_at_s(part) <= oldest_kept_s]
        for part in stale:
            part.unlink(missing_ok=True)
        return len(stale)

    def _parts(self) -> Iterator[Path]:
        yield from self.root.glob(f"inputs/*/*{PART_SUFFIX}")
        yield from self.root.glob(f"clips/*{PART_SUFFIX}")

    def _input_path(self, digest: str, suffix: str) -> Path:
        return self.root / "inputs" / digest[:2] / f"{digest}{suffix}"

    def _copy_in(self, source: Path, expected: Path) -> Path:
        """Name the copy by what was copied: the source may have changed since it was looked at."""
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


_FULL = "The disk is full. Free some space, then try again."
_FORBIDDEN = "The storage folder may not be written to. Change its permissions, then try again."
_EXPLANATIONS = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: "The disk quota is used up. Free some space, then try again.",
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
    errno.EROFS: "The storage folder is on a read-only disk. Choose another folder for it.",
    errno.EIO: "The disk reports an error of its own. Check the disk before trying again.",
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
