"""Videos, sounds and documents that a person gives: looked into, and sent as they are.

Pictures are made fit (`images.py`); these are not re-encoded, so what does not fit is refused in
words that say what to do. All functions block; call them in a thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kie_ui.media.results import ResultProblem, inspect_result
from kie_ui.media.sniffing import PREFIX_BYTES, sniff
from kie_ui.media.types import TYPES, mime_of, usual_spelling

GivenKind = Literal["video", "audio", "file"]

_NOUNS: dict[GivenKind, str] = {"video": "video", "audio": "sound", "file": "file"}


class GivenProblem(ValueError):
    """A file that cannot be sent; the text says what is wrong with it and what to do."""


@dataclass(frozen=True, slots=True)
class GivenFile:
    """A file that keeps the limits, as it is. Times that a kind does not have are 0."""

    path: Path
    mime: str
    suffix: str
    size_bytes: int
    width_px: int = 0
    height_px: int = 0
    duration_s: float = 0.0
    changes: tuple[str, ...] = ()
    """What was done to it: nothing."""

    @property
    def format(self) -> str:
        """What a person calls its type."""
        return TYPES[self.mime][1] if self.mime in TYPES else "file"


def inspect_given(source: Path, kind: GivenKind) -> GivenFile:
    """Look into a file, whatever its name says.

    Raises: GivenProblem for one that is damaged or of another kind; OSError.
    """
    prefix = _prefix(source)
    mime = mime_of(prefix)
    size_bytes = source.stat().st_size
    if kind == "file":
        suffix = TYPES[mime][0] if mime in TYPES else source.suffix.lower()[:8]
        return GivenFile(source, mime, suffix, size_bytes)
    noun = _NOUNS[kind]
    if not mime.startswith(f"{kind}/"):
        raise GivenProblem(f"This is {sniff(prefix).value}, not a {noun}. Choose a {noun}.")
    try:
        info = inspect_result(source)
    except ResultProblem as problem:
        words = str(problem).replace("Fetch it again.", "Choose another one.")
        words = words.replace("Fetch or save it again.", "Choose another one.")
        raise GivenProblem(words) from problem
    sizes = (info.width_px, info.height_px, info.duration_s)
    return GivenFile(source, mime, TYPES[mime][0], size_bytes, *sizes)


def check_given(
    source: Path, kind: GivenKind, max_bytes: int | None, accepts: tuple[str, ...]
) -> GivenFile:
    """Make sure that a file keeps the documented limits. Raises: GivenProblem; OSError."""
    given = inspect_given(source, kind)
    accepted = {usual_spelling(mime) for mime in accepts}
    family = given.mime.partition("/")[0] + "/*"
    if accepted and accepted.isdisjoint({given.mime, family, "*/*"}):
        names = ", ".join(sorted(TYPES[m][1] if m in TYPES else m for m in accepted))
        raise GivenProblem(f"This is {given.format}; the model takes {names}: convert it first.")
    if max_bytes is not None and given.size_bytes > max_bytes:
        size, most = (
            f"{count / 1e6:,.1f}".rstrip("0").rstrip(".") for count in (given.size_bytes, max_bytes)
        )
        raise GivenProblem(f"This {_NOUNS[kind]} has {size} MB; {most} MB fit: make it smaller.")
    return given


def _prefix(source: Path) -> bytes:
    try:
        with source.open("rb") as file:
            prefix = file.read(PREFIX_BYTES)
    except IsADirectoryError as exc:
        raise GivenProblem("This is a folder. Choose one file in it.") from exc
    if not prefix:
        raise GivenProblem("This file is empty. Choose another one.")
    return prefix
