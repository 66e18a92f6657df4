import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from kie_ui.media.formats import MediaProblem
from kie_ui.media.images.convert import (
    PictureLimits,
    prepare_picture,
)
from kie_ui.media.images.open import inspect_picture
from tests.media.pictures import draw, noise, save

KIE_TYPES = ("image/jpeg", "image/png", "image/webp")
ROOMY = PictureLimits(max_bytes=10 * 1024 * 1024, accepts=KIE_TYPES)
RED, BLUE, BACKGROUND = (220, 30, 30), (30, 30, 220), (235, 235, 210)


def _colour_at(picture: Image.Image, across: float, down: float) -> tuple[int, ...]:
    at = int(picture.width * across), int(picture.height * down)
    colour = picture.convert("RGBA").getpixel(at)
    assert isinstance(colour, tuple)
    return tuple(int(band) for band in colour)


def _is_near(colour: tuple[int, ...], expected: tuple[int, ...], tolerance: int = 40) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(colour, expected, strict=False))


@pytest.mark.parametrize(
    ("format_", "suffix"), [("JPEG", ".jpg"), ("PNG", ".png"), ("WEBP", ".webp")]
)
def test_a_fitting_picture_goes_byte_for_byte(tmp_path: Path, format_: str, suffix: str) -> None:
    """The very file is handed on without a note, as what it is and not as what it is called."""
    path = save(draw(60, 40), tmp_path / "misnamed.gif", format=format_)

    prepared = prepare_picture(path, tmp_path / "unused", ROOMY)

    assert prepared.path == path
    assert prepared.changes == ()
    assert (prepared.width_px, prepared.height_px) == (60, 40)
    assert prepared.size_bytes == path.stat().st_size
    assert (prepared.mime, prepared.suffix) == (f"image/{format_.lower()}", suffix)


def test_a_palette_picture_without_its_palette_is_converted(tmp_path: Path) -> None:
    """What a faulty program left out is no reason to fail."""
    path = tmp_path / "picture.png"
    Image.new("P", (40, 30)).save(path)
    content = path.read_bytes()
    start = content.index(b"PLTE") - 4
    end = start + 12 + int.from_bytes(content[start : start + 4], "big")
    path.write_bytes(content[:start] + content[end:])

    prepared = prepare_picture(path, tmp_path, PictureLimits(10**6, ("image/jpeg",)))

    assert prepared.mime == "image/jpeg"


def test_a_cut_off_picture_is_not_handed_on(jpeg: Path, tmp_path: Path) -> None:
    """Even a picture within every limit is decoded to its end before it is handed on."""
    whole = jpeg.read_bytes()
    jpeg.write_bytes(whole[:-200])

    with pytest.raises(MediaProblem, match="cut off"):
        prepare_picture(jpeg, tmp_path, ROOMY)


def test_a_phone_picture_becomes_a_jpeg(heic: Path, tmp_path: Path) -> None:
    """HEIC, which Kie refuses, turns into JPEG, with a note."""
    prepared = prepare_picture(heic, tmp_path, ROOMY)

    assert (prepared.mime, prepared.suffix) == ("image/jpeg", ".jpg")
    assert prepared.changes == (
        "Converted from HEIC to JPEG, because Kie takes JPEG, PNG and WebP.",
    )
    with Image.open(prepared.path) as picture:
        assert _is_near(_colour_at(picture, 0.2, 0.2), RED)


