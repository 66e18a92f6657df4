from __future__ import annotations

import numpy as np
import pytest

from kie_ui.simulator.motion import Camera
from kie_ui.simulator.sampling import Plane
from kie_ui.simulator.warp import Sampler, view

FRAME, PICTURE = (96, 64), (120, 80)


def sampled(plane: Plane, camera: Camera) -> Plane:
    """Return what the camera sees of a plane."""
    out = np.zeros((FRAME[1], FRAME[0]), np.uint8)
    Sampler((plane,), FRAME).sample(view(camera, FRAME, PICTURE), (out,))
    return out


@pytest.mark.parametrize("roll", [0.0, 0.03])
@pytest.mark.parametrize("level", [16, 100, 240])
def test_a_plain_plane_stays_plain(level: int, roll: float) -> None:
    """Blending equal values gives that value, level or rolled, at both ends of video levels."""
    plane = np.full((PICTURE[1], PICTURE[0]), level, np.uint8)
    assert np.unique(sampled(plane, Camera(1.2, 0.3, -0.4, roll))).tolist() == [level]


@pytest.mark.parametrize("roll", [0.0, 0.03])
def test_a_ramp_is_read_between_its_pixels(roll: float) -> None:
    """On a slope of 2 a pixel, sampling is exact to one level: half a pixel."""
    columns = np.arange(PICTURE[0])
    plane = np.broadcast_to((columns * 2).astype(np.uint8), (PICTURE[1], PICTURE[0])).copy()
    camera = Camera(1.25, 0.37, 0.11, roll)
    seen = view(camera, FRAME, PICTURE)
    j, i = np.arange(FRAME[0])[None, :], np.arange(FRAME[1])[:, None]
    exact = 2 * (seen.a * j + seen.b * i + seen.c)
    assert np.abs(sampled(plane, camera) - exact).max() <= 1


def test_level_and_rolled_agree() -> None:
    """A roll too small to see gives the picture of no roll."""
    plane = np.random.default_rng(1).integers(16, 236, (PICTURE[1], PICTURE[0]), dtype=np.uint8)
    level = sampled(plane, Camera(1.1, 0.2, 0.3)).astype(int)
    rolled = sampled(plane, Camera(1.1, 0.2, 0.3, 1e-9)).astype(int)
    assert np.abs(level - rolled).max() <= 3
