"""Any picture that people send → upright RGB pixels in the proportions of a clip."""

from __future__ import annotations

import warnings
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

MAX_PIXELS = 100_000_000
MAX_ASPECT = 21 / 9
"""The longest picture that becomes a clip as it is; of a longer one the middle is used."""
MIN_SIDE_PX = 2


class BrokenInput(Exception):
    """No picture, video or sound can be read there; the message is for the person who sent it."""


def load_picture(path: Path, short_side_px: int) -> Image.Image:
    """Read a picture upright, in RGB, no larger than a clip of that short side can use.

    Raises: BrokenInput.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                _check_size(image)
                # Lets the JPEG decoder leave out detail that the clip could not show anyway.
                image.draft("RGB", (short_side_px * 3 // 2, short_side_px * 3 // 2))
                image.load()
                return _as_rgb(ImageOps.exif_transpose(image))
    except UnidentifiedImageError as error:
        raise BrokenInput(
            "The picture cannot be read: it is no JPEG, PNG or WebP, or it is damaged."
        ) from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BrokenInput(f"The picture cannot be read: it is damaged ({error}).") from error


def clip_size(
    picture: tuple[int, int], short_side_px: int, asked_aspect: float | None = None
) -> tuple[int, int]:
    """Return a clip's (width, height): the short side as asked, and even.

    The proportions are the picture's, unless others are asked for.
    """
    width, height = picture if asked_aspect is None else (asked_aspect, 1.0)
    aspect = min(max(width, height) / min(width, height), MAX_ASPECT)
    long_side_px = round(short_side_px * aspect / 2) * 2
    if width >= height:
        return long_side_px, short_side_px
    return short_side_px, long_side_px


def cover(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Scale a picture so that it fills `size`, and cut off evenly what stands over."""
    return ImageOps.fit(picture, size, Image.Resampling.LANCZOS)


def _check_size(image: Image.Image) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise BrokenInput(
            f"The picture has {width} × {height} pixels: at most {MAX_PIXELS // 10**6} million fit."
        )
    if min(width, height) < MIN_SIDE_PX:
        raise BrokenInput(f"The picture has only {width} × {height} pixels.")


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):  # 16 bits and more: bring them down to 8
        image = image.convert("F").point(lambda value: value / 257).convert("L")
    if image.has_transparency_data:
        backdrop = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(backdrop, image.convert("RGBA"))
    return image.convert("RGB")
