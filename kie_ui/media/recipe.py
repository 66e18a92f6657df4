"""A clip carries its recipe: how it was made travels inside the file, as a tag of its container.

The container is edited, never written anew: every frame's bytes and times, the edit lists, colours,
rotation, provenance boxes and foreign tags stay as they came. A muxer would round times, rename
codecs and drop what it does not know. The recipe is compact JSON in the tag `comment`, which every
tool shows and keeps, or in `kie_ui_recipe` where the file has a comment of its own. A file without
a title gets the start of the prompt as one.

    MP4, MOV   an item of moov/udta/meta/ilst (or of the file's own list of keys); moov goes before
               the frames, and the tables of chunk positions follow
    WebM       one more Tags element before the first cluster; SeekHead and Cues follow

All functions block; call them in a thread.
"""

from __future__ import annotations

import json
import math
import struct
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import av
from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator

from kie_ui.catalog.roles import prompt_of
from kie_ui.media.probe import open_to_tag
from kie_ui.media.storage import part_beside, removing_on_failure, rename_whole

DAMAGED = "This clip is damaged, so its recipe cannot be put into it."

_MAX_INDEX_BYTES = 64 * 1024**2
_COPY_BYTES = 1024**2

Place = Callable[[int], int]
"""Where a byte of the old file lies in the new one."""


class RecipeProblem(ValueError):
    """A recipe that a file cannot carry; the text says why."""


@dataclass(frozen=True, slots=True)
class Span:
    """One box of the file's top row: its kind, where it starts, its header's and whole length."""

    kind: bytes
    start: int
    head_bytes: int
    size_bytes: int


Piece = Span | bytes
"""A stretch of the old file, or new bytes."""
Editor = Callable[[IO[bytes], Collection[bytes], Mapping[str, str]], Iterable[Piece]]
Rebuild = Callable[[Span, bytes, Place], bytes]


def write_edited(source: Path, to: Path, edit: Callable[[IO[bytes]], Iterable[Piece]]) -> None:
    """Write a copy of a file as it is after an edit; `to` is whole or absent.

    Raises: RecipeProblem for a damaged file; OSError.
    """
    part = part_beside(to)
    with removing_on_failure(part):
        with source.open("rb") as file, part.open("xb") as output:
            try:
                pieces = list(edit(file))
            except (struct.error, IndexError, OverflowError, RecursionError) as exc:
                raise RecipeProblem(DAMAGED) from exc
            for piece in pieces:
                for chunk in [piece] if isinstance(piece, bytes) else _chunks(file, piece):
                    output.write(chunk)
        rename_whole(part, to)


def _chunks(file: IO[bytes], span: Span) -> Iterator[bytes]:
    file.seek(span.start)
    left = span.size_bytes
    while left:
        chunk = file.read(min(left, _COPY_BYTES))
        if not chunk:
            raise RecipeProblem(DAMAGED)
        left -= len(chunk)
        yield chunk


def payload_of(file: IO[bytes], span: Span) -> bytes:
    """Read what is in a box. Raises: RecipeProblem for one that is too large, or cut off."""
    if span.size_bytes > _MAX_INDEX_BYTES:
        raise RecipeProblem("This clip is too large to carry a recipe.")
    return b"".join(_chunks(file, span))[span.head_bytes :]


def relaid(
    row: list[Span], inner: dict[Span, bytes], rebuild: Rebuild, old: list[Span], base: int
) -> list[Piece]:
    """Lay the boxes out in a row from `base`, with those of `inner` rebuilt for their new places.

    The first pass only measures: a rebuilt box is as long whatever positions it holds.
    """
    starts: dict[int, int] = {}
    at = base
    for span in row:
        starts[span.start] = at
        at += len(rebuild(span, inner[span], int)) if span in inner else span.size_bytes
    edges = [span.start for span in old]

    def place(position: int) -> int:
        index = bisect_right(edges, position) - 1
        if index < 0 or edges[index] not in starts:
            return position
        return position - edges[index] + starts[edges[index]]

    return [rebuild(span, inner[span], place) if span in inner else span for span in row]


