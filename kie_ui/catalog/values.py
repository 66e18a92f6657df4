"""Files among the values of a form: a file that we hold, or a web address."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, Field, field_validator

MAX_URL_LENGTH = 2048
"""Characters; the longest address that servers and proxies commonly take."""
_LIKE_IPV4 = re.compile(r"\d+(\.\d+){3}")


class FileRef(BaseModel, frozen=True, extra="forbid"):
    """A file on this machine, still to be uploaded."""

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


class UrlRef(BaseModel, frozen=True, extra="forbid"):
    """A web address, passed on as it is and never fetched by us."""

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


class JsonValue(BaseModel, frozen=True, extra="forbid"):
    """A value of the wire that is neither text nor a number nor media: a list or an object.

    Wrapped, so that nothing in it is ever mistaken for a `FileRef`.
    """

    kind: Literal["json"] = "json"
    value: Any


def is_web_address(text: str, max_length: int = MAX_URL_LENGTH) -> bool:
    """Tell whether `text` is an absolute http(s) address that a request can be sent to."""
    if len(text) > max_length or any(_is_blank_or_control(character) for character in text):
        return False
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - raises unless it is a number that can be a port
        return parts.scheme in ("http", "https") and _can_be_host(parts)
    except ValueError:
        return False


def _is_blank_or_control(character: str) -> bool:
    """Find what `urlsplit` would drop in silence, and lone surrogates, which can't be sent."""
    return character.isspace() or unicodedata.category(character) in ("Cc", "Cs")


def _can_be_host(parts: SplitResult) -> bool:
    """Tell whether a host is one that HTTP clients look up. Raises: ValueError for some others."""
    host = parts.hostname or ""
    if not host.isascii():
        import idna

        return bool(idna.encode(host))
    if "[" in parts.netloc or _LIKE_IPV4.fullmatch(host):
        ipaddress.ip_address(host)
    return bool(host) and "%" not in host


def as_media(value: Any) -> Any:
    """Read a bare string as a web address, let references through, and turn all else into None.

    None fits no `MediaRef`, so pydantic refuses it. That goes for data too: a dict from outside
    never becomes a `FileRef`, or anyone who fills a form in could name any file of this machine.
    """
    if isinstance(value, str):
        return {"kind": "url", "url": value}
    return value if isinstance(value, (FileRef, UrlRef)) else None
