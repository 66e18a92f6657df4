"""The database itself: connections, transactions, and errors as sentences.

Writes are made by one worker thread, so the event loop never waits for a disk and writes of this
process never meet each other. What has gathered while the last commit was on its way is committed
together: under load one flush of the disk serves many runs. Reads have a thread of their own.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from kie_ui.runs.errors import StoreProblem

T = TypeVar("T")
Work = Callable[[Connection], Any]

BATCH = 200
"""Works committed together at most."""

_READS = "kie_ui_reads"

_CLOSED = "The database of runs is closed."


class _Order(NamedTuple):
    work: Work
    done: Future[Any]


class Database:
    """One database. Its methods raise StoreProblem when the database fails."""

    def __init__(self, url: str) -> None:
        self._where = make_url(url).database or url
        self._engine = _engine(url)
        self._reader_engine = self._beside_writes()
        self._orders: SimpleQueue[_Order | None] = SimpleQueue()
        self._writer = Thread(target=self._write_all, name="runs-writer", daemon=True)
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="runs-reader")
        self._is_open = True
        self._only_read_because: str | None = None
        self._writer.start()

    async def open(self, work: Callable[[Connection], T]) -> T:
        """Do the first work of all, and let the database be written again from then on."""
        result = await self._ordered(work)
        if self._only_read_because is not None:
            await self._in_reader(self._read_normally)
            self._only_read_because = None
        return result

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Do work in a transaction; once begun, it is not given up half-way."""
        if self._only_read_because is not None:
            raise StoreProblem(self._only_read_because)
        return await self._ordered(work)

    async def _ordered(self, work: Callable[[Connection], T]) -> T:
        if not self._is_open:
            raise StoreProblem(_CLOSED)
        order = _Order(work, Future())
        self._orders.put(order)
        result: T = await asyncio.shield(asyncio.wrap_future(order.done))
        return result

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Do work that changes nothing, beside what is being written."""
        return await self._in_reader(partial(self._read, work))

    async def check(self) -> None:
        """Look through the whole file for damage. Raises: StoreProblem, where there is any."""
        if self._engine.dialect.name == "sqlite":
            await self._in_reader(self._check)

    def _check(self) -> None:
        with errors_explained(self._where), self._beside_writes().begin() as connection:
            found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        if found != "ok":
            raise StoreProblem(f"The database of runs ({self._where}) {_DAMAGED}")

    async def only_read(self, because: str) -> None:
        """From now on read the file as it is; what would write is refused with the reason.

        Raises: StoreProblem where this can't be done.
        """
        self._only_read_because = because
        if self._engine.dialect.name != "sqlite":
            raise StoreProblem(f"The database of runs ({self._where}) cannot be read.")
        await self._in_reader(self._open_read_only)

    async def close(self) -> None:
        """Finish what is being written and let the database go."""
        if self._is_open:
            self._is_open = False
            self._orders.put(None)
        await asyncio.to_thread(self._writer.join)
        await asyncio.to_thread(self._reader.shutdown)
        self._reader_engine.dispose()
        self._engine.dispose()

    async def _in_reader(self, work: Callable[[], T]) -> T:
        """Do something in the reading thread, whose own the reading connections are."""
        if not self._is_open:
            raise StoreProblem(_CLOSED)
        return await asyncio.get_running_loop().run_in_executor(self._reader, work)

    def _beside_writes(self) -> Engine:
        return self._engine.execution_options(**{_READS: True})

    def _read_normally(self) -> None:
        self._reader_engine.dispose()
        self._reader_engine = self._beside_writes()

    def _read(self, work: Callable[[Connection], T]) -> T:
        with errors_explained(self._where), self._reader_engine.begin() as connection:
            return work(connection)

    def _open_read_only(self) -> None:
        self._reader_engine.dispose()
        # The second reads where not even a lock can be set.
        for mode in ("mode=ro", "mode=ro&immutable=1"):
            engine = _read_only_engine(Path(self._where), mode)
            try:
                with errors_explained(self._where), engine.begin() as connection:
                    connection.exec_driver_sql("SELECT id FROM runs LIMIT 1")
            except StoreProblem as problem:
                found = problem
                engine.dispose()
            else:
                self._reader_engine = engine
                return
        raise found

    def _write_all(self) -> None:
        """Write what is ordered until the end: the life of the writing thread."""
        while (first := self._orders.get()) is not None:
            orders = [first]
            is_over = False
            while len(orders) < BATCH and not is_over:
                try:
                    order = self._orders.get_nowait()
                except Empty:
                    break
                is_over = order is None
                if order is not None:
                    orders.append(order)
            self._write(orders)
            if is_over:
                return

    def _write(self, orders: list[_Order]) -> None:
        """Commit orders together; if that fails, each by itself, so that one spoils no other."""
        try:
            outcomes = self._transact([order.work for order in orders])
        except Exception as exc:  # noqa: BLE001 - handed to whoever waits
            if len(orders) > 1:
                for order in orders:
                    self._write([order])
            else:
                orders[0].done.set_exception(exc)
            return
        for order, (result, problem) in zip(orders, outcomes, strict=True):
            if problem is None:
                order.done.set_result(result)
            else:
                order.done.set_exception(problem)

    def _transact(self, works: list[Work]) -> list[tuple[Any, Exception | None]]:
        """Do works in one transaction; where none can be begun, none of them needs to try again."""
        is_begun = False
        try:
            with errors_explained(self._where), self._engine.begin() as connection:
                is_begun = True
                if len(works) == 1:
                    return [(works[0](connection), None)]
                return [_in_savepoint(connection, work) for work in works]
        except StoreProblem as problem:
            if is_begun:
                raise
            return [(None, problem)] * len(works)


def _in_savepoint(connection: Connection, work: Work) -> tuple[Any, Exception | None]:
    """Do one work among several; where it refuses, its own changes alone are undone.

    An error of the database itself is raised: SQLite may have undone the whole transaction with
    it, as it does when the disk is full, so the others' outcomes would be no longer true.
    """
    try:
        with connection.begin_nested():
            return work(connection), None
    except SQLAlchemyError:
        raise
    except Exception as exc:  # noqa: BLE001 - handed to whoever waits
        return None, exc


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, pool_pre_ping=True)
    engine = create_engine(parsed)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _read_only_engine(path: Path, mode: str) -> Engine:
    address = f"file:{quote(str(path))}?{mode}"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(address, uri=True, check_same_thread=False)

    return create_engine("sqlite://", creator=connect)


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
    " by their ids, which stand at https://kie.ai/logs."
)
_FULL = "cannot grow: the disk is full. Free some space."
_EXPLANATIONS = (
    ("not a database", _DAMAGED),
    ("malformed", _DAMAGED),
    ("readonly", "cannot be written: check the permissions of the file and of its folder."),
    ("read-only", "cannot be written: check the permissions of the file and of its folder."),
    ("unable to open", "cannot be opened: check that its folder exists and may be written."),
    ("full", _FULL),
    ("shmsize", _FULL),  # no room for what its readers share
    ("disk i/o", "cannot be read or written: the disk reports an error. Check the disk."),
    ("locked", "is held by another program: close the other one."),
)
"""What a driver's message or SQLite's name of it contains, and what a person can do about it."""


@contextmanager
def errors_explained(where: str) -> Iterator[None]:
    """Turn a driver's error into a sentence. Raises: StoreProblem."""
    try:
        yield
    except SQLAlchemyError as exc:
        cause = getattr(exc, "orig", exc)  # without the statement and its values
        said = f"{cause} {getattr(cause, 'sqlite_errorname', '')}".lower()
        fitting = (words for sign, words in _EXPLANATIONS if sign in said)
        words = next(fitting, "did not do what it was asked to.")
        raise StoreProblem(f"The database of runs ({where}) {words}") from exc
