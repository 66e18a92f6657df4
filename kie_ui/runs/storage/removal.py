"""What may be removed from the disk: runs in the trash, and the oldest results beyond a limit."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, Select, bindparam, delete, func, insert, select, update

from kie_ui.runs.run import Run
from kie_ui.runs.storage.search import remove_from_index
from kie_ui.runs.storage.tables import (
    HAS_RESULTS,
    IS_NO_FAVOURITE,
    NOT_IN_TRASH,
    RUN_COLUMNS,
    RUN_INPUTS,
    RUNS,
    SPENT,
    STORED_FILES,
    list_runs,
    readable,
)


def trash_due(connection: Connection, until_ms: int) -> tuple[Run, ...]:
    """List the runs that were deleted until a time in UTC milliseconds."""
    return list_runs(connection, select(*RUN_COLUMNS).where(RUNS.c.deleted_at_ms <= until_ms))


def own_inputs(connection: Connection, run: Run) -> tuple[str, ...]:
    """Name the given files of a run that no other run uses, in the trash or not."""
    return tuple(connection.scalars(_own_inputs(run)))


def _own_inputs(run: Run) -> Select[tuple[str]]:
    others = RUN_INPUTS.alias("others")
    shared = select(others.c.name).where(
        others.c.name == RUN_INPUTS.c.name, others.c.run_id != run.id
    )
    return select(RUN_INPUTS.c.name).where(RUN_INPUTS.c.run_id == run.id, ~shared.exists())


def delete_for_good(connection: Connection, run: Run) -> None:
    """Delete a run in the trash; what it cost and whose task it was is remembered."""
    number = connection.scalar(select(RUNS.c.number).where(RUNS.c.id == run.id, ~NOT_IN_TRASH))
    if number is None:
        return
    remembered = [column.name for column in SPENT.columns]
    row = select(*(RUNS.c[name] for name in remembered)).where(RUNS.c.id == run.id)
    connection.execute(insert(SPENT).from_select(remembered, row))
    remove_from_index(connection, number)
    gone = [*own_inputs(connection, run), *([run.poster] if run.poster else [])]
    connection.execute(delete(STORED_FILES).where(STORED_FILES.c.name.in_(gone)))
    connection.execute(delete(RUN_INPUTS).where(RUN_INPUTS.c.run_id == run.id))
    connection.execute(delete(RUNS).where(RUNS.c.id == run.id))


def stored_bytes(connection: Connection) -> int:
    """Add up what results, and the given files and posters that are measured, take of the disk."""
    results = select(func.sum(RUNS.c.clip_bytes)).where(HAS_RESULTS)
    files = select(func.sum(STORED_FILES.c.size_bytes))
    return (connection.scalar(results) or 0) + (connection.scalar(files) or 0)


def unmeasured_files(connection: Connection, limit: int) -> list[str]:
    """Name some given files and posters whose sizes are not known yet."""
    query = select(STORED_FILES.c.name).where(STORED_FILES.c.size_bytes.is_(None)).limit(limit)
    return list(connection.scalars(query))


def save_sizes(connection: Connection, sizes: Mapping[str, int]) -> None:
    """Save the sizes of given files and posters, in bytes, by their names."""
    measured = update(STORED_FILES).where(STORED_FILES.c.name == bindparam("file"))
    rows = [{"file": name, "size_bytes": size_bytes} for name, size_bytes in sizes.items()]
    connection.execute(measured.values(size_bytes=bindparam("size_bytes")), rows)


def unmeasured_results(connection: Connection, limit: int) -> tuple[Run, ...]:
    """List some runs from before the sizes of results were saved. Looks through all runs."""
    has_no_size = RUNS.c.clips.contains('"size_bytes": null')
    query = select(*RUN_COLUMNS).where(RUNS.c.clip_bytes == 0, has_no_size, NOT_IN_TRASH)
    return list_runs(connection, query.limit(limit))


def oldest_stored(connection: Connection, after: int, limit: int) -> tuple[tuple[int, Run], ...]:
    """List runs with stored results, the oldest first, with their numbers, from after a number on.

    Neither favourites nor the newest run that has results are among them.
    """
    newest = select(func.max(RUNS.c.number)).where(HAS_RESULTS).scalar_subquery()
    query = select(RUNS.c.number, *RUN_COLUMNS).where(HAS_RESULTS, IS_NO_FAVOURITE)
    query = query.where(RUNS.c.number > after, RUNS.c.number < newest)
    query = query.order_by(RUNS.c.number).limit(limit)
    rows = [dict(row) for row in connection.execute(query).mappings()]
    numbers = {row["id"]: row.pop("number") for row in rows}
    return tuple((numbers[run.id], run) for run in readable(rows))
