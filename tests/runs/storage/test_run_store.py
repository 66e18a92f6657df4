from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, event, text

from kie_ui.runs import retention
from kie_ui.runs.errors import StoreProblem, UnknownRun, WrongStep
from kie_ui.runs.events import transfer_progress
from kie_ui.runs.run import UNSENT_STEPS, Run, Step
from kie_ui.runs.storage.run_store import RunStore, sqlite_url
from kie_ui.runs.storage.tables import JSON_FIELDS, RUN_COLUMNS
from tests.runs.harness import FULL, OWNER, RecordedEvents, a_run


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
    """A page cannot begin after another owner's run."""
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


async def test_a_database_that_cannot_be_opened_is_said_in_a_sentence(tmp_path: Path) -> None:
    """The sentence names the file."""
    path = tmp_path / "folder" / "runs.sqlite3"
    store = RunStore(sqlite_url(path))
    with pytest.raises(StoreProblem, match="cannot be opened") as caught:
        await store.open()
    assert str(path) in str(caught.value)
    await store.close()


async def test_a_database_that_cannot_be_written_is_said_in_a_sentence(store: RunStore) -> None:
    """A read-only disk is named as such, and nothing of the statement leaks into the sentence."""

    def forbid(connection: Any) -> None:
        connection.exec_driver_sql("PRAGMA query_only=ON")

    await store._database.write(forbid)
    with pytest.raises(StoreProblem, match="cannot be written") as caught:
        await store.add(a_run(values={"prompt": "a private thought"}))
    assert "private" not in str(caught.value)


async def test_undecided_are_those_of_unknown_outcome_that_nobody_dealt_with(
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


QUESTIONS: dict[str, tuple[list[str], Callable[[RunStore], Awaitable[Any]]]] = {
    "newest": (["runs_by_owner"], lambda store: store.runs_of(OWNER, limit=9)),
    "of a model": (["runs_by_model_and_age"], lambda s: s.runs_of(OWNER, limit=9, model="m")),
    "unfinished": (["runs_unfinished"], lambda store: store.unfinished()),
    "an owner's unfinished": (["runs_unfinished"], lambda store: store.unfinished(OWNER)),
    "undecided": (["runs_undecided"], lambda store: store.undecided(OWNER, 9)),
    "of a task": (["runs_by_task", "spent_by_task"], lambda s: s.others_of_task(OWNER, "task-1")),
    "holders": (["runs_unfinished"], lambda store: store.holders()),
    "trash due": (
        ["runs_in_bin"],
        lambda store: store.read(partial(retention.trash_due, until_ms=9)),
    ),
    "own inputs": (
        ["run_inputs_by_run", "sqlite_autoindex_run_inputs_1"],
        lambda store: store.read(partial(retention.own_inputs, run=a_run())),
    ),
    "stored bytes": (
        ["runs_stored", "runs_in_bin"],
        lambda store: store.read(retention.stored_bytes),
    ),
    "unmeasured": (
        ["stored_files_unmeasured"],
        lambda store: store.read(partial(retention.unmeasured_files, limit=9)),
    ),
    "oldest stored": (
        ["runs_on_disk", "runs_by_number"],
        lambda store: store.read(partial(retention.oldest_stored, after=0, limit=9)),
    ),
}


@pytest.mark.parametrize("question", QUESTIONS)
async def test_what_is_asked_often_is_found_by_an_index(store: RunStore, question: str) -> None:
    """A hundred thousand runs that are over slow down neither a page nor a start."""
    indexes, ask = QUESTIONS[question]
    statements: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, values: Any, *_more: Any) -> None:
        statements.append((statement, values))

    event.listen(store._database._engine, "before_cursor_execute", note)
    await ask(store)
    event.remove(store._database._engine, "before_cursor_execute", note)
    plans = [await store.read(partial(_plan_of, *each)) for each in statements if "FROM" in each[0]]
    assert [index for plan in plans for index in re.findall(r"INDEX (\w+)", plan)] == indexes


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


async def test_a_change_is_saved_before_it_is_published(store: RunStore) -> None:
    """Nobody sees a step that a crash could take back."""
    store.events = events = RecordedEvents()
    run = await store.add(a_run())
    run = await store.change(run.id, step=Step.UPLOADING)
    assert events.runs[-1] == run == await store.run(run.id)


async def test_a_status_note_is_saved_once(store: RunStore) -> None:
    """A note that is there already costs neither a write nor a message."""
    store.events = events = RecordedEvents()
    run = await store.set_status_note(await store.add(a_run()), "Waiting.")
    published = len(events.runs)
    assert await store.set_status_note(run, "Waiting.") is run
    assert len(events.runs) == published


async def test_progress_is_not_written_down(store: RunStore) -> None:
    """The database hears of steps, not of bytes."""
    run = await store.add(a_run(owner=OWNER))
    transfer_progress(store.events, store.clock, run)(1, 2)
    assert (await store.run(run.id)).progress is None
