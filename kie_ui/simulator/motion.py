"""Where the camera is at every moment of a clip: pure functions of the seed and the mode.

Every move starts from the whole picture, so that a clip made from the last frame of another goes
on without a jump. Nothing here knows of pixels: `warp` keeps every view inside the picture.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import NamedTuple

from kie_ui.simulator.orders import Mode


class Camera(NamedTuple):
    """What the camera shows.

    `zoom` is 1 where it shows the whole picture and grows as it comes nearer. `pan_x` and `pan_y`
    say where in the room that the zoom leaves, from -1 (left, top) to 1. It is never rolled: rows
    that stay rows are sampled at half the cost.
    """

    zoom: float = 1.0
    pan_x: float = 0.0
    pan_y: float = 0.0


CameraPath = Callable[[float], Camera]
"""From the share of the clip that has passed, 0 to 1, to the camera."""

STILL = Camera()
TAU = math.tau


class _Temper(NamedTuple):
    """How a mode moves."""

    zoom: tuple[float, float]
    """Least and most zoom at the end of the move."""
    bounce: float
    """Height of the bounces, as a share of the picture."""
    is_quick: bool
    """Whether most of the way is done early."""


_TEMPERS: dict[Mode, _Temper] = {
    "normal": _Temper((1.10, 1.18), 0.0, is_quick=False),
    "fun": _Temper((1.14, 1.20), 0.022, is_quick=False),
    "spicy": _Temper((1.26, 1.36), 0.0, is_quick=True),
}
MAX_ZOOM = 1.5
_BEATS_PER_S = 0.75
_SWAY_PERIOD_S = 5.0


def smootherstep(share: float) -> float:
    """Ease from 0 to 1 with no jerk at either end."""
    t = min(max(share, 0.0), 1.0)
    return t * t * t * (t * (t * 6 - 15) + 10)


def ease_in_out(share: float) -> float:
    """Ease from 0 to 1 along a sine: gentler in the middle than `smootherstep`."""
    return 0.5 - 0.5 * math.cos(math.pi * min(max(share, 0.0), 1.0))


def ease_out(share: float) -> float:
    """Start quickly and settle slowly, yet from rest."""
    t = min(max(share, 0.0), 1.0)
    return ease_in_out(1 - (1 - t) ** 2.2)


def camera_path(seed: int, mode: Mode, duration_s: float) -> CameraPath:
    """Choose the move of a clip: a push with a drift, swayed a little."""
    temper = _TEMPERS[mode]
    dice = random.Random(f"{seed}/{mode}")  # noqa: S311 - variety, not secrecy
    zoom_gain = dice.uniform(*temper.zoom) - 1
    heading = dice.uniform(0, TAU)
    reach = dice.uniform(0.35, 0.85)
    arc = dice.choice((-1, 1)) * dice.uniform(0.15, 0.45)
    sway_phase = dice.uniform(0, TAU)
    ease = ease_out if temper.is_quick else ease_in_out

    def path(share: float) -> Camera:
        eased = ease(share)
        turn = heading + arc * eased
        sway = 0.06 * math.sin(TAU * share * duration_s / _SWAY_PERIOD_S + sway_phase)
        jump, wobble = _bounce(share, duration_s, temper.bounce)
        room = smootherstep(share * 3)
        return Camera(
            zoom=1 + zoom_gain * eased + 2 * temper.bounce * room + 0.6 * jump,
            pan_x=_within(reach * eased * math.cos(turn) + sway * room + wobble * room),
            pan_y=_within(reach * eased * math.sin(turn) + 0.5 * sway - 9 * jump),
        )

    return path


def _bounce(share: float, duration_s: float, height: float) -> tuple[float, float]:
    """Return how high the picture jumps and how far it wobbles aside, both at rest at the start."""
    if height == 0:
        return 0.0, 0.0
    beat = share * duration_s * _BEATS_PER_S
    settle = smootherstep(share * 4) * (1 - smootherstep((share - 0.75) * 4))
    jump = height * settle * math.sin(math.pi * beat) ** 2
    return jump, 0.45 * settle * math.sin(math.pi * beat)


def settling_path(seed: int, mode: Mode) -> CameraPath:
    """Choose how the end picture comes to rest: from a little nearer, to the whole of it."""
    dice = random.Random(f"{seed}/{mode}/end")  # noqa: S311 - variety, not secrecy
    heading = dice.uniform(0, TAU)
    nearness = 0.10 if mode == "normal" else 0.16

    def path(share: float) -> Camera:
        left = 1 - smootherstep((share - 0.4) / 0.6)
        pan = 0.5 * left
        return Camera(1 + nearness * left, pan * math.cos(heading), pan * math.sin(heading))

    return path


def still_path(_share: float) -> Camera:
    """Keep the camera where it is."""
    return STILL


def _within(pan: float) -> float:
    """Bring a pan softly into -1 to 1."""
    return math.tanh(pan)