@pytest.mark.parametrize(
    ("format_", "becomes"),
    [("GIF", "image/png"), ("BMP", "image/png"), ("TIFF", "image/png"), ("AVIF", "image/jpeg")],
)
def test_other_formats_become_what_suits_them(tmp_path: Path, format_: str, becomes: str) -> None:
    """Lossless pictures stay lossless as PNG; photographs become JPEG."""
    path = save(draw(60, 40), tmp_path / "p", format=format_)

    assert prepare_picture(path, tmp_path, ROOMY).mime == becomes


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_turned_picture_is_turned_upright(tmp_path: Path, orientation: int) -> None:
    """A model sees what the photographer saw; the note about turning is gone."""
    path = save(draw(90, 60), tmp_path / "p.jpg", orientation=orientation, quality=95)

    prepared = prepare_picture(path, tmp_path, ROOMY)

    assert prepared.changes == ("Turned upright, as the camera meant it.",)
    assert not inspect_picture(prepared.path).is_rotated
    with Image.open(prepared.path) as picture:
        assert picture.size == (90, 60)
        assert _is_near(_colour_at(picture, 0.2, 0.2), RED)
        assert _is_near(_colour_at(picture, 0.2, 0.8), BLUE)


def test_a_heavy_picture_is_made_to_fit(tmp_path: Path) -> None:
    """A picture over the limit keeps its pixels as long as quality can pay for it."""
    path = save(noise(300, 200), tmp_path / "heavy.png")
    limits = PictureLimits(max_bytes=100_000, accepts=KIE_TYPES)

    prepared = prepare_picture(path, tmp_path, limits)

    assert prepared.size_bytes <= 100_000
    assert (prepared.width_px, prepared.height_px) == (300, 200)
    assert prepared.changes == (
        "Saved as JPEG instead of PNG, because that fits better.",
        f"Made smaller to {prepared.size_bytes // 1000} kB, because Kie takes at most 100 kB.",
    )


def test_pixels_go_when_quality_is_spent(tmp_path: Path) -> None:
    """Only when the lowest quality is still too heavy does the picture shrink, in its own shape."""
    path = save(noise(300, 200), tmp_path / "heavy.jpg", quality=95)
    limits = PictureLimits(max_bytes=9_000, accepts=KIE_TYPES)

    prepared = prepare_picture(path, tmp_path, limits)

    assert prepared.size_bytes <= 9_000
    assert prepared.size_bytes > 5_000
    assert prepared.width_px / prepared.height_px == pytest.approx(1.5, rel=0.02)
    assert prepared.changes[0].endswith("pixels, because Kie takes at most 9 kB.")


def test_a_limit_in_mebibytes_is_shown_in_them(tmp_path: Path) -> None:
    """Sizes are given in the same megabytes that the limit is counted in."""
    path = save(noise(900, 700), tmp_path / "heavy.bmp")
    limits = PictureLimits(max_bytes=1024 * 1024, accepts=KIE_TYPES)

    prepared = prepare_picture(path, tmp_path, limits)

    assert prepared.changes[-1].endswith("because Kie takes at most 1 MB.")


def test_long_sides_are_scaled_down(tmp_path: Path) -> None:
    """The longer side comes down to the limit and the shorter one follows."""
    path = save(draw(900, 300), tmp_path / "wide.png")

    prepared = prepare_picture(path, tmp_path, PictureLimits(10**7, KIE_TYPES, max_side_px=300))

    assert (prepared.width_px, prepared.height_px) == (300, 100)
    [change] = prepared.changes
    assert change.startswith("Scaled down from 900 × 300 to 300 × 100 pixels, because sides over")


