"""What a documentation page says of a model, before it is decided what form that makes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

MAX_PAGE_CHARACTERS = 500_000
MAX_PARAMETERS = 100
"""More than any model has; of longer pages only the first are read."""
MAX_OPTIONS = 1_000
MAX_NAME = 64
"""Characters of a parameter's name."""
MAX_LINE = 2_000
"""Characters of a line that can be a heading, an option or a fact but for a description."""
MAX_TEXT = 20_000
"""Characters of a description."""


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

    None, an empty text or an empty tuple stand for what the page does not say.
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
    """Facts that were gathered from a sentence: they limit the form, and are not told as facts."""

    @property
    def facts(self) -> dict[str, Any]:
        """What the page states, by the names that `facts_of` has for it."""
        stated = {
            "name": self.name,
            "type": self.type,
            "required": self.required,
            "options": [option.value for option in self.options] or None,
            "default": self.default,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "step": self.step,
            "min_length": self.min_length,
            "max_length": self.max_length,
            "min_items": self.min_items,
            "max_items": self.max_items,
            "max_bytes": self.max_bytes,
            "accepts": list(self.accepts) or None,
            "pattern": self.pattern or None,
            "description": self.description or None,
        }
        return {
            name: fact
            for name, fact in stated.items()
            if fact is not None and name not in self.gathered
        }


@dataclass(frozen=True, kw_only=True)
class DocumentedModel:
    """All that a page says of one model."""

    model: str
    title: str
    parameters: tuple[DocumentedParameter, ...]
    summary: str = ""
    address: str = ""
    """Where the page is to be found, where it says so."""
    folder: str = ""
    """Where the documentation keeps it, such as `docs/en/Market/Video Models/Kling`."""
    results: tuple[str, ...] = ()
    """Addresses of results that the page shows."""
    warnings: tuple[str, ...] = ()


class Findings:
    """What is to be told of a page: the sentences that become a spec's warnings."""

    def __init__(self, sentences: Iterable[str] = ()) -> None:
        self._sentences = dict.fromkeys(sentences)

    def add(self, sentence: str) -> None:
        """Note a sentence, once."""
        self._sentences[sentence] = None

    def __iter__(self) -> Iterator[str]:
        return iter(self._sentences)


TYPES = ("string", "number", "integer", "boolean", "array", "object")
SCALARS = ("string", "number", "integer", "boolean")

_SAME = {
    "str": "string",
    "text": "string",
    "url": "string",
    "uri": "string",
    "file": "string",
    "enum": "string",
    "int": "integer",
    "long": "integer",
    "float": "number",
    "double": "number",
    "decimal": "number",
    "bool": "boolean",
    "list": "array",
    "dict": "object",
    "map": "object",
    "json": "object",
}
_WORD = re.compile(r"[a-z]+")


def type_word(stated: Any) -> str:
    """Return a type as OpenAPI spells it: `array` for `array<string>`; empty if it is none.

    Of several, as OpenAPI 3.1 allows, it is the first that is not `null`.
    """
    if isinstance(stated, list):
        return next((word for word in map(type_word, stated) if word not in ("", "null")), "")
    if not isinstance(stated, str):
        return ""
    text = stated.strip().lower()
    if text.endswith("[]"):
        return "array"
    words = _WORD.findall(text)
    if words and words[0] == "enum" and len(words) > 1:
        return type_word(words[1])
    word = _SAME.get(words[0], words[0]) if words else ""
    return word if word in TYPES or word == "null" else ""


_OF_VALUES: dict[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


def type_of_value(value: Any) -> str:
    """Return the word for the type of a value; empty for none."""
    return _OF_VALUES.get(type(value), "")


NUMBER = r"[-−+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d{1,3})?"
"""A number in running text, thousands separated or not."""

_NUMBER = re.compile(NUMBER)
_SIZE = re.compile(rf"({NUMBER})\s*([kmg]?)(i?)b(?:ytes?)?\b", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3}
_LARGEST = 10**30


def as_number(stated: Any) -> int | float | None:
    """Return a finite number, whole where it is; None for anything else."""
    number: int | float
    if isinstance(stated, str) and _NUMBER.fullmatch(stated.strip()):
        number = _parsed(stated.strip().replace("−", "-").replace(",", ""))
    elif isinstance(stated, (int, float)) and not isinstance(stated, bool):
        number = stated
    else:
        return None
    return number if math.isfinite(number) and abs(number) < _LARGEST else None


def _parsed(text: str) -> int | float:
    return int(text) if text.lstrip("-+").isdigit() and len(text) < 300 else float(text)


def as_count(stated: Any) -> int | None:
    """Return a whole number that counts something; None for anything else."""
    number = as_number(stated)
    return None if number is None or number < 0 or number != int(number) else int(number)


def bytes_in(text: str) -> int | None:
    """Return the first size in a text, such as "10.0MB", in bytes of the decimal kind."""
    match = _SIZE.search(text)
    if match is None:
        return None
    return size_of(match[1], match[2], is_binary=bool(match[3]))


def size_of(number: str, prefix: str, *, is_binary: bool = False) -> int | None:
    """Return so many bytes, kilobytes, megabytes or gigabytes."""
    amount = as_number(number)
    if amount is None or amount <= 0:
        return None
    unit: int = (1024 if is_binary else 1000) ** _POWERS[prefix.lower()]
    return round(amount * unit)
