"""What every part of a scene is painted with, and onto."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kie_ui.simulator.scenery.canvas import Pixels
from kie_ui.simulator.scenery.light import Light

Size = tuple[int, int]


class Sun(NamedTuple):
    """Where the sun or the moon stands, in parts of the picture, and how large it is."""

    x: float
    y: float
    radius: float


class Stage(NamedTuple):
    """A canvas with its sky, on which the land is still to be painted."""

    dice: np.random.Generator
    canvas: Pixels
    light: Light
    sun: Sun
    horizon: float
    """In parts of the height, from the top."""

    @property
    def size(self) -> Size:
        """Width and height."""
        height, width = self.canvas.shape[:2]
        return width, height