def test_a_huge_jpeg_is_decoded_at_a_fraction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A JPEG that will be scaled down to a quarter is never held in memory at full size."""
    path = save(draw(1600, 1200), tmp_path / "huge.jpg")
    sizes_px: list[tuple[int, int]] = []
    resize = Image.Image.resize

    def note_and_resize(self: Image.Image, *args: object, **options: object) -> Image.Image:
        sizes_px.append(self.size)
        return resize(self, *args, **options)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(Image.Image, "resize", note_and_resize)
    prepare_picture(path, tmp_path, PictureLimits(10**7, KIE_TYPES, max_side_px=350))

    assert sizes_px == [(400, 300)]


def test_transparency_survives(tmp_path: Path) -> None:
    """A transparent TIFF becomes a transparent PNG."""
    path = save(draw(60, 40, "RGBA"), tmp_path / "logo.tiff")

    prepared = prepare_picture(path, tmp_path, ROOMY)

    assert prepared.mime == "image/png"
    with Image.open(prepared.path) as picture:
        assert _colour_at(picture, 0.8, 0.8)[3] == 0
        assert _colour_at(picture, 0.2, 0.2)[3] == 255


def test_transparency_turns_white_where_it_cannot_stay(tmp_path: Path) -> None:
    """Where only JPEG is accepted, transparent parts become white rather than black."""
    path = save(draw(60, 40, "RGBA"), tmp_path / "logo.png")

    prepared = prepare_picture(path, tmp_path, PictureLimits(10**7, ("image/jpeg",)))

    assert "Filled its transparent parts with white, because JPEG has none." in prepared.changes
    with Image.open(prepared.path) as picture:
        assert _is_near(_colour_at(picture, 0.8, 0.8), (255, 255, 255), tolerance=6)


def test_a_moving_picture_gives_its_first_frame(tmp_path: Path) -> None:
    """A model takes stills: a moving WebP is rewritten, though its type is accepted."""
    path = save(
        draw(60, 40),
        tmp_path / "moving.webp",
        save_all=True,
        append_images=[Image.new("RGB", (60, 40))],
    )

    prepared = prepare_picture(path, tmp_path, ROOMY)

    assert prepared.mime == "image/webp"
    assert prepared.changes == ("Only the first of its 2 frames is used.",)
    assert inspect_picture(prepared.path).frames == 1


def test_print_colours_are_converted(tmp_path: Path) -> None:
    """A CMYK JPEG, which many programs show inverted, becomes RGB."""
    path = save(draw(60, 40).convert("CMYK"), tmp_path / "print.jpg", quality=95)

    prepared = prepare_picture(path, tmp_path, ROOMY)

    assert prepared.changes == (
        "Converted from CMYK print colours to RGB, which every model reads.",
    )
    with Image.open(prepared.path) as picture:
        assert picture.mode == "RGB"
        assert _is_near(_colour_at(picture, 0.2, 0.2), RED)


def test_camera_notes_are_left_out_of_what_is_rewritten(tmp_path: Path) -> None:
    """The place where a picture was taken does not travel with a converted copy."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    path = save(
        draw(60, 40), tmp_path / "p.jpg", exif=exif, comment=b"at home", xmp=b"<x:xmpmeta/>"
    )

    prepared = prepare_picture(path, tmp_path, ROOMY)

    with Image.open(prepared.path) as picture:
        assert not picture.getexif()
        assert not {"exif", "xmp", "comment", "icc_profile"} & set(picture.info)


def test_other_spellings_of_a_type_are_understood() -> None:
    """Documentation writes image/jpg, capitals and wildcards; all mean the same types."""
    assert PictureLimits(1, ("image/JPG", " image/png")).accepts == ("image/jpeg", "image/png")
    assert PictureLimits(1, ("image/*",)).accepts == KIE_TYPES


@pytest.mark.parametrize(
    "limits", [(0, KIE_TYPES, 10), (10, (), 10), (10, KIE_TYPES, 0)], ids=["bytes", "types", "side"]
)
def test_limits_that_allow_nothing_are_refused(limits: tuple[int, tuple[str, ...], int]) -> None:
    """Limits without room for any picture are a mistake in the program."""
    with pytest.raises(ValueError, match="at the least"):
        PictureLimits(*limits)


def test_a_type_that_cannot_be_written_is_refused(jpeg: Path, tmp_path: Path) -> None:
    """Where only an unusual type is accepted, the person has to choose such a file."""
    with pytest.raises(MediaProblem, match="Only TIFF is accepted here"):
        prepare_picture(jpeg, tmp_path, PictureLimits(10**7, ("image/tiff",)))


def test_an_unusual_type_that_is_accepted_goes_as_it_is(tmp_path: Path) -> None:
    """A model that takes GIF gets the GIF, with its suffix."""
    path = save(draw(20, 20), tmp_path / "p", format="GIF")

    prepared = prepare_picture(path, tmp_path, PictureLimits(10**7, ("image/gif",)))

    assert (prepared.path, prepared.suffix) == (path, ".gif")


