"""The one table of media types: MIME type, file suffixes, the name people use, other spellings.

Pure data. What a file really is, by its bytes, is determined by `kie_ui.media.formats`.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

MediaKind = Literal["image", "video", "audio", "file"]
MEDIA_NOUNS: dict[MediaKind, tuple[str, str]] = {
    "image": ("picture", "pictures"),
    "video": ("video", "videos"),
    "audio": ("sound", "sounds"),
    "file": ("file", "files"),
}
"""What people call one of a kind, and several."""

OCTET_STREAM = "application/octet-stream"
"""The type of a file of which nothing is known."""

COMMON_IMAGE_TYPES = ("image/jpeg", "image/png", "image/webp")
"""What a model takes whose documentation lists no types, and what `image/*` stands for."""


@dataclass(frozen=True, slots=True)
class MediaType:
    """One media type. The first of its suffixes is the one that files get."""

    mime: str
    name: str
    """What people call it."""
    suffixes: tuple[str, ...]
    """In small letters, with the dot."""
    aliases: tuple[str, ...] = ()
    """Other spellings of the MIME type that are in use."""


MEDIA_TYPES = (
    MediaType("image/jpeg", "JPEG", (".jpg", ".jpeg"), ("image/jpg", "image/pjpeg")),
    MediaType("image/png", "PNG", (".png",)),
    MediaType("image/webp", "WebP", (".webp",)),
    MediaType("image/gif", "GIF", (".gif",)),
    MediaType("image/avif", "AVIF", (".avif",)),
    MediaType("image/bmp", "BMP", (".bmp",), ("image/x-ms-bmp",)),
    MediaType("image/tiff", "TIFF", (".tiff", ".tif")),
    MediaType("image/heic", "HEIC", (".heic", ".heif"), ("image/heif",)),
    MediaType("image/jp2", "JPEG 2000", (".jp2",)),
    MediaType("image/jxl", "JPEG XL", (".jxl",)),
    MediaType("image/vnd.adobe.photoshop", "Photoshop", (".psd",)),
    MediaType("image/svg+xml", "SVG", (".svg",)),
    MediaType("video/mp4", "MP4", (".mp4",)),
    MediaType("video/webm", "WebM", (".webm",)),
    MediaType("video/quicktime", "MOV", (".mov",), ("video/mov", "video/x-quicktime")),
    MediaType("video/x-matroska", "Matroska", (".mkv",), ("video/mkv", "video/matroska")),
    MediaType("video/x-msvideo", "AVI", (".avi",), ("video/avi",)),
    MediaType("video/x-m4v", "M4V", (".m4v",)),
    MediaType("video/mpeg", "MPEG", (".mpeg",)),
    MediaType("audio/mpeg", "MP3", (".mp3",), ("audio/mp3", "audio/mpeg3", "audio/x-mpeg")),
    MediaType("audio/wav", "WAV", (".wav",), ("audio/x-wav", "audio/wave", "audio/vnd.wave")),
    MediaType("audio/flac", "FLAC", (".flac",), ("audio/x-flac",)),
    MediaType("audio/ogg", "Ogg", (".ogg", ".opus"), ("audio/opus",)),
    MediaType("audio/mp4", "M4A", (".m4a",), ("audio/x-m4a", "audio/m4a")),
    MediaType("audio/aac", "AAC", (".aac",), ("audio/x-aac",)),
    MediaType("application/pdf", "PDF", (".pdf",)),
    MediaType("application/zip", "ZIP", (".zip",)),
    MediaType("application/json", "JSON", (".json",)),
    MediaType("text/plain", "text", (".txt",)),
    MediaType("model/gltf-binary", "GLB", (".glb",)),
)

SHOWN_IN_BROWSERS = frozenset(
    {"image/jpeg", "image/png", "image/webp", "image/gif", "image/avif", "image/bmp"}
    | {"video/mp4", "video/webm"}
    | {"audio/mpeg", "audio/wav", "audio/flac", "audio/ogg", "audio/mp4", "audio/aac"}
)
"""What every current browser shows or plays, and what cannot hold a script, as SVG can."""

_BY_MIME = {known.mime: known for known in MEDIA_TYPES}
_BY_ALIAS = {alias: known.mime for known in MEDIA_TYPES for alias in known.aliases}
_BY_SUFFIX = {suffix: known.mime for known in MEDIA_TYPES for suffix in known.suffixes}


def canonical_mime(mime: str) -> str:
    """Return a MIME type in its usual spelling, in small letters."""
    plain = mime.strip().lower()
    return _BY_ALIAS.get(plain, plain)


def mime_of_suffix(suffix: str) -> str | None:
    """Return the MIME type of a suffix (with its dot); None where unknown."""
    return _BY_SUFFIX.get(suffix.lower())


def guess_mime(name: str) -> str:
    """Return the MIME type that a file name suggests; `OCTET_STREAM` where it suggests none."""
    _, dot, ending = name.rpartition(".")
    return mime_of_suffix(dot + ending) or mimetypes.guess_type(name)[0] or OCTET_STREAM


def suffix_of(mime: str) -> str | None:
    """Return the suffix, with its dot, that files of a MIME type get; None where unknown."""
    known = _BY_MIME.get(canonical_mime(mime))
    return known.suffixes[0] if known else None


def name_of(mime: str) -> str | None:
    """Return what people call a MIME type; None where unknown."""
    known = _BY_MIME.get(canonical_mime(mime))
    return known.name if known else None


def kind_of(mime: str) -> MediaKind:
    """Return the kind of media that a MIME type, or a range such as `image/*`, belongs to."""
    match mime.partition("/")[0].strip().lower():
        case ("image" | "video" | "audio") as kind:
            return kind
    return "file"


def is_accepted(mime: str, accepts: Iterable[str]) -> bool:
    """Tell whether a list of MIME types and of ranges (`video/*`, `*/*`) includes this type."""
    accepted = {canonical_mime(each) for each in accepts}
    mime = canonical_mime(mime)
    return not accepted.isdisjoint({mime, f"{mime.partition('/')[0]}/*", "*/*"})
