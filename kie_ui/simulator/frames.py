"""Frames of video, and the planes of light and colour in their memory."""

from __future__ import annotations

import numpy as np
from av.video.frame import VideoFrame
from PIL import Image

from kie_ui.simulator.encode import BT709, LIMITED_RANGE, PIXEL_FORMAT
from kie_ui.simulator.sampling import Plane

Planes = tuple[Plane, Plane, Plane]


def new_frame(size: tuple[int, int]) -> VideoFrame:
    """Return a frame of (width, height) to be filled."""
    frame = VideoFrame(*size, PIXEL_FORMAT)
    frame.colorspace, frame.color_range = BT709, LIMITED_RANGE
    return frame


def planes_in(frame: VideoFrame) -> Planes:
    """Look into a frame's own memory, without its padding."""
    luma, blue, red = (
        np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)[
            :, : plane.width
        ]
        for plane in frame.planes
    )
    return luma, blue, red


def planes_of(picture: Image.Image) -> Planes:
    """Convert RGB to the levels of video."""
    frame = VideoFrame.from_ndarray(np.asarray(picture), format="rgb24").reformat(
        format=PIXEL_FORMAT, dst_colorspace="ITU709", dst_color_range="MPEG"
    )
    luma, blue, red = (plane.copy() for plane in planes_in(frame))
    return luma, blue, red
