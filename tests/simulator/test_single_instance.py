from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from kie_ui.simulator.single_instance import SimulatorLock

ROOT = Path(__file__).parents[2]
HOLDER = """if True:
    import sys, pathlib
    from kie_ui.simulator.single_instance import SimulatorLock
    lock = SimulatorLock(pathlib.Path(sys.argv[1]))
    is_ours = lock.try_acquire()
    if is_ours and sys.argv[2]:
        lock.publish(sys.argv[2])
    print("holds" if is_ours else "waits", flush=True)
    sys.stdin.readline()
    lock.release()
"""
HERE = "http://127.0.0.1:8311"
THERE = "http://127.0.0.1:8312"

Start = Callable[..., subprocess.Popen[str]]


@contextmanager
def other_program(data_dir: Path, address: str) -> Iterator[subprocess.Popen[str]]:
    """Run a process that tries to acquire the lock, says so, and waits for a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(data_dir), address],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Give a function that starts another program, and checks whether it holds the lock."""
    with ExitStack() as stack:

        def start(address: str = "", expected: str = "holds") -> subprocess.Popen[str]:
            process = stack.enter_context(other_program(tmp_path, address))
            assert process.stdout is not None
            assert process.stdout.readline().strip() == expected
            return process

        yield start


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[SimulatorLock]:
    """Give a lock of the test's folder, held by nobody yet."""
    lock = SimulatorLock(tmp_path)
    yield lock
    lock.release()


def test_only_one_program_holds_the_lock(lock: SimulatorLock, start: Start) -> None:
    """While another process has it, ours learns so at once, with the address of the other."""
    start(HERE)
    assert not lock.try_acquire()
    assert not lock.is_held
    assert lock.address() == HERE


def test_ours_keeps_others_out(lock: SimulatorLock, start: Start, tmp_path: Path) -> None:
    """What holds between processes holds the other way round, and within one process."""
    assert lock.try_acquire()
    start(expected="waits")
    assert not SimulatorLock(tmp_path).try_acquire()


def kill(holder: subprocess.Popen[str]) -> None:
    """End another program in the middle."""
    holder.kill()
    holder.wait()


def end_in_order(holder: subprocess.Popen[str]) -> None:
    """Let another program release its lock and end."""
    holder.communicate("\n")
    assert holder.returncode == 0


@pytest.mark.parametrize("end", [kill, end_in_order])
def test_a_holder_that_ended_leaves_the_lock_and_its_port(
    lock: SimulatorLock, start: Start, end: Callable[[subprocess.Popen[str]], None]
) -> None:
    """However it ended, its port is known to the next holder, and its address is gone."""
    end(start(HERE))
    assert end is kill or lock.address() is None
    assert lock.try_acquire()
    assert lock.address() is None
    assert lock.former_port() == 8311


def test_a_port_outlives_a_successor_that_published_nothing(
    lock: SimulatorLock, start: Start
) -> None:
    """Killed between acquiring and publishing, it takes nothing from the one after it."""
    for address in (HERE, ""):
        kill(start(address))
    assert lock.try_acquire()
    assert lock.former_port() == 8311


def test_the_last_word_counts(lock: SimulatorLock, tmp_path: Path) -> None:
    """A holder may publish again; everyone reads the newer address, whole."""
    assert lock.try_acquire()
    assert lock.address() is None
    for address in (HERE, THERE):
        lock.publish(address)
        assert SimulatorLock(tmp_path).address() == address


def test_acquiring_twice_is_acquiring_once(lock: SimulatorLock, tmp_path: Path) -> None:
    """The holder keeps what it published, and one release is enough."""
    assert lock.try_acquire()
    lock.publish(HERE)
    assert lock.try_acquire()
    assert lock.address() == HERE
    lock.release()
    lock.release()
    successor = SimulatorLock(tmp_path)
    assert successor.try_acquire()
    successor.release()


def test_only_the_holder_publishes(lock: SimulatorLock, start: Start) -> None:
    """Anyone else would lead the others astray."""
    start(HERE)
    with pytest.raises(RuntimeError, match="holder"):
        lock.publish(THERE)
    lock.release()
    assert lock.address() == HERE


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"8311", b"file:///etc", b"http://"])
def test_a_damaged_address_is_no_address(
    lock: SimulatorLock, tmp_path: Path, content: bytes
) -> None:
    """Whatever lies in the files, it is read without an error."""
    for name in ("simulator.address", "simulator.former-address"):
        (tmp_path / name).write_bytes(content)
    assert lock.address() is None
    assert lock.former_port() == 0
    assert lock.try_acquire()


@pytest.mark.parametrize("address", ["http://127.0.0.1", "http://127.0.0.1:99999"])
def test_an_address_without_a_usable_port_names_none(
    lock: SimulatorLock, tmp_path: Path, address: str
) -> None:
    """Then any free port will do."""
    (tmp_path / "simulator.former-address").write_text(address)
    assert lock.former_port() == 0


def test_a_folder_is_made_where_there_is_none(tmp_path: Path) -> None:
    """The first of all programs finds nothing at all."""
    lock = SimulatorLock(tmp_path / "new" / "folder")
    assert lock.address() is None
    assert lock.try_acquire()
    lock.release()


def test_a_folder_that_cannot_be_made_is_an_error_of_the_disk(tmp_path: Path) -> None:
    """It is raised unchanged."""
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        SimulatorLock(tmp_path / "file" / "folder").try_acquire()
