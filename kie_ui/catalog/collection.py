"""The models that one owner, or everyone, added to the built-in ones: as data, and as files."""

from __future__ import annotations

import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json

from kie_ui.catalog.describe import differences
from kie_ui.catalog.spec import ModelSpec

logger = logging.getLogger(__name__)

FORMAT = "kie-ui-shelf"
VERSION = 1

MAX_FORMER = 5
"""Earlier versions of a model that are kept, so that its runs under way are still understood."""
MAX_REMOVED = 50
"""Removed models that are kept, so that they can be restored."""
LOCK_WAIT_S = 10.0
"""How long a change waits for another one to be done."""
MAX_IN_MEMORY = 100
"""Collections that are held in memory at once."""

Stamp = tuple[int, int, int]
"""Identifies one state of a file: every change makes a new file."""


class DamagedCollection(ValueError):
    """The file is not a collection: it was overwritten or cut off."""


class NewerCollection(ValueError):
    """A newer version of the program wrote this collection in a way that this one does not know."""


class Stored(BaseModel, frozen=True, extra="forbid"):
    """What a collection holds about one model, of its own or of everyone's."""

    model: str
    spec: ModelSpec | None = None
    """None for a model that the collection does not hold itself."""
    title: str | None = None
    """Given by the person; None: the spec's."""
    is_hidden: bool | None = None
    """None: as without this collection."""
    has_own_tab: bool = False
    """Whether the one person here wants a tab of its own for it from the next start on."""
    removed_at_ms: int | None = None
    """Since when its spec is only kept to be restored; None: it is in use."""
    added_at_ms: int = 0
    opened_at_ms: int | None = None
    former: tuple[ModelSpec, ...] = ()
    """Earlier versions, the newest first."""

    @property
    def own_spec(self) -> ModelSpec | None:
        """The spec, unless it was removed."""
        return self.spec if self.removed_at_ms is None else None

    def changed(self, **changes: Any) -> Stored:
        """Return a copy with other values."""
        return self.model_copy(update=changes)

    def with_spec(self, spec: ModelSpec | None) -> Stored:
        """Return a copy with another spec; the present one becomes a former one."""
        present = spec.digest if spec is not None else None
        former = {version.digest: version for version in reversed(self.versions)}
        others = tuple(v for digest, v in reversed(former.items()) if digest != present)
        return self.changed(spec=spec, former=others[:MAX_FORMER])

    @property
    def versions(self) -> tuple[ModelSpec, ...]:
        """Every spec that is kept of the model, the newest first."""
        return self.former if self.spec is None else (self.spec, *self.former)


@dataclass(frozen=True)
class ModelCollection:
    """The models of a collection in the order in which they were added."""

    stored: Mapping[str, Stored] = field(default_factory=dict)
    """By model id."""
    order: tuple[str, ...] = ()
    """Ids in the order that a person chose; others come after them."""
    unreadable: tuple[Any, ...] = ()
    """Entries of the file that this program does not understand; kept as they are."""

    def of(self, model: str) -> Stored:
        """Return what is held about a model; an empty record where there is nothing."""
        return self.stored.get(model) or Stored(model=model)

    def with_model(self, stored: Stored, *, is_last: bool = False) -> ModelCollection:
        """Return a copy with another record of a model, at its place or at the end."""
        if not is_last:
            return replace(self, stored={**self.stored, stored.model: stored})
        others = {model: other for model, other in self.stored.items() if model != stored.model}
        order = tuple(model for model in self.order if model != stored.model)
        unreadable = tuple(raw for raw in self.unreadable if _id_of(raw) != stored.model)
        return ModelCollection({**others, stored.model: stored}, order, unreadable)

    def ordered(self, models: Iterable[str]) -> list[str]:
        """Return ids in the chosen order."""
        place = {model: number for number, model in enumerate(self.order)}
        return sorted(models, key=lambda model: place.get(model, len(place)))

    @property
    def own_count(self) -> int:
        """How many specs it holds that are in use."""
        return sum(stored.own_spec is not None for stored in self.stored.values())

    def without_the_oldest_removed(self, most: int = MAX_REMOVED) -> ModelCollection:
        """Return a copy with only the `most` models that were removed last."""
        removed = [s for s in self.stored.values() if s.removed_at_ms is not None]
        removed.sort(key=lambda stored: stored.removed_at_ms or 0, reverse=True)
        dropped = {stored.model for stored in removed[most:]}
        kept = {model: s for model, s in self.stored.items() if model not in dropped}
        return replace(self, stored=kept)

    def without_former(self) -> ModelCollection:
        """Return a copy without earlier versions of its models."""
        lighter = {model: s.changed(former=()) for model, s in self.stored.items()}
        return replace(self, stored=lighter)


