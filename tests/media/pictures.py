"""Pictures drawn in code; none is stored with the tests."""

from pathlib import Path
from typing import Any

from PIL import Image

CORNERS = {"top left": (220, 30, 30), "top right": (30, 200, 30), "bottom left": (30, 30, 220)}
BACKGROUND = (235, 235, 210)

_STORED_TURNED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def draw(width_px: int, height_px: int, mode: str = "RGB") -> Image.Image:
    """Draw a red, a green and a blue corner, so that it is clear which way is up."""
    picture = Image.new("RGB", (width_px, height_px), BACKGROUND)
    half = (max(1, width_px // 2), max(1, height_px // 2))
    picture.paste(CORNERS["top left"], (0, 0, *half))
    picture.paste(CORNERS["top right"], (half[0], 0, width_px, half[1]))
    picture.paste(CORNERS["bottom left"], (0, half[1], half[0], height_px))
    if mode in {"RGBA", "LA"}:
        alpha = Image.new("L", picture.size, 255)
        alpha.paste(0, (half[0], half[1], width_px, height_px))
        picture.putalpha(alpha)
    return picture if picture.mode == mode else picture.convert(mode)


def noise(width_px: int, height_px: int, mode: str = "RGB") -> Image.Image:
    """Draw what compresses worst: soft noise in every channel."""
    bands = [Image.effect_noise((width_px, height_px), 90) for _ in Image.new(mode, (1, 1)).split()]
    return Image.merge(mode, bands)


def save(picture: Image.Image, path: Path, orientation: int = 1, **options: Any) -> Path:
    """Write a picture, stored turned and with the EXIF note that turns it back."""
    turn = _STORED_TURNED[orientation]
    stored = picture if turn is None else picture.transpose(turn)
    if orientation != 1:
        exif = Image.Exif()
        exif[0x0112] = orientation
        options["exif"] = exif
    stored.save(path, **options)
    return path
