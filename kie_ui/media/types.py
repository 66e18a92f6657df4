"""MIME types: told from a file's first bytes, and spelt as usual. Pure."""

from __future__ import annotations

from kie_ui.media.sniffing import FileKind, sniff

TYPES = {
    "video/mp4": (".mp4", "MP4"),
    "video/quicktime": (".mov", "MOV"),
    "video/webm": (".webm", "WebM"),
    "video/x-matroska": (".mkv", "Matroska"),
    "video/x-msvideo": (".avi", "AVI"),
    "audio/mpeg": (".mp3", "MP3"),
    "audio/wav": (".wav", "WAV"),
    "audio/flac": (".flac", "FLAC"),
    "audio/ogg": (".ogg", "Ogg"),
    "audio/mp4": (".m4a", "M4A"),
    "audio/aac": (".aac", "AAC"),
    "image/jpeg": (".jpg", "JPEG"),
    "image/png": (".png", "PNG"),
    "image/webp": (".webp", "WebP"),
    "image/gif": (".gif", "GIF"),
    "application/pdf": (".pdf", "PDF"),
    "application/zip": (".zip", "ZIP"),
    "text/plain": (".txt", "text"),
}
"""By MIME type: how a file's name ends, and what a person calls it."""

_ALIASES = {
    "video/mov": "video/quicktime",
    "video/x-quicktime": "video/quicktime",
    "video/mkv": "video/x-matroska",
    "video/matroska": "video/x-matroska",
    "video/avi": "video/x-msvideo",
    "audio/mp3": "audio/mpeg",
    "audio/mpeg3": "audio/mpeg",
    "audio/x-mpeg": "audio/mpeg",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/x-flac": "audio/flac",
    "audio/opus": "audio/ogg",
    "audio/x-m4a": "audio/mp4",
    "audio/m4a": "audio/mp4",
    "audio/x-aac": "audio/aac",
    "image/jpg": "image/jpeg",
}
"""Common other spellings."""

_BY_SIGN = (
    (b"RIFF....WAVE", "audio/wav"),
    (b"RIFF....AVI ", "video/x-msvideo"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
)

_BY_KIND = {
    FileKind.VIDEO: "video/mp4",
    FileKind.SOUND: "audio/mp4",
    FileKind.JPEG: "image/jpeg",
    FileKind.PNG: "image/png",
    FileKind.WEBP: "image/webp",
    FileKind.GIF: "image/gif",
    FileKind.PDF: "application/pdf",
    FileKind.ARCHIVE: "application/zip",
    FileKind.TEXT: "text/plain",
}


def usual_spelling(mime: str) -> str:
    """Return the usual spelling of a MIME type."""
    plain = mime.strip().lower()
    return _ALIASES.get(plain, plain)


def mime_of_suffix(suffix: str) -> str | None:
    """Return the MIME type of a file by how its name ends, with the dot; None where unknown."""
    return next((mime for mime, (known, _) in TYPES.items() if known == suffix.lower()), None)


def mime_of(prefix: bytes) -> str:
    """Tell a file's MIME type from its first bytes; `application/octet-stream` where unknown."""
    for sign, mime in _BY_SIGN:
        if _begins(prefix, sign):
            return mime
    if prefix[:4] == b"\x1a\x45\xdf\xa3":
        return "video/webm" if b"webm" in prefix[:64] else "video/x-matroska"
    if prefix[4:12] == b"ftypqt  " or prefix[4:8] in (b"moov", b"wide"):
        return "video/quicktime"
    if len(prefix) > 1 and prefix[0] == 0xFF and prefix[1] & 0xE0 == 0xE0:
        return "audio/aac" if prefix[1] & 0xF6 == 0xF0 else "audio/mpeg"
    return _BY_KIND.get(sniff(prefix), "application/octet-stream")


def _begins(prefix: bytes, sign: bytes) -> bool:
    """Compare with a sign in which a full stop stands for any byte."""
    start = prefix[: len(sign)]
    return len(start) == len(sign) and all(
        wanted in (ord("."), byte) for wanted, byte in zip(sign, start, strict=True)
    )
