"""The bin: runs that were deleted, had back for a while, and gone for good after it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from sqlalchemy import Connection, delete, select, text

from kie_ui.runs.errors import UnknownRun, WrongStep
from kie_ui.runs.run import Run, checked_id
from kie_ui.runs.storage.derived import unindex
from kie_ui.runs.storage.rows import RUNS, from_row, readable
from kie_ui.runs.storage.search import number_of
from kie_ui.runs.storage.transactions import write_run

KEPT_MS = 60 * 60 * 1000
"""How long a deleted run can be had back."""

UNDER_WAY = "A run that is under way cannot be deleted: wait for its end, or cancel it."


def trash(owner: str, ids: Iterable[str], at_ms: int, connection: Connection) -> tuple[Run, ...]:
    """Put those runs into the bin that have ended, and return them.

    Raises: UnknownRun for an id that is none of the owner's; WrongStep if none has ended.
    """
    found = [run for run in _theirs(owner, ids, connection) if run.deleted_at_ms is None]
    ended = [run for run in found if run.is_final]
    if found and not ended:
        raise WrongStep(UNDER_WAY)
    return tuple(_moved(run, at_ms, at_ms, connection) for run in ended)


def restore(owner: str, ids: Iterable[str], at_ms: int, connection: Connection) -> tuple[Run, ...]:
    """Take runs out of the bin again, and return them.

    Raises: UnknownRun for an id that is none of the owner's, or is gone for good.
    """
    found = [run for run in _theirs(owner, ids, connection) if run.deleted_at_ms is not None]
    if any(run.deleted_at_ms is not None and run.deleted_at_ms <= at_ms - KEPT_MS for run in found):
        raise UnknownRun
    return tuple(_moved(run, None, at_ms, connection) for run in found)


def _moved(run: Run, deleted_at_ms: int | None, at_ms: int, connection: Connection) -> Run:
    new = run.changed(at_ms, {"deleted_at_ms": deleted_at_ms})
    write_run(run, new, connection)
    return new


def _theirs(owner: str, ids: Iterable[str], connection: Connection) -> list[Run]:
    ask = partial(_any_run, owner, connection=connection)
    return [ask(run_id) for run_id in dict.fromkeys(ids)]


def _any_run(owner: str, run_id: str, connection: Connection) -> Run:
    asked = select(RUNS).where(RUNS.c.id == checked_id(run_id), RUNS.c.owner == owner)
    row = connection.execute(asked).mappings().first()
    if row is None:
        raise UnknownRun
    return from_row(row)


def due(until_ms: int, connection: Connection) -> tuple[Run, ...]:
    """List the runs that were put into the bin until a time in UTC milliseconds."""
    rows = connection.execute(select(RUNS).where(RUNS.c.deleted_at_ms <= until_ms)).mappings()
    return tuple(readable(rows))


def own_inputs(run: Run, connection: Connection) -> tuple[str, ...]:
    """Name the pictures of a run that no other run uses, in the bin or not."""
    asked = text(
        "SELECT name FROM run_inputs AS mine WHERE run_id = :run_id AND NOT EXISTS"
        " (SELECT 1 FROM run_inputs AS others"
        " WHERE others.name = mine.name AND others.run_id <> :run_id)"
    )
    return tuple(map(str, connection.scalars(asked, {"run_id": run.id})))


def remove(run: Run, connection: Connection) -> None:
    """Forget a run in the bin for good; what it cost stays in the sums, and whose task it was."""
    still = select(RUNS.c.id).where(RUNS.c.id == run.id, RUNS.c.deleted_at_ms.is_not(None))
    if connection.scalar(still) is None:
        return
    kept = text(
        "INSERT INTO spent"
        " (owner, backend, paid_by, model, step, credits_used, task_id, created_at_ms)"
        " SELECT owner, backend, paid_by, model, step, credits_used, task_id, created_at_ms"
        " FROM runs WHERE id = :run_id"
    )
    connection.execute(kept, {"run_id": run.id})
    unindex(number_of(run.owner, run.id, connection), connection)
    connection.execute(text("DELETE FROM run_inputs WHERE run_id = :run_id"), {"run_id": run.id})
    connection.execute(delete(RUNS).where(RUNS.c.id == run.id))
