"""What is worked out of a run and kept beside it, so that it need not be read to be found.

    number       its place among all runs, in the order in which they came
    setting      the values that its time depends on
    took_ms      how long its clip was in the making
    clip_bytes   what its clips take of the disk
    run_inputs   which pictures it uses
    run_words    the words that it is found by (SQLite's full-text search)

The entry in `run_words` begins every word with its owner's mark, so that a search meets nothing of
anyone else's, however much there is. A run in the bin has no entry.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import groupby, pairwise
from typing import Any

from sqlalchemy import Connection, select, text

from kie_ui.kie.records import TaskRecord
from kie_ui.runs.run import Run, Step
from kie_ui.runs.storage.tables import RUN_COLUMNS, RUNS, readable

MAX_WORD = 48
"""Characters of a word that count."""

_ACCENTS = re.compile("[\u0300-\u036f]")
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3021-\u312f\u31a0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U0003134f]"
)
"""Thai, Lao, Tibetan, Burmese, Khmer; kana, Bopomofo and Han."""
_VARIANTS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")

_GAP, _WORD, _RUN, _SIGN = range(4)


def words_of(text: str) -> tuple[str, ...]:
    """Return the words that a text is indexed by, each once, in the order they come."""
    return tuple(dict.fromkeys(_words(text, is_asked=False)))


def asked_words(text: str) -> tuple[str, ...]:
    """Return the words that must occur in what is found, the last being only begun perhaps."""
    *whole, begun = tuple(_words(text, is_asked=True)) or ("",)
    return (*dict.fromkeys(whole), begun) if begun else ()


def _words(text: str, *, is_asked: bool) -> Iterator[str]:
    for kind, characters in groupby(_plain(text), key=_kind):
        if kind == _WORD:
            yield "".join(characters)[:MAX_WORD]
        elif kind == _SIGN:
            yield from characters
        elif kind == _RUN:
            yield from _parts(list(characters), is_asked=is_asked)


def _parts(run: list[str], *, is_asked: bool) -> Iterator[str]:
    """Take a run of characters apart; what is asked for by pairs need not be asked singly."""
    if not is_asked or len(run) == 1:
        yield from run
    yield from map("".join, pairwise(run))


def _plain(text: str) -> str:
    """Fold case, width and accents."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    bare = _VARIANTS.sub("", _ACCENTS.sub("", folded))
    return unicodedata.normalize("NFC", bare)


@lru_cache(maxsize=8192)
def _kind(character: str) -> int:
    if _UNSPACED.match(character):
        return _RUN
    category = unicodedata.category(character)
    if category[0] in "LNM" or category == "Co":
        return _WORD
    return _SIGN if category[0] == "S" and not character.isascii() else _GAP


OPEN = "open"
"""Stands in the index for every step at which more is still to come."""

_BATCH = 500
_FREE = frozenset({"prompt", "negative_prompt", "seed", "task_id", "index", "callBackUrl"})
"""Inputs that say what is made, not how long that takes; as every switch does."""
_MAX_SETTING = 24
_MADE = (Step.FETCHING, Step.DONE)
"""The first of them comes when Kie is through: text need not be fetched."""


def settings_of(values: dict[str, Any]) -> dict[str, int | float | str]:
    """Return the values that the time of a run may depend on: choices and numbers."""
    return {
        name: value
        for name, value in sorted(values.items())
        if name not in _FREE and isinstance(value, int | float | str) and _is_setting(value)
    }


def _is_setting(value: float | str) -> bool:
    if isinstance(value, str):
        return len(value) <= _MAX_SETTING and not _has_space(value)
    return not isinstance(value, bool)


def _has_space(text: str) -> bool:
    return any(character.isspace() for character in text)


def setting_of(values: dict[str, Any]) -> str:
    """Return those values as one text, equal for equal settings."""
    return json.dumps(settings_of(values))


def columns_of(run: Run) -> dict[str, Any]:
    """Return the columns that are worked out of a run."""
    return {
        "setting": setting_of(run.values),
        "took_ms": took_ms(run),
        "clip_bytes": sum(clip.size_bytes or 0 for clip in run.clips if clip.is_stored),
    }


def took_ms(run: Run) -> int | None:
    """Tell how long a clip was in the making: as Kie says, else as it was seen from here."""
    if run.step is not Step.DONE:
        return None
    told = TaskRecord.from_data(run.record).cost_time_ms if run.record else None
    made = (change.at_ms for change in run.step_changes if change.step in _MADE)
    made_at_ms = next(made, None)
    if told is not None or made_at_ms is None or run.sent_at_ms is None:
        return told
    return max(0, made_at_ms - run.sent_at_ms)


