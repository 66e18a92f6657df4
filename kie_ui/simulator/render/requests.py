"""What is sent to the renderer: one request for each result of a task."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, get_args

from pydantic import BaseModel, ConfigDict, Field

from kie_ui.catalog.media_types import OCTET_STREAM, mime_of_suffix
from kie_ui.simulator.plan import Mode, RenderPlan
from kie_ui.simulator.sizes import SizeHint, clip_short_side_px

ImageFormat = Literal["jpeg", "png", "webp"]
SoundFormat = Literal["mp3", "wav", "ogg", "flac", "m4a"]
DEFAULT_DURATION_S = 5.0
MIN_DURATION_S = 1.0
MAX_DURATION_S = 60.0
"""The longest clip; a request for a longer one gets this."""
MAX_FOOTAGE_S = 15.0
"""How much of a given video is passed on where the request names no duration."""
DEFAULT_SOUND_S = 20.0
MIN_SOUND_S = 0.5
MAX_SOUND_S = 120.0
_SPOKEN_CHARACTERS_PER_S = 15


class _FrozenModel(BaseModel):
    model_config = ConfigDict(frozen=True)


class Placeholder(_FrozenModel):
    """A gradient with words on it, where no picture was given or can be fetched."""

    text: str
    caption: str = ""
    seed: int = 0
    number: int = 0
    """Which one of several results it is, from 0."""


Picture = Path | Placeholder


class ClipRequest(_FrozenModel):
    """One clip to render."""

    kind: Literal["clip"] = "clip"
    start: Picture
    end: Picture | None = None
    footage: Path | None = None
    """A video whose frames are passed on, instead of a camera move over the picture."""
    sound: Path | None = None
    """A file whose sound is passed on."""
    has_tones: bool = False
    """Whether tones are heard where no sound is passed on."""
    duration_s: float | None
    """None where the footage or the sound decides."""
    short_side_px: int | None
    """None for that of the footage times `factor`, up to `MAX_DEFAULT_SHORT_SIDE_PX`."""
    factor: float = 1.0
    aspect: float | None = None
    """Width by height; None for that of the picture."""
    seed: int
    mode: Mode = "normal"
    is_camera_fixed: bool = False


class ImageRequest(_FrozenModel):
    """One picture to make: `source` in `size`, or `factor` times as large."""

    kind: Literal["image"] = "image"
    source: Picture
    size: SizeHint = SizeHint()
    factor: float = 1.0
    number: int = 0
    """Which one of several it is, from 0."""
    format: ImageFormat = "jpeg"


class SoundRequest(_FrozenModel):
    """One sound to make: the beginning of `source`, or tones."""

    kind: Literal["sound"] = "sound"
    source: Path | None = None
    duration_s: float
    seed: int
    number: int = 0
    format: SoundFormat = "mp3"
    rate_hz: int = 44_100


class TextRequest(_FrozenModel):
    """One JSON object to write: an answer, or a transcript as long as `source`."""

    kind: Literal["text"] = "text"
    source: Path | None = None
    is_transcript: bool = False
    prompt: str = ""


RenderRequest = Annotated[
    ClipRequest | ImageRequest | SoundRequest | TextRequest, Field(discriminator="kind")
]


def result_mime(request: RenderRequest) -> str:
    """Return the type of the file that a request becomes."""
    match request:
        case ClipRequest():
            return "video/mp4"
        case ImageRequest() | SoundRequest():
            return mime_of_suffix(f".{request.format}") or OCTET_STREAM
        case TextRequest():
            return "application/json"


class FoundMedia(NamedTuple):
    """The media of a plan, as files on this disk where they could be had."""

    pictures: tuple[Picture, ...] = ()
    end: Picture | None = None
    videos: tuple[Path, ...] = ()
    sounds: tuple[Path, ...] = ()


def build_render_requests(
    plan: RenderPlan, found: FoundMedia, seed: int
) -> tuple[RenderRequest, ...]:
    """Return a request for each result, in their order."""
    match plan.produces:
        case "video":
            return tuple(_clip(plan, found, seed + n, n) for n in range(plan.count))
        case "image":
            return tuple(_image(plan, found, seed, n) for n in range(plan.count))
        case "audio":
            return tuple(_sound(plan, found, seed, n) for n in range(plan.count))
        case "text":
            return (_text(plan, found),)


def _clip(plan: RenderPlan, found: FoundMedia, seed: int, number: int) -> ClipRequest:
    placeholder = Placeholder(text=plan.prompt, seed=seed, number=number)
    start, *others = found.pictures or (placeholder,)
    has_footage = bool(found.videos) and (not found.pictures or plan.enlarges)
    sounds = found.sounds if has_footage else (*found.sounds, *found.videos)
    size = plan.clip_size
    has_size = size._replace(aspect=None, default_side_px=None) != SizeHint()
    return ClipRequest(
        start=start,
        end=None if has_footage else found.end or next(reversed(others), None),
        footage=found.videos[0] if has_footage else None,
        sound=next(iter(sounds), None),
        has_tones=plan.wants_sound,
        duration_s=_clip_duration_s(plan, found),
        short_side_px=clip_short_side_px(size) if has_size or not has_footage else None,
        factor=plan.factor if plan.enlarges else 1.0,
        aspect=size.aspect,
        seed=seed,
        mode=plan.mode,
        is_camera_fixed=plan.is_camera_fixed,
    )


def _clip_duration_s(plan: RenderPlan, found: FoundMedia) -> float | None:
    if plan.duration_s is not None:
        return min(max(plan.duration_s, MIN_DURATION_S), MAX_DURATION_S)
    return None if found.videos or found.sounds else DEFAULT_DURATION_S


def _image(plan: RenderPlan, found: FoundMedia, seed: int, number: int) -> ImageRequest:
    placeholder = Placeholder(text=plan.prompt, seed=seed, number=number)
    # A picture without its background needs a format that knows transparency.
    default: ImageFormat = "png" if found.pictures and plan.removes_background else "jpeg"
    names = (name.removeprefix("image/") for name in plan.formats)
    requested = (_IMAGE_FORMATS[name] for name in names if name in _IMAGE_FORMATS)
    return ImageRequest(
        source=next(iter(found.pictures), placeholder),
        size=plan.size,
        factor=plan.factor if plan.enlarges else 1.0,
        number=number,
        format=next(requested, default),
    )


_IMAGE_FORMATS: dict[str, ImageFormat] = {
    **{name: name for name in get_args(ImageFormat)},
    "jpg": "jpeg",
}
_SOUND_FORMATS: dict[str, SoundFormat] = {
    **{name: name for name in get_args(SoundFormat)},
    "mpeg": "mp3",
    "pcm": "wav",
    "ulaw": "wav",
    "alaw": "wav",
    "opus": "ogg",
    "aac": "m4a",
    "mp4": "m4a",
}
_RATE = re.compile(r"_(\d{4,6})(_|$)")
"""The sampling rate in a spelling such as `mp3_44100_128`."""


def _sound(plan: RenderPlan, found: FoundMedia, seed: int, number: int) -> SoundRequest:
    source = next(iter((*found.sounds, *found.videos)), None)
    sound_format, rate_hz = _sound_format(plan.formats)
    return SoundRequest(
        source=source,
        duration_s=_sound_duration_s(plan, has_source=source is not None),
        seed=seed,
        number=number,
        format=sound_format,
        rate_hz=rate_hz,
    )


def _sound_format(spellings: tuple[str, ...]) -> tuple[SoundFormat, int]:
    """Return the first known format and its sampling rate in hertz."""
    for spelling in spellings:
        name = spelling.removeprefix("audio/")
        sound_format = _SOUND_FORMATS.get(re.split(r"[_ ]", name)[0])
        if sound_format is not None:
            rate = _RATE.search(name)
            return sound_format, min(max(int(rate[1]), 8_000), 48_000) if rate else 44_100
    return "mp3", 44_100


def _sound_duration_s(plan: RenderPlan, *, has_source: bool) -> float:
    """Return the requested seconds, else as many as the source has or the text takes to say."""
    duration_s = plan.duration_s
    if duration_s is None and has_source:
        duration_s = MAX_SOUND_S
    elif duration_s is None and plan.speaks:
        duration_s = len(plan.prompt) / _SPOKEN_CHARACTERS_PER_S
    return min(max(duration_s or DEFAULT_SOUND_S, MIN_SOUND_S), MAX_SOUND_S)


def _text(plan: RenderPlan, found: FoundMedia) -> TextRequest:
    return TextRequest(
        source=next(iter((*found.sounds, *found.videos)), None),
        is_transcript=bool(plan.inputs.sounds or plan.inputs.videos),
        prompt=plan.prompt,
    )
