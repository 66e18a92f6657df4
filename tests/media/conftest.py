"""A picture, a photograph of a phone, and clips recorded in code."""

from collections.abc import Callable
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest
from av.video.stream import VideoStream
from pillow_heif import from_pillow

from tests.media.pictures import draw, noise, save


@pytest.fixture
def jpeg(tmp_path: Path) -> Path:
    """Give a whole JPEG of 240 × 160 pixels."""
    return save(draw(240, 160), tmp_path / "whole.jpg", quality=90)


@pytest.fixture
def heic(tmp_path: Path) -> Path:
    """Give a HEIC, as phones write it, of 64 × 48 pixels."""
    path = tmp_path / "IMG_0001.HEIC"
    from_pillow(draw(64, 48)).save(path, quality=90)
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
            frame = av.VideoFrame.from_ndarray(np.asarray(noise(*frame_px)))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
