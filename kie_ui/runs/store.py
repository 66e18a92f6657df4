"""Runs in a database: SQLite by default, another one by its address.

Every statement is executed by one worker thread, so the event loop never waits for a disk and
writes of this process never meet each other.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Double,
    Engine,
    MetaData,
    RowMapping,
    Select,
    String,
    Table,
    Text,
    create_engine,
    event,
    insert,
    literal_column,
    select,
    tuple_,
    update,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from kie_ui.runs.clock import utc_now_ms
from kie_ui.runs.errors import StoreProblem, UnknownRun, WrongStep
from kie_ui.runs.migrations import migrate
from kie_ui.runs.run import Run, Step

T = TypeVar("T")

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
    Column("created_at_ms", BigInteger),
    Column("sent_at_ms", BigInteger),
    Column("finished_at_ms", BigInteger),
    Column("updated_at_ms", BigInteger),
)

_UNFINISHED = literal_column("step NOT IN ('done', 'failed', 'unknown')", Boolean)
"""Word for word the condition of the index `runs_unfinished`: bound values would not match it."""


def sqlite_url(path: Path) -> str:
    """Return the address of a SQLite database in a file."""
    return f"sqlite:///{path}"


def to_row(run: Run) -> dict[str, Any]:
    """Turn a run into its columns; inverse of `from_row`."""
    row = run.model_dump(mode="json")
    return {name: _to_column(name, value) for name, value in row.items()}


def _to_column(name: str, value: Any) -> Any:
    return json.dumps(value) if name in JSON_FIELDS and value is not None else value


def from_row(row: RowMapping) -> Run:
    """Turn columns back into a run; inverse of `to_row`.

    Raises: ValueError, for a damaged row.
    """
    fields = {
        name: json.loads(value) if name in JSON_FIELDS and value is not None else value
        for name, value in row.items()
    }
    return Run.model_validate(fields)


class Store:
    """All runs, for every owner. Its methods raise StoreProblem when the database fails."""

    def __init__(self, url: str, *, now_ms: Callable[[], int] = utc_now_ms) -> None:
        self._now_ms = now_ms
        self._where = make_url(url).database or url
        self._engine = _engine(url)
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="runs-store")

    async def open(self) -> None:
        """Bring the database into its present shape, making it where there is none."""
        await self._do(partial(migrate, at_ms=self._now_ms()))

    async def close(self) -> None:
        """Finish what is being written and let the database go."""
        await asyncio.to_thread(self._worker.shutdown)
        self._engine.dispose()

    async def add_run(self, run: Run) -> Run:
        """Keep a new run."""
        await self._do(lambda connection: connection.execute(insert(RUNS).values(to_row(run))))
        return run

    async def run(self, run_id: str) -> Run:
        """Return one run. Raises: UnknownRun."""
        return await self._do(lambda connection: _run(connection, run_id))

    async def runs_of(
        self, owner: str, *, limit: int, before: str | None = None, model: str | None = None
    ) -> tuple[Run, ...]:
        """List an owner's runs, the newest first, from the one after the run `before` on.

        Raises: UnknownRun, for a `before` that is none of the owner's.
        """
        return await self._do(lambda connection: _runs_of(connection, owner, limit, before, model))

    async def unfinished_runs(self) -> tuple[Run, ...]:
        """List every owner's runs of which something is still to come, the oldest first."""
        query = select(RUNS).where(_UNFINISHED).order_by(RUNS.c.created_at_ms)
        return await self._do(lambda connection: _runs(connection, query))

    async def change_run(
        self, run_id: str, *, only_from: frozenset[Step] | None = None, **changes: Any
    ) -> Run:
        """Change some fields of a run in one transaction, and return it as it is then.

        Raises: UnknownRun; WrongStep if the run is at none of the steps `only_from`.
        """
        change = partial(_change_run, run_id, only_from, self._now_ms(), changes)
        return await self._do(change)

    async def _do(self, work: Callable[[Connection], T]) -> T:
        """Do work in one transaction in the worker; once begun, it is not given up half-way."""
        loop = asyncio.get_running_loop()
        return await asyncio.shield(loop.run_in_executor(self._worker, self._transact, work))

    def _transact(self, work: Callable[[Connection], T]) -> T:
        with _database_errors_explained(self._where), self._engine.begin() as connection:
            return work(connection)


