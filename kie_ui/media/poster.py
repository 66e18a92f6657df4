"""Draw the small still that represents a result while it does not play.

All functions block; call them in a thread.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image, ImageDraw, ImageFilter, ImageStat

from kie_ui.media.formats import FileKind, MediaProblem, sniff_file
from kie_ui.media.images.encode import (
    JPEG,
    WEBP,
    encode_within,
    scaled_to,
    size_within,
    to_plain_colours,
)
from kie_ui.media.images.open import describe, open_picture, read_upright
from kie_ui.media.probe import MAX_SIDE_PX, POSSIBLE_VIDEOS, explaining_damage, loudness, open_clip
from kie_ui.media.storage import write_whole

MAX_POSTER_BYTES = 40_000

_NO_PICTURE = {FileKind.SOUND, FileKind.EMPTY, FileKind.HTML, FileKind.TEXT, FileKind.PDF}
_SHARES = ((0.28, 0.34, 0.4), (0.55, 0.7), (0.1, 0.9), (0.0,))
"""Where to look, as shares of the clip: near a third first, elsewhere when that shows nothing."""
_DAMAGED = "This clip is damaged and cannot be shown. Fetch it again."
_NO_FRAME = "No frame of this clip can be read. Fetch or save it again."
_MAX_DECODED = 900
_GUESSED_LENGTH_S = 3.0  # for a clip that does not state its own
_MEASURED_SIDE_PX = 160
_MIN_CONTRAST = 8.0
_MIN_LIGHT = 16.0
_MAX_LIGHT = 245.0
_WAVEFORM_PX = (480, 320)
_DRAWN_PX = (960, 640)  # twice as large, so that edges become smooth; lengths below are of this
_MARGIN_PX = 48
_BARS = 48
_BAR_PX = 12
_MIN_BAR_PX, _MAX_BAR_PX = 12, 352
_COLOUR = (20, 163, 148, 255)  # readable on light and on dark


def make_poster(clip: Path, to: Path, *, max_side_px: int = 480) -> None:
    """Write an informative still of a clip or picture, upright, of at most `MAX_POSTER_BYTES`.

    WebP where the name of `to` says so, else JPEG; never larger than the original. Of a clip it is
    the sharpest of a few frames near its first third, which are past a fade from black; nearly
    empty frames are used only if there are no others.
    Raises: MediaProblem when it has no picture; OSError.
    """
    is_video = _sniff(clip) in POSSIBLE_VIDEOS
    still = (_still_of_video if is_video else _still_of_picture)(clip, max_side_px)
    encoding = WEBP if to.suffix.lower() == ".webp" else JPEG
    encoded = encode_within(still, (encoding,), MAX_POSTER_BYTES)
    if encoded is None:
        raise MediaProblem("This picture is too long and thin for a preview.")
    write_whole(to, encoded.data)


def write_first_frame(clip: Path, to: Path) -> None:
    """Write the frame that a clip begins with: PNG, upright, as large as the clip.

    Raises: MediaProblem for anything but a clip, or a damaged one; OSError.
    """
    _sniff(clip)
    with explaining_damage(_DAMAGED), _opened(clip) as (container, stream):
        first = next(_frames_at(container, stream, (0.0,)), None)
        still = None if first is None else _small_upright(first, MAX_SIDE_PX)
    if still is None:
        raise MediaProblem(_NO_FRAME)
    encoded = io.BytesIO()
    still.save(encoded, "PNG")
    write_whole(to, encoded.getvalue())


def _sniff(path: Path) -> FileKind:
    kind = sniff_file(path, "clip")
    if kind in _NO_PICTURE:
        raise MediaProblem(f"This is {kind.label}, which has no picture to show.")
    return kind


def _still_of_picture(path: Path, max_side_px: int) -> Image.Image:
    with open_picture(path) as picture:
        size_px = size_within(describe(picture, path).size_px, max_side_px)
        return scaled_to(to_plain_colours(read_upright(picture, size_px)), size_px)


def _still_of_video(path: Path, max_side_px: int) -> Image.Image:
    best, best_score = None, -1.0
    with explaining_damage(_DAMAGED), _opened(path) as (container, stream):
        for shares in _SHARES:
            for frame in _frames_at(container, stream, shares):
                still = _small_upright(frame, max_side_px)
                if (score := _score(still)) > best_score:
                    best, best_score = still, score
            if best_score > 0:
                break
    if best is None:
        raise MediaProblem(_NO_FRAME)
    return best


@contextmanager
def _opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    with open_clip(path) as container:
        stream = container.streams.best("video")
        if not isinstance(stream, VideoStream):
            raise MediaProblem("This file has sound but no moving picture.")
        if max(stream.codec_context.width, stream.codec_context.height) > MAX_SIDE_PX:
            raise MediaProblem("This clip is too large to be shown safely.")
        yield container, stream


def _frames_at(
    container: InputContainer, stream: VideoStream, shares: tuple[float, ...]
) -> Iterator[VideoFrame]:
    """Decode once from the keyframe before the first share of the clip to the last of them.

    Generated clips often have a single keyframe, so a keyframe alone would be the first frame. A
    fault on the way ends the search, as does a frame number that only a faulty clip reaches.
    """
    start_s = (container.start_time or 0) / av.time_base
    length_s = container.duration / av.time_base if container.duration else _GUESSED_LENGTH_S
    wanted_s = [start_s + share * length_s for share in shares]
    last = None
    with suppress(av.InvalidDataError):
        container.seek(round(wanted_s[0] * av.time_base))
        timed = (frame for frame in container.decode(stream) if frame.pts is not None)
        for frame in islice(timed, _MAX_DECODED):
            last = frame
            if frame.time >= wanted_s[0]:
                yield frame
                last = None
                wanted_s = [each for each in wanted_s if each > frame.time]
                if not wanted_s:
                    return
    if last is not None:
        yield last


def _small_upright(frame: VideoFrame, max_side_px: int) -> Image.Image:
    """Shrink before turning: the decoder's frames may be large."""
    if max(frame.width, frame.height) > MAX_SIDE_PX:
        raise MediaProblem("This clip is too large to be shown safely.")
    width_px, height_px = size_within((frame.width, frame.height), max_side_px)
    still = Image.fromarray(frame.to_ndarray(width=width_px, height=height_px, format="rgb24"))
    degrees = round(frame.rotation) % 360
    return still.rotate(degrees, expand=True) if degrees in (90, 180, 270) else still


