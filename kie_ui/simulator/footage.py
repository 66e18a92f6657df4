"""Videos that were sent: passed on frame by frame, in the size and for the time that was asked."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame

from kie_ui.media.opening import open_clip
from kie_ui.simulator.encode import FPS, PIXEL_FORMAT
from kie_ui.simulator.frames import Planes, new_frame, planes_in
from kie_ui.simulator.loading import BrokenInput

_UNREADABLE = "The video cannot be read: it is damaged, or no video."
_TINTS = ((-9, 10), (10, -8), (7, 8), (-6, -9))
"""What is added to the blue and the red plane, so that one sees that the clip was worked on."""
_MAX_SIDE_PX = 4096


class FootageFacts(NamedTuple):
    """What a video is. Width and height are as people see it."""

    size: tuple[int, int]
    duration_s: float


def probe_footage(path: Path) -> FootageFacts:
    """Say how large and long a video is. Raises: BrokenInput."""
    try:
        with open_clip(path) as container:
            frame = next(container.decode(video=0))
            size = (frame.width, frame.height)
            if max(size) > _MAX_SIDE_PX:
                raise BrokenInput(f"The video has {size[0]} × {size[1]} pixels, which is too many.")
            upright = size[::-1] if frame.rotation % 180 else size
            return FootageFacts(upright, _length_s(container))
    except (av.FFmpegError, IndexError, StopIteration) as error:
        raise BrokenInput(_UNREADABLE) from error


def _length_s(container: InputContainer) -> float:
    """Return what the header says; where it says nothing, a few seconds."""
    return container.duration / av.time_base if container.duration else 5.0


def pass_on(path: Path, size: tuple[int, int], count: int, seed: int) -> Iterator[VideoFrame]:
    """Return so many frames of a video at our rate, from its start again where it is too short.

    Raises: BrokenInput.
    """
    tint = random.Random(f"{seed}/tint").choice(_TINTS)  # noqa: S311 - variety, not secrecy
    made = 0
    while made < count:
        before = made
        for frame in _in_time(path, count - made):
            yield _tinted(_fitted(frame, size), tint)
            made += 1
        if made == before:
            raise BrokenInput(_UNREADABLE)


def _in_time(path: Path, most: int) -> Iterator[VideoFrame]:
    """Return the frame that is to be seen at each moment, from the first to the end."""
    try:
        with open_clip(path) as container:
            yield from _at_our_rate(container.decode(video=0), most)
    except (av.FFmpegError, IndexError) as error:
        raise BrokenInput(_UNREADABLE) from error


def _at_our_rate(frames: Iterator[VideoFrame], most: int) -> Iterator[VideoFrame]:
    shown, first_s = 0, None
    for frame in frames:
        at_s = frame.time or 0.0
        first_s = at_s if first_s is None else first_s
        # A frame stays until the next one comes; slower footage shows the same one again.
        while shown < most and shown / FPS <= at_s - first_s + 0.5 / FPS:
            yield frame
            shown += 1
        if shown >= most:
            return


def _fitted(frame: VideoFrame, size: tuple[int, int]) -> VideoFrame:
    """Scale a frame so that it fills `size`, upright, and cut off evenly what stands over."""
    upright = _upright(frame)
    width, height = size
    scale = max(width / upright.width, height / upright.height)
    wide = max(width, round(upright.width * scale / 2) * 2)
    tall = max(height, round(upright.height * scale / 2) * 2)
    scaled = upright.reformat(
        wide, tall, PIXEL_FORMAT, dst_colorspace="ITU709", dst_color_range="MPEG"
    )
    fitted = new_frame(size)
    left, top = (wide - width) // 4 * 2, (tall - height) // 4 * 2
    for number, (out, whole) in enumerate(zip(planes_in(fitted), planes_in(scaled), strict=True)):
        shrink = 1 if number == 0 else 2
        x, y = left // shrink, top // shrink
        np.copyto(out, whole[y : y + out.shape[0], x : x + out.shape[1]])
    return fitted


def _upright(frame: VideoFrame) -> VideoFrame:
    if frame.rotation % 360 == 0:
        return frame
    turned = np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90))
    return VideoFrame.from_ndarray(np.ascontiguousarray(turned, np.uint8), format="rgb24")


def _tinted(frame: VideoFrame, tint: tuple[int, int]) -> VideoFrame:
    planes: Planes = planes_in(frame)
    for plane, change in zip(planes[1:], tint, strict=True):
        np.copyto(plane, np.clip(plane.astype(np.int16) + change, 16, 240), casting="unsafe")
    return frame
