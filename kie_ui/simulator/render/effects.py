"""What changes pixels: the colours of a mode, a moving light, and the mark of the simulator."""

from __future__ import annotations

import math
import random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

from kie_ui.simulator.plan import Mode
from kie_ui.simulator.render.camera import Plane, ease_in_out

MARK = "simulated"
_MARK_OPACITY = 0.62
_SHADOW_OPACITY = 0.45
_WHITE, _BLACK, _GREY = 235, 16, 128
"""Video levels of luma, and the middle of both chroma planes."""


def apply_mode(picture: Image.Image, mode: Mode) -> Image.Image:
    """Return a picture in the colours of a mode: fun is bright and rich, spicy warm and deep."""
    if mode == "fun":
        return ImageEnhance.Brightness(ImageEnhance.Color(picture).enhance(1.45)).enhance(1.04)
    if mode == "spicy":
        deep = ImageEnhance.Contrast(picture).enhance(1.18)
        warm = (1.08, 0, 0, 4, 0, 0.98, 0, 0, 0, 0, 0.86, 0)
        return ImageEnhance.Color(deep.convert("RGB", warm)).enhance(1.12)
    return picture


class MovingLight:
    """A soft slanting band of light that crosses the picture while all of it brightens and dims."""

    _BAND = 0.13
    """How wide the band is, as a share of the distance that it travels."""
    _GAIN = 0.22
    _PULSE = 0.04
    _KNEE = 160
    """Level of luma above which no more light is added, so that highlights keep their detail."""

    def __init__(self, seed: int, size: tuple[int, int]) -> None:
        rng = random.Random(f"{seed}/light")  # noqa: S311 - variety, not secrecy
        self._is_rightward = rng.choice((True, False))
        self._width, self._height = size
        self._distance = np.linspace(0, 1, self._width + self._height)

    def apply(self, share: float, luma: Plane) -> None:
        """Light a frame; at both ends of the clip there is no light."""
        dark = np.minimum(luma, self._KNEE)
        lit = dark * self._gain(share)
        lit >>= np.uint16(8)
        lit += luma - dark
        np.copyto(luma, np.minimum(lit, _WHITE), casting="unsafe")

    def _gain(self, share: float) -> NDArray[np.uint16]:
        """Return how much brighter each pixel becomes, times 256."""
        fade = math.sin(math.pi * share)
        centre = -0.3 + 1.6 * ease_in_out(share)
        band = np.exp(-(((self._distance - centre) / self._BAND) ** 2) / 2)
        pulse = self._PULSE * math.sin(2 * math.tau * share)
        gain = np.rint((1 + fade * (self._GAIN * band + pulse)) * 256).astype(np.uint16)
        # Each row shows the same table one step further on: the band slants by 45 degrees.
        rows = np.lib.stride_tricks.sliding_window_view(gain, self._width)[: self._height]
        return rows if self._is_rightward else rows[::-1]


class Mark:
    """The word in every frame that says no generator made it."""

    def __init__(self, size: tuple[int, int]) -> None:
        text, shadow = _draw_mark(min(size), MARK)
        width, height = text.size
        edge = max(4, min(size) // 40) // 2 * 2
        self._right, self._bottom = edge, edge
        opacity = np.asarray(text, np.float64) / 255 * _MARK_OPACITY
        shade = np.asarray(shadow, np.float64) / 255 * _SHADOW_OPACITY
        kept = (1 - opacity) * (1 - shade)
        self._luma = _mix(kept, opacity * _WHITE + (1 - opacity) * shade * _BLACK)
        small = kept.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
        self._chroma = _mix(small, (1 - small) * _GREY)

    def apply(self, planes: tuple[Plane, Plane, Plane]) -> None:
        """Write the mark into a frame's lower right corner."""
        luma, *chroma = planes
        self._write(luma, self._luma, 1)
        for plane in chroma:
            self._write(plane, self._chroma, 2)

    def _write(
        self, plane: Plane, mix: tuple[NDArray[np.uint32], NDArray[np.uint32]], shrink: int
    ) -> None:
        kept, added = mix
        bottom = plane.shape[0] - self._bottom // shrink
        right = plane.shape[1] - self._right // shrink
        top, left = max(0, bottom - kept.shape[0]), max(0, right - kept.shape[1])
        corner = plane[top:bottom, left:right]
        kept, added = (
            kept[-corner.shape[0] :, -corner.shape[1] :],
            added[-corner.shape[0] :, -corner.shape[1] :],
        )
        np.copyto(corner, (corner * kept + added) >> np.uint32(8), casting="unsafe")


def stamp(picture: Image.Image, number: int) -> Image.Image:
    """Write the mark into a picture's lower right corner; of several results, with its number."""
    mark = f"{MARK} {number + 1}" if number else MARK
    text, shadow = _draw_mark(min(picture.size), mark)
    edge = max(4, min(picture.size) // 40)
    place = (picture.width - edge - text.width, picture.height - edge - text.height)
    for colour, shape, opacity in (
        ("black", shadow, _SHADOW_OPACITY),
        ("white", text, _MARK_OPACITY),
    ):
        mask = shape.point(lambda value, opacity=opacity: int(value * opacity))
        picture.paste(Image.new("RGB", shape.size, colour), place, mask)
    return picture


def _draw_mark(short_side_px: int, mark: str) -> tuple[Image.Image, Image.Image]:
    """Draw the mark and its soft shadow, for a frame of that size; both sides are even."""
    size = max(10, round(short_side_px * 0.030))
    font = ImageFont.load_default(size)
    left, top, right, bottom = font.getbbox(mark)
    pad = size // 2
    width = math.ceil((right - left + 2 * pad) / 2) * 2
    height = math.ceil((bottom - top + 2 * pad) / 2) * 2
    text = Image.new("L", (width, height))
    ImageDraw.Draw(text).text((pad - left, pad - top), mark, 255, font)
    shadow = text.filter(ImageFilter.GaussianBlur(size / 7)).point(
        lambda value: min(255, 2 * value)
    )
    return text, shadow


def _mix(
    kept: NDArray[np.float64], added: NDArray[np.float64]
) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Prepare new = old · kept + added for whole numbers, both times 256."""
    return np.rint(kept * 256).astype(np.uint32), np.rint(added * 256).astype(np.uint32)
