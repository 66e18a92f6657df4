"""Look into a sound: how long it is, whether it is whole, and how loud it is from moment to moment.

All functions block; call them in a thread.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
from av.audio.frame import AudioFrame
from av.container import InputContainer
from av.stream import Disposition

from kie_ui.media.opening import open_clip, open_sound

_SIGNS = {
    b"RIFF": ".wav",
    b"fLaC": ".flac",
    b"OggS": ".ogg",
    b"ID3": ".mp3",
    b"\x1a\x45\xdf\xa3": ".webm",
}
_FRAME_BYTE = 0xFF
_CUT_OFF = "This sound is cut off before its end. Fetch it again."
_DAMAGED = "This sound is damaged and cannot be played. Fetch it again."
_MEASURED_HZ = 4_000
_LOUDEST = 32_768


class SoundProblem(ValueError):
    """A sound that cannot be used; the text says what is wrong with it and what to do."""


@dataclass(frozen=True, slots=True)
class SoundInfo:
    """What a sound is."""

    suffix: str
    """How its file's name ends, with the dot: told by its bytes."""
    duration_s: float
    codec: str


def probe_sound(path: Path) -> SoundInfo:
    """Say what a sound is, after reading it to its end.

    Raises: SoundProblem when it is cut off or damaged; OSError when the disk fails.
    """
    try:
        with open_sound(path) as container:
            stream = container.streams.audio[0]
            codec = stream.codec_context.codec.canonical_name
            return SoundInfo(_suffix(path), _duration_s(container), codec)
    except (av.FFmpegError, IndexError, ValueError) as exc:
        if isinstance(exc, SoundProblem):
            raise
        raise SoundProblem(_DAMAGED) from exc


def _duration_s(container: InputContainer) -> float:
    duration_s = 0.0
    for packet in container.demux(container.streams.audio[0]):
        if packet.is_corrupt:
            raise SoundProblem(_CUT_OFF)
        if packet.pts is not None and packet.time_base is not None:
            end = packet.pts + (packet.duration or 0)
            duration_s = max(duration_s, float(end * packet.time_base))
    return duration_s


def is_sound_alone(path: Path) -> bool:
    """Tell a container that may hold clips and holds a sound; a picture of its cover is no clip."""
    try:
        with open_clip(path) as container:
            moving = [s for s in container.streams.video if not _is_cover(s.disposition)]
            return bool(container.streams.audio) and not moving
    except (av.FFmpegError, ValueError):
        return False


def _is_cover(disposition: Disposition) -> bool:
    return bool(disposition & Disposition.attached_pic)


def is_bare_sound(path: Path) -> bool:
    """Tell MPEG audio that begins with its first frame, without a tag: MP3, or AAC."""
    start = _first_bytes(path, 2)
    return len(start) == 2 and start[0] == _FRAME_BYTE and (_is_mp3(start) or _is_aac(start))


def _is_mp3(start: bytes) -> bool:
    return start[1] & 0xE6 == 0xE2


def _is_aac(start: bytes) -> bool:
    return start[1] & 0xF6 == 0xF0


def _suffix(path: Path) -> str:
    start = _first_bytes(path, 4)
    fitting = (suffix for sign, suffix in _SIGNS.items() if start.startswith(sign))
    if start[:1] != bytes([_FRAME_BYTE]):
        return next(fitting, ".m4a")
    return ".aac" if _is_aac(start) else ".mp3"


def loudness(path: Path, parts: int) -> list[float]:
    """Tell how loud each of so many equal parts of a sound is at most, from 0 to 1.

    Raises: SoundProblem; OSError.
    """
    duration_s = probe_sound(path).duration_s
    per_part = max(1, round(duration_s * _MEASURED_HZ / parts))
    peaks = [0.0] * parts
    try:
        with open_sound(path) as container:
            position = 0
            for samples in _samples(container):
                for start in range(0, len(samples), per_part):
                    some = samples[start : start + per_part]
                    part = min(parts - 1, (position + start) // per_part)
                    peaks[part] = max(
                        peaks[part], *(abs(x) / _LOUDEST for x in (min(some), max(some)))
                    )
                position += len(samples)
    except av.FFmpegError as exc:
        raise SoundProblem(_DAMAGED) from exc
    return peaks


def _samples(container: InputContainer) -> Iterator[array[int]]:
    """Decode to one channel, coarsely: enough to see how loud it is."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=_MEASURED_HZ)
    for frame in container.decode(container.streams.audio[0]):
        yield from map(_to_numbers, resampler.resample(frame))
    yield from map(_to_numbers, resampler.resample(None))


def _to_numbers(frame: AudioFrame) -> array[int]:
    return array("h", bytes(frame.planes[0])[: frame.samples * 2])


def _first_bytes(path: Path, count: int) -> bytes:
    with path.open("rb") as file:
        return file.read(count)
