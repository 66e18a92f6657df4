from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kie_ui.media.probe import probe_sound
from kie_ui.simulator.intent.plan import SoundOrder
from kie_ui.simulator.render.picture import BrokenInput
from kie_ui.simulator.sounds.files import NoSound, length_s, read_sound, write_sound
from kie_ui.simulator.sounds.making import MAX_SOUND_S, USUAL_TUNE_S, make_sound
from kie_ui.simulator.sounds.music import play_tune
from kie_ui.simulator.sounds.speech import murmur, speech_s

RATE_HZ = 16_000


def make(folder: Path, **fields: Any) -> Path:
    """Make a sound at a low rate."""
    output = folder / "made"
    make_sound(SoundOrder(**{"seed": 3, "rate_hz": RATE_HZ, **fields}), output)
    return output


@pytest.mark.parametrize(
    ("file_format", "suffix"),
    [("mp3", ".mp3"), ("wav", ".wav"), ("ogg", ".ogg"), ("flac", ".flac"), ("m4a", ".m4a")],
)
def test_a_sound_has_the_asked_length_and_format(
    tmp_path: Path, file_format: str, suffix: str
) -> None:
    """A tune is a real file of that format, and lasts as long as asked."""
    info = probe_sound(make(tmp_path, duration_s=2.0, format=file_format))
    assert info.suffix == suffix
    assert info.duration_s == pytest.approx(2.0, abs=0.15)


def test_the_same_order_gives_the_same_bytes(tmp_path: Path) -> None:
    """Neither time nor chance enters a sound."""
    for fields in ({"duration_s": 1.5}, {"lines": (("Ann", "Hello there."),)}):
        assert make(tmp_path, **fields).read_bytes() == make(tmp_path, **fields).read_bytes()


def test_another_seed_or_number_is_another_tune() -> None:
    """Several results of one prompt differ."""
    tunes = [play_tune("x", seed, n, 2.0, RATE_HZ) for seed, n in ((1, 0), (2, 0), (1, 1))]
    assert not np.allclose(tunes[0], tunes[1])
    assert not np.allclose(tunes[0], tunes[2])


def test_a_tune_is_heard_and_fades() -> None:
    """It begins and ends in silence, is never too loud, and is not silent in between."""
    tune = play_tune("happy", 3, 0, 6.0, RATE_HZ)
    assert np.abs(tune).max() <= 0.71
    assert np.abs(tune[:, :20]).max() < 0.02
    assert np.abs(tune[:, -20:]).max() < 0.02
    middle = tune[:, RATE_HZ : 5 * RATE_HZ]
    assert float(np.sqrt((middle**2).mean())) > 0.02


def test_speech_takes_the_time_that_its_words_need() -> None:
    """Twice the text lasts about twice as long; a pause has its time too."""
    short, long = (("", "Hello there, my friend."),), (("", "Hello there, my friend. " * 2),)
    assert speech_s(long) == pytest.approx(2 * speech_s(short), rel=0.25)
    for lines in (short, long):
        spoken_s = murmur(lines, 1, 60, RATE_HZ).shape[1] / RATE_HZ
        assert spoken_s == pytest.approx(speech_s(lines), rel=0.25)


@pytest.mark.parametrize("text", ["", " ", "…", "你好,世界", "😀", "a", "x" * 3000])
def test_any_text_is_murmured(text: str) -> None:
    """Whatever is written there is a sound, and it is no longer than allowed."""
    sound = murmur((("Ann", text),), 1, 4.0, RATE_HZ)
    assert 0 < sound.shape[1] <= 4.1 * RATE_HZ


def test_speakers_have_voices_of_their_own() -> None:
    """The same words sound different from another mouth."""
    one, other = (murmur(((who, "Good morning."),), 1, 9, RATE_HZ) for who in ("Ann", "Bob"))
    length = min(one.shape[1], other.shape[1])
    assert not np.allclose(one[:, :length], other[:, :length])


def test_lengths_are_bounded(tmp_path: Path) -> None:
    """Without a length a tune has the usual one; what is absurd is brought within bounds."""
    assert length_s(make(tmp_path, rate_hz=8_000)) == pytest.approx(USUAL_TUNE_S, abs=0.2)
    endless = make(tmp_path, duration_s=10_000.0, rate_hz=8_000, format="wav")
    assert length_s(endless) == pytest.approx(MAX_SOUND_S, abs=0.2)


def test_a_portion_of_a_sound_is_passed_on(tmp_path: Path) -> None:
    """A sound that was sent is heard again, as long as asked, with soft ends."""
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
    """It is told apart from one that cannot be read, and gets a tune."""
    with pytest.raises(NoSound):
        read_sound(silent_clip, RATE_HZ, 1)
    tune = make(tmp_path, source=silent_clip, duration_s=1.0)
    assert length_s(tune) == pytest.approx(1.0, abs=0.15)
