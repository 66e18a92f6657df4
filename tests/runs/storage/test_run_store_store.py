from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, event, text

from kie_ui.catalog.values import FileRef
from kie_ui.runs.errors import StoreProblem, UnknownRun, WrongStep
from kie_ui.runs.run import UNSENT_STEPS, Clip, Run, RunError, Step, Upload
from kie_ui.runs.storage import migrations
from kie_ui.runs.storage.run_store import RunStore, sqlite_url
from kie_ui.runs.storage.tables import JSON_FIELDS, RUN_COLUMNS, to_row
from tests.runs.harness import OWNER, a_run

FULL: dict[str, Any] = {
    "values": {"image_urls": (FileRef(path="inputs/ab/ab.png", name="ä.png"),), "seed": -1},
    "notices": ("It is made as normal.",),
    "changes": ("It was turned upright.",),
    "estimated_credits": 14.4,
    "uploads": {"inputs/ab/ab.png": Upload(url="https://kie.test/a.png", at_ms=7)},
    "request": {"model": "m", "input": {"prompt": "€ 😀"}},
    "answer": {"code": 200},
    "paid_by": "server",
    "task_id": "task-1",
    "record": {"state": "success"},
    "result_urls": ("https://kie.test/a.mp4",),
    "clips": (Clip(name="clips/a.mp4", width_px=64, height_px=48, duration_s=0.5),),
    "credits_used": 14.4,
    "balance_after": 80.1,
    "status_note": "Kie is busy.",
    "user_note": "The best one.",
    "error": RunError(kind="TaskFailed", message="No.", code=500),
    "is_late": True,
    "progress": 0.25,
    "sent_at_ms": 8,
    "finished_at_ms": 9,
}


async def test_a_run_comes_back_as_it_was(store: RunStore) -> None:
    """Every field survives the database."""
    run = await store.add(a_run(**FULL))
    assert await store.run(run.id) == run


def test_there_is_a_column_for_every_fact() -> None:
    """A field that is added to runs without a column is found here."""
    assert [column.name for column in RUN_COLUMNS] == list(Run.model_fields)
    assert set(Run.model_fields) >= JSON_FIELDS


async def test_a_change_is_kept_and_returned(store: RunStore) -> None:
    """What `change` returns is what the next reader finds."""
    run = await store.add(a_run())
    changed = await store.change(run.id, step=Step.WAITING, task_id="task-1")
    assert changed == await store.run(run.id)
    assert (changed.step, changed.task_id, changed.updated_at_ms) == ("waiting", "task-1", 5_000)


async def test_of_two_that_would_send_a_run_only_one_may(store: RunStore) -> None:
    """The mark `sending` is won once, however many try at the same time."""
    run = await store.add(a_run())
    tries = [store.change(run.id, only_from=UNSENT_STEPS, step=Step.SENDING) for _ in range(5)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(result, Run) for result in results) == 1
    assert sum(isinstance(result, WrongStep) for result in results) == 4


async def test_changes_of_different_facts_do_not_undo_each_other(store: RunStore) -> None:
    """A balance that arrives while a clip is fetched again overwrites nothing."""
    run = await store.add(a_run())
    await asyncio.gather(
        store.change(run.id, balance_after=1.0),
        store.change(run.id, step=Step.FETCHING),
        store.change(run.id, status_note="x"),
    )
    now = await store.run(run.id)
    assert (now.balance_after, now.step, now.status_note) == (1.0, Step.FETCHING, "x")


async def test_an_unknown_id_is_an_unknown_run(store: RunStore) -> None:
    """Reading and changing what is not there say so."""
    with pytest.raises(UnknownRun):
        await store.run("nope")
    with pytest.raises(UnknownRun):
        await store.change("nope", status_note="x")


