"""Who has which models: the built-in ones, those of the operator, and those of each visitor.

On a server for one person there is one collection, everyone's. On a shared server each visitor also
has one of their own; everyone's is filled by the command line alone.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from kie_ui.catalog.collection import (
    CollectionFiles,
    CollectionProblem,
    ModelCollection,
    Stamp,
    Stored,
    with_added,
)
from kie_ui.catalog.exchange import write_models
from kie_ui.catalog.registry import Registry, UnknownModel, built_in_registry
from kie_ui.catalog.sanitize import clean_title, sanitize_spec
from kie_ui.catalog.spec import ModelSpec
from kie_ui.settings import Settings

EVERYONE = "*"
"""The operator, as an owner: everyone has the models that are added for it."""

MAX_MODELS = 200
"""Models that a visitor may add."""
MAX_COLLECTION_BYTES = 5_000_000
MAX_MODELS_OF_EVERYONE = 2_000
MAX_COLLECTION_BYTES_OF_EVERYONE = 100_000_000
MAX_BYTES_OF_ALL = 2_000_000_000
"""What the collections of all visitors may take: every new browser is a new visitor."""
MAX_COLLECTIONS = 20_000
"""Visitors who changed anything of their models."""
MAX_VIEWS = 500
"""How many owners' models are kept in memory."""
NOTES_OPENED_EVERY_MS = 60_000

_EVERYONES = "everyone"
_NO_ROOM = "This server has no room for more models: tell its operator."
_COLLECTION_NAME = re.compile(r"[0-9a-f]{40}")


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
        """Whether the same model was there before."""
        return self.replaces is not None and self.replaces.digest == self.spec.digest


class MayNotAdd(CollectionProblem):
    """This owner may add no models here."""


class _View(NamedTuple):
    stamps: tuple[Stamp | None, ...]
    entries: tuple[Entry, ...]
    registry: Registry


