"""What a file really is, by its first bytes and never by its name.

Upload services trust the declared type, so a wrong name travels far before it fails; and people
drop in saved web pages, phone pictures and clips alike. Pure: bytes in, a kind out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from kie_ui.catalog.media_types import OCTET_STREAM

PREFIX_BYTES = 4096


class MediaProblem(ValueError):
    """A file that cannot be used; the text says what is wrong with it and what to do."""


class FileKind(Enum):
    """A kind of file: how a sentence names it, and its MIME type where its kind alone says it."""

    def __init__(self, label: str, mime: str = OCTET_STREAM) -> None:
        self.label = label
        self.mime = mime

    JPEG = ("a JPEG picture", "image/jpeg")
    PNG = ("a PNG picture", "image/png")
    WEBP = ("a WebP picture", "image/webp")
    HEIF = ("a HEIC picture", "image/heic")
    AVIF = ("an AVIF picture", "image/avif")
    GIF = ("a GIF picture", "image/gif")
    BMP = ("a BMP picture", "image/bmp")
    TIFF = ("a TIFF picture", "image/tiff")
    JPEG2000 = ("a JPEG 2000 picture", "image/jp2")
    PSD = ("a Photoshop picture", "image/vnd.adobe.photoshop")
    JPEG_XL = ("a JPEG XL picture", "image/jxl")
    RAW = ("a raw camera picture",)
    SVG = ("an SVG drawing", "image/svg+xml")
    PDF = ("a PDF document", "application/pdf")
    HTML = ("a web page",)
    TEXT = ("a text file", "text/plain")
    ARCHIVE = ("a ZIP archive or office document", "application/zip")
    VIDEO = ("a video", "video/mp4")
    SOUND = ("a sound file", "audio/mp4")
    EMPTY = ("an empty file",)
    UNKNOWN = ("a file of an unknown kind",)


_SIGNATURES: tuple[tuple[FileKind, bytes], ...] = (
    (FileKind.JPEG, rb"\xff\xd8\xff"),
    (FileKind.PNG, rb"\x89PNG\r\n\x1a\n"),
    (FileKind.WEBP, rb"RIFF....WEBPVP8"),
    (FileKind.GIF, rb"GIF8[79]a"),
    (FileKind.BMP, rb"BM.{13}\x00\x00\x00"),
    (FileKind.RAW, rb"II\*\x00....CR"),  # Canon CR2: a TIFF whose first page is a small preview
    (FileKind.TIFF, rb"II[*+]\x00|MM\x00[*+]"),
    (FileKind.JPEG2000, rb"\x00\x00\x00\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"),
    (FileKind.JPEG_XL, rb"\x00\x00\x00\x0cJXL \r\n\x87\n|\xff\x0a"),
    (FileKind.PSD, rb"8BPS\x00"),
    (FileKind.RAW, rb"FUJIFILMCCD-RAW"),
    (FileKind.PDF, rb"%PDF-"),
    (FileKind.ARCHIVE, rb"PK\x03\x04"),
    (FileKind.VIDEO, rb"\x1a\x45\xdf\xa3"),  # Matroska and WebM
    (FileKind.VIDEO, rb"RIFF....AVI |FLV\x01|\x00\x00\x01\xba"),
    (FileKind.VIDEO, rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),  # Windows Media
    (FileKind.VIDEO, rb"....(moov|mdat|wide|free)"),  # old QuickTime, without a brand
    (FileKind.SOUND, rb"RIFF....WAVE|ID3[\x02-\x04]|fLaC|OggS"),
)

_BRANDS: tuple[tuple[FileKind, frozenset[bytes]], ...] = (
    (FileKind.AVIF, frozenset({b"avif", b"avis"})),
    (FileKind.HEIF, frozenset(b"heic heix heim heis hevc hevx hevm hevs mif1 msf1".split())),
    (FileKind.RAW, frozenset({b"crx "})),
    (FileKind.SOUND, frozenset({b"M4A ", b"M4B "})),
)

_BYTES_NO_TEXT_HAS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_HTML = re.compile(r"<(!doctype html|html|head|body)\b", re.IGNORECASE)
_SVG = re.compile(r"<svg\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PreparedFile:
    """A given file that is within a model's limits. What a kind does not have is 0."""

    path: Path
    mime: str
    suffix: str
    size_bytes: int
    width_px: int = 0
    height_px: int = 0
    duration_s: float = 0.0
    changes: tuple[str, ...] = ()
    """A sentence for each thing that was done to it."""


