"""How large a result shall be, read from every spelling that models use for it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import NamedTuple

MAX_CLIP_SHORT_SIDE_PX = 1080
MAX_DEFAULT_SHORT_SIDE_PX = 720
"""Of a clip that takes its size from a video, where the request names no size."""
MAX_IMAGE_SIDE_PX = 4096
MIN_SIDE_PX = 16
MAX_ASPECT = 4.0
"""How many times longer than wide a result may be; a request for more gets this."""
DEFAULT_CLIP_SHORT_SIDE_PX = 480
DEFAULT_IMAGE_SIDE_PX = 1024
_GRID_PX = 16
"""Sides of generated pictures are multiples of this, unless a request names them exactly."""

_NUMBER = r"(\d{1,6}(?:\.\d{1,6})?)"
_RATIO = re.compile(rf"{_NUMBER}\s*[:/]\s*{_NUMBER}(?!\d)")
_EXACT = re.compile(r"(\d{2,6})\s*[x×*,]\s*(\d{2,6})")
_NAMED = re.compile(rf"(portrait|landscape)[_ -]{_NUMBER}[_:x -]{_NUMBER}")
_LINES = re.compile(r"(\d{2,5})\s*p?(?:ixels|x)?")
_THOUSANDS = re.compile(rf"{_NUMBER}\s*k")
_MEGAPIXELS = re.compile(rf"{_NUMBER}\s*(?:mp?|megapixels?)")
_SHAPES = {"portrait": 9 / 16, "vertical": 9 / 16, "landscape": 16 / 9, "horizontal": 16 / 9}
_QUALITIES = {
    480: ("sd", "low"),
    720: ("standard", "std", "hd"),
    1080: ("pro", "high", "fhd", "full_hd"),
    2160: ("uhd", "ultra"),
}
"""The short side in pixels that quality names mean in a clip."""


class SizeHint(NamedTuple):
    """What a request says about a size; None where it says nothing."""

    aspect: float | None = None
    """Width by height."""
    short_side_px: float | None = None
    """As in 720p."""
    mean_side_px: float | None = None
    """The side of a square of that many pixels, as in 2K."""
    default_side_px: float | None = None
    """The mean side that goes with a named shape, where the request names no other."""
    exact: tuple[int, int] | None = None
    """Width and height."""


def read_size(text: str) -> SizeHint:
    """Read one value such as `16:9`, `720p`, `2K`, `square_hd`, `portrait_4_3` or `1024x1536`."""
    plain = text.strip().lower()
    if match := _NAMED.fullmatch(plain):
        aspect = _quotient(match[2], match[3])
        if aspect is None:
            return SizeHint()
        long_to_short = max(aspect, 1 / aspect)
        aspect = 1 / long_to_short if match[1] == "portrait" else long_to_short
        return SizeHint(aspect, default_side_px=1024 / math.sqrt(long_to_short))
    if match := _EXACT.fullmatch(plain):
        return exact_size(int(match[1]), int(match[2]))
    if match := _RATIO.match(plain):
        return SizeHint(_quotient(match[1], match[2]))
    return _read_word(plain)


def _read_word(plain: str) -> SizeHint:
    if plain.startswith("square"):
        return SizeHint(1.0, default_side_px=1024 if "hd" in plain else 512)
    if plain in _SHAPES:
        return SizeHint(_SHAPES[plain])
    if match := _THOUSANDS.fullmatch(plain):
        return SizeHint(mean_side_px=1024 * float(match[1]))
    if match := _MEGAPIXELS.fullmatch(plain):
        return SizeHint(mean_side_px=1000 * math.sqrt(float(match[1])))
    if match := _LINES.fullmatch(plain):
        return SizeHint(short_side_px=float(match[1]))
    return SizeHint()


def exact_size(width: int, height: int) -> SizeHint:
    """Return the hint of an exact size in pixels; an empty one where a side is missing."""
    if width <= 0 or height <= 0:
        return SizeHint()
    return SizeHint(width / height, exact=(width, height))


def quality_px(text: str) -> int | None:
    """Return the short side of a clip of such a quality, such as `high`, or None."""
    name = text.strip().lower().replace(" ", "_")
    return next((side_px for side_px, names in _QUALITIES.items() if name in names), None)


def merge_sizes(hints: Iterable[SizeHint]) -> SizeHint:
    """Combine several hints; of each fact, the first that is known counts."""
    columns = zip(*hints, strict=True)
    return SizeHint(*(next((v for v in column if v is not None), None) for column in columns))


def clip_short_side_px(hint: SizeHint) -> int:
    """Return the short side of a clip, even and within what is rendered."""
    side: float = DEFAULT_CLIP_SHORT_SIDE_PX
    if hint.exact is not None:
        side = min(hint.exact)
    elif hint.short_side_px is not None:
        side = hint.short_side_px
    elif hint.mean_side_px is not None:
        side = hint.mean_side_px * 0.75  # the short side at 16:9
    return int(min(max(side, MIN_SIDE_PX), MAX_CLIP_SHORT_SIDE_PX)) // 2 * 2


def image_size(hint: SizeHint, like: tuple[int, int] | None = None) -> tuple[int, int]:
    """Return a picture's (width, height) within what is made.

    `like` is the size of a given picture: it is kept unless the request names another.
    """
    if hint.exact is not None:
        return _bounded(*hint.exact)
    known = hint.mean_side_px or hint.short_side_px or hint.default_side_px
    if like is not None and known is None:
        known = math.sqrt(like[0] * like[1])
    aspect = hint.aspect or (like[0] / like[1] if like is not None else 1.0)
    if hint.short_side_px is not None and hint.mean_side_px is None:
        known = hint.short_side_px * math.sqrt(max(aspect, 1 / aspect))
    side = known or DEFAULT_IMAGE_SIDE_PX
    width, height = side * math.sqrt(aspect), side / math.sqrt(aspect)
    if like is not None and hint.aspect is None:
        return _bounded(round(width), round(height))
    return _bounded(_on_grid(width), _on_grid(height))


def _on_grid(side: float) -> int:
    return max(_GRID_PX, round(side / _GRID_PX) * _GRID_PX)


def _bounded(width: float, height: float) -> tuple[int, int]:
    """Keep the proportions, up to a limit, with both sides within what is made."""
    long, short = max(width, height, 1), max(min(width, height), 1)
    short = max(short, long / MAX_ASPECT)
    scale = min(1.0, MAX_IMAGE_SIDE_PX / long)
    long_px = max(MIN_SIDE_PX, round(long * scale))
    short_px = max(MIN_SIDE_PX, round(short * scale))
    return (long_px, short_px) if width >= height else (short_px, long_px)


def _quotient(width: str, height: str) -> float | None:
    over, under = float(width), float(height)
    if over <= 0 or under <= 0:
        return None
    return min(max(over / under, 1 / MAX_ASPECT), MAX_ASPECT)
