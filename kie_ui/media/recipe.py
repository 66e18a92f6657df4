"""A clip carries its recipe: how it was made travels inside the file, as a tag of its container.

The recipe is compact JSON in the tag `comment`, which every tool shows and keeps, or in
`kie_ui_recipe` where the file has a comment of its own. A file without a title gets the start of
the prompt as one. To put the tags in, the container is rewritten and every packet copied into
it. The new file counts only if reading it gives the same packets, times, streams and tags as the
old one; where it does not, the old file stays as it is, without a recipe.

All functions block; call them in a thread.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

import av
from av.container import OutputContainer
from av.packet import Packet  # generic to the type checker only, so quoted where it is used
from av.stream import Stream
from av.video.stream import VideoStream
from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator

from kie_ui.catalog.roles import prompt_of
from kie_ui.media.formats import MediaProblem, mime_of, read_prefix
from kie_ui.media.probe import explaining_damage, open_clip
from kie_ui.media.storage import part_beside, removing_on_failure, rename_whole
from kie_ui.strict_json import read_json

MAX_RECIPE_BYTES = 256 * 1024
"""The most bytes a recipe may have; longer ones are neither written nor read."""

_KEY = "kie_ui_recipe"
_MAX_DEPTH = 32
_MAX_BITS = 64
_TITLE_LENGTH = 100
_MUXERS = {
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/webm": "webm",
    "video/x-matroska": "matroska",
}
_ISO_MUXERS = {"mp4", "mov"}
_MUXERS_OWN = {"major_brand", "minor_version", "compatible_brands", "encoder", "duration"}
"""Tags that say how the container was written, so they are the new container's own."""
_MAX_TIMESCALE = 2**31 - 1
_MAX_DURATION_CHANGE_US = 100_000
"""A container's stated duration may be rounded otherwise; the packets' own times may not."""

_UNFIT = "Only MP4, MOV and WebM clips can carry a recipe; keep this file as it is."
_DAMAGED = "This clip is damaged, so its recipe cannot be put into it."
_NOT_COPIED = "This clip holds something that would be lost if a recipe were put into it."