def read_prefix(path: Path) -> bytes:
    """Read the first bytes of a file, enough to recognise it. Raises: OSError."""
    with path.open("rb") as file:
        return file.read(PREFIX_BYTES)


def sniff_file(path: Path, noun: str) -> FileKind:
    """Recognise a file by its first bytes; `noun` is what people call it.

    Raises: MediaProblem when it is missing or a folder; OSError when it cannot be read.
    """
    try:
        return sniff(read_prefix(path))
    except FileNotFoundError as exc:
        raise MediaProblem(f"This {noun} is no longer there. Fetch or choose it again.") from exc
    except IsADirectoryError as exc:
        raise MediaProblem(f"This is a folder, not a {noun}. Choose one {noun} in it.") from exc


def sniff(prefix: bytes) -> FileKind:
    """Recognise a file by its first bytes, of which `PREFIX_BYTES` are plenty."""
    if not prefix:
        return FileKind.EMPTY
    if prefix[4:8] == b"ftyp":
        return _kind_of_brands(prefix)
    for kind, signature in _SIGNATURES:
        if re.match(signature, prefix, re.DOTALL):
            return kind
    return _kind_of_text(prefix)


def _kind_of_brands(prefix: bytes) -> FileKind:
    """ISO media files share one signature and say what they hold by four-letter brands."""
    box_bytes = int.from_bytes(prefix[:4], "big")
    names = prefix[8:12] + prefix[16 : max(16, box_bytes)]  # with a version between the two
    brands = {names[start : start + 4] for start in range(0, len(names), 4)}
    for kind, known in _BRANDS:
        if brands & known:
            return kind
    return FileKind.VIDEO


def _kind_of_text(prefix: bytes) -> FileKind:
    if prefix.startswith((b"\xff\xfe", b"\xfe\xff")):
        return FileKind.TEXT  # UTF-16 with its byte-order mark
    if _BYTES_NO_TEXT_HAS.search(prefix):
        return FileKind.UNKNOWN
    text = prefix.decode("utf-8", errors="replace")
    markup = text.lstrip("\ufeff \t\r\n")[:1] == "<"
    if markup and _HTML.search(text):
        return FileKind.HTML
    if markup and _SVG.search(text):
        return FileKind.SVG
    return FileKind.TEXT


_MIME_BY_SIGNATURE = (
    (rb"RIFF....WAVE", "audio/wav"),
    (rb"RIFF....AVI ", "video/x-msvideo"),
    (rb"fLaC", "audio/flac"),
    (rb"OggS", "audio/ogg"),
    (rb"ID3|\xff[\xe2\xe3\xf2\xf3\xfa\xfb]", "audio/mpeg"),
    (rb"\xff[\xf0\xf1\xf8\xf9]", "audio/aac"),
    (rb"\x1a\x45\xdf\xa3.{,60}webm", "video/webm"),
    (rb"\x1a\x45\xdf\xa3", "video/x-matroska"),
    (rb"....(ftypqt  |moov|wide)", "video/quicktime"),
    (rb"glTF", "model/gltf-binary"),
)


def mime_of(prefix: bytes) -> str:
    """Return a file's MIME type by its first bytes; `OCTET_STREAM` where unknown."""
    for signature, mime in _MIME_BY_SIGNATURE:
        if re.match(signature, prefix, re.DOTALL):
            return mime
    return sniff(prefix).mime
