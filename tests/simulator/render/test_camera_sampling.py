from __future__ import annotations

import numpy as np
import pytest

from kie_ui.simulator.render.camera import Camera, Plane, Sampler, view

FRAME, PICTURE = (96, 64), (120, 80)


def sampled(plane: Plane, camera: Camera) -> Plane:
    """Return what the camera sees of a plane."""
    out = np.zeros((FRAME[1], FRAME[0]), np.uint8)
    Sampler((plane,), FRAME).sample(view(camera, FRAME, PICTURE), (out,))
    return out


@pytest.mark.parametrize("level", [16, 100, 240])
def test_a_plain_plane_stays_plain(level: int) -> None:
    """Blending equal values gives that value at both ends of video levels."""
    plane = np.full((PICTURE[1], PICTURE[0]), level, np.uint8)
    assert np.unique(sampled(plane, Camera(1.2, 0.3, -0.4))).tolist() == [level]


def test_a_ramp_is_read_between_its_pixels() -> None:
    """On a slope of 2 a pixel, sampling is exact to one level: half a pixel."""
    columns = np.arange(PICTURE[0])
    plane = np.broadcast_to((columns * 2).astype(np.uint8), (PICTURE[1], PICTURE[0])).copy()
    camera = Camera(1.25, 0.37, 0.11)
    seen = view(camera, FRAME, PICTURE)
    j = np.arange(FRAME[0])[None, :]
    exact = 2 * (seen.a * j + seen.c)
    assert np.abs(sampled(plane, camera) - exact).max() <= 1
