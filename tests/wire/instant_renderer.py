"""Clips without the cost of rendering them, for tests that are not about pixels."""

from __future__ import annotations

import asyncio
import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from kie_ui.simulator.clips import ClipOrder
from kie_ui.simulator.workers import Progress


def tiny_clip() -> bytes:
    """Make a real MP4 of half a second, 64 by 48 pixels."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(8))
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for shade in (0, 60, 120, 180):
            picture = np.full((48, 64, 3), shade, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return file.getvalue()


class InstantRenderer:
    """Hands out the same clip for every order."""

    def __init__(self, clip: bytes) -> None:
        self._clip = clip

    async def render(self, order: ClipOrder, output: Path, progress: Progress) -> None:
        """Write the clip to `output`."""
        progress(1.0)
        await asyncio.to_thread(output.write_bytes, self._clip)

    async def aclose(self) -> None:
        """Stop: there is nothing under way."""
