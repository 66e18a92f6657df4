"""A row of nested boxes, as MP4 and WebM files are: taken apart, edited, and laid out anew.

The row's small index boxes are replaced, the large ones copied, and positions follow to where each
box now begins. All functions block; call them in a thread.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from kie_ui.media.atomic import part_beside, removing_on_failure, rename_whole

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