def marked(owner: str, kind: str, words: Iterable[str]) -> tuple[str, ...]:
    """Return words of one kind as they stand in the index, with their owner's mark."""
    mark = hashlib.blake2s(owner.encode(errors="replace"), digest_size=5).hexdigest()
    return tuple(f"{mark}{kind}{word}" for word in words)


def name_word(name: str) -> str:
    """Return a name of any characters as one word."""
    return hashlib.blake2s(name.encode(errors="replace"), digest_size=5).hexdigest()


def entry_of(run: Run) -> str | None:
    """Return all the words that a run is found by."""
    if run.deleted_at_ms is not None:
        return None
    spoken = f"{run.prompt}\n{run.user_note}"
    return " ".join(
        (
            *marked(run.owner, "m", [name_word(run.model)]),
            *marked(run.owner, "s", [run.step if run.is_final else OPEN]),
            *marked(run.owner, "f", ["1"] if run.is_favourite else []),
            *marked(run.owner, "w", words_of(spoken)),
        )
    )


def note_new(run: Run, connection: Connection) -> None:
    """Work everything out of a run that is new, or that was kept before there was any of this."""
    asked = text("SELECT coalesce(max(number), 0) + 1 FROM runs")
    number = int(connection.scalar(asked) or 1)
    _note(run, {"number": number, **columns_of(run)}, connection)
    for name in {ref.path for ref in run.files}:
        connection.execute(
            text("INSERT INTO run_inputs (name, run_id) VALUES (:name, :run_id)"),
            {"name": name, "run_id": run.id},
        )
    _index(number, entry_of(run), connection)


def note_change(old: Run, new: Run, connection: Connection) -> None:
    """Follow a change of a run."""
    columns, before = columns_of(new), columns_of(old)
    changed = {name: value for name, value in columns.items() if before[name] != value}
    if changed:
        _note(new, changed, connection)
    entry = entry_of(new)
    if entry != entry_of(old):
        asked = text("SELECT number FROM runs WHERE id = :run_id")
        number = connection.scalar(asked, {"run_id": new.id})
        if number is not None:
            unindex(int(number), connection)
            _index(int(number), entry, connection)


def note_missing(connection: Connection) -> None:
    """Work everything out of the runs that were kept before there was any of this."""
    missing = text("SELECT id FROM runs WHERE number IS NULL ORDER BY created_at_ms, id")
    ids = list(connection.scalars(missing))
    for start in range(0, len(ids), _BATCH):
        some = select(*RUN_COLUMNS).where(RUNS.c.id.in_(ids[start : start + _BATCH]))
        rows = connection.execute(some.order_by(RUNS.c.created_at_ms, RUNS.c.id)).mappings()
        for run in list(readable(rows)):
            note_new(run, connection)


def oldest_on_disk(after: int, limit: int, connection: Connection) -> tuple[tuple[int, Run], ...]:
    """List runs with clips on the disk, the oldest first, with their numbers.

    Neither favourites nor the newest run that has clips are among them.
    """
    asked = text(
        "SELECT id, number FROM runs WHERE clip_bytes > 0 AND NOT is_favourite AND number > :after"
        " AND number < (SELECT max(number) FROM runs WHERE clip_bytes > 0)"
        " ORDER BY number LIMIT :limit"
    )
    found = connection.execute(asked, {"after": after, "limit": limit})
    numbers = {str(run_id): int(number) for run_id, number in found}
    rows = connection.execute(select(*RUN_COLUMNS).where(RUNS.c.id.in_(list(numbers)))).mappings()
    return tuple(sorted(((numbers[run.id], run) for run in readable(rows)), key=_first))


def _first(pair: tuple[int, Run]) -> int:
    return pair[0]


def unindex(number: int, connection: Connection) -> None:
    """Have a run found by no words."""
    if has_words(connection):
        gone = text("DELETE FROM run_words WHERE rowid = :number")
        connection.execute(gone, {"number": number})


def has_words(connection: Connection) -> bool:
    """Tell whether this database has a full-text search that we know."""
    return connection.dialect.name == "sqlite"


def _index(number: int, entry: str | None, connection: Connection) -> None:
    if entry is not None and has_words(connection):
        added = text("INSERT INTO run_words (rowid, words) VALUES (:number, :words)")
        connection.execute(added, {"number": number, "words": entry})


def _note(run: Run, columns: dict[str, Any], connection: Connection) -> None:
    named = ", ".join(f"{name} = :{name}" for name in columns)
    # Only names from this module stand in the statement.
    statement = text(f"UPDATE runs SET {named} WHERE id = :run_id")  # noqa: S608
    connection.execute(statement, {**columns, "run_id": run.id})
