"""Tags of MP4 and MOV files. Source: ISO/IEC 14496-12 (boxes), QuickTime File Format (metadata)."""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import IO

from kie_ui.media.boxes import DAMAGED, Piece, Place, RecipeProblem, Span, payload_of, relaid

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
