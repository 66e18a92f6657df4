import pytest
from hypothesis import given
from hypothesis import strategies as st

from kie_ui.media.formats import FileKind, sniff


@pytest.mark.parametrize(
    ("prefix", "kind"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", FileKind.JPEG),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", FileKind.PNG),
        (b"RIFF\x24\x00\x00\x00WEBPVP8L", FileKind.WEBP),
        (b"GIF89a", FileKind.GIF),
        (b"BM" + b"\x36\x00\x00\x00" + bytes(8) + b"\x28\x00\x00\x00", FileKind.BMP),
        (b"II*\x00\x08\x00\x00\x00", FileKind.TIFF),
        (b"MM\x00*\x00\x00\x00\x08", FileKind.TIFF),
        (b"II*\x00\x10\x00\x00\x00CR\x02\x00", FileKind.RAW),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", FileKind.HEIF),
        (b"\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00mif1avifmiaf", FileKind.AVIF),
        (b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1miaf", FileKind.AVIF),
        (b"\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01crx isom", FileKind.RAW),
        (b"\x00\x00\x00\x1cftypisom\x00\x00\x02\x00isomiso2mp41", FileKind.VIDEO),
        (b"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  ", FileKind.VIDEO),
        (b"\x00\x00\x00\x1cftypM4A \x00\x00\x00\x00M4A mp42", FileKind.SOUND),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x86", FileKind.VIDEO),
        (b"RIFF\x24\x00\x00\x00AVI LIST", FileKind.VIDEO),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", FileKind.SOUND),
        (b"%PDF-1.7\n", FileKind.PDF),
        (b"PK\x03\x04\x14\x00", FileKind.ARCHIVE),
        (b"\xff\x0a\xfa\x1f", FileKind.JPEG_XL),
        (b"8BPS\x00\x01", FileKind.PSD),
        (b"\n <!DOCTYPE html><html><svg></svg>", FileKind.HTML),
        (b"<HTML><head>", FileKind.HTML),
        (b'\xef\xbb\xbf<?xml version="1.0"?><!-- drawn --><svg xmlns="">', FileKind.SVG),
        (b'{"code": 404}', FileKind.TEXT),
        ("Überraschung".encode(), FileKind.TEXT),
        ("text".encode("utf-16"), FileKind.TEXT),
        (b"BMW builds cars and motorcycles.", FileKind.TEXT),
        (b"", FileKind.EMPTY),
        (b"\x00\x01\x02\x03", FileKind.UNKNOWN),
    ],
)
def test_each_kind_is_known_by_its_first_bytes(prefix: bytes, kind: FileKind) -> None:
    """A file's kind follows from its content alone."""
    assert sniff(prefix) is kind


@given(st.binary(max_size=64))
def test_any_bytes_have_a_kind(prefix: bytes) -> None:
    """Sniffing never fails, whatever the bytes."""
    assert isinstance(sniff(prefix), FileKind)


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz ,.!?äöü–“”", min_size=1))
def test_prose_is_text(prose: str) -> None:
    """Plain sentences are never taken for a picture or a video."""
    assert sniff(prose.encode()) is FileKind.TEXT
