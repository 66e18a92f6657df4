"""The one clip that every task returns: small, real, and always the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame

from kie_ui.simulator.render.clip import FPS, encode_clip

SIZE_PX = (480, 320)
DURATION_S = 6


def make_clip(path: Path) -> None:
    """Write a clip of six seconds in which colours drift."""
    encode_clip(_frames(), SIZE_PX, path)


def _frames() -> Iterator[VideoFrame]:
    width, height = SIZE_PX
    column, row = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    for number in range(DURATION_S * FPS):
        layers = (column + number, row + 2 * number, column + row - number)
        pixels = np.stack([layer % 256 for layer in layers], axis=-1).astype(np.uint8)
        yield VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p")
