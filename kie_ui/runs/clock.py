"""Time as an argument: what it is, and how to let it pass."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


def utc_now_ms() -> int:
    """Return the UTC time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class Clock:
    """The time of day for what is kept, and a steady time for what is waited for.

    The steady time never jumps: a corrected time of day must not delay a poll by an hour.
    """

    now_ms: Callable[[], int] = utc_now_ms
    steady_s: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    """Takes seconds."""

    async def within(self, limit_s: float, work: Coroutine[Any, Any, T]) -> T:
        """Do some work, and cancel it when it takes too long. Raises: TimeoutError."""
        working = asyncio.ensure_future(work)
        timer = asyncio.ensure_future(self.sleep(limit_s))
        try:
            await asyncio.wait({working, timer}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise TimeoutError
            return working.result()
        finally:
            for task in (working, timer):
                task.cancel()
            await asyncio.gather(working, timer, return_exceptions=True)

    async def wait(self, event: asyncio.Event, limit_s: float | None) -> None:
        """Wait until an event is set, `limit_s` seconds at most; None sets no limit."""
        if limit_s is None:
            await event.wait()
        else:
            with suppress(TimeoutError):  # the limit is up
                await self.within(limit_s, event.wait())


SYSTEM_CLOCK = Clock()
"""The time of this computer."""
