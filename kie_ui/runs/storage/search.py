"""Runs found in the database: pages of a history, newest first, in a time that does not grow.

Words and filters are looked up in `run_words`, which gives the numbers of what is found from the
newest on and stops when a page is full; runs are read by their numbers. Without a search a plain
index does. Other databases than SQLite have no such index here, and look through an owner's runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from sqlalchemy import BigInteger, Connection, Text, literal_column, null, select, text

from kie_ui.runs.errors import UnknownRun
from kie_ui.runs.run import Run, Step, checked_id
from kie_ui.runs.storage.derived import OPEN, asked_words, entry_of, has_words, marked, name_word
from kie_ui.runs.storage.tables import RUN_COLUMNS, RUNS, readable

NUMBER: Any = literal_column("number", BigInteger)

_THEIR_OWNER: Any = literal_column("owner || ''", Text)
"""The owner as no index has it: runs whose numbers are known are not to be looked for by owner."""

_BULKY = ("request", "answer", "record")
_LISTED = [null().label(column.name) if column.name in _BULKY else column for column in RUN_COLUMNS]
_MAX_WORDS = 200
_SOME = 200


@dataclass(frozen=True)
class HistoryQuery:
    """What is looked for: every word of `text` must occur, the last being only begun perhaps."""

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


def page(
    owner: str, query: HistoryQuery, before: str | None, limit: int, connection: Connection
) -> HistoryPage:
    """List runs. Raises: UnknownRun, for a `before` that is none of the owner's."""
    beyond = None if before is None else number_of(owner, before, connection)
    numbers = _found(owner, query, beyond, "older", limit + 1, connection)
    runs = _listed(owner, numbers[:limit], connection)
    is_last = len(numbers) <= limit
    return HistoryPage(runs, None if is_last or not runs else runs[-1].id)


def neighbours(owner: str, run_id: str, query: HistoryQuery, connection: Connection) -> Neighbours:
    """Find the runs beside one. Raises: UnknownRun."""
    number = number_of(owner, run_id, connection)
    newer = _found(owner, query, number, "newer", 1, connection)
    older = _found(owner, query, number, "older", 1, connection)
    return Neighbours(_id(newer, connection), _id(older, connection))


def number_of(owner: str, run_id: str, connection: Connection) -> int:
    """Return a run's number, also of one in the bin. Raises: UnknownRun."""
    asked = (
        select(NUMBER)
        .select_from(RUNS)
        .where(RUNS.c.id == checked_id(run_id), RUNS.c.owner == owner)
    )
    number = connection.scalar(asked)
    if number is None:
        raise UnknownRun
    return int(number)


def models(owner: str, connection: Connection) -> tuple[str, ...]:
    """Name the models that occur, leaping from one to the next through the index."""
    following = text(
        "SELECT min(model) FROM runs"
        " WHERE owner = :owner AND deleted_at_ms IS NULL AND model > :last"
    )
    found: list[str] = []
    while model := connection.scalar(following, {"owner": owner, "last": (found or [""])[-1]}):
        found.append(str(model))
    return tuple(found)


Direction = Literal["older", "newer"]


def _found(
    owner: str,
    query: HistoryQuery,
    beyond: int | None,
    direction: Direction,
    limit: int,
    connection: Connection,
) -> list[int]:
    """Return the numbers of what is found beyond a number, the nearest first."""
    if beyond is None:
        beyond = 2**62
    wanted = _wanted(owner, query)
    if not wanted:
        return _in_order(owner, beyond, direction, limit, connection)
    if not has_words(connection):
        return _looked_through(owner, query, beyond, direction, limit, connection)
    sign, order = ("<", "DESC") if direction == "older" else (">", "ASC")
    statement = text(
        f"SELECT rowid FROM run_words WHERE run_words MATCH :wanted AND rowid {sign} :beyond"  # noqa: S608 - two words of ours
        f" ORDER BY rowid {order} LIMIT :limit"
    )
    open_steps = {step for step in query.steps if not step.is_final}
    if not open_steps or open_steps >= {step for step in Step if not step.is_final}:
        asked = {"wanted": wanted, "beyond": beyond, "limit": limit}
        return [int(number) for number in connection.scalars(statement, asked)]
    return _at_steps(query, statement, wanted, beyond, limit, connection)


