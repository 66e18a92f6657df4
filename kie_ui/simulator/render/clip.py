"""A request for a clip → a real clip.

Frames are made in one thread while x264 works in another: making them costs a fraction of the
encoding, and no extra time where a second core is free.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from PIL import Image, ImageOps

from kie_ui.media.formats import MediaProblem
from kie_ui.media.probe import MediaInfo, open_clip, probe_video
from kie_ui.simulator.plan import Mode
from kie_ui.simulator.render.camera import (
    CameraPath,
    Plane,
    Sampler,
    camera_path,
    settling_path,
    smootherstep,
    still_path,
    view,
)
from kie_ui.simulator.render.picture import (
    BrokenInput,
    Mark,
    MovingLight,
    apply_mode,
    clip_size,
    open_picture,
)
from kie_ui.simulator.render.requests import (
    DEFAULT_DURATION_S,
    MAX_DURATION_S,
    MAX_FOOTAGE_S,
    ClipRequest,
    Placeholder,
)
from kie_ui.simulator.render.sound import (
    NoSound,
    Samples,
    add_sound_stream,
    length_s,
    mux_sound,
    play_tones,
    read_sound,
)
from kie_ui.simulator.sizes import (
    DEFAULT_CLIP_SHORT_SIDE_PX,
    MAX_CLIP_SHORT_SIDE_PX,
    MAX_DEFAULT_SHORT_SIDE_PX,
)

FPS = 24
PIXEL_FORMAT = "yuv420p"
SOUND_RATE_HZ = 44_100
BT709 = 1
LIMITED_RANGE = 1
_UNREADABLE = "The video cannot be read: it is damaged, or not a video."
_THREADS = 4
"""A fixed number, because the bytes depend on it and the same request must give the same bytes."""
_ENCODER_OPTIONS = {"preset": "veryfast", "crf": "20", "g": str(2 * FPS), "mbtree": "0"}
"""No macroblock-tree rate control: with it, x264 does not always give the same frames the same
bytes (seen with build 165, in 150 runs of one clip)."""
OVERSAMPLING = 1.25
"""How much larger than the frame the picture is kept: enough to move closer without blur."""
_DISSOLVE = (0.5, 0.93)
"""When the end picture begins to show, and when it is all that shows; shares of the clip."""
_FRAMES_AHEAD = 4
PLACEHOLDER_ASPECT = 16 / 9
"""The proportions of a clip without a picture, where the request names none."""
Planes = tuple[Plane, Plane, Plane]


def encode_clip(
    frames: Iterable[VideoFrame],
    size: tuple[int, int],
    output: Path,
    sound: Samples | None = None,
) -> None:
    """Encode frames of (width, height) at a constant 24 a second, and a sound at 44.1 kHz."""
    options = {"movflags": "+faststart"}
    with av.open(str(output), "w", format="mp4", options=options) as container:
        stream = container.add_stream("libx264", rate=FPS, options=_ENCODER_OPTIONS)
        stream.width, stream.height = size
        stream.pix_fmt = PIXEL_FORMAT
        context = stream.codec_context
        context.thread_count = _THREADS
        context.time_base = Fraction(1, FPS)
        context.colorspace = context.color_primaries = context.color_trc = BT709
        context.color_range = LIMITED_RANGE
        if sound is not None:
            audio = add_sound_stream(container, "aac", SOUND_RATE_HZ)
            mux_sound(container, audio, sound, SOUND_RATE_HZ)
        for number, frame in enumerate(frames):
            frame.pts = number
            frame.time_base = Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def new_frame(size: tuple[int, int]) -> VideoFrame:
    """Return an empty frame of (width, height)."""
    frame = VideoFrame(*size, PIXEL_FORMAT)
    frame.colorspace, frame.color_range = BT709, LIMITED_RANGE
    return frame


def planes_in(frame: VideoFrame) -> Planes:
    """Return views of a frame's memory, without its padding."""
    luma, blue, red = (
        np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)[
            :, : plane.width
        ]
        for plane in frame.planes
    )
    return luma, blue, red


