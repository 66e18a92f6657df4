"""Open pictures safely: by content, under a pixel limit, and with every fault put in words.

Pillow's own `Image.open` is not used, on purpose. It guards against decompression bombs with a
process-wide number and a warning, and a warning cannot be caught safely while other threads run.
Here the reader is chosen by our own sniffing, and the limit is checked before a pixel is decoded.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    ExifTags,
    GifImagePlugin,
    Image,
    ImageFile,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    PsdImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from kie_ui.media.formats import FileKind, MediaProblem, sniff_file

MAX_PIXELS = 89_000_000
"""The most pixels any picture may have; just below Pillow's own warning."""

MAX_JPEG_PIXELS = 220_000_000
"""Only JPEG can be decoded at a fraction of its size; this accepts the largest phone pictures."""


@dataclass(frozen=True, slots=True)
class PictureInfo:
    """What a picture is."""

    format: str
    mime: str
    size_px: tuple[int, int]
    """Width and height as people see them, turned upright."""
    size_bytes: int
    is_rotated: bool
    frames: int


_Reader = Callable[[IO[bytes], str], ImageFile.ImageFile]


def _read_heif(file: IO[bytes], name: str) -> ImageFile.ImageFile:
    """HEIC needs a second library, which is loaded with the first such picture."""
    from pillow_heif import HeifImageFile

    reader: _Reader = HeifImageFile
    return reader(file, name)


_READERS: dict[FileKind, _Reader] = {
    # Not the factory: it would turn phone pictures with a depth map into another format, MPO.
    FileKind.JPEG: JpegImagePlugin.JpegImageFile,
    FileKind.PNG: PngImagePlugin.PngImageFile,
    FileKind.WEBP: WebPImagePlugin.WebPImageFile,
    FileKind.HEIF: _read_heif,
    FileKind.AVIF: AvifImagePlugin.AvifImageFile,
    FileKind.GIF: GifImagePlugin.GifImageFile,
    FileKind.BMP: BmpImagePlugin.BmpImageFile,
    FileKind.TIFF: TiffImagePlugin.TiffImageFile,
    FileKind.JPEG2000: Jpeg2KImagePlugin.Jpeg2KImageFile,
    FileKind.PSD: PsdImagePlugin.PsdImageFile,
}

_ADVICE: dict[FileKind, str] = {
    FileKind.EMPTY: "It may not have finished saving: save or download it again.",
    FileKind.HTML: "The site sent a page instead of the picture: open the picture by itself, "
    "save it, and use that file.",
    FileKind.PDF: "Export the page you want as PNG or JPEG and use that file.",
    FileKind.SVG: "Export it as PNG and use that file.",
    FileKind.VIDEO: "Use a still from it, saved as JPEG or PNG.",
    FileKind.JPEG_XL: "Save it as JPEG or PNG and use that file.",
    FileKind.RAW: "Export it as JPEG from your photo program and use that file.",
}
_GENERAL_ADVICE = "Use a JPEG, PNG, WebP, HEIC, AVIF, GIF, BMP or TIFF picture."