def _at_steps(
    query: HistoryQuery,
    statement: Any,
    wanted: str,
    beyond: int,
    limit: int,
    connection: Connection,
) -> list[int]:
    """Keep those at the very steps asked for: the index tells all that are under way alike."""
    found: list[int] = []
    while len(found) < limit:
        asked = {"wanted": wanted, "beyond": beyond, "limit": _SOME}
        some = [int(number) for number in connection.scalars(statement, asked)]
        fitting = select(NUMBER).select_from(RUNS)
        fitting = fitting.where(NUMBER.in_(some), RUNS.c.step.in_(query.steps))
        kept = set(connection.scalars(fitting))
        found += [number for number in some if number in kept]
        if len(some) < _SOME:
            break
        beyond = some[-1]
    return found[:limit]


def _wanted(owner: str, query: HistoryQuery) -> str:
    """Say to the full-text search what is wanted; nothing if that is everything."""
    words = asked_words(query.text)[-_MAX_WORDS:]
    parts = [_quoted(word) for word in marked(owner, "w", words)]
    if parts:
        parts[-1] += " *"
    steps = dict.fromkeys(str(step) if step.is_final else OPEN for step in query.steps)
    for kind, names in (
        ("m", [name_word(model) for model in query.models]),
        ("s", steps),
        ("f", ["1"] if query.only_favourites else []),
    ):
        if names:
            parts.append(f"({' OR '.join(map(_quoted, marked(owner, kind, names)))})")
    return " AND ".join(parts)


def _quoted(word: str) -> str:
    """Words of the index hold no quotes, and between quotes nothing is an operator."""
    return f'"{word}"'


def _in_order(
    owner: str, beyond: int, direction: Direction, limit: int, connection: Connection
) -> list[int]:
    kept = select(NUMBER).select_from(RUNS)
    kept = kept.where(RUNS.c.owner == owner, RUNS.c.deleted_at_ms.is_(None)).limit(limit)
    if direction == "older":
        kept = kept.where(beyond > NUMBER).order_by(NUMBER.desc())
    else:
        kept = kept.where(beyond < NUMBER).order_by(NUMBER)
    return [int(number) for number in connection.scalars(kept)]


def _looked_through(
    owner: str,
    query: HistoryQuery,
    beyond: int,
    direction: Direction,
    limit: int,
    connection: Connection,
) -> list[int]:
    found: list[int] = []
    while len(found) < limit:
        numbers = _in_order(owner, beyond, direction, _SOME, connection)
        if not numbers:
            break
        by_number = _by_number(owner, numbers, connection)
        found += [n for n in numbers if n in by_number and fits(by_number[n], query)]
        beyond = numbers[-1]
    return found[:limit]


def fits(run: Run, query: HistoryQuery) -> bool:
    """Tell whether a query finds a run, by looking at it."""
    entry = (entry_of(run) or "").split(" ")
    *whole, begun = marked(run.owner, "w", asked_words(query.text)) or ("",)
    return (
        set(whole) <= set(entry)
        and any(word.startswith(begun) for word in entry)
        and (not query.models or run.model in query.models)
        and (not query.steps or run.step in query.steps)
        and (run.is_favourite or not query.only_favourites)
    )


def _listed(owner: str, numbers: list[int], connection: Connection) -> tuple[Run, ...]:
    by_number = _by_number(owner, numbers, connection)
    return tuple(by_number[number] for number in numbers if number in by_number)


def _by_number(owner: str, numbers: list[int], connection: Connection) -> dict[int, Run]:
    if not numbers:
        return {}
    asked = select(NUMBER.label("at"), *_LISTED).select_from(RUNS)
    asked = asked.where(NUMBER.in_(numbers), owner == _THEIR_OWNER)
    rows = [dict(row) for row in connection.execute(asked).mappings()]
    at = {row["id"]: int(row.pop("at")) for row in rows}
    return {at[run.id]: run for run in readable(rows)}


def _id(numbers: list[int], connection: Connection) -> str | None:
    if not numbers:
        return None
    found = connection.scalar(select(RUNS.c.id).where(numbers[0] == NUMBER))
    return None if found is None else str(found)
