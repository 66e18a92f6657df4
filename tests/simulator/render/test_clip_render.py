from __future__ import annotations

import io
import struct
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from kie_ui.simulator.render.clip import render_clip
from kie_ui.simulator.render.picture import BrokenInput
from kie_ui.simulator.render.requests import ClipRequest, Placeholder
from tests.simulator.harness import draw_picture

Pixels = NDArray[np.uint8]


def request(start: Path, **fields: Any) -> ClipRequest:
    """Return a request for a second at 120p by default."""
    small: dict[str, Any] = {"duration_s": 1.0, "short_side_px": 120, "seed": 3}
    return ClipRequest(start=start, **{**small, **fields})


def render(folder: Path, wanted: ClipRequest) -> Path:
    """Render a clip and return where it is."""
    output = folder / "clip.mp4"
    render_clip(wanted, output)
    return output


def frames_of(clip: Path) -> list[Pixels]:
    """Return all frames of a clip in RGB."""
    with av.open(str(clip)) as container:
        decoded = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return [np.asarray(frame, np.uint8) for frame in decoded]


def difference(one: Pixels, other: Pixels) -> float:
    """Return by how many levels two frames differ on average."""
    return float(np.abs(one.astype(np.int16) - other).mean())


def without_mark(frame: Pixels) -> Pixels:
    """Leave out the lower part of a frame, where the mark is."""
    return frame[: int(frame.shape[0] * 0.88)]


def covering(path: Path, size: tuple[int, int]) -> Pixels:
    """Return a picture as it fills a frame of (width, height)."""
    with Image.open(path) as image:
        width, height = size
        factor = max(width / image.width, height / image.height)
        scaled = image.convert("RGB").resize(
            (round(image.width * factor), round(image.height * factor)), Image.Resampling.LANCZOS
        )
    left, top = (scaled.width - width) // 2, (scaled.height - height) // 2
    return np.asarray(scaled.crop((left, top, left + width, top + height)))


@pytest.mark.parametrize(
    ("short_side_px", "duration_s", "size"), [(480, 6, (720, 480)), (1080, 3, (1620, 1080))]
)
def test_a_clip_is_exactly_as_requested(
    tmp_path: Path,
    picture_path: Path,
    short_side_px: int,
    duration_s: int,
    size: tuple[int, int],
) -> None:
    """A clip is H.264 at 24 fps and has the requested duration and short side, exactly."""
    wanted = request(picture_path, short_side_px=short_side_px, duration_s=duration_s)
    clip = render(tmp_path, wanted)
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        assert container.duration == duration_s * 1_000_000
        assert (stream.frames, stream.average_rate) == (24 * duration_s, Fraction(24))
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height) == size
        assert sum(1 for _ in container.decode(video=0)) == 24 * duration_s


def test_a_clip_can_start_before_it_is_all_there(tmp_path: Path, picture_path: Path) -> None:
    """The index comes before the frames."""
    data = render(tmp_path, request(picture_path)).read_bytes()
    atoms: list[bytes] = []
    offset = 0
    while offset < len(data):
        length, kind = struct.unpack_from(">I4s", data, offset)
        atoms.append(kind)
        offset += length
    assert atoms.index(b"moov") < atoms.index(b"mdat")


@pytest.mark.parametrize(
    ("picture_size", "clip_size"),
    [
        ((400, 600), (120, 180)),
        ((500, 500), (120, 120)),
        ((1001, 333), (280, 120)),
        ((20, 3000), (120, 280)),
        ((7, 5), (168, 120)),
    ],
)
def test_a_clip_keeps_the_proportions_of_its_picture(
    tmp_path: Path, picture_size: tuple[int, int], clip_size: tuple[int, int]
) -> None:
    """Both sides are even; very long pictures are cut to 21:9, tiny ones are enlarged."""
    path = tmp_path / "picture.png"
    draw_picture(1, picture_size).save(path)
    frame = frames_of(render(tmp_path, request(path)))[0]
    assert (frame.shape[1], frame.shape[0]) == clip_size


