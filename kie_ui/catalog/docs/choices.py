"""Values to choose from: their types, their names, what they count."""

from __future__ import annotations

import re
from typing import Any, Literal

from kie_ui.catalog.docs.media_fields import words_of
from kie_ui.catalog.docs.page import DocumentedOption, DocumentedParameter
from kie_ui.catalog.docs.text import labels_in
from kie_ui.catalog.parameters import Option

MAX_OPTION_LABEL = 200
MOST_SPELT = 200
"""Whole numbers in quotes that are offered as a list."""

_BARE_NUMBER = re.compile(r"\d+(\.\d+)?\Z")
_Of = Literal["string", "number", "integer"]


def type_of_options(documented: tuple[DocumentedOption, ...], word: str) -> _Of | None:
    """Return the type that the values have on the wire; None where they have no common one.

    A number in quotes is text, whatever the page calls the type.
    """
    values = [option.value for option in documented]
    if not values or any(isinstance(value, bool) for value in values):
        return None
    if all(isinstance(value, str) for value in values):
        return "string"
    if all(isinstance(value, int) for value in values) and word != "number":
        return "integer"
    return "number" if all(isinstance(value, (int, float)) for value in values) else None


def options_of(documented: DocumentedParameter) -> tuple[Option, ...]:
    """Return the options with their names: the page's own, or those of its description."""
    labels = labels_in(documented.description)
    return tuple(
        Option(value=option.value, label=_label(option, labels)) for option in documented.options
    )


def _label(option: DocumentedOption, labels: dict[str, str]) -> str:
    label = option.label or labels.get(str(option.value)) or str(option.value)
    return label.strip()[:MAX_OPTION_LABEL] or "(empty)"


def unit_of(documented: DocumentedParameter) -> str | None:
    """Return what the options count, where they are bare numbers of seconds."""
    is_time = "duration" in words_of(documented.name)
    in_seconds = "second" in documented.description.lower()
    bare = all(_BARE_NUMBER.match(str(option.value)) for option in documented.options)
    return "s" if is_time and in_seconds and bare else None


def chosen(default: Any, values: tuple[Any, ...], *, many: bool) -> Any:
    """Return a default among the values, in their type; None where it is not among them."""
    wanted = default if many and isinstance(default, list) else [default]
    known = {str(value): value for value in values}
    if not wanted or any(isinstance(one, bool) or str(one) not in known for one in wanted):
        return None
    found = tuple(known[str(one)] for one in wanted)
    return found if many else found[0]


def spelt_numbers(documented: DocumentedParameter) -> tuple[DocumentedOption, ...]:
    """Return the whole numbers of a range in quotes, where a text is to be one of them."""
    low, high = documented.minimum, documented.maximum
    if low is None or high is None or documented.max_length or (documented.step or 1) != 1:
        return ()
    if low != int(low) or not low < high < low + MOST_SPELT:
        return ()
    return tuple(DocumentedOption(str(number)) for number in range(int(low), int(high) + 1))
