"""Cutting out what a picture shows: a guess at its background, as transparency.

No model looks at it here. The background is what looks like the border of the picture, and lies
away from its middle.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from kie_ui.simulator.scenery.canvas import f32

_WORK_SIDE_PX = 256
_BORDER_COLOURS = 6


def cut_out(picture: Image.Image) -> Image.Image:
    """Return the picture in RGBA, its background transparent."""
    small = picture.copy()
    small.thumbnail((_WORK_SIDE_PX, _WORK_SIDE_PX))
    guess = _foreground(f32(f32(small) / 255))
    mask = Image.fromarray(np.rint(guess * 255).astype(np.uint8))
    closed = mask.filter(ImageFilter.MaxFilter(11)).filter(ImageFilter.MinFilter(11))
    mask = closed.filter(ImageFilter.MedianFilter(7)).filter(ImageFilter.GaussianBlur(1.6))
    mask = mask.resize(picture.size, Image.Resampling.BICUBIC)
    sharp = mask.point(lambda value: int(min(255, max(0, (value - 96) * 255 / 64))))
    result = picture.convert("RGBA")
    result.putalpha(sharp)
    return result


def _foreground(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how likely each pixel is no background, from 0 to 1."""
    height, width = pixels.shape[:2]
    unlike = _unlike_border(pixels)
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    # People stand things in the middle, a little low.
    central = np.exp(-(((x / 0.62) ** 2 + ((y - 0.08) / 0.72) ** 2) ** 1.3))
    level = float(np.quantile(unlike, 0.55)) + 0.02
    odds = 0.52 * np.clip(unlike / (2 * level), 0, 1) + 0.62 * central**0.7 - 0.22
    return f32(np.clip(odds * (0.2 + 0.9 * central**0.4), 0, 1))


def _unlike_border(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how far each pixel is from the nearest of the border's usual colours."""
    edge = max(2, min(pixels.shape[:2]) // 24)
    strips = (pixels[:edge], pixels[:, :edge], pixels[:, -edge:])
    border = np.concatenate([strip.reshape(-1, 3) for strip in strips])
    colours = _usual_colours(border)
    return np.asarray(
        np.min([np.linalg.norm(pixels - colour, axis=-1) for colour in colours], axis=0), np.float32
    )


def _usual_colours(border: NDArray[np.float32]) -> NDArray[np.float32]:
    """Find the colours around which the border's pixels gather."""
    order = np.argsort(border.sum(axis=1))
    colours = border[order[np.linspace(0, len(order) - 1, _BORDER_COLOURS).astype(int)]].copy()
    for _ in range(8):
        nearest = np.argmin(np.linalg.norm(border[:, None] - colours[None], axis=-1), axis=1)
        for number in range(_BORDER_COLOURS):
            members = border[nearest == number]
            if len(members):
                colours[number] = members.mean(axis=0)
    return f32(colours)
