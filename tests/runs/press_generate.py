"""Processes that press Generate once, or go on with what they find, and are killed by the test.

All are forked from one that has everything imported, so each takes a moment to start. It reads one
JSON object a line, the fields of `Order`, and answers each with the process id.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kie_ui.media.images.convert
import kie_ui.media.probe  # noqa: F401 - imported once, for all that are forked
from kie_ui.runs.accounts import account_of
from kie_ui.runs.service import Limits
from tests.runs.harness import GROK, OWNER, FastClock, grok_values, make_backends, make_service


@dataclass(frozen=True)
class Order:
    """What a process shall do."""

    folder: str
    kie_url: str
    picture: str
    presses: int = 1
    """How often it presses Generate, if it finds no runs."""
    freeze: str | None = None
    """`before` or `after`, a module, and a method of a class there, by colons: here it stops."""
    creates_per_10_s: int = 20
    is_budget_used: bool = False
    """Whether it takes the whole budget for creates before it presses."""
    speed: float = 200.0

    @property
    def sign(self) -> Path:
        """The file in which a process reports that it has halted: frozen, or at the end."""
        return Path(self.folder) / f"still-{os.getpid()}"


async def press(order: Order) -> None:
    """Start a service, press if there is nothing yet, see every run to its end, and stay."""
    backends = make_backends(order.kie_url)
    clock = FastClock(order.speed, is_shared=True)
    limits = Limits(creates_per_10_s=order.creates_per_10_s)
    service = make_service(Path(order.folder), clock, backends, limits=limits)
    await service.start()
    runs = await service.recent(OWNER, 99)
    if not runs:
        if order.is_budget_used:
            backend = await backends.backend(OWNER, "live")
            assert backend is not None
            while await service._queue._take(account_of(backend)) == 0:
                pass
        values = grok_values(Path(order.picture))
        for number in range(order.presses):
            await service.submit(OWNER, GROK, values | {"prompt": f"No. {number}"}, "live")
        runs = await service.recent(OWNER, 99)
    for run in runs:
        await service.ended(OWNER, run.id)
    await asyncio.to_thread(order.sign.touch)
    await asyncio.Event().wait()


def freeze(order: Order) -> None:
    """Have this process stand still, for ever, as soon as it comes to a certain method."""
    when, module, path = (order.freeze or "").split(":")
    class_name, method_name = path.split(".")
    class_ = getattr(importlib.import_module(module), class_name)
    method = getattr(class_, method_name)
    make = _stopping_async if asyncio.iscoroutinefunction(method) else _stopping
    setattr(class_, method_name, make(method, order.sign, is_before=when == "before"))


def _stopping(method: Callable[..., Any], sign: Path, *, is_before: bool) -> Callable[..., Any]:
    def stop(*args: Any, **kwargs: Any) -> None:
        if not is_before:
            method(*args, **kwargs)
        sign.touch()
        while True:
            time.sleep(60)

    return stop


def _stopping_async(
    method: Callable[..., Any], sign: Path, *, is_before: bool
) -> Callable[..., Any]:
    async def stop(*args: Any, **kwargs: Any) -> None:
        if not is_before:
            await method(*args, **kwargs)
        await asyncio.to_thread(sign.touch)
        await asyncio.Event().wait()

    return stop


def fork(order: Order) -> int:
    """Begin a process that follows an order; return its id."""
    process_id = os.fork()
    if process_id == 0:
        os.setsid()
        if order.freeze:
            freeze(order)
        asyncio.run(press(order))
        os._exit(0)
    return process_id


def serve() -> None:
    """Fork as ordered until the orders end; nothing is left of those that were killed."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        sys.stdout.write(f"{fork(Order(**json.loads(line)))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
