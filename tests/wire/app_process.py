"""The real program, `python app.py`, as a process of its own."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import httpx

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 90
STOP_TIMEOUT_S = 15
PORTS = range(20_000, 32_000)
_OURS = ("KIE_", "GRADIO_", "SPACE_")
AT_DEBUG = "import logging; logging.basicConfig(level=logging.DEBUG)"
"""Makes every logger log everything."""


def with_fast_clock(times: float) -> str:
    """Return Python that makes the program's own clock and its waits `times` as fast.

    The time of day and the timeouts of connections stay as they are.
    """
    return f"""
import asyncio, functools, time
from kie_ui.runs.clock import Clock
from kie_ui.ui import app

async def sleep(duration_s):
    await asyncio.sleep(duration_s / {times})

clock = Clock(steady_s=lambda: time.monotonic() * {times}, sleep=sleep)
app.launch = functools.partial(app.launch, clock)
"""


class AppProcess:
    """Starts the program on a free port over a data folder of its own; a context manager.

    The tester's own settings stay outside: neither their environment nor their `.env`
    is seen. Lines of Python may go before the program.
    """

    def __init__(self, folder: Path, *before: str, **environment: str) -> None:
        self.folder = folder
        self._arguments = _arguments(before)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "app.log"
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(_OURS)}
        self._environment = {
            **inherited,
            "PYTHONFAULTHANDLER": "1",
            "GRADIO_SERVER_PORT": str(self.port),
            "GRADIO_TEMP_DIR": str(folder / "gradio"),
            "KIE_UI_DATA_DIR": str(folder / "data"),
            **environment,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> AppProcess:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def set_environment(self, **environment: str) -> None:
        """Add to its environment what is known only now, such as its own address."""
        self._environment |= environment

    def start(self) -> None:
        """Start it, unless it runs, and wait until it answers."""
        if self._process is not None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        _allow_interrupts()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self._arguments],
                cwd=self.folder,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> int:
        """Stop as Ctrl+C does and return the exit status, below 0 if it hung and was killed.

        What it hung in is then in its log.
        """
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(signal.SIGINT)
        try:
            return process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)
            return process.wait()

    def kill(self) -> None:
        """End it as a power cut does."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    @property
    def output(self) -> str:
        """Everything that it has written."""
        return self.log.read_text(errors="replace")

    def _wait_until_it_answers(self) -> None:
        give_up_s = time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            if self._process is None or self._process.poll() is not None:
                raise RuntimeError(f"The program ended by itself:\n{self.output}")
            if time.monotonic() > give_up_s:
                raise RuntimeError(f"The program does not answer:\n{self.output}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            return httpx.get(self.url, timeout=5, trust_env=False).is_success
        except httpx.TransportError:
            return False


def free_port() -> int:
    """Return a free port, outside the range from which the system takes ports of connections."""
    while True:
        port = secrets.choice(PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _arguments(before: tuple[str, ...]) -> tuple[str, ...]:
    app = str(ROOT / "app.py")
    if not before:
        return (app,)
    first = f"import runpy, sys; sys.path.insert(0, {str(ROOT)!r})"
    last = f"runpy.run_path({app!r}, run_name='__main__')"
    return ("-c", "\n".join((first, *before, last)))


def _allow_interrupts() -> None:
    """Let programs started here receive Ctrl+C: background processes inherit that it is ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
