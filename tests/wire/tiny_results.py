"""Results other than clips, small and real."""

from __future__ import annotations

import io
import math
import struct
import wave

from PIL import Image


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
