"""Small real clips, pictures and sounds for tests that are not about their content."""

from __future__ import annotations

import io
import math
import struct
import wave
from fractions import Fraction

import av
import numpy as np
from PIL import Image


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


def tiny_picture(
    colour: tuple[int, int, int] = (200, 120, 40),
    size_px: tuple[int, int] = (96, 64),
    format_: str = "PNG",
) -> bytes:
    """Draw a picture of one colour."""
    encoded = io.BytesIO()
    Image.new("RGB", size_px, colour).save(encoded, format=format_)
    return encoded.getvalue()


def tiny_sound(duration_s: float = 1.0, rate_hz: int = 8_000) -> bytes:
    """Make a tone that grows from nothing, as WAV."""
    count = round(duration_s * rate_hz)
    loud = (16_000 * at / count * math.sin(at * 0.3) for at in range(count))
    written = io.BytesIO()
    with wave.open(written, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate_hz)
        sound.writeframes(b"".join(struct.pack("<h", round(value)) for value in loud))
    return written.getvalue()