class Library:
    """A catalog on the disk. Its methods block, and may be called from any thread.

    Changes raise CollectionProblem, with a sentence for the person, and UnknownModel. What one
    process changes, every other one on the folder sees at its next look.
    """

    def __init__(
        self,
        folder: Path,
        *,
        is_for_one: bool = True,
        visitors_add: bool = True,
        built_in: Registry | None = None,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 10**6,
    ) -> None:
        self._files = CollectionFiles(folder)
        self._is_for_one = is_for_one
        self._visitors_add = visitors_add
        self._built_in = built_in or built_in_registry()
        self._now_ms = now_ms
        self._views: dict[str, _View] = {}

    @classmethod
    def of_settings(cls, settings: Settings) -> Library:
        """Return the library in the data folder of these settings."""
        return cls(
            settings.data_path / "models",
            is_for_one=not settings.has_many_visitors,
            visitors_add=settings.add_models == "visitors",
        )

    def of(self, owner: str) -> Registry:
        """Return the models of an owner, hidden ones too."""
        return self._view(owner).registry

    def entries(self, owner: str) -> tuple[Entry, ...]:
        """Return the models of an owner as they are listed, in their order."""
        return self._view(owner).entries

    def entry(self, owner: str, model: str) -> Entry:
        """Return one model of an owner. Raises: UnknownModel."""
        view = self._view(owner)
        spec = view.registry.spec(model)
        return next(entry for entry in view.entries if entry.spec is spec)

    def collection_name(self, owner: str) -> str:
        """Return the name of an owner's own collection, which is a hash; empty without one."""
        name = self._own_name(owner)
        return name if name != _EVERYONES and self._files.stamp(name) else ""

    def versions(self, model: str, collection: str = "") -> tuple[ModelSpec, ...]:
        """Return every spec of a model that everyone or a collection has or had; see `Catalog`."""
        names = [collection, _EVERYONES] if _COLLECTION_NAME.fullmatch(collection) else [_EVERYONES]
        records = [self._files.collection(name).of(model) for name in names]
        present = [stored.own_spec for stored in records if stored.own_spec is not None]
        former = [spec for stored in records for spec in stored.versions]
        distinct: dict[str, ModelSpec] = {}
        for spec in (*present, *self._built_in.versions(model), *former):
            distinct.setdefault(spec.digest, spec)
        return tuple(distinct.values())

    def may_add(self, owner: str) -> bool:
        """Whether the operator lets this owner add models."""
        return owner == EVERYONE or self._is_for_one or (bool(owner) and self._visitors_add)

    def warnings(self, owner: str) -> tuple[str, ...]:
        """Return sentences about trouble with an owner's models, such as a damaged file."""
        return tuple(filter(None, map(self._files.warning, self._names(owner))))

    def add(self, owner: str, specs: Iterable[ModelSpec]) -> tuple[Added, ...]:
        """Add models, or replace them by newer pages: all of them, or none.

        Raises: MayNotAdd, UnusableSpec, CollectionProblem.
        """
        if not self.may_add(owner):
            raise MayNotAdd("On this server only its operator adds models.")
        fit = [sanitize_spec(spec, *self._built_in.versions(spec.model)) for spec in specs]
        added: tuple[Added, ...] = ()

        def change(collection: ModelCollection) -> ModelCollection:
            nonlocal added
            collection, added = self._with_all(owner, collection, fit)
            return collection

        self._change(owner, change)
        return added

    def rename(self, owner: str, model: str, title: str) -> None:
        """Give a model another title; an empty one is its page's own."""
        self._change_one(owner, model, title=clean_title(title) or None)

    def hide(self, owner: str, model: str) -> None:
        """Hide a model in lists; it can still be used."""
        self._change_one(owner, model, is_hidden=True)

    def show(self, owner: str, model: str) -> None:
        """Show a hidden model again."""
        self._change_one(owner, model, is_hidden=False)

    @property
    def may_choose_tabs(self) -> bool:
        """Whether people choose which models have tabs of their own: where there is one person."""
        return self._is_for_one

    def choose_tab(self, owner: str, model: str, *, has_own_tab: bool) -> None:
        """Give a model a tab of its own from the next start on, or take it away.

        Raises: MayNotAdd, on a shared server, where the operator chooses for everyone.
        """
        if not self._is_for_one:
            raise MayNotAdd("On this server its operator chooses which models have their own tab.")
        self._change_one(owner, model, has_own_tab=has_own_tab)

    def opened(self, owner: str, model: str) -> None:
        """Record when a model of the owner's own collection was opened, once a minute at most."""
        stored = self._files.collection(self._own_name(owner)).stored.get(model)
        now_ms = self._now_ms()
        if stored is not None and now_ms - (stored.opened_at_ms or 0) >= NOTES_OPENED_EVERY_MS:
            self._change_one(owner, model, opened_at_ms=now_ms)

    def move(self, owner: str, model: str, before: str | None = None) -> None:
        """Move a model before another one, or to the end; the built-in ones stay first."""
        entries = self.entries(owner)
        if self.entry(owner, model).is_built_in:
            raise CollectionProblem("The models that came with the program stay first.")
        models = [entry.model for entry in entries if entry.model != model]
        built_in = sum(entry.is_built_in for entry in entries)
        place = models.index(before) if before in models else len(models)
        models.insert(max(place, built_in), model)
        self._change(owner, lambda collection: replace(collection, order=tuple(models)))

    def remove(self, owner: str, model: str) -> None:
        """Remove a model that the owner added; `put_back` undoes it."""
        if self.entry(owner, model).is_built_in:
            raise CollectionProblem(
                "A model that came with the program can be hidden, not removed."
            )

        def change(collection: ModelCollection) -> ModelCollection:
            stored = collection.of(model)
            if stored.own_spec is None:
                raise CollectionProblem(
                    "This model is the server’s: it can be hidden, not removed."
                )
            return collection.with_model(stored.changed(removed_at_ms=self._now_ms()))

        self._change(owner, change)

    def put_back(self, owner: str, model: str) -> None:
        """Undo a removal. Raises: UnknownModel."""

        def change(collection: ModelCollection) -> ModelCollection:
            stored = collection.of(model)
            if stored.spec is None:
                raise UnknownModel(f"“{model}” is no longer kept: add its page again.")
            collection = collection.with_model(stored.changed(removed_at_ms=None))
            self._raise_if_full(owner, collection)
            return collection

        self._change(owner, change)

    def restore(self, owner: str, model: str) -> None:
        """Return to the built-in spec, or the server's, that a page of the owner replaced."""
        under = self._beneath(owner).get(model)

        def change(collection: ModelCollection) -> ModelCollection:
            stored = collection.of(model)
            if under is None or stored.own_spec is None:
                raise CollectionProblem("There is nothing to go back to.")
            return collection.with_model(stored.with_spec(None))

        self._change(owner, change)

    def export(self, owner: str, models: Iterable[str] | None = None) -> bytes:
        """Return a file of models to share: those named, or all that were added.

        Raises: UnknownModel, CollectionProblem where there are none.
        """
        if models is None:
            specs = [e.spec for e in self.entries(owner) if e.is_replaced or not e.is_built_in]
        else:
            specs = [self.of(owner).spec(model) for model in models]
        if not specs:
            raise CollectionProblem("There is nothing to export: no model has been added yet.")
        return write_models(specs)

    def _view(self, owner: str) -> _View:
        names = self._names(owner)
        stamps = tuple(map(self._files.stamp, names))
        key = names[-1] if stamps[-1] else ""  # those who changed nothing all see the same
        view = self._views.get(key)
        if view is None or view.stamps != stamps:
            collections = [self._files.collection(name) for name in names]
            entries = entries_of(self._built_in, collections, own=collections[-1])
            view = _View(stamps, entries, Registry(tuple(entry.spec for entry in entries)))
            if len(self._views) >= MAX_VIEWS:
                self._views.clear()
            self._views[key] = view
        return view

    def _beneath(self, owner: str) -> dict[str, ModelSpec]:
        """Return the specs that an owner has without a collection of their own, by model id."""
        collections = [self._files.collection(name) for name in self._names(owner)[:-1]]
        entries = entries_of(self._built_in, collections, own=ModelCollection())
        return {entry.model: entry.spec for entry in entries}

    def _with_all(
        self, owner: str, collection: ModelCollection, specs: list[ModelSpec]
    ) -> tuple[ModelCollection, tuple[Added, ...]]:
        """Return a collection with models added, and the outcome of each."""
        beneath = self._beneath(owner)
        added = []
        for spec in specs:
            under = beneath.get(spec.model)
            before = collection.of(spec.model).own_spec or under
            collection = with_added(collection, spec, under, self._now_ms())
            added.append(Added(collection.of(spec.model).own_spec or under or spec, before))
        self._raise_if_full(owner, collection)
        return collection, tuple(added)

    def _change_one(self, owner: str, model: str, **changes: object) -> None:
        self.of(owner).spec(model)
        self._change(
            owner, lambda collection: collection.with_model(collection.of(model).changed(**changes))
        )

    def _change(self, owner: str, change: Callable[[ModelCollection], ModelCollection]) -> None:
        if not owner:
            raise MayNotAdd("Sign in first.")
        name = self._own_name(owner)
        most = MAX_COLLECTION_BYTES_OF_EVERYONE if name == _EVERYONES else MAX_COLLECTION_BYTES
        is_new = name != _EVERYONES and self._files.stamp(name) is None
        if is_new and len(self._files.names()) >= MAX_COLLECTIONS:
            raise CollectionProblem(_NO_ROOM)
        self._files.change(name, change, most)

    def _raise_if_full(self, owner: str, collection: ModelCollection) -> None:
        is_everyones = self._own_name(owner) == _EVERYONES
        most = MAX_MODELS_OF_EVERYONE if is_everyones else MAX_MODELS
        if collection.own_count > most:
            raise CollectionProblem(f"There is room for {most:,} added models: remove some first.")
        if not is_everyones and self._files.total_bytes() > MAX_BYTES_OF_ALL:
            raise CollectionProblem(_NO_ROOM)

    def _own_name(self, owner: str) -> str:
        return self._names(owner)[-1]

    def _names(self, owner: str) -> tuple[str, ...]:
        """Return the names of an owner's collections, their own last."""
        if self._is_for_one or owner in ("", EVERYONE):
            return (_EVERYONES,)
        # A hash, so that a listing of the folder does not reveal owners.
        return _EVERYONES, hashlib.sha256(owner.encode(errors="replace")).hexdigest()[:40]


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
