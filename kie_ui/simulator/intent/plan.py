"""What a request asks for, in terms that no longer depend on its model: kept with its task.

A pure step from a spec and checked values. The media are still addresses; `ordering` turns them
into orders for the renderer once they have been found.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from kie_ui.catalog.media_types import OCTET_STREAM, mime_of_suffix
from kie_ui.catalog.parameters import NumberParameter, Parameter, TextParameter
from kie_ui.catalog.registry import built_in_registry
from kie_ui.catalog.spec import ModelSpec, Produces
from kie_ui.simulator.intent.dimensions import Extent, clip_short_side_px
from kie_ui.simulator.intent.roles import Asked, Craft, Inputs, craft_of, is_index

Mode = Literal["normal", "fun", "spicy"]
DEFAULT_DURATION_S = 5.0
MIN_DURATION_S = 1.0
MAX_DURATION_S = 60.0
"""Of a clip; what asks for more is given this."""
MAX_FOOTAGE_S = 15.0
"""Of what is passed on of a video, where no duration is asked for."""
MODES: tuple[Mode, ...] = ("normal", "fun", "spicy")


class Scene(BaseModel):
    """A picture that is drawn from a prompt; of several, `number` counts from 0."""

    model_config = ConfigDict(frozen=True)

    prompt: str
    seed: int
    number: int = 0


class Picture(BaseModel):
    """Where the renderer finds a picture.

    A file, or the host for which a card stands in, or a scene to draw.
    """

    model_config = ConfigDict(frozen=True)

    path: Path | None = None
    stand_in_host: str = ""
    scene: Scene | None = None


class ClipOrder(BaseModel):
    """One clip to render."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["clip"] = "clip"
    start: Picture
    end: Picture | None = None
    footage: Path | None = None
    """A video whose frames are passed on, in place of a camera over the picture."""
    sound: Path | None = None
    """A file whose sound is passed on."""
    has_tune: bool = False
    """Whether a tune of our own is heard where no sound is passed on."""
    duration_s: float | None
    """None where the footage or the sound decides."""
    short_side_px: int | None
    """None for that of the footage, times `factor`, as far as it is made without being asked."""
    factor: float = 1.0
    aspect: float | None = None
    """Width by height; None for that of the picture."""
    seed: int
    mode: Mode = "normal"
    is_camera_fixed: bool = False


class ImageOrder(BaseModel):
    """One picture to make."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["image"] = "image"
    work: Literal["draw", "edit", "enlarge", "cut_out"]
    source: Picture | None = None
    palette: Picture | None = None
    """A second picture, whose colours are taken over."""
    extent: Extent = Extent()
    factor: float = 1.0
    prompt: str = ""
    seed: int
    number: int = 0
    """Which one of several it is, from 0."""
    format: Literal["jpeg", "png", "webp"] = "jpeg"


class SoundOrder(BaseModel):
    """One sound to make."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["sound"] = "sound"
    source: Path | None = None
    """A file of which a portion is passed on."""
    lines: tuple[tuple[str, str], ...] = ()
    """Who says what; empty where music is wanted."""
    prompt: str = ""
    duration_s: float | None = None
    seed: int
    number: int = 0
    format: Literal["mp3", "wav", "ogg", "flac", "m4a"] = "mp3"
    rate_hz: int = 44_100


