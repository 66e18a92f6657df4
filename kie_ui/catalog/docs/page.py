"""What a documentation page says of a model, before it is decided what form that makes."""

from __future__ import annotations

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
