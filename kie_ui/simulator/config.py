"""Everything by which one simulator differs from another."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from kie_ui.catalog.registry import built_in_registry
from kie_ui.catalog.spec import ModelSpec
from kie_ui.catalog.values import is_web_address
from kie_ui.settings import ASSETS

if TYPE_CHECKING:
    import httpx

    from kie_ui.simulator.render.worker_pool import Renderer

FindVersions = Callable[[str, str], tuple[ModelSpec, ...]]
"""Finds the versions of a model, the newest first, by its id and the name of a collection."""

VISITOR_KEY_PREFIX = "demo."
"""Begins the playground's key for its own simulator where a visitor has added models: the name of
their collection follows. All visitors are one account."""


@dataclass(frozen=True, kw_only=True)
class SimulatorConfig:
    """What a simulator is built from. Only the folder for its data has no default."""

    data_dir: Path
    find_versions: FindVersions = field(default_factory=lambda: built_in_registry().versions)
    clock: Callable[[], float] = time.time
    """Returns the time in unix seconds."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    """Waits that many seconds."""
    speed: float = 1.0
    """How many times shorter than usual a task waits, queues and generates."""
    credits: float = 10_000
    """The balance with which every key starts, reset whenever the simulator starts."""
    accepted_keys: frozenset[str] | None = None
    """The only keys that are let in; None lets every key in."""
    creates_per_10_s: int = 20
    """How many creates each account may send in 10 seconds, as Kie allows; 0 lifts the limit."""
    webhook_key: str | None = None
    """Signs callbacks when set."""
    fetch_pictures: bool = False
    """Whether addresses at other hosts are fetched; if not, a placeholder is used."""
    calls_back_anywhere: bool = True
    """Whether callbacks may leave this machine; if not, only loopback addresses are called."""
    callback_prefixes: tuple[str, ...] = ()
    """Web addresses: what is at or below one of them may still be called."""
    has_control: bool = False
    """Whether `/simulator/faults` and `/simulator/journal` are served."""
    assets_dir: Path = ASSETS
    """Holds the sample pictures."""
    max_renders: int = 1
    """Clips that are made at once; more are queued. Other results: one."""
    max_upload_bytes: int = 100_000_000
    renderer: Renderer | None = None
    """Makes the results; by default separate processes."""
    transport: httpx.AsyncBaseTransport | None = None
    """Carries what the simulator itself requests: callbacks and pictures."""

    def __post_init__(self) -> None:
        if self.speed <= 0:
            raise ValueError("speed must be above 0")
        if self.creates_per_10_s < 0:
            raise ValueError("creates_per_10_s must be 0 or above")
        if not all(map(is_web_address, self.callback_prefixes)):
            raise ValueError("callback_prefixes must be web addresses")

    def now_ms(self) -> int:
        """Return the time in unix milliseconds, as the wire has it."""
        return int(self.clock() * 1000)
