from __future__ import annotations

import asyncio
import re
import resource
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from kie_ui.runs.errors import StoreProblem, WrongStep
from kie_ui.runs.limits import CreateBudget
from kie_ui.runs.run import Run
from kie_ui.runs.storage.database import Database, _create_read_only_engine
from kie_ui.runs.storage.run_store import RunStore, sqlite_url
from tests.runs.harness import OWNER, Pragmas, a_run, damage, files_below, fingerprint, until


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the database lies."""
    return tmp_path / "numbers.sqlite3"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    """Return a database with a table of numbers."""
    database = Database(sqlite_url(path))
    await database.open(_make_table)
    yield database
    await database.close()


def _make_table(connection: Connection) -> None:
    connection.execute(text("CREATE TABLE numbers (number INTEGER PRIMARY KEY)"))


def insert(number: int) -> Callable[[Connection], int]:
    """Return work that keeps a number and returns it."""

    def work(connection: Connection) -> int:
        connection.execute(text("INSERT INTO numbers VALUES (:number)"), {"number": number})
        return number

    return work


def insert_and_refuse(number: int) -> Callable[[Connection], int]:
    """Return work that writes, and then finds that it must not."""

    def work(connection: Connection) -> int:
        insert(number)(connection)
        raise WrongStep("No.")

    return work


def numbers_in(connection: Connection) -> list[int]:
    """Read all numbers."""
    return list(connection.scalars(text("SELECT number FROM numbers ORDER BY number")))


class Gate:
    """Keeps the writing thread busy, inside a transaction, until it is opened."""

    def __init__(self) -> None:
        self._is_open = threading.Event()
        self._is_reached = threading.Event()

    def __call__(self, connection: Connection) -> None:
        self._is_reached.set()
        assert self._is_open.wait(10)

    async def close(self, database: Database) -> asyncio.Task[None]:
        """Hold the writing thread up from now on."""
        held = asyncio.create_task(database.write(self))
        await until(self._is_reached.is_set)
        return held

    def open(self) -> None:
        self._is_open.set()


Works = list[Callable[[Connection], Any]]


async def gathered(database: Database, works: Works) -> list[Any]:
    """Have works ordered while the writer is busy, so that they are committed together."""
    return await while_busy(database, [partial(database.write, work) for work in works])


async def while_busy(database: Database, calls: list[Callable[[], Awaitable[Any]]]) -> list[Any]:
    """Make calls while the writer is busy, and return their results."""
    gate = Gate()
    held = await gate.close(database)
    made = [asyncio.ensure_future(call()) for call in calls]
    await asyncio.sleep(0)
    gate.open()
    await held
    return await asyncio.gather(*made, return_exceptions=True)


def count_commits(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return what lists how many works each transaction has had."""
    sizes: list[int] = []
    transact = database._transact

    def counting(works: Any) -> Any:
        sizes.append(len(works))
        return transact(works)

    monkeypatch.setattr(database, "_transact", counting)
    return sizes


