from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kie_ui.simulator.plan import MODES, Mode
from kie_ui.simulator.render.camera import (
    Camera,
    Plane,
    Sampler,
    camera_path,
    ease_in_out,
    ease_out,
    settling_path,
    smootherstep,
    view,
)

seeds = st.integers(0, 2**31 - 1)
modes = st.sampled_from(MODES)
shares = st.floats(0, 1)


@given(seeds, modes, st.floats(1, 15))
def test_every_move_starts_from_the_whole_picture(seed: int, mode: Mode, duration_s: float) -> None:
    """At the start nothing is zoomed, so a clip continues another without a jump."""
    start = camera_path(seed, mode, duration_s)(0)
    assert start.zoom == 1.0


@given(seeds, modes, st.floats(3, 12), shares)
def test_a_camera_never_jumps(seed: int, mode: Mode, duration_s: float, share: float) -> None:
    """Between two frames the view changes by a few per cent at most."""
    path = camera_path(seed, mode, duration_s)
    step = 1 / (24 * duration_s)
    before, after = path(max(0, share - step)), path(share)
    assert abs(after.zoom - before.zoom) < 0.03
    assert abs(after.pan_x - before.pan_x) < 0.1
    assert abs(after.pan_y - before.pan_y) < 0.1


@given(seeds, modes)
def test_the_end_picture_comes_to_rest_whole(seed: int, mode: Mode) -> None:
    """The last frame shows the whole end picture, and centred."""
    assert settling_path(seed, mode)(1) == Camera()


@given(shares)
def test_easing_goes_from_rest_to_rest(share: float) -> None:
    """Every easing starts at 0, ends at 1 and stays between."""
    for ease in (smootherstep, ease_in_out, ease_out):
        assert (ease(0), round(ease(1), 9)) == (0, 1)
        assert 0 <= ease(share) <= 1 + 1e-12


@given(
    st.floats(1, 1.6),
    st.floats(-1, 1),
    st.floats(-1, 1),
    st.sampled_from([(720, 480), (480, 720), (1120, 480), (120, 120)]),
)
def test_a_view_lies_inside_the_picture(
    zoom: float, pan_x: float, pan_y: float, frame: tuple[int, int]
) -> None:
    """However the camera is zoomed and panned, its corners show picture."""
    picture = (round(frame[0] * 1.25), round(frame[1] * 1.25))
    seen = view(Camera(zoom, pan_x, pan_y), frame, picture)
    for column in (0, frame[0] - 1):
        for row in (0, frame[1] - 1):
            x = seen.a * column + seen.c
            y = seen.e * row + seen.f
            assert -0.5 <= x <= picture[0] - 0.5
            assert -0.5 <= y <= picture[1] - 0.5


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
