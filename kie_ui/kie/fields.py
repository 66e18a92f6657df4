"""Single values off the wire, read tolerantly: what makes no sense becomes None or nothing."""

import json
from typing import Annotated, Any

import httpx
from pydantic import BeforeValidator

_EXACT_INTEGERS_END = 2**53  # beyond it a float, hence a number in JSON, is no longer exact


def number(value: object) -> float | None:
    """Read a number that may come as text; booleans and infinities are not numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        read = float(value)
    except (ValueError, OverflowError):
        return None
    return read if abs(read) < _EXACT_INTEGERS_END else None


def whole_number(value: object) -> int | None:
    """Read a number and drop its fraction."""
    read = number(value)
    return None if read is None else int(read)


def text(value: object) -> str:
    """Read a text; a number becomes its digits, an object its JSON, all else nothing."""
    if isinstance(value, dict):
        value = _as_json(value)
    if isinstance(value, str):
        # JSON can hold half a surrogate pair, which no file, database or page can.
        return value.encode("utf-8", "replace").decode()
    read = number(value)
    if read is None:
        return ""
    return str(int(read) if read.is_integer() else read)


def _as_json(value: dict[str, Any]) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        return ""


def json_object(value: object) -> dict[str, Any] | None:
    """Read an object that may come as JSON text; anything else is None."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) else None


def is_web_address(address: str) -> bool:
    """Whether `address` is an absolute http or https address that can be asked."""
    try:
        url = httpx.URL(address)
    except (httpx.InvalidURL, ValueError):
        return False
    return url.scheme in ("http", "https") and bool(url.host) and "%" not in url.host


def _text_or_none(value: object) -> str | None:
    return text(value).strip() or None


def _time_ms(value: object) -> int | None:
    read = whole_number(value)
    return read if read is not None and read > 0 else None


def _credits(value: object) -> float | None:
    read = number(value)
    return read if read is not None and read >= 0 else None


def _percent(value: object) -> float | None:
    read = number(value)
    return read if read is not None and 0 <= read <= 100 else None


Text = Annotated[str, BeforeValidator(text)]
OptionalText = Annotated[str | None, BeforeValidator(_text_or_none)]
WholeNumber = Annotated[int | None, BeforeValidator(whole_number)]
TimeMs = Annotated[int | None, BeforeValidator(_time_ms)]
Credits = Annotated[float | None, BeforeValidator(_credits)]
Percent = Annotated[float | None, BeforeValidator(_percent)]
