"""What a documentation page says of a model, and how pages of both formats write it."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any

from kie_ui import strict_json
from kie_ui.catalog.describe import ORDER

MAX_PAGE_CHARACTERS = 500_000
MAX_LINE = 2_000
"""Characters of a line that can be a heading, an option or a fact but for a description."""
MAX_TEXT = 20_000
"""Characters of a description."""
MAX_DEPTH = 60
"""Values within values."""


class UnreadablePage(ValueError):
    """A text from which no model can be made; the sentence says what to do about it."""


@dataclass(frozen=True)
class DocumentedOption:
    """One of the values that a page lists, as the wire wants it."""

    value: Any
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class DocumentedParameter:
    """One parameter, or an inner part of one, as its page states it.

    None, an empty text or an empty tuple mean that the page does not say.
    """

    name: str
    type: str
    """The page's word: string, number, integer, boolean, array or object."""
    required: bool = False
    options: tuple[DocumentedOption, ...] = ()
    """The values to choose from; of a list, those of which it may hold several."""
    default: Any = None
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    min_items: int | None = None
    max_items: int | None = None
    max_bytes: int | None = None
    accepts: tuple[str, ...] = ()
    """MIME types."""
    pattern: str = ""
    description: str = ""
    example: Any = None
    """The first of the page's sample values."""

    title: str = ""
    """What the page calls it, where that is not its name."""
    format: str = ""
    """Such as `uri`."""
    is_multiple: bool | None = None
    """What a page says under "Multiple Files"."""
    nullable: bool = False
    deprecated: bool = False
    items: DocumentedParameter | None = None
    """What a list holds."""
    fields: tuple[DocumentedParameter, ...] = ()
    """What an object holds."""
    alternatives: tuple[DocumentedParameter, ...] = ()
    """Shapes of which the value has one."""
    gathered: frozenset[str] = frozenset()
    """Facts that were gathered from a sentence: they limit the form, and are not shown as facts."""

    @property
    def facts(self) -> dict[str, Any]:
        """What the page states, by the names that `facts_of` has for it."""
        stated = {name: getattr(self, name) for name in ORDER if name != "widget"}
        stated["options"] = [option.value for option in self.options]
        stated["accepts"] = list(self.accepts)
        stated |= {name: stated[name] or None for name in _TEXTS_AND_LISTS}
        return {
            name: fact
            for name, fact in stated.items()
            if fact is not None and name not in self.gathered
        }


_TEXTS_AND_LISTS = ("options", "accepts", "pattern", "description")


@dataclass(frozen=True, kw_only=True)
class DocumentedModel:
    """All that a page says of one model."""

    model: str
    title: str
    parameters: tuple[DocumentedParameter, ...]
    summary: str = ""
    folder: str = ""
    """Where the documentation keeps it, such as `docs/en/Market/Video Models/Kling`."""
    results: tuple[str, ...] = ()
    """Addresses of results that the page shows."""
    warnings: tuple[str, ...] = ()


def read_json(text: str) -> Any:
    """Return the data of a JSON text.

    Raises: ValueError, also for what nests too deeply and for numbers too long to be one.
    """
    data = strict_json.read_json(text)
    if not _is_shallow(data, MAX_DEPTH):
        raise ValueError("nested too deeply")
    return data


def _is_shallow(value: Any, max_depth: int) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    inner = value if isinstance(value, list) else []
    return max_depth > 0 and all(_is_shallow(one, max_depth - 1) for one in inner)


SCALARS = ("string", "number", "integer", "boolean")
TYPES = (*SCALARS, "array", "object")

_SYNONYMS = {
    **dict.fromkeys(("str", "text", "url", "uri", "file", "enum"), "string"),
    **dict.fromkeys(("int", "long"), "integer"),
    **dict.fromkeys(("float", "double", "decimal"), "number"),
    "bool": "boolean",
    "list": "array",
    **dict.fromkeys(("dict", "map", "json"), "object"),
}


