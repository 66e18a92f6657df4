"""How long a result shall last, told from a duration, from a number of frames, or from shots."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from kie_ui.catalog.parameters import ChoiceParameter, TableParameter
from kie_ui.simulator.given import Given, plain_name, rows_of
from kie_ui.simulator.values import read_number

_FRAMES = re.compile(
    r"((n|num|number_of|total|max|video|output)_?)?frames|(\w+_)?frames?_(count|number|num|length)"
)
_IN_SECONDS = re.compile(r"\d\s*s(ec\w*)?", re.IGNORECASE)
_TIME = re.compile(r"(\w+_)?(duration|length|seconds)(_s|_sec|_seconds|_ms)?")
_RATE = re.compile(r"(\w+_)?(fps|frame_?rate|frames_per_second)(_\w+)?")
USUAL_FRAMES_PER_S = 16
"""How a number of frames becomes seconds, where a request says nothing of it."""
_MOST_SECONDS_OF_FRAMES = 30


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
    return max(options, default=_MOST_SECONDS_OF_FRAMES + 1) <= _MOST_SECONDS_OF_FRAMES


def _frames_per_s(all_given: Sequence[Given]) -> float:
    rates = _known(read_number(given.value) for given in all_given if _RATE.fullmatch(given.name))
    return next((rate for rate in rates if rate >= 1), USUAL_FRAMES_PER_S)


def _known(numbers: Iterable[float | None]) -> Iterator[float]:
    return (number for number in numbers if number is not None)
