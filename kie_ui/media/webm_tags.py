"""Tags of WebM files. Source: RFC 8794 (EBML), RFC 9559 (Matroska)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import IO

from kie_ui.media.boxes import DAMAGED, Piece, Place, RecipeProblem, Span, payload_of, relaid

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
