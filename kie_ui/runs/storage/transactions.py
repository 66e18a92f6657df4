"""What is read and written in one transaction: functions of a connection, for `store.Store`."""

from __future__ import annotations

import secrets
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    Select,
    bindparam,
    insert,
    literal_column,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from kie_ui.runs.errors import StoreProblem, UnknownRun, WrongStep
from kie_ui.runs.run import BackendKind, Payer, Run, Step, checked_id
from kie_ui.runs.storage.derived import note_change, note_missing, note_new
from kie_ui.runs.storage.migrations import migrate
from kie_ui.runs.storage.rows import RUNS, changed_columns, from_row, readable, to_row

KEPT = RUNS.c.deleted_at_ms.is_(None)
"""What is in the bin is as good as gone."""

UNFINISHED = text("step NOT IN ('done', 'failed', 'cancelled', 'unknown')")
"""Word for word the condition of the index `runs_unfinished`: anything else would not match it."""


UNFINISHED_AND_KEPT = text(f"{UNFINISHED} AND +deleted_at_ms IS NULL")
"""Less what is in the bin; as `KEPT` says it, SQLite would take a longer index for that."""

UNDECIDED = text("step = 'unknown' AND sent_again_as IS NULL AND deleted_at_ms IS NULL")
"""Word for word the condition of the index `runs_undecided`, as above."""


class TaskHolder(NamedTuple):
    """Someone who has or had a run of a task, and whose key it was made with."""

    owner: str
    backend: BackendKind
    paid_by: Payer | None


SALVAGED_ROWS = 5_000
"""How many of the newest rows of a damaged database are tried."""


def shape(at_ms: int, connection: Connection) -> None:
    """Bring a database into its present shape, and note what an older one did not."""
    migrate(connection, at_ms)
    note_missing(connection)


def add_run(run: Run, connection: Connection) -> None:
    """Keep a new run."""
    connection.execute(insert(RUNS).values(to_row(run)))
    note_new(run, connection)


def find_run_of_task(owner: str, task_id: str | None, connection: Connection) -> Run | None:
    """Find an owner's run of a task."""
    query = select(RUNS).where(RUNS.c.owner == owner, RUNS.c.task_id == task_id, KEPT)
    found = list_runs(query.limit(1), connection)
    return found[0] if found else None


_OTHERS_OF_TASK = text(
    "SELECT owner, backend, paid_by FROM runs WHERE task_id = :task_id AND owner <> :owner"
    " UNION"
    " SELECT owner, backend, paid_by FROM spent WHERE task_id = :task_id AND owner <> :owner"
)


def find_others_of_task(owner: str, task_id: str, connection: Connection) -> tuple[TaskHolder, ...]:
    """Tell who else has or ever had a run of a task: in the bin and deleted for good as well."""
    found = connection.execute(_OTHERS_OF_TASK, {"owner": owner, "task_id": task_id})
    return tuple(TaskHolder(*row) for row in found)


def add_of_task(run: Run, connection: Connection) -> Run:
    """Keep a new run of a task, or return the one that its owner has of it already."""
    known = find_run_of_task(run.owner, run.task_id, connection)
    if known is None:
        add_run(run, connection)
    return known or run


def follow_task(run: Run, task_id: str, holder: str, at_ms: int, connection: Connection) -> Run:
    """Have a run of unknown fate follow a task. Raises: UnknownRun, WrongStep."""
    if find_run_of_task(run.owner, task_id, connection) is not None:
        raise WrongStep("Another of your runs follows this task already.")
    changes = {"step": Step.WAITING, "task_id": task_id, "error": None, "holder": holder}
    return change_run(run.id, frozenset({Step.UNKNOWN}), at_ms, changes, connection)


def add_in_place_of(old_id: str, new: Run, at_ms: int, connection: Connection) -> tuple[Run, Run]:
    """Keep a new run made from an old one, once. Raises: UnknownRun, WrongStep."""
    old = read_run(old_id, connection)
    if old.sent_again_as is not None:
        raise WrongStep("This has been sent again already.")
    if old.task_id is not None:
        raise WrongStep("Its task is known: ask Kie about it again.")
    unknown = frozenset({Step.UNKNOWN})
    old = change_run(old_id, unknown, at_ms, {"sent_again_as": new.id}, connection)
    add_run(new, connection)
    return old, new


def read_run(run_id: str, connection: Connection) -> Run:
    """Read one run. Raises: UnknownRun; StoreProblem for a damaged one."""
    row = connection.execute(_ONE_RUN, {"run_id": checked_id(run_id)}).mappings().first()
    if row is None:
        raise UnknownRun
    try:
        return from_row(row)
    except ValueError as exc:
        raise StoreProblem("The record of this run is damaged and cannot be read.") from exc


