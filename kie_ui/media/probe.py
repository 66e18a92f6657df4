"""What a file is (a clip, a picture, a sound), and whether it is whole and within the limits.

All functions block; call them in a thread.
"""

from __future__ import annotations

import errno
from array import array
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import cast

import av
from av.container import InputContainer
from av.packet import Packet  # generic to the type checker only, so quoted where it is used
from av.stream import Disposition
from av.video.stream import VideoStream

from kie_ui.catalog.media_types import (
    MEDIA_NOUNS,
    MediaKind,
    canonical_mime,
    is_accepted,
    kind_of,
    name_of,
    suffix_of,
)
from kie_ui.media.formats import (
    FileKind,
    MediaProblem,
    PreparedFile,
    mime_of,
    read_prefix,
    sniff,
    sniff_file,
)
from kie_ui.media.images.open import inspect_picture

MAX_SIDE_PX = 8192
POSSIBLE_VIDEOS = {FileKind.VIDEO, FileKind.UNKNOWN}

_CLIPS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,flv"
_SOUNDS = "wav,mp3,aac,flac,ogg,mov,mp4,m4a,matroska,webm"
_SHOWN_PICTURES = {"image/jpeg", "image/png", "image/webp", "image/gif", "image/avif"}
_TEXTS = {".txt", ".md", ".json", ".csv", ".srt", ".vtt", ".lrc"}
"""Text is a result only where its name says so; elsewhere it is an error in place of one."""
_SLACK_S = 0.25
_SLACK_FRAMES = 2
_CUT_OFF = "This video is cut off before its end. Fetch or save it again."
_DAMAGED = "This video is damaged and cannot be played. Fetch or save it again."
_CUT_OFF_SOUND = "This sound is cut off before its end. Fetch it again."
_DAMAGED_SOUND = "This sound is damaged and cannot be played. Fetch it again."
_MEASURED_HZ = 4_000
_FULL_SCALE = 32_768
_OF_THE_DISK = {errno.ENOENT, errno.EACCES, errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a file is. Sizes and times that a kind does not have are 0."""

    kind: MediaKind
    suffix: str
    """How its file's name should end, with the dot, by its bytes."""
    width_px: int = 0
    height_px: int = 0
    """As people see it, turned upright."""
    duration_s: float = 0.0
    frames_per_second: float | None = None
    codec: str = ""
    has_audio: bool = False


def inspect_result(path: Path, *, named: str = "") -> MediaInfo:
    """Say what a fetched result is, after making sure that it is whole.

    `named` is its name at its source; its bytes take precedence.
    Raises: MediaProblem; OSError when the disk fails.
    """
    mime = mime_of(read_prefix(path))
    if mime == "text/plain" and (ending := PurePosixPath(named).suffix.lower()) in _TEXTS:
        return MediaInfo("file", ending)
    if mime in _SHOWN_PICTURES:
        info = inspect_picture(path)
        return MediaInfo("image", suffix_of(mime) or "", *info.size_px, codec=info.format.lower())
    if kind_of(mime) == "audio":
        return probe_sound(path)
    suffix = suffix_of(mime)
    if suffix and kind_of(mime) != "video" and mime != "text/plain":
        return MediaInfo("file", suffix)
    return probe_sound(path) if _is_sound_alone(path) else probe_video(path)


def open_clip(path: Path) -> InputContainer:
    """Open a video by absolute path, which no spelling can turn into a network address.

    Raises: av.FFmpegError, also for any container but the plain ones.
    """
    return _open(path, _CLIPS)


def open_sound(path: Path) -> InputContainer:
    """Open a sound by absolute path. Raises: av.FFmpegError, also for what holds none."""
    return _open(path, _SOUNDS)


def _open(path: Path, containers: str) -> InputContainer:
    options = {"format_whitelist": containers, "protocol_whitelist": "file"}
    return av.open(path.resolve(), "r", container_options=options, metadata_errors="replace")


def probe_video(path: Path) -> MediaInfo:
    """Say what a video is, after making sure that its first frame and its very end are there.

    Raises: MediaProblem when it is missing, no video, cut off or damaged; OSError when the disk
    fails.
    """
    if (kind := sniff_file(path, "video")) not in POSSIBLE_VIDEOS:
        raise MediaProblem(f"This is {kind.label}, not a video. Fetch or choose it again.")
    is_matroska = mime_of(read_prefix(path)) in ("video/webm", "video/x-matroska")
    with explaining_damage(_DAMAGED), open_clip(path) as container:
        stream = container.streams.best("video")
        if not isinstance(stream, VideoStream):
            raise MediaProblem("This file has sound but no moving picture. Use another one.")
        end_s, tail = _read_through(container, stream)
        duration_s = _checked_duration_s(container, stream, end_s)
        _check_shows(stream, tail)
        return MediaInfo(
            "video",
            ".webm" if is_matroska else ".mp4",
            *_checked_size_px(container, stream),
            duration_s=duration_s,
            frames_per_second=float(stream.average_rate or 0),
            codec=stream.codec_context.codec.canonical_name,
            has_audio=bool(container.streams.audio),
        )


def _read_through(
    container: InputContainer, stream: VideoStream
) -> tuple[float, list[Packet[VideoStream]]]:
    """Read every packet; return when the last one ends, and the last group that plays by itself.

    Raises: MediaProblem when a packet breaks off.
    """
    end_s = 0.0
    tail: list[Packet[VideoStream]] = []
    for packet in container.demux():
        if packet.is_corrupt:
            raise MediaProblem(_CUT_OFF)
        if packet.pts is not None:
            end_s = max(end_s, float((packet.pts + (packet.duration or 0)) * packet.time_base))
        if packet.stream_index == stream.index and packet.size:
            if packet.is_keyframe:
                tail.clear()
            tail.append(cast("Packet[VideoStream]", packet))
    return end_s, tail


def _checked_duration_s(container: InputContainer, stream: VideoStream, end_s: float) -> float:
    """Return the length, once the packets are known to last as long as the header promises."""
    present_s = end_s - (container.start_time or 0) / av.time_base
    if present_s <= 0:
        raise MediaProblem(_DAMAGED)
    if container.duration is None:
        return present_s
    promised_s = container.duration / av.time_base
    slack_s = _SLACK_S + _SLACK_FRAMES / float(stream.average_rate or 1)
    if present_s < promised_s - slack_s:
        raise MediaProblem(_CUT_OFF)
    return promised_s


def _check_shows(stream: VideoStream, packets: list[Packet[VideoStream]]) -> None:
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
        raise MediaProblem(_CUT_OFF)


def _checked_size_px(container: InputContainer, stream: VideoStream) -> tuple[int, int]:
    """Width and height as seen: phones store upright clips sideways, with a note to turn them."""
    container.seek(0)
    frame = next(container.decode(stream), None)
    if frame is None:
        raise MediaProblem(_DAMAGED)
    size_px = frame.width, frame.height
    if max(size_px) > MAX_SIDE_PX:
        raise MediaProblem(
            f"This video is {frame.width} × {frame.height} pixels, more than the {MAX_SIDE_PX} "
            "a side that can be played safely. Make it smaller first."
        )
    return size_px[::-1] if abs(frame.rotation) % 180 == 90 else size_px


@contextmanager
def explaining_damage(sentence: str) -> Iterator[None]:
    """Turn whatever the decoder meets in a damaged file into one sentence.

    Missing, forbidden and full are the disk's errors; libav calls damage by other such names.
    Raises: MediaProblem.
    """
    try:
        yield
    except av.FFmpegError as exc:
        if exc.errno in _OF_THE_DISK:
            raise
        raise MediaProblem(sentence) from exc


def probe_sound(path: Path) -> MediaInfo:
    """Say what a sound is, after reading it to its end.

    Raises: MediaProblem when it is cut off or damaged; OSError when the disk fails.
    """
    mime = mime_of(read_prefix(path))
    suffix = suffix_of(mime) if kind_of(mime) == "audio" or mime == "video/webm" else ".m4a"
    with explaining_damage(_DAMAGED_SOUND), open_sound(path) as container:
        if not container.streams.audio:
            raise MediaProblem(_DAMAGED_SOUND)
        codec = container.streams.audio[0].codec_context.codec.canonical_name
        return MediaInfo("audio", suffix or "", duration_s=_sound_s(container), codec=codec)


def _sound_s(container: InputContainer) -> float:
    duration_s = 0.0
    for packet in container.demux(container.streams.audio[0]):
        if packet.is_corrupt:
            raise MediaProblem(_CUT_OFF_SOUND)
        if packet.pts is not None and packet.time_base is not None:
            end = packet.pts + (packet.duration or 0)
            duration_s = max(duration_s, float(end * packet.time_base))
    return duration_s


def _is_sound_alone(path: Path) -> bool:
    """Tell whether a container for clips holds only sound, and perhaps a picture of its cover."""
    try:
        with open_clip(path) as container:
            videos = container.streams.video
            is_moving = any(Disposition.attached_pic not in each.disposition for each in videos)
            return bool(container.streams.audio) and not is_moving
    except (av.FFmpegError, ValueError):
        return False


def loudness(path: Path, parts: int) -> list[float]:
    """Measure how loud each of so many equal parts of a sound is at most, from 0 to 1.

    Raises: MediaProblem; OSError.
    """
    duration_s = probe_sound(path).duration_s
    per_part = max(1, round(duration_s * _MEASURED_HZ / parts))
    peaks = [0.0] * parts
    position = 0
    with explaining_damage(_DAMAGED_SOUND), open_sound(path) as container:
        for samples in _samples(container):
            for start in range(0, len(samples), per_part):
                piece = samples[start : start + per_part]
                part = min(parts - 1, (position + start) // per_part)
                loudest = max(abs(min(piece)), abs(max(piece))) / _FULL_SCALE
                peaks[part] = max(peaks[part], loudest)
            position += len(samples)
    return peaks


def _samples(container: InputContainer) -> Iterator[array[int]]:
    """Decode to one channel, coarsely: enough to see how loud it is."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=_MEASURED_HZ)
    for frame in chain(container.decode(container.streams.audio[0]), [None]):
        for piece in resampler.resample(frame):
            yield array("h", bytes(piece.planes[0])[: piece.samples * 2])


def inspect_given(source: Path, kind: MediaKind) -> PreparedFile:
    """Look into a video, a sound or any other file, whatever its name says.

    Raises: MediaProblem for one that is damaged or of another kind; OSError.
    """
    prefix = _prefix_of_given(source)
    mime = mime_of(prefix)
    size_bytes = source.stat().st_size
    if kind == "file":
        return PreparedFile(source, mime, suffix_of(mime) or source.suffix.lower()[:8], size_bytes)
    if kind_of(mime) != kind:
        noun = MEDIA_NOUNS[kind][0]
        raise MediaProblem(f"This is {sniff(prefix).label}, not a {noun}. Choose a {noun}.")
    try:
        info = inspect_result(source)
    except MediaProblem as problem:
        words = str(problem).replace("Fetch it again.", "Choose another one.")
        words = words.replace("Fetch or save it again.", "Choose another one.")
        raise MediaProblem(words) from problem
    sizes = (info.width_px, info.height_px, info.duration_s)
    return PreparedFile(source, mime, suffix_of(mime) or "", size_bytes, *sizes)


def check_given(
    source: Path, kind: MediaKind, max_bytes: int | None, accepts: tuple[str, ...]
) -> PreparedFile:
    """Make sure that a file keeps the documented limits. Raises: MediaProblem; OSError."""
    given = inspect_given(source, kind)
    if accepts and not is_accepted(given.mime, accepts):
        names = ", ".join(sorted({name_of(mime) or canonical_mime(mime) for mime in accepts}))
        own = name_of(given.mime) or "file"
        raise MediaProblem(f"This is {own}; the model takes {names}: convert it first.")
    if max_bytes is not None and given.size_bytes > max_bytes:
        size, limit = (
            f"{count / 1e6:,.1f}".rstrip("0").rstrip(".") for count in (given.size_bytes, max_bytes)
        )
        noun = MEDIA_NOUNS[kind][0]
        raise MediaProblem(f"This {noun} has {size} MB; {limit} MB are accepted: make it smaller.")
    return given


def _prefix_of_given(source: Path) -> bytes:
    try:
        prefix = read_prefix(source)
    except IsADirectoryError as exc:
        raise MediaProblem("This is a folder. Choose one file in it.") from exc
    if not prefix:
        raise MediaProblem("This file is empty. Choose another one.")
    return prefix
