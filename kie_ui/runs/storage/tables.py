"""The database's tables, and a run as a row of the table `runs`.

`migrations` creates them; here they are named, for statements. Values that have parts are kept as
JSON text, so that one damaged value costs its own run and not the whole list. Some columns are
derived from a run, so that it need not be read to be found:

    number       its place among all runs, in the order in which they came
    setting      the values that its time depends on
    took_ms      how long its result was in the making
    clip_bytes   what its results take of the disk
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any

from pydantic import ValidationError
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Double,
    MetaData,
    Select,
    String,
    Table,
    Text,
    bindparam,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import TypeEngine

from kie_ui.kie.responses import TaskRecord
from kie_ui.runs.errors import StoreProblem, UnknownRun
from kie_ui.runs.run import Run, Step, checked_id

log = logging.getLogger(__name__)

JSON_FIELDS = frozenset(
    {
        "values", "notices", "changes", "step_changes", "uploads", "request", "answer", "record",
        "result_urls", "clips", "error",
    }
)  # fmt: skip
"""Fields of a run that are kept as JSON; the rest are plain columns."""

_NOT_SETTINGS = frozenset({"prompt", "negative_prompt", "seed", "task_id", "index", "callBackUrl"})
"""Inputs that say what is made, not how long that takes; as every switch does."""

_MAX_CHOICE_LENGTH = 24
"""Characters; a longer text, or one with spaces, is not a choice from a list."""

_METADATA = MetaData()


def _columns(kind: type[TypeEngine[Any]], *names: str) -> list[Column[Any]]:
    return [Column(name, kind) for name in names]


RUNS = Table(
    "runs",
    _METADATA,
    Column("id", String(32), primary_key=True),
    Column("values", Text, quote=True),
    *_columns(
        Text, "owner", "backend", "paid_by", "model", "notices", "changes", "step", "step_changes",
        "uploads", "request", "answer", "task_id", "record", "result_urls", "clips", "status_note",
        "error", "sent_again_as", "holder", "user_note", "poster", "setting",
    ),
    *_columns(Double, "estimated_credits", "progress", "credits_used", "balance_after"),
    *_columns(Boolean, "is_late", "is_tracked", "is_favourite"),
    *_columns(
        BigInteger, "deleted_at_ms", "created_at_ms", "sent_at_ms", "finished_at_ms",
        "updated_at_ms", "number", "took_ms", "clip_bytes",
    ),
)  # fmt: skip

RUN_COLUMNS = tuple(RUNS.c[name] for name in Run.model_fields)
"""What makes up a run, without what is derived from it."""

NOT_IN_TRASH = RUNS.c.deleted_at_ms.is_(None)

# The conditions of partial indexes, in their very words: SQLite uses such an index for no others.
IS_UNFINISHED = text("step NOT IN ('done', 'failed', 'cancelled', 'unknown')")
IS_UNDECIDED = text("step = 'unknown' AND sent_again_as IS NULL AND deleted_at_ms IS NULL")
HAS_RESULTS = text("clip_bytes > 0")
IS_NO_FAVOURITE = text("NOT is_favourite")

MAX_SALVAGED_ROWS = 5_000
"""How many of the newest rows of a damaged database are tried."""

RUN_INPUTS = Table("run_inputs", _METADATA, *_columns(Text, "name", "run_id"))
"""Which given files, by their names in the storage, a run uses."""

STORED_FILES = Table(
    "stored_files", _METADATA, Column("name", Text), Column("size_bytes", BigInteger)
)
"""Given files and posters, by their names in the storage; a size is null until it is measured."""

SPENT = Table(
    "spent",
    _METADATA,
    *_columns(Text, "owner", "backend", "paid_by", "model", "step", "task_id"),
    Column("credits_used", Double),
    Column("created_at_ms", BigInteger),
)
"""What is remembered of runs that were deleted for good."""

CREATES = Table("creates", _METADATA, Column("account", Text), Column("at_ms", BigInteger))
"""When each account's latest creates were sent."""

SECRETS = Table("secrets", _METADATA, *_columns(Text, "name", "value"))

COUNTED_RUNS = Table(
    "counted_runs", _METADATA, *_columns(Text, "run_id", "owner"), Column("day", BigInteger)
)
"""The runs that the server's key paid for, by day."""


def to_row(run: Run) -> dict[str, Any]:
    """Turn a run into its columns, without its number; inverse of `from_row`."""
    return _values(run, frozenset(Run.model_fields)) | _derived_columns(run)


