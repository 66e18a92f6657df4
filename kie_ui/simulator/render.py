"""A picture and an order → a real clip.

Frames are made in one thread while x264 works in its own: the making costs a fraction of the
encoding, and hides behind it where a second core is free.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from PIL import Image

from kie_ui.simulator.clips import ClipOrder, Mode
from kie_ui.simulator.encode import BT709, FPS, LIMITED_RANGE, PIXEL_FORMAT, encode_clip
from kie_ui.simulator.loading import BrokenPicture, clip_size, cover, load_picture
from kie_ui.simulator.look import Mark, MovingLight, graded
from kie_ui.simulator.motion import (
    CameraPath,
    camera_path,
    settling_path,
    smootherstep,
    still_path,
)
from kie_ui.simulator.pictures import Picture
from kie_ui.simulator.sampling import Plane, Sampler
from kie_ui.simulator.stand_in import draw_card
from kie_ui.simulator.warp import view

__all__ = ["BrokenPicture", "make_frames", "render_clip"]

OVERSAMPLING = 1.25
"""How much finer than the clip the picture is kept: enough for a push without blur."""
_DISSOLVE = (0.5, 0.93)
"""When the end picture begins to show, and when it alone is seen; shares of the clip."""
_FRAMES_AHEAD = 4
Planes = tuple[Plane, Plane, Plane]


def render_clip(
    order: ClipOrder, output: Path, progress: Callable[[float], None] = lambda _share: None
) -> None:
    """Render a clip of exactly the asked duration into `output`.

    The same order on the same pictures gives the same bytes.
    Raises: BrokenPicture.
    """
    size, frames = make_frames(order)
    total = frame_count(order.duration_s)

    def counted() -> Iterator[VideoFrame]:
        for number, frame in enumerate(_ahead(frames), start=1):
            yield frame
            if number % FPS == 0:
                progress(number / total)

    encode_clip(counted(), size, output)


def frame_count(duration_s: float) -> int:
    """Return how many frames last that long."""
    return round(duration_s * FPS)


def make_frames(order: ClipOrder) -> tuple[tuple[int, int], Iterator[VideoFrame]]:
    """Return a clip's (width, height) and its frames, each made when it is asked for.

    Raises: BrokenPicture.
    """
    start = _open(order.start, order.short_side_px)
    size = clip_size(start.size, order.short_side_px)
    scene = _Scene(order, size, start)
    return size, scene.frames()


class _Layer:
    """One picture under its own camera."""

    def __init__(
        self, picture: Image.Image, size: tuple[int, int], mode: Mode, path: CameraPath
    ) -> None:
        self._size = size
        self._path = path
        self._kept: Planes | None = None
        self._picture_size = tuple_of_even(size, OVERSAMPLING)
        luma, *chroma = _planes_of(graded(cover(picture, self._picture_size), mode))
        width, height = size
        self._luma = Sampler((luma,), size)
        self._chroma = Sampler(tuple(chroma), (width // 2, height // 2))

    def show(self, share: float, out: Planes) -> None:
        """Fill a frame's planes with what the camera sees at that share of the clip."""
        if self._path is still_path and self._kept is not None:
            for plane, kept in zip(out, self._kept, strict=True):
                np.copyto(plane, kept)
            return
        seen = view(self._path(share), self._size, self._picture_size)
        self._luma.sample(seen, out[:1])
        self._chroma.sample(seen.halved(), out[1:])
        if self._path is still_path:
            luma, blue, red = (plane.copy() for plane in out)
            self._kept = luma, blue, red


class _Scene:
    """All that is to be seen in one clip."""

    def __init__(self, order: ClipOrder, size: tuple[int, int], start: Image.Image) -> None:
        self._size = size
        self._frame_count = frame_count(order.duration_s)
        is_fixed = order.is_camera_fixed
        path = still_path if is_fixed else camera_path(order.seed, order.mode, order.duration_s)
        self._start = _Layer(start, size, order.mode, path)
        self._end: _Layer | None = None
        if order.end is not None:
            rest = still_path if is_fixed else settling_path(order.seed, order.mode)
            end = _open(order.end, order.short_side_px)
            self._end = _Layer(end, size, "normal", rest)
        self._light = MovingLight(order.seed, size) if is_fixed else None
        self._mark = Mark(size)
        self._other = _planes_in(_new_frame(size))

    def frames(self) -> Iterator[VideoFrame]:
        """Make the frames, first to last."""
        for number in range(self._frame_count):
            frame = _new_frame(self._size)
            self._draw(number / max(1, self._frame_count - 1), _planes_in(frame))
            yield frame

    def _draw(self, share: float, out: Planes) -> None:
        arrived = self._arrival(share)
        if self._end is None or arrived == 0:
            self._start.show(share, out)
        elif arrived == 1:
            self._end.show(share, out)
        else:
            self._start.show(share, out)
            self._end.show(share, self._other)
            for plane, other in zip(out, self._other, strict=True):
                _dissolve(plane, other, arrived)
        if self._light is not None:
            self._light.apply(share, out[0])
        self._mark.apply(out)

    def _arrival(self, share: float) -> float:
        """Return how much of the end picture is seen, from 0 to 1."""
        begin, end = _DISSOLVE
        return 0.0 if self._end is None else smootherstep((share - begin) / (end - begin))


def _open(picture: Picture, short_side_px: int) -> Image.Image:
    if picture.path is None:
        return draw_card(picture.stand_in_host)
    return load_picture(picture.path, short_side_px)


def tuple_of_even(size: tuple[int, int], factor: float) -> tuple[int, int]:
    """Scale a (width, height) and round both to even numbers."""
    width, height = size
    return round(width * factor / 2) * 2, round(height * factor / 2) * 2


def _dissolve(plane: Plane, other: Plane, arrived: float) -> None:
    """Blend the other plane into this one."""
    weight = np.int16(round(arrived * 128))
    change = other.astype(np.int16)
    change -= plane
    change *= weight
    change += np.int16(64)
    change >>= np.int16(7)
    change += plane
    np.copyto(plane, change, casting="unsafe")


def _new_frame(size: tuple[int, int]) -> VideoFrame:
    frame = VideoFrame(*size, PIXEL_FORMAT)
    frame.colorspace, frame.color_range = BT709, LIMITED_RANGE
    return frame


def _planes_in(frame: VideoFrame) -> Planes:
    """Look into a frame's own memory, without its padding."""
    luma, blue, red = (
        np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)[
            :, : plane.width
        ]
        for plane in frame.planes
    )
    return luma, blue, red


def _planes_of(picture: Image.Image) -> tuple[NDArray[np.uint8], ...]:
    """Convert RGB to the levels of video."""
    frame = VideoFrame.from_ndarray(np.asarray(picture), format="rgb24").reformat(
        format=PIXEL_FORMAT, dst_colorspace="ITU709", dst_color_range="MPEG"
    )
    return tuple(plane.copy() for plane in _planes_in(frame))


class _Over:
    """Marks the end of the frames, with what went wrong if something did."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def _ahead(frames: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
    """Make frames in a thread of their own, a few ahead of the encoder."""
    made: queue.Queue[VideoFrame | _Over] = queue.Queue(_FRAMES_AHEAD)

    def make() -> None:
        try:
            for frame in frames:
                made.put(frame)
        except BaseException as error:  # noqa: BLE001 - handed to the encoding thread
            made.put(_Over(error))
        else:
            made.put(_Over())

    threading.Thread(target=make, daemon=True).start()
    while not isinstance(item := made.get(), _Over):
        yield item
    if item.error is not None:
        raise item.error
