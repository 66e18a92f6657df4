from __future__ import annotations

from typing import Any

import pytest

from kie_ui.simulator.plan import build_plan
from tests.simulator.harness import a_spec, number, options, table, text

SHOTS = table("shots", text("Scene"), number("duration"))
ROWS = [{"Scene": "dawn", "duration": 4}, {"Scene": "noon", "duration": 6}, {"Scene": "dusk"}]


def length_s(*given: tuple[dict[str, Any], Any]) -> float | None:
    """Read how long a result shall last from parameters and what they are given."""
    spec = a_spec(*(parameter for parameter, _ in given))
    return build_plan(spec, {parameter["name"]: value for parameter, value in given}).duration_s


def choice(name: str, *values: Any, **fields: Any) -> dict[str, Any]:
    """Describe a choice of such values."""
    return {"kind": "choice", "name": name, "options": options(*values), **fields}


@pytest.mark.parametrize(
    ("name", "value", "seconds"),
    [
        ("duration", "6", 6.0),
        ("duration", "5s", 5.0),
        ("duration", "10 seconds", 10.0),
        ("duration", 7, 7.0),
        ("duration_seconds", 2.5, 2.5),
        ("music_length_ms", 30_000, 30.0),
        ("videoDuration", "8", 8.0),
        ("duration", "-1", None),
        ("duration", "auto", None),
        ("style", "6", None),
        ("overlap_frames", 6, None),
    ],
)
def test_seconds_are_read_from_every_spelling(name: str, value: Any, seconds: float | None) -> None:
    """With or without a unit, as text or a number, in seconds or in milliseconds."""
    kind = "text" if isinstance(value, str) else "number"
    assert length_s(({"kind": kind, "name": name}, value)) == seconds


@pytest.mark.parametrize("name", ["num_frames", "n_frames", "numFrames", "frames", "frame_count"])
@pytest.mark.parametrize("count", [8, 48, 81])
def test_frames_are_never_seconds(name: str, count: int) -> None:
    """However few they are, 16 of them are a second."""
    assert length_s((number(name), count)) == count / 16


@pytest.mark.parametrize("rate_name", ["fps", "frame_rate", "frames_per_second", "output_fps"])
def test_the_requested_rate_tells_how_long_frames_last(rate_name: str) -> None:
    """48 frames are 2 seconds at 24 a second; a rate that makes no sense is as if not said."""
    frames = (number("num_frames"), 48)
    assert length_s(frames, (number(rate_name), 24)) == 2
    assert length_s((number(rate_name), 0), frames) == 3


def test_a_choice_of_few_frames_is_one_of_seconds() -> None:
    """Some models say frames and mean seconds: no clip has but 10 or 15 frames."""
    assert length_s((choice("n_frames", "10", "15"), "10")) == 10
    assert length_s((choice("n_frames", 10, 15, 30, of="integer"), 15)) == 15
    assert length_s((choice("num_frames", "48", "96"), "48")) == 3
    assert length_s((choice("num_frames", "16", "96"), "16")) == 1
    assert length_s((text("num_frames"), "4s")) == 4


def test_shots_last_as_long_as_all_of_them() -> None:
    """A story without a length of its own takes that of its rows."""
    assert length_s((SHOTS, ROWS)) == 10


@pytest.mark.parametrize(
    ("duration", "value", "seconds"),
    [
        (number("duration", default=5), 5, 10),
        (choice("duration", "5", "15", default="5"), "5", 10),
        (choice("duration", "5", "15", default="5"), "15", 15),
        (number("duration"), 5, 5),
        (number("duration", default=5, required=True), 5, 5),
    ],
    ids=["default", "default choice", "chosen", "no default", "required"],
)
def test_shots_go_before_a_duration_that_nobody_chose(
    duration: dict[str, Any], value: Any, seconds: float
) -> None:
    """One that may be left out and is at its default is filled in by the service."""
    assert length_s((duration, value), (SHOTS, ROWS)) == seconds


def test_a_default_stands_where_the_shots_tell_nothing() -> None:
    """Rows without durations do not make a clip endless or empty."""
    duration = number("duration", default=5)
    assert length_s((duration, 5), (SHOTS, [{"Scene": "dawn"}])) == 5
