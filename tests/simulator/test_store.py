from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kie_ui.simulator.store import FileRow, InsufficientCredits, Store, TaskRow

TASK = TaskRow(
    task_id="t",
    account="a",
    model="m",
    request={"model": "m", "input": {"prompt": "ü"}},
    values={"prompt": "ü"},
    seed=2**31,
    credits=4.0,
    base_url="http://x",
    callback_url=None,
    forced_outcome={},
    state="waiting",
    created_ms=1,
    updated_ms=1,
)
CLIP = FileRow(
    file_id="f",
    account="a",
    path="results/t",
    name="c.mp4",
    mime="video/mp4",
    size=3,
    stored_ms=5,
    expires_ms=50,
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Give an empty store."""
    return Store(tmp_path / "data")


def test_what_was_written_is_there_after_a_restart(tmp_path: Path, store: Store) -> None:
    """A second process on the same folder reads the same rows and balances."""
    store.add_task(TASK, initial_credits=10)
    store.close()
    again = Store(tmp_path / "data")
    assert again.task("t") == TASK
    assert again.balance("a", initial_credits=99) == 6
    again.close()


def test_closed_accounts_start_anew(store: Store) -> None:
    """A demo never runs dry for good: after a restart the balance is whole again."""
    store.add_task(TASK, initial_credits=10)
    store.reset_balances()
    assert store.balance("a", initial_credits=10) == 10
    assert store.task("t") == TASK


def test_a_task_that_cannot_be_paid_is_not_written(store: Store) -> None:
    """Writing a task and taking its price happen together or not at all."""
    with pytest.raises(InsufficientCredits):
        store.add_task(TASK, initial_credits=3.99)
    assert store.task("t") is None
    assert store.balance("a", initial_credits=3.99) == 3.99


def test_a_failure_gives_the_price_back_once(store: Store) -> None:
    """However often a task is said to fail, its price comes back once."""
    store.add_task(TASK, initial_credits=10)
    for _ in range(2):
        store.fail_task(TASK, "501", "no", 9)
    assert store.balance("a", initial_credits=10) == 10
    assert store.unfinished_tasks() == []


@pytest.mark.parametrize(
    ("files", "result_files", "result_object"),
    [([CLIP], ["f"], None), ([], [], {"text": "ü"})],
    ids=["a clip", "an object"],
)
def test_a_success_is_kept_with_what_it_made(
    store: Store, files: list[FileRow], result_files: list[str], result_object: Any
) -> None:
    """The ending and the files' rows are one change; an object is kept as it is."""
    store.add_task(TASK, initial_credits=10)
    store.finish_task("t", files, result_object, 9)
    task = store.task("t")
    assert task is not None
    assert (task.state, task.completed_ms) == ("success", 9)
    assert (task.result_files, task.result_object) == (result_files, result_object)
    assert [store.file(file.file_id) for file in files] == files


def test_unfinished_are_tasks_under_way_and_callbacks_not_delivered(store: Store) -> None:
    """A restart finds what still has to move, oldest first."""
    store.add_task(replace(TASK, task_id="late", created_ms=2), initial_credits=100)
    done = replace(TASK, task_id="done", created_ms=0, callback_url="http://h")
    store.add_task(done, initial_credits=0)
    store.finish_task("done", [CLIP], None, 9)
    assert [task.task_id for task in store.unfinished_tasks()] == ["done", "late"]
    store.mark_reported("done")
    assert [task.task_id for task in store.unfinished_tasks()] == ["late"]


def test_a_file_keeps_its_id_when_its_name_is_reused(store: Store) -> None:
    """The same account, path and name are the same file, with newer facts."""
    store.put_file(CLIP)
    again = store.put_file(replace(CLIP, file_id="g", size=7))
    assert (again.file_id, again.size) == ("f", 7)
    assert store.file("g") is None


def test_expired_files_are_not_alive(store: Store) -> None:
    """Only what has not expired is kept by a sweep."""
    store.put_file(CLIP)
    assert store.file_ids(alive_at_ms=49) == {"f"}
    assert store.file_ids(alive_at_ms=50) == frozenset()


def test_a_folder_of_an_older_simulator_is_brought_up_to_date(tmp_path: Path) -> None:
    """When every task had one clip, its id stood in a column of its own; the clip is kept."""
    folder = tmp_path / "old"
    store = Store(folder)
    store.add_task(TASK, initial_credits=10)
    store.close()
    with sqlite3.connect(folder / "simulator.sqlite3") as old:
        for column in ("plan", "result_files", "result_object"):
            old.execute(f"ALTER TABLE tasks DROP COLUMN {column}")
        old.execute("ALTER TABLE tasks RENAME COLUMN forced_outcome TO fate")
        old.execute("ALTER TABLE tasks ADD COLUMN result_file VARCHAR(64)")
        old.execute("UPDATE tasks SET result_file = 'f'")
    old.close()
    for _ in range(2):
        again = Store(folder)
        assert again.task("t") == replace(TASK, result_files=["f"])
        again.close()
