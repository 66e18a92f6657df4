from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from kie_ui.media import probe as video
from kie_ui.media.formats import MediaProblem
from kie_ui.media.probe import MediaInfo, probe_video

ClipMaker = Callable[..., Path]


def _problem_of(path: Path) -> str:
    with pytest.raises(MediaProblem) as caught:
        probe_video(path)
    return str(caught.value)


def test_a_clip_is_described(clip: ClipMaker) -> None:
    """Size, length, rate and codec are read from the clip itself."""
    path = clip()

    assert probe_video(path) == MediaInfo(
        kind="video",
        suffix=".mp4",
        width_px=96,
        height_px=64,
        duration_s=2.0,
        frames_per_second=24.0,
        codec="h264",
        has_audio=False,
    )


def test_a_webm_is_a_video_too(clip: ClipMaker) -> None:
    """Other containers and codecs than MP4 with H.264 are read as well."""
    info = probe_video(clip("clip.webm", codec="libvpx-vp9"))

    assert (info.codec, round(info.duration_s, 1)) == ("vp9", 2.0)


def test_a_fragmented_clip_is_whole(clip: ClipMaker) -> None:
    """An MP4 written in pieces, which promises no length up front, is whole all the same."""
    info = probe_video(clip("fragments.mp4", movflags="frag_keyframe+empty_moov"))

    assert info.duration_s == pytest.approx(2.0, abs=0.1)


def test_sound_is_noticed(tmp_path: Path) -> None:
    """A clip with an audio track says so; a file with nothing but sound is no video."""
    assert probe_video(_record_with_sound(tmp_path / "both.mp4", with_picture=True)).has_audio
    sound_only = _record_with_sound(tmp_path / "sound.mp4", with_picture=False)
    assert "no moving picture" in _problem_of(sound_only)


def _record_with_sound(path: Path, *, with_picture: bool) -> Path:
    with av.open(path, "w") as container:
        sound = container.add_stream("aac", rate=44_100)
        picture = container.add_stream("libx264", rate=24) if with_picture else None
        if picture is not None:
            picture.width, picture.height = 32, 32
            picture.pix_fmt = "yuv420p"
            frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8))
            for _ in range(12):
                container.mux(picture.encode(frame))
            container.mux(picture.encode())
        silence = av.AudioFrame("fltp", "stereo", 1024)
        silence.sample_rate = 44_100
        for _ in range(20):
            for plane in silence.planes:
                plane.update(bytes(plane.buffer_size))
            silence.pts = None
            container.mux(sound.encode(silence))
        container.mux(sound.encode())
    return path


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.95])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("clip.mp4", {}),
        ("quick.mp4", {"movflags": "faststart"}),
        ("fragments.mp4", {"movflags": "frag_keyframe+empty_moov"}),
    ],
)
def test_a_broken_off_download_is_refused(
    tmp_path: Path, clip: ClipMaker, name: str, options: dict[str, str], share: float
) -> None:
    """Wherever a download broke off, with its index before or after the frames, it is noticed."""
    whole = clip(name, **options).read_bytes()
    path = tmp_path / name
    path.write_bytes(whole[: int(len(whole) * share)])

    assert "again" in _problem_of(path)


def test_a_broken_off_webm_is_refused(tmp_path: Path, clip: ClipMaker) -> None:
    """WebM marks no packet as cut; that it ends before its promised length gives it away."""
    whole = clip("clip.webm", codec="libvpx-vp9").read_bytes()
    path = tmp_path / "cut.webm"
    path.write_bytes(whole[: len(whole) // 2])

    assert "cut off" in _problem_of(path)


def test_reserved_space_that_was_never_filled_is_refused(tmp_path: Path, clip: ClipMaker) -> None:
    """A file of the right size whose second half is zeros is no clip."""
    whole = clip("quick.mp4", movflags="faststart").read_bytes()
    half = len(whole) // 2
    path = tmp_path / "reserved.mp4"
    path.write_bytes(whole[:half] + bytes(len(whole) - half))

    assert "cut off" in _problem_of(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<!doctype html><h1>403</h1>", "web page"),
        (b'{"code": 404}', "text file"),
        (b"#EXTM3U\n#EXTINF:2,\nhttp://127.0.0.1/secret.ts\n", "text file"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "text file"),
        (b"", "empty file"),
        (b"\x89PNG\r\n\x1a\n", "PNG picture"),
        (b"\x00\x01\x02\x03" * 64, "cannot be played"),
    ],
)
def test_what_is_no_video_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    """An error page or a playlist saved as .mp4 is named for what it is, and never followed."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)

    assert words in _problem_of(path)


def test_a_missing_video_and_a_folder_are_refused(tmp_path: Path) -> None:
    """A file that went away and a folder have their own sentences."""
    assert "no longer there" in _problem_of(tmp_path / "gone.mp4")
    assert "folder" in _problem_of(tmp_path)


def test_giant_frames_are_refused(clip: ClipMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clip larger than any screen is turned away with its size."""
    monkeypatch.setattr(video, "MAX_SIDE_PX", 90)

    assert "96 × 64 pixels" in _problem_of(clip())