@pytest.mark.parametrize("has_tones", [False, True])
def test_the_same_request_gives_the_same_bytes(
    tmp_path: Path, picture_path: Path, *, has_tones: bool
) -> None:
    """Neither time nor chance enters a clip, silent or not."""
    one, other = (
        render(tmp_path, request(picture_path, has_tones=has_tones)).read_bytes() for _ in range(2)
    )
    assert one == other


def test_another_seed_moves_otherwise(tmp_path: Path, picture_path: Path) -> None:
    """Seeds start from the same picture and part ways."""
    one = frames_of(render(tmp_path, request(picture_path, seed=1)))
    other = frames_of(render(tmp_path, request(picture_path, seed=2)))
    assert difference(one[0], other[0]) < 1
    assert difference(one[-1], other[-1]) > 3


@pytest.mark.parametrize("mode", ["normal", "fun", "spicy"])
def test_no_border_ever_shows(tmp_path: Path, picture_path: Path, mode: str) -> None:
    """No frame shows a line or column beyond the picture, in any mode."""
    clip = render(tmp_path, request(picture_path, mode=mode, duration_s=3.0))
    darkest = min(
        int(edge.max(axis=-1).mean())
        for frame in frames_of(clip)
        for edge in (frame[0], frame[-1], frame[:, 0], frame[:, -1])
    )
    assert darkest > 60


@pytest.mark.parametrize("mode", ["normal", "fun", "spicy"])
def test_the_camera_moves_without_jumps(tmp_path: Path, picture_path: Path, mode: str) -> None:
    """Every frame differs a little from the one before, and none by much more than its peers."""
    frames = frames_of(render(tmp_path, request(picture_path, mode=mode, duration_s=3.0)))
    steps = [difference(a, b) for a, b in pairwise(frames[12:-12])]
    assert min(steps) > 0
    assert max(steps) < 4 * (sum(steps) / len(steps))


def test_modes_look_different(tmp_path: Path, picture_path: Path) -> None:
    """Fun is richer in colour than normal, and spicy is warmer."""

    def middle(mode: str) -> NDArray[np.float64]:
        clip = render(tmp_path, request(picture_path, mode=mode, seed=5))
        return frames_of(clip)[12].astype(float)

    normal, fun, spicy = map(middle, ("normal", "fun", "spicy"))
    saturation = [(frame.max(-1) - frame.min(-1)).mean() for frame in (normal, fun)]
    warmth = [(frame[..., 0] - frame[..., 2]).mean() for frame in (normal, spicy)]
    assert saturation[1] > 1.15 * saturation[0]
    assert warmth[1] > warmth[0] + 10


def test_a_fixed_camera_stands_still_while_the_light_moves(
    tmp_path: Path, picture_path: Path
) -> None:
    """Edges stay where they are in every frame, yet the frames are not all the same."""
    wanted = request(picture_path, is_camera_fixed=True, duration_s=2.0, short_side_px=240)
    frames = [without_mark(frame).mean(-1) for frame in frames_of(render(tmp_path, wanted))]
    first = frames[0]
    for frame in frames[1:]:
        assert _best_shift(first, frame) == (0, 0)
    assert max(float(np.abs(frame - first).mean()) for frame in frames) > 2


