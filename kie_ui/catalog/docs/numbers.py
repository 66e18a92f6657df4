"""Numbers, counts and sizes as pages write them."""

from __future__ import annotations

import math
import re
from typing import Any

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
