import random
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL.PngImagePlugin import PngImageFile

from kie_ui.media.formats import MediaProblem
from kie_ui.media.images import open as reading
from kie_ui.media.images.open import PictureInfo, inspect_picture
from tests.media.pictures import draw, noise, save


def _problem_of(path: Path) -> str:
    with pytest.raises(MediaProblem) as caught:
        inspect_picture(path)
    return str(caught.value)


def test_a_picture_is_described_by_content_not_by_name(tmp_path: Path) -> None:
    """A PNG that calls itself .jpg is still a PNG."""
    path = save(draw(30, 20), tmp_path / "misnamed.jpg", format="PNG")

    assert inspect_picture(path) == PictureInfo(
        format="PNG",
        mime="image/png",
        size_px=(30, 20),
        size_bytes=path.stat().st_size,
        is_rotated=False,
        frames=1,
    )


@pytest.mark.parametrize(
    ("format_", "mime"),
    [
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("WEBP", "image/webp"),
        ("AVIF", "image/avif"),
        ("GIF", "image/gif"),
        ("BMP", "image/bmp"),
        ("TIFF", "image/tiff"),
        ("JPEG2000", "image/jp2"),
    ],
)
def test_every_common_format_is_known(tmp_path: Path, format_: str, mime: str) -> None:
    """Each usual format is named with its MIME type and its size."""
    path = save(draw(40, 24), tmp_path / "picture", format=format_)

    info = inspect_picture(path)

    assert (info.format, info.mime, info.size_px) == (format_, mime, (40, 24))


def test_a_phone_picture_is_known(heic: Path) -> None:
    """HEIC is read without anyone having registered its reader."""
    info = inspect_picture(heic)

    assert (info.format, info.mime, info.size_px) == ("HEIF", "image/heic", (64, 48))


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_turned_picture_is_measured_upright(
    tmp_path: Path, format_: str, orientation: int
) -> None:
    """Width and height are what people see, whatever way the camera stored them."""
    path = save(draw(40, 24), tmp_path / "p", orientation=orientation, format=format_)

    info = inspect_picture(path)

    assert info.is_rotated
    assert info.size_px == (40, 24)


def test_frames_are_counted(tmp_path: Path) -> None:
    """A moving GIF says how many frames it has."""
    path = save(
        draw(20, 20),
        tmp_path / "moving.gif",
        save_all=True,
        append_images=[draw(20, 20, "L"), draw(20, 20, "1")],
    )

    assert inspect_picture(path).frames == 3


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("share", [0.15, 0.6, 0.97])
def test_a_cut_off_picture_is_refused(tmp_path: Path, format_: str, share: float) -> None:
    """A download that broke off is caught wherever it broke, not sent to be paid for."""
    path = save(noise(120, 90), tmp_path / "cut", format=format_)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])

    assert "cut off" in _problem_of(path)


def test_a_cut_off_phone_picture_is_refused(heic: Path) -> None:
    """HEIC too must be whole."""
    whole = heic.read_bytes()
    heic.write_bytes(whole[: len(whole) * 3 // 4])

    assert "cut off" in _problem_of(heic)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty file"),
        (b"<!doctype html><title>Photo</title>", "web page"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"%PDF-1.4 ...", "PDF"),
        (b"just words", "text file"),
        (b"\x00\x00\x00\x1cftypisom\x00\x00\x02\x00isomiso2mp41", "video"),
        (b"PK\x03\x04 a word document", "ZIP archive"),
        (b"\x00\x01\x02\x03", "unknown kind"),
        (b"\xff\x0a\xfa\x1f", "JPEG XL"),
    ],
)
def test_what_is_no_picture_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    """Each usual mistake gets its own sentence, saying what the file is and what to use."""
    path = tmp_path / "picture.jpg"
    path.write_bytes(content)

    problem = _problem_of(path)

    assert words in problem
    assert problem.count(". ") >= 1
    assert problem.endswith(".")


def test_a_missing_picture_and_a_folder_are_refused(tmp_path: Path) -> None:
    """A file that went away and a folder have their own sentences."""
    assert "no longer there" in _problem_of(tmp_path / "gone.png")
    assert "folder" in _problem_of(tmp_path)


def test_a_giant_is_refused_before_decoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A decompression bomb is turned away by its header; not one pixel of it is decoded."""
    path = save(draw(40, 30), tmp_path / "bomb.png")
    monkeypatch.setattr(reading, "MAX_PIXELS", 1199)
    monkeypatch.setattr(PngImageFile, "load", pytest.fail)

    assert "40 × 30 pixels" in _problem_of(path)


def test_a_true_bomb_leaks_no_warning(tmp_path: Path) -> None:
    """A small file of two hundred million pixels is refused in our words, not by a warning."""
    path = tmp_path / "bomb.gif"
    path.write_bytes(
        b"GIF89a" + (16_000).to_bytes(2, "little") * 2 + b"\x80\x00\x00" + bytes(6)
        + b",\x00\x00\x00\x00" + (16_000).to_bytes(2, "little") * 2 + b"\x00\x02\x00;"
    )  # fmt: skip

    assert "16000 × 16000 pixels" in _problem_of(path)


@pytest.mark.parametrize("tag", [{254: 1}, {50706: b"\x01\x04\x00\x00"}])
def test_a_raw_camera_file_is_not_taken_for_its_thumbnail(
    tmp_path: Path, tag: dict[int, object]
) -> None:
    """Raw formats built on TIFF begin with a tiny copy, which must not be used for the picture."""
    path = save(draw(32, 24), tmp_path / "photo.dng", format="TIFF", tiffinfo=tag)

    assert "raw camera" in _problem_of(path)


def test_a_phone_picture_with_a_depth_map_counts_as_jpeg(tmp_path: Path) -> None:
    """Several pictures in one JPEG, as phones write them, are still one JPEG to the world."""
    path = save(
        draw(60, 40),
        tmp_path / "portrait.jpg",
        format="MPO",
        save_all=True,
        append_images=[draw(30, 20)],
    )

    info = inspect_picture(path)

    assert (info.format, info.mime, info.frames) == ("JPEG", "image/jpeg", 1)


# Pillow warns of such notes by itself; a warning is an error in these tests only.
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_unreadable_camera_notes_do_not_spoil_a_picture(tmp_path: Path) -> None:
    """A whole picture with broken EXIF is used, upright."""
    path = save(
        draw(40, 30),
        tmp_path / "p.jpg",
        exif=b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x05\x00\x12\x01",
    )

    assert not inspect_picture(path).is_rotated


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_a_damaged_picture_is_read_or_explained(tmp_path: Path, format_: str, seed: int) -> None:
    """Whatever bytes are damaged, the answer is a description or a sentence, never a crash."""
    path = save(draw(32, 24), tmp_path / "damaged", format=format_)
    chance = random.Random(seed)
    content = bytearray(path.read_bytes())
    for _ in range(chance.randint(1, 6)):
        content[chance.randrange(len(content))] = chance.randrange(256)
    path.write_bytes(content)

    with suppress(MediaProblem):
        assert min(inspect_picture(path).size_px) > 0
