from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import pydantic
import pytest
from av.audio.stream import AudioStream
from av.video.stream import VideoStream
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from kie_ui.media import recipe as recipes
from kie_ui.media.formats import MediaProblem
from kie_ui.media.recipe import Recipe, read_recipe, write_recipe

ClipMaker = Callable[..., Path]

_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200)
_NUMBERS = st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
_JSON = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=12,
)
_RECIPES = st.builds(
    Recipe,
    model=st.text("abz/-🦊", min_size=1, max_size=200),
    values=st.dictionaries(_TEXT, _JSON, max_size=5)
    | st.fixed_dictionaries({"prompt": _TEXT}, optional={"seed": _NUMBERS}),
    task_id=st.none() | st.text("0123456789abcdef_", max_size=200),
    made_at_ms=st.none() | st.integers(0, 2**53 - 1),
)
_FOX = Recipe(
    model="maker/model-2",
    values={
        "prompt": "A fox 🦊\nsays “hello”",
        "duration": "5",
        "image_urls": ["https://a.b/c.png"],
    },
    task_id="task_1",
    made_at_ms=1_700_000_000_000,
)


def _record(
    path: Path,
    *,
    codec: str = "libx264",
    sound: str = "",
    every: tuple[int, ...] = (1,),
    rotation: int = 0,
    pixels: str = "yuv420p",
    aspect: int = 1,
    start: int = 0,
    metadata: dict[str, str] | None = None,
    **options: str,
) -> Path:
    """Record 24 frames; `every` is how many ticks of 1/24 s each is shown for, over and over."""
    with av.open(path, "w", options=options) as container:
        container.metadata.update(metadata or {})
        stream = cast("VideoStream", container.add_stream(codec, rate=24))
        stream.width, stream.height, stream.pix_fmt = 96, 64, pixels
        stream.codec_context.sample_aspect_ratio = Fraction(aspect)
        stream.codec_context.color_primaries = stream.codec_context.colorspace = 1
        if rotation:
            stream.set_display_rotation(rotation)
        voice = (
            cast("AudioStream", container.add_stream(sound, rate=48_000, layout="stereo"))
            if sound
            else None
        )
        at = start
        for number in range(24):
            noise = np.random.default_rng(number).integers(0, 255, (64, 96, 4), np.uint8)
            frame = av.VideoFrame.from_ndarray(noise, format="rgba")
            frame.pts, at = at, at + every[number % len(every)]
            frame.time_base = Fraction(1, 24)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if voice is not None:
            _add_silence(container, voice)
    return path


def _add_silence(container: Any, voice: AudioStream) -> None:
    for number in range(40):
        silence = av.AudioFrame.from_ndarray(
            np.zeros((2, 960), np.float32)
            if voice.codec.name == "aac"
            else np.zeros((1, 1920), np.float32),
            format="fltp" if voice.codec.name == "aac" else "flt",
            layout="stereo",
        )
        silence.sample_rate, silence.pts = 48_000, number * 960
        container.mux(voice.encode(silence))
    container.mux(voice.encode())


_CLIPS: dict[str, dict[str, Any]] = {
    "varied.webm": {"codec": "libvpx", "every": (1, 3, 2)},
    "transparent.webm": {"codec": "libvpx-vp9", "pixels": "yuva420p"},
    "h264.mkv": {"sound": "aac", "rotation": 90},
    "opus.mp4": {"sound": "libopus"},
    "late.mp4": {"start": 2, "sound": "aac"},
    "oblong.mp4": {"aspect": 2},
    "b-frames.mp4": {},
    "quick.mp4": {"movflags": "faststart"},
    "sound.mp4": {"sound": "aac"},
    "varied.mp4": {"every": (1, 3, 2)},
    "turned.mp4": {"rotation": 90},
    "fragments.mp4": {"sound": "aac", "movflags": "frag_keyframe+empty_moov"},
    "relative.mp4": {
        "sound": "aac",
        "movflags": "frag_keyframe+empty_moov+default_base_moof+delay_moov",
    },
    "indexed.mp4": {"movflags": "dash+delay_moov+global_sidx", "sound": "aac"},
    "sound.mov": {"sound": "aac"},
    "hevc.mp4": {"codec": "libx265"},
    "vp9.webm": {"codec": "libvpx-vp9", "sound": "libopus"},
    "live.webm": {"codec": "libvpx", "live": "1"},
    "index-first.webm": {"codec": "libvpx", "cues_to_front": "1"},
}