def _run(connection: Connection, run_id: str) -> Run:
    row = connection.execute(select(RUNS).where(RUNS.c.id == run_id)).mappings().first()
    if row is None:
        raise UnknownRun
    try:
        return from_row(row)
    except ValueError as exc:
        raise StoreProblem("The record of this run is damaged and cannot be read.") from exc


def _runs(connection: Connection, query: Select[Any]) -> tuple[Run, ...]:
    return tuple(_readable(connection.execute(query).mappings()))


def _readable(rows: Any) -> Iterator[Run]:
    """Read rows; a damaged one is reported to the log and must not hide the others."""
    for row in rows:
        try:
            yield from_row(row)
        except ValueError as exc:
            problems = len(exc.errors()) if isinstance(exc, ValidationError) else 1
            log.warning("Run %s cannot be read: %s problem(s).", row["id"], problems)


def _runs_of(
    connection: Connection, owner: str, limit: int, before: str | None, model: str | None
) -> tuple[Run, ...]:
    by_age = tuple_(RUNS.c.created_at_ms, RUNS.c.id)
    query = select(RUNS).where(RUNS.c.owner == owner).limit(limit)
    query = query.order_by(RUNS.c.created_at_ms.desc(), RUNS.c.id.desc())
    if model is not None:
        query = query.where(RUNS.c.model == model)
    if before is not None:
        last = _run(connection, before)
        if last.owner != owner:
            raise UnknownRun
        query = query.where(by_age < (last.created_at_ms, last.id))
    return _runs(connection, query)


def _change_run(
    run_id: str,
    only_from: frozenset[Step] | None,
    at_ms: int,
    changes: dict[str, Any],
    connection: Connection,
) -> Run:
    old = _run(connection, run_id)
    if only_from is not None and old.step not in only_from:
        raise WrongStep(f"This cannot be done with a run that is {old.step}.")
    new = old.changed(at_ms, changes)
    before, after = to_row(old), to_row(new)
    changed = {name: value for name, value in after.items() if value != before[name]}
    if changed:
        connection.execute(update(RUNS).where(RUNS.c.id == run_id).values(changed))
    return new


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, pool_pre_ping=True)
    engine = create_engine(parsed)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Set a fresh SQLite connection up; transactions are begun by `_begin_sqlite` alone.

    `synchronous=FULL`: in WAL mode, `NORMAL` may lose the last commits to a power cut, and a
    task id that is lost is a paid clip that is lost. It costs one flush a commit, and a run
    commits a dozen times.
    """
    connection.isolation_level = None
    for pragma in (
        "busy_timeout=10000",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at once: a transaction that reads first could not get it later."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


_EXPLANATIONS = (
    ("not a database", "is damaged, or is no database: move it away and restore a copy of it."),
    ("malformed", "is damaged: move it away and restore a copy of it."),
    ("readonly", "cannot be written: check the permissions of the file and of its folder."),
    ("read-only", "cannot be written: check the permissions of the file and of its folder."),
    ("unable to open", "cannot be opened: check that its folder exists and may be written."),
    ("full", "cannot grow: the disk is full. Free some space."),
    ("locked", "is held by another program: close the other one."),
)
"""What a driver's message contains, and what a person can do about it."""


@contextmanager
def _database_errors_explained(where: str) -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as exc:
        said = str(getattr(exc, "orig", exc)).lower()  # without the statement and its values
        fitting = (words for sign, words in _EXPLANATIONS if sign in said)
        words = next(fitting, "did not do what it was asked to.")
        raise StoreProblem(f"The database of runs ({where}) {words}") from exc
