from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from kie_ui.media.formats import MediaProblem
from kie_ui.media.poster import draw_waveform
from kie_ui.media.probe import inspect_result, loudness, probe_sound
from tests.wire.tiny_media import tiny_sound


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """Return a tone of one second that grows."""
    path = tmp_path / "sound.part"
    path.write_bytes(tiny_sound())
    return path


def recoded(sound: Path, codec: str, container: str) -> Path:
    """Return the same sound in another coding."""
    to = sound.with_suffix(".other")
    with av.open(str(sound)) as source, av.open(str(to), "w", format=container) as target:
        stream: Any = target.add_stream(codec, rate=44_100)
        resampler = av.AudioResampler(format=stream.format, layout="mono", rate=44_100)
        for frame in source.decode(audio=0):
            for each in resampler.resample(frame):
                target.mux(stream.encode(each))
        target.mux(stream.encode(None))
    return to


@pytest.mark.parametrize(
    ("codec", "container", "suffix"),
    [
        ("aac", "mp4", ".m4a"),  # under a name that clips go by
        ("aac", "ipod", ".m4a"),
        ("aac", "adts", ".aac"),
        ("libmp3lame", "mp3", ".mp3"),
        ("flac", "flac", ".flac"),
    ],
)
def test_a_sound_is_known_by_its_bytes(
    sound: Path, codec: str, container: str, suffix: str
) -> None:
    """Whatever container it came in; a container for clips without a picture is a sound."""
    info = inspect_result(recoded(sound, codec, container))
    assert (info.kind, info.suffix) == ("audio", suffix)
    assert info.duration_s == pytest.approx(1.0, abs=0.15)


def test_a_damaged_sound_is_no_result(sound: Path) -> None:
    """It is fetched again."""
    broken = recoded(sound, "flac", "flac")
    broken.write_bytes(broken.read_bytes()[:60])
    with pytest.raises(MediaProblem):
        inspect_result(broken)
    sound.write_bytes(b"RIFF\x00\x00\x00\x00WAVE")
    with pytest.raises(MediaProblem):
        probe_sound(sound)


def test_it_is_known_how_loud_a_sound_is(sound: Path) -> None:
    """From moment to moment, between silence and the loudest that there is."""
    peaks = loudness(sound, 8)
    assert len(peaks) == 8
    assert peaks == sorted(peaks)
    assert 0 < peaks[0] < 0.1
    assert 0.4 < peaks[-1] <= 1


def test_a_sound_is_drawn(sound: Path, tmp_path: Path) -> None:
    """Low where it is silent, high where it is loud, on nothing, so that it fits light and dark."""
    to = tmp_path / "drawn.webp"
    draw_waveform(sound, to)
    with Image.open(to) as drawn:
        opaque = drawn.convert("RGBA").getchannel("A")
    assert opaque.size == (480, 320)
    assert opaque.getpixel((2, 2)) == 0

    def height(left: int) -> int:
        column = opaque.crop((left, 0, left + 40, 320)).getbbox()
        assert column is not None
        return column[3] - column[1]

    assert height(24) < height(220) < height(410)


def test_silence_is_drawn_as_a_line(sound: Path, tmp_path: Path) -> None:
    """It is no reason to fail."""
    sound.write_bytes(tiny_sound()[:44] + bytes(16_000))
    draw_waveform(sound, tmp_path / "drawn.webp")
    assert loudness(sound, 4) == [0.0] * 4