def changed_columns(old: Run, new: Run) -> dict[str, Any]:
    """Return the columns in which two states of a run differ."""
    fields = {name for name in Run.model_fields if getattr(old, name) != getattr(new, name)}
    if not fields:
        return {}
    before = _derived_columns(old)
    derived = {name: v for name, v in _derived_columns(new).items() if v != before[name]}
    return _values(new, fields) | derived


def _values(run: Run, fields: Set[str]) -> dict[str, Any]:
    row = run.model_dump(mode="json", include=set(fields))
    return {
        name: json.dumps(value) if name in JSON_FIELDS and value is not None else value
        for name, value in row.items()
    }


def _derived_columns(run: Run) -> dict[str, Any]:
    return {
        "setting": setting_of(run.values),
        "took_ms": _took_ms(run),
        "clip_bytes": sum(clip.size_bytes or 0 for clip in run.clips if clip.is_stored),
    }


def setting_of(values: Mapping[str, Any]) -> str:
    """Return the values that the time of a run may depend on, choices and numbers, as JSON."""
    return json.dumps({name: values[name] for name in sorted(values) if _is_setting(name, values)})


def _is_setting(name: str, values: Mapping[str, Any]) -> bool:
    value = values[name]
    if name in _NOT_SETTINGS or isinstance(value, bool):
        return False
    if isinstance(value, str):
        return len(value) <= _MAX_CHOICE_LENGTH and not any(map(str.isspace, value))
    return isinstance(value, int | float)


def _took_ms(run: Run) -> int | None:
    """Return how long a result was in the making: as Kie says, else as it was seen from here."""
    if run.step is not Step.DONE:
        return None
    reported_ms = TaskRecord.from_data(run.record).cost_time_ms if run.record else None
    # Text need not be fetched.
    made = (c.at_ms for c in run.step_changes if c.step in (Step.FETCHING, Step.DONE))
    made_at_ms = next(made, None)
    if reported_ms is not None or made_at_ms is None or run.sent_at_ms is None:
        return reported_ms
    return max(0, made_at_ms - run.sent_at_ms)


def from_row(row: Mapping[Any, Any]) -> Run:
    """Turn columns back into a run; inverse of `to_row`.

    Raises: ValueError, for a damaged row.
    """
    fields = {
        name: json.loads(value) if name in JSON_FIELDS and value is not None else value
        for name, value in row.items()
    }
    return Run.model_validate(fields)


def readable(rows: Iterable[Mapping[Any, Any]]) -> Iterator[Run]:
    """Read rows; a damaged one is logged and must not hide the others."""
    for row in rows:
        try:
            yield from_row(row)
        except ValueError as exc:
            problems = len(exc.errors()) if isinstance(exc, ValidationError) else 1
            log.warning("Run %s cannot be read: %s problem(s).", row["id"], problems)


def list_runs(connection: Connection, query: Select[Any]) -> tuple[Run, ...]:
    """List the runs that a query of `RUN_COLUMNS` finds, without those that cannot be read."""
    return tuple(readable(connection.execute(query).mappings()))


def list_numbered_runs(connection: Connection, query: Select[Any]) -> dict[int, Run]:
    """Return the runs that a query of `RUNS.c.number` and a run's columns finds, by number."""
    rows = [dict(row) for row in connection.execute(query).mappings()]
    number_of = {row["id"]: row.pop("number") for row in rows}
    return {number_of[run.id]: run for run in readable(rows)}


def read_run(connection: Connection, run_id: str) -> Run:
    """Read one run. Raises: UnknownRun; StoreProblem for a damaged one."""
    query = select(*RUN_COLUMNS).where(RUNS.c.id == checked_id(run_id), NOT_IN_TRASH)
    row = connection.execute(query).mappings().first()
    if row is None:
        raise UnknownRun
    try:
        return from_row(row)
    except ValueError as exc:
        raise StoreProblem("The record of this run is damaged and cannot be read.") from exc


def salvage_runs(connection: Connection) -> list[Run]:
    """Read row by row, with no index: rows on damaged pages are skipped."""
    row_id = literal_column("rowid", BigInteger)
    try:
        last = connection.scalar(select(func.max(row_id)).select_from(RUNS)) or 0
    except SQLAlchemyError:  # the highest number is unreadable: try them all
        last = MAX_SALVAGED_ROWS
    unreadable = 0
    found: list[Run] = []
    one_row = select(*RUN_COLUMNS).where(row_id == bindparam("row_id"), NOT_IN_TRASH)
    for at in range(last, max(0, last - MAX_SALVAGED_ROWS), -1):
        try:
            found += readable(connection.execute(one_row, {"row_id": at}).mappings())
        except SQLAlchemyError:
            unreadable += 1
    if unreadable:
        log.warning("%s row number(s) of the damaged database cannot be read.", unreadable)
    return found