_TURNS: dict[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = {5, 6, 7, 8}


def inspect_picture(path: Path) -> PictureInfo:
    """Say what a picture is, after decoding all of it to be sure that it is whole.

    Raises: MediaProblem when it is missing, empty, no picture, too large, cut off or damaged;
    OSError when the disk fails.
    """
    with open_picture(path) as picture:
        info = describe(picture, path)
        check_is_whole(picture)
        return info


@contextmanager
def open_picture(path: Path) -> Iterator[ImageFile.ImageFile]:
    """Open a picture and read its header, no pixels yet.

    Raises: MediaProblem, OSError.
    """
    kind = sniff_file(path, "picture")
    reader = _READERS.get(kind)
    if reader is None:
        raise MediaProblem(_not_a_picture(kind))
    with path.open("rb") as file:
        with _explaining_damage():
            picture = reader(file, str(path))
            _raise_if_camera_preview(picture)
        _raise_if_too_large(picture)
        yield picture


def describe(picture: ImageFile.ImageFile, path: Path) -> PictureInfo:
    """Say what an opened and not yet decoded picture is."""
    with _explaining_damage():
        orientation = _orientation(picture)
        frames = getattr(picture, "n_frames", 1)
    format_ = picture.format or ""
    # Pillow gives a TIFF's size as seen, every other format's as stored.
    is_sideways = orientation in _SIDEWAYS and format_ != "TIFF"
    return PictureInfo(
        format=format_,
        mime=FileKind[format_].mime,  # Pillow names the formats that are read here as we do
        size_px=picture.size[::-1] if is_sideways else picture.size,
        size_bytes=path.stat().st_size,
        is_rotated=orientation in _TURNS,
        frames=frames,
    )


def check_is_whole(picture: ImageFile.ImageFile) -> None:
    """Decode a picture to its last byte, as cheaply as its format allows.

    Raises: MediaProblem.
    """
    width_px, height_px = picture.size
    _decode(picture, (max(1, width_px // 8), max(1, height_px // 8)))


def read_upright(picture: ImageFile.ImageFile, least_size_px: tuple[int, int]) -> Image.Image:
    """Decode an opened picture and turn it the way the camera was held.

    `least_size_px` is the upright width and height that the caller will scale down to: a JPEG may
    come at a half, a quarter or an eighth of its size, never below that.
    Raises: MediaProblem.
    """
    orientation = _orientation(picture)
    is_turned_by_pillow = picture.format == "TIFF"
    is_sideways = orientation in _SIDEWAYS and not is_turned_by_pillow
    _decode(picture, least_size_px[::-1] if is_sideways else least_size_px)
    if orientation in _TURNS and not is_turned_by_pillow:
        return picture.transpose(_TURNS[orientation])
    return picture


def _decode(picture: ImageFile.ImageFile, least_size_px: tuple[int, int]) -> None:
    with _explaining_damage():
        if isinstance(picture, JpegImagePlugin.JpegImageFile):
            picture.draft(None, least_size_px)
        picture.load()


def _orientation(picture: ImageFile.ImageFile) -> int:
    """Read the EXIF orientation, 1 to 8; one that cannot be read counts as upright."""
    try:
        value = picture.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001 -- Pillow fails in many ways on metadata that no viewer needs
        return 1
    return value if value in _TURNS else 1


def _not_a_picture(kind: FileKind) -> str:
    name, advice = kind.label, _ADVICE.get(kind, _GENERAL_ADVICE)
    if kind in {FileKind.JPEG_XL, FileKind.RAW, FileKind.SVG}:
        return f"This is {name}, which cannot be read here. {advice}"
    return f"This is {name}, not a picture. {advice}"


def _raise_if_too_large(picture: ImageFile.ImageFile) -> None:
    width_px, height_px = picture.size
    limit = MAX_JPEG_PIXELS if picture.format == "JPEG" else MAX_PIXELS
    if width_px * height_px > limit:
        raise MediaProblem(
            f"This picture is {width_px} × {height_px} pixels, more than the {limit // 10**6} "
            "million that can be opened safely. Make it smaller in a photo program first."
        )


def _raise_if_camera_preview(picture: ImageFile.ImageFile) -> None:
    """Many raw formats are TIFFs that begin with a thumbnail, which must not pass for them."""
    if not isinstance(picture, TiffImagePlugin.TiffImageFile):
        return
    tags = picture.tag_v2
    is_reduced_copy = tags.get(ExifTags.Base.NewSubfileType, 0) & 1
    if is_reduced_copy or ExifTags.Base.DNGVersion in tags:
        raise MediaProblem(_not_a_picture(FileKind.RAW))


@contextmanager
def _explaining_damage() -> Iterator[None]:
    """Turn whatever Pillow meets in a damaged file into one sentence; the disk's errors pass."""
    try:
        yield
    except MediaProblem:
        raise
    except MemoryError as exc:
        raise MediaProblem(
            "There is not enough memory to open this picture now. "
            "Try again later, or make it smaller in a photo program first."
        ) from exc
    except Exception as exc:
        if isinstance(exc, OSError) and exc.errno is not None:
            raise
        raise MediaProblem(
            "This picture is damaged, or cut off before its end. "
            "Save, export or download it again and use the new file."
        ) from exc
