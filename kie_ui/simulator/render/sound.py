"""The sounds of the simulator: plain tones, sound files, and the sound track of clips."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from numpy.typing import NDArray

from kie_ui.media.probe import open_clip, open_sound
from kie_ui.simulator.render.picture import BrokenInput
from kie_ui.simulator.render.requests import SoundFormat, SoundRequest

Samples = NDArray[np.float32]
"""From -1 to 1, one row for each channel."""
_TONE_S = 0.5
_TONES_HZ = (261.6, 293.7, 329.6, 392.0, 440.0, 523.3)
"""C, D, E, G, A, C: any order of them sounds fine."""
_LOUDNESS = 0.5
_FADE_S = 0.05
_UNREADABLE = "The sound cannot be read: it is damaged, or not a sound file."


class NoSound(BrokenInput):
    """A video without sound."""


def make_sound(request: SoundRequest, output: Path) -> None:
    """Write the given sound, else tones, as requested. Raises: BrokenInput."""
    write_sound(_samples(request), request.rate_hz, output, request.format)


def _samples(request: SoundRequest) -> Samples:
    if request.source is not None:
        with suppress(NoSound):
            return _fade(read_sound(request.source, request.rate_hz, request.duration_s), request)
    return play_tones(request.seed + request.number, request.duration_s, request.rate_hz)


def _fade(samples: Samples, request: SoundRequest) -> Samples:
    """Fade in and out, where a portion of a sound would begin or end with a click."""
    count = samples.shape[1]
    edge = np.minimum(np.arange(count), np.arange(count)[::-1]) / (_FADE_S * request.rate_hz)
    return np.asarray(samples * np.minimum(edge, 1), np.float32)


def play_tones(seed: int, duration_s: float, rate_hz: int) -> Samples:
    """Return a row of plain tones of about half a second each; the seed decides which."""
    rng = random.Random(f"{seed}/tones")  # noqa: S311 - variety, not secrecy
    count = max(1, round(duration_s / _TONE_S))
    tones_hz = np.array(rng.choices(_TONES_HZ, k=count))
    samples = round(duration_s * rate_hz)
    number, share = np.divmod(np.arange(samples) * count / samples, 1)
    waves = np.sin(math.tau * tones_hz[number.astype(int)] * share * duration_s / count)
    # Each tone swells and ebbs, so that none begins or ends with a click.
    return np.asarray(_LOUDNESS * waves * np.sin(math.pi * share), np.float32)[None]


_CODINGS: dict[SoundFormat, tuple[str, str]] = {
    "mp3": ("mp3", "libmp3lame"),
    "wav": ("wav", "pcm_s16le"),
    "ogg": ("ogg", "libopus"),
    "flac": ("flac", "flac"),
    "m4a": ("ipod", "aac"),
}
"""The container and the codec of each format."""


def write_sound(samples: Samples, rate_hz: int, output: Path, sound_format: SoundFormat) -> None:
    """Write samples as a file, at the nearest rate that its codec knows.

    The same samples give the same bytes.
    """
    file_format, codec = _CODINGS[sound_format]
    known_hz = sorted(av.Codec(codec, "w").audio_rates or [rate_hz])
    nearest_hz = min(known_hz, key=lambda known: abs(known - rate_hz))
    with av.open(str(output), "w", format=file_format) as container:
        stream = add_sound_stream(container, codec, nearest_hz)
        mux_sound(container, stream, samples, rate_hz)


def add_sound_stream(container: OutputContainer, codec: str, rate_hz: int) -> AudioStream:
    """Add a sound in two channels to a file that is being written."""
    stream = container.add_stream(codec, rate=rate_hz, layout="stereo")
    assert isinstance(stream, AudioStream)  # noqa: S101 - PyAV's types do not follow the codec
    stream.codec_context.thread_count = 1
    return stream


def mux_sound(
    container: OutputContainer, stream: AudioStream, samples: Samples, rate_hz: int
) -> None:
    """Encode all samples into a stream."""
    context = stream.codec_context
    context.open()
    sampler = AudioResampler(
        context.format, context.layout, context.sample_rate, context.frame_size or None
    )
    for frame in chain(_frames(samples, rate_hz), [None]):
        for fitting in sampler.resample(frame):
            container.mux(stream.encode(fitting))
    container.mux(stream.encode(None))


def _frames(samples: Samples, rate_hz: int) -> Iterator[AudioFrame]:
    both = samples if samples.shape[0] == 2 else np.repeat(samples, 2, axis=0)
    for start in range(0, both.shape[1], rate_hz):
        piece = np.ascontiguousarray(both[:, start : start + rate_hz], np.float32)
        frame = AudioFrame.from_ndarray(piece, format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, start, Fraction(1, rate_hz)
        yield frame


def read_sound(path: Path, rate_hz: int, max_s: float) -> Samples:
    """Read the beginning of a file's sound, in two channels.

    Raises: NoSound; BrokenInput where it cannot be read.
    """
    try:
        with _open(path) as container:
            return _read(container.decode(audio=0), rate_hz, round(max_s * rate_hz))
    except IndexError as error:
        raise NoSound("There is no sound in the file.") from error
    except (av.FFmpegError, ValueError) as error:
        raise BrokenInput(_UNREADABLE) from error


def _open(path: Path) -> InputContainer:
    """Open a sound, or a video of any kind for its sound. Raises: av.FFmpegError."""
    try:
        return open_sound(path)
    except av.FFmpegError:
        return open_clip(path)


def length_s(path: Path) -> float:
    """Return how long a sound lasts, by its header. Raises: BrokenInput."""
    try:
        with _open(path) as container:
            return container.duration / av.time_base if container.duration else 5.0
    except (av.FFmpegError, ValueError) as error:
        raise BrokenInput(_UNREADABLE) from error


def _read(frames: Iterator[AudioFrame], rate_hz: int, max_samples: int) -> Samples:
    sampler = AudioResampler("fltp", "stereo", rate_hz)
    pieces: list[Samples] = []
    count = 0
    for frame in frames:
        for fitting in sampler.resample(frame):
            pieces.append(np.asarray(fitting.to_ndarray(), np.float32))
            count += fitting.samples
        if count >= max_samples:
            break
    if not pieces:
        raise ValueError("no samples")
    return np.concatenate(pieces, axis=1)[:, :max_samples]
