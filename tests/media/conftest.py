"""Pictures and clips drawn in code; none is stored with the tests."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import pytest
from av.video.stream import VideoStream
from PIL import Image
from pillow_heif import from_pillow

CORNERS = {"top left": (220, 30, 30), "top right": (30, 200, 30), "bottom left": (30, 30, 220)}
BACKGROUND = (235, 235, 210)

Drawer = Callable[..., Image.Image]
Saver = Callable[..., Path]

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


def draw_corners(width_px: int, height_px: int, mode: str = "RGB") -> Image.Image:
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


def draw_noise(width_px: int, height_px: int, mode: str = "RGB") -> Image.Image:
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


@pytest.fixture(scope="session")
def draw() -> Drawer:
    """Draw a picture whose corners show which way is up."""
    return draw_corners


@pytest.fixture(scope="session")
def noise() -> Drawer:
    """Draw a picture that hardly compresses."""
    return draw_noise


@pytest.fixture(scope="session")
def save_turned() -> Saver:
    """Save a picture the way a turned camera stores it."""
    return save


@pytest.fixture
def jpeg(tmp_path: Path) -> Path:
    """Give a whole JPEG of 240 × 160 pixels."""
    return save(draw_corners(240, 160), tmp_path / "whole.jpg", quality=90)


@pytest.fixture
def heic(tmp_path: Path) -> Path:
    """Give a HEIC, as phones write it, of 64 × 48 pixels."""
    path = tmp_path / "IMG_0001.HEIC"
    from_pillow(draw_corners(64, 48)).save(path, quality=90)
    return path


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Make a small real video of two seconds; the same request gives the same file."""
    folder = tmp_path_factory.mktemp("clips")

    def make(name: str = "clip.mp4", *, codec: str = "libx264", **options: str) -> Path:
        path = folder / name
        if not path.exists():
            _record(path, codec, options)
        return path

    return make


def _record(path: Path, codec: str, options: dict[str, str]) -> None:
    frame_px = (96, 64)
    with av.open(path, "w", options=options) as container:
        stream = cast("VideoStream", container.add_stream(codec, rate=24, options={"g": "12"}))
        stream.width, stream.height = frame_px
        stream.pix_fmt = "yuv420p"
        for _ in range(48):
            frame = av.VideoFrame.from_ndarray(np.asarray(draw_noise(*frame_px)))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