class Recipe(BaseModel):
    """How a clip was made.

    Text holds neither NUL nor half characters, which no container carries.
    Raises: pydantic.ValidationError for anything that would be read back differently.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    program: Literal["Kie UI"] = "Kie UI"
    version: int = Field(default=1, ge=1, le=1)
    model: str = Field(min_length=1, max_length=200)
    values: dict[str, JsonValue]
    """The parameters by their documented names; media as web addresses or file names alone."""
    task_id: str | None = Field(default=None, max_length=200)
    made_at_ms: int | None = Field(default=None, ge=0, lt=2**53)
    """When it was made: UTC milliseconds since 1970."""

    @field_validator("model", "values", "task_id", mode="before")
    @classmethod
    def _keep_to_what_comes_back(cls, value: Any) -> Any:
        _check_plain(value)
        return value


def write_recipe(source: Path, to: Path, recipe: Recipe) -> None:
    """Write a copy of a clip that carries this recipe; one that it carried before is replaced.

    `to` may be `source`; it is whole or absent.
    Raises: MediaProblem for a picture, a sound or any other file that carries none, a damaged
    clip, one that cannot be copied without loss, and a recipe over `MAX_RECIPE_BYTES`; OSError.
    """
    text = recipe.model_dump_json()
    if len(text.encode()) > MAX_RECIPE_BYTES:
        raise MediaProblem("This recipe is too long to be put into the clip.")
    muxer = _MUXERS.get(mime_of(read_prefix(source)))
    if muxer is None:
        raise MediaProblem(_UNFIT)
    part = part_beside(to)
    with removing_on_failure(part), explaining_damage(_DAMAGED):
        original = _contents(source)
        tags = _tags_with(recipe, text, original.tags)
        _write_tagged(source, part, muxer, original, tags)
        rename_whole(part, to)


def read_recipe(path: Path) -> Recipe | None:
    """Read what a clip says of how it was made, under whatever tag it is.

    None for a file without a recipe, and for one that is damaged, hostile or no clip.
    Raises: OSError.
    """
    path.stat()
    try:
        with open_clip(path) as clip:
            recipes = map(_from_text, clip.metadata.values())
    except av.FFmpegError:
        return None
    return next((recipe for recipe in recipes if recipe is not None), None)


def _from_text(text: str) -> Recipe | None:
    try:
        if not text.startswith("{") or len(text.encode()) > MAX_RECIPE_BYTES:
            return None
        return Recipe.model_validate(read_json(text))
    except ValueError:  # what pydantic raises is one as well
        return None


def _check_plain(value: object) -> None:
    """Reject what JSON or a tag would change: odd numbers, NUL, half characters, deep nesting."""
    pending = [(value, 0)]
    while pending:
        each, depth = pending.pop()
        if depth > _MAX_DEPTH:
            raise ValueError("Values are nested too deeply.")
        if isinstance(each, str) and "\0" in each.encode().decode():  # half characters raise here
            raise ValueError("Text holds a character that cannot be stored.")
        if isinstance(each, float) and not math.isfinite(each):
            raise ValueError("A number is not finite.")
        if isinstance(each, int) and each.bit_length() > _MAX_BITS:
            raise ValueError("A number is too large.")
        if isinstance(each, Mapping):
            pending += ((part, depth + 1) for part in (*each, *each.values()))
        elif isinstance(each, list):
            pending += ((part, depth + 1) for part in each)


def _title_of(recipe: Recipe) -> str:
    """Return the start of the prompt on one line; empty when there is none."""
    start = prompt_of(recipe.values)[: 4 * _TITLE_LENGTH]
    plain = "".join(each if each.isprintable() else " " for each in start)
    return " ".join(plain.split())[:_TITLE_LENGTH].rstrip()


def _tags_with(recipe: Recipe, text: str, found: Mapping[str, str]) -> dict[str, str]:
    """Return a clip's own tags, with this recipe in place of earlier ones, and with a title."""
    earlier = {value: each for value in found.values() if (each := _from_text(value))}
    stale = {*earlier, *map(_title_of, earlier.values())} - {""}
    tags = {
        name: value
        for name, value in found.items()
        if value not in stale and name.casefold() not in _MUXERS_OWN
    }
    taken = {name.casefold() for name in tags}
    if "title" not in taken and (title := _title_of(recipe)):
        tags["title"] = title
    return tags | {_KEY if "comment" in taken else "comment": text}


def _write_tagged(
    source: Path, part: Path, muxer: str, original: _Contents, tags: Mapping[str, str]
) -> None:
    """Write a copy that has these tags and all that the original has. Raises: MediaProblem."""
    # The usual tags of MP4 have fixed names, those of MOV short texts; the others have no bounds.
    for movflags in ("faststart", "faststart+use_metadata_tags"):
        _remux(source, part, muxer, movflags, tags)
        if muxer in _ISO_MUXERS:
            _append_marks_of_origin(source, part)
        if _is_faithful(_contents(part), original, tags):
            return
    raise MediaProblem(_NOT_COPIED)


def _remux(source: Path, to: Path, muxer: str, movflags: str, tags: Mapping[str, str]) -> None:
    """Copy every packet of a clip into a new container with these tags."""
    with open_clip(source) as old:
        # The unit of edit lists, such that no stream's time has to be rounded.
        units = math.lcm(*(each.time_base.denominator for each in old.streams if each.time_base))
        options = {"movflags": movflags, "movie_timescale": str(min(units, _MAX_TIMESCALE))}
        path = to.resolve()  # no spelling of which names a protocol
        with av.open(path, "w", format=muxer, container_options=options) as new:
            new.metadata.update(tags)
            new.set_chapters(old.chapters())
            streams = [_add_copy(new, stream, muxer) for stream in old.streams]
            for packet in old.demux():
                if packet.size:
                    packet.stream = streams[packet.stream_index]
                    new.mux(packet)


