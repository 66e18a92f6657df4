"""The answers and transcripts of the simulator: JSON objects that say they are simulated."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

from kie_ui.simulator.render.requests import TextRequest
from kie_ui.simulator.render.sound import length_s

MAX_TRANSCRIPT_S = 600.0
_DEFAULT_TRANSCRIPT_S = 6.0
_MIN_WORDS = 8
_WORDS_PER_S = 2.4
_TRANSCRIPT = "This is a simulated transcript: nobody has listened to the sound."


def write_text(request: TextRequest, output: Path) -> None:
    """Write an answer as a JSON object. Raises: BrokenInput."""
    answer = _transcript(request.source) if request.is_transcript else _answer(request.prompt)
    output.write_text(json.dumps(answer, ensure_ascii=False), encoding="utf-8")


def _answer(prompt: str) -> dict[str, Any]:
    excerpt = " ".join(prompt.split())[:200]
    quoted = f" You asked: “{excerpt}”" if excerpt else ""
    text = f"This is a simulated answer: no model has thought about it.{quoted}"
    return {"simulated": True, "text": text}


def _transcript(source: Path | None) -> dict[str, Any]:
    """Spread words over the whole length of a sound, each with its time in seconds."""
    total_s = min(length_s(source) if source else _DEFAULT_TRANSCRIPT_S, MAX_TRANSCRIPT_S)
    count = max(_MIN_WORDS, round(total_s * _WORDS_PER_S))
    words = list(itertools.islice(itertools.cycle(_TRANSCRIPT.split()), count))
    each_s = total_s / count
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
