from __future__ import annotations

import wave
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from kie_ui.media.formats import MediaProblem
from kie_ui.media.poster import MAX_POSTER_BYTES, make_poster, write_first_frame
from kie_ui.media.probe import probe_video
from tests.media.pictures import draw, noise, save

ClipMaker = Callable[..., Path]


def _film(path: Path, frames: list[Image.Image], *, rotation: int = 0) -> Path:
    """Record a clip of these frames at 12 a second, with one keyframe, as generated clips have."""
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=12, options={"g": "900"})
        stream.width, stream.height = frames[0].size
        stream.pix_fmt = "yuv420p"
        if rotation:
            stream.set_display_rotation(rotation)
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(frame))))
        container.mux(stream.encode())
    return path


def _flat(shade: int) -> Image.Image:
    return Image.new("RGB", (192, 128), (shade, shade, shade))


def _is_like(path: Path, expected: Image.Image) -> bool:
    poster = np.asarray(Image.open(path).convert("RGB"), dtype=float)
    wanted = np.asarray(expected.resize(poster.shape[1::-1]), dtype=float)
    return float(np.abs(poster - wanted).mean()) < 12


def _poster_size_px(clip: Path, to: Path, **options: int) -> tuple[int, int]:
    make_poster(clip, to, **options)
    with Image.open(to) as poster:
        return poster.size


def test_the_black_start_is_passed_by(tmp_path: Path) -> None:
    """A clip that begins in black, and has no keyframe but that, is shown by what comes later."""
    scene = draw(192, 128)
    clip = _film(tmp_path / "clip.mp4", [_flat(0)] * 6 + [scene] * 18)

    assert _poster_size_px(clip, tmp_path / "poster.jpg") == (192, 128)
    assert _is_like(tmp_path / "poster.jpg", scene)


@pytest.mark.parametrize("shown", [range(12, 16), range(20, 24), range(3)])
def test_a_clip_that_shows_little_is_looked_through(tmp_path: Path, shown: range) -> None:
    """Where the first third is one colour, a frame further off is found."""
    scene = draw(192, 128)
    frames = [scene if number in shown else _flat(128) for number in range(24)]

    make_poster(_film(tmp_path / "clip.mp4", frames), tmp_path / "poster.jpg")

    assert _is_like(tmp_path / "poster.jpg", scene)


def test_the_sharpest_of_its_neighbours_is_taken(tmp_path: Path) -> None:
    """A blurred moment gives way to a clear one beside it."""
    scene = draw(192, 128)
    blurred = scene.filter(ImageFilter.GaussianBlur(12))
    frames = [blurred] * 9 + [scene] * 15

    make_poster(_film(tmp_path / "clip.mp4", frames), tmp_path / "poster.jpg")

    assert _is_like(tmp_path / "poster.jpg", scene)


def test_a_clip_that_is_all_black_has_a_black_poster(tmp_path: Path) -> None:
    """Something is shown in any case."""
    make_poster(_film(tmp_path / "clip.mp4", [_flat(0)] * 6), tmp_path / "poster.jpg")

    assert _is_like(tmp_path / "poster.jpg", _flat(0))


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_turned_clip_is_shown_upright(tmp_path: Path, degrees: int) -> None:
    """What a phone stored sideways is shown as people see it."""
    clip = _film(tmp_path / "clip.mp4", [draw(192, 128)] * 8, rotation=degrees)

    upright = draw(192, 128).rotate(degrees, expand=True)
    assert _poster_size_px(clip, tmp_path / "poster.jpg") == upright.size
    assert _is_like(tmp_path / "poster.jpg", upright)


@pytest.mark.parametrize(("suffix", "format_"), [(".jpg", "JPEG"), (".webp", "WEBP")])
def test_a_poster_is_small(tmp_path: Path, suffix: str, format_: str) -> None:
    """However rich the clip, the poster keeps to its bytes and its longest side."""
    clip = _film(tmp_path / "clip.mp4", [noise(640, 480)] * 2)
    poster = tmp_path / f"poster{suffix}"

    make_poster(clip, poster)

    assert poster.stat().st_size <= MAX_POSTER_BYTES
    with Image.open(poster) as picture:
        assert picture.format == format_
    assert max(picture.size) <= 480


