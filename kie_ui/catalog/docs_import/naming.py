"""Readable names from wire spellings: labels, titles, makers, and what a model makes."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from kie_ui.catalog.docs_import.documented import DocumentedModel
from kie_ui.catalog.docs_import.media import words_of
from kie_ui.catalog.media_types import MediaKind, kind_of, mime_of_suffix
from kie_ui.catalog.spec import Produces

MAX_LABEL = 80
MAX_TITLE = 120

_SPELT = {
    "ai": "AI",
    "cfg": "CFG",
    "fps": "FPS",
    "hd": "HD",
    "id": "ID",
    "ids": "IDs",
    "lora": "LoRA",
    "nsfw": "NSFW",
    "tts": "TTS",
    "url": "URL",
    "urls": "URLs",
}
_MAKERS = (
    ("grok", "xAI"),
    ("bytedance", "ByteDance"),
    ("seedream", "ByteDance"),
    ("seedance", "ByteDance"),
    ("omnihuman", "ByteDance"),
    ("google", "Google"),
    ("nano-banana", "Google"),
    ("imagen", "Google"),
    ("gemini", "Google"),
    ("veo", "Google"),
    ("kling", "Kling"),
    ("wan", "Alibaba"),
    ("qwen", "Alibaba"),
    ("z-image", "Alibaba"),
    ("happyhorse", "Alibaba"),
    ("hailuo", "MiniMax"),
    ("minimax", "MiniMax"),
    ("flux", "Black Forest Labs"),
    ("ideogram", "Ideogram"),
    ("recraft", "Recraft"),
    ("topaz", "Topaz Labs"),
    ("elevenlabs", "ElevenLabs"),
    ("infinitalk", "MeiGen AI"),
    ("gpt", "OpenAI"),
    ("openai", "OpenAI"),
    ("sora", "OpenAI"),
    ("runway", "Runway"),
    ("suno", "Suno"),
    ("luma", "Luma"),
    ("midjourney", "Midjourney"),
)
_NOISE = re.compile(
    r"\s*[-–—:|]?\s*\bAPI(?:\s+(?:Documentation|Docs|Reference|Guide))?\s*$", re.IGNORECASE
)
_TASK_WORDS = frozenset(
    (
        *("text", "image", "images", "video", "videos", "audio", "speech", "music", "to", "from"),
        *("edit", "editing", "upscale", "upscaler", "remix", "reframe", "and", "character"),
        *("generate", "generation", "pro", "fast", "lite"),
    )
)
_MAKES = re.compile(r"\bto-(image|video|speech|audio|music|text|dialogue|sound)\b")
_BY_GOAL: dict[str, Produces] = {
    "image": "image",
    "video": "video",
    "speech": "audio",
    "audio": "audio",
    "music": "audio",
    "dialogue": "audio",
    "sound": "audio",
    "text": "text",
}
_BY_WORD: dict[str, Produces] = {
    **dict.fromkeys(("transcribe", "transcription", "ocr"), "text"),
    **dict.fromkeys(("video", "videos", "movie", "animate", "avatar", "motion"), "video"),
    **dict.fromkeys(("audio", "speech", "tts", "music", "sound", "voice", "song"), "audio"),
    **dict.fromkeys(("image", "images", "picture", "photo", "edit", "upscale"), "image"),
    **dict.fromkeys(("background", "reframe", "remix", "imagen"), "image"),
}
"""The first of these words that an id or a title has decides."""


def label_of(name: str) -> str:
    """Return a name as words."""
    return _spelt(words_of(name) or [name])


def label_of_media(name: str, medium: MediaKind, *, many: bool) -> str:
    """Return the name of what is chosen as a file, with its kind instead of `url`."""
    words = [word for word in words_of(name) if word not in ("url", "urls", "uri", "uris")]
    if not words or words[-1] in ("input", "ref", "reference", "source", "first", "last", "tail"):
        words.append("file" if medium == "file" else medium)
    if many and words[-1] in ("image", "video", "picture", "frame", "file", "photo"):
        words[-1] += "s"
    return _spelt(words)


def _spelt(words: list[str]) -> str:
    text = " ".join(_SPELT.get(word, word) for word in words)
    return (text[:1].upper() + text[1:])[:MAX_LABEL]


_ID = re.compile(r"\S/\S")


def title_of(page: DocumentedModel) -> str:
    """Return the page's heading; one that names only the task gets the model's family before it."""
    title = " ".join(_NOISE.sub("", page.title.strip("*`# ")).split())
    if not title or _ID.search(title):
        family, _, rest = page.model.rpartition("/")
        known = maker_of(page.model)
        family = known if known.lower() == family.lower() else _spaced(family)
        return f"{family} {_spaced(rest)}".strip()[:MAX_TITLE]
    if {word.lower() for word in re.findall(r"\w+", title)} <= _TASK_WORDS:
        title = f"{_spaced(page.model.partition('/')[0])} {title}" if "/" in page.model else title
    return title[:MAX_TITLE]


def _spaced(spelling: str) -> str:
    """Return an id, or a part of one, as words with capitals."""
    words = re.split(r"[-_/\s]+", spelling)
    return " ".join(w if w[:1].isupper() or w == "to" else w.capitalize() for w in words if w)


def maker_of(model: str) -> str:
    """Return who made a model, as far as its id tells."""
    lowered = model.lower()
    for start, maker in _MAKERS:
        if lowered.startswith(start):
            return maker
    return _spaced(model.partition("/")[0])[:MAX_LABEL]


def produces(page: DocumentedModel) -> Produces | None:
    """Tell what comes out of a model: by its id, the results shown, its folder, its words."""
    slug = page.model.lower().replace("_", "-")
    goals = _MAKES.findall(slug)
    if goals:
        return _BY_GOAL[goals[-1]]
    shown = {medium for url in page.results if (medium := _medium_of_address(url))}
    if len(shown) == 1 and (only := shown.pop()) != "file":
        return only
    return _by_folder(page.folder) or _by_words([*words_of(slug), *words_of(page.title)])


def _medium_of_address(url: str) -> MediaKind | None:
    mime = mime_of_suffix(PurePosixPath(url).suffix)
    return kind_of(mime) if mime else None


_FOLDERS: tuple[tuple[str, Produces], ...] = (
    ("video", "video"),
    ("image", "image"),
    ("music", "audio"),
    ("audio", "audio"),
)


def _by_folder(folder: str) -> Produces | None:
    words = words_of(folder)
    return next((made for word, made in _FOLDERS if word in words and "models" in words), None)


def _by_words(words: list[str]) -> Produces | None:
    return next((_BY_WORD[word] for word in words if word in _BY_WORD), None)
