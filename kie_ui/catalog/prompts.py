"""The words by which a person knows a run again, whatever its model calls them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kie_ui.catalog.media import JsonValue

NAMES = ("prompt", "text", "script", "lyrics", "description", "title", "caption", "question")
"""What models call the words that say what shall be made, the likeliest first."""
_BETWEEN_ROWS = " / "


def prompt_of(values: Mapping[str, Any]) -> str:
    """Return the words of a run's values, or of a request's input; empty where there are none."""
    tables = [rows for value in values.values() if (rows := _rows_of(value))]
    named = [_named(values), *map(_named_in_rows, tables)]
    texts = [value for value in values.values() if isinstance(value, str)]
    return next(filter(None, named), "") or _longest([*texts, *map(_longest_in_rows, tables)])


def _named(values: Mapping[str, Any]) -> str:
    """Return what stands under the likeliest name."""
    spoken = (values.get(name) for name in NAMES)
    return next((text for text in spoken if isinstance(text, str) and text.strip()), "")


def _named_in_rows(rows: list[Mapping[str, Any]]) -> str:
    return _BETWEEN_ROWS.join(text.strip() for row in rows if (text := _named(row)))


def _longest_in_rows(rows: list[Mapping[str, Any]]) -> str:
    """Return the column of the longest text, row after row."""
    columns = dict.fromkeys(name for row in rows for name in row)
    texts = {
        name: [row[name] for row in rows if isinstance(row.get(name), str)] for name in columns
    }
    found = max(columns, key=lambda name: len(_longest(texts[name])), default="")
    is_spoken = found and _longest(texts[found])
    return _BETWEEN_ROWS.join(text.strip() for text in texts[found] if text) if is_spoken else ""


def _longest(texts: Iterable[str]) -> str:
    """Return the longest text that has more than one word."""
    return max(filter(_is_speech, texts), key=len, default="")


def _rows_of(value: Any) -> list[Mapping[str, Any]]:
    plain = value.value if isinstance(value, JsonValue) else value
    return [row for row in plain if isinstance(row, Mapping)] if isinstance(plain, list) else []


def _is_speech(text: str) -> bool:
    return " " in text.strip() and "://" not in text.split(maxsplit=1)[0]
