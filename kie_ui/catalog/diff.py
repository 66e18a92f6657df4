"""What a newer page of a model changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kie_ui.catalog.facts import ORDER, facts_of, is_same_fact
from kie_ui.catalog.parameters import Parameter
from kie_ui.catalog.spec import ModelSpec

_COMPARED = tuple(name for name in ORDER if name not in ("name", "description", "widget"))

_WORDS = {
    "type": "type",
    "default": "default",
    "minimum": "lowest value",
    "maximum": "highest value",
    "step": "step",
    "min_length": "fewest characters",
    "max_length": "most characters",
    "min_items": "fewest entries",
    "max_items": "most entries",
    "max_bytes": "largest file",
    "accepts": "accepted files",
    "pattern": "pattern",
}
_LONGEST = 80
"""Characters of a value that a sentence shows."""


@dataclass(frozen=True)
class Change:
    """One fact of one parameter that a newer page states differently."""

    parameter: str
    fact: str
    old: Any
    new: Any
    """None where a page does not state it."""
    words: str
    """The same for a person."""


@dataclass(frozen=True)
class Difference:
    """What is different between two pages of one model."""

    added: tuple[Parameter, ...] = ()
    removed: tuple[Parameter, ...] = ()
    changes: tuple[Change, ...] = ()

    @property
    def is_same(self) -> bool:
        """Whether nothing differs that matters to a request."""
        return not (self.added or self.removed or self.changes)

    @property
    def changed(self) -> tuple[str, ...]:
        """The parameters of which something changed."""
        return tuple(dict.fromkeys(change.parameter for change in self.changes))

    @property
    def sentences(self) -> tuple[str, ...]:
        """All of it in words, a sentence each."""
        return (
            *(f"{p.name} is new{', and required' if p.required else ''}." for p in self.added),
            *(f"{p.name} is gone." for p in self.removed),
            *(change.words for change in self.changes),
        )


def compare(old: ModelSpec, new: ModelSpec) -> Difference:
    """Return what a newer spec of a model changes."""
    before = {parameter.name: parameter for parameter in old.parameters}
    after = {parameter.name: parameter for parameter in new.parameters}
    return Difference(
        added=tuple(p for name, p in after.items() if name not in before),
        removed=tuple(p for name, p in before.items() if name not in after),
        changes=tuple(
            change
            for name in before
            if name in after
            for change in _changes(before[name], after[name])
        ),
    )


def _changes(before: Parameter, after: Parameter) -> Iterator[Change]:
    old, new = facts_of(before), facts_of(after)
    for fact in _COMPARED:
        if not is_same_fact(old.get(fact), new.get(fact)):
            words = _words(before.name, fact, old.get(fact), new.get(fact))
            yield Change(before.name, fact, old.get(fact), new.get(fact), words)


def _words(name: str, fact: str, old: Any, new: Any) -> str:
    if fact == "required":
        return f"{name} is {'now' if new else 'no longer'} required."
    if fact == "options":
        return _words_on_options(name, old or [], new or [])
    if old is None:
        return f"{name}: {_WORDS[fact]} {_shown(fact, new)}; there was none."
    if new is None:
        return f"{name}: no {_WORDS[fact]} any more; it was {_shown(fact, old)}."
    return f"{name}: {_WORDS[fact]} {_shown(fact, new)} instead of {_shown(fact, old)}."


def _words_on_options(name: str, old: list[Any], new: list[Any]) -> str:
    if not old:
        return f"{name} now has a list to choose from: {_listed(new)}."
    if not new:
        return f"{name} no longer has a list to choose from."
    gained = [value for value in new if value not in old]
    lost = [value for value in old if value not in new]
    parts = [
        f"now also {_listed(gained)}" if gained else "",
        f"no longer {_listed(lost)}" if lost else "",
    ]
    return f"{name}: {', '.join(filter(None, parts)) or 'the options stand in another order'}."


def _listed(values: list[Any]) -> str:
    shown = ", ".join(str(value) for value in values[:8])
    return shown if len(values) <= 8 else f"{shown} and {len(values) - 8} more"


def _shown(fact: str, value: Any) -> str:
    if fact == "max_bytes":
        return f"{value / 1_000_000:g} MB"
    if isinstance(value, bool):
        return "on" if value else "off"
    text = _listed(value) if isinstance(value, list) else str(value)
    text = " ".join(text.split())
    return f"“{text[: _LONGEST - 1]}…”" if len(text) > _LONGEST else text or "empty"
