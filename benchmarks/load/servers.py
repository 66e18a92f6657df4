"""The processes under measurement, and their memory and processor time. Linux only."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from benchmarks.startup import free_port, wait_for_answer

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 15.0
KEY = "benchmark-key"
_OURS = ("KIE_", "GRADIO_", "SPACE_", "PLAIN_")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """One process that serves."""

    url: str
    pid: int

    def memory_mb(self) -> float:
        """Return the resident memory, in millions of bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024 / 1e6

    def cpu_s(self) -> float:
        """Return the processor time used so far, in seconds of one core."""
        # The name of the program, in brackets, may contain spaces.
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


@contextmanager
def simulator(folder: Path, clip: Path, speed: float) -> Iterator[Server]:
    """Serve Kie's API, with copies of one clip in place of rendered ones."""
    port = free_port()
    command = ["-m", "kie_ui.simulator", "--port", str(port), "--clip", str(clip), "--no-fetch"]
    command += ["--data-dir", str(folder / "simulator"), "--speed", str(speed)]
    command += ["--creates-per-10-s", "0", "--credits", "1e9"]
    with _serving(command, port, folder / "simulator.log", {}) as server:
        yield server


@contextmanager
def page(program: str, folder: Path, kie: Server, settings: dict[str, str]) -> Iterator[Server]:
    """Serve a page whose Kie is the simulator."""
    port = free_port()
    addresses = {
        "KIE_API_KEY": KEY,
        "KIE_API_BASE_URL": kie.url,
        "KIE_UPLOAD_BASE_URL": kie.url,
        "KIE_UI_DATA_DIR": str(folder / "data"),
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GRADIO_TEMP_DIR": str(folder / "gradio"),
    }
    filled_in = {name: value.format(port=port) for name, value in settings.items()}
    log = folder / "page.log"
    with _serving([str(ROOT / program)], port, log, addresses | filled_in) as server:
        yield server


@contextmanager
def _serving(
    command: list[str], port: int, log: Path, settings: dict[str, str]
) -> Iterator[Server]:
    """Start a process and wait until it answers; stop it in the end."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    environment = {**inherited, "PYTHONPATH": str(ROOT), **settings}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=log.parent,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for_answer(f"{url}/", perf_counter() + START_TIMEOUT_S)
        yield Server(url, process.pid)
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