def parse_type(stated: Any) -> str:
    """Return a type as OpenAPI spells it: `array` for `array<string>`; empty if it is none.

    Of several, as OpenAPI 3.1 allows, it is the first that is not `null`.
    """
    if isinstance(stated, list):
        return next((word for word in map(parse_type, stated) if word not in ("", "null")), "")
    if not isinstance(stated, str):
        return ""
    text = stated.strip().lower()
    if text.endswith("[]"):
        return "array"
    first, *others = re.findall(r"[a-z]+", text) or [""]
    if first == "enum" and others:
        return parse_type(others[0])
    word = _SYNONYMS.get(first, first)
    return word if word in TYPES or word == "null" else ""


def type_of_value(value: Any) -> str:
    """Return the word for the type of a value; empty for none."""
    return parse_type(type(value).__name__)


NUMBER = r"[-−+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d{1,3})?"
"""A number in running text, thousands separated or not."""

_NUMBER = re.compile(NUMBER)
_SIZE = re.compile(rf"({NUMBER})\s*([kmg]?)(i?)b(?:ytes?)?\b", re.IGNORECASE)
_LARGEST = 10**30


def as_number(stated: Any) -> int | float | None:
    """Return a finite number, whole where it is; None for anything else."""
    if isinstance(stated, str) and _NUMBER.fullmatch(stated.strip()):
        text = stated.strip().replace("−", "-").replace(",", "")
        stated = int(text) if text.lstrip("-+").isdigit() and len(text) < 300 else float(text)
    if isinstance(stated, bool) or not isinstance(stated, (int, float)):
        return None
    return stated if abs(stated) < _LARGEST else None


def as_count(stated: Any) -> int | None:
    """Return a whole number that counts something; None for anything else."""
    number = as_number(stated)
    return None if number is None or number < 0 or number != int(number) else int(number)


def bytes_in(text: str) -> int | None:
    """Return the first size in a text, such as "10.0MB", in bytes: decimal but for "MiB"."""
    match = _SIZE.search(text)
    amount = as_number(match[1]) if match else None
    if match is None or amount is None or amount <= 0:
        return None
    unit: int = (1024 if match[3] else 1000) ** ("", "k", "m", "g").index(match[2].lower())
    return round(amount * unit)


_HEADING = re.compile(r"^ {0,3}(?P<marks>#{1,6})[ \t]+(?P<title>.*?)[ \t]*#*$")
_ENTITY = re.compile(r"&(?:#\d{1,6}|#x[0-9a-f]{1,5}|[a-z]{2,8});", re.IGNORECASE)
_RESULT = re.compile(r"https?://[^\s\"'\\<>`)\]]+\.[A-Za-z0-9]{2,5}")
_RESULTS = re.compile(r"resultUrls?\W{1,12}(?P<urls>[^\]}\n]{0,2000})")


def match_heading(line: str) -> re.Match[str] | None:
    """Match a line of Markdown that is a heading: its `marks` and its `title`."""
    return _HEADING.match(line) if "#" in line[:4] and len(line) <= MAX_LINE else None


def unescape(text: str) -> str:
    """Replace entities such as `&quot;`; an address keeps its `&copy=`."""
    return _ENTITY.sub(lambda match: html.unescape(match[0]), text)


def first_sentence(text: str) -> str:
    """Return the first sentence of a text in one line, without its Markdown."""
    for paragraph in re.split(r"\n\s*\n", text[:4_000]):
        plain = re.sub(r"[*_`]|^\s*>\s?", "", " ".join(paragraph.split()))
        if plain and not plain.startswith(("#", "<", ":::", "!", "|", "-")):
            return shorten(re.split(r"(?<=[.!?])\s", plain, maxsplit=1)[0], 200)
    return ""


def shorten(text: str, max_characters: int) -> str:
    """Return a text whole, or its beginning and an ellipsis."""
    return text if len(text) <= max_characters else f"{text[: max_characters - 1].rstrip()}…"


def addresses_of_results(text: str) -> tuple[str, ...]:
    """Return the addresses that a page shows as results of a task."""
    found = [match["urls"] for match in _RESULTS.finditer(text)]
    return tuple(dict.fromkeys(url for urls in found for url in _RESULT.findall(urls)))[:20]
