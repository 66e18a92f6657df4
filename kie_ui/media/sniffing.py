"""What a file really is, told from its first bytes and never from its name.

Upload services trust the declared type, so a wrong name travels far before it fails; and people
drop in saved web pages, phone pictures and clips alike. Pure: bytes in, a kind out.
"""

import re
from enum import Enum
from pathlib import Path

PREFIX_BYTES = 4096


class FileKind(Enum):
    """A kind of file; the value is how a sentence names it."""

    JPEG = "a JPEG picture"
    PNG = "a PNG picture"
    WEBP = "a WebP picture"
    HEIF = "a HEIC picture"
    AVIF = "an AVIF picture"
    GIF = "a GIF picture"
    BMP = "a BMP picture"
    TIFF = "a TIFF picture"
    JPEG2000 = "a JPEG 2000 picture"
    PSD = "a Photoshop picture"
    JPEG_XL = "a JPEG XL picture"
    RAW = "a raw camera picture"
    SVG = "an SVG drawing"
    PDF = "a PDF document"
    HTML = "a web page"
    TEXT = "a text file"
    ARCHIVE = "a ZIP archive or office document"
    VIDEO = "a video"
    SOUND = "a sound file"
    EMPTY = "an empty file"
    UNKNOWN = "a file of an unknown kind"


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
_MATCHERS = [(kind, re.compile(pattern, re.DOTALL)) for kind, pattern in _SIGNATURES]

_BRANDS: tuple[tuple[FileKind, frozenset[bytes]], ...] = (
    (FileKind.AVIF, frozenset({b"avif", b"avis"})),
    (
        FileKind.HEIF,
        frozenset(
            {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
            | {b"mif1", b"msf1"}
        ),
    ),
    (FileKind.RAW, frozenset({b"crx "})),
    (FileKind.SOUND, frozenset({b"M4A ", b"M4B "})),
)

_BYTES_NO_TEXT_HAS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_HTML = re.compile(r"<(!doctype html|html|head|body)\b", re.IGNORECASE)
_SVG = re.compile(r"<svg\b", re.IGNORECASE)


def sniff_file(path: Path) -> FileKind:
    """Tell what a file is from its first bytes.

    Raises: OSError when it cannot be read.
    """
    with path.open("rb") as file:
        return sniff(file.read(PREFIX_BYTES))


def sniff(prefix: bytes) -> FileKind:
    """Tell what a file is from its first bytes; `PREFIX_BYTES` of them are plenty."""
    if not prefix:
        return FileKind.EMPTY
    if prefix[4:8] == b"ftyp":
        return _kind_of_brands(prefix)
    for kind, signature in _MATCHERS:
        if signature.match(prefix):
            return kind
    return _kind_of_text(prefix)


def _kind_of_brands(prefix: bytes) -> FileKind:
    """ISO media files share one signature and say what they hold by four-letter brands."""
    box_bytes = int.from_bytes(prefix[:4], "big")
    names = prefix[8:12] + prefix[16 : max(16, box_bytes)]  # a version stands between the two
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
