"""The pictures of the simulator: read, resized, marked; a placeholder where none was given."""

from __future__ import annotations

import math
import random
import textwrap
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from kie_ui.media.formats import MediaProblem
from kie_ui.media.images.encode import on_white, to_plain_colours
from kie_ui.media.images.open import open_picture as open_image
from kie_ui.media.images.open import read_upright
from kie_ui.simulator.render.effects import stamp
from kie_ui.simulator.render.requests import ImageRequest, Picture, Placeholder
from kie_ui.simulator.sizes import MAX_IMAGE_SIDE_PX, image_size

MAX_ASPECT = 21 / 9
"""The widest shape of a clip; of a picture that is longer still, the middle is used."""
MIN_SIDE_PX = 2


class BrokenInput(Exception):
    """A file is no readable picture, video or sound; the message is for the person who sent it."""


def load_picture(path: Path, short_side_px: int) -> Image.Image:
    """Read a picture upright, in RGB, in no more detail than a clip of that short side shows.

    Raises: BrokenInput.
    """
    least_side_px = short_side_px * 3 // 2
    try:
        with open_image(path) as opened:
            if min(opened.size) < MIN_SIDE_PX:
                raise BrokenInput(f"The picture has only {opened.width} × {opened.height} pixels.")
            upright = read_upright(opened, (least_side_px, least_side_px))
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


def cover(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Scale a picture to fill `size` and crop what exceeds it evenly on both sides."""
    return ImageOps.fit(picture, size, Image.Resampling.LANCZOS)


_LINE_CHARACTERS = 24
"""Of each line of a placeholder's text."""
_MAX_CHARACTERS = 72


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
    draw.text(centre, lines, "white", _font(height), anchor="mm", align="center")
    below = (size[0] / 2, size[1] * 0.85)
    draw.text(below, placeholder.caption, "white", _font(height / 2.2), anchor="mm")
    return picture


def _draw_gradient(rng: random.Random, size: tuple[int, int]) -> Image.Image:
    """Blend two dark colours from one side of a picture to the opposite one."""
    angle = rng.uniform(0, math.tau)
    first, last = (np.array([rng.uniform(20, 170) for _ in "RGB"]) for _ in range(2))
    x, y = (np.linspace(-0.5, 0.5, side, dtype=np.float32) for side in size)
    share = x[None, :] * math.cos(angle) + y[:, None] * math.sin(angle) + 0.5
    levels = first + (last - first) * np.clip(share, 0, 1)[..., None]
    return Image.fromarray(levels.astype(np.uint8))


def _font(height_px: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(max(1, height_px))


def make_image(request: ImageRequest, output: Path) -> None:
    """Write one picture. The same request with the same pictures gives the same bytes.

    Raises: BrokenInput.
    """
    picture = stamp(_resized(request), request.number)
    if request.format == "jpeg":
        picture.save(output, "JPEG", quality=92, subsampling=0)
    elif request.format == "webp":
        picture.save(output, "WEBP", quality=92, method=4)
    else:
        picture.save(output, "PNG", compress_level=4)


def _resized(request: ImageRequest) -> Image.Image:
    """Return the given picture, else a placeholder, in the requested size."""
    if isinstance(request.source, Placeholder):
        return draw_placeholder(request.source, image_size(request.size))
    source = load_picture(request.source, MAX_IMAGE_SIDE_PX)
    enlarged = (round(source.width * request.factor), round(source.height * request.factor))
    return cover(source, image_size(request.size, enlarged))
