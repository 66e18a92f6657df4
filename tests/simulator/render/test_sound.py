from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kie_ui.media.probe import probe_sound
from kie_ui.simulator.render.picture import BrokenInput
from kie_ui.simulator.render.requests import SoundRequest
from kie_ui.simulator.render.sound import (
    NoSound,
    length_s,
    make_sound,
    play_tones,
    read_sound,
    write_sound,
)

RATE_HZ = 16_000


def make(folder: Path, **fields: Any) -> Path:
    """Make a sound at a low rate."""
    output = folder / "made"
    make_sound(SoundRequest(**{"seed": 3, "rate_hz": RATE_HZ, "duration_s": 1.0, **fields}), output)
    return output


@pytest.mark.parametrize(
    ("file_format", "suffix"),
    [("mp3", ".mp3"), ("wav", ".wav"), ("ogg", ".ogg"), ("flac", ".flac"), ("m4a", ".m4a")],
)
def test_a_sound_has_the_requested_length_and_format(
    tmp_path: Path, file_format: str, suffix: str
) -> None:
    """A row of tones is a real file of that format, and lasts as long as requested."""
    info = probe_sound(make(tmp_path, duration_s=2.0, format=file_format))
    assert info.suffix == suffix
    assert info.duration_s == pytest.approx(2.0, abs=0.15)


def test_the_same_request_gives_the_same_bytes(tmp_path: Path) -> None:
    """Neither time nor chance enters a sound."""
    assert make(tmp_path).read_bytes() == make(tmp_path).read_bytes()


def test_another_seed_or_number_gives_other_tones(tmp_path: Path) -> None:
    """Several results of one prompt differ."""
    fields: tuple[dict[str, Any], ...] = ({}, {"seed": 4}, {"number": 5})
    assert len({make(tmp_path, format="wav", **each).read_bytes() for each in fields}) == 3


def test_tones_are_heard_and_fade() -> None:
    """They begin and end in silence, are never too loud, and are not silent in between."""
    tones = play_tones(3, 5.75, RATE_HZ)
    assert np.abs(tones).max() <= 0.51
    assert np.abs(tones[:, :20]).max() < 0.02
    assert np.abs(tones[:, -20:]).max() < 0.02
    middle = tones[:, RATE_HZ : 5 * RATE_HZ]
    assert float(np.sqrt((middle**2).mean())) > 0.02


def test_a_portion_of_a_sound_is_passed_on(tmp_path: Path) -> None:
    """A sound that was sent is heard again, as long as requested, with soft ends."""
    source = tmp_path / "source.wav"
    write_sound(np.full((1, 4 * RATE_HZ), 0.5, np.float32), RATE_HZ, source, "wav")
    made = read_sound(make(tmp_path, source=source, duration_s=1.0, format="wav"), RATE_HZ, 9)
    assert made.shape[1] / RATE_HZ == pytest.approx(1.0, abs=0.05)
    assert made[:, RATE_HZ // 3].min() > 0.3
    assert abs(float(made[0, 0])) < 0.05


def test_what_is_no_sound_says_so(tmp_path: Path) -> None:
    """What cannot be read is refused in words for people."""
    source = tmp_path / "broken.mp3"
    source.write_bytes(b"no sound at all")
    with pytest.raises(BrokenInput, match="The sound"):
        make(tmp_path, source=source)
    with pytest.raises(BrokenInput, match="The sound"):
        length_s(source)


def test_a_silent_video_has_no_sound(tmp_path: Path, silent_clip: Path) -> None:
    """It is not taken for one that cannot be read, and gets tones."""
    with pytest.raises(NoSound):
        read_sound(silent_clip, RATE_HZ, 1)
    tones = make(tmp_path, source=silent_clip, duration_s=1.0)
    assert length_s(tones) == pytest.approx(1.0, abs=0.15)