def with_added(
    collection: ModelCollection, spec: ModelSpec, beneath: ModelSpec | None, now_ms: int
) -> ModelCollection:
    """Return a collection with a spec, which replaces the model's present one and is shown.

    `beneath` is what its owner has of this model without the collection. A page that says nothing
    new restores that, with its own words: they are the better ones.
    """
    stored = collection.of(spec.model)
    if beneath is not None and not differences(beneath, spec):
        undone = stored.with_spec(None) if stored.own_spec else stored
        return collection.with_model(undone.changed(is_hidden=False))
    if stored.own_spec is not None and stored.own_spec.digest == spec.digest:
        return collection.with_model(stored.changed(is_hidden=False))
    is_new = stored.own_spec is None and beneath is None
    newer = stored.with_spec(spec).changed(
        title=None if is_new else stored.title,
        is_hidden=False,
        removed_at_ms=None,
        added_at_ms=now_ms,
    )
    return collection.with_model(newer, is_last=is_new)


def dump_collection(collection: ModelCollection) -> bytes:
    """Return the content of a collection's file."""
    models = [stored.model_dump(mode="json") for stored in collection.stored.values()]
    data = {
        "format": FORMAT,
        "version": VERSION,
        "order": collection.order,
        "models": [*models, *collection.unreadable],
    }
    return to_json(data, inf_nan_mode="null")


def parse_collection(content: bytes) -> ModelCollection:
    """Read the content of a collection's file. Raises: DamagedCollection, NewerCollection."""
    try:
        data = from_json(content)  # written by us; unlike json, it refuses half an emoji
    except ValueError as exc:
        raise DamagedCollection(str(exc)) from exc
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise DamagedCollection("it is not a collection of models")
    if data.get("version") != VERSION:
        raise NewerCollection
    models, order = data.get("models"), data.get("order")
    if not isinstance(models, list) or not isinstance(order, list):
        raise DamagedCollection("it lists no models")
    stored: dict[str, Stored] = {}
    unreadable = []
    for given in models:
        entry = _stored(given)
        if entry is None:
            unreadable.append(given)
        else:
            stored[entry.model] = entry
    chosen = tuple(model for model in order if isinstance(model, str))
    return ModelCollection(stored, chosen, tuple(unreadable))


def _stored(given: Any) -> Stored | None:
    """Read the record of one model, without its former versions if those are unreadable."""
    for attempt in (given, {**given, "former": ()} if isinstance(given, dict) else None):
        with suppress(ValidationError):
            return Stored.model_validate_json(to_json(attempt))
    return None


def _id_of(raw: Any) -> object:
    return raw.get("model") if isinstance(raw, dict) else None


class CollectionProblem(Exception):
    """The collection can't be changed; the text is a sentence for the person."""


Change = Callable[[ModelCollection], ModelCollection]


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
        except OSError as exc:  # if it exists, reading it will say what is wrong
            return None if isinstance(exc, FileNotFoundError) else (0, 0, 0)
        return found.st_mtime_ns, found.st_size, found.st_ino

    def names(self) -> list[str]:
        """List all collections. Raises: CollectionProblem."""
        return [path.stem for path in self._paths() if path.suffix == ".json"]

    def total_bytes(self) -> int:
        """Return the size of all files, damaged ones included. Raises: CollectionProblem."""
        total = 0
        try:
            for path in self._paths():
                with suppress(FileNotFoundError):  # removed meanwhile
                    total += path.stat().st_size
        except OSError as exc:
            raise CollectionProblem(_cannot_read(exc)) from exc
        return total

    def _paths(self) -> list[Path]:
        try:
            return list(self.folder.iterdir()) if self.folder.exists() else []
        except OSError as exc:
            raise CollectionProblem(_cannot_read(exc)) from exc

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
            raise CollectionProblem(_cannot_read(exc)) from exc
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
            with suppress(OSError):  # the first error is the one to report
                draft.unlink(missing_ok=True)
            raise _cannot_write(exc) from exc

    def _opened(self, name: str) -> ModelCollection:
        try:
            collection = self._parsed(name)
        except NewerCollection:
            self._warn(name, _NEWER)
            return ModelCollection()
        except OSError as exc:
            self._warn(name, _cannot_read(exc))
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
            return parse_collection(self._path(name).read_bytes())
        except FileNotFoundError:
            return ModelCollection()

    def _set_aside(self, name: str, damage: DamagedCollection) -> None:
        path = self._path(name)
        backup = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}")
        try:
            path.replace(backup)
        except OSError as exc:
            raise _cannot_write(exc) from exc
        logger.error("%s is damaged (%s).", path, damage)
        self._warn(
            name,
            f"The file of added models was damaged. It was set aside as {backup.name} and nothing "
            "in it was changed; the models that it held have to be added again.",
        )

    def _warn(self, name: str, sentence: str) -> None:
        if self._warnings.get(name) != sentence:
            self._warnings[name] = sentence
            logger.warning("%s: %s", name, sentence)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep every other change out. Raises: CollectionProblem."""
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


_NEWER = "The added models were saved by a newer Kie UI, which this one cannot read: update it."


def _some_unreadable(count: int) -> str:
    what = "One of the added models is" if count == 1 else f"{count} of the added models are"
    return f"{what} saved in a way that cannot be read, and left as it is. Add the page again."


def _only_for_us(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _cannot_read(exc: OSError) -> str:
    return f"The added models cannot be read ({exc.strerror})."


def _cannot_write(exc: OSError) -> CollectionProblem:
    return CollectionProblem(f"The added models cannot be saved ({exc.strerror}).")
