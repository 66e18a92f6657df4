"""What names say: labels and titles, makers, what a model makes, which parameters are files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import PurePosixPath

from kie_ui.catalog.docs_import.documented import DocumentedModel, DocumentedParameter
from kie_ui.catalog.media_types import MediaKind, kind_of, mime_of_suffix
from kie_ui.catalog.spec import MAX_TITLE, Produces
from kie_ui.catalog.values import is_web_address

MAX_LABEL = 80

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
ADDRESS_WORDS = frozenset(("url", "urls", "uri", "uris"))
_ABBREVIATIONS = {
    word.lower(): word
    for word in ("AI", "CFG", "FPS", "HD", "ID", "IDs", "LoRA", "NSFW", "TTS", "URL", "URLs")
}
_MAKERS = {
    "xAI": ("grok",),
    "ByteDance": ("bytedance", "seedream", "seedance", "omnihuman"),
    "Google": ("google", "nano-banana", "imagen", "gemini", "veo"),
    "Kling": ("kling",),
    "Alibaba": ("wan", "qwen", "z-image", "happyhorse"),
    "MiniMax": ("hailuo", "minimax"),
    "Black Forest Labs": ("flux",),
    "Ideogram": ("ideogram",),
    "Recraft": ("recraft",),
    "Topaz Labs": ("topaz",),
    "ElevenLabs": ("elevenlabs",),
    "MeiGen AI": ("infinitalk",),
    "OpenAI": ("gpt", "openai", "sora"),
    "Runway": ("runway",),
    "Suno": ("suno",),
    "Luma": ("luma",),
    "Midjourney": ("midjourney",),
}
"""Makers by what the ids of their models begin with."""
_NOISE = re.compile(
    r"\s*[-–—:|]?\s*\bAPI(?:\s+(?:Documentation|Docs|Reference|Guide))?\s*$", re.IGNORECASE
)
_ADJECTIVES = ("input", "ref", "reference", "source", "first", "last", "tail")
_TASK_WORDS = frozenset(
    (
        *("text", "image", "images", "video", "videos", "audio", "speech", "music", "to", "from"),
        *("edit", "editing", "upscale", "upscaler", "remix", "reframe", "and", "character"),
        *("generate", "generation", "pro", "fast", "lite"),
    )
)
_TASK = re.compile(r"\bto-(image|video|speech|audio|music|text|dialogue|sound)\b")
_TASKS: dict[str, Produces] = {
    **dict.fromkeys(("speech", "audio", "music", "dialogue", "sound"), "audio"),
    "image": "image",
    "video": "video",
    "text": "text",
}
"""What a model makes whose id has "-to-" and this word, or whose folder is named so."""
_WORDS: dict[str, Produces] = {
    **dict.fromkeys(("transcribe", "transcription", "ocr"), "text"),
    **dict.fromkeys(("video", "videos", "movie", "animate", "avatar", "motion"), "video"),
    **dict.fromkeys(("audio", "speech", "tts", "music", "sound", "voice", "song"), "audio"),
    **dict.fromkeys(("image", "images", "picture", "photo", "edit", "upscale"), "image"),
    **dict.fromkeys(("background", "reframe", "remix", "imagen"), "image"),
}
"""The first of these words that an id or a title has decides."""


def words_of(name: str) -> list[str]:
    """Split a name, in snake case or camel case, into its words in small letters."""
    return [word.lower() for word in _WORD.findall(name)]


def label_of(name: str) -> str:
    """Return a name as words."""
    return _capitalized(words_of(name) or [name])


def label_of_media(name: str, kind: MediaKind, *, many: bool) -> str:
    """Return the name of what is chosen as a file, with its kind instead of `url`."""
    words = [word for word in words_of(name) if word not in ADDRESS_WORDS]
    if not words or words[-1] in _ADJECTIVES:
        words.append(kind)
    if many and words[-1] in ("image", "video", "picture", "frame", "file", "photo"):
        words[-1] += "s"
    return _capitalized(words)


def _capitalized(words: list[str]) -> str:
    text = " ".join(_ABBREVIATIONS.get(word, word) for word in words)
    return (text[:1].upper() + text[1:])[:MAX_LABEL]


def title_of(page: DocumentedModel) -> str:
    """Return the page's heading; one that names only the task gets the model's family before it."""
    title = " ".join(_NOISE.sub("", page.title.strip("*`# ")).split())
    if not title or re.search(r"\S/\S", title):
        family, _, rest = page.model.rpartition("/")
        maker = maker_of(page.model)
        family = maker if maker.lower() == family.lower() else _spaced(family)
        title = f"{family} {_spaced(rest)}".strip()
    elif "/" in page.model and {word.lower() for word in re.findall(r"\w+", title)} <= _TASK_WORDS:
        title = f"{_spaced(page.model.partition('/')[0])} {title}"
    return title[:MAX_TITLE]


def _spaced(spelling: str) -> str:
    """Return an id, or a part of one, as words with capitals."""
    words = re.split(r"[-_/\s]+", spelling)
    return " ".join(w if w[:1].isupper() or w == "to" else w.capitalize() for w in words if w)


def maker_of(model: str) -> str:
    """Return who made a model, as far as its id says."""
    known = (maker for maker, starts in _MAKERS.items() if model.lower().startswith(starts))
    return next(known, _spaced(model.partition("/")[0])[:MAX_LABEL])


def produces(page: DocumentedModel) -> Produces | None:
    """Return what comes out of a model: by its id, the results shown, its folder, its words."""
    slug = page.model.lower().replace("_", "-")
    tasks = _TASK.findall(slug)
    if tasks:
        return _TASKS[tasks[-1]]
    types = (mime_of_suffix(PurePosixPath(url).suffix) for url in page.results)
    shown = common_kind(mime for mime in types if mime)
    if shown and shown != "file":
        return shown
    folder = words_of(page.folder)
    by_folder = [_TASKS[word] for word in folder if word in _TASKS and "models" in folder]
    by_words = [_WORDS[word] for word in words_of(f"{slug} {page.title}") if word in _WORDS]
    return next(iter(by_folder + by_words), None)


MIME = re.compile(
    r"\b(?:image|video|audio|application|text|model)/[\w.+-]*[\w+](?:\*)?|\b(?:image|video|audio)/\*"
)
_KINDS: dict[str, MediaKind] = {
    **dict.fromkeys(("image", "images", "img", "picture", "photo", "frame", "mask"), "image"),
    **dict.fromkeys(("logo", "face"), "image"),
    **dict.fromkeys(("video", "videos", "clip"), "video"),
    **dict.fromkeys(("audio", "audios", "sound", "voice", "song", "music", "speech"), "audio"),
    **dict.fromkeys(("file", "document"), "file"),
}
"""What a word in the name of a parameter says of its kind."""
_FORMATS = ("uri", "url", "binary")
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
        or bool(addresses_in(parameter.default))
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


def addresses_in(default: object) -> tuple[str, ...]:
    """Return the addresses that a default consists of; none where it is anything else."""
    values = default if isinstance(default, list) else [default]
    found = tuple(v for v in values if isinstance(v, str) and is_web_address(v))
    return found if len(found) == len(values) else ()


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
