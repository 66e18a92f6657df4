"""Which of several programs runs the simulator of a data folder, and where the others find it.

The operating system holds the lock, and releases it when its holder ends, however it ends.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from kie_ui.catalog.values import is_web_address

LOCK_NAME = "simulator.lock"
ADDRESS_NAME = "simulator.address"
FORMER_ADDRESS_NAME = "simulator.former-address"


class SimulatorLock:
    """The right to run the one simulator of a data folder. May be used from any thread.

    A program that cannot acquire it uses the holder's simulator, at `address`, and tries again when
    that no longer answers.
    """

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        # Acquired in one thread and released in another, it is still one lock.
        self._lock = FileLock(data_dir / LOCK_NAME, thread_local=False)
        self._address = data_dir / ADDRESS_NAME
        self._former_address = data_dir / FORMER_ADDRESS_NAME

    @property
    def is_held(self) -> bool:
        """Whether this object holds the lock."""
        return self._lock.is_locked

    def try_acquire(self) -> bool:
        """Become the holder if there is none, without waiting; return whether we are.

        Raises: OSError where the folder cannot be written.
        """
        if self.is_held:
            return True
        self._data_dir.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        try:
            self._retire_address()
        except BaseException:
            self._lock.release()
            raise
        return True

    def publish(self, base_url: str) -> None:
        """Write the address of the holder's simulator, atomically.

        Raises: RuntimeError without the lock; OSError where the folder cannot be written.
        """
        if not self.is_held:
            raise RuntimeError("only the holder of the lock may publish an address")
        draft = self._address.with_suffix(".draft")
        draft.write_text(base_url, encoding="utf-8")
        draft.replace(self._address)

    def address(self) -> str | None:
        """Return what the present holder published; None if it has not done so yet.

        The address of a holder that was killed stays until the next one acquires the lock.
        """
        return _read_address(self._address)

    def former_port(self) -> int:
        """Return the port of the last address that an earlier holder published, or 0.

        A successor at the same port is found by every client of the former holder.
        """
        with suppress(ValueError):  # the file is damaged
            return urlsplit(_read_address(self._former_address) or "").port or 0
        return 0

    def release(self) -> None:
        """Let another become the holder; without the lock, do nothing."""
        if not self.is_held:
            return
        try:
            self._retire_address()
        finally:
            self._lock.release(force=True)  # also where two threads acquired it

    def _retire_address(self) -> None:
        if self._address.exists():
            self._address.replace(self._former_address)


def _read_address(path: Path) -> str | None:
    try:
        text = path.read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError:
        return None
    return text if is_web_address(text) else None