@pytest.fixture(scope="session")
def variants(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Give a clip of the table above; each is recorded once."""
    folder = tmp_path_factory.mktemp("variants")

    def give(name: str) -> Path:
        path = folder / name
        return path if path.exists() else _record(path, **_CLIPS[name])

    return give


@pytest.fixture
def small(variants: Callable[[str], Path]) -> Path:
    """Give a plain small clip."""
    return variants("b-frames.mp4")


def _streams(path: Path) -> list[tuple[object, ...]]:
    """Everything that a player learns of each stream."""
    with av.open(path) as container:
        return [
            (
                *(stream.type, stream.codec_context.name, stream.codec_context.codec_tag),
                *(stream.language, stream.disposition, stream.codec_context.extradata),
                getattr(stream.codec_context, "color_primaries", None),
                getattr(stream.codec_context, "sample_aspect_ratio", None),
            )
            for stream in container.streams
        ]


def _packets(path: Path) -> list[list[tuple[object, ...]]]:
    """Each stream's packets, their times in seconds."""
    with av.open(path) as container:
        packets: list[list[tuple[object, ...]]] = [[] for _ in container.streams]
        for each in container.demux():
            times = (time and time * each.time_base for time in (each.pts, each.dts, each.duration))
            packets[each.stream_index].append((*times, each.is_keyframe, bytes(each)))
        return packets


def _frames(path: Path) -> list[list[tuple[object, ...]]]:
    """Each stream's decoded frames or samples, and when they are shown or played in seconds."""
    with av.open(path) as container:
        frames: list[list[tuple[object, ...]]] = [[] for _ in container.streams]
        for packet in container.demux():
            for each in packet.decode():
                assert isinstance(each, av.VideoFrame | av.AudioFrame)
                at = each.pts and each.time_base and each.pts * each.time_base
                frames[packet.stream_index].append((at, each.to_ndarray().tobytes()))
        return frames


def _tags(path: Path) -> dict[str, str]:
    with av.open(path) as container:
        return {name.casefold(): value for name, value in container.metadata.items()}


def _own_tags(path: Path) -> dict[str, str]:
    """Tags but for those that say how the container was written, which each writer sets anew."""
    of_container = {"major_brand", "minor_version", "compatible_brands", "encoder"}
    return {name: value for name, value in _tags(path).items() if name not in of_container}


def _rotation(path: Path) -> int:
    with av.open(path) as container:
        return next(container.decode(video=0)).rotation


def _resaved(source: Path, to: Path, **options: str) -> Path:
    """Save a clip anew without encoding, as many programs do."""
    with av.open(source) as old, av.open(to, "w", options=options) as new:
        new.metadata.update(old.metadata)
        streams = [new.add_stream_from_template(each) for each in old.streams]
        for packet in old.demux():
            if packet.size:
                packet.stream = streams[packet.stream_index]
                new.mux(packet)
    return to


def _with_comment(path: Path, comment: str) -> Path:
    return _record(path, metadata={"comment": comment})


@pytest.mark.parametrize("name", _CLIPS)
def test_nothing_of_the_clip_changes(
    variants: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    """All frames and samples, their times and durations, and the way up are as they were."""
    source = variants(name)
    carrying = tmp_path / name

    write_recipe(source, carrying, _FOX)

    assert read_recipe(carrying) == _FOX
    assert _packets(carrying) == _packets(source)
    assert _frames(carrying) == _frames(source)
    assert _streams(carrying) == _streams(source)
    assert _rotation(carrying) == _rotation(source)
    assert _own_tags(source).items() <= _tags(carrying).items()


@pytest.mark.parametrize("name", ["b-frames.mp4", "vp9.webm", "index-first.webm", "fragments.mp4"])
def test_seeking_still_lands(variants: Callable[[str], Path], tmp_path: Path, name: str) -> None:
    """The indexes that name places in the file have followed."""
    carrying = tmp_path / name
    write_recipe(variants(name), carrying, _FOX)
    with av.open(carrying) as container, av.open(variants(name)) as original:
        for each in (container, original):
            each.seek(700_000)
        assert next(container.decode(video=0)).pts == next(original.decode(video=0)).pts


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(recipe=_RECIPES, name=st.sampled_from(["b-frames.mp4", "vp9.webm"]))
def test_what_is_written_is_read(
    variants: Callable[[str], Path], tmp_path: Path, recipe: Recipe, name: str
) -> None:
    """Any recipe comes back as it was."""
    write_recipe(variants(name), tmp_path / name, recipe)

    assert read_recipe(tmp_path / name) == recipe


@pytest.mark.parametrize(
    "script", ["fox ", "狐狸跳舞", "🦊👩‍👩‍👧", "ثعلب", '"\\\n\r\t\x01\x1b\x7f\u2028', "é\u0301"]
)
@pytest.mark.parametrize("name", ["b-frames.mp4", "sound.mov", "vp9.webm"])
def test_a_long_prompt_in_any_script_survives(
    variants: Callable[[str], Path], tmp_path: Path, script: str, name: str
) -> None:
    """Ten thousand characters come back, also after the file was saved anew by another program."""
    recipe = Recipe(model="m", values={"prompt": (script * 10_000)[:10_000]})
    write_recipe(variants(name), tmp_path / name, recipe)

    assert read_recipe(tmp_path / name) == recipe
    assert read_recipe(_resaved(tmp_path / name, tmp_path / "resaved.mkv")) == recipe


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("again.mp4", {}),
        ("keyed.mp4", {"movflags": "use_metadata_tags"}),
        ("again.mov", {}),
        ("again.mkv", {}),
    ],
)
def test_a_clip_saved_anew_keeps_its_recipe(
    small: Path, tmp_path: Path, name: str, options: dict[str, str]
) -> None:
    """What other programs make of the tag is read, and replaced by a later recipe."""
    write_recipe(small, tmp_path / "first.mp4", _FOX)
    again = _resaved(tmp_path / "first.mp4", tmp_path / name, **options)
    later = _FOX.model_copy(update={"values": {"prompt": "A heron"}})

    assert read_recipe(again) == _FOX
    write_recipe(again, again, later)

    assert read_recipe(again) == later
    assert _tags(again)["title"] == "A heron"
    assert b"A fox" not in again.read_bytes()


