"""What stands for a file among the values of a form: a file that we hold, or a web address."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

MAX_URL_LENGTH = 2048
"""Characters; the longest address that servers and proxies commonly take."""


class FileRef(BaseModel):
    """A file on this machine, still to be uploaded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["file"] = "file"
    path: str
    """Where it is; what the path is relative to is up to the holder."""
    name: str
    """What its owner calls it."""

    @field_validator("name")
    @classmethod
    def _can_be_written(cls, name: str) -> str:
        """Put `?` where a name holds half a surrogate pair, which no text file can."""
        return name.encode(errors="replace").decode()


class UrlRef(BaseModel):
    """A web address, passed on as it is and never fetched by us."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["url"] = "url"
    url: str

    @field_validator("url")
    @classmethod
    def _is_fetchable(cls, url: str) -> str:
        url = url.strip()
        if not is_web_address(url):
            raise ValueError("not a web address")
        return url


MediaRef = Annotated[FileRef | UrlRef, Field(discriminator="kind")]


class JsonValue(BaseModel):
    """A value of the wire that is neither text nor a number nor media: a list or an object.

    Wrapped, so that nothing in it is ever taken for a `FileRef`, whatever it looks like.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["json"] = "json"
    value: Any


def is_web_address(text: str) -> bool:
    """Tell whether `text` is an http(s) address with a host, of a length that servers take."""
    if len(text) > MAX_URL_LENGTH or any(_is_blank_or_control(character) for character in text):
        return False
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - raises unless it is a number that can be a port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _is_blank_or_control(character: str) -> bool:
    """Find what `urlsplit` would drop in silence, and lone surrogates, which can't be sent."""
    return character.isspace() or unicodedata.category(character) in ("Cc", "Cs")


def as_media(value: Any) -> Any:
    """Read a bare string as a web address, let references through, and turn all else into None.

    None fits no `MediaRef`, so pydantic refuses it. That goes for data too: a dict from outside
    never becomes a `FileRef`, or whoever fills a form in could name any file of this machine.
    """
    if isinstance(value, str):
        return {"kind": "url", "url": value}
    return value if isinstance(value, (FileRef, UrlRef)) else None


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
