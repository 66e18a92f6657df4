"""Where the camera is at every moment of a clip: pure functions of the seed and the mode.

Every move starts from the whole picture, so that a clip made from the last frame of another goes
on without a jump. A `Sampler` then shows the pixels that the camera sees.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kie_ui.simulator.plan import Mode


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


class _Movement(NamedTuple):
    """How the camera moves in a mode."""

    zoom: tuple[float, float]
    """Least and most zoom at the end of the move."""
    bounce: float
    """Height of the bounces, as a share of the picture."""
    is_quick: bool
    """Whether the camera covers most of the distance early."""


_MOVEMENTS: dict[Mode, _Movement] = {
    "normal": _Movement((1.10, 1.18), 0.0, is_quick=False),
    "fun": _Movement((1.14, 1.20), 0.022, is_quick=False),
    "spicy": _Movement((1.26, 1.36), 0.0, is_quick=True),
}
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
    """Ease from 0 to 1, quickly at first, slowly at the end."""
    t = min(max(share, 0.0), 1.0)
    return ease_in_out(1 - (1 - t) ** 2.2)


def camera_path(seed: int, mode: Mode, duration_s: float) -> CameraPath:
    """Choose the camera move of a clip: closer, with a drift and a little sway."""
    movement = _MOVEMENTS[mode]
    rng = random.Random(f"{seed}/{mode}")  # noqa: S311 - variety, not secrecy
    zoom_gain = rng.uniform(*movement.zoom) - 1
    heading = rng.uniform(0, math.tau)
    reach = rng.uniform(0.35, 0.85)
    arc = rng.choice((-1, 1)) * rng.uniform(0.15, 0.45)
    sway_phase = rng.uniform(0, math.tau)
    ease = ease_out if movement.is_quick else ease_in_out

    def path(share: float) -> Camera:
        eased = ease(share)
        turn = heading + arc * eased
        sway = 0.06 * math.sin(math.tau * share * duration_s / _SWAY_PERIOD_S + sway_phase)
        jump, wobble = _bounce(share, duration_s, movement.bounce)
        room = smootherstep(share * 3)
        return Camera(
            zoom=1 + zoom_gain * eased + 2 * movement.bounce * room + 0.6 * jump,
            # Brought softly into -1 to 1.
            pan_x=math.tanh(reach * eased * math.cos(turn) + sway * room + wobble * room),
            pan_y=math.tanh(reach * eased * math.sin(turn) + 0.5 * sway - 9 * jump),
        )

    return path


def _bounce(share: float, duration_s: float, height: float) -> tuple[float, float]:
    """Return how far the picture moves up and sideways; it is at rest at the start."""
    if height == 0:
        return 0.0, 0.0
    beat = share * duration_s * _BEATS_PER_S
    settle = smootherstep(share * 4) * (1 - smootherstep((share - 0.75) * 4))
    jump = height * settle * math.sin(math.pi * beat) ** 2
    return jump, 0.45 * settle * math.sin(math.pi * beat)


def settling_path(seed: int, mode: Mode) -> CameraPath:
    """Choose the camera move over the end picture: from a little closer to the whole of it."""
    rng = random.Random(f"{seed}/{mode}/end")  # noqa: S311 - variety, not secrecy
    heading = rng.uniform(0, math.tau)
    nearness = 0.10 if mode == "normal" else 0.16

    def path(share: float) -> Camera:
        left = 1 - smootherstep((share - 0.4) / 0.6)
        pan = 0.5 * left
        return Camera(1 + nearness * left, pan * math.cos(heading), pan * math.sin(heading))

    return path


def still_path(_share: float) -> Camera:
    """Keep the camera where it is."""
    return Camera()


class View(NamedTuple):
    """The map from a frame's pixels to a picture's: x = a·column + c, y = e·row + f."""

    a: float
    c: float
    e: float
    f: float

    def halved(self) -> View:
        """Return the same map for planes of half the width and height."""
        # Pixel centres lie at j + ½; in the half plane's units both sides shift accordingly.
        return self._replace(
            c=(self.c + 0.5 * (self.a + 1) - 1) / 2, f=(self.f + 0.5 * (self.e + 1) - 1) / 2
        )


def view(camera: Camera, frame: tuple[int, int], picture: tuple[int, int]) -> View:
    """Place the camera over a picture of the frame's proportions; sizes are (width, height).

    However the camera is moved, its whole view is inside the picture.
    """
    (width, height), (picture_w, picture_h) = frame, picture
    scale = 1 / max(1.0, camera.zoom)
    # First in the frame's own pixels, as if the picture were exactly as large as the frame …
    middle_x = width / 2 * (1 + camera.pan_x * (1 - scale))
    middle_y = height / 2 * (1 + camera.pan_y * (1 - scale))
    # … then in those of the picture, which is larger. Pixel j has its centre at j + ½ in both.
    grow_x, grow_y = picture_w / width, picture_h / height
    a, e = scale * grow_x, scale * grow_y
    c = middle_x * grow_x - 0.5 + a * (0.5 - width / 2)
    f = middle_y * grow_y - 0.5 + e * (0.5 - height / 2)
    return View(a, c, e, f)


Plane = NDArray[np.uint8]

_BORDER = 1
"""Pixels repeated around a plane, so that its outermost pixels have neighbours too."""


class Sampler:
    """Shows planes of one size to a camera: sampled first down, then across.

    Values are kept times 128 in 16 bits, which video levels, at most 240, leave room for.
    """

    _BITS = np.int16(7)
    _UNIT = 128
    _HALF = np.int16(64)
    _BLOCK_PIXELS = 1 << 16

    def __init__(self, planes: tuple[Plane, ...], frame: tuple[int, int]) -> None:
        self._width, self._height = frame
        bordered = [np.pad(plane, _BORDER, mode="edge").astype(np.int16) for plane in planes]
        self._upper = [plane[:-1] * np.int16(self._UNIT) + self._HALF for plane in bordered]
        self._downward = [np.diff(plane, axis=0) for plane in bordered]
        rows = max(1, min(self._height, self._BLOCK_PIXELS // self._width))
        picture_width = bordered[0].shape[1]
        self._mixed = np.empty((rows, picture_width), np.int16)
        self._upper_rows = np.empty((rows, picture_width), np.int16)
        self._rightward = np.empty((rows, picture_width - 1), np.int16)
        self._left = np.empty((rows, self._width), np.int16)
        self._step = np.empty((rows, self._width), np.int16)

    def sample(self, seen: View, out: tuple[Plane, ...]) -> None:
        """Fill a frame's planes with what is seen of the picture's."""
        column, right = self._places(seen.a, seen.c, self._width)
        row, below = self._places(seen.e, seen.f, self._height)
        rows = self._mixed.shape[0]
        for top in range(0, self._height, rows):
            block = slice(top, min(top + rows, self._height))
            for number, plane in enumerate(out):
                self._mix_rows(number, row[block], below[block, None])
                self._mix_columns(column, right, plane[block])

    def _places(
        self, scale: float, offset: float, count: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int16]]:
        """Return the whole pixels before some positions, and how far beyond them these lie."""
        positions = (np.arange(count) * scale + offset + _BORDER) * self._UNIT
        fixed = np.rint(positions).astype(np.int64)
        return fixed // self._UNIT, (fixed % self._UNIT).astype(np.int16)

    def _mix_rows(self, number: int, row: NDArray[np.int64], below: NDArray[np.int16]) -> None:
        mixed, upper = self._mixed[: len(row)], self._upper_rows[: len(row)]
        np.take(self._downward[number], row, axis=0, out=mixed, mode="clip")
        np.take(self._upper[number], row, axis=0, out=upper, mode="clip")
        mixed *= below
        mixed += upper

    def _mix_columns(self, column: NDArray[np.int64], right: NDArray[np.int16], out: Plane) -> None:
        mixed, rightward = self._mixed[: len(out)], self._rightward[: len(out)]
        left, step = self._left[: len(out)], self._step[: len(out)]
        whole = np.right_shift(mixed, self._BITS, out=self._upper_rows[: len(out)])
        np.subtract(whole[:, 1:], whole[:, :-1], out=rightward)
        np.take(mixed, column, axis=1, out=left, mode="clip")
        np.take(rightward, column, axis=1, out=step, mode="clip")
        step *= right
        step += left
        step >>= self._BITS
        np.copyto(out, step, casting="unsafe")