_MP4_NAMES = {"comment": b"\xa9cmt", "title": b"\xa9nam"}
_MP4_HOLDERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf"}
_HANDLER = bytes(8) + b"mdirappl" + bytes(9)
_UTF8 = bytes.fromhex("00000001 00000000")
_ABSOLUTE_BASE = 1
_NUMBERS = {b"stco": ("I", 4), b"co64": ("Q", 8)}


def edit_mp4(file: IO[bytes], stale: Collection[bytes], tags: Mapping[str, str]) -> Iterable[Piece]:
    """Put tags into an MP4 or MOV, in place of stale texts. Raises: RecipeProblem."""
    old = list(_mp4_row(file))
    moov = next((span for span in old if span.kind == b"moov"), None)
    if moov is None:
        raise RecipeProblem(DAMAGED)
    # The positions in mfra, an optional index of fragments, would be wrong from now on.
    row = [span for span in old if span.kind not in {b"moov", b"mfra"}]
    frames = (number for number, span in enumerate(row) if span.kind in {b"mdat", b"moof"})
    row.insert(min(old.index(moov), next(frames, len(row))), moov)
    inner = {span: payload_of(file, span) for span in row if span.kind in {b"moov", b"moof"}}
    inner[moov] = _tagged_moov(inner[moov], stale, tags)

    def rebuild(span: Span, payload: bytes, place: Place) -> bytes:
        return _moved(span.kind, payload, place)

    return relaid(row, inner, rebuild, old, base=0)


def _mp4_row(file: IO[bytes]) -> Iterator[Span]:
    end, at = file.seek(0, 2), 0
    while at + 8 <= end:
        file.seek(at)
        size, kind = struct.unpack(">I4s", file.read(8))
        head = 16 if size == 1 else 8
        if size == 1:
            (size,) = struct.unpack(">Q", file.read(8))
        elif size == 0:
            size = end - at
        if size < head or at + size > end:
            raise RecipeProblem(DAMAGED)
        yield Span(kind, at, head, size)
        at += size


def _boxes(data: bytes) -> list[tuple[bytes, bytes]]:
    """Take nested boxes apart; the four zeros that may end a QuickTime list are let go."""
    boxes, at = [], 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 16 if size == 1 else 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, at + 8)
        if size < head or at + size > len(data):
            raise RecipeProblem(DAMAGED)
        boxes.append((kind, data[at + head : at + size]))
        at += size
    return boxes


