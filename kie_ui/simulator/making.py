"""Any order → what was ordered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kie_ui.simulator.imaging.making import make_image
from kie_ui.simulator.orders import ClipOrder, ImageOrder, Order, SoundOrder, TextOrder
from kie_ui.simulator.render import render_clip
from kie_ui.simulator.sounds.making import make_sound
from kie_ui.simulator.texts import write_text


def make(order: Order, output: Path, progress: Callable[[float], None]) -> None:
    """Make what was ordered, and write it to `output`. Raises: BrokenInput."""
    match order:
        case ClipOrder():
            render_clip(order, output, progress)
        case ImageOrder():
            make_image(order, output)
        case SoundOrder():
            make_sound(order, output)
        case TextOrder():
            write_text(order, output)
