"""Time as an argument: what it is, and how to let it pass."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


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
