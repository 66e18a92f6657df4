import pytest
from PIL import Image, ImageCms

from kie_ui.media.images.encode import on_white, to_plain_colours


@pytest.mark.parametrize(
    ("mode", "value", "grey"),
    [
        ("I;16", 0, 0),
        ("I;16", 65_535, 255),
        ("I;16", 32_768, 128),
        ("I", 65_535, 255),
        ("F", 1.0, 255),
        ("F", 0.5, 128),
        ("1", 1, 255),
    ],
)
def test_deep_grey_keeps_its_brightness(mode: str, value: float, grey: int) -> None:
    """Sixteen bits and fractions are scaled to eight bits, not cut off at white."""
    plain = to_plain_colours(Image.new(mode, (4, 4), value))

    assert plain.mode == "L"
    assert plain.getpixel((1, 1)) == pytest.approx(grey, abs=1)


def test_values_beyond_the_usual_are_stretched() -> None:
    """Measurements in any unit are shown from their darkest to their lightest."""
    measured = Image.new("F", (2, 1), -40.0)
    measured.putpixel((1, 0), 900.0)

    plain = to_plain_colours(measured)

    assert [plain.getpixel((x, 0)) for x in (0, 1)] == [0, 255]


def test_an_even_measurement_does_not_divide_by_nothing() -> None:
    """A picture of one single odd value is still a picture."""
    assert to_plain_colours(Image.new("F", (2, 2), 7e5)).size == (2, 2)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_an_alpha_channel_that_hides_nothing_is_dropped(mode: str) -> None:
    """An opaque picture needs no format that keeps transparency."""
    assert to_plain_colours(Image.new("RGBA", (4, 4), "teal").convert(mode)).mode == "RGB"


def test_a_transparent_palette_colour_stays_transparent() -> None:
    """GIF and indexed PNG mark one colour as transparent; that becomes an alpha channel."""
    indexed = Image.new("P", (4, 4), 3)
    indexed.info["transparency"] = 3

    plain = to_plain_colours(indexed)

    assert plain.mode == "RGBA"
    assert plain.getchannel("A").getextrema() == (0, 0)


def test_the_picture_given_is_left_alone() -> None:
    """Converting works on a copy: neither pixels nor notes of the original change."""
    picture = Image.new("RGB", (4, 4), "teal")
    picture.info["comment"] = b"mine"

    plain = to_plain_colours(picture)

    assert plain is not picture
    assert plain.info == {}
    assert picture.info == {"comment": b"mine"}


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA"])
def test_a_profile_is_applied_and_left_out(mode: str) -> None:
    """A picture in its own colour space comes out in sRGB, and keeps its transparency."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    picture = Image.new("RGBA", (4, 4), (120, 60, 20, 90)).convert(mode)
    picture.info["icc_profile"] = profile

    plain = to_plain_colours(picture)

    assert "icc_profile" not in plain.info
    assert plain.mode == {"LA": "RGBA"}.get(mode, mode)


@pytest.mark.parametrize("profile", [b"no profile at all", b"", "text"])
def test_a_profile_that_nobody_can_read_counts_as_srgb(profile: object) -> None:
    """A broken profile changes no colour and spoils no picture."""
    picture = Image.new("RGB", (4, 4), (120, 60, 20))
    picture.info["icc_profile"] = profile

    assert to_plain_colours(picture).getpixel((0, 0)) == (120, 60, 20)


def test_white_shows_through_what_is_transparent() -> None:
    """Half transparent black on white is grey."""
    assert on_white(Image.new("RGBA", (2, 2), (0, 0, 0, 128))).getpixel((0, 0)) == (127, 127, 127)
