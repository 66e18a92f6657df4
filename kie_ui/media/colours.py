"""Bring any picture to the plain eight-bit sRGB that every model and every browser agrees on.

A model reads pixel values and ignores colour profiles, so a picture that has to be rewritten
anyway is rewritten in sRGB, the space that a reader without profiles assumes.
"""

import io
from typing import cast

from PIL import Image, ImageCms

DEEP_GREY_MODES = {"I;16", "I;16B", "I;16L", "I;16N", "I", "F"}
PRINT_MODES = {"CMYK", "LAB"}
_ALPHA_MODES = {"LA", "RGBA", "PA", "La", "RGBa"}
_PLAIN_MODES = {"L", "LA", "RGB", "RGBA"}
_SIXTEEN_BIT_MAX = 65_535.0


def to_plain_colours(picture: Image.Image) -> Image.Image:
    """Copy to L, RGB or RGBA: eight bits a channel, sRGB, without profile or camera notes.

    An alpha channel that hides nothing is dropped.
    """
    plain = _to_srgb(_to_plain_mode(picture), picture.info.get("icc_profile"))
    if has_alpha(plain):
        plain = plain.convert("RGBA")
        plain = plain.convert("RGB") if _is_opaque(plain) else plain
    plain = plain.copy() if plain is picture else plain
    plain.info = {}
    return plain


def has_alpha(picture: Image.Image) -> bool:
    """Whether some pixels may be transparent, by the picture's mode or its marked colour."""
    return picture.mode in _ALPHA_MODES or "transparency" in picture.info


def on_white(picture: Image.Image) -> Image.Image:
    """Turn an RGBA picture into RGB, filling its transparent parts with white."""
    filled = Image.new("RGB", picture.size, "white")
    filled.paste(picture, mask=picture.getchannel("A"))
    return filled


def _is_opaque(picture: Image.Image) -> bool:
    return picture.getchannel("A").getextrema() == (255, 255)


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
    """Find the way from a picture's own colours to sRGB; None when it is in sRGB already.

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
