from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kie_ui.runs.cluster import ProcessLock
from tests.runs.harness import files_below

ROOT = Path(__file__).parents[2]

ENTER = """
import sys
from pathlib import Path
from kie_ui.runs.cluster import ProcessLock
lock = ProcessLock(Path(sys.argv[1]))
lock.enter()
print(lock.id, flush=True)
sys.stdin.readline()
lock.leave()
print("gone", flush=True)
sys.stdin.readline()
"""

Child = tuple[subprocess.Popen[str], str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return where processes say that they are alive; not yet made."""
    return tmp_path / "processes"


@pytest.fixture
def enter(folder: Path) -> Iterator[Callable[[], Child]]:
    """Return a function that starts processes and returns their ids."""
    begun: list[subprocess.Popen[str]] = []

    def enter_one() -> Child:
        process = subprocess.Popen(
            [sys.executable, "-c", ENTER, str(folder)],
            cwd=ROOT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        begun.append(process)
        return process, _line(process)

    yield enter_one
    for process in begun:
        process.kill()
        process.communicate()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.fixture
def lock(folder: Path) -> Iterator[ProcessLock]:
    """Return this process, present."""
    lock = ProcessLock(folder)
    lock.enter()
    yield lock
    lock.leave()


def test_a_killed_process_is_known_to_be_dead_at_once(
    lock: ProcessLock, enter: Callable[[], Child]
) -> None:
    """The operating system takes the lock away with the process; no clock is involved."""
    process, holder = enter()
    assert lock.is_alive(holder)
    assert lock.others() == (holder,)
    process.kill()
    process.wait()
    assert not lock.is_alive(holder)
    assert lock.others() == ()


def test_a_process_that_leaves_is_gone_though_it_still_runs(
    lock: ProcessLock, enter: Callable[[], Child], folder: Path
) -> None:
    """A clean stop hands over before the process ends, and leaves no file behind."""
    process, holder = enter()
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    assert _line(process) == "gone"
    assert not lock.is_alive(holder)
    assert process.poll() is None
    assert [path.stem for path in files_below(folder)] == [lock.id]


def test_what_the_dead_left_behind_is_removed(
    lock: ProcessLock, enter: Callable[[], Child], folder: Path
) -> None:
    """Files do not pile up with every crash."""
    for _ in range(2):
        process, _ = enter()
        process.kill()
        process.wait()
    assert lock.others() == ()
    assert [path.stem for path in files_below(folder)] == [lock.id]


def test_one_that_was_never_there_is_not_alive(lock: ProcessLock, folder: Path) -> None:
    """Asking for it makes no file."""
    assert not lock.is_alive("f" * 32)
    assert [path.stem for path in files_below(folder)] == [lock.id]


def test_a_process_is_alive_to_itself_and_no_other_of_its_own(lock: ProcessLock) -> None:
    """Nobody takes their own runs from themselves."""
    assert lock.is_alive(lock.id)
    assert lock.others() == ()


def test_entering_again_changes_nothing(lock: ProcessLock) -> None:
    """A start that failed half-way may be tried again."""
    lock.enter()
    lock.enter()
    assert lock.is_alive(lock.id)


def test_leaving_without_having_entered_is_harmless(folder: Path) -> None:
    """A stop after a start that failed does not fail too."""
    ProcessLock(folder).leave()
    assert not folder.exists()


def test_two_in_one_process_know_each_other(lock: ProcessLock, folder: Path) -> None:
    """A program that is made twice in one process is two holders, as in two processes."""
    other = ProcessLock(folder)
    other.enter()
    assert (lock.others(), other.others()) == ((other.id,), (lock.id,))
    other.leave()
    assert lock.others() == ()


def test_many_that_come_while_others_look_are_all_alive(folder: Path) -> None:
    """A look takes another's lock for a moment, which does not stop a process that enters."""
    watcher = ProcessLock(folder)
    watcher.enter()
    is_over = threading.Event()
    problems: list[BaseException] = []

    def look_again_and_again() -> None:
        while not is_over.is_set():
            watcher.others()

    def come() -> None:
        try:
            for _ in range(15):
                comer = ProcessLock(folder)
                comer.enter()
                assert watcher.is_alive(comer.id)
                comer.leave()
        except BaseException as exc:  # noqa: BLE001 - raised again by the test below
            problems.append(exc)

    looking = threading.Thread(target=look_again_and_again)
    coming = [threading.Thread(target=come) for _ in range(3)]
    for thread in (looking, *coming):
        thread.start()
    for thread in coming:
        thread.join()
    is_over.set()
    looking.join()
    watcher.leave()
    assert problems == []


def test_a_folder_that_cannot_be_used_is_an_oserror(tmp_path: Path) -> None:
    """The caller has a sentence for that."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        ProcessLock(tmp_path / "file" / "processes").enter()
