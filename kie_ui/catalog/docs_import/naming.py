"""Readable names from wire spellings: labels, titles, makers, and what a model makes."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from kie_ui.catalog.docs_import.documented import DocumentedModel
from kie_ui.catalog.docs_import.media import ADDRESS_WORDS, common_kind, words_of
from kie_ui.catalog.media_types import MediaKind, mime_of_suffix
from kie_ui.catalog.spec import MAX_TITLE, Produces

MAX_LABEL = 80

_ABBREVIATIONS = {
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
    folder = words_of(page.folder) if "models" in words_of(page.folder) else []
    words = [*words_of(slug), *words_of(page.title)]
    return _first(_TASKS, folder) or _first(_WORDS, words)


def _first(meanings: dict[str, Produces], words: list[str]) -> Produces | None:
    return next((meanings[word] for word in words if word in meanings), None)
