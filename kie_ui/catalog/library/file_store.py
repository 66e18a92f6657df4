"""Collections on the disk: one file each, changed by one at a time, whichever process that is."""

from __future__ import annotations

import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from kie_ui.catalog.library.collection import (
    DamagedCollection,
    ModelCollection,
    NewerCollection,
    dump_collection,
    parse_collection,
)

logger = logging.getLogger(__name__)

LOCK_WAIT_S = 10.0
"""How long a change waits for another one to be done."""
MAX_IN_MEMORY = 100
"""CollectionFiles that are held ready at once."""

Stamp = tuple[int, int, int]
"""Identifies one state of a file: every change makes a new file."""
Change = Callable[[ModelCollection], ModelCollection]


class CollectionProblem(Exception):
    """The collection can't be changed; the text is a sentence for the person."""


class CollectionFiles:
    """The collections of a folder, by name. May be used from any thread; a change blocks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._read: OrderedDict[str, tuple[Stamp | None, ModelCollection]] = OrderedDict()
        self._warnings: dict[str, str] = {}
        self._guard = threading.Lock()

    def stamp(self, name: str) -> Stamp | None:
        """Return the state of a collection's file; None where there is none."""
        try:
            found = self._path(name).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def names(self) -> Iterator[str]:
        """List the collections that there are."""
        with suppress(OSError), os.scandir(self.folder) as entries:
            yield from (e.name.removesuffix(".json") for e in entries if e.name.endswith(".json"))

    def total_bytes(self) -> int:
        """Return the size of all collections on the disk."""
        with suppress(OSError), os.scandir(self.folder) as entries:
            return sum(entry.stat().st_size for entry in entries)
        return 0

    def collection(self, name: str) -> ModelCollection:
        """Return a collection as it is now; a missing or damaged one is empty."""
        stamp = self.stamp(name)
        with self._guard:
            known = self._read.get(name)
        if known is not None and known[0] == stamp:
            return known[1]
        collection = ModelCollection() if stamp is None else self._opened(name)
        with self._guard:
            self._read[name] = stamp, collection
            self._read.move_to_end(name)
            if len(self._read) > MAX_IN_MEMORY:
                self._read.popitem(last=False)
        return collection

    def warning(self, name: str) -> str | None:
        """Return the latest sentence about trouble with a collection, if there was any."""
        return self._warnings.get(name)

    def change(self, name: str, change: Change, max_bytes: int) -> ModelCollection:
        """Change a collection and keep it. Raises: CollectionProblem, also if too large."""
        with self._locked():
            before = self._to_change(name)
            after = change(before)
            return before if after == before else self._written(name, after, max_bytes)

    def _to_change(self, name: str) -> ModelCollection:
        """Read a collection to change it; what can't be read is set aside, never overwritten."""
        try:
            collection = self._parsed(name)
        except DamagedCollection as damage:
            self._set_aside(name, damage)
            return ModelCollection()
        except NewerCollection:
            raise CollectionProblem(_NEWER) from None
        except OSError as exc:
            raise CollectionProblem(f"The added models cannot be read ({exc.strerror}).") from exc
        self._warnings.pop(name, None)  # a person who changes models has read it
        return collection

    def _written(self, name: str, collection: ModelCollection, max_bytes: int) -> ModelCollection:
        """Write a collection, leaving out what is least missed where it is too large."""
        kept = collection.without_the_oldest_removed()
        for lighter in (kept, kept.without_former(), kept.without_the_oldest_removed(0)):
            data = dump_collection(lighter)
            if len(data) <= max_bytes:
                self._write(name, data)
                return lighter
        raise CollectionProblem("There is no room for more models: remove some first.")

    def _write(self, name: str, data: bytes) -> None:
        """Put all of a file in place, or nothing; to be called with the lock.

        What a process leaves behind that is killed here, the next one writes over.
        """
        draft = self._path(name).with_suffix(".new")
        try:
            with open(draft, "wb", opener=_only_for_us) as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path(name))
        except OSError as exc:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise _cannot_write(exc) from exc

    def _opened(self, name: str) -> ModelCollection:
        try:
            collection = self._parsed(name)
        except NewerCollection:
            self._warn(name, _NEWER)
            return ModelCollection()
        except OSError as exc:
            self._warn(name, f"The added models cannot be read ({exc.strerror}).")
            return ModelCollection()
        except DamagedCollection:
            return self._after_damage(name)
        if collection.unreadable:
            self._warn(name, _some_unreadable(len(collection.unreadable)))
        return collection

    def _after_damage(self, name: str) -> ModelCollection:
        """Read again with the lock held; set the file aside if it is still damaged."""
        try:
            return self.change(name, lambda collection: collection, 0)
        except CollectionProblem as problem:
            self._warn(name, f"The file of added models is damaged: {self._path(name)}. {problem}")
            return ModelCollection()

    def _parsed(self, name: str) -> ModelCollection:
        """Read a collection. Raises: OSError, DamagedCollection, NewerCollection."""
        try:
            data = self._path(name).read_bytes()
        except FileNotFoundError:
            return ModelCollection()
        return parse_collection(data)

    def _set_aside(self, name: str, damage: DamagedCollection) -> None:
        path = self._path(name)
        aside = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}")
        try:
            path.replace(aside)
        except OSError as exc:
            raise _cannot_write(exc) from exc
        logger.error("%s is damaged (%s).", path, damage)
        self._warn(
            name,
            f"The file of added models was damaged. It was set aside as {aside.name} and nothing "
            "in it was changed; the models that it held have to be added again.",
        )

    def _warn(self, name: str, sentence: str) -> None:
        if self._warnings.get(name) != sentence:
            self._warnings[name] = sentence
            logger.warning("%s: %s", name, sentence)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep every other change out. Raises: CollectionProblem."""
        from filelock import FileLock, Timeout  # noqa: PLC0415 - the page's first view needs none

        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = FileLock(self.folder / ".lock")
            lock.acquire(timeout=LOCK_WAIT_S)
        except Timeout:
            raise CollectionProblem("Another program is changing the models. Try again.") from None
        except OSError as exc:
            raise _cannot_write(exc) from exc
        try:
            yield
        finally:
            lock.release()

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"


_NEWER = "The added models were kept by a newer Kie UI, which this one cannot read: update it."


def _some_unreadable(count: int) -> str:
    what = "One of the added models is" if count == 1 else f"{count} of the added models are"
    return f"{what} kept in a way that cannot be read, and left as it is. Add the page again."


def _only_for_us(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _cannot_write(exc: OSError) -> CollectionProblem:
    return CollectionProblem(f"The added models cannot be kept ({exc.strerror}).")
