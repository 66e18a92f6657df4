"""The models that one owner, or everyone, added to the built-in ones, as data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json, to_json

from kie_ui.catalog.describe import compare
from kie_ui.catalog.spec import ModelSpec

FORMAT = "kie-ui-shelf"
VERSION = 1

MAX_FORMER = 5
"""Earlier versions of a model that are kept, so that its runs under way are still understood."""
MAX_REMOVED = 50
"""Removed models that are kept, so that they can be restored."""


class DamagedCollection(ValueError):
    """This is no collection: something else has written over it, or cut it off."""


class NewerCollection(ValueError):
    """A newer version of the program wrote this collection in a way that this one does not know."""


class Stored(BaseModel):
    """What a collection holds about one model, of its own or of everyone's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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
    if beneath is not None and compare(beneath, spec).is_same:
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
        raise DamagedCollection("it is no collection of models")
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


@dataclass(frozen=True, slots=True)
class Entry:
    """One model of an owner."""

    spec: ModelSpec
    """With the title that its owner gave it."""
    is_built_in: bool = False
    is_hidden: bool = False
    is_replaced: bool = False
    """Whether an added page replaces the built-in spec."""
    has_own_tab: bool = False
    is_own: bool = False
    """Whether the spec is from the owner's own collection, so that they can remove it."""
    added_at_ms: int = 0
    opened_at_ms: int | None = None

    @property
    def model(self) -> str:
        """The model's id."""
        return self.spec.model

    @property
    def title(self) -> str:
        """What the model is called."""
        return self.spec.title


class Added(NamedTuple):
    """The outcome of adding one spec."""

    spec: ModelSpec
    """The spec now in use; for a built-in model whose page says nothing new, its own."""
    replaces: ModelSpec | None
    """The spec in use before; None where the model is new."""

    @property
    def is_new(self) -> bool:
        """Whether there was no such model before."""
        return self.replaces is None

    @property
    def is_same(self) -> bool:
        """Whether there was the very same before."""
        return self.replaces is not None and self.replaces.digest == self.spec.digest


def entries_of(
    built_in: Iterable[ModelSpec], collections: Iterable[ModelCollection], own: ModelCollection
) -> tuple[Entry, ...]:
    """Lay collections over the built-in models, the owner's own last, which is among `collections`.

    The built-in models stay first, in their own order.
    """
    entries = {spec.model: Entry(spec, is_built_in=True) for spec in built_in}
    first = list(entries)
    for collection in collections:
        entries = _with_collection(entries, collection, is_own=collection is own)
        others = collection.ordered(model for model in entries if model not in first)
        entries = {model: entries[model] for model in [*first, *others]}
    return tuple(entries.values())


def _with_collection(
    entries: dict[str, Entry], collection: ModelCollection, *, is_own: bool
) -> dict[str, Entry]:
    laid = dict(entries)
    for stored in collection.stored.values():
        beneath = laid.get(stored.model)
        spec = stored.own_spec or (beneath.spec if beneath else None)
        if spec is not None:
            laid[stored.model] = _entry(stored, spec, beneath or Entry(spec), is_own=is_own)
    return laid


def _entry(stored: Stored, spec: ModelSpec, beneath: Entry, *, is_own: bool) -> Entry:
    has_spec = stored.own_spec is not None
    return replace(
        beneath,
        spec=spec.model_copy(update={"title": stored.title}) if stored.title else spec,
        is_hidden=beneath.is_hidden if stored.is_hidden is None else stored.is_hidden,
        has_own_tab=stored.has_own_tab,
        is_replaced=beneath.is_replaced or (has_spec and beneath.is_built_in),
        is_own=has_spec and is_own,
        added_at_ms=stored.added_at_ms if has_spec else beneath.added_at_ms,
        opened_at_ms=stored.opened_at_ms or beneath.opened_at_ms,
    )
