"""Runs found by words and filters, newest first, in a time that does not grow with their number.

SQLite's full-text search (`run_words`) gives the numbers of the runs found, from the newest on, and
stops when a page is full; runs are read by their numbers. Without words and filters a plain index
does. Other databases than SQLite have no such index here, and look through an owner's runs.

The entry of a run begins every term with a mark of its owner, so that a search meets nothing of
anyone else's, however much there is. A run in the trash has no entry.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, pairwise
from typing import Literal, NamedTuple

from sqlalchemy import (
    Connection,
    Integer,
    Text,
    column,
    delete,
    func,
    insert,
    literal_column,
    null,
    select,
    table,
)

from kie_ui.runs.errors import UnknownRun
from kie_ui.runs.run import Run, Step, checked_id
from kie_ui.runs.storage.tables import (
    NOT_IN_TRASH,
    RUN_COLUMNS,
    RUNS,
    list_numbered_runs,
    list_runs,
)

MAX_TERM_LENGTH = 48
"""Characters of a word that count."""

MAX_TERMS = 200
"""Words of a query that count, the last ones."""

_BATCH = 200

_ACCENTS = re.compile("[\u0300-\u036f]")
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3021-\u312f\u31a0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U0003134f]"
)
"""Thai, Lao, Tibetan, Burmese, Khmer; kana, Bopomofo and Han."""
_VARIANTS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")

_GAP, _WORD, _UNSPACED_RUN, _SYMBOL = range(4)

_OPEN = "open"
"""The index's term for every step that is not final."""

_WORDS = table("run_words", column("rowid", Integer), column("words", Text))

_BULKY = ("request", "answer", "record")
_LISTED = [null().label(each.name) if each.name in _BULKY else each for each in RUN_COLUMNS]


@dataclass(frozen=True)
class HistoryQuery:
    """What is looked for: every word of `text` must occur, the last one may be only begun."""

    text: str = ""
    models: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    only_favourites: bool = False


class HistoryPage(NamedTuple):
    """Some runs, newest first, without their request, answer and record.

    `next` is what the page after this one begins `before`; None if this is the last.
    """

    runs: tuple[Run, ...]
    next: str | None


class Neighbours(NamedTuple):
    """The ids of the runs beside one, among those that a query finds."""

    newer: str | None
    older: str | None


# Texts as terms


def search_terms(text: str) -> tuple[str, ...]:
    """Return the terms that a text is indexed by, each once, in order."""
    return tuple(dict.fromkeys(_terms(text, is_query=False)))


def query_terms(text: str) -> tuple[str, ...]:
    """Return the terms that must occur in what is found; the last may be only begun."""
    *whole, begun = tuple(_terms(text, is_query=True)) or ("",)
    return (*dict.fromkeys(whole), begun) if begun else ()


def _terms(text: str, *, is_query: bool) -> Iterator[str]:
    for kind, characters in groupby(_normalized(text), key=_kind):
        if kind == _WORD:
            yield "".join(characters)[:MAX_TERM_LENGTH]
        elif kind == _SYMBOL:
            yield from characters
        elif kind == _UNSPACED_RUN:
            yield from _unspaced_terms(list(characters), is_query=is_query)


def _unspaced_terms(characters: list[str], *, is_query: bool) -> Iterator[str]:
    """Yield characters and their pairs; what a query says by pairs it need not say singly."""
    if not is_query or len(characters) == 1:
        yield from characters
    yield from map("".join, pairwise(characters))