def test_the_tags_are_those_that_other_programs_show(small: Path, tmp_path: Path) -> None:
    """The recipe is the comment, and the start of the prompt the title."""
    write_recipe(small, tmp_path / "clip.mp4", _FOX)
    tags = _tags(tmp_path / "clip.mp4")

    assert json.loads(tags["comment"]) == _FOX.model_dump()
    assert tags["title"] == "A fox 🦊 says “hello”"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("clip.mp4", {}),
        ("clip.mov", {}),
        ("clip.mp4", {"movflags": "use_metadata_tags"}),
        ("clip.mov", {"movflags": "use_metadata_tags"}),
        ("clip.webm", {"codec": "libvpx"}),
    ],
)
def test_a_clips_own_tags_stay(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    """A comment and a title that the file came with are not overwritten."""
    own = {"comment": "by the maker", "title": "Own", "artist": "Someone"}
    source = _record(tmp_path / name, metadata=own, **options)
    before = _own_tags(source)

    write_recipe(source, source, _FOX)

    assert before.items() <= _tags(source).items()
    assert own.items() <= before.items()
    assert read_recipe(source) == _FOX


@pytest.mark.parametrize("version", [bytes(4), b""])
def test_tags_as_cameras_write_them_stay(tmp_path: Path, version: bytes) -> None:
    """A list of keys beside the tracks, with or without a version, is added to and not doubled."""
    path = _record(
        tmp_path / "clip.mp4", metadata={"maker": "Someone"}, movflags="use_metadata_tags"
    )
    content = path.read_bytes()
    at = content.index(b"udta") - 4
    meta = content[at + 20 :]  # without the two boxes' headers and the version
    size = int.from_bytes(content[at : at + 4], "big")
    filler = 12 - len(version)
    path.write_bytes(
        content[:at]
        + filler.to_bytes(4, "big")
        + b"free"
        + bytes(filler - 8)
        + (size - filler).to_bytes(4, "big")
        + b"meta"
        + version
        + meta
    )
    packets = _packets(path)

    write_recipe(path, path, _FOX)

    assert _packets(path) == packets
    assert read_recipe(path) == _FOX
    assert _tags(path)["maker"] == "Someone"
    assert path.read_bytes().count(b"ilst") == 1


def test_boxes_that_no_muxer_knows_stay(small: Path, tmp_path: Path) -> None:
    """Marks of origin in boxes of their own are kept byte for byte, and the index comes first."""
    mark = b"\x00\x00\x00\x20uuid" + bytes(range(24))
    (tmp_path / "marked.mp4").write_bytes(small.read_bytes() + mark)

    write_recipe(tmp_path / "marked.mp4", tmp_path / "out.mp4", _FOX)
    content = (tmp_path / "out.mp4").read_bytes()

    assert content.endswith(mark)
    assert content.index(b"moov") < content.index(b"mdat")
    assert _packets(tmp_path / "out.mp4") == _packets(small)


def test_large_boxes_and_an_open_end_are_understood(small: Path, tmp_path: Path) -> None:
    """Frames in a box with a long size, or one that lasts to the end of the file, are found."""
    write_recipe(small, tmp_path / "quick.mp4", _FOX)
    content = bytearray((tmp_path / "quick.mp4").read_bytes())
    at = content.index(b"mdat") - 4
    content[at : at + 4] = bytes(4)
    (tmp_path / "open.mp4").write_bytes(content)

    write_recipe(tmp_path / "open.mp4", tmp_path / "again.mp4", _FOX)

    assert _packets(tmp_path / "again.mp4") == _packets(small)


def _trimmed(path: Path, shown_s: float) -> Path:
    """Let the edit list of a clip end early, as editing programs do to cut without encoding."""
    content = bytearray(path.read_bytes())
    at = content.index(b"elst") + 12  # after the kind, the version and the number of entries
    timescale_at = content.index(b"mvhd") + 16
    timescale = int.from_bytes(content[timescale_at : timescale_at + 4], "big")
    content[at : at + 4] = round(shown_s * timescale).to_bytes(4, "big")
    path.write_bytes(content)
    return path


def test_a_clip_that_cannot_be_copied_without_loss_stays_as_it_is(tmp_path: Path) -> None:
    """Frames that an edit list hides would be shown, so the clip carries no recipe instead."""
    clip = _trimmed(_record(tmp_path / "clip.mp4"), 0.5)
    content = clip.read_bytes()

    with pytest.raises(MediaProblem, match="would be lost"):
        write_recipe(clip, clip, _FOX)

    assert clip.read_bytes() == content
    assert list(tmp_path.iterdir()) == [clip]


def test_the_transparent_part_is_announced(variants: Callable[[str], Path], tmp_path: Path) -> None:
    """A browser looks for transparency only where the track says that there is some."""
    write_recipe(variants("transparent.webm"), tmp_path / "clip.webm", _FOX)

    assert b"\x53\xc0\x81\x01" in (tmp_path / "clip.webm").read_bytes()


def test_a_recipe_of_an_earlier_version_is_read_and_replaced(small: Path, tmp_path: Path) -> None:
    """Earlier versions put a second list of tags beside the tracks instead of copying the clip."""
    content = small.read_bytes()
    at = content.index(b"moov") - 4
    item = _box(b"data", bytes([0, 0, 0, 1]) + bytes(4) + _json_of().encode())
    handler = _box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
    meta = _box(b"meta", bytes(4) + handler + _box(b"ilst", _box(b"\xa9cmt", item)))
    moov = content[at + 8 :].replace(b"udta", b"free") + _box(b"udta", meta)
    old = tmp_path / "clip.mp4"
    old.write_bytes(content[:at] + _box(b"moov", moov))
    later = _FOX.model_copy(update={"task_id": "task_2"})

    assert read_recipe(old) == _FOX
    write_recipe(old, old, later)

    assert read_recipe(old) == later
    assert b"task_1" not in old.read_bytes()


def _box(kind: bytes, payload: bytes) -> bytes:
    return (len(payload) + 8).to_bytes(4, "big") + kind + payload


def test_a_clip_without_a_recipe_has_none(small: Path) -> None:
    """Most clips come from elsewhere."""
    assert read_recipe(small) is None


def _json_of(**changes: object) -> str:
    return json.dumps({**_FOX.model_dump(), **changes})


@pytest.mark.parametrize(
    "comment",
    [
        "a comment",
        "{",
        "[]",
        "{}",
        "null",
        _json_of()[:-1],
        _json_of(program="Other"),
        _json_of(version=2),
        _json_of(version=True),
        _json_of(model=""),
        _json_of(model=7),
        _json_of(model="m" * 201),
        _json_of(values=["prompt"]),
        _json_of(values=None),
        _json_of(task_id=1),
        _json_of(made_at_ms=-1),
        _json_of(made_at_ms=1.5),
        _json_of(made_at_ms="1"),
        _json_of(values={"prompt": "\ud800"}),
        _json_of(values={"prompt": "a\0b"}),
        _json_of(values={"\0": 1}),
        _json_of(values={"n": float("nan")}),
        _json_of(values={"n": 0}).replace('"n": 0', '"n": 1e999'),
        _json_of(values={"n": 10**30}),
        _json_of(values={"n": 0}).replace('"n": 0', '"n": ' + "9" * 5000),
        _json_of(values={"n": 0}).replace('"n": 0', '"n": ' + "[" * 50 + "]" * 50),
        '{"values":' + "[" * 100_000,
        _json_of(values={"prompt": "x" * recipes.MAX_RECIPE_BYTES}),
    ],
    ids=range(28),
)
def test_a_hostile_or_damaged_recipe_is_none(tmp_path: Path, comment: str) -> None:
    """Whatever the tag holds, the answer is that there is no recipe."""
    assert read_recipe(_with_comment(tmp_path / "clip.mp4", comment)) is None


def test_nothing_beyond_the_schema_is_believed(tmp_path: Path) -> None:
    """Further keys that someone put in are left out."""
    path = _with_comment(tmp_path / "clip.mp4", _json_of(path="/etc/passwd"))

    assert read_recipe(path) == _FOX


@pytest.mark.parametrize(
    "values",
    [{"prompt": "\ud83e"}, {"prompt": "a\0b"}, {"n": float("inf")}, {"n": 2**70}, {"p": Path()}],
)
def test_a_recipe_that_would_not_come_back_is_refused(values: dict[str, Any]) -> None:
    """Half characters, NUL, endless numbers and objects cannot become part of one."""
    with pytest.raises(pydantic.ValidationError):
        Recipe(model="m", values=values)


def test_a_recipe_that_is_too_long_is_refused(small: Path, tmp_path: Path) -> None:
    """What would not be read is not written either."""
    recipe = Recipe(model="m", values={"prompt": "x" * recipes.MAX_RECIPE_BYTES})
    with pytest.raises(MediaProblem, match="too long"):
        write_recipe(small, tmp_path / "clip.mp4", recipe)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP", "GIF", "AVIF"])
def test_pictures_carry_no_recipe(tmp_path: Path, format_: str) -> None:
    """A picture is refused with a sentence, has no recipe, and stays as it is."""
    path = tmp_path / "result"
    Image.new("RGB", (32, 32), (200, 100, 50)).save(path, format_)

    assert read_recipe(path) is None
    with pytest.raises(MediaProblem, match="Only MP4, MOV and WebM"):
        write_recipe(path, tmp_path / "out.mp4", _FOX)
    assert list(tmp_path.iterdir()) == [path]


def _nested(kind: bytes, depth: int) -> bytes:
    return b"".join((8 * (depth - level)).to_bytes(4, "big") + kind for level in range(depth))


@pytest.mark.parametrize("kind", [b"trak", b"moov"])
def test_endless_nesting_is_refused(tmp_path: Path, kind: bytes) -> None:
    """A file that is made to exhaust its reader gets a sentence."""
    path = tmp_path / "deep.mp4"
    index = _nested(kind, 20_000)
    path.write_bytes(
        b"\0\0\0\x10ftypisom\0\0\0\0" + (len(index) + 8).to_bytes(4, "big") + b"moov" + index
    )

    with pytest.raises(MediaProblem, match="damaged"):
        write_recipe(path, tmp_path / "out.mp4", _FOX)
    assert read_recipe(path) is None


def test_a_missing_file_is_the_disks_error(tmp_path: Path) -> None:
    """A file that went away is reported as such."""
    with pytest.raises(FileNotFoundError):
        read_recipe(tmp_path / "gone.mp4")
    with pytest.raises(FileNotFoundError):
        write_recipe(tmp_path / "gone.mp4", tmp_path / "out.mp4", _FOX)


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    name=st.sampled_from(["quick.mp4", "fragments.mp4", "vp9.webm"]),
    share=st.floats(0, 0.999),
    end=st.sampled_from(["start", "end"]),
    junk=st.binary(min_size=1, max_size=40),
    fault=st.sampled_from(["cut", "damage"]),
)
def test_a_damaged_clip_is_edited_or_refused(
    variants: Callable[[str], Path],
    tmp_path: Path,
    name: str,
    share: float,
    end: str,
    junk: bytes,
    fault: str,
) -> None:
    """Whatever bytes are damaged there is a clip or a sentence, and never half a file."""
    content = bytearray(variants(name).read_bytes())
    index_bytes = min(2_000, len(content))
    start = int(share * index_bytes) + (len(content) - index_bytes if end == "end" else 0)
    content[start : start + len(junk) if fault == "damage" else None] = junk
    damaged, out = tmp_path / "damaged", tmp_path / "out"
    damaged.write_bytes(content)
    out.unlink(missing_ok=True)
    try:
        write_recipe(damaged, out, _FOX)
    except MediaProblem:
        assert not out.exists()
    assert {each.name for each in tmp_path.iterdir()} <= {"damaged", "out"}
    assert read_recipe(damaged) is None
