"""JSON text, read strictly: what JSON does not know is refused, however deep it nests."""

from __future__ import annotations

import json
import math
from typing import Any


def read_json(text: str | bytes) -> Any:
    """Return the data of a JSON text.

    Raises: ValueError, of which json.JSONDecodeError says where; also for NaN and endless numbers,
    for bytes that are not UTF-8, and for what nests too deeply to be read.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def read_json_object(text: str | bytes) -> dict[str, Any]:
    """Return the data of a JSON text that is an object. Raises: ValueError, as `read_json` does."""
    data = read_json(text)
    if not isinstance(data, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - callers expect one kind of error
    return data


def _refuse_constant(word: str) -> float:
    raise ValueError(f"{word} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse_constant(text)
