"""The database's tables, and a run as a row of the table `runs`.

`migrations` creates them; here they are only named, for statements. Values that have parts are kept
as JSON text, so that one damaged value costs its own run and not the whole list.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    MetaData,
    String,
    Table,
    Text,
)

from kie_ui.runs.run import Run

log = logging.getLogger(__name__)

JSON_FIELDS = frozenset(
    {
        "values", "notices", "changes", "step_changes", "uploads", "request", "answer", "record",
        "result_urls", "clips", "error",
    }
)  # fmt: skip
"""Fields of a run that are kept as JSON; the rest are plain columns."""

_METADATA = MetaData()

RUNS = Table(
    "runs",
    _METADATA,
    Column("id", String(32), primary_key=True),
    Column("owner", Text),
    Column("backend", Text),
    Column("paid_by", Text),
    Column("model", Text),
    Column("values", Text, quote=True),
    Column("notices", Text),
    Column("changes", Text),
    Column("estimated_credits", Double),
    Column("step", Text),
    Column("step_changes", Text),
    Column("progress", Double),
    Column("uploads", Text),
    Column("request", Text),
    Column("answer", Text),
    Column("task_id", Text),
    Column("record", Text),
    Column("result_urls", Text),
    Column("clips", Text),
    Column("credits_used", Double),
    Column("balance_after", Double),
    Column("status_note", Text),
    Column("error", Text),
    Column("is_late", Boolean),
    Column("is_tracked", Boolean),
    Column("sent_again_as", Text),
    Column("holder", Text),
    Column("is_favourite", Boolean),
    Column("user_note", Text),
    Column("poster", Text),
    Column("deleted_at_ms", BigInteger),
    Column("created_at_ms", BigInteger),
    Column("sent_at_ms", BigInteger),
    Column("finished_at_ms", BigInteger),
    Column("updated_at_ms", BigInteger),
    # What is derived from a run, see `derived`.
    Column("number", BigInteger),
    Column("setting", Text),
    Column("took_ms", BigInteger),
    Column("clip_bytes", BigInteger),
)

RUN_COLUMNS = tuple(RUNS.c[name] for name in Run.model_fields)
"""What makes up a run, without what is derived from it."""

RUN_INPUTS = Table("run_inputs", _METADATA, Column("name", Text), Column("run_id", String(32)))
"""Which given files, by their names in the storage, a run uses."""

SPENT = Table(
    "spent",
    _METADATA,
    Column("owner", Text),
    Column("backend", Text),
    Column("paid_by", Text),
    Column("model", Text),
    Column("step", Text),
    Column("credits_used", Double),
    Column("task_id", Text),
    Column("created_at_ms", BigInteger),
)
"""What is remembered of runs that were deleted for good."""

CREATES = Table("creates", _METADATA, Column("account", String(32)), Column("at_ms", BigInteger))
"""When each account's latest creates were sent."""

SECRETS = Table("secrets", _METADATA, Column("name", String(32)), Column("value", Text))

COUNTED_RUNS = Table(
    "counted_runs",
    _METADATA,
    Column("run_id", String(32)),
    Column("owner", Text),
    Column("day", BigInteger),
)
"""The runs that the server's key paid for, by day."""


def to_row(run: Run) -> dict[str, Any]:
    """Turn a run into its columns; inverse of `from_row`."""
    row = run.model_dump(mode="json")
    return {name: _to_column(name, value) for name, value in row.items()}


def _to_column(name: str, value: Any) -> Any:
    return json.dumps(value) if name in JSON_FIELDS and value is not None else value


def changed_columns(old: Run, new: Run) -> dict[str, Any]:
    """Return the columns in which two states of a run differ."""
    fields = {name for name in Run.model_fields if getattr(old, name) != getattr(new, name)}
    row = new.model_dump(mode="json", include=fields)
    return {name: _to_column(name, value) for name, value in row.items()}


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
