"""The parameters of a request with what each is given, and the words and rows in that."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from kie_ui.catalog.parameters import Parameter, TableParameter, TextParameter


class Given(NamedTuple):
    """One parameter, and the value that a request gives it."""

    parameter: Parameter
    name: str
    """In plain small letters and underscores."""
    value: Any


def plain_name(name: str) -> str:
    """Bring a name into one spelling: `nVariants`, `n-variants` → `n_variants`."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return parted.replace("-", "_").replace(" ", "_").lower()


def names_image_task(parameter: Parameter) -> bool:
    """Tell whether a text is known to be the id of a task that made pictures."""
    return isinstance(parameter, TextParameter) and parameter.names == "image_task"


def texts_in(given: Given) -> Iterator[str]:
    """Return the words in a value: a text, or the texts of a table's rows."""
    if isinstance(given.parameter, TextParameter):
        yield given.value
    names = text_columns(given.parameter)
    for row in rows_of(given):
        yield from (value for name, value in row.items() if name in names)


def rows_of(given: Given) -> Iterator[dict[str, Any]]:
    """Return the rows of a table, each as an object; nothing for what is no table."""
    if isinstance(given.parameter, TableParameter):
        name = given.parameter.columns[0].name
        for row in given.value:
            yield {name: row} if given.parameter.is_bare else row


def text_columns(parameter: Parameter) -> frozenset[str]:
    """Return the names of a table's columns of text; none for what is no table."""
    if not isinstance(parameter, TableParameter):
        return frozenset()
    return frozenset(c.name for c in parameter.columns if isinstance(c, TextParameter))


_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def read_number(value: Any) -> float | None:
    """Read 5, 5.0, "5", "5s" and "5 seconds" as five."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    match = _NUMBER.match(value.strip()) if isinstance(value, str) else None
    try:
        number = float(match.group() if match else value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def spelt(value: Any) -> str:
    """Return a value as text; empty for what is no text and no number."""
    if isinstance(value, (list, tuple)):
        return spelt(value[0]) if value else ""
    return "" if isinstance(value, (bool, dict)) else str(value)