def _box(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I4s", len(payload) + 8, kind) + payload


def _joined(boxes: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"".join(_box(kind, payload) for kind, payload in boxes)


def _moved(kind: bytes, payload: bytes, place: Place) -> bytes:
    """Rebuild a box with every position in the file brought to where that byte lies now."""
    if kind in _MP4_HOLDERS:
        boxes = _boxes(payload)
        if kind == b"stbl" and b"saio" in dict(boxes):
            raise RecipeProblem("This clip is encrypted, so no recipe can be put into it.")
        payload = b"".join(_moved(*each, place) for each in boxes)
    elif kind in _NUMBERS:
        payload = _moved_table(payload, *_NUMBERS[kind], place)
    elif kind == b"tfhd" and payload[3] & _ABSOLUTE_BASE:
        (base,) = struct.unpack_from(">Q", payload, 8)
        payload = payload[:8] + struct.pack(">Q", place(base)) + payload[16:]
    return _box(kind, payload)


def _moved_table(payload: bytes, letter: str, width: int, place: Place) -> bytes:
    (count,) = struct.unpack_from(">I", payload, 4)
    if count * width > len(payload) - 8:
        raise RecipeProblem(DAMAGED)
    form = f">{count}{letter}"
    return payload[:8] + struct.pack(form, *map(place, struct.unpack_from(form, payload, 8)))


def _tagged_moov(payload: bytes, stale: Collection[bytes], tags: Mapping[str, str]) -> bytes:
    boxes = _boxes(payload)
    udta = next((_boxes(inner) for kind, inner in boxes if kind == b"udta"), [])
    # QuickTime's plain strings: two bytes of length, two of language, the text.
    udta = [(kind, inner) for kind, inner in udta if inner[4:] not in stale]
    own = next((inner for kind, inner in udta if kind == b"meta"), None)
    outer = next((inner for kind, inner in boxes if kind == b"meta"), None)
    if own is None and outer is not None and _is_keyed(outer):
        boxes = _replaced(boxes, b"meta", _tagged_meta(outer, stale, tags))
    else:
        udta = _replaced(udta, b"meta", _tagged_meta(own, stale, tags))
    return _joined(_replaced(boxes, b"udta", _joined(udta)) if udta else boxes)


def _replaced(
    boxes: list[tuple[bytes, bytes]], kind: bytes, payload: bytes
) -> list[tuple[bytes, bytes]]:
    """Put a payload into the first box of its kind, or into a new one at the end."""
    kinds = [each for each, _ in boxes]
    at = kinds.index(kind) if kind in kinds else len(boxes)
    return [*boxes[:at], (kind, payload), *boxes[at + 1 :]]


def _meta_parts(payload: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """QuickTime's box of metadata begins at once, that of MP4 with four bytes of version."""
    head = 0 if payload[4:8] == b"hdlr" else 4
    return payload[:head], _boxes(payload[head:])


def _is_keyed(payload: bytes) -> bool:
    boxes = dict(_meta_parts(payload)[1])
    return boxes.get(b"hdlr", b"")[8:12] == b"mdta" and b"keys" in boxes


def _tagged_meta(payload: bytes | None, stale: Collection[bytes], tags: Mapping[str, str]) -> bytes:
    if payload is None:
        payload = bytes(4) + _joined([(b"hdlr", _HANDLER), (b"ilst", b"")])
    head, boxes = _meta_parts(payload)
    items = [item for item in _boxes(dict(boxes).get(b"ilst", b"")) if not _says(item[1], stale)]
    if _is_keyed(payload):
        keys = dict(boxes)[b"keys"]
        (count,) = struct.unpack_from(">I", keys, 4)
        names = b"".join(_box(b"mdta", name.encode()) for name in tags)
        boxes = _replaced(
            boxes, b"keys", keys[:4] + struct.pack(">I", count + len(tags)) + keys[8:] + names
        )
        for number, text in enumerate(tags.values(), count + 1):
            items.append((struct.pack(">I", number), _text_box(text)))
    else:
        items += [_item(name, text) for name, text in tags.items()]
    return head + _joined(_replaced(boxes, b"ilst", _joined(items)))


def _says(item: bytes, texts: Collection[bytes]) -> bool:
    return any(kind == b"data" and value[8:] in texts for kind, value in _boxes(item))


def _item(name: str, text: str) -> tuple[bytes, bytes]:
    if name in _MP4_NAMES:
        return _MP4_NAMES[name], _text_box(text)
    names = [(b"mean", bytes(4) + b"com.apple.iTunes"), (b"name", bytes(4) + name.encode())]
    return b"----", _joined(names) + _text_box(text)


def _text_box(text: str) -> bytes:
    return _box(b"data", _UTF8 + text.encode())


EBML = bytes.fromhex("1a45dfa3")
_SEGMENT = bytes.fromhex("18538067")
_SEEK_HEAD = bytes.fromhex("114d9b74")
_INFO, _TITLE = bytes.fromhex("1549a966"), bytes.fromhex("7ba9")
_CLUSTER = bytes.fromhex("1f43b675")
_CUES = bytes.fromhex("1c53bb6b")
_TAGS = bytes.fromhex("1254c367")
_TAG, _TARGETS = bytes.fromhex("7373"), bytes.fromhex("63c0")
_SIMPLE_TAG = bytes.fromhex("67c8")
_TAG_NAME, _TAG_TEXT = bytes.fromhex("45a3"), bytes.fromhex("4487")
_CHECKSUM = bytes.fromhex("bf")
_WEBM_HOLDERS = {_SEEK_HEAD, bytes.fromhex("4dbb"), _INFO, _CUES, b"\xbb", b"\xb7", _TAGS, _TAG}
_INDEXES = {_SEEK_HEAD, _INFO, _CUES, _TAGS}
_POSITIONS = {bytes.fromhex("53ac"), b"\xf1"}  # SeekPosition, CueClusterPosition


def edit_webm(
    file: IO[bytes], stale: Collection[bytes], tags: Mapping[str, str]
) -> Iterable[Piece]:
    """Put tags into a WebM, in place of stale texts. Raises: RecipeProblem."""
    end = file.seek(0, 2)
    header = _element_at(file, 0, end)
    segment = _element_at(file, header.size_bytes, end)
    if segment.kind != _SEGMENT:
        raise RecipeProblem(DAMAGED)
    origin, segment_end = segment.start + segment.head_bytes, segment.start + segment.size_bytes
    row = list(_webm_row(file, origin, segment_end))
    inner = {span: payload_of(file, span) for span in row if span.kind in _INDEXES}
    added = Span(_TAGS, -1, 0, 0)
    inner[added] = _element(
        _TAG, _element(_TARGETS, b"") + b"".join(_simple_tag(*tag) for tag in tags.items())
    )
    clusters = (number for number, span in enumerate(row) if span.kind == _CLUSTER)
    new_row = row.copy()
    new_row.insert(next(clusters, len(row)), added)

    def rebuild(span: Span, payload: bytes, place: Place) -> bytes:
        # Positions count from where the segment's content begins.
        return _rebuilt(span.kind, payload, stale, lambda at: place(at + origin) - origin)

    pieces = relaid(new_row, inner, rebuild, row, base=origin)
    size = sum(len(each) if isinstance(each, bytes) else each.size_bytes for each in pieces)
    rest = Span(b"", segment_end, 0, end - segment_end)
    return [header, _SEGMENT + _width_8(size), *pieces, rest]


def _webm_row(file: IO[bytes], start: int, end: int) -> Iterator[Span]:
    while start < end:
        span = _element_at(file, start, end)
        yield span
        start += span.size_bytes


def _element_at(file: IO[bytes], start: int, end: int) -> Span:
    """Read an element's header; one of unknown size lasts to the end."""
    file.seek(start)
    kind, size, head = _head(file.read(12))
    whole = end - start if size is None else head + size
    if start + whole > end:
        raise RecipeProblem(DAMAGED)
    return Span(kind, start, head, whole)


def _head(data: bytes) -> tuple[bytes, int | None, int]:
    """Take an element's header apart: its id, its content's size if known, the header's length."""
    id_width = 9 - data[0].bit_length()
    size_width = 9 - data[id_width].bit_length()
    head = id_width + size_width
    if id_width > 4 or size_width > 8 or len(data) < head:
        raise RecipeProblem(DAMAGED)
    unknown = (1 << (7 * size_width)) - 1
    size = int.from_bytes(data[id_width:head], "big") & unknown
    return data[:id_width], None if size == unknown else size, head


def _elements(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(data):
        kind, size, head = _head(data[at : at + 12])
        if size is None or at + head + size > len(data):
            raise RecipeProblem(DAMAGED)
        yield kind, data[at + head : at + head + size]
        at += head + size


def _rebuilt(kind: bytes, payload: bytes, stale: Collection[bytes], place: Place) -> bytes:
    """Rebuild an element for its new place, eight bytes to a position so that lengths stay put."""
    if kind in _POSITIONS:
        payload = place(int.from_bytes(payload, "big")).to_bytes(8, "big")
    elif kind in _WEBM_HOLDERS:
        payload = b"".join(
            _rebuilt(*each, stale, place)
            for each in _elements(payload)
            if each[0] != _CHECKSUM and not _is_stale_tag(*each, stale)
        )
    return _element(kind, payload)


def _is_stale_tag(kind: bytes, payload: bytes, stale: Collection[bytes]) -> bool:
    if kind == _TITLE:
        return payload in stale
    return kind == _SIMPLE_TAG and dict(_elements(payload)).get(_TAG_TEXT) in stale


def _simple_tag(name: str, text: str) -> bytes:
    named = _element(_TAG_NAME, name.upper().encode())
    return _element(_SIMPLE_TAG, named + _element(_TAG_TEXT, text.encode()))


def _element(kind: bytes, payload: bytes) -> bytes:
    return kind + _width_8(len(payload)) + payload


def _width_8(size: int) -> bytes:
    return (1 << 56 | size).to_bytes(8, "big")


__all__ = ["MAX_RECIPE_BYTES", "Recipe", "RecipeProblem", "read_recipe", "write_recipe"]

MAX_RECIPE_BYTES = 256 * 1024
"""The most bytes a recipe may have; longer ones are neither written nor read."""

_KEY = "kie_ui_recipe"
_MAX_DEPTH = 32
_MAX_BITS = 64
_TITLE_LENGTH = 100
_UNFIT = "Only MP4, MOV and WebM clips can carry a recipe; keep this file as it is."


class Recipe(BaseModel):
    """How a clip was made.

    Text holds neither NUL nor half characters, which no container carries.
    Raises: pydantic.ValidationError for anything that would not come back as it was.
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
    Raises: RecipeProblem for a picture, a sound or any other file that carries none, a damaged
    clip, and a recipe over `MAX_RECIPE_BYTES`; OSError.
    """
    text = _to_text(recipe)
    if len(text.encode()) > MAX_RECIPE_BYTES:
        raise RecipeProblem("This recipe is too long to be put into the clip.")
    with source.open("rb") as file:
        edit = _editor_for(file)
    found = _tags_of(source)
    stale = _stale_texts(found)
    kept = {name.casefold() for name, value in found.items() if value not in stale}
    tags = {_KEY if "comment" in kept else "comment": text}
    title = _title_of(recipe)
    if title and "title" not in kept:
        tags["title"] = title
    write_edited(source, to, lambda file: edit(file, {each.encode() for each in stale}, tags))


def read_recipe(path: Path) -> Recipe | None:
    """Read what a clip says of how it was made, under whatever tag it has come to stand.

    None for a file without a recipe, and for one that is damaged, hostile or no clip.
    Raises: OSError.
    """
    recipes = (_from_text(text) for text in _tags_of(path).values())
    return next((recipe for recipe in recipes if recipe is not None), None)


def _to_text(recipe: Recipe) -> str:
    return json.dumps(
        recipe.model_dump(), ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )


def _from_text(text: str) -> Recipe | None:
    if not text.startswith("{") or len(text) > MAX_RECIPE_BYTES:
        return None
    try:
        if len(text.encode()) > MAX_RECIPE_BYTES:
            return None
        return Recipe.model_validate(json.loads(text))
    except (ValueError, RecursionError):  # what pydantic and JSON raise are ValueErrors as well
        return None


def _check_plain(value: object) -> None:
    """Refuse what JSON or a tag would change: odd numbers, NUL, half characters, deep nesting."""
    pending = [(value, 0)]
    while pending:
        each, depth = pending.pop()
        if depth > _MAX_DEPTH:
            raise ValueError("Values are nested too deeply.")
        if isinstance(each, str) and ("\0" in each or not _is_encodable(each)):
            raise ValueError("Text holds a character that cannot be stored.")
        if isinstance(each, float) and not math.isfinite(each):
            raise ValueError("A number is not finite.")
        if isinstance(each, int) and each.bit_length() > _MAX_BITS:
            raise ValueError("A number is too large.")
        if isinstance(each, Mapping):
            pending += ((part, depth + 1) for part in (*each, *each.values()))
        elif isinstance(each, list):
            pending += ((part, depth + 1) for part in each)


def _is_encodable(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _title_of(recipe: Recipe) -> str:
    """Give the start of the prompt on one line; nothing when there is none."""
    start = prompt_of(recipe.values)[: 4 * _TITLE_LENGTH]
    plain = "".join(each if each.isprintable() else " " for each in start)
    return " ".join(plain.split())[:_TITLE_LENGTH].rstrip()


def _tags_of(path: Path) -> dict[str, str]:
    """Read a clip's tags as other programs see them; none when it cannot be read as a clip."""
    with path.open("rb") as file:
        try:
            with open_to_tag(file) as clip:
                return dict(clip.metadata)
        except av.FFmpegError:  # some are OSErrors too, but the disk's own come as they are
            return {}


def _stale_texts(tags: Mapping[str, str]) -> set[str]:
    """Texts that an earlier recipe put into the file."""
    recipes = {text: recipe for text in tags.values() if (recipe := _from_text(text)) is not None}
    return {*recipes, *(_title_of(recipe) for recipe in recipes.values())} - {""}


def _editor_for(file: IO[bytes]) -> Editor:
    start = file.read(12)
    if start.startswith(EBML):
        return edit_webm
    is_picture = start[8:12] in {b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1"}
    if start[4:8] in {b"ftyp", b"moov", b"mdat", b"wide", b"free"} and not is_picture:
        return edit_mp4
    raise RecipeProblem(_UNFIT)
