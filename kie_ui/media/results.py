"""What a fetched result is (a clip, a picture, a sound), and whether it is whole.

All functions block; call them in a thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from kie_ui.media.images import PictureProblem, inspect_picture
from kie_ui.media.sniffing import FileKind, sniff_file
from kie_ui.media.sound import SoundProblem, is_bare_sound, is_sound_alone, probe_sound
from kie_ui.media.video import VideoProblem, probe_video

ResultKind = Literal["video", "image", "audio", "file"]

_PICTURES = {
    FileKind.JPEG: ".jpg",
    FileKind.PNG: ".png",
    FileKind.WEBP: ".webp",
    FileKind.GIF: ".gif",
    FileKind.AVIF: ".avif",
}
_FILES = {
    FileKind.PDF: ".pdf",
    FileKind.ARCHIVE: ".zip",
    FileKind.SVG: ".svg",
    FileKind.TIFF: ".tif",
    FileKind.BMP: ".bmp",
    FileKind.HEIF: ".heic",
    FileKind.JPEG2000: ".jp2",
    FileKind.JPEG_XL: ".jxl",
    FileKind.PSD: ".psd",
}
"""What is kept as it is, and only to be downloaded."""
_TEXTS = {".txt", ".md", ".json", ".csv", ".srt", ".vtt", ".lrc"}
"""Text is a result where it is called so: else it stands in for one, as an error does."""
_CONTAINERS = {b"\x1a\x45\xdf\xa3": ".webm"}
_SHAPES = {b"glTF": ".glb"}


class ResultProblem(ValueError):
    """A result that cannot be used; the text says what is wrong with it and what to do."""


@dataclass(frozen=True, slots=True)
class ResultInfo:
    """What a result is. Sizes and times that a kind does not have are 0."""

    kind: ResultKind
    suffix: str
    """How its file's name ends, with the dot: told by its bytes."""
    width_px: int = 0
    height_px: int = 0
    duration_s: float = 0.0
    frames_per_second: float | None = None
    codec: str = ""


def inspect_result(path: Path, *, named: str = "") -> ResultInfo:
    """Say what a result is, after making sure that it is whole.

    `named` is what it was called where it comes from; its bytes count for more.
    Raises: ResultProblem; OSError when the disk fails.
    """
    kind = sniff_file(path)
    if (suffix := _suffix_of_file(path, kind, named)) is not None:
        return ResultInfo("file", suffix)
    try:
        if kind in _PICTURES:
            return _picture(path, _PICTURES[kind])
        if kind is FileKind.SOUND or is_bare_sound(path) or is_sound_alone(path):
            return _sound(path)
        return _video(path)
    except (PictureProblem, VideoProblem, SoundProblem) as problem:
        raise ResultProblem(str(problem)) from problem


def _suffix_of_file(path: Path, kind: FileKind, named: str) -> str | None:
    """Tell how a file's name ends that is neither shown nor played; None for all others."""
    if kind is FileKind.TEXT:
        suffix = PurePosixPath(named).suffix.lower()
        return suffix if suffix in _TEXTS else None
    return _FILES.get(kind) or _SHAPES.get(_first_bytes(path, 4))


def _picture(path: Path, suffix: str) -> ResultInfo:
    info = inspect_picture(path)
    return ResultInfo("image", suffix, info.width_px, info.height_px, codec=info.format.lower())


def _video(path: Path) -> ResultInfo:
    info = probe_video(path)
    return ResultInfo(
        "video",
        _CONTAINERS.get(_first_bytes(path, 4), ".mp4"),
        info.width_px,
        info.height_px,
        info.duration_s,
        info.frames_per_second,
        info.codec,
    )


def _sound(path: Path) -> ResultInfo:
    info = probe_sound(path)
    return ResultInfo("audio", info.suffix, duration_s=info.duration_s, codec=info.codec)


def _first_bytes(path: Path, count: int) -> bytes:
    with path.open("rb") as file:
        return file.read(count)
