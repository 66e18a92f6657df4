"""Draw how a sound goes: bars as high as it is loud, which stand for it where it cannot be seen.

Blocks; call it in a thread.
"""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image, ImageDraw

from kie_ui.media.atomic import write_whole
from kie_ui.media.sound import loudness

_SIZE_PX = (480, 320)
_BARS = 48
_BAR_PX = 6
_MARGIN_PX = 24
_LEAST_PX = 6
_MOST_PX = 176
_COLOUR = (20, 163, 148, 255)
"""Readable on light and on dark."""
_DRAWN_LARGER = 2


def draw_waveform(sound: Path, to: Path) -> None:
    """Write a small picture of a sound, WebP with nothing behind its bars.

    Raises: SoundProblem; OSError.
    """
    width, height = (side * _DRAWN_LARGER for side in _SIZE_PX)
    picture = Image.new("RGBA", (width, height), (*_COLOUR[:3], 0))
    draw = ImageDraw.Draw(picture)
    peaks = loudness(sound, _BARS)
    loudest = max(*peaks, 0.01)
    apart = (width - 2 * _MARGIN_PX * _DRAWN_LARGER) / _BARS
    for number, peak in enumerate(peaks):
        middle = _MARGIN_PX * _DRAWN_LARGER + (number + 0.5) * apart
        _draw_bar(draw, middle, height / 2, max(_LEAST_PX, _MOST_PX * peak / loudest))
    encoded = io.BytesIO()
    picture.resize(_SIZE_PX, Image.Resampling.LANCZOS).save(encoded, "WEBP", quality=80)
    write_whole(to, encoded.getvalue())


def _draw_bar(draw: ImageDraw.ImageDraw, middle: float, centre: float, height_px: float) -> None:
    half_width, half = _BAR_PX * _DRAWN_LARGER / 2, height_px * _DRAWN_LARGER / 2
    box = (middle - half_width, centre - half, middle + half_width, centre + half)
    draw.rounded_rectangle(box, radius=half_width, fill=_COLOUR)
