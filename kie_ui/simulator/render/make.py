"""Any order → what was ordered."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kie_ui.simulator.intent.plan import ClipOrder, ImageOrder, Order, SoundOrder, TextOrder
from kie_ui.simulator.render.clip import render_clip
from kie_ui.simulator.render.picture import make_image
from kie_ui.simulator.scenery.outlook import dice_of
from kie_ui.simulator.sounds.files import length_s
from kie_ui.simulator.sounds.making import make_sound

MAX_TRANSCRIPT_S = 600.0
WORDS_PER_S = 2.4
_FIRST = "This is a simulated transcript: nobody has listened to the sound."
_SENTENCES = (
    "Good morning, and thank you all for coming.",
    "Let us begin with what we know, and then see what is left.",
    "The weather has been kind to us this week.",
    "I went down to the harbour to look at the boats.",
    "She asked whether anyone had seen the red umbrella.",
    "We should leave before the last train does.",
    "That is a good question, and I have no answer to it yet.",
    "There is coffee in the kitchen, if somebody wants some.",
    "He laughed, closed the book, and put it back on the shelf.",
    "It took us three days to get there, and it was worth it.",
)


def write_text(order: TextOrder, output: Path) -> None:
    """Write an answer as a JSON object. Raises: BrokenInput."""
    answer = _transcript(order) if order.is_transcript else _answer(order)
    output.write_text(json.dumps(answer, ensure_ascii=False), encoding="utf-8")


def _transcript(order: TextOrder) -> dict[str, Any]:
    """Put words to the whole length of a sound, each with its time."""
    lasts_s = min(length_s(order.source) if order.source else 6.0, MAX_TRANSCRIPT_S)
    words = _spoken(order.seed, max(8, round(lasts_s * WORDS_PER_S)))
    each_s = lasts_s / len(words)
    return {
        "simulated": True,
        "language_code": "eng",
        "language_probability": 0.99,
        "text": " ".join(words),
        "words": [
            {
                "text": word,
                "start": round(number * each_s, 2),
                "end": round((number + 0.9) * each_s, 2),
                "type": "word",
                "speaker_id": "speaker_0",
            }
            for number, word in enumerate(words)
        ],
    }


def _spoken(seed: int, count: int) -> list[str]:
    dice = dice_of("transcript", seed)
    words = _FIRST.split()
    while len(words) < count:
        words += _SENTENCES[int(dice.integers(len(_SENTENCES)))].split()
    return words[: max(count, len(_FIRST.split()))]


def _answer(order: TextOrder) -> dict[str, Any]:
    """Answer a prompt, honestly."""
    asked = " ".join(order.prompt.split())
    shown = asked if len(asked) <= 200 else asked[:199] + "…"
    about = f" You asked: “{shown}”" if shown else ""
    text = f"This is a simulated answer: no model has thought about it.{about}"
    return {"simulated": True, "text": text}


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
