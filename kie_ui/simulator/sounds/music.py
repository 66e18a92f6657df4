"""A pleasant little tune: chords that breathe, a bass, and a few plucked notes above them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from kie_ui.simulator.scenery.outlook import dice_of

Samples = NDArray[np.float32]

_MAJOR = (0, 2, 4, 5, 7, 9, 11)
_MINOR = (0, 2, 3, 5, 7, 8, 10)
_TURNS = ((0, 4, 5, 3), (0, 5, 3, 4), (5, 3, 0, 4), (0, 3, 0, 4), (0, 2, 5, 3))
"""Steps of the scale on which the chords of four bars stand."""
_SAD_WORDS = ("sad", "dark", "night", "rain", "melanchol", "mysterious", "minor", "slow", "tense")
_FADE_IN_S = 0.05
_FADE_OUT_S = 1.2


def play_tune(prompt: str, seed: int, number: int, duration_s: float, rate_hz: int) -> Samples:
    """Play a tune in two channels; the same words and seed give the same tune."""
    dice = dice_of("tune", prompt, seed, number)
    is_minor = any(word in prompt.lower() for word in _SAD_WORDS) or dice.random() < 0.35
    scale = _MINOR if is_minor else _MAJOR
    beat_s = 60 / float(dice.uniform(74, 104))
    root = int(dice.integers(45, 53))
    turn = _TURNS[int(dice.integers(len(_TURNS)))]
    out = np.zeros((2, round(duration_s * rate_hz)), np.float32)
    chords = {step: [root + _pitch(scale, step + third) for third in (0, 2, 4)] for step in turn}
    sounds = {step: _chord(chord, 4.6 * beat_s, rate_hz) for step, chord in chords.items()}
    for bar in range(math.ceil(duration_s / (4 * beat_s))):
        start_s, step = bar * 4 * beat_s, turn[bar % len(turn)]
        _add(out, round(start_s * rate_hz), sounds[step])
        _pluck(out, (start_s, 1.6 * beat_s), chords[step][0] - 12, 0.2, 0.0, rate_hz)
        _play_figure(dice, out, scale, (root + 12, step), (start_s, beat_s), rate_hz)
    return faded(_with_room(out, rate_hz), rate_hz, _FADE_IN_S, _FADE_OUT_S)


def faded(samples: Samples, rate_hz: int, in_s: float, out_s: float) -> Samples:
    """Fade in and out, bring the loudest moment to a comfortable level, and stay within it."""
    count = samples.shape[1]
    fade_in, fade_out = (min(count // 2, round(s * rate_hz)) for s in (in_s, out_s))
    level = np.ones(count, np.float32)
    level[:fade_in] = np.sin(np.linspace(0, math.pi / 2, fade_in, dtype=np.float32)) ** 2
    if fade_out:
        down = np.cos(np.linspace(0, math.pi / 2, fade_out, dtype=np.float32)) ** 2
        level[count - fade_out :] *= down
    loudest = float(np.abs(samples).max(initial=0.0))
    quiet = samples * (0.7 / loudest) if loudest > 0 else samples
    return np.asarray(quiet * level, np.float32)


def _pitch(scale: tuple[int, ...], step: int) -> int:
    return 12 * (step // len(scale)) + scale[step % len(scale)]


def _frequency(note: float) -> float:
    return float(440.0 * 2.0 ** ((note - 69) / 12))


def _chord(chord: list[int], lasts_s: float, rate_hz: int) -> Samples:
    """Lay soft detuned voices over each other, which swell and ebb."""
    t = np.arange(round(lasts_s * rate_hz)) / rate_hz
    swell = np.sin(math.pi * t / lasts_s) ** 0.7
    out = np.zeros((2, t.size), np.float32)
    for position, note in enumerate(chord):
        for side, cents in ((0, -4), (1, 4)):
            turn = math.tau * _frequency(note + cents / 100) * t
            voice = np.sin(turn) + 0.3 * np.sin(2 * turn) + 0.1 * np.sin(3 * turn)
            out[side] += 0.085 * swell * voice / (1 + 0.2 * position)
    return out


def _add(out: Samples, first: int, sound: Samples) -> None:
    count = max(0, min(sound.shape[1], out.shape[1] - first))
    out[:, first : first + count] += sound[:, :count]


def _play_figure(
    dice: np.random.Generator,
    out: Samples,
    scale: tuple[int, ...],
    ground: tuple[int, int],
    timing: tuple[float, float],
    rate_hz: int,
) -> None:
    """Pluck a figure of eighths over a chord, with rests in it."""
    (root, step), (start_s, beat_s) = ground, timing
    for eighth in range(8):
        if dice.random() < 0.32:
            continue
        up = int(dice.choice([0, 2, 4, 7, 9, 1], p=[0.26, 0.22, 0.22, 0.14, 0.1, 0.06]))
        note = root + _pitch(scale, step + up)
        loud = 0.2 if eighth % 4 == 0 else 0.13
        when_s = start_s + eighth * beat_s / 2
        _pluck(out, (when_s, 1.8), note, loud, float(dice.uniform(-0.7, 0.7)), rate_hz)


def _pluck(
    out: Samples,
    span: tuple[float, float],
    note: float,
    loud: float,
    pan: float,
    rate_hz: int,
) -> None:
    """Add one struck note that dies away, its overtones sooner."""
    first, t = _moments(out, *span, rate_hz)
    if t.size == 0:
        return
    frequency = _frequency(note)
    sound = np.zeros(t.size)
    for overtone, strength in ((1, 1.0), (2, 0.42), (3, 0.2), (4, 0.09)):
        if overtone * frequency < rate_hz / 2.2:
            fading = np.exp(-t * (2.2 + 1.5 * overtone))
            sound += strength * fading * np.sin(math.tau * overtone * frequency * t)
    sound *= loud * np.clip(t / 0.006, 0, 1)
    out[0, first : first + t.size] += sound * math.cos((pan + 1) * math.pi / 4)
    out[1, first : first + t.size] += sound * math.sin((pan + 1) * math.pi / 4)


def _moments(
    out: Samples, start_s: float, lasts_s: float, rate_hz: int
) -> tuple[int, NDArray[np.float64]]:
    """Return the first sample of a note, and the seconds since then for each one it has."""
    first = round(start_s * rate_hz)
    count = max(0, min(round(lasts_s * rate_hz), out.shape[1] - first))
    return first, np.arange(count) / rate_hz


def _with_room(dry: Samples, rate_hz: int) -> Samples:
    """Add a few late, quiet echoes, as a room does."""
    wet = dry.copy()
    for number, delay_s in enumerate((0.031, 0.047, 0.073, 0.113, 0.171, 0.263)):
        late = round(delay_s * rate_hz)
        if late < dry.shape[1]:
            other_side = dry[::-1, :-late] if number % 2 else dry[:, :-late]
            wet[:, late:] += np.float32(0.26 * 0.78**number) * other_side
    return wet
