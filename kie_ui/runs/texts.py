"""What a model wrote: text or data that comes within a task's record, and in no file.

plain text    as it is
all else      as JSON, indented
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from kie_ui.kie.records import TaskRecord

EXCERPT_LENGTH = 400
"""Characters: as many as a small picture of it shows."""
_EXCERPT_LINES = 12
_TOO_DEEP = "This is nested too deeply to be shown: it stands in the record of the run."


def text_in(record: Mapping[str, Any]) -> str | None:
    """Return what a model wrote, by its task's record; None where it wrote nothing."""
    made = TaskRecord.from_data(record).result_object
    return None if made is None else _in_full(made)


def excerpt_of(made: Any) -> str:
    """Return how what a model wrote begins: of data a line for each of its values."""
    if isinstance(made, str):
        return _storable(made[: 4 * EXCERPT_LENGTH].strip()[:EXCERPT_LENGTH])
    lines = islice(_lines(made), _EXCERPT_LINES)
    return _storable("\n".join(lines)[:EXCERPT_LENGTH])


def size_of(made: Any) -> int:
    """Return how many bytes a file with it has."""
    return len(_in_full(made).encode())


def _in_full(made: Any) -> str:
    return _storable(made if isinstance(made, str) else _as_json(made))


def _as_json(made: Any) -> str:
    try:
        return json.dumps(made, ensure_ascii=False, indent=2)
    except RecursionError:
        return _TOO_DEEP


def _lines(made: Any) -> Iterable[str]:
    match made:
        case dict():
            return (f"{name}: {_short(value)}" for name, value in made.items())
        case list():
            return map(_short, made)
        case _:
            return (_short(made),)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else _as_json(value)
    return " ".join(text[:EXCERPT_LENGTH].split())


def _storable(text: str) -> str:
    """Put `?` where text holds half a character, which no file and no page takes."""
    return text.encode(errors="replace").decode()