def _normalized(text: str) -> str:
    """Fold case, width and accents."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    bare = _VARIANTS.sub("", _ACCENTS.sub("", folded))
    return unicodedata.normalize("NFC", bare)


@lru_cache(maxsize=8192)
def _kind(character: str) -> int:
    if _UNSPACED.match(character):
        return _UNSPACED_RUN
    category = unicodedata.category(character)
    if category[0] in "LNM" or category == "Co":
        return _WORD
    return _SYMBOL if category[0] == "S" and not character.isascii() else _GAP


# The index


def has_words(connection: Connection) -> bool:
    """Say whether this database has a full-text search that is used here."""
    return connection.dialect.name == "sqlite"


def add_to_index(connection: Connection, number: int, run: Run) -> None:
    """Index a run by its words and marks, unless it is in the trash."""
    if run.deleted_at_ms is None and has_words(connection):
        entry = " ".join(_entry(run))
        connection.execute(insert(_WORDS).values(rowid=number, words=entry))


def update_index(connection: Connection, old: Run, new: Run) -> None:
    """Update the index after a change of a run."""
    if _entry(old) == _entry(new) and old.deleted_at_ms == new.deleted_at_ms:
        return
    number = connection.scalar(select(RUNS.c.number).where(RUNS.c.id == new.id))
    if number is not None:
        remove_from_index(connection, number)
        add_to_index(connection, number, new)


def remove_from_index(connection: Connection, number: int) -> None:
    """Remove a run from the index."""
    if has_words(connection):
        connection.execute(delete(_WORDS).where(_WORDS.c.rowid == number))


def _entry(run: Run) -> list[str]:
    """Return all the terms that a run is found by."""
    return [
        *_marked(run.owner, "m", [_hashed(run.model)]),
        *_marked(run.owner, "s", [run.step if run.is_final else _OPEN]),
        *_marked(run.owner, "f", ["1"] if run.is_favourite else []),
        *_marked(run.owner, "w", search_terms(f"{run.prompt}\n{run.user_note}")),
    ]


def _marked(owner: str, kind: str, terms: Iterable[str]) -> list[str]:
    """Return terms of one kind with their owner's mark, as the index has them."""
    return [f"{_hashed(owner)}{kind}{term}" for term in terms]


def _hashed(name: str) -> str:
    return hashlib.blake2s(name.encode(errors="replace"), digest_size=5).hexdigest()


# What a query finds


def page(
    connection: Connection,
    owner: str,
    query: HistoryQuery,
    limit: int,
    before: str | None = None,
) -> HistoryPage:
    """List runs. Raises: UnknownRun, for a `before` that is none of the owner's."""
    start = None if before is None else _number_of(connection, owner, before)
    numbers = _find(connection, owner, query, "older", start, limit + 1)
    by_number = _by_number(connection, owner, numbers[:limit])
    runs = tuple(by_number[number] for number in numbers[:limit] if number in by_number)
    is_last = len(numbers) <= limit
    return HistoryPage(runs, None if is_last or not runs else runs[-1].id)


def neighbours(connection: Connection, owner: str, run_id: str, query: HistoryQuery) -> Neighbours:
    """Find the runs beside one. Raises: UnknownRun."""
    number = _number_of(connection, owner, run_id)
    newer = _find(connection, owner, query, "newer", number, 1)
    older = _find(connection, owner, query, "older", number, 1)
    return Neighbours(_id_of(connection, newer), _id_of(connection, older))


def matching(
    connection: Connection, owner: str, query: HistoryQuery, run_ids: Iterable[str]
) -> tuple[Run, ...]:
    """Return those of some runs that a query finds, newest first. Raises: UnknownRun."""
    ids = [checked_id(run_id) for run_id in run_ids]
    theirs = select(*_LISTED).where(RUNS.c.id.in_(ids), RUNS.c.owner == owner, NOT_IN_TRASH)
    runs = list_runs(connection, theirs.order_by(RUNS.c.number.desc()))
    return tuple(run for run in runs if _is_match(run, query))


def models(connection: Connection, owner: str) -> tuple[str, ...]:
    """List an owner's models in alphabetical order, leaping through the index."""
    following = select(func.min(RUNS.c.model)).where(RUNS.c.owner == owner, NOT_IN_TRASH)
    found: list[str] = []
    model = ""
    while model := connection.scalar(following.where(RUNS.c.model > model)):
        found.append(model)
    return tuple(found)


Direction = Literal["older", "newer"]
_Numbers = Callable[[int, int], list[int]]
"""Returns so many numbers, from beyond one on, the nearest first."""