async def test_lists_are_paged_newest_first_and_belong_to_one_owner(store: RunStore) -> None:
    """Pages join without gap or repetition, also among runs of the same millisecond."""
    for number in range(1, 8):
        await store.add(a_run(number, created_at_ms=1_000 + number // 3))
    await store.add(a_run(99, owner="eve"))
    pages: list[Run] = []
    while page := await store.runs_of(OWNER, limit=3, before=pages[-1].id if pages else None):
        pages += page
    assert [int(run.id, 16) for run in pages] == [7, 6, 5, 4, 3, 2, 1]


async def test_a_list_does_not_start_from_someone_elses_run(store: RunStore) -> None:
    """Another owner's run is as good as none, also as a page's mark."""
    await store.add(a_run(99, owner="eve"))
    with pytest.raises(UnknownRun):
        await store.runs_of(OWNER, limit=3, before=f"{99:032x}")


async def test_a_list_can_be_of_one_model(store: RunStore) -> None:
    """A model's tab lists its own runs."""
    await store.add(a_run(1, model="a/b"))
    await store.add(a_run(2, model="c/d"))
    assert [run.model for run in await store.runs_of(OWNER, limit=9, model="a/b")] == ["a/b"]


async def test_unfinished_are_those_of_which_something_may_come(store: RunStore) -> None:
    """A start looks at everything but what is done, failed, called off, or beyond knowing."""
    for number, step in enumerate(Step):
        await store.add(a_run(number, step=step))
    steps = {run.step for run in await store.unfinished()}
    assert steps == set(Step) - {Step.DONE, Step.FAILED, Step.CANCELLED, Step.UNKNOWN}


async def test_the_newest_runs_are_found_by_index(store: RunStore, tmp_path: Path) -> None:
    """Ten thousand runs do not slow a page down."""
    plan = _plan(tmp_path, "SELECT * FROM runs WHERE owner = 'a' ORDER BY created_at_ms DESC")
    assert "runs_by_owner" in plan


def _plan(folder: Path, query: str) -> str:
    connection = sqlite3.connect(folder / "store.sqlite3")
    try:
        return str(connection.execute(f"EXPLAIN QUERY PLAN {query}").fetchall())
    finally:
        connection.close()


async def test_a_commit_reaches_the_disk_before_it_returns(store: RunStore) -> None:
    """A task id must survive a power cut, so WAL is flushed with every commit."""

    def pragmas(connection: Any) -> tuple[Any, ...]:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        return tuple(connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names)

    assert await store._database.write(pragmas) == ("wal", 2, 1, 5_000)


async def test_a_write_whose_caller_is_cancelled_is_kept_all_the_same(store: RunStore) -> None:
    """A page that closes, or a stop, does not take a task id back."""
    run = await store.add(a_run())
    changing = asyncio.create_task(store.change(run.id, task_id="task-1"))
    await asyncio.sleep(0)
    changing.cancel()
    await store.change(run.id, status_note="A later write.")
    assert (await store.run(run.id)).task_id == "task-1"


async def test_a_damaged_row_does_not_hide_the_others(
    store: RunStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A list shows what can be read; the damaged run itself says that it is damaged."""
    good, bad = await store.add(a_run(1)), await store.add(a_run(2))
    with create_engine(sqlite_url(tmp_path / "store.sqlite3")).begin() as connection:
        connection.execute(text("UPDATE runs SET clips='{' WHERE id=:id"), {"id": bad.id})
    assert await store.runs_of(OWNER, limit=9) == (good,)
    assert bad.id in caplog.text
    with pytest.raises(StoreProblem, match="damaged"):
        await store.run(bad.id)


OLD_NAMES = {"status_note": "note", "user_note": "remark"}


@pytest.mark.parametrize("migrations_applied", [1, 6])
async def test_a_database_of_an_older_version_is_brought_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, migrations_applied: int
) -> None:
    """Runs of the first schema, and of version 0.1, keep every field that they have."""
    url = sqlite_url(tmp_path / "old.sqlite3")
    run = a_run(**FULL)
    with monkeypatch.context() as patched, closing_engine(url) as connection:
        patched.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:migrations_applied])
        migrations.migrate(connection, at_ms=1)
        columns = {row.name for row in connection.execute(text("PRAGMA table_info(runs)"))}
        row = {OLD_NAMES.get(name, name): value for name, value in to_row(run).items()}
        old_row = {name: value for name, value in row.items() if name in columns}
        names = ", ".join(f'"{name}"' for name in old_row)
        marks = ", ".join(f":{name}" for name in old_row)
        connection.execute(text(f"INSERT INTO runs ({names}) VALUES ({marks})"), old_row)
    store = RunStore(url)
    await store.open()
    try:
        later = {} if "remark" in columns else {"paid_by": None, "user_note": ""}
        assert await store.run(run.id) == run.model_copy(update=later)
    finally:
        await store.close()


@contextmanager
def closing_engine(url: str) -> Iterator[Connection]:
    """Open a transaction on a database, and close the database after it."""
    engine = create_engine(url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


async def test_migrating_twice_does_nothing(store: RunStore, tmp_path: Path) -> None:
    """A second start finds every migration applied."""
    with create_engine(sqlite_url(tmp_path / "store.sqlite3")).begin() as connection:
        assert migrations.migrate(connection, at_ms=2) == ()
        names = connection.scalars(text("SELECT name FROM migrations ORDER BY name")).all()
    assert names == [step.__name__ for step in migrations.MIGRATIONS]


async def test_a_migration_that_fails_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All missing migrations are applied, or none."""

    def m9999_broken(connection: Any) -> None:
        connection.execute(text("CREATE TABLE half (id INTEGER)"))
        connection.execute(text("THIS IS NO SQL"))

    monkeypatch.setattr(migrations, "MIGRATIONS", [*migrations.MIGRATIONS, m9999_broken])
    store = RunStore(sqlite_url(tmp_path / "new.sqlite3"))
    with pytest.raises(StoreProblem):
        await store.open()
    await store.close()
    assert _tables(tmp_path / "new.sqlite3") == []


def _tables(path: Path) -> list[Any]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute("SELECT name FROM sqlite_master").fetchall()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("content", "words"), [(b"not a database at all" * 60, "damaged"), (None, "cannot be opened")]
)
async def test_a_useless_database_is_said_in_a_sentence(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    """Whoever starts the program learns which file is the trouble and what to do."""
    path = tmp_path / "folder" / "runs.sqlite3"
    if content is not None:
        path.parent.mkdir()
        path.write_bytes(content)
    store = RunStore(sqlite_url(path))
    with pytest.raises(StoreProblem, match=words) as caught:
        await store.open()
    assert str(path) in str(caught.value)
    await store.close()


async def test_a_database_that_cannot_be_written_is_said_in_a_sentence(store: RunStore) -> None:
    """A read-only disk is told as such, and nothing of the statement leaks into the sentence."""

    def forbid(connection: Any) -> None:
        connection.exec_driver_sql("PRAGMA query_only=ON")

    await store._database.write(forbid)
    with pytest.raises(StoreProblem, match="cannot be written") as caught:
        await store.add(a_run(values={"prompt": "a private wish"}))
    assert "private" not in str(caught.value)


async def test_undecided_are_those_of_unknown_fate_that_nobody_dealt_with(
    store: RunStore,
) -> None:
    """Newest first and bounded; neither sent again, nor deleted, nor anyone else's."""
    for number in (1, 2, 3):
        await store.add(a_run(number, step=Step.UNKNOWN))
    await store.add(a_run(4, step=Step.UNKNOWN, sent_again_as="f" * 32))
    await store.add(a_run(5, step=Step.UNKNOWN, deleted_at_ms=7))
    await store.add(a_run(6, step=Step.UNKNOWN, owner="eve"))
    await store.add(a_run(7, step=Step.DONE))
    assert [run.id for run in await store.undecided(OWNER, 9)] == [
        f"{number:032x}" for number in (3, 2, 1)
    ]
    assert len(await store.undecided(OWNER, 2)) == 2


async def test_what_is_asked_often_is_found_by_an_index(store: RunStore) -> None:
    """A hundred thousand runs that are over slow down neither a page nor a start."""
    asked: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, values: Any, *_more: Any) -> None:
        asked.append((statement, values))

    event.listen(store._database._engine, "before_cursor_execute", note)
    await store.unfinished()
    await store.unfinished(OWNER)
    await store.undecided(OWNER, 9)
    await store.others_of_task(OWNER, "task-1")
    await store.holders()
    event.remove(store._database._engine, "before_cursor_execute", note)
    plans = [await store.read(partial(_plan_of, *each)) for each in asked if "FROM" in each[0]]
    indexes = [re.findall(r"INDEX (\w+)", plan) for plan in plans]
    assert indexes == [
        ["runs_unfinished"],
        ["runs_unfinished"],
        ["runs_undecided"],
        ["runs_by_task", "spent_by_task"],
        ["runs_unfinished"],
    ]


def _plan_of(statement: str, values: Any, connection: Connection) -> str:
    plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
    return " ".join(str(row[-1]) for row in plan)


async def test_what_is_no_id_is_an_unknown_run(store: RunStore) -> None:
    """Half characters would make the database's driver stumble."""
    for run_id in ("\ud800", "", "x", "F" * 32, f"{1:032x}\n"):
        with pytest.raises(UnknownRun):
            await store.run(run_id)
        with pytest.raises(UnknownRun):
            await store.change(run_id, status_note="x")
        with pytest.raises(UnknownRun):
            await store.runs_of(OWNER, limit=1, before=run_id)
