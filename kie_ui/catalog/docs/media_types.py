"""Kinds of files, as pages name them."""

from __future__ import annotations

import re
from typing import Literal

Medium = Literal["image", "video", "audio", "file"]

MIME = re.compile(
    r"\b(?:image|video|audio|application|text|model)/[\w.+-]*[\w+](?:\*)?|\b(?:image|video|audio)/\*"
)
_WORD = re.compile(r"[a-z0-9]+")

BY_ENDING = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "gif": "image/gif",
    "bmp": "image/bmp",
    "tiff": "image/tiff",
    "tif": "image/tiff",
    "heic": "image/heic",
    "heif": "image/heif",
    "avif": "image/avif",
    "svg": "image/svg+xml",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
    "mkv": "video/x-matroska",
    "avi": "video/x-msvideo",
    "m4v": "video/x-m4v",
    "mpeg": "video/mpeg",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "aac": "audio/aac",
    "m4a": "audio/mp4",
    "ogg": "audio/ogg",
    "flac": "audio/flac",
    "opus": "audio/opus",
    "pdf": "application/pdf",
    "zip": "application/zip",
    "txt": "text/plain",
    "json": "application/json",
    "glb": "model/gltf-binary",
}


def mime_types_in(text: str) -> tuple[str, ...]:
    """Return the MIME types that a text lists, or else those of the endings that it lists."""
    found: list[str] = MIME.findall(text.lower())
    if found:
        return tuple(found)
    return tuple(dict.fromkeys(BY_ENDING[w] for w in _WORD.findall(text.lower()) if w in BY_ENDING))


def medium_of(types: tuple[str, ...]) -> Medium | None:
    """Return the kind that all these MIME types have in common; `file` for a mixture."""
    families = {mime.partition("/")[0] for mime in types}
    if not families:
        return None
    family = families.pop()
    if families:
        return "file"
    match family:
        case "image" | "video" | "audio":
            return family
    return "file"