def _find(
    connection: Connection,
    owner: str,
    query: HistoryQuery,
    direction: Direction,
    start: int | None,
    limit: int,
) -> list[int]:
    """Return the numbers of the runs found beyond a number, the nearest first."""
    beyond = 2**62 if start is None else start
    match = _match_expression(owner, query)
    if match and has_words(connection):
        is_match = literal_column("run_words").op("MATCH", is_comparison=True)(match)
        statement, number = select(_WORDS.c.rowid).where(is_match), _WORDS.c.rowid
        is_exact = _is_exact(query)
    else:
        theirs = (RUNS.c.owner == owner, NOT_IN_TRASH)
        statement, number = select(RUNS.c.number).where(*theirs), RUNS.c.number
        is_exact = not match

    def candidates(beyond: int, count: int) -> list[int]:
        if direction == "older":
            page = statement.where(number < beyond).order_by(number.desc())
        else:
            page = statement.where(number > beyond).order_by(number)
        return list(connection.scalars(page.limit(count)))

    if is_exact:
        return candidates(beyond, limit)
    return _sift(connection, owner, query, candidates, beyond, limit)


def _sift(
    connection: Connection,
    owner: str,
    query: HistoryQuery,
    candidates: _Numbers,
    beyond: int,
    limit: int,
) -> list[int]:
    """Return those of the candidates that a query finds, by looking at the runs."""
    found: list[int] = []
    while len(found) < limit:
        numbers = candidates(beyond, _BATCH)
        by_number = _by_number(connection, owner, numbers)
        found += [n for n in numbers if n in by_number and _is_match(by_number[n], query)]
        if len(numbers) < _BATCH:
            break
        beyond = numbers[-1]
    return found[:limit]


def _is_exact(query: HistoryQuery) -> bool:
    """Say whether the index answers a query alone: it knows all open steps as one."""
    open_steps = {step for step in Step if not step.is_final}
    return open_steps.isdisjoint(query.steps) or open_steps <= set(query.steps)


def _match_expression(owner: str, query: HistoryQuery) -> str:
    """Return a query in the language of the full-text search; empty if it finds everything."""
    words = query_terms(query.text)[-MAX_TERMS:]
    parts = [_quoted(word) for word in _marked(owner, "w", words)]
    if parts:
        parts[-1] += " *"
    for kind, terms in (
        ("m", [_hashed(model) for model in query.models]),
        ("s", [str(step) if step.is_final else _OPEN for step in query.steps]),
        ("f", ["1"] if query.only_favourites else []),
    ):
        if terms:
            parts.append(f"({' OR '.join(map(_quoted, _marked(owner, kind, terms)))})")
    return " AND ".join(parts)


def _quoted(term: str) -> str:
    """Terms hold no quotes, and between quotes nothing is an operator."""
    return f'"{term}"'


def _is_match(run: Run, query: HistoryQuery) -> bool:
    """Say whether a query finds a run, by looking at it."""
    terms = search_terms(f"{run.prompt}\n{run.user_note}")
    *whole, begun = query_terms(query.text)[-MAX_TERMS:] or ("",)
    return (
        set(whole) <= set(terms)
        and (not begun or any(term.startswith(begun) for term in terms))
        and (not query.models or run.model in query.models)
        and (not query.steps or run.step in query.steps)
        and (run.is_favourite or not query.only_favourites)
    )


def _by_number(connection: Connection, owner: str, numbers: list[int]) -> dict[int, Run]:
    """Read an owner's runs by their numbers."""
    query = select(RUNS.c.number, *_LISTED).where(RUNS.c.number.in_(numbers))
    found = list_numbered_runs(connection, query)
    return {number: run for number, run in found.items() if run.owner == owner}


def _number_of(connection: Connection, owner: str, run_id: str) -> int:
    """Return a run's number, also of one in the trash. Raises: UnknownRun."""
    query = select(RUNS.c.number).where(RUNS.c.id == checked_id(run_id), RUNS.c.owner == owner)
    number = connection.scalar(query)
    if number is None:
        raise UnknownRun
    return int(number)


def _id_of(connection: Connection, numbers: list[int]) -> str | None:
    return connection.scalar(select(RUNS.c.id).where(RUNS.c.number.in_(numbers)))
