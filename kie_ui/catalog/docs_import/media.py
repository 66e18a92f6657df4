"""Which parameters are files, and of what kind: by format, by what is accepted, by name."""

from __future__ import annotations

import re
from dataclasses import replace

from kie_ui.catalog.docs_import.documented import DocumentedParameter
from kie_ui.catalog.media_types import MediaKind, kind_of, mime_of_suffix
from kie_ui.catalog.values import is_web_address

MIME = re.compile(
    r"\b(?:image|video|audio|application|text|model)/[\w.+-]*[\w+](?:\*)?|\b(?:image|video|audio)/\*"
)
_WORD = re.compile(r"[a-z0-9]+")


def mime_types_in(text: str) -> tuple[str, ...]:
    """Return the MIME types that a text lists, or else those of the endings that it lists."""
    found: list[str] = MIME.findall(text.lower())
    if found:
        return tuple(found)
    endings = (mime_of_suffix(f".{word}") for word in _WORD.findall(text.lower()))
    return tuple(dict.fromkeys(mime for mime in endings if mime))


def medium_of(types: tuple[str, ...]) -> MediaKind | None:
    """Return the kind that all these MIME types have in common; `file` for a mixture."""
    kinds = {kind_of(mime) for mime in types}
    if not kinds:
        return None
    return kinds.pop() if len(kinds) == 1 else "file"


_WORD_MEDIA_FIELDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_BY_WORD: dict[str, MediaKind] = {
    "image": "image",
    "images": "image",
    "img": "image",
    "picture": "image",
    "photo": "image",
    "frame": "image",
    "mask": "image",
    "logo": "image",
    "face": "image",
    "video": "video",
    "videos": "video",
    "clip": "video",
    "audio": "audio",
    "audios": "audio",
    "sound": "audio",
    "voice": "audio",
    "song": "audio",
    "music": "audio",
    "speech": "audio",
    "file": "file",
    "document": "file",
}
_FORMATS = ("uri", "url", "binary")
_ADDRESS = ("url", "urls", "uri", "uris")
_BARE = re.compile(
    r"(?:(?:first|last|start|end|tail|head|ref|reference|input|source|style|mask|target|control)_)*"
    r"(?:images?|videos?|audios?|(?<=_)voice|image_input|video_input|audio_input|image_list|first_frame|"
    r"last_frame|end_frame|start_frame|mask)(?:_(?:file|files|input|inputs|list))?\Z",
    re.IGNORECASE,
)
_NO_FILE = ("webhook", "redirect", "homepage", "link", "website", "web")
_SAYS_ADDRESS = re.compile(r"\b(?:urls?|uploaded (?:file|image|video|audio))\b", re.IGNORECASE)
_IN_WORDS = re.compile(
    r"\b(image|picture|photo|frame|video|audio|sound|voice|song)s?\b", re.IGNORECASE
)


def is_media(parameter: DocumentedParameter) -> bool:
    """Tell whether a parameter is the address of a file, or a list of such."""
    if parameter.options or not _is_text_or_texts(parameter):
        return False
    words = words_of(parameter.name)
    if "callback" in parameter.name.lower() or any(word in _NO_FILE for word in words):
        return False
    return (
        bool(parameter.accepts or parameter.max_bytes)
        or parameter.is_multiple is not None
        or parameter.format in _FORMATS
        or (parameter.items is not None and parameter.items.format in _FORMATS)
        or any(word in _ADDRESS for word in words)
        or _has_addresses(parameter.default)
        or (bool(_BARE.match(parameter.name)) and _says_address(parameter))
    )


def _says_address(parameter: DocumentedParameter) -> bool:
    words = parameter.description
    if parameter.items is not None:
        words += f" {parameter.items.description}"
    return bool(_SAYS_ADDRESS.search(words))


def as_address(parameter: DocumentedParameter) -> DocumentedParameter:
    """Return an address that its page calls an object as the text that it is.

    Some pages have an object without properties where an address goes, or several of them.
    """
    if not any(word in _ADDRESS for word in words_of(parameter.name)):
        return parameter
    if parameter.type == "object" and not parameter.fields and not parameter.alternatives:
        return replace(parameter, type="string")
    row = parameter.items
    if row and row.type == "object" and not row.fields and not row.alternatives:
        return replace(parameter, items=replace(row, type="string", description=""))
    return parameter


def _is_text_or_texts(parameter: DocumentedParameter) -> bool:
    """Tell whether a value is text, or a list of what may be text."""
    if parameter.alternatives:
        return False
    if parameter.type == "array":
        return parameter.items is None or (
            parameter.items.type == "string" and not parameter.items.options
        )
    return parameter.type == "string"


def _has_addresses(default: object) -> bool:
    values = default if isinstance(default, list) else [default]
    return bool(values) and all(isinstance(v, str) and is_web_address(v) for v in values)


def medium(parameter: DocumentedParameter) -> MediaKind:
    """Return what kind of file a parameter is: by what is accepted, its name, its words."""
    by_type = medium_of(parameter.accepts)
    if by_type:
        return by_type
    named = [_BY_WORD[word] for word in words_of(parameter.name) if word in _BY_WORD]
    if named:
        # The last word is the noun: an `audio_image_url` is an image.
        return named[-1]
    told = [_BY_WORD[match.lower()] for match in _IN_WORDS.findall(parameter.description)]
    return told[0] if told else "image"


def words_of(name: str) -> list[str]:
    """Split a name, in snake case or camel case, into its words in small letters."""
    return [word.lower() for word in _WORD_MEDIA_FIELDS.findall(name)]