def _score(still: Image.Image) -> float:
    """Measure the strength of the edges in a still; 0 for black, white or one colour."""
    grey = still.convert("L")
    grey.thumbnail((_MEASURED_SIDE_PX, _MEASURED_SIDE_PX))
    whole = ImageStat.Stat(grey)
    if not _MIN_LIGHT <= whole.mean[0] <= _MAX_LIGHT or whole.stddev[0] < _MIN_CONTRAST:
        return 0.0
    edges = ImageStat.Stat(grey.filter(ImageFilter.FIND_EDGES))
    return float(edges.rms[0]) + 0.001


def draw_waveform(sound: Path, to: Path) -> None:
    """Write a small picture of a sound, WebP with nothing behind its bars.

    Raises: MediaProblem; OSError.
    """
    picture = Image.new("RGBA", _DRAWN_PX, (*_COLOUR[:3], 0))
    draw = ImageDraw.Draw(picture)
    peaks = loudness(sound, _BARS)
    loudest = max(*peaks, 0.01)
    apart, centre = (_DRAWN_PX[0] - 2 * _MARGIN_PX) / _BARS, _DRAWN_PX[1] / 2
    for number, peak in enumerate(peaks):
        middle = _MARGIN_PX + (number + 0.5) * apart
        half_width, half = _BAR_PX / 2, max(_MIN_BAR_PX, _MAX_BAR_PX * peak / loudest) / 2
        box = (middle - half_width, centre - half, middle + half_width, centre + half)
        draw.rounded_rectangle(box, radius=half_width, fill=_COLOUR)
    encoded = io.BytesIO()
    picture.resize(_WAVEFORM_PX, Image.Resampling.LANCZOS).save(encoded, "WEBP", quality=80)
    write_whole(to, encoded.getvalue())
