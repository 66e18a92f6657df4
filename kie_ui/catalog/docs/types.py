"""The words for types that pages use."""

from __future__ import annotations

import re
from typing import Any

TYPES = ("string", "number", "integer", "boolean", "array", "object")
SCALARS = ("string", "number", "integer", "boolean")

_SAME = {
    "str": "string",
    "text": "string",
    "url": "string",
    "uri": "string",
    "file": "string",
    "enum": "string",
    "int": "integer",
    "long": "integer",
    "float": "number",
    "double": "number",
    "decimal": "number",
    "bool": "boolean",
    "list": "array",
    "dict": "object",
    "map": "object",
    "json": "object",
}
_WORD = re.compile(r"[a-z]+")


def type_word(stated: Any) -> str:
    """Return a type as OpenAPI spells it: `array` for `array<string>`; empty if it is none.

    Of several, as OpenAPI 3.1 allows, it is the first that is not `null`.
    """
    if isinstance(stated, list):
        return next((word for word in map(type_word, stated) if word not in ("", "null")), "")
    if not isinstance(stated, str):
        return ""
    text = stated.strip().lower()
    if text.endswith("[]"):
        return "array"
    words = _WORD.findall(text)
    if words and words[0] == "enum" and len(words) > 1:
        return type_word(words[1])
    word = _SAME.get(words[0], words[0]) if words else ""
    return word if word in TYPES or word == "null" else ""


_OF_VALUES: dict[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


def type_of_value(value: Any) -> str:
    """Return the word for the type of a value; empty for none."""
    return _OF_VALUES.get(type(value), "")