def test_the_longest_side_can_be_limited(tmp_path: Path) -> None:
    """The shape stays as it is."""
    clip = _film(tmp_path / "clip.mp4", [draw(192, 128)] * 3)

    assert _poster_size_px(clip, tmp_path / "poster.jpg", max_side_px=96) == (96, 64)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("clip.webm", {"codec": "libvpx-vp9"}),
        ("fragments.mp4", {"movflags": "frag_keyframe+empty_moov"}),
        ("quick.mp4", {"movflags": "faststart"}),
    ],
)
def test_any_container_has_a_poster(
    tmp_path: Path, clip: ClipMaker, name: str, options: dict[str, str]
) -> None:
    """Containers that state no length, and other codecs, are read as well."""
    assert _poster_size_px(clip(name, **options), tmp_path / "poster.jpg") == (96, 64)


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP", "GIF", "AVIF"])
def test_a_picture_has_a_poster_too(tmp_path: Path, format_: str) -> None:
    """A result that is a picture is made small."""
    draw(960, 480).save(tmp_path / "result", format_)

    assert _poster_size_px(tmp_path / "result", tmp_path / "poster.jpg") == (480, 240)
    assert _is_like(tmp_path / "poster.jpg", draw(960, 480))


def test_a_turned_picture_is_shown_upright(tmp_path: Path) -> None:
    """The camera's note is followed."""
    source = save(draw(240, 160), tmp_path / "turned.jpg", orientation=6)

    assert _poster_size_px(source, tmp_path / "poster.jpg") == (240, 160)
    assert _is_like(tmp_path / "poster.jpg", draw(240, 160))


def test_what_shows_nothing_is_refused(tmp_path: Path) -> None:
    """A sound, a text, a missing file and a folder each have their sentence, and leave no file."""
    sound, text, poster = tmp_path / "a.wav", tmp_path / "a.txt", tmp_path / "poster.jpg"
    with wave.open(str(sound), "wb") as recording:
        recording.setparams((1, 2, 8_000, 0, "NONE", ""))
        recording.writeframes(bytes(200))
    text.write_text("<html>403</html>")
    for path, words in [
        (sound, "a sound file"),
        (text, "a web page"),
        (tmp_path / "gone", "no longer there"),
        (tmp_path, "a folder"),
    ]:
        with pytest.raises(MediaProblem, match=words):
            make_poster(path, poster)
    assert {each.name for each in tmp_path.iterdir()} == {"a.wav", "a.txt"}


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(at=st.floats(0, 0.999), junk=st.binary(min_size=1, max_size=40))
def test_a_damaged_clip_is_read_or_explained(
    tmp_path: Path, clip: ClipMaker, at: float, junk: bytes
) -> None:
    """Whatever bytes are damaged: a description and a poster, or a sentence; never a crash."""
    content = bytearray(clip().read_bytes())
    start = int(at * len(content))
    content[start : start + len(junk)] = junk
    path = tmp_path / "damaged.mp4"
    path.write_bytes(content)

    with suppress(MediaProblem):
        assert probe_video(path).width_px > 0
    with suppress(MediaProblem):
        make_poster(path, tmp_path / "poster.jpg")
        assert (tmp_path / "poster.jpg").is_file()


@pytest.mark.parametrize(("rotation", "size_px"), [(0, (192, 128)), (90, (128, 192))])
def test_the_first_frame_is_kept_upright_and_in_full_size(
    tmp_path: Path, rotation: int, size_px: tuple[int, int]
) -> None:
    """Whatever comes after it."""
    scene = draw(192, 128)
    clip = _film(tmp_path / "clip.mp4", [scene] + [_flat(0)] * 11, rotation=rotation)
    to = tmp_path / "first.png"
    write_first_frame(clip, to)
    with Image.open(to) as kept:
        assert (kept.format, kept.size) == ("PNG", size_px)
    assert _is_like(to, scene.rotate(rotation, expand=True))


def test_what_has_no_first_frame_is_refused(tmp_path: Path) -> None:
    """And nothing is written."""
    broken = tmp_path / "clip.mp4"
    broken.write_bytes(b"\0\0\0 ftypisom" + bytes(400))
    with pytest.raises(MediaProblem):
        write_first_frame(broken, tmp_path / "first.png")
    assert not (tmp_path / "first.png").exists()
