"""Where a camera looks, in pixels, and the planes that it sees there."""

from __future__ import annotations

import math
from functools import cached_property
from typing import NamedTuple

from kie_ui.simulator.motion import Camera
from kie_ui.simulator.sampling import LevelSampler, Plane, RolledSampler


class View(NamedTuple):
    """The affine map from a frame's pixels to a picture's: x = a·j + b·i + c, y = d·j + e·i + f."""

    a: float
    b: float
    c: float
    d: float
    e: float
    f: float

    @property
    def is_level(self) -> bool:
        """Whether the camera is not rolled: rows then stay rows, and columns columns."""
        return self.b == 0 and self.d == 0

    def halved(self) -> View:
        """Return the same map for planes of half the width and height."""
        # Pixel centres lie at j + ½; in the half plane's units both sides shift accordingly.
        return self._replace(
            c=(self.c + 0.5 * (self.a + self.b + 1) - 1) / 2,
            f=(self.f + 0.5 * (self.d + self.e + 1) - 1) / 2,
        )


def view(camera: Camera, frame: tuple[int, int], picture: tuple[int, int]) -> View:
    """Place the camera over a picture of the frame's proportions; sizes are (width, height).

    However the camera is turned and moved, its whole view lies inside the picture.
    """
    (width, height), (picture_w, picture_h) = frame, picture
    cos, sin = math.cos(camera.roll), math.sin(camera.roll)
    # First in the frame's own pixels, as if the picture were exactly as large as the frame …
    spread_x = (width * cos + height * abs(sin)) / 2
    spread_y = (height * cos + width * abs(sin)) / 2
    scale = min(1 / camera.zoom, width / 2 / spread_x, height / 2 / spread_y)
    middle_x = width / 2 + camera.pan_x * (width / 2 - spread_x * scale)
    middle_y = height / 2 + camera.pan_y * (height / 2 - spread_y * scale)
    # … then in those of the picture, which is larger. Pixel j has its centre at j + ½ in both.
    grow_x, grow_y = picture_w / width, picture_h / height
    a, b = scale * cos * grow_x, -scale * sin * grow_x
    d, e = scale * sin * grow_y, scale * cos * grow_y
    first_x, first_y = 0.5 - width / 2, 0.5 - height / 2
    c = middle_x * grow_x - 0.5 + a * first_x + b * first_y
    f = middle_y * grow_y - 0.5 + d * first_x + e * first_y
    return View(a, b, c, d, e, f)


class Sampler:
    """Shows planes of one size to a camera, level or rolled."""

    def __init__(self, planes: tuple[Plane, ...], frame: tuple[int, int]) -> None:
        self._planes = planes
        self._frame = frame

    @cached_property
    def _level(self) -> LevelSampler:
        return LevelSampler(self._planes, self._frame)

    @cached_property
    def _rolled(self) -> RolledSampler:
        return RolledSampler(self._planes, self._frame)

    def sample(self, seen: View, out: tuple[Plane, ...]) -> None:
        """Fill one frame's planes with what is seen of the picture's."""
        if seen.is_level:
            self._level.sample((seen.a, seen.c), (seen.e, seen.f), out)
        else:
            self._rolled.sample(seen, out)