async def test_what_has_gathered_is_committed_together(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under load one flush of the disk serves many writers, and each gets its own result."""
    sizes = count_commits(database, monkeypatch)
    assert await gathered(database, [insert(n) for n in range(50)]) == list(range(50))
    assert sizes == [1, 50]
    assert await database.read(numbers_in) == list(range(50))


@settings(max_examples=20, deadline=None)
@given(kinds=st.lists(st.sampled_from(["insert", "refuse", "twice", "fault"]), max_size=12))
def test_one_that_fails_spoils_no_other(
    kinds: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Of many written together, exactly those reported as written are kept."""

    def fault(connection: Connection) -> None:
        insert(999)(connection)
        raise ZeroDivisionError

    async def check() -> None:
        database = Database(sqlite_url(tmp_path_factory.mktemp("db") / "n.sqlite3"))
        await database.open(_make_table)
        await database.write(insert(-1))
        makers = {"insert": insert, "refuse": insert_and_refuse, "twice": lambda _n: insert(-1)}
        works: Works = [makers.get(kind, lambda _n: fault)(n) for n, kind in enumerate(kinds)]
        outcomes = await gathered(database, works)
        expected = {"refuse": WrongStep, "twice": StoreProblem, "fault": ZeroDivisionError}
        for number, (kind, outcome) in enumerate(zip(kinds, outcomes, strict=True)):
            if kind == "insert":
                assert outcome == number
            else:
                assert isinstance(outcome, expected[kind])
        kept = [number for number, kind in enumerate(kinds) if kind == "insert"]
        assert await database.read(numbers_in) == [-1, *kept]
        await database.close()

    asyncio.run(check())


async def test_a_commit_that_fails_fails_each_by_itself(database: Database, path: Path) -> None:
    """A constraint that is checked at the commit undoes the group; the good are then kept."""

    def make_deferred(connection: Connection) -> None:
        connection.exec_driver_sql(
            "CREATE TABLE followers (number INTEGER REFERENCES numbers (number)"
            " DEFERRABLE INITIALLY DEFERRED)"
        )

    def follow_nobody(connection: Connection) -> None:
        connection.exec_driver_sql("INSERT INTO followers VALUES (12345)")

    await database.write(make_deferred)
    outcomes = await gathered(database, [insert(1), follow_nobody, insert(2)])
    assert (outcomes[0], outcomes[2]) == (1, 2)
    assert isinstance(outcomes[1], StoreProblem)
    assert await database.read(numbers_in) == [1, 2]


async def test_a_result_comes_after_the_commit(database: Database, path: Path) -> None:
    """A write that was reported can be read through another connection, or after a crash."""
    for number in range(20):
        await database.write(insert(number))
        connection = sqlite3.connect(path)
        try:
            assert connection.execute("SELECT max(number) FROM numbers").fetchone() == (number,)
        finally:
            connection.close()


async def test_a_cancelled_callers_write_is_kept(database: Database) -> None:
    """A page that closes takes nothing back."""
    gate = Gate()
    held = await gate.close(database)
    writing = asyncio.create_task(database.write(insert(1)))
    await asyncio.sleep(0)
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    assert writing.cancelled()
    gate.open()
    await held
    await database.write(insert(2))
    assert await database.read(numbers_in) == [1, 2]


async def test_closing_finishes_what_was_ordered(database: Database, path: Path) -> None:
    """A stop loses no write that was promised, and takes none that comes later."""
    ordered = [asyncio.create_task(database.write(insert(n))) for n in range(500)]
    await asyncio.sleep(0)
    await database.close()
    assert await asyncio.gather(*ordered) == list(range(500))
    with pytest.raises(StoreProblem, match="closed"):
        await database.write(insert(501))
    with pytest.raises(StoreProblem, match="closed"):
        await database.read(numbers_in)
    await database.close()


async def test_reads_do_not_wait_for_writes(database: Database) -> None:
    """A page opens while a transaction is under way, and sees what was committed before it."""
    await database.write(insert(1))
    gate = Gate()
    held = await gate.close(database)
    async with asyncio.timeout(5):
        assert await database.read(numbers_in) == [1]
    assert not held.done()
    gate.open()
    await held


async def test_a_slow_reader_blocks_nobody(database: Database) -> None:
    """A long list that is being read delays neither a write nor another read."""
    is_reading, may_end = threading.Event(), threading.Event()

    def slowly(connection: Connection) -> list[int]:
        found = numbers_in(connection)
        is_reading.set()
        assert may_end.wait(10)
        return found

    reading = asyncio.create_task(database.read(slowly))
    await until(is_reading.is_set)
    async with asyncio.timeout(5):
        await database.write(insert(1))
        assert await database.read(numbers_in) == [1]
    may_end.set()
    assert await reading == []


@pytest.mark.parametrize("lock", ["IMMEDIATE", "EXCLUSIVE"])
async def test_a_database_in_use_by_another_program_is_said_in_a_sentence(
    store: RunStore, tmp_path: Path, lock: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that wait fail together, after one wait; later writes work again."""
    Pragmas(store).make_impatient()
    database, path = store._database, tmp_path / "store.sqlite3"
    await database.write(_make_table)
    await database.write(insert(1))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute(f"BEGIN {lock}")
    sizes = count_commits(database, monkeypatch)
    async with asyncio.timeout(5):
        outcomes = await asyncio.gather(
            *(database.write(insert(n)) for n in range(2, 40)), return_exceptions=True
        )
    assert {str(outcome) for outcome in outcomes} == {
        f"The database of runs ({path}) is held by another program: close the other one."
    }
    assert len(sizes) <= 3
    assert await database.read(numbers_in) == [1]
    other.execute("ROLLBACK")
    other.close()
    await database.write(insert(2))
    assert await database.read(numbers_in) == [1, 2]


async def test_on_a_full_disk_nothing_that_was_promised_is_lost(store: RunStore) -> None:
    """SQLite undoes a whole transaction then, also what others wrote in it: they are redone."""
    runs = [
        a_run(number, values={"prompt": "x" * (300 if number % 2 else 9_000)})
        for number in range(1, 21)
    ]
    before = await store.add(a_run(99))
    pragmas = Pragmas(store)
    await pragmas.limit(store, 6)
    outcomes = await while_busy(store._database, [partial(store.add, run) for run in runs])
    promised = [outcome for outcome in outcomes if isinstance(outcome, Run)]
    refused = [str(outcome) for outcome in outcomes if not isinstance(outcome, Run)]
    assert promised
    assert refused
    assert all("the disk is full" in sentence for sentence in refused)
    assert await store.runs_of(OWNER, limit=99) == (before, *reversed(promised))
    pragmas.lift_limit()
    await store.add(a_run(50))


async def test_a_full_disk_overwrites_nothing(store: RunStore) -> None:
    """A change for which there is no room leaves the run as it was."""
    run = await store.add(a_run(1))
    await Pragmas(store).limit(store, 0)
    with pytest.raises(StoreProblem, match="the disk is full"):
        await store.change(run.id, answer={"long": "x" * 20_000})
    assert await store.run(run.id) == run


@contextmanager
def no_file_grows() -> Iterator[None]:
    """Let no file of this process grow, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_disk_that_is_full_at_the_start_is_reported(path: Path) -> None:
    """SQLite itself speaks of an error of the disk: it has no room for what its readers share."""
    await filled(path)
    database = Database(sqlite_url(path))
    with no_file_grows(), pytest.raises(StoreProblem, match="the disk is full"):
        await database.open(_make_table)
    await database.close()


async def filled(path: Path, runs: int = 60) -> None:
    """Make a database file with runs in it, complete in one file."""
    store = RunStore(sqlite_url(path))
    await store.open()
    for number in range(runs):
        await store.add(a_run(number, values={"prompt": f"No. {number} " + "x" * 3_000}))
    await store.close()


async def test_what_can_only_be_read_is_read_and_not_changed(path: Path) -> None:
    """Whatever would write is refused with the reason; the file stays as it is, to the byte."""
    await filled(path)
    before = fingerprint(path)
    store = RunStore(sqlite_url(path))
    await store.open_read_only("It is so.")
    assert len(await store.runs_of(OWNER, limit=99)) == 60
    for write in (
        store.add(a_run(99)),
        store.change(f"{1:032x}", status_note="x"),
        store.take_over(None, "me"),
        CreateBudget(store, store.clock, 1).take("account"),
        store.secret("callbacks"),
        store.release("me"),
    ):
        with pytest.raises(StoreProblem, match=r"^It is so\.$"):
            await write
    await store.close()
    assert fingerprint(path) == before


async def test_after_the_reason_is_gone_reads_see_what_is_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that was opened as if it never changed must not be read so for ever."""
    await filled(path, 3)
    store = RunStore(sqlite_url(path))
    # The way of last resort, taken where not even a lock can be set.
    immutable = partial(_create_read_only_engine, mode="mode=ro&immutable=1")
    monkeypatch.setattr(
        "kie_ui.runs.storage.database._create_read_only_engine", lambda path, _mode: immutable(path)
    )
    await store.open_read_only("It is so.")
    assert len(await store.runs_of(OWNER, limit=99)) == 3
    await store.open()
    await store.add(a_run(99))
    assert len(await store.runs_of(OWNER, limit=99)) == 4
    await store.close()


async def test_a_damaged_database_is_read_as_far_as_that_goes(path: Path) -> None:
    """It says that it is damaged and what to do, loses no further run, and is not written to."""
    await filled(path)
    await asyncio.to_thread(damage, path)
    before = fingerprint(path)
    store = RunStore(sqlite_url(path))
    await store.open_read_only("It is damaged.")
    newest = await store.runs_of(OWNER, limit=5)
    assert [int(run.id, 16) for run in newest] == [59, 58, 57, 56, 55]
    with pytest.raises(StoreProblem, match="move it away and restore a copy"):
        await store.runs_of(OWNER, limit=99)
    await store.close()
    assert fingerprint(path) == before


async def test_what_is_no_database_cannot_be_read_either(path: Path) -> None:
    """There is nothing to list, and the file is left alone: it may be someone's letter."""
    await asyncio.to_thread(path.write_bytes, b"Dear Ada, " * 500)
    before = fingerprint(path)
    store = RunStore(sqlite_url(path))
    with pytest.raises(StoreProblem, match=f"{re.escape(str(path))}.*damaged"):
        await store.open()
    with pytest.raises(StoreProblem, match="damaged"):
        await store.open_read_only("It is none.")
    await store.close()
    assert fingerprint(path) == before


async def test_a_database_in_its_place_is_not_made_where_one_is_only_to_be_read(path: Path) -> None:
    """A folder that cannot be used gets no empty database by the way."""
    store = RunStore(sqlite_url(path))
    with pytest.raises(StoreProblem, match="cannot be opened"):
        await store.open_read_only("It is so.")
    await store.close()
    assert files_below(path.parent) == []
