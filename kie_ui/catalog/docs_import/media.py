"""Which parameters are files, and of what kind: by format, by what is accepted, by name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from kie_ui.catalog.docs_import.documented import DocumentedParameter
from kie_ui.catalog.media_types import MediaKind, kind_of, mime_of_suffix
from kie_ui.catalog.values import is_web_address

MIME = re.compile(
    r"\b(?:image|video|audio|application|text|model)/[\w.+-]*[\w+](?:\*)?|\b(?:image|video|audio)/\*"
)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_KINDS: dict[str, MediaKind] = {
    **dict.fromkeys(("image", "images", "img", "picture", "photo", "frame", "mask"), "image"),
    **dict.fromkeys(("logo", "face"), "image"),
    **dict.fromkeys(("video", "videos", "clip"), "video"),
    **dict.fromkeys(("audio", "audios", "sound", "voice", "song", "music", "speech"), "audio"),
    **dict.fromkeys(("file", "document"), "file"),
}
"""What a word in the name of a parameter says of its kind."""
_FORMATS = ("uri", "url", "binary")
ADDRESS_WORDS = frozenset(("url", "urls", "uri", "uris"))
_OTHER_ADDRESSES = frozenset(("webhook", "redirect", "homepage", "link", "website", "web"))
_BARE_NAME = re.compile(
    r"(?:(?:first|last|start|end|tail|head|ref|reference|input|source|style|mask|target|control)_)*"
    r"(?:images?|videos?|audios?|(?<=_)voice|image_input|video_input|audio_input|image_list|first_frame|"
    r"last_frame|end_frame|start_frame|mask)(?:_(?:file|files|input|inputs|list))?\Z",
    re.IGNORECASE,
)
_MENTIONS_ADDRESS = re.compile(r"\b(?:urls?|uploaded (?:file|image|video|audio))\b", re.IGNORECASE)
_KIND_IN_PROSE = re.compile(
    r"\b(image|picture|photo|frame|video|audio|sound|voice|song)s?\b", re.IGNORECASE
)


def mime_types_in(text: str) -> tuple[str, ...]:
    """Return the MIME types that a text lists, or else those of the endings that it lists."""
    found: list[str] = MIME.findall(text.lower())
    if found:
        return tuple(found)
    endings = (mime_of_suffix(f".{word}") for word in re.findall(r"[a-z0-9]+", text.lower()))
    return tuple(dict.fromkeys(mime for mime in endings if mime))


def common_kind(types: Iterable[str]) -> MediaKind | None:
    """Return the kind that all these MIME types have in common; `file` for a mixture."""
    kinds = {kind_of(mime) for mime in types}
    if not kinds:
        return None
    return kinds.pop() if len(kinds) == 1 else "file"


def is_media(parameter: DocumentedParameter) -> bool:
    """Whether a parameter is the address of a file, or a list of such."""
    words = set(words_of(parameter.name))
    item = parameter.items
    if parameter.options or not _is_text_or_texts(parameter):
        return False
    if "callback" in parameter.name.lower() or words & _OTHER_ADDRESSES:
        return False
    prose = f"{parameter.description} {item.description if item else ''}"
    return (
        bool(parameter.accepts or parameter.max_bytes or words & ADDRESS_WORDS)
        or parameter.is_multiple is not None
        or parameter.format in _FORMATS
        or (item is not None and item.format in _FORMATS)
        or _has_addresses(parameter.default)
        or bool(_BARE_NAME.match(parameter.name) and _MENTIONS_ADDRESS.search(prose))
    )


def as_address(parameter: DocumentedParameter) -> DocumentedParameter:
    """Return an address that its page calls an object as the text that it is.

    Some pages have an object without properties where an address goes, or several of them.
    """
    if ADDRESS_WORDS.isdisjoint(words_of(parameter.name)):
        return parameter
    if _is_empty_object(parameter):
        return replace(parameter, type="string")
    if parameter.items and _is_empty_object(parameter.items):
        return replace(parameter, items=replace(parameter.items, type="string", description=""))
    return parameter


def _is_empty_object(shape: DocumentedParameter) -> bool:
    return shape.type == "object" and not shape.fields and not shape.alternatives


def _is_text_or_texts(parameter: DocumentedParameter) -> bool:
    """Whether a value is text, or a list of what may be text."""
    item = parameter.items
    if parameter.alternatives:
        return False
    if parameter.type == "array":
        return item is None or (item.type == "string" and not item.options)
    return parameter.type == "string"


def _has_addresses(default: object) -> bool:
    values = default if isinstance(default, list) else [default]
    return bool(values) and all(isinstance(v, str) and is_web_address(v) for v in values)


def media_kind(parameter: DocumentedParameter) -> MediaKind:
    """Return what kind of file a parameter is: by what is accepted, its name, its words."""
    by_type = common_kind(parameter.accepts)
    if by_type:
        return by_type
    named = [_KINDS[word] for word in words_of(parameter.name) if word in _KINDS]
    if named:
        # The last word is the noun: an `audio_image_url` is an image.
        return named[-1]
    mentioned = _KIND_IN_PROSE.search(parameter.description)
    return _KINDS[mentioned[1].lower()] if mentioned else "image"


def words_of(name: str) -> list[str]:
    """Split a name, in snake case or camel case, into its words in small letters."""
    return [word.lower() for word in _WORD.findall(name)]
