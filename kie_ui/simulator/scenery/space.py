"""Space: nebulae, stars, and a planet that may have a ring."""

from __future__ import annotations

import math

import numpy as np

from kie_ui.simulator.scenery.canvas import (
    Colour,
    Pixels,
    as_array,
    clouded,
    f32,
    glow,
    grid,
    mixed,
    paint,
    rgb,
    smoothstep,
)
from kie_ui.simulator.scenery.sky import sprinkle
from kie_ui.simulator.scenery.stage import Size

_CLOUDS: tuple[tuple[Colour, Colour], ...] = (
    (rgb("5a2a9a"), rgb("1f7fb8")),
    (rgb("a82f6a"), rgb("f0904a")),
    (rgb("1c6a7a"), rgb("6fd0a0")),
    (rgb("2c3fa8"), rgb("c05ac8")),
)
_PLANETS: tuple[tuple[Colour, Colour], ...] = (
    (rgb("e8b878"), rgb("9a5a3a")),
    (rgb("8fc4e8"), rgb("2f5a9a")),
    (rgb("e88a7a"), rgb("7a2f4a")),
    (rgb("a8e0c0"), rgb("2f6a6a")),
)


def paint_space(dice: np.random.Generator, size: Size) -> Pixels:
    """Paint a whole picture of space."""
    width, height = size
    canvas = np.empty((height, width, 3), np.float32)
    canvas[:] = as_array(rgb("04050f"))
    one, other = _CLOUDS[int(dice.integers(len(_CLOUDS)))]
    for colour, strength in ((one, 0.85), (other, 0.7)):
        mist = smoothstep(0.42, 1.0, clouded(dice, size, cells=3))
        veil = 0.45 + 0.55 * clouded(dice, size, cells=8)
        glow(canvas, f32(mist * veil * strength), colour)
    dust = smoothstep(0.55, 0.85, clouded(dice, size, cells=5)) * 0.5
    paint(canvas, dust, rgb("04050f"))
    _sprinkle(dice, canvas)
    _paint_planet(dice, canvas, size)
    return canvas


def _sprinkle(dice: np.random.Generator, canvas: Pixels) -> None:
    height, width = canvas.shape[:2]
    unit = min(width, height) / 1000
    for _ in range(round(900 * width / height)):
        place = (dice.random() * width, dice.random() * height)
        sprinkle(
            canvas, place, unit * (0.8 + 1.9 * dice.random() ** 5), 0.2 + 0.8 * dice.random() ** 3
        )


def _paint_planet(dice: np.random.Generator, canvas: Pixels, size: Size) -> None:
    width, height = size
    unit = min(width, height)
    centre = (float(dice.choice([0.33, 0.66])), float(dice.uniform(0.4, 0.6)))
    radius = float(dice.uniform(0.19, 0.27))
    x, y = grid(size)
    across = (x - centre[0]) * (width / unit) / radius
    down = (y - centre[1]) * (height / unit) / radius
    squared = across**2 + down**2
    bulge = np.sqrt(np.clip(1 - squared, 0, 1))
    bright, dark = _PLANETS[int(dice.integers(len(_PLANETS)))]
    swirl = clouded(dice, size, cells=5, stretch=4.0)
    bands = 0.5 + 0.5 * np.sin(9 * down + 3.2 * swirl + 1.5 * across * down)
    body = as_array(dark) + (as_array(bright) - as_array(dark)) * bands[..., None]
    towards = -0.62 if centre[0] < 0.5 else 0.62
    shine = np.clip(across * -towards * -1 + down * -0.42 + bulge * 0.66, 0, 1) ** 0.8
    body = body * (0.03 + 1.06 * shine[..., None])
    edge = 1.5 / (unit * radius)
    disc = 1 - smoothstep(1 - edge, 1 + edge, f32(np.sqrt(squared)))
    ring = _ring(across, down, dice)
    if dice.random() < 0.6:
        paint(canvas, ring * (down < 0.12 * across), mixed(bright, rgb("ffffff"), 0.3))
        paint(canvas, disc, f32(body))
        paint(canvas, ring * (down >= 0.12 * across), mixed(bright, rgb("ffffff"), 0.3))
    else:
        paint(canvas, disc, f32(body))
    halo = np.exp(-((np.clip(np.sqrt(squared) - 1, 0, 9) / 0.09) ** 2)) * (1 - disc)
    lit = np.clip(across * -towards * -1 + down * -0.42 + 0.4, 0, 1)
    glow(canvas, f32(0.5 * halo * lit), bright)


def _ring(across: np.ndarray, down: np.ndarray, dice: np.random.Generator) -> np.ndarray:
    """Return a flat ring, tilted towards us."""
    tilt = math.radians(float(dice.uniform(-24, 24)))
    along = across * math.cos(tilt) + down * math.sin(tilt)
    up = (down * math.cos(tilt) - across * math.sin(tilt)) / 0.24
    radius = np.hypot(along, up)
    grooves = 0.62 + 0.38 * np.sin(radius * 46)
    band = smoothstep(1.28, 1.36, radius) * (1 - smoothstep(1.98, 2.1, radius))
    return f32(band * grooves * 0.75)
