"""Processes that make results, so that neither the server nor its page ever waits for pixels.

A worker lives as long as its standard input is open: when the server ends, however it ends, the
pipe closes and the worker ends too. A worker that has been idle for a while is stopped, which
frees its memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from kie_ui.simulator.render.requests import ClipRequest, RenderRequest
from kie_ui.strict_json import read_json_object

IDLE_S = 20.0
_MAX_LINE_BYTES = 1 << 20
_PACKAGE_ROOT = Path(__file__).resolve().parents[3]

Progress = Callable[[float], None]
"""Called with the share of the result that is done, from 0 to 1."""


class RenderFailed(Exception):
    """Nothing could be made; the message is for the person who wanted the result."""


class Renderer(Protocol):
    """Makes results."""

    async def render(self, request: RenderRequest, output: Path, progress: Progress) -> None:
        """Write the result to `output`. Raises: RenderFailed."""

    async def aclose(self) -> None:
        """Stop at once, whatever is being made."""


class WorkerPool:
    """Makes each result in a separate process, and keeps that process for the next one for a while.

    How many are made at once is up to the caller. With `fixed_clip`, every clip is a copy of that
    one: for loads under which rendering would take all the time.
    """

    def __init__(self, idle_s: float = IDLE_S, *, fixed_clip: bytes | None = None) -> None:
        self._idle_s = idle_s
        self._fixed_clip = fixed_clip
        self._idle: dict[_Worker, asyncio.TimerHandle] = {}
        """With what will stop each of them."""
        self._workers: set[_Worker] = set()
        """All of them: idle, busy, and killed but perhaps still there."""

    async def render(self, request: RenderRequest, output: Path, progress: Progress) -> None:
        """Write the result to `output`. Raises: RenderFailed."""
        if self._fixed_clip is not None and isinstance(request, ClipRequest):
            await asyncio.to_thread(output.write_bytes, self._fixed_clip)
            progress(1.0)
            return
        worker = self._take_idle() or await self._start()
        try:
            await worker.render(request, output, progress)
        except RenderFailed:
            self._release(worker)
            raise
        except BaseException:
            worker.kill()
            raise
        self._release(worker)

    async def aclose(self) -> None:
        """Stop all workers at once."""
        while self._take_idle():
            pass
        for worker in self._workers:
            worker.kill()
        for worker in self._workers:
            await worker.wait()

    async def _start(self) -> _Worker:
        self._workers = {worker for worker in self._workers if worker.is_alive}
        worker = await _Worker.start()
        self._workers.add(worker)
        return worker

    def _release(self, worker: _Worker) -> None:
        if worker.is_alive:
            loop = asyncio.get_running_loop()
            self._idle[worker] = loop.call_later(self._idle_s, self._retire, worker)

    def _take_idle(self) -> _Worker | None:
        if not self._idle:
            return None
        worker, retirement = self._idle.popitem()
        retirement.cancel()
        return worker

    def _retire(self, worker: _Worker) -> None:
        del self._idle[worker]
        worker.kill()


class _Worker:
    """One process: requests go in as lines of JSON, progress and endings come out the same way."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None  # noqa: S101 - it was started with both pipes
        assert process.stdout is not None  # noqa: S101 - as above
        self._process = process
        self._stdin, self._stdout = process.stdin, process.stdout

    @classmethod
    async def start(cls) -> _Worker:
        search_path = os.pathsep.join([str(_PACKAGE_ROOT), os.environ.get("PYTHONPATH", "")])
        # Cancelled meanwhile, asyncio itself kills the process.
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "kie_ui.simulator.render.worker",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_MAX_LINE_BYTES,
            env={**os.environ, "PYTHONPATH": search_path.rstrip(os.pathsep)},
            # Ctrl+C in a terminal goes to the whole group; the server alone decides when we end.
            start_new_session=True,
        )
        return cls(process)

    @property
    def is_alive(self) -> bool:
        return self._process.returncode is None

    async def render(self, request: RenderRequest, output: Path, progress: Progress) -> None:
        line = json.dumps({"request": request.model_dump(mode="json"), "output": str(output)})
        try:
            self._stdin.write(line.encode() + b"\n")
            await self._stdin.drain()
            while "done" not in (message := await self._receive()):
                if "failed" in message:
                    raise RenderFailed(message["failed"])
                progress(message["share"])
        except (ConnectionError, EOFError) as error:
            raise RenderFailed("The process that makes the result stopped.") from error

    async def _receive(self) -> dict[str, Any]:
        line = await self._stdout.readline()
        if not line:
            await self.wait()
            raise EOFError
        return read_json_object(line)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):  # it has ended already
            self._process.kill()

    async def wait(self) -> None:
        await self._process.wait()
