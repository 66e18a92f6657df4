"""The same clip for every order of one: for loads under which rendering would be all there is."""

from __future__ import annotations

import asyncio
from pathlib import Path

from kie_ui.simulator.intent.plan import ClipOrder, Order
from kie_ui.simulator.render.worker_pool import Progress, Renderer, WorkerRenderer


class FixedClip(Renderer):
    """Hands out copies of one clip, and makes no pixels for it.

    Pictures, sounds and answers are made as usual, in processes that start when one is ordered.
    """

    def __init__(self, clip: bytes) -> None:
        self._clip = clip
        self._others = WorkerRenderer()

    async def render(self, order: Order, output: Path, progress: Progress) -> None:
        """Write the clip, or whatever else was ordered, to `output`."""
        if not isinstance(order, ClipOrder):
            await self._others.render(order, output, progress)
            return
        await asyncio.to_thread(output.write_bytes, self._clip)
        progress(1.0)

    async def aclose(self) -> None:
        """Stop whatever is being made."""
        await self._others.aclose()