def _add_copy(new: OutputContainer, stream: Stream, muxer: str) -> Stream:
    try:
        copy = new.add_stream_from_template(stream, opaque=True)
    except ValueError as exc:  # a codec that this kind of container should not hold
        raise MediaProblem(_NOT_COPIED) from exc
    copy.metadata.update(stream.metadata)
    copy.disposition = stream.disposition
    if muxer in _ISO_MUXERS:  # such as hvc1, without which Safari plays no HEVC
        copy.codec_context.codec_tag = stream.codec_context.codec_tag
    if isinstance(copy, VideoStream) and isinstance(stream, VideoStream) and stream.average_rate:
        copy.codec_context.framerate = stream.average_rate
    return copy


def _append_marks_of_origin(source: Path, part: Path) -> None:
    """Append the top boxes of kind `uuid`, such as Content Credentials, which no muxer copies."""
    with source.open("rb") as old, part.open("ab") as new:
        end, at = old.seek(0, os.SEEK_END), 0
        while at + 8 <= end:
            old.seek(at)
            header = old.read(16)
            size = int.from_bytes(header[:4], "big")
            if size == 1:
                size = int.from_bytes(header[8:], "big")
            if size < 8:  # it lasts to the end of the file
                return
            if header[4:8] == b"uuid":
                old.seek(at)
                new.write(old.read(min(size, end - at)))
            at += size


@dataclass(frozen=True, slots=True)
class _Contents:
    """What is in a clip."""

    streams: list[bytes]
    """For each stream a digest of what it is, of its packets and of their times."""
    duration_us: int | None
    tags: dict[str, str]


def _contents(path: Path) -> _Contents:
    """Read a whole clip. Raises: MediaProblem for a damaged one or none; av.FFmpegError."""
    with open_clip(path) as clip:
        if not (clip.streams.video or clip.streams.audio):
            raise MediaProblem(_DAMAGED)
        digests = [blake2b(repr(_description(stream)).encode()) for stream in clip.streams]
        packets = 0
        for packet in clip.demux():
            if packet.is_corrupt:
                raise MediaProblem(_DAMAGED)
            if packet.size:
                packets += 1
                digests[packet.stream_index].update(repr(_timing(packet)).encode())
                digests[packet.stream_index].update(packet)
        if not packets:
            raise MediaProblem(_DAMAGED)
        return _Contents([each.digest() for each in digests], clip.duration, dict(clip.metadata))


def _description(stream: Stream) -> tuple[object, ...]:
    context = stream.codec_context
    if context is None:  # such as timecodes and attached files
        raise MediaProblem(_NOT_COPIED)
    names = (
        *("name", "codec_tag", "extradata", "width", "height", "sample_aspect_ratio"),
        *("color_primaries", "color_trc", "colorspace", "color_range", "sample_rate"),
    )
    facts = (getattr(context, name, None) for name in names)
    return (stream.type, stream.language, int(stream.disposition), *facts)


def _timing(packet: Packet[Stream]) -> tuple[object, ...]:
    """Return a packet's times in seconds, whether it is shown, and what goes with it."""
    times = (packet.pts, packet.dts, packet.duration)
    pts_s, dts_s, duration_s = (each and each * packet.time_base for each in times)
    # Sound that ends before time 0 is never played, whether it is marked so or not.
    is_before_start = packet.stream.type == "audio" and (pts_s or 0) + (duration_s or 0) <= 0
    return (
        *(pts_s, dts_s, duration_s, packet.is_keyframe),
        packet.is_discard or is_before_start,
        [(each.data_type, bytes(each)) for each in packet.iter_sidedata()],
    )


def _is_faithful(copy: _Contents, original: _Contents, tags: Mapping[str, str]) -> bool:
    found = {name.casefold(): value for name, value in copy.tags.items()}
    before_us, after_us = original.duration_us, copy.duration_us
    return (
        copy.streams == original.streams
        and all(found.get(name.casefold()) == value for name, value in tags.items())
        and (not before_us or abs((after_us or 0) - before_us) <= _MAX_DURATION_CHANGE_US)
    )
