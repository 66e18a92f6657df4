"""Write a picture as JPEG, PNG or WebP, at the best quality that stays within a number of bytes."""

import io
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import sqrt
from typing import Any, cast

from PIL import Image, ImageCms

DEEP_GREY_MODES = {"I;16", "I;16B", "I;16L", "I;16N", "I", "F"}
PRINT_MODES = {"CMYK", "LAB"}
_ALPHA_MODES = {"LA", "RGBA", "PA", "La", "RGBa"}
_PLAIN_MODES = {"L", "LA", "RGB", "RGBA"}
_SIXTEEN_BIT_MAX = 65_535.0


def to_plain_colours(picture: Image.Image) -> Image.Image:
    """Copy to L, RGB or RGBA: eight bits a channel, sRGB, without profile or metadata.

    An alpha channel that hides nothing is dropped.
    """
    plain = _to_srgb(_to_plain_mode(picture), picture.info.get("icc_profile"))
    if has_alpha(plain):
        plain = plain.convert("RGBA")
        is_opaque = plain.getchannel("A").getextrema() == (255, 255)
        plain = plain.convert("RGB") if is_opaque else plain
    plain = plain.copy() if plain is picture else plain
    plain.info = {}
    return plain


def has_alpha(picture: Image.Image) -> bool:
    """Whether some pixels may be transparent, by the picture's mode or its marked colour.

    Pillow's own `has_transparency_data` fails for a palette picture whose palette is missing.
    """
    return picture.mode in _ALPHA_MODES or "transparency" in picture.info


def on_white(picture: Image.Image) -> Image.Image:
    """Turn an RGBA picture into RGB, filling its transparent parts with white."""
    filled = Image.new("RGB", picture.size, "white")
    filled.paste(picture, mask=picture.getchannel("A"))
    return filled


def _to_plain_mode(picture: Image.Image) -> Image.Image:
    """Leave CMYK and LAB alone: the colour profile decides how those become RGB."""
    if picture.mode in DEEP_GREY_MODES:
        return _to_eight_bits(picture if picture.mode == "F" else picture.convert("I"))
    if has_alpha(picture):
        return picture.convert("LA" if picture.mode in {"LA", "La"} else "RGBA")
    if picture.mode == "1":
        return picture.convert("L")
    return picture if picture.mode in _PLAIN_MODES | PRINT_MODES else picture.convert("RGB")


def _to_eight_bits(picture: Image.Image) -> Image.Image:
    """Map deep grey values to 0–255.

    Whole numbers are taken as 16 bits and fractions as 0 to 1, as photo programs write them;
    anything beyond those is stretched from its darkest to its lightest value.
    """
    full = 1.0 if picture.mode == "F" else _SIXTEEN_BIT_MAX
    lowest, highest = cast("tuple[float, float]", picture.getextrema())
    if lowest >= 0 and highest <= full:
        lowest, highest = 0.0, full
    scale = 255 / ((highest - lowest) or 1.0)
    offset = 0.5 - lowest * scale  # the half rounds, where the conversion to L cuts off
    grey = picture.convert("F").point(lambda value: value * scale + offset).convert("L")
    grey.info.pop("transparency", None)  # it names a 16-bit value that is no more
    return grey


def _to_srgb(picture: Image.Image, profile: object) -> Image.Image:
    transform = _transform_to_srgb(profile, picture.mode.removesuffix("A"))
    if transform is None:
        return picture.convert("RGB") if picture.mode in PRINT_MODES else picture
    if not has_alpha(picture):
        return transform.apply(picture)
    converted = transform.apply(picture.convert(picture.mode.removesuffix("A")))
    converted.putalpha(picture.getchannel("A"))
    return converted


