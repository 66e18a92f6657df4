"""A murmur with the length and the melody of speech, and no words in it.

A voice is a buzz whose overtones are louder near the resonances of a mouth; here the mouth moves
from vowel to vowel, one a syllable, and rests where the text has a comma or ends a sentence.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kie_ui.simulator.scenery.outlook import dice_of
from kie_ui.simulator.sounds.music import Samples, faded

SYLLABLE_S = 0.17
_PAUSES_S = {",": 0.22, ";": 0.3, ":": 0.3, ".": 0.45, "!": 0.45, "?": 0.45, "…": 0.5, "\n": 0.5}
_BETWEEN_SPEAKERS_S = 0.35
_CONTROL_HZ = 200
_BREATH = 48
"""Syllables that are made at once; the memory that takes grows with them."""
_VOWELS = (
    (730, 1090, 2440),
    (530, 1840, 2480),
    (390, 1990, 2550),
    (570, 840, 2410),
    (440, 1020, 2240),
)
"""Resonances in hertz, of vowels as in father, bed, bit, bought and book."""
_OVERTONES = 22
_PIECE = re.compile(r"[^\W\d_]+|\d|[^\w\s]|\n")
_VOWEL_GROUP = re.compile(r"[aeiouyäöüáéíóúàèìòùâêîôûåæø]+", re.IGNORECASE)


class _Syllable(NamedTuple):
    """One moment of speech; silent where `loud` is 0."""

    lasts_s: float
    pitch_hz: float
    vowel: tuple[float, float, float]
    loud: float


def speech_s(lines: Iterable[tuple[str, str]]) -> float:
    """Return how long it takes to say something."""
    return sum(
        sum(_count(piece) * SYLLABLE_S + _PAUSES_S.get(piece, 0.05) for piece in _pieces(text))
        + _BETWEEN_SPEAKERS_S
        for _, text in lines
    )


def murmur(lines: Iterable[tuple[str, str]], seed: int, most_s: float, rate_hz: int) -> Samples:
    """Murmur some lines, each in the voice of its speaker, up to so many seconds."""
    parts: list[Samples] = []
    said_s = 0.0
    for speaker, text in lines:
        syllables = list(_syllables(speaker, text, seed))
        syllables.append(_Syllable(_BETWEEN_SPEAKERS_S, 100, _VOWELS[0], 0.0))
        fitting = _fitting(syllables, most_s - said_s)
        if not fitting:
            break
        said_s += sum(each.lasts_s for each in fitting)
        breath = dice_of("breath", speaker, text, seed)
        # A breath at a time: the mouth is closed between two syllables, so nobody hears the seam.
        breaths = (fitting[start : start + _BREATH] for start in range(0, len(fitting), _BREATH))
        parts += [_voiced(syllables, breath, rate_hz) for syllables in breaths]
    whole = np.concatenate(parts) if parts else np.zeros(rate_hz // 2, np.float32)
    return faded(whole[None, :], rate_hz, 0.02, 0.15)


def _fitting(syllables: list[_Syllable], most_s: float) -> list[_Syllable]:
    fitting: list[_Syllable] = []
    for syllable in syllables:
        most_s -= syllable.lasts_s
        if most_s < 0:
            break
        fitting.append(syllable)
    return fitting


def _pieces(text: str) -> Iterator[str]:
    return (match.group() for match in _PIECE.finditer(text))


def _count(piece: str) -> int:
    """Count the syllables of a word; where letters are none of ours, each is one."""
    if not piece[0].isalnum():
        return 0
    return len(_VOWEL_GROUP.findall(piece)) or (1 if piece.isascii() else len(piece))


def _syllables(speaker: str, text: str, seed: int) -> Iterator[_Syllable]:
    who = dice_of("voice", speaker)
    pitch, mouth = float(who.uniform(92, 205)), float(who.uniform(0.92, 1.14))
    dice = dice_of("speech", speaker, text, seed)
    pieces = list(_pieces(text))
    for number, piece in enumerate(pieces):
        falling = 1.12 - 0.24 * _place_in_sentence(pieces, number)
        for syllable in range(_count(piece)):
            low, middle, high = _VOWELS[int(dice.integers(len(_VOWELS)))]
            stress = 1.1 if syllable == 0 else 1.0
            yield _Syllable(
                SYLLABLE_S * float(dice.uniform(0.75, 1.25)),
                pitch * falling * stress * float(dice.uniform(0.93, 1.07)),
                (low * mouth, middle * mouth, high * mouth),
                float(dice.uniform(0.7, 1.0)),
            )
        yield _Syllable(_PAUSES_S.get(piece, 0.05), pitch, _VOWELS[0], 0.0)


def _place_in_sentence(pieces: list[str], number: int) -> float:
    """Return how much of its sentence has been said, for the voice falls towards its end."""
    ends = [i for i, piece in enumerate(pieces) if piece in ".!?…"]
    start = max((end + 1 for end in ends if end < number), default=0)
    end = min((end for end in ends if end >= number), default=len(pieces))
    return (number - start) / max(1, end - start)


def _voiced(
    syllables: list[_Syllable], dice: np.random.Generator, rate_hz: int
) -> NDArray[np.float32]:
    """Sing some syllables."""
    total_s = sum(each.lasts_s for each in syllables)
    ticks = np.arange(0, total_s, 1 / _CONTROL_HZ)
    samples = np.arange(round(total_s * rate_hz)) / rate_hz
    middles = np.cumsum([s.lasts_s for s in syllables]) - [s.lasts_s / 2 for s in syllables]
    pitch = np.interp(ticks, middles, [each.pitch_hz for each in syllables])
    mouth = [np.interp(ticks, middles, [s.vowel[n] for s in syllables]) for n in range(3)]
    loud = _loudness(syllables, ticks)
    phase = math.tau * np.cumsum(np.interp(samples, ticks, pitch)) / rate_hz
    voice = np.zeros(samples.size)
    for overtone in range(1, _OVERTONES + 1):
        strength = _resonance(overtone * pitch, mouth) * loud / overtone**0.6
        strength[overtone * pitch > rate_hz / 2.2] = 0
        voice += np.interp(samples, ticks, strength) * np.sin(overtone * phase)
    breath = dice.standard_normal(samples.size) * np.interp(samples, ticks, loud)
    return np.asarray(voice + 0.012 * breath, np.float32)


def _loudness(syllables: list[_Syllable], ticks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Open and close the mouth once a syllable."""
    loud = np.zeros(ticks.size)
    start_s = 0.0
    for each in syllables:
        first, last = np.searchsorted(ticks, (start_s, start_s + each.lasts_s))
        share = np.linspace(0, 1, max(1, last - first))
        loud[first:last] = each.loud * np.sin(math.pi * share[: last - first]) ** 0.6
        start_s += each.lasts_s
    return loud


def _resonance(
    frequency: NDArray[np.float64], mouth: list[NDArray[np.float64]]
) -> NDArray[np.float64]:
    total = np.full(frequency.size, 0.02)
    for resonance, width_hz, strength in zip(mouth, (90, 130, 200), (1.0, 0.55, 0.22), strict=True):
        total += strength / (1 + ((frequency - resonance) / width_hz) ** 2)
    return total