def _best_shift(one: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[int, int]:
    """Find by how many pixels (down, right) `other` must have moved to look most like `one`."""
    a, b = (np.gradient(each)[1] + 1j * np.gradient(each)[0] for each in (one, other))
    spectrum = np.fft.fft2(a) * np.conj(np.fft.fft2(b))
    peak = np.unravel_index(np.argmax(np.abs(np.fft.ifft2(spectrum))), one.shape)
    return int(peak[0]), int(peak[1])


@pytest.mark.parametrize("is_camera_fixed", [False, True])
def test_a_clip_ends_on_its_end_picture(
    tmp_path: Path, picture_path: Path, end_picture_path: Path, *, is_camera_fixed: bool
) -> None:
    """The first frame is the one picture, the last frame the other, filling the frame."""
    wanted = request(
        picture_path,
        end=end_picture_path,
        is_camera_fixed=is_camera_fixed,
        duration_s=2.0,
        short_side_px=240,
    )
    frames = frames_of(render(tmp_path, wanted))
    size = (frames[0].shape[1], frames[0].shape[0])
    for frame, path in ((frames[0], picture_path), (frames[-1], end_picture_path)):
        assert difference(without_mark(frame), without_mark(covering(path, size))) < 5


def test_every_frame_is_marked(tmp_path: Path) -> None:
    """The lower right corner says "simulated", the other corners say nothing."""
    path = tmp_path / "grey.png"
    Image.new("RGB", (300, 200), (100, 100, 100)).save(path)
    for frame in frames_of(render(tmp_path, request(path, short_side_px=240))):
        level = frame.mean(-1)
        assert level[-40:, -90:].max() > level[:40, :90].max() + 40
        assert level[:40].max() - level[:40].min() < 3


def test_a_photograph_is_turned_upright(tmp_path: Path) -> None:
    """The EXIF orientation decides which side is up."""
    path = tmp_path / "phone.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = Image.new("RGB", (300, 200), (40, 40, 200))
    picture.paste((220, 60, 60), (0, 0, 150, 200))
    picture.save(path, exif=exif)
    frame = frames_of(render(tmp_path, request(path)))[0]
    assert (frame.shape[1], frame.shape[0]) == (120, 180)
    assert frame[10, 60, 0] > 150
    assert frame[100, 60, 2] > 150


@pytest.mark.parametrize("mode", ["RGBA", "P", "L", "LA", "CMYK", "I;16", "1"])
def test_any_kind_of_pixel_becomes_a_clip(tmp_path: Path, mode: str) -> None:
    """Transparency, palettes, grey, print colours and 16 bits are all understood."""
    path = tmp_path / ("picture.tiff" if mode == "CMYK" else "picture.png")
    if mode == "I;16":
        Image.fromarray(np.full((40, 60), 40_000, np.uint16)).save(path)
    else:
        Image.new("RGB", (60, 40), (150, 150, 150)).convert(mode).save(path)
    frame = frames_of(render(tmp_path, request(path, duration_s=1.0)))[0]
    assert 100 < frame[:90].mean() < 256


def test_a_clip_without_a_picture_starts_from_a_placeholder(tmp_path: Path) -> None:
    """Placeholders of different texts differ, and their words can be read."""
    frames = []
    for text in ("a.example", "quite-a-long-name." * 12 + "example"):
        start = Placeholder(text=text)
        wanted = ClipRequest(start=start, duration_s=1, short_side_px=240, seed=1)
        frames.append(frames_of(render(tmp_path, wanted))[0])
    assert difference(*frames) > 3
    assert frames[0].max() > 220


@pytest.mark.parametrize("kind", ["text", "cut off", "empty", "one pixel", "too many pixels"])
def test_a_broken_picture_says_so(tmp_path: Path, picture_path: Path, kind: str) -> None:
    """What cannot become a clip is refused in words for people, and leaves no half clip."""
    path = tmp_path / "broken.png"
    whole = picture_path.read_bytes()
    file = io.BytesIO()
    size = {"one pixel": (1, 1), "too many pixels": (10_001, 10_000)}.get(kind, (2, 2))
    Image.new("1", size).save(file, "PNG")
    path.write_bytes(
        {"text": b"no picture", "cut off": whole[:3000], "empty": b""}.get(kind, file.getvalue())
    )
    with pytest.raises(BrokenInput, match="The picture"):
        render(tmp_path, request(path))
    assert not (tmp_path / "clip.mp4").exists()
