"""Make any picture fit what a model accepts, changing as little of it as possible.

A picture that fits already goes byte for byte. All functions block; call them in a thread.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import ImageFile

from kie_ui.catalog.media_types import COMMON_IMAGE_TYPES, canonical_mime, name_of, suffix_of
from kie_ui.catalog.parameters import MediaParameter
from kie_ui.media.formats import MediaProblem, PreparedFile
from kie_ui.media.images.encode import (
    DEEP_GREY_MODES,
    ENCODINGS,
    PRINT_MODES,
    Encoded,
    encode_within,
    has_alpha,
    preferred_encodings,
    scaled_to,
    size_within,
    to_plain_colours,
)
from kie_ui.media.images.open import (
    PictureInfo,
    check_is_whole,
    describe,
    open_picture,
    read_upright,
)
from kie_ui.media.storage import write_whole

USUAL_MAX_BYTES = 10_000_000
"""Of a picture whose model documents no limit: what its siblings document."""

_ANY_PICTURE = "image/*"
_LOSSLESS_FORMATS = {"PNG", "GIF", "BMP", "TIFF", "PSD"}


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """What a model takes: bytes, MIME types, and pixels along the longer side.

    Common other spellings of a MIME type are understood; `image/*` means JPEG, PNG and WebP.
    Source: Kie documentation, "Max File Size" and "Accepted File Types"; the longest side is a
    precaution, since the service's own limit on it is not published.
    """

    max_bytes: int
    accepts: tuple[str, ...]
    max_side_px: int = 4096

    def __post_init__(self) -> None:
        if self.max_bytes < 1 or self.max_side_px < 1 or not self.accepts:
            raise ValueError("Picture limits need a MIME type, a byte and a pixel at the least.")
        mimes: list[str] = []
        for spelling in self.accepts:
            mime = canonical_mime(spelling)
            mimes += COMMON_IMAGE_TYPES if mime == _ANY_PICTURE else [mime]
        object.__setattr__(self, "accepts", tuple(dict.fromkeys(mimes)))


def picture_limits(parameter: MediaParameter) -> PictureLimits:
    """Return what a picture for this parameter must be like to be sent."""
    return PictureLimits(
        max_bytes=parameter.max_bytes or USUAL_MAX_BYTES,
        accepts=parameter.accepts or COMMON_IMAGE_TYPES,
    )


def prepare_picture(source: Path, into: Path, limits: PictureLimits) -> PreparedFile:
    """Bring a picture within the limits; the result is the source itself where it fits already.

    A rewritten picture is a new file in `into`, which is made when missing: upright, in sRGB, of
    the same shape, without camera metadata (which may say where it was taken), at the best quality
    that fits.
    Raises: MediaProblem when it cannot be read or cannot be made to fit; OSError.
    """
    with open_picture(source) as picture:
        info, mode = describe(picture, source), picture.mode
        if _fits_as_it_is(info, mode, limits):
            check_is_whole(picture)
            suffix = suffix_of(info.mime) or source.suffix
            return PreparedFile(source, info.mime, suffix, info.size_bytes, *info.size_px)
        encoded = _rewrite(picture, info, limits)
    mime, size_bytes = encoded.encoding.mime, len(encoded.data)
    suffix = suffix_of(mime) or ""
    path = into / f"picture-{secrets.token_hex(8)}{suffix}"
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(path, encoded.data)
    changes = tuple(_changes(info, mode, encoded, limits))
    return PreparedFile(path, mime, suffix, size_bytes, *encoded.size_px, changes=changes)


def _fits_as_it_is(info: PictureInfo, mode: str, limits: PictureLimits) -> bool:
    """Whether a model can be given these very bytes.

    Print colours, deep grey and moving PNGs or WebPs keep within the limits, but are read
    wrongly or refused by many services.
    """
    is_moving = info.frames > 1 and info.mime in ENCODINGS
    return (
        info.mime in limits.accepts
        and info.size_bytes <= limits.max_bytes
        and max(info.size_px) <= limits.max_side_px
        and not info.is_rotated
        and not is_moving
        and mode not in PRINT_MODES | DEEP_GREY_MODES
    )


def _rewrite(picture: ImageFile.ImageFile, info: PictureInfo, limits: PictureLimits) -> Encoded:
    size_px = size_within(info.size_px, limits.max_side_px)
    plain = scaled_to(to_plain_colours(read_upright(picture, size_px)), size_px)
    encodings = preferred_encodings(
        limits.accepts,
        source_mime=info.mime,
        is_transparent=has_alpha(plain),
        is_lossless=info.format in _LOSSLESS_FORMATS,
    )
    if not encodings:
        raise MediaProblem(
            f"Only {_list_of(limits)} is accepted here. Convert the picture yourself."
        )
    encoded = encode_within(plain, encodings, limits.max_bytes)
    if encoded is None:
        raise MediaProblem(
            f"This picture cannot be made as small as {_size_text(limits.max_bytes, limits)}. "
            "Use another one."
        )
    return encoded


def _changes(
    info: PictureInfo, mode: str, encoded: Encoded, limits: PictureLimits
) -> Iterator[str]:
    """Yield a sentence for each change that a person would want to know of."""
    if info.is_rotated:
        yield "Turned upright, as the camera meant it."
    if info.frames > 1:
        which = "main" if info.format in {"HEIF", "AVIF"} else "first"
        yield f"Only the {which} of its {info.frames} frames is used."
    yield from _format_changes(info, mode, encoded, limits)
    yield from _size_changes(info, encoded, limits)


def _format_changes(
    info: PictureInfo, mode: str, encoded: Encoded, limits: PictureLimits
) -> Iterator[str]:
    old, new = name_of(info.mime), name_of(encoded.encoding.mime)
    if info.mime not in limits.accepts:
        yield f"Converted from {old} to {new}, because Kie takes {_list_of(limits)}."
    elif old != new:
        yield f"Saved as {new} instead of {old}, because that fits better."
    if mode in PRINT_MODES:
        yield f"Converted from {mode} print colours to RGB, which every model reads."
    if mode in DEEP_GREY_MODES:
        yield "Converted from deep grey to eight bits, which every model reads."
    if encoded.is_flattened:
        yield f"Filled its transparent parts with white, because {new} has none."


def _size_changes(info: PictureInfo, encoded: Encoded, limits: PictureLimits) -> Iterator[str]:
    allowed = _size_text(limits.max_bytes, limits)
    if encoded.size_px != info.size_px:
        reason = (
            f"because Kie takes at most {allowed}"
            if encoded.size_px != size_within(info.size_px, limits.max_side_px)
            else f"because sides over {limits.max_side_px} pixels may be refused"
        )
        before, after = (f"{width} × {height}" for width, height in (info.size_px, encoded.size_px))
        yield f"Scaled down from {before} to {after} pixels, {reason}."
    if info.size_bytes > limits.max_bytes:
        size = _size_text(len(encoded.data), limits)
        yield f"Made smaller to {size}, because Kie takes at most {allowed}."


def _size_text(size_bytes: int, limits: PictureLimits) -> str:
    """Bytes in words, in the megabytes that the limit itself is counted in; never rounded up."""
    kilo = 1024 if limits.max_bytes % 1024**2 == 0 else 1000
    if size_bytes < kilo:
        return f"{size_bytes} bytes"
    if size_bytes < kilo**2:
        return f"{size_bytes // kilo} kB"
    tenths = size_bytes * 10 // kilo**2
    return f"{tenths / 10:g} MB"


def _list_of(limits: PictureLimits) -> str:
    names = [name_of(mime) or mime.removeprefix("image/").upper() for mime in limits.accepts]
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
