"""Water: the scene above it, upside down and rippled, with the light's path across."""

from __future__ import annotations

import numpy as np

from kie_ui.simulator.scenery.canvas import (
    Cover,
    Pixels,
    as_array,
    clouded,
    f32,
    glow,
    grid,
    mixed,
    paint,
    smoothstep,
)
from kie_ui.simulator.scenery.stage import Stage


def paint_water(stage: Stage) -> None:
    """Fill everything below the horizon with water that mirrors what is above."""
    height = stage.size[1]
    shore = round(stage.horizon * height)
    if shore < 1 or height - shore < 2:
        return
    depth, swell = _waves(stage, height - shore)
    water = stage.canvas[shore:]
    water[:] = _mirrored(stage.canvas[:shore], depth, swell)
    deep = as_array(mixed(stage.light.zenith, stage.light.ground, 0.55))
    share = 0.16 + 0.5 * depth + 0.55 * swell
    water += (deep - water) * np.clip(share, 0, 0.85)[..., None]
    _lay_path(water, stage, depth, swell)
    _soften_shore(stage)


def _waves(stage: Stage, rows: int) -> tuple[Cover, Cover]:
    """Return how near each row is, from 0 to 1, and how high the water stands at each spot.

    Waves look longer and higher the nearer they are.
    """
    size = (stage.size[0], rows)
    _, depth = grid(size)
    long = clouded(stage.dice, size, cells=9, stretch=7.0) - 0.5
    short = clouded(stage.dice, size, cells=26, stretch=9.0) - 0.5
    return depth, f32((long * 1.1 + short * 0.7) * depth**0.8)


def _mirrored(above: Pixels, depth: Cover, swell: Cover) -> Pixels:
    """Return what is above the shore upside down, shaken by the waves."""
    shore, width = above.shape[:2]
    rows = len(depth)
    seen = shore * (1 - depth * min(1.0, rows / shore) * 0.92)
    row = np.clip(seen + swell * rows * 0.3, 0, shore - 1).astype(np.int32)
    column = np.arange(width)[None, :] + (swell * width * 0.012).astype(np.int32)
    return f32(above[row, np.clip(column, 0, width - 1)])


def _lay_path(water: Pixels, stage: Stage, depth: Cover, swell: Cover) -> None:
    """Lay the glittering path of the sun or the moon."""
    x, _ = grid((water.shape[1], water.shape[0]))
    path = np.exp(-(((x - stage.sun.x) / (0.035 + 0.14 * depth)) ** 2))
    glitter = smoothstep(0.02, 0.24, f32(swell + 0.14))
    strength = path * (0.25 + 0.75 * glitter) * (1 - 0.55 * depth)
    bright = 0.55 if stage.light.is_dark else 0.75
    glow(water, f32(strength * bright), stage.light.sun)


def _soften_shore(stage: Stage) -> None:
    """Lay a thin haze where the water ends."""
    _, y = grid(stage.size)
    band = f32(np.exp(-(((y - stage.horizon) / 0.008) ** 2)) * 0.25)
    paint(stage.canvas, band, stage.light.horizon)