class TextOrder(BaseModel):
    """One answer in words to make."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["text"] = "text"
    source: Path | None = None
    """A file of which is told what is heard in it."""
    is_transcript: bool = False
    prompt: str = ""
    seed: int


def mime_of_order(order: Order) -> str:
    """Return the type of the file that an order becomes."""
    match order:
        case ClipOrder():
            return "video/mp4"
        case ImageOrder() | SoundOrder():
            return mime_of_suffix(f".{order.format}") or OCTET_STREAM
        case TextOrder():
            return "application/json"


Order = Annotated[ClipOrder | ImageOrder | SoundOrder | TextOrder, Field(discriminator="kind")]


MAX_CLIPS = 4
"""Clips cost far more than pictures."""


class Brief(BaseModel):
    """What one task shall make."""

    model_config = ConfigDict(frozen=True)

    model: str
    produces: Produces
    prompt: str
    lines: tuple[tuple[str, str], ...]
    """Who says what, or the shots of a story."""
    inputs: Inputs
    task_id: str | None = None
    """An earlier task whose result is used as well."""
    index: int = 0
    """Which of its results."""
    duration_s: float | None = None
    extent: Extent
    clip_extent: Extent
    count: int = 1
    factor: float
    formats: tuple[str, ...]
    mode: Mode = "normal"
    is_camera_fixed: bool = False
    wants_sound: bool = False
    craft: Craft


def build_brief(spec: ModelSpec, values: Mapping[str, Any]) -> Brief:
    """Read a request by the roles that its parameters have."""
    asked = Asked(spec, values)
    mode = asked.value("mode")
    return Brief(
        model=spec.model,
        produces=spec.produces,
        prompt=asked.prompt,
        lines=asked.lines,
        inputs=asked.inputs,
        task_id=asked.task_id,
        index=asked.index,
        duration_s=asked.duration_s,
        extent=asked.extent,
        clip_extent=asked.clip_extent,
        count=_count(spec, asked),
        factor=asked.factor,
        formats=tuple(asked.formats),
        mode=mode if mode in MODES else "normal",
        is_camera_fixed=asked.is_camera_fixed,
        wants_sound=asked.wants_sound,
        craft=craft_of(spec),
    )


def _count(spec: ModelSpec, asked: Asked) -> int:
    if spec.produces == "text":
        return 1
    count = asked.count
    if spec.produces == "image":
        return count or pictures_per_task(spec.model)
    return min(count or 1, MAX_CLIPS)


def pictures_per_task(model: str) -> int:
    """Return how many pictures a task of an image model holds, where nobody says how many.

    Where another model of its family takes one of them by its index, there are as many as that can
    count; elsewhere there is one.
    """
    family = _family(model)
    for spec in built_in_registry():
        if _family(spec.model) == family and _takes_image_task(spec):
            return max(map(_counted_by, spec.parameters))
    return 1


def _counted_by(parameter: Parameter) -> int:
    """Return how many things a parameter can count from 0, where it is an index."""
    if isinstance(parameter, NumberParameter) and is_index(parameter):
        return int(parameter.maximum or 0) + 1
    return 1


def _family(model: str) -> str:
    return re.split(r"[/:]", model, maxsplit=1)[0]


def _takes_image_task(spec: ModelSpec) -> bool:
    return any(isinstance(p, TextParameter) and p.names == "image_task" for p in spec.parameters)


_IMAGE_FORMATS: dict[str, Literal["jpeg", "png", "webp"]] = {
    "jpg": "jpeg",
    "jpeg": "jpeg",
    "png": "png",
    "webp": "webp",
}
_SOUND_FORMATS: dict[str, Literal["mp3", "wav", "ogg", "flac", "m4a"]] = {
    "mp3": "mp3",
    "mpeg": "mp3",
    "wav": "wav",
    "pcm": "wav",
    "ulaw": "wav",
    "alaw": "wav",
    "ogg": "ogg",
    "opus": "ogg",
    "flac": "flac",
    "m4a": "m4a",
    "aac": "m4a",
    "mp4": "m4a",
}
_RATE = re.compile(r"_(\d{4,6})(_|$)")


class Found(NamedTuple):
    """The media of a brief, on this disk as far as they are to be had."""

    pictures: tuple[Picture, ...] = ()
    end: Picture | None = None
    videos: tuple[Path, ...] = ()
    sounds: tuple[Path, ...] = ()


def build_orders(brief: Brief, found: Found, seed: int) -> tuple[Order, ...]:
    """Return an order for each result, in their order."""
    match brief.produces:
        case "video":
            return tuple(_clip(brief, found, seed + n, n) for n in range(brief.count))
        case "image":
            return tuple(_image(brief, found, seed, n) for n in range(brief.count))
        case "audio":
            return tuple(_sound(brief, found, seed, n) for n in range(brief.count))
        case "text":
            return (_text(brief, found, seed),)


def _clip(brief: Brief, found: Found, seed: int, number: int) -> ClipOrder:
    start, end = _both_ends(brief, found, seed, number)
    has_footage = bool(found.videos) and (not found.pictures or brief.craft.enlarges)
    other_sound = found.videos[0] if found.videos and not has_footage else None
    extent = brief.clip_extent
    is_told = extent._replace(aspect=None, usual_side_px=None) != type(extent)()
    return ClipOrder(
        start=start,
        end=None if has_footage else end,
        footage=found.videos[0] if has_footage else None,
        sound=found.sounds[0] if found.sounds else other_sound,
        has_tune=brief.wants_sound,
        duration_s=_clip_duration_s(brief, found),
        short_side_px=clip_short_side_px(extent) if is_told or not has_footage else None,
        factor=brief.factor if brief.craft.enlarges else 1.0,
        aspect=extent.aspect,
        seed=seed,
        mode=brief.mode,
        is_camera_fixed=brief.is_camera_fixed,
    )


def _both_ends(
    brief: Brief, found: Found, seed: int, number: int
) -> tuple[Picture, Picture | None]:
    """Choose what a clip starts from and what it ends on: pictures, else shots of the story."""
    if found.pictures:
        last = found.pictures[-1] if len(found.pictures) > 1 else None
        return found.pictures[0], found.end or last
    shots = [text for _, text in brief.lines] or [brief.prompt]
    first = Scene(prompt=shots[0], seed=seed, number=number)
    last_shot = Scene(prompt=shots[-1], seed=seed + 1, number=number) if len(shots) > 1 else None
    return Picture(scene=first), found.end or (Picture(scene=last_shot) if last_shot else None)


def _clip_duration_s(brief: Brief, found: Found) -> float | None:
    if brief.duration_s is not None:
        return min(max(brief.duration_s, MIN_DURATION_S), MAX_DURATION_S)
    return None if found.videos or found.sounds else DEFAULT_DURATION_S


def _image(brief: Brief, found: Found, seed: int, number: int) -> ImageOrder:
    work: Literal["draw", "edit", "enlarge", "cut_out"] = "draw"
    if found.pictures:
        work = "edit"
        if brief.craft.cuts_out:
            work = "cut_out"
        elif brief.craft.enlarges:
            work = "enlarge"
    usual: Literal["jpeg", "png"] = "png" if work == "cut_out" else "jpeg"
    names = (name.removeprefix("image/") for name in brief.formats)
    asked = (_IMAGE_FORMATS[name] for name in names if name in _IMAGE_FORMATS)
    return ImageOrder(
        work=work,
        source=found.pictures[0] if found.pictures else None,
        palette=found.pictures[-1] if len(found.pictures) > 1 else None,
        extent=brief.extent,
        factor=brief.factor,
        prompt=brief.prompt,
        seed=seed,
        number=number,
        format=next(asked, usual),
    )


def _sound(brief: Brief, found: Found, seed: int, number: int) -> SoundOrder:
    source = (*found.sounds, *found.videos)
    plain = [name.removeprefix("audio/") for name in brief.formats]
    names = [(_SOUND_FORMATS.get(re.split(r"[_ ]", name)[0]), name) for name in plain]
    known = [(sound_format, name) for sound_format, name in names if sound_format is not None]
    sound_format, name = known[0] if known else ("mp3", "")
    rate = _RATE.search(name)
    return SoundOrder(
        source=source[0] if source else None,
        lines=brief.lines if brief.craft.speaks else (),
        prompt=brief.prompt,
        duration_s=brief.duration_s,
        seed=seed,
        number=number,
        format=sound_format,
        rate_hz=min(max(int(rate[1]), 8_000), 48_000) if rate else 44_100,
    )


def _text(brief: Brief, found: Found, seed: int) -> TextOrder:
    heard = (*found.sounds, *found.videos)
    return TextOrder(
        source=heard[0] if heard else None,
        is_transcript=bool(brief.inputs.sounds or brief.inputs.videos),
        prompt=brief.prompt,
        seed=seed,
    )
