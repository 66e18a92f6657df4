"""The models of one owner as they are shown: the built-in ones, and what shelves say of more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from kie_ui.catalog.shelf import Shelf, Stored
from kie_ui.catalog.spec import ModelSpec


@dataclass(frozen=True, slots=True)
class Entry:
    """One model of an owner."""

    spec: ModelSpec
    """As it is shown: with the title that its owner gave it."""
    is_built_in: bool = False
    is_hidden: bool = False
    is_replaced: bool = False
    """Whether another page has taken the place of what came with the program."""
    is_own: bool = False
    """Whether the spec is the owner's own, to be removed or, where it replaces one, undone."""
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
    """What became of a spec that was to be added."""

    spec: ModelSpec
    """What there is now; of a built-in model whose page says nothing new, its own."""
    replaces: ModelSpec | None
    """What stood in its place; None where the model is new."""

    @property
    def is_new(self) -> bool:
        """Whether there was no such model before."""
        return self.replaces is None

    @property
    def is_same(self) -> bool:
        """Whether there was the very same before."""
        return self.replaces is not None and self.replaces.digest == self.spec.digest


def entries_of(
    built_in: Iterable[ModelSpec], shelves: Iterable[Shelf], own: Shelf
) -> tuple[Entry, ...]:
    """Lay shelves over the built-in models, the owner's own last, which is among `shelves`.

    The built-in models stay first, in their own order.
    """
    entries = {spec.model: Entry(spec, is_built_in=True) for spec in built_in}
    first = list(entries)
    for shelf in shelves:
        entries = _with_shelf(entries, shelf, is_own=shelf is own)
        others = shelf.ordered(model for model in entries if model not in first)
        entries = {model: entries[model] for model in [*first, *others]}
    return tuple(entries.values())


def _with_shelf(entries: dict[str, Entry], shelf: Shelf, *, is_own: bool) -> dict[str, Entry]:
    laid = dict(entries)
    for stored in shelf.stored.values():
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
        is_replaced=beneath.is_replaced or (has_spec and beneath.is_built_in),
        is_own=has_spec and is_own,
        added_at_ms=stored.added_at_ms if has_spec else beneath.added_at_ms,
        opened_at_ms=stored.opened_at_ms or beneath.opened_at_ms,
    )
