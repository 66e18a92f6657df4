from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from kie_ui.media.formats import MediaProblem, mime_of
from kie_ui.media.probe import check_given, inspect_given
from tests.wire.tiny_media import tiny_clip


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Give a video whose name says nothing."""
    path = tmp_path / "given.bin"
    path.write_bytes(tiny_clip())
    return path


@pytest.fixture
def wave(tmp_path: Path) -> Path:
    """Give half a second of sound."""
    path = tmp_path / "sound.wav"
    with av.open(path, "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4000), np.int16), "s16", "mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_a_video_is_known_by_its_bytes(clip: Path) -> None:
    """With its length and size, and the ending that its kind has."""
    given = inspect_given(clip, "video")
    assert (given.mime, given.suffix) == ("video/mp4", ".mp4")
    assert given.duration_s > 0
    assert given.width_px > 0
    assert given.path == clip


def test_a_sound_is_known_by_its_bytes(wave: Path) -> None:
    """A sound has a length and no size."""
    given = inspect_given(wave, "audio")
    assert (given.mime, given.suffix, given.width_px) == ("audio/wav", ".wav", 0)
    assert given.duration_s == pytest.approx(0.5)


def test_another_kind_is_refused_in_words(clip: Path, wave: Path, tmp_path: Path) -> None:
    """A sentence says what it is and what is wanted."""
    with pytest.raises(MediaProblem, match=r"^This is a video, not a sound\. Choose a sound\.$"):
        inspect_given(clip, "audio")
    with pytest.raises(MediaProblem, match=r"^This is a sound file, not a video\."):
        inspect_given(wave, "video")
    page = tmp_path / "clip.mp4"
    page.write_text("<!doctype html><p>Not found")
    with pytest.raises(MediaProblem, match=r"^This is a web page, not a video\."):
        inspect_given(page, "video")


def test_what_is_cut_off_or_empty_is_refused(clip: Path, tmp_path: Path) -> None:
    """It was chosen, not fetched, so another one is to be chosen."""
    half = tmp_path / "half.mp4"
    half.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    with pytest.raises(MediaProblem, match=r"(Choose|Use) another one\.$"):
        inspect_given(half, "video")
    empty = tmp_path / "empty.mp4"
    empty.touch()
    with pytest.raises(MediaProblem, match="This file is empty"):
        inspect_given(empty, "video")
    with pytest.raises(MediaProblem, match="This is a folder"):
        inspect_given(tmp_path, "video")


@pytest.mark.parametrize("accepts", [(), ("video/mp4",), ("VIDEO/MP4 ",), ("video/*",), ("*/*",)])
def test_an_accepted_type_is_let_through(clip: Path, accepts: tuple[str, ...]) -> None:
    """However it is spelt."""
    assert check_given(clip, "video", None, accepts).path == clip


def test_a_refusal_names_the_limit(clip: Path) -> None:
    """Which types are taken, and how many megabytes."""
    with pytest.raises(MediaProblem) as refused:
        check_given(clip, "video", None, ("video/mov", "video/webm"))
    assert str(refused.value) == "This is MP4; the model takes MOV, WebM: convert it first."
    with pytest.raises(MediaProblem, match=r"MB; 0 MB are accepted: make it smaller\.$"):
        check_given(clip, "video", 10, ())


def test_any_file_is_taken_where_any_is_wanted(tmp_path: Path) -> None:
    """With the ending that its kind has, or its own."""
    text = tmp_path / "notes.md"
    text.write_text("Hello.")
    assert inspect_given(text, "file").suffix == ".txt"
    strange = tmp_path / "model.GLB"
    strange.write_bytes(b"glTF\x02\x00\x00\x00" * 4)
    assert inspect_given(strange, "file").suffix == ".glb"


@pytest.mark.parametrize(
    ("prefix", "mime"),
    [
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
        (b"RIFF\0\0\0\0AVI LIST", "video/x-msvideo"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"ID3\x04\0\0", "audio/mpeg"),
        (b"\xff\xfb\x90\x00", "audio/mpeg"),
        (b"\xff\xf1\x50\x80", "audio/aac"),
        (b"fLaC\0", "audio/flac"),
        (b"OggS\0", "audio/ogg"),
        (b"\x00\x00\x00\x14ftypqt  ", "video/quicktime"),
        (b"\x00\x00\x00\x1cftypM4A \0\0\0\0M4A ", "audio/mp4"),
        (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm", "video/webm"),
        (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x88matroska", "video/x-matroska"),
        (b"%PDF-1.7", "application/pdf"),
        (b"\x00\x01\x02", "application/octet-stream"),
        (b"", "application/octet-stream"),
        (b"R", "text/plain"),
    ],
)
def test_types_are_known_by_the_first_bytes(prefix: bytes, mime: str) -> None:
    """A name says nothing."""
    assert mime_of(prefix) == mime
