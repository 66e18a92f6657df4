"""A brief, and the media that were found for it → orders for the renderer: pure."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, NamedTuple

from kie_ui.simulator.briefs import Brief
from kie_ui.simulator.orders import (
    DEFAULT_DURATION_S,
    MAX_DURATION_S,
    MIN_DURATION_S,
    ClipOrder,
    ImageOrder,
    Order,
    Picture,
    Scene,
    SoundOrder,
    TextOrder,
)
from kie_ui.simulator.sizes import clip_short_side_px

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
