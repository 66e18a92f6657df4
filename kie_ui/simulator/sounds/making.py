"""An order for a sound → a file."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from kie_ui.simulator.intent.plan import SoundOrder
from kie_ui.simulator.sounds.files import NoSound, read_sound, write_sound
from kie_ui.simulator.sounds.music import Samples, faded, play_tune
from kie_ui.simulator.sounds.speech import murmur, speech_s

MAX_SOUND_S = 120.0
MIN_SOUND_S = 0.5
USUAL_TUNE_S = 20.0
MAX_VOICE_RATE_HZ = 24_000
"""A murmur has nothing above the half of it."""


def make_sound(order: SoundOrder, output: Path) -> None:
    """Make a sound of about the asked length. Raises: BrokenInput."""
    rate_hz = min(order.rate_hz, MAX_VOICE_RATE_HZ) if order.lines else order.rate_hz
    write_sound(_samples(order, rate_hz), rate_hz, output, order.format)


def _samples(order: SoundOrder, rate_hz: int) -> Samples:
    asked_s = order.duration_s
    most_s = MAX_SOUND_S if asked_s is None else min(max(asked_s, MIN_SOUND_S), MAX_SOUND_S)
    if order.source is not None:
        with suppress(NoSound):  # a silent video gets a tune
            return faded(read_sound(order.source, rate_hz, most_s), rate_hz, 0.02, 0.3)
    if order.lines:
        most_s = min(most_s, max(speech_s(order.lines) * 1.6, 1.0))
        return murmur(order.lines, order.seed, most_s, rate_hz)
    tune_s = USUAL_TUNE_S if asked_s is None else most_s
    return play_tune(order.prompt, order.seed, order.number, tune_s, rate_hz)