def test_an_impossible_size_is_refused(jpeg: Path, tmp_path: Path) -> None:
    """When not even one pixel fits, the sentence says so instead of trying for ever."""
    with pytest.raises(MediaProblem, match="as small as 40 bytes"):
        prepare_picture(jpeg, tmp_path, PictureLimits(40, KIE_TYPES))


def test_only_whole_files_are_left_behind(heic: Path, tmp_path: Path) -> None:
    """The folder holds the finished picture and no temporary file."""
    into = tmp_path / "made" / "when missing"

    prepared = prepare_picture(heic, into, ROOMY)

    assert list(into.iterdir()) == [prepared.path]


MODES = {
    "JPEG": ["L", "RGB", "CMYK"],
    "PNG": ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"],
    "WEBP": ["RGB", "RGBA"],
    "TIFF": ["1", "L", "RGB", "RGBA", "CMYK", "I;16", "F"],
    "AVIF": ["RGB", "RGBA"],
    "GIF": ["L", "P"],
    "BMP": ["L", "RGB"],
}
STORED = st.sampled_from(sorted(MODES)).flatmap(
    lambda format_: st.tuples(st.just(format_), st.sampled_from(MODES[format_]))
)
CAN_TURN = {"JPEG", "PNG", "WEBP", "TIFF", "AVIF"}


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    stored=STORED,
    size_px=st.tuples(st.integers(2, 160), st.integers(2, 160)),
    orientation=st.integers(1, 8),
    limits=st.builds(
        PictureLimits,
        max_bytes=st.integers(1_500, 30_000),
        accepts=st.lists(st.sampled_from(KIE_TYPES), min_size=1, unique=True).map(tuple),
        max_side_px=st.integers(16, 200),
    ),
)
def test_whatever_comes_leaves_within_the_limits(
    tmp_path: Path,
    stored: tuple[str, str],
    size_px: tuple[int, int],
    orientation: int,
    limits: PictureLimits,
) -> None:
    """Any picture comes out accepted, within the limits, upright and in its own shape."""
    format_, mode = stored
    turned = orientation if format_ in CAN_TURN else 1
    picture = draw(*size_px) if mode in {"I;16", "F"} else draw(*size_px, mode)
    picture = picture.convert("L").convert(mode) if mode in {"I;16", "F"} else picture
    source = save(picture, tmp_path / "source", orientation=turned, format=format_)

    prepared = prepare_picture(source, tmp_path, limits)
    info = inspect_picture(prepared.path)

    assert prepared.mime in limits.accepts
    assert (info.mime, info.size_bytes) == (prepared.mime, prepared.size_bytes)
    assert info.size_px == (prepared.width_px, prepared.height_px)
    assert info.size_bytes <= limits.max_bytes
    assert max(info.size_px) <= limits.max_side_px
    assert (info.is_rotated, info.frames) == (False, 1)
    assert _has_shape_of(size_px, info.size_px)
    assert (prepared.path == source) == (prepared.changes == ())


def _has_shape_of(original_px: tuple[int, int], scaled_px: tuple[int, int]) -> bool:
    scale = max(scaled_px) / max(original_px)
    return all(
        abs(max(1, side * scale) - scaled) <= 1
        for side, scaled in zip(original_px, scaled_px, strict=True)
    )


def test_wide_colours_become_the_same_colours_in_srgb(tmp_path: Path) -> None:
    """A picture in another colour space looks the same after it is rewritten without a profile."""
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    picture = Image.new("RGB", (20, 20), RED)
    in_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), lab, "RGB", "LAB")
    path = tmp_path / "lab.tiff"
    in_lab.apply(picture).save(path, icc_profile=lab.tobytes())

    prepared = prepare_picture(path, tmp_path, ROOMY)

    with Image.open(io.BytesIO(prepared.path.read_bytes())) as result:
        assert _is_near(_colour_at(result, 0.5, 0.5), RED, tolerance=3)