def planes_of(picture: Image.Image) -> Planes:
    """Convert RGB to the levels of video."""
    frame = VideoFrame.from_ndarray(np.asarray(picture), format="rgb24").reformat(
        format=PIXEL_FORMAT, dst_colorspace="ITU709", dst_color_range="MPEG"
    )
    luma, blue, red = (plane.copy() for plane in planes_in(frame))
    return luma, blue, red


def probe_footage(path: Path) -> MediaInfo:
    """Return how large and long a video is. Raises: BrokenInput."""
    try:
        return probe_video(path)
    except MediaProblem as error:
        raise BrokenInput(_UNREADABLE) from error


def pass_on(path: Path, size: tuple[int, int], count: int) -> Iterator[VideoFrame]:
    """Return `count` frames of a video at 24 a second; one that is too short starts again.

    Raises: BrokenInput.
    """
    made = 0
    while made < count:
        before = made
        for frame in _decode(path, count - made):
            yield _fit(frame, size)
            made += 1
        if made == before:
            raise BrokenInput(_UNREADABLE)


def _decode(path: Path, max_frames: int) -> Iterator[VideoFrame]:
    """Return the frame to show at each 24th of a second, from the first to the end."""
    try:
        with open_clip(path) as container:
            yield from _resample(container.decode(video=0), max_frames)
    except (av.FFmpegError, IndexError) as error:
        raise BrokenInput(_UNREADABLE) from error


def _resample(frames: Iterator[VideoFrame], max_frames: int) -> Iterator[VideoFrame]:
    shown, first_s = 0, None
    for frame in frames:
        at_s = frame.time or 0.0
        first_s = at_s if first_s is None else first_s
        # A frame stays until the next one; slower footage shows the same one again.
        while shown < max_frames and shown / FPS <= at_s - first_s + 0.5 / FPS:
            yield frame
            shown += 1
        if shown >= max_frames:
            return


def _fit(frame: VideoFrame, size: tuple[int, int]) -> VideoFrame:
    """Scale a frame to fill `size`, upright, and crop what exceeds it evenly on both sides."""
    upright = _upright(frame)
    width, height = size
    scale = max(width / upright.width, height / upright.height)
    wide = max(width, _even(upright.width * scale))
    tall = max(height, _even(upright.height * scale))
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


def render_clip(
    request: ClipRequest, output: Path, progress: Callable[[float], None] = lambda _share: None
) -> None:
    """Render a clip of exactly the requested duration into `output`.

    The same request with the same pictures gives the same bytes.
    Raises: BrokenInput.
    """
    duration_s = clip_duration_s(request)
    size, frames = make_frames(request, duration_s)
    total = round(duration_s * FPS)

    def counted() -> Iterator[VideoFrame]:
        for number, frame in enumerate(_ahead(frames), start=1):
            yield frame
            if number % FPS == 0:
                progress(number / total)

    encode_clip(counted(), size, output, _sound_of(request, duration_s))


def clip_duration_s(request: ClipRequest) -> float:
    """Return how long a clip lasts; its footage or its sound may decide. Raises: BrokenInput."""
    if request.duration_s is not None:
        return request.duration_s
    duration_s = DEFAULT_DURATION_S
    if request.footage is not None:
        duration_s = min(probe_footage(request.footage).duration_s, MAX_FOOTAGE_S)
    elif request.sound is not None:
        duration_s = length_s(request.sound)
    return min(max(duration_s, 0.5), MAX_DURATION_S)


def _sound_of(request: ClipRequest, duration_s: float) -> Samples | None:
    """Return what is heard: the given sound, that of the footage, or tones."""
    source = request.sound or request.footage
    if source is not None:
        try:
            return read_sound(source, SOUND_RATE_HZ, duration_s)
        except NoSound:
            return None
    if request.has_tones:
        return play_tones(request.seed, duration_s, SOUND_RATE_HZ)
    return None