_ONE_RUN = select(RUNS).where(RUNS.c.id == bindparam("run_id"), KEPT)


def list_runs(query: Select[Any], connection: Connection) -> tuple[Run, ...]:
    """List what a query finds; what cannot be read is passed over."""
    return tuple(readable(connection.execute(query).mappings()))


def list_runs_of(
    owner: str, limit: int, before: str | None, model: str | None, connection: Connection
) -> tuple[Run, ...]:
    """List an owner's runs, the newest first. Raises: UnknownRun, for such a `before`."""
    by_age = tuple_(RUNS.c.created_at_ms, RUNS.c.id)
    query = select(RUNS).where(RUNS.c.owner == owner, KEPT).limit(limit)
    query = query.order_by(RUNS.c.created_at_ms.desc(), RUNS.c.id.desc())
    if model is not None:
        query = query.where(RUNS.c.model == model)
    if before is not None:
        last = read_run(before, connection)
        if last.owner != owner:
            raise UnknownRun
        query = query.where(by_age < (last.created_at_ms, last.id))
    return list_runs(query, connection)


def salvage(owner: str, limit: int, connection: Connection) -> tuple[Run, ...]:
    """Read row by row, with no index: what stands on a damaged page is passed over."""
    try:
        last = int(connection.scalar(text("SELECT max(rowid) FROM runs")) or 0)
    except SQLAlchemyError:
        last = SALVAGED_ROWS
    found: list[Run] = []
    one_row = select(RUNS).where(literal_column("rowid") == bindparam("at"), KEPT)
    for at in range(last, max(0, last - SALVAGED_ROWS), -1):
        try:
            found += readable(connection.execute(one_row, {"at": at}).mappings())
        except SQLAlchemyError:
            continue
    theirs = sorted((r for r in found if r.owner == owner), key=lambda r: -r.created_at_ms)
    return tuple(theirs[:limit])


def change_run(
    run_id: str,
    only_from: frozenset[Step] | None,
    at_ms: int,
    changes: dict[str, Any],
    connection: Connection,
) -> Run:
    """Change some fields of a run, and return it as it is then. Raises: UnknownRun, WrongStep."""
    old = read_run(run_id, connection)
    if only_from is not None and old.step not in only_from:
        raise WrongStep(f"This cannot be done with a run that is {old.step.in_words}.")
    new = old.changed(at_ms, changes)
    write_run(old, new, connection)
    return new


def write_run(old: Run, new: Run, connection: Connection) -> None:
    """Keep a run's new state, and what follows from it."""
    changed = changed_columns(old, new)
    if changed:
        connection.execute(update(RUNS).where(RUNS.c.id == new.id).values(changed))
        note_change(old, new, connection)


def take_over(old_holder: str | None, holder: str, connection: Connection) -> tuple[Run, ...]:
    """Take every unfinished run from a holder that is gone, and return them, oldest first."""
    theirs = (RUNS.c.holder.is_not_distinct_from(old_holder), UNFINISHED)
    taken = list_runs(select(RUNS).where(*theirs).order_by(RUNS.c.created_at_ms), connection)
    connection.execute(update(RUNS).where(*theirs).values(holder=holder))
    return tuple(run.model_copy(update={"holder": holder}) for run in taken)


def take_create(
    account: str, most: int, window_ms: int, now_ms: int, connection: Connection
) -> int:
    """Take one of an account's creates: 0, or the milliseconds until the next can be."""
    # A time yet to come is left by a clock that was put back, and would hold everything up.
    outdated = text("DELETE FROM creates WHERE at_ms <= :begin OR at_ms > :now")
    connection.execute(outdated, {"begin": now_ms - window_ms, "now": now_ms})
    asked = text("SELECT at_ms FROM creates WHERE account = :account ORDER BY at_ms")
    sent_at_ms = list(connection.scalars(asked, {"account": account}))
    if len(sent_at_ms) >= most:
        return int(sent_at_ms[-most]) + window_ms - now_ms + 1
    noted = text("INSERT INTO creates (account, at_ms) VALUES (:account, :now)")
    connection.execute(noted, {"account": account, "now": now_ms})
    return 0


def keep_secret(name: str, connection: Connection) -> str:
    """Return a secret of this database's own, made up when it is first asked for."""
    asked = text("SELECT value FROM secrets WHERE name = :name")
    kept = connection.scalar(asked, {"name": name})
    if kept is not None:
        return str(kept)
    made = secrets.token_hex(32)
    noted = text("INSERT INTO secrets (name, value) VALUES (:name, :value)")
    connection.execute(noted, {"name": name, "value": made})
    return made
