"""A run as a line of a table, and the words that its clip's file is called by."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from kie_ui.catalog.media import FileRef, JsonValue
from kie_ui.media.archive import readable_name
from kie_ui.runs.run import Run

MARK_DIGITS = 6

NAMES_APART = " | "
"""Between the names of several clips: no file name has such a bar."""

_ENOUGH = 400
"""Characters of a prompt that a name is made from; of these it takes what it has room for."""

_TASK_KIND = re.compile(r"-?[a-z]+-to-[a-z]+$")


def clip_name(run: Run, number: int, suffix: str, *, digits: int = MARK_DIGITS) -> str:
    """Return the readable file name of one clip of a run: when, with what, from which words.

    It ends with a mark, so many `digits` of the run's id and from the second clip on its number,
    by which the clips of equal runs are told apart. `number` counts from 0; `suffix` begins with
    its dot. Raises: ValueError for a suffix that is none.
    """
    mark = run.id[:digits] + (f"-{number + 1}" if number else "")
    parts = (_when(run).strftime("%Y-%m-%d %H.%M.%S"), short_model(run.model), run.prompt[:_ENOUGH])
    return readable_name(parts, suffix, mark=mark)


def clip_names(run: Run, suffixes: Mapping[int, str], taken: set[str]) -> tuple[str, ...]:
    """Name clips of a run, by their numbers: none as in `taken`, to which these names are added.

    Ids that begin alike are very rare: then the marks are longer.
    """
    names: tuple[str, ...] = ()
    for digits in range(MARK_DIGITS, len(run.id) + 1):
        names = tuple(clip_name(run, *each, digits=digits) for each in suffixes.items())
        if taken.isdisjoint(map(str.casefold, names)):
            break
    taken.update(map(str.casefold, names))
    return names


def short_model(model: str) -> str:
    """Return what a model is called by for short: `bytedance/v1-lite-image-to-video` is v1-lite."""
    maker, _, last = model.rpartition("/")
    return _TASK_KIND.sub("", last) or maker or last


def row_of(run: Run, names: Iterable[str]) -> dict[str, object]:
    """Return what a table tells of a run: nothing of its owner, nor of Kie's addresses."""
    return {
        "file": NAMES_APART.join(names),
        "date (UTC)": _when(run).strftime("%Y-%m-%d %H:%M:%S"),
        "model": run.model,
        "state": str(run.step),
        **{name: _cell(value) for name, value in run.values.items()},
        "credits": run.credits_used,
        "task id": run.task_id,
        "favourite": run.is_favourite,
        "note": run.remark,
    }


def _when(run: Run) -> datetime:
    return datetime.fromtimestamp(run.created_at_ms / 1000, UTC)


def _cell(value: Any) -> object:
    if isinstance(value, JsonValue):
        return json.dumps(value.value, ensure_ascii=False)
    if not isinstance(value, tuple):
        return value
    return "; ".join(ref.name if isinstance(ref, FileRef) else ref.url for ref in value)
