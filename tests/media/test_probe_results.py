from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from kie_ui.media.formats import MediaProblem
from kie_ui.media.probe import inspect_result
from tests.media.pictures import noise, save
from tests.wire.tiny_media import tiny_clip, tiny_sound


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Return a clip of half a second."""
    path = tmp_path / "clip.part"
    path.write_bytes(tiny_clip())
    return path


def test_a_clip_is_known_by_its_bytes(clip: Path) -> None:
    """Whatever the link was called."""
    info = inspect_result(clip)
    assert (info.kind, info.suffix) == ("video", ".mp4")
    assert (info.width_px, info.height_px, info.duration_s) == (64, 48, 0.5)


@pytest.mark.parametrize(("name", "suffix"), [("PNG", ".png"), ("JPEG", ".jpg"), ("WEBP", ".webp")])
def test_a_picture_is_a_result_too(tmp_path: Path, name: str, suffix: str) -> None:
    """A task of an image model can be adopted."""
    path = tmp_path / "result.part"
    Image.new("RGB", (96, 64), (200, 120, 40)).save(path, format=name)
    info = inspect_result(path)
    assert (info.kind, info.suffix, info.width_px, info.height_px) == ("image", suffix, 96, 64)


def test_a_sound_is_a_result_too(tmp_path: Path) -> None:
    """Its length is known."""
    path = tmp_path / "result.part"
    path.write_bytes(tiny_sound())
    info = inspect_result(path)
    assert (info.kind, info.suffix) == ("audio", ".wav")
    assert info.duration_s == pytest.approx(1.0)


def test_half_a_file_is_no_result(clip: Path, tmp_path: Path) -> None:
    """What was cut off on its way is fetched again, not kept."""
    picture = save(noise(96, 64), tmp_path / "picture.part", format="PNG")
    for whole in (clip, picture):
        whole.write_bytes(whole.read_bytes()[:-400])
        with pytest.raises(MediaProblem):
            inspect_result(whole)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", ""),
        (b"<html>proxy</html>", ""),
        (bytes(900), ""),
        *(
            (b'{"code": 500}', named)
            for named in ("/clip.mp4", "", "/page.html", "/words.json.mp4")
        ),
        (b"<!doctype html><html>not here</html>", "/words.json"),
    ],
)
def test_what_stands_in_for_a_result_is_none(tmp_path: Path, content: bytes, named: str) -> None:
    """An error page with status 200 is no clip, and text under another name is an error."""
    path = tmp_path / "result.part"
    path.write_bytes(content)
    with pytest.raises(MediaProblem):
        inspect_result(path, named=named)


@pytest.mark.parametrize(
    ("content", "named", "suffix"),
    [
        (b"%PDF-1.7 a document", "/a.pdf", ".pdf"),
        (b"PK\x03\x04 a model of a chair", "/chair.usdz", ".zip"),
        (b"glTF\x02\x00\x00\x00 a chair", "/chair", ".glb"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "/drawing.png", ".svg"),
        (b"1\n00:00:01,000 --> 00:00:02,000\nHello\n", "/a/Song.SRT", ".srt"),
        (b'{"words": []}', "/words.json", ".json"),
    ],
)
def test_what_is_neither_shown_nor_played_is_kept_too(
    tmp_path: Path, content: bytes, named: str, suffix: str
) -> None:
    """A file as it came; text only where it is called so."""
    path = tmp_path / "result.part"
    path.write_bytes(content)
    info = inspect_result(path, named=named)
    assert (info.kind, info.suffix) == ("file", suffix)
