import io

import pytest
from PIL import Image

from kie_ui.media.images.encode import (
    JPEG,
    PNG,
    QUALITIES,
    WEBP,
    Encoding,
    encode_within,
    preferred_encodings,
    scaled_size,
)
from tests.media.pictures import noise

KIE_TYPES = ("image/jpeg", "image/png", "image/webp")


@pytest.mark.parametrize(
    ("source_mime", "is_transparent", "is_lossless", "expected"),
    [
        ("image/heic", False, False, (JPEG, WEBP, PNG)),
        ("image/tiff", False, True, (PNG, JPEG, WEBP)),
        ("image/gif", True, True, (PNG, WEBP, JPEG)),
        ("image/webp", False, False, (WEBP, JPEG, PNG)),
        ("image/webp", True, False, (WEBP, PNG, JPEG)),
        ("image/png", False, True, (PNG, JPEG, WEBP)),
    ],
)
def test_encodings_are_tried_in_the_order_that_loses_least(
    source_mime: str,
    is_transparent: bool,  # noqa: FBT001 -- a column of the table
    is_lossless: bool,  # noqa: FBT001 -- a column of the table
    expected: tuple[Encoding, ...],
) -> None:
    """A picture stays what it is; else PNG keeps what is exact and JPEG what is photographed."""
    order = preferred_encodings(
        KIE_TYPES,
        source_mime=source_mime,
        is_transparent=is_transparent,
        is_lossless=is_lossless,
    )

    assert order == expected


@pytest.mark.parametrize("encoding", [JPEG, WEBP])
@pytest.mark.parametrize("step", range(len(QUALITIES)))
def test_the_highest_quality_that_fits_is_found(encoding: Encoding, step: int) -> None:
    """With room for exactly one quality, that one is used: no better would fit, no worse is due."""
    picture = noise(64, 64)
    options = {"subsampling": "4:4:4" if QUALITIES[step] >= 92 else "4:2:0"}
    buffer = io.BytesIO()
    picture.save(
        buffer,
        encoding.format,
        quality=QUALITIES[step],
        **(options if encoding is JPEG else {}),
    )

    encoded = encode_within(picture, [encoding], buffer.tell())

    assert encoded is not None
    assert encoded.data == buffer.getvalue()


def test_a_lossless_encoding_shrinks_only_when_it_is_the_only_one() -> None:
    """Where only PNG is accepted, pixels pay; where JPEG is too, quality pays first."""
    picture = noise(120, 80)

    only_png = encode_within(picture, [PNG], 10_000)
    either = encode_within(picture, [PNG, JPEG], 10_000)

    assert only_png is not None
    assert only_png.encoding is PNG
    assert only_png.size_px[0] < 120
    assert either is not None
    assert (either.encoding, either.size_px[0]) == (JPEG, 120)


def test_an_encoding_that_cannot_hold_so_wide_a_picture_is_passed_by() -> None:
    """WebP ends at 16,383 pixels a side, so a wider strip is written otherwise."""
    strip = Image.new("RGB", (17_000, 2))

    encoded = encode_within(strip, [WEBP, JPEG], 10**6)

    assert encoded is not None
    assert encoded.encoding is JPEG


def test_too_wide_for_every_encoding_is_scaled_until_it_fits() -> None:
    """With WebP alone, the strip comes down to what WebP can hold."""
    encoded = encode_within(Image.new("RGB", (17_000, 2)), [WEBP], 10**6)

    assert encoded is not None
    assert encoded.size_px[0] <= WEBP.max_side_px


def test_what_can_never_fit_ends() -> None:
    """No picture fits in a single byte, and the search says so."""
    assert encode_within(Image.new("RGB", (30, 20)), [JPEG, PNG, WEBP], 1) is None


def test_scaling_never_gives_an_empty_side() -> None:
    """However thin a picture, one pixel of it is left."""
    assert scaled_size((1000, 1), 0.1) == (100, 1)
