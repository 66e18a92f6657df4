from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kie_ui.simulator.render.picture import BrokenInput
from kie_ui.simulator.render.requests import TextRequest
from kie_ui.simulator.render.sound import write_sound
from kie_ui.simulator.render.worker import write_text


def answer(folder: Path, **fields: Any) -> dict[str, Any]:
    """Write an answer and read it."""
    output = folder / "made"
    write_text(TextRequest(**fields), output)
    read: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
    return read


def test_an_answer_says_that_it_is_simulated(tmp_path: Path) -> None:
    """It repeats what was requested, shortened if need be."""
    read = answer(tmp_path, prompt="What is  love?")
    assert read["simulated"] is True
    assert "simulated" in read["text"]
    assert "“What is love?”" in read["text"]
    assert len(answer(tmp_path, prompt="x" * 5000)["text"]) < 400


def test_a_transcript_has_the_length_of_its_sound(tmp_path: Path) -> None:
    """Words with times, up to the end of what was heard."""
    sound = tmp_path / "sound.wav"
    write_sound(np.zeros((1, 8_000 * 12), np.float32), 8_000, sound, "wav")
    read = answer(tmp_path, is_transcript=True, source=sound)
    assert read["simulated"] is True
    assert read["text"].split() == [word["text"] for word in read["words"]]
    assert 10 < read["words"][-1]["end"] <= 12
    assert all(word["start"] < word["end"] for word in read["words"])


def test_a_sound_that_is_not_fetched_has_a_transcript_too(tmp_path: Path) -> None:
    """It says what it is."""
    assert "simulated transcript" in answer(tmp_path, is_transcript=True)["text"]


def test_what_is_no_sound_says_so(tmp_path: Path) -> None:
    """What cannot be heard is refused in words for people."""
    source = tmp_path / "broken.mp3"
    source.write_bytes(b"no sound at all")
    with pytest.raises(BrokenInput, match="The sound"):
        answer(tmp_path, is_transcript=True, source=source)
