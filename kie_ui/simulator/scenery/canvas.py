"""Arrays of colour and coverage, and the noise that makes them look grown instead of computed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.float32]
"""Rows, columns and red, green, blue from 0 to 1."""
Cover = NDArray[np.float32]
"""Rows and columns, from 0 to 1."""
Colour = tuple[float, float, float]


def f32(values: Any) -> NDArray[np.float32]:
    """Return values as what all of this computes with."""
    return np.asarray(values, np.float32)


def rgb(hexadecimal: str) -> Colour:
    """Read a colour such as `ffcc00`."""
    red, green, blue = bytes.fromhex(hexadecimal)
    return red / 255, green / 255, blue / 255


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """Go from one colour towards another."""
    return (
        one[0] + (other[0] - one[0]) * share,
        one[1] + (other[1] - one[1]) * share,
        one[2] + (other[2] - one[2]) * share,
    )


def as_array(colour: Colour) -> Pixels:
    """Return a colour as an array of three."""
    return np.asarray(colour, np.float32)


def paint(canvas: Pixels, cover: Cover, colour: Colour | Pixels) -> None:
    """Lay a colour, or a picture, over a canvas as far as `cover` says."""
    paint = as_array(colour) if isinstance(colour, tuple) else colour
    canvas += (paint - canvas) * cover[..., None]


def glow(canvas: Pixels, strength: Cover, colour: Colour) -> None:
    """Add light without ever leaving what can be shown: the brighter, the less is added."""
    canvas += (1 - canvas) * np.clip(strength, 0, 1)[..., None] * as_array(colour)


def between(one: Colour, other: Colour, share: Cover) -> Pixels:
    """Return a picture that goes from one colour to another."""
    return f32(as_array(one) + (as_array(other) - as_array(one)) * share[..., None])


def smoothstep(low: float, high: float, values: NDArray[np.float32]) -> Cover:
    """Ease from 0 at `low` to 1 at `high`."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return f32(t * t * (3 - 2 * t))


def grid(size: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return x as a row from 0 to 1, and y as a column from 0 (top) to 1."""
    width, height = size
    x, y = ((np.arange(side) + 0.5) / side for side in (width, height))
    return f32(x[None, :]), f32(y[:, None])


def distance(size: tuple[int, int], centre: tuple[float, float]) -> NDArray[np.float32]:
    """Return how far each pixel is from a point, in parts of the picture's shorter side."""
    width, height = size
    x, y = grid(size)
    unit = min(width, height)
    across, down = (x - centre[0]) * (width / unit), (y - centre[1]) * (height / unit)
    return np.asarray(np.hypot(across, down), np.float32)


def clouded(
    dice: np.random.Generator, size: tuple[int, int], *, cells: int, stretch: float = 1.0
) -> Cover:
    """Return soft noise of many scales; `stretch` draws it out sideways."""
    width, height = size
    total = np.zeros((height, width), np.float32)
    weight = 1.0
    for octave in range(5):
        count = cells * 2**octave
        columns = max(2, round(count * width / height / stretch)) + 1
        coarse = dice.random((count + 2, columns + 1), dtype=np.float32)
        layer = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
        total += weight * np.asarray(layer)
        weight *= 0.5
    return _spread(total)


def _spread(values: NDArray[Any]) -> NDArray[np.float32]:
    """Stretch values so that they go from 0 to 1."""
    return f32((values - values.min()) / max(1e-6, float(np.ptp(values))))


def outline(
    dice: np.random.Generator, width: int, *, waves: float, roughness: float
) -> NDArray[np.float32]:
    """Return the height of a skyline for each column, from 0 to 1; rough ones have fine teeth."""
    x = np.linspace(0, 1, width)
    total = np.zeros(width)
    weight, count = 1.0, waves
    while count < width / 3:
        # Sharp as mountains are: each octave is a run of straight slopes between random heights.
        places = np.linspace(-0.2, 1.2, max(3, math.ceil(count)) + 1)
        places[1:-1] += dice.uniform(-0.35, 0.35, len(places) - 2) / count
        total += weight * np.interp(x, np.sort(places), dice.random(len(places)))
        weight *= roughness
        count *= 2.0
    return _spread(total)


def rolling(dice: np.random.Generator, width: int, *, waves: float) -> NDArray[np.float32]:
    """Return a soft line of hills or dunes, from 0 to 1 for each column."""
    x = np.linspace(0, 1, width)
    total = np.zeros(width)
    for octave in range(3):
        phase, count = dice.uniform(0, math.tau), waves * 1.9**octave * dice.uniform(0.8, 1.2)
        total += 0.45**octave * np.sin(math.tau * count * x + phase)
    return _spread(total)


def below(line: NDArray[np.float32], height: int) -> Cover:
    """Return what lies under a line of y per column, with a soft edge of a pixel."""
    y = (np.arange(height, dtype=np.float32) + 0.5)[:, None]
    return f32(np.clip(y - line[None, :] * height + 0.5, 0, 1))


def around(
    canvas: Pixels, centre: tuple[float, float], reach_px: float
) -> Iterator[tuple[Pixels, NDArray[np.int64], NDArray[np.int64]]]:
    """Return the part of a canvas around a point, with its columns and rows; none outside it."""
    height, width = canvas.shape[:2]
    reach, column, row = int(reach_px) + 1, int(centre[0]), int(centre[1])
    left, right = max(0, column - reach), min(width, column + reach + 1)
    top, bottom = max(0, row - reach), min(height, row + reach + 1)
    if left < right and top < bottom:
        columns, rows = np.arange(left, right), np.arange(top, bottom)
        yield canvas[top:bottom, left:right], columns[None, :], rows[:, None]


def to_image(canvas: Pixels) -> Image.Image:
    """Round to what a file holds."""
    return Image.fromarray(np.rint(np.clip(canvas, 0, 1) * 255).astype(np.uint8))