def make_frames(
    request: ClipRequest, duration_s: float
) -> tuple[tuple[int, int], Iterator[VideoFrame]]:
    """Return a clip's (width, height) and its frames, each made on demand.

    Raises: BrokenInput.
    """
    if request.footage is not None:
        return _frames_of_footage(request, request.footage, round(duration_s * FPS))
    short_side_px = request.short_side_px or DEFAULT_CLIP_SHORT_SIDE_PX
    aspect = request.aspect
    if isinstance(request.start, Placeholder):
        aspect = aspect or PLACEHOLDER_ASPECT
    start = open_picture(request.start, short_side_px, aspect or 1.0)
    size = clip_size(start.size, short_side_px, aspect)
    return size, _Composition(request, duration_s, size, start).frames()


def _frames_of_footage(
    request: ClipRequest, footage: Path, count: int
) -> tuple[tuple[int, int], Iterator[VideoFrame]]:
    info = probe_footage(footage)
    short_side_px = _footage_short_side_px(request, info)
    size = clip_size((info.width_px, info.height_px), short_side_px, request.aspect)
    mark = Mark(size)

    def marked() -> Iterator[VideoFrame]:
        for frame in pass_on(footage, size, count):
            mark.apply(planes_in(frame))
            yield frame

    return size, marked()


def _footage_short_side_px(request: ClipRequest, info: MediaInfo) -> int:
    """Return the requested short side, else that of the footage within what is cheap."""
    own_px = round(min(info.width_px, info.height_px) * request.factor)
    is_requested = request.short_side_px is not None or request.factor > 1
    max_px = MAX_CLIP_SHORT_SIDE_PX if is_requested else MAX_DEFAULT_SHORT_SIDE_PX
    return min(request.short_side_px or own_px, max_px) // 2 * 2


class _Layer:
    """One picture under its own camera."""

    def __init__(
        self, picture: Image.Image, size: tuple[int, int], mode: Mode, path: CameraPath
    ) -> None:
        self._size = size
        self._path = path
        self._kept: Planes | None = None
        width, height = size
        self._picture_size = _even(width * OVERSAMPLING), _even(height * OVERSAMPLING)
        fitted = ImageOps.fit(picture, self._picture_size, Image.Resampling.LANCZOS)
        luma, *chroma = planes_of(apply_mode(fitted, mode))
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


class _Composition:
    """One clip: its start picture, its end picture, the light, the mark."""

    def __init__(
        self, request: ClipRequest, duration_s: float, size: tuple[int, int], start: Image.Image
    ) -> None:
        self._size = size
        self._frame_count = round(duration_s * FPS)
        is_fixed = request.is_camera_fixed
        path = still_path if is_fixed else camera_path(request.seed, request.mode, duration_s)
        self._start = _Layer(start, size, request.mode, path)
        self._end: _Layer | None = None
        if request.end is not None:
            rest = still_path if is_fixed else settling_path(request.seed, request.mode)
            end = open_picture(request.end, min(size), size[0] / size[1])
            self._end = _Layer(end, size, "normal", rest)
        self._light = MovingLight(request.seed, size) if is_fixed else None
        self._mark = Mark(size)
        self._other = planes_in(new_frame(size))

    def frames(self) -> Iterator[VideoFrame]:
        """Make the frames, first to last."""
        for number in range(self._frame_count):
            frame = new_frame(self._size)
            self._draw(number / max(1, self._frame_count - 1), planes_in(frame))
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


def _even(side: float) -> int:
    return round(side / 2) * 2


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


def _ahead(frames: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
    """Make frames in another thread, a few ahead of the encoder."""
    with ThreadPoolExecutor(max_workers=1) as executor:
        upcoming = deque(executor.submit(next, frames, None) for _ in range(_FRAMES_AHEAD))
        while (frame := upcoming.popleft().result()) is not None:
            upcoming.append(executor.submit(next, frames, None))
            yield frame
