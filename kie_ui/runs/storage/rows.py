"""A run as a row of the table `runs`, and back."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    MetaData,
    RowMapping,
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
"""Fields that have parts of their own; the rest are plain columns."""

RUNS = Table(
    "runs",
    MetaData(),
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
    Column("note", Text),
    Column("error", Text),
    Column("is_late", Boolean),
    Column("is_tracked", Boolean),
    Column("sent_again_as", Text),
    Column("holder", Text),
    Column("is_favourite", Boolean),
    Column("remark", Text),
    Column("poster", Text),
    Column("deleted_at_ms", BigInteger),
    Column("created_at_ms", BigInteger),
    Column("sent_at_ms", BigInteger),
    Column("finished_at_ms", BigInteger),
    Column("updated_at_ms", BigInteger),
)


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


def from_row(row: RowMapping) -> Run:
    """Turn columns back into a run; inverse of `to_row`.

    Raises: ValueError, for a damaged row.
    """
    fields = {
        name: json.loads(value) if name in JSON_FIELDS and value is not None else value
        for name, value in row.items()
    }
    return Run.model_validate(fields)


def readable(rows: Any) -> Iterator[Run]:
    """Read rows; a damaged one is reported to the log and must not hide the others."""
    for row in rows:
        try:
            yield from_row(row)
        except ValueError as exc:
            problems = len(exc.errors()) if isinstance(exc, ValidationError) else 1
            log.warning("Run %s cannot be read: %s problem(s).", row["id"], problems)
