"""How large a result shall be, from all the spellings in which models are asked for it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from kie_ui.catalog.parameters import ChoiceParameter, TableParameter
from kie_ui.simulator.intent.values import Given, plain_name, read_number, rows_of

MAX_CLIP_SHORT_SIDE_PX = 1080
MAX_DEFAULT_SHORT_SIDE_PX = 720
"""Of a clip that takes its size from a video, where the request names no size."""
MAX_IMAGE_SIDE_PX = 4096
MIN_SIDE_PX = 16
MAX_ASPECT = 4.0
"""How many times longer than wide a result may be; what asks for more is given this."""
DEFAULT_CLIP_SHORT_SIDE_PX = 480
DEFAULT_IMAGE_SIDE_PX = 1024
_GRID_PX = 16
"""Sides of generated pictures are multiples of this, unless they are asked for exactly."""

_NUMBER = r"(\d{1,6}(?:\.\d{1,6})?)"
_RATIO = re.compile(rf"{_NUMBER}\s*[:/]\s*{_NUMBER}(?!\d)")
_EXACT = re.compile(r"(\d{2,6})\s*[x×*,]\s*(\d{2,6})")
_NAMED = re.compile(rf"(portrait|landscape)[_ -]{_NUMBER}[_:x -]{_NUMBER}")
_LINES = re.compile(r"(\d{2,5})\s*p?(?:ixels|x)?")
_THOUSANDS = re.compile(rf"{_NUMBER}\s*k")
_MEGAPIXELS = re.compile(rf"{_NUMBER}\s*(?:mp?|megapixels?)")
_SHAPES = {"portrait": 9 / 16, "vertical": 9 / 16, "landscape": 16 / 9, "horizontal": 16 / 9}
_QUALITIES = {
    "sd": 480,
    "low": 480,
    "standard": 720,
    "std": 720,
    "hd": 720,
    "pro": 1080,
    "high": 1080,
    "fhd": 1080,
    "full_hd": 1080,
    "uhd": 2160,
    "ultra": 2160,
}
"""What clips are said to be by names of quality, as the length of their short side."""


class Extent(NamedTuple):
    """What is known of a size; None where nothing is."""

    aspect: float | None = None
    """Width by height."""
    short_side_px: float | None = None
    """As in 720p."""
    mean_side_px: float | None = None
    """The side of a square of that many pixels, as in 2K."""
    usual_side_px: float | None = None
    """The mean side that goes with a named shape, where nothing else tells it."""
    exact: tuple[int, int] | None = None
    """Width and height."""


def read_extent(text: str) -> Extent:
    """Read one value, such as `16:9`, `720p`, `2K`, `square_hd`, `portrait_4_3` or `1024x1536`."""
    plain = text.strip().lower()
    if match := _NAMED.fullmatch(plain):
        aspect = _quotient(match[2], match[3])
        if aspect is None:
            return Extent()
        long_to_short = max(aspect, 1 / aspect)
        aspect = 1 / long_to_short if match[1] == "portrait" else long_to_short
        return Extent(aspect, usual_side_px=1024 / math.sqrt(long_to_short))
    if match := _EXACT.fullmatch(plain):
        return exact_extent(int(match[1]), int(match[2]))
    if match := _RATIO.match(plain):
        return Extent(_quotient(match[1], match[2]))
    return _read_word(plain)


def _read_word(plain: str) -> Extent:
    if plain.startswith("square"):
        return Extent(1.0, usual_side_px=1024 if "hd" in plain else 512)
    if plain in _SHAPES:
        return Extent(_SHAPES[plain])
    if match := _THOUSANDS.fullmatch(plain):
        return Extent(mean_side_px=1024 * float(match[1]))
    if match := _MEGAPIXELS.fullmatch(plain):
        return Extent(mean_side_px=1000 * math.sqrt(float(match[1])))
    if match := _LINES.fullmatch(plain):
        return Extent(short_side_px=float(match[1]))
    return Extent()


def exact_extent(width: int, height: int) -> Extent:
    """Return what is known where both sides are."""
    if width <= 0 or height <= 0:
        return Extent()
    return Extent(width / height, exact=(width, height))


def quality_px(text: str) -> int | None:
    """Return the short side of a clip of such a quality, such as `high`, or None."""
    return _QUALITIES.get(text.strip().lower().replace(" ", "_"))


def merged(extents: Iterable[Extent]) -> Extent:
    """Put together what several values tell; what is told first stands."""
    total = Extent()
    for extent in extents:
        told = {name: value for name, value in extent._asdict().items() if value is not None}
        known = {name: value for name, value in total._asdict().items() if value is not None}
        total = Extent(**{**told, **known})
    return total


def clip_short_side_px(extent: Extent) -> int:
    """Return the short side of a clip, even and within what is rendered."""
    asked: float = DEFAULT_CLIP_SHORT_SIDE_PX
    if extent.exact is not None:
        asked = min(extent.exact)
    elif extent.short_side_px is not None:
        asked = extent.short_side_px
    elif extent.mean_side_px is not None:
        asked = extent.mean_side_px * 0.75  # the short side at 16:9
    return int(min(max(asked, MIN_SIDE_PX), MAX_CLIP_SHORT_SIDE_PX)) // 2 * 2


def image_size(extent: Extent, like: tuple[int, int] | None = None) -> tuple[int, int]:
    """Return a picture's (width, height) within what is made; `like` lends its proportions.

    A picture that is worked on keeps its own size where nothing else is asked for.
    """
    if extent.exact is not None:
        return _bounded(*extent.exact)
    known = extent.mean_side_px or extent.short_side_px or extent.usual_side_px
    if like is not None and known is None:
        known = math.sqrt(like[0] * like[1])
    aspect = extent.aspect or (like[0] / like[1] if like is not None else 1.0)
    if extent.short_side_px is not None and extent.mean_side_px is None:
        known = extent.short_side_px * math.sqrt(max(aspect, 1 / aspect))
    side = known or DEFAULT_IMAGE_SIDE_PX
    width, height = side * math.sqrt(aspect), side / math.sqrt(aspect)
    if like is not None and extent.aspect is None:
        return _bounded(round(width), round(height))
    return _bounded(_on_grid(width), _on_grid(height))


def _on_grid(side: float) -> int:
    return max(_GRID_PX, round(side / _GRID_PX) * _GRID_PX)


def _bounded(width: float, height: float) -> tuple[int, int]:
    """Keep the proportions, up to a limit, and bring both sides within what is made."""
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


_FRAMES = re.compile(
    r"((n|num|number_of|total|max|video|output)_?)?frames|(\w+_)?frames?_(count|number|num|length)"
)
_IN_SECONDS = re.compile(r"\d\s*s(ec\w*)?", re.IGNORECASE)
_TIME = re.compile(r"(\w+_)?(duration|length|seconds)(_s|_sec|_seconds|_ms)?")
_RATE = re.compile(r"(\w+_)?(fps|frame_?rate|frames_per_second)(_\w+)?")
USUAL_FRAMES_PER_S = 16
"""How a number of frames becomes seconds, where a request says nothing of it."""
_MAX_SECONDS_OF_FRAMES = 30


def read_length_s(all_given: Sequence[Given]) -> float | None:
    """Return how many seconds are asked for, or None.

    A table of shots lasts as long as all of them, unless somebody has chosen another duration.
    """
    asked = _first_length(all_given)
    shots_s = sum(_shot_lengths(all_given)) or None
    if asked is None or (shots_s is not None and _is_left_alone(asked[0])):
        return shots_s
    return asked[1]


def _first_length(all_given: Sequence[Given]) -> tuple[Given, float] | None:
    """Return the first that tells a length, and the seconds."""
    rate = _frames_per_s(all_given)
    for given in all_given:
        seconds = _seconds(given, rate)
        if seconds is not None:
            return given, seconds
    return None


def _shot_lengths(all_given: Sequence[Given]) -> Iterator[float]:
    """Return what each row of a table lasts, where that is said."""
    rate = _frames_per_s(all_given)
    for given in all_given:
        if isinstance(given.parameter, TableParameter):
            columns = {column.name: column for column in given.parameter.columns}
            for row in rows_of(given):
                cells = (Given(columns[n], plain_name(n), v) for n, v in row.items())
                yield from _known(_seconds(cell, rate) for cell in cells)


def _is_left_alone(given: Given) -> bool:
    """Tell whether a parameter may be left out, and is what it is when it is."""
    default = getattr(given.parameter, "default", None)
    return not given.parameter.required and read_number(given.value) == read_number(default)


def _seconds(given: Given, frames_per_s: float) -> float | None:
    """Read one value; None for what tells no length."""
    is_frames = _FRAMES.fullmatch(given.name) is not None
    if not is_frames and not _TIME.fullmatch(given.name):
        return None
    number = read_number(given.value)
    if number is None or number <= 0:
        return None
    if is_frames:
        return number if _counts_seconds(given) else number / frames_per_s
    return number / 1000 if given.name.endswith("_ms") else number


def _counts_seconds(given: Given) -> bool:
    """Tell whether a parameter that is named after frames means seconds all the same.

    It does where the value says so itself (`10s`), and where it is a choice that goes no further
    than 30: one of 10 and 15 is offered for clips of so many seconds, and nobody offers clips of
    at most a second or two. Any other number of frames is just that, however small.
    """
    if isinstance(given.value, str) and _IN_SECONDS.search(given.value):
        return True
    if not isinstance(given.parameter, ChoiceParameter):
        return False
    options = [*_known(read_number(value) for value in given.parameter.values)]
    return max(options, default=_MAX_SECONDS_OF_FRAMES + 1) <= _MAX_SECONDS_OF_FRAMES


def _frames_per_s(all_given: Sequence[Given]) -> float:
    rates = _known(read_number(given.value) for given in all_given if _RATE.fullmatch(given.name))
    return next((rate for rate in rates if rate >= 1), USUAL_FRAMES_PER_S)


def _known(numbers: Iterable[float | None]) -> Iterator[float]:
    return (number for number in numbers if number is not None)
