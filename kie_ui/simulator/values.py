"""Single values of a request, in whatever type and spelling they come."""

from __future__ import annotations

import math
import re
from typing import Any

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
