"""Which process is alive: each holds a lock of the operating system for as long as it lives.

The lock goes with its process, however that ends, so a killed holder is known at once and a
sleeping one is never taken for dead; no clock is involved.
"""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

_PRIVATE = 0o700

_MOMENT_S = 5.0
"""How long to try for a lock of one's own: others hold it for moments, to see who is alive."""


class Presence:
    """This process among those that share a data folder. Blocks for moments: a disk is asked."""

    def __init__(self, folder: Path) -> None:
        self.id = uuid4().hex
        self._folder = folder
        self._lock: FileLock | None = None

    def enter(self) -> None:
        """Be known as alive from now on; once more changes nothing. Raises: OSError."""
        if self._lock is not None:
            return
        self._folder.mkdir(_PRIVATE, parents=True, exist_ok=True)
        lock = FileLock(self._path(self.id), thread_local=False)
        lock.acquire(timeout=_MOMENT_S)
        self._lock = lock

    def leave(self) -> None:
        """Be gone."""
        if self._lock is not None:
            self._path(self.id).unlink(missing_ok=True)
            self._lock.release()
            self._lock = None

    def is_alive(self, holder: str) -> bool:
        """Tell whether a process is still there; what a dead one left behind is removed.

        Raises: OSError.
        """
        path = self._path(holder)
        if holder == self.id:
            return True
        if not path.exists():
            return False
        lock = FileLock(path, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        path.unlink(missing_ok=True)
        lock.release()
        return False

    def others(self) -> tuple[str, ...]:
        """Name the other processes that are alive. Raises: OSError."""
        names = (path.stem for path in self._folder.glob("*.lock"))
        return tuple(name for name in names if name != self.id and self.is_alive(name))

    def _path(self, holder: str) -> Path:
        return self._folder / f"{holder}.lock"
