"""The database itself: connections, transactions, and errors as sentences.

Writes are made by one thread, so the event loop never waits for a disk and writes of this process
never meet each other. What has gathered while the last commit was on its way is committed together:
under load one flush of the disk serves many runs. A few more threads read.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from kie_ui.runs.errors import StoreProblem

T = TypeVar("T")
Work = Callable[[Connection], Any]

MAX_BATCH = 200
"""Writes committed together at most."""

READERS = 4
"""Threads that read: a slow query does not delay the others."""

_READS = "kie_ui_reads"

_CLOSED = "The database of runs is closed."


class _Write(NamedTuple):
    work: Work
    done: Future[Any]


class Database:
    """One database. Its methods raise StoreProblem when the database fails."""

    def __init__(self, url: str) -> None:
        self._where = make_url(url).database or url
        self._engine = _create_engine(url)
        self._reader_engine = self._engine_for_reads()
        self._queue: SimpleQueue[_Write] = SimpleQueue()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="runs-writer")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="runs-reader")
        self._is_open = True
        self._read_only_reason: str | None = None

    async def open(self, work: Callable[[Connection], T]) -> T:
        """Do the first write, and let the database be written again from then on."""
        result = await self._enqueue(work)
        if self._read_only_reason is not None:
            await self._in_reader(self._open_for_writing)
            self._read_only_reason = None
        return result

    async def open_read_only(self, reason: str) -> None:
        """From now on read the file as it is; every write is refused with the reason.

        Raises: StoreProblem where this can't be done.
        """
        self._read_only_reason = reason
        if self._engine.dialect.name != "sqlite":
            raise StoreProblem(f"The database of runs ({self._where}) cannot be read.")
        await self._in_reader(self._open_read_only)

    async def close(self) -> None:
        """Finish the writes that are queued, and close every connection."""
        self._is_open = False
        for threads in (self._writer, self._readers):
            await asyncio.to_thread(threads.shutdown)
        self._reader_engine.dispose()
        self._engine.dispose()

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Do work in a transaction; once begun, it is not given up half-way."""
        if self._read_only_reason is not None:
            raise StoreProblem(self._read_only_reason)
        return await self._enqueue(work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Do work that changes nothing, beside what is being written."""
        return await self._in_reader(partial(self._read, work))

    async def check(self) -> None:
        """Look through the whole file for damage. Raises: StoreProblem, where there is any."""
        if self._engine.dialect.name == "sqlite":
            await self._in_reader(self._check)

    async def _enqueue(self, work: Callable[[Connection], T]) -> T:
        if not self._is_open:
            raise StoreProblem(_CLOSED)
        write = _Write(work, Future())
        self._queue.put(write)
        self._writer.submit(self._write_queued)
        result: T = await asyncio.shield(asyncio.wrap_future(write.done))
        return result

    async def _in_reader(self, work: Callable[[], T]) -> T:
        if not self._is_open:
            raise StoreProblem(_CLOSED)
        return await asyncio.get_running_loop().run_in_executor(self._readers, work)

    # In the readers' threads

    def _engine_for_reads(self) -> Engine:
        return self._engine.execution_options(**{_READS: True})

    def _read(self, work: Callable[[Connection], T]) -> T:
        with explained_errors(self._where), self._reader_engine.begin() as connection:
            return work(connection)

    def _check(self) -> None:
        with explained_errors(self._where), self._engine_for_reads().begin() as connection:
            found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        if found != "ok":
            raise StoreProblem(f"The database of runs ({self._where}) {_DAMAGED}")

    def _open_for_writing(self) -> None:
        self._reader_engine.dispose()
        self._reader_engine = self._engine_for_reads()

    def _open_read_only(self) -> None:
        self._reader_engine.dispose()
        # The second reads where not even a lock can be set.
        for mode in ("mode=ro", "mode=ro&immutable=1"):
            engine = _create_read_only_engine(Path(self._where), mode)
            try:
                with explained_errors(self._where), engine.begin() as connection:
                    connection.exec_driver_sql("SELECT id FROM runs LIMIT 1")
            except StoreProblem as exc:
                problem = exc
                engine.dispose()
            else:
                self._reader_engine = engine
                return
        raise problem

    # In the writer's thread

    def _write_queued(self) -> None:
        """Write what is queued by now; a later call finds it done."""
        batch: list[_Write] = []
        while len(batch) < MAX_BATCH and not self._queue.empty():
            batch.append(self._queue.get())
        if batch:
            self._write(batch)

    def _write(self, batch: list[_Write]) -> None:
        """Commit writes together; if that fails, each by itself, so that one spoils no other."""
        try:
            outcomes = self._transact([write.work for write in batch])
        except Exception as exc:  # noqa: BLE001 - handed to the caller
            if len(batch) == 1:
                batch[0].done.set_exception(exc)
            else:
                for write in batch:
                    self._write([write])
            return
        for write, (result, problem) in zip(batch, outcomes, strict=True):
            if problem is None:
                write.done.set_result(result)
            else:
                write.done.set_exception(problem)

    def _transact(self, works: list[Work]) -> list[tuple[Any, Exception | None]]:
        """Do works in one transaction; where none can be begun, none of them needs to try again."""
        is_begun = False
        try:
            with explained_errors(self._where), self._engine.begin() as connection:
                is_begun = True
                if len(works) == 1:  # a savepoint, once SQLite has undone it, would hide the error
                    return [(works[0](connection), None)]
                return [_in_savepoint(connection, work) for work in works]
        except StoreProblem as problem:
            if is_begun:
                raise
            return [(None, problem)] * len(works)


def _in_savepoint(connection: Connection, work: Work) -> tuple[Any, Exception | None]:
    """Do one work among several; if it raises, its own changes alone are undone.

    An error of the database itself is raised: SQLite may have undone the whole transaction with
    it, as it does when the disk is full, so the others' outcomes would be no longer true.
    """
    try:
        with connection.begin_nested():
            return work(connection), None
    except SQLAlchemyError:
        raise
    except Exception as exc:  # noqa: BLE001 - handed to the caller
        return None, exc


def _create_engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, pool_pre_ping=True, hide_parameters=True)
    engine = create_engine(parsed, pool_size=READERS + 1, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _create_read_only_engine(path: Path, mode: str) -> Engine:
    address = f"file:{quote(str(path))}?{mode}"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(address, uri=True, check_same_thread=False)

    return create_engine("sqlite://", creator=connect, poolclass=QueuePool)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Set a fresh SQLite connection up; transactions are begun by `_begin_sqlite` alone.

    `synchronous=FULL`: in WAL mode, `NORMAL` may lose the last commits to a power cut, and a
    task id that is lost is a paid clip that is lost.
    """
    connection.isolation_level = None
    for pragma in (
        "busy_timeout=5000",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at once, unless this only reads.

    A transaction that reads first and writes then could not always get the lock later.
    """
    only_reads = connection.get_execution_options().get(_READS, False)
    connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")


_DAMAGED = (
    "is damaged: move it away and restore a copy of it. Without one, tasks can be tracked again"
    " by their ids, which https://kie.ai/logs lists."
)
_FULL = "cannot grow: the disk is full. Free some space."
_READ_ONLY = "cannot be written: check the permissions of the file and of its folder."
_EXPLANATIONS = (
    ("not a database", _DAMAGED),
    ("malformed", _DAMAGED),
    ("readonly", _READ_ONLY),
    ("read-only", _READ_ONLY),
    ("unable to open", "cannot be opened: check that its folder exists and may be written."),
    ("full", _FULL),
    ("shmsize", _FULL),  # no room for what its readers share
    ("disk i/o", "cannot be read or written: the disk reports an error. Check the disk."),
    ("locked", "is held by another program: close the other one."),
)
"""What a driver's message or SQLite's name of it contains, and what a person can do about it."""


@contextmanager
def explained_errors(where: str) -> Iterator[None]:
    """Turn a driver's error into a sentence. Raises: StoreProblem."""
    try:
        yield
    except SQLAlchemyError as exc:
        cause = getattr(exc, "orig", exc)  # without the statement and its values
        message = f"{cause} {getattr(cause, 'sqlite_errorname', '')}".lower()
        explanation = next(
            (sentence for sign, sentence in _EXPLANATIONS if sign in message),
            "could not do this.",
        )
        raise StoreProblem(f"The database of runs ({where}) {explanation}") from exc
