"""A clip for tests that are not about pixels."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy as np


def tiny_clip() -> bytes:
    """Make a real MP4 of half a second, 64 by 48 pixels."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(8))
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for shade in (0, 60, 120, 180):
            picture = np.full((48, 64, 3), shade, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return file.getvalue()


def shows(content: bytes, clip: bytes) -> bool:
    """Whether a file holds the very frames of a clip, whatever else was put into it."""
    at = clip.index(b"mdat")
    size = int.from_bytes(clip[at - 4 : at], "big")
    return clip[at : at + size - 4] in content
