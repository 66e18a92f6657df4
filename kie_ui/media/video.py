"""Look into a video: what it is, and whether it is whole and plays.

All functions block; call them in a thread.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import av
from av.container import InputContainer
from av.packet import Packet  # generic to the type checker only, so quoted where it is used
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from kie_ui.media.opening import open_clip
from kie_ui.media.sniffing import FileKind, sniff_file

MAX_SIDE_PX = 8192

_MAYBE_A_VIDEO = {FileKind.VIDEO, FileKind.UNKNOWN}
_SLACK_S = 0.25
_SLACK_FRAMES = 2
_CUT_OFF = "This video is cut off before its end. Fetch or save it again."
_DAMAGED = "This video is damaged and cannot be played. Fetch or save it again."


class VideoProblem(ValueError):
    """A video that cannot be used; the text says what is wrong with it and what to do."""


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a video is. Width and height are as people see it, turned upright."""

    width_px: int
    height_px: int
    duration_s: float
    frames_per_second: float
    codec: str
    pixel_format: str
    has_audio: bool
    size_bytes: int


def probe_video(path: Path) -> VideoInfo:
    """Say what a video is, after making sure that its first frame and its very end are there.

    Raises: VideoProblem when it is missing, no video, cut off or damaged; OSError when the disk
    fails.
    """
    _refuse_other_kinds(path)
    with explaining_damage(_DAMAGED), open_clip(path) as container:
        stream = container.streams.best("video")
        if not isinstance(stream, VideoStream):
            raise VideoProblem("This file has sound but no moving picture. Use another one.")
        end_s, tail = _read_through(container, stream)
        duration_s = _checked_duration_s(container, stream, end_s)
        _check_shows(stream, tail)
        return VideoInfo(
            *_checked_size_px(_first_frame(container, stream)),
            duration_s=duration_s,
            frames_per_second=float(stream.average_rate or 0),
            codec=stream.codec_context.codec.canonical_name,
            pixel_format=stream.codec_context.pix_fmt or "",
            has_audio=bool(container.streams.audio),
            size_bytes=path.stat().st_size,
        )


def _refuse_other_kinds(path: Path) -> None:
    try:
        kind = sniff_file(path)
    except FileNotFoundError as exc:
        raise VideoProblem("This video is no longer there. Fetch or choose it again.") from exc
    except IsADirectoryError as exc:
        raise VideoProblem("This is a folder, not a video. Choose one video in it.") from exc
    if kind not in _MAYBE_A_VIDEO:
        raise VideoProblem(f"This is {kind.value}, not a video. Fetch or choose it again.")


def _read_through(
    container: InputContainer, stream: VideoStream
) -> "tuple[float, list[Packet[VideoStream]]]":
    """Read every packet; return when the last one ends, and the last group that plays by itself.

    Raises: VideoProblem when a packet breaks off.
    """
    end_s = 0.0
    tail: list[Packet[VideoStream]] = []
    for packet in container.demux():
        if packet.is_corrupt:
            raise VideoProblem(_CUT_OFF)
        if packet.pts is not None:
            end_s = max(end_s, float((packet.pts + (packet.duration or 0)) * packet.time_base))
        if packet.stream_index == stream.index and packet.size:
            if packet.is_keyframe:
                tail.clear()
            tail.append(cast("Packet[VideoStream]", packet))
    return end_s, tail


def _checked_duration_s(container: InputContainer, stream: VideoStream, end_s: float) -> float:
    """Give the length, once the packets are known to last as long as the header promises."""
    present_s = end_s - (container.start_time or 0) / av.time_base
    if present_s <= 0:
        raise VideoProblem(_DAMAGED)
    if container.duration is None:
        return present_s
    promised_s = container.duration / av.time_base
    slack_s = _SLACK_S + _SLACK_FRAMES / float(stream.average_rate or 1)
    if present_s < promised_s - slack_s:
        raise VideoProblem(_CUT_OFF)
    return promised_s


def _check_shows(stream: VideoStream, packets: "list[Packet[VideoStream]]") -> None:
    """Decode a group of packets; a few faults are forgiven, as players do, but not most of them.

    Space that was reserved for a download and never filled has packets too: they show nothing.
    Two packets to a frame are usual where each carries every other line.
    """
    shown = 0
    for packet in [*packets, None]:
        with suppress(av.InvalidDataError):
            shown += len(stream.codec_context.decode(packet))
    stream.codec_context.flush_buffers()
    if shown == 0 or shown * 2 < len(packets):
        raise VideoProblem(_CUT_OFF)


def _first_frame(container: InputContainer, stream: VideoStream) -> VideoFrame:
    container.seek(0)
    frame = next(container.decode(stream), None)
    if frame is None:
        raise VideoProblem(_DAMAGED)
    return frame


def _checked_size_px(frame: VideoFrame) -> tuple[int, int]:
    """Width and height as seen: phones store upright clips sideways, with a note to turn them."""
    size_px = frame.width, frame.height
    if max(size_px) > MAX_SIDE_PX:
        raise VideoProblem(
            f"This video is {frame.width} × {frame.height} pixels, more than the {MAX_SIDE_PX} "
            "a side that can be played safely. Make it smaller first."
        )
    return size_px[::-1] if abs(frame.rotation) % 180 == 90 else size_px


@contextmanager
def explaining_damage(sentence: str) -> Iterator[None]:
    """Turn whatever the decoder meets in a damaged file into one sentence; disk errors pass.

    Raises: VideoProblem.
    """
    try:
        yield
    except OSError:
        raise
    except av.FFmpegError as exc:
        raise VideoProblem(sentence) from exc
