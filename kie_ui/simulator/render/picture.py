"""The pictures of the simulator, and what changes pixels: the colours of a mode, a light, the mark.

A given picture is read and resized; where none was given, a placeholder is drawn.
"""

from __future__ import annotations

import math
import random
import textwrap
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

from kie_ui.media.formats import MediaProblem
from kie_ui.media.images.encode import on_white, to_plain_colours
from kie_ui.media.images.open import open_picture as open_image
from kie_ui.media.images.open import read_upright
from kie_ui.simulator.plan import Mode
from kie_ui.simulator.render.camera import Plane, ease_in_out
from kie_ui.simulator.render.requests import ImageFormat, ImageRequest, Picture, Placeholder
from kie_ui.simulator.sizes import MAX_IMAGE_SIDE_PX, image_size

MAX_ASPECT = 21 / 9
"""The widest shape of a clip; of a picture that is longer still, the middle is used."""
MIN_SIDE_PX = 2
_LINE_CHARACTERS = 24
"""Of each line of a placeholder's text."""
_MAX_CHARACTERS = 72
_FORMAT_OPTIONS: dict[ImageFormat, dict[str, int]] = {
    "jpeg": {"quality": 92, "subsampling": 0},
    "png": {"compress_level": 4},
    "webp": {"quality": 92, "method": 4},
}
MARK = "simulated"
_MARK_OPACITY = 0.62
_SHADOW_OPACITY = 0.45
_WHITE, _BLACK, _GREY = 235, 16, 128
"""Video levels of luma, and the middle of both chroma planes."""


class BrokenInput(Exception):
    """A file is not a readable picture, video or sound; the message is for its sender."""


def load_picture(path: Path, short_side_px: int) -> Image.Image:
    """Read a picture upright, in RGB, in no more detail than a clip of that short side shows.

    Raises: BrokenInput.
    """
    least_px = short_side_px * 3 // 2
    try:
        with open_image(path) as opened:
            if min(opened.size) < MIN_SIDE_PX:
                raise BrokenInput(f"The picture has only {opened.width} × {opened.height} pixels.")
            upright = read_upright(opened, (least_px, least_px))
            picture = to_plain_colours(upright)
    except MediaProblem as error:
        raise BrokenInput(f"The picture cannot be read. {error}") from error
    return on_white(picture) if picture.mode == "RGBA" else picture.convert("RGB")


def clip_size(
    picture: tuple[int, int], short_side_px: int, aspect: float | None = None
) -> tuple[int, int]:
    """Return the (width, height) of a clip with that short side; both are even.

    It has the proportions of the picture unless `aspect`, width by height, is given.
    """
    width, height = picture if aspect is None else (aspect, 1.0)
    aspect = min(max(width, height) / min(width, height), MAX_ASPECT)
    long_side_px = round(short_side_px * aspect / 2) * 2
    if width >= height:
        return long_side_px, short_side_px
    return short_side_px, long_side_px


def open_picture(picture: Picture, short_side_px: int, aspect: float = 1.5) -> Image.Image:
    """Read a picture whose short side has about that many pixels or more, or draw a placeholder.

    A placeholder gets the proportions of `aspect`, width by height. Raises: BrokenInput.
    """
    if isinstance(picture, Path):
        return load_picture(picture, short_side_px)
    width = short_side_px * max(aspect, 1)
    return draw_placeholder(picture, (round(width), max(MIN_SIDE_PX, round(width / aspect))))


def draw_placeholder(placeholder: Placeholder, size: tuple[int, int]) -> Image.Image:
    """Draw the first words of a text on a gradient; the text and the seed choose its colours."""
    rng = random.Random(repr(placeholder))  # noqa: S311 - variety, not secrecy
    picture = _draw_gradient(rng, size)
    lines = "\n".join(textwrap.wrap(placeholder.text[:_MAX_CHARACTERS], _LINE_CHARACTERS))
    draw = ImageDraw.Draw(picture)
    height = min(size[0] * 1.4 / _LINE_CHARACTERS, size[1] / 8)
    centre = (size[0] / 2, size[1] / 2)
    font = ImageFont.load_default(max(1, height))
    draw.text(centre, lines, "white", font, anchor="mm", align="center")
    below = (size[0] / 2, size[1] * 0.85)
    font = ImageFont.load_default(max(1, height / 2.2))
    draw.text(below, placeholder.caption, "white", font, anchor="mm")
    return picture


def _draw_gradient(rng: random.Random, size: tuple[int, int]) -> Image.Image:
    """Blend two dark colours from one side of a picture to the opposite one."""
    angle = rng.uniform(0, math.tau)
    first, last = (np.array([rng.uniform(20, 170) for _ in "RGB"]) for _ in range(2))
    x, y = (np.linspace(-0.5, 0.5, side, dtype=np.float32) for side in size)
    share = x[None, :] * math.cos(angle) + y[:, None] * math.sin(angle) + 0.5
    levels = first + (last - first) * np.clip(share, 0, 1)[..., None]
    return Image.fromarray(levels.astype(np.uint8))


def make_image(request: ImageRequest, output: Path) -> None:
    """Write one picture. The same request with the same pictures gives the same bytes.

    Raises: BrokenInput.
    """
    picture = stamp(_resized(request), request.number)
    picture.save(output, request.format, **_FORMAT_OPTIONS[request.format])


def _resized(request: ImageRequest) -> Image.Image:
    """Return the given picture, else a placeholder, in the requested size."""
    if isinstance(request.source, Placeholder):
        return draw_placeholder(request.source, image_size(request.size))
    source = load_picture(request.source, MAX_IMAGE_SIDE_PX)
    enlarged = (round(source.width * request.factor), round(source.height * request.factor))
    return ImageOps.fit(source, image_size(request.size, enlarged), Image.Resampling.LANCZOS)


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
        self._edge = max(4, min(size) // 40) // 2 * 2
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
        edge = self._edge // shrink
        corner = plane[:-edge, :-edge][-kept.shape[0] :, -kept.shape[1] :]
        inside = np.s_[-corner.shape[0] :, -corner.shape[1] :]
        marked = (corner * kept[inside] + added[inside]) >> np.uint32(8)
        np.copyto(corner, marked, casting="unsafe")


def stamp(picture: Image.Image, number: int) -> Image.Image:
    """Write the mark into a picture's lower right corner; of several results, with its number."""
    mark = f"{MARK} {number + 1}" if number else MARK
    text, shadow = _draw_mark(min(picture.size), mark)
    edge = max(4, min(picture.size) // 40)
    right, bottom = picture.width - edge, picture.height - edge
    box = (right - text.width, bottom - text.height, right, bottom)
    picture.paste("black", box, shadow.point(lambda v: int(v * _SHADOW_OPACITY)))
    picture.paste("white", box, text.point(lambda v: int(v * _MARK_OPACITY)))
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