def _transform_to_srgb(profile: object, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return the transform from a picture's own colours to sRGB; None when it is in sRGB already.

    A profile that cannot be read, or is made for other channels, describes nothing: the picture
    then counts as sRGB, as it does in a browser.
    """
    if not isinstance(profile, bytes) or not profile:
        return None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return None
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (OSError, ImageCms.PyCMSError):
        return None


QUALITIES = (95, 92, 88, 84, 80, 75, 70)
"""The steps of a lossy encoding; below the last, fewer pixels look better than poorer ones."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """One way to write a picture."""

    mime: str
    format: str
    """Pillow's name of it."""
    keeps_alpha: bool
    is_lossless: bool
    max_side_px: int


JPEG = Encoding("image/jpeg", "JPEG", keeps_alpha=False, is_lossless=False, max_side_px=65_500)
PNG = Encoding("image/png", "PNG", keeps_alpha=True, is_lossless=True, max_side_px=2**31 - 1)
WEBP = Encoding("image/webp", "WEBP", keeps_alpha=True, is_lossless=False, max_side_px=16_383)

ENCODINGS = {encoding.mime: encoding for encoding in (JPEG, PNG, WEBP)}


@dataclass(frozen=True, slots=True)
class Encoded:
    """A picture as bytes, and how they came about."""

    data: bytes
    encoding: Encoding
    size_px: tuple[int, int]
    is_flattened: bool


def preferred_encodings(
    accepts: Sequence[str], *, source_mime: str, is_transparent: bool, is_lossless: bool
) -> tuple[Encoding, ...]:
    """List the encodings to try, best first, of those that are accepted.

    A picture stays what it is where it can. Otherwise transparency and lossless originals ask for
    PNG, photographs for JPEG, which every service reads. Losing transparency is the last resort.
    """
    if is_transparent:
        order = [PNG, WEBP, JPEG]
    elif is_lossless:
        order = [PNG, JPEG, WEBP]
    else:
        order = [JPEG, WEBP, PNG]
    order.sort(key=lambda encoding: encoding.mime != source_mime)  # its own first, else as it is
    return tuple(encoding for encoding in order if encoding.mime in accepts)


def encode_within(
    picture: Image.Image, encodings: Sequence[Encoding], max_bytes: int
) -> Encoded | None:
    """Write the picture at full size if that fits, else at the largest size found that does.

    None when not even a single pixel fits in `max_bytes`.
    """
    scale = 1.0
    while True:
        size_px = scaled_size(picture.size, scale)
        fitting, least_bytes = _first_that_fits(scaled_to(picture, size_px), encodings, max_bytes)
        if fitting is not None:
            return fitting
        if size_px == (1, 1):
            return None
        scale *= min(0.9, 0.95 * sqrt(max_bytes / least_bytes))
        # Where quality may be given up, pixels are not the price for keeping all of it.
        encodings = [each for each in encodings if not each.is_lossless] or encodings


def scaled_size(size_px: tuple[int, int], scale: float) -> tuple[int, int]:
    """Width and height times `scale`, to the nearest pixel and never nothing."""
    width_px, height_px = size_px
    return max(1, round(width_px * scale)), max(1, round(height_px * scale))


def size_within(size_px: tuple[int, int], max_side_px: int) -> tuple[int, int]:
    """Width and height of the same shape, scaled down until no side is longer than this."""
    return scaled_size(size_px, min(1.0, max_side_px / max(size_px)))


def scaled_to(picture: Image.Image, size_px: tuple[int, int]) -> Image.Image:
    """Copy to this size; the picture itself when it has it already."""
    if picture.size == size_px:
        return picture
    return picture.resize(size_px, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _first_that_fits(
    picture: Image.Image, encodings: Sequence[Encoding], max_bytes: int
) -> tuple[Encoded | None, int]:
    """Find the first encoding that fits, and the fewest bytes that any of them needed."""
    least_bytes: list[int] = []
    for encoding in encodings:
        if max(picture.size) > encoding.max_side_px:
            continue
        data = _best_quality(picture, encoding, max_bytes)
        if len(data) <= max_bytes:
            is_flattened = has_alpha(picture) and not encoding.keeps_alpha
            return Encoded(data, encoding, picture.size, is_flattened), len(data)
        least_bytes.append(len(data))
    return None, min(least_bytes, default=2 * max_bytes)


def _best_quality(picture: Image.Image, encoding: Encoding, max_bytes: int) -> bytes:
    """Find the highest quality that fits, by halving; the lowest one if none does."""
    if encoding.is_lossless:
        return _encode(picture, encoding)

    @cache
    def encoded(step: int) -> bytes:
        return _encode(picture, encoding, QUALITIES[step])

    def fits(step: int) -> bool:
        return len(encoded(step)) <= max_bytes

    last = len(QUALITIES) - 1
    # The best one first: for most pictures it is also the only one needed.
    step = 0 if fits(0) else bisect_left(range(last), x=True, lo=1, key=fits)
    return encoded(step)


def _encode(picture: Image.Image, encoding: Encoding, quality: int = 0) -> bytes:
    options: dict[str, Any] = {} if encoding.is_lossless else {"quality": quality}
    if encoding is JPEG:
        # No optimising: it needs the whole file in a buffer, whose size Pillow guesses too small.
        # At high quality the sharpness of coloured edges is worth its bytes.
        options["subsampling"] = "4:4:4" if quality >= 92 else "4:2:0"
    if has_alpha(picture) and not encoding.keeps_alpha:
        picture = on_white(picture)
    buffer = io.BytesIO()
    picture.save(buffer, encoding.format, **options)
    return buffer.getvalue()
