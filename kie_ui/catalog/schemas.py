"""JSON Schemas that may come from anywhere, made such that checking by them costs nothing.

Of a schema only what our own reading of a page writes is kept: no references, which a checker
would follow to other machines and to files, and no patterns, which can keep it busy for years.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

MAX_DEPTH = 20
MAX_PARTS = 2_000
MAX_VALUES = 1_000
LARGEST_WHOLE = 2**53
"""Beyond it numbers lose digits in browsers, and beyond 2**63 they can't be sent to one."""

_TYPES = frozenset(("string", "number", "integer", "boolean", "array", "object", "null"))
_COUNTS = ("minLength", "maxLength", "minItems", "maxItems")
_LIMITS = ("minimum", "maximum")


def harmless_schema(schema: Any) -> dict[str, Any]:
    """Return of a schema what can be checked without harm; the rest is left to the service."""
    return _Cleaner().cleaned(schema, 0)


class _Cleaner:
    """Goes through one schema, and stops where it is larger than any that is documented."""

    def __init__(self) -> None:
        self._parts = 0

    def cleaned(self, schema: Any, depth: int) -> dict[str, Any]:
        self._parts += 1
        if not isinstance(schema, Mapping) or depth > MAX_DEPTH or self._parts > MAX_PARTS:
            return {}
        kept = {
            "type": _types(schema.get("type")),
            "enum": _values(schema.get("enum")),
            **{name: _count(schema.get(name)) for name in _COUNTS},
            **{name: _number(schema.get(name)) for name in _LIMITS},
            **self._inner(schema, depth + 1),
        }
        return {name: value for name, value in kept.items() if value is not None}

    def _inner(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        inner: dict[str, Any] = {}
        shapes, fields, needed = (schema.get(n) for n in ("anyOf", "properties", "required"))
        if isinstance(shapes, list) and shapes:
            inner["anyOf"] = [self.cleaned(shape, depth) for shape in shapes[:MAX_VALUES]]
        if isinstance(schema.get("items"), Mapping):
            inner["items"] = self.cleaned(schema["items"], depth)
        if isinstance(fields, Mapping):
            inner["properties"] = {str(n): self.cleaned(f, depth) for n, f in fields.items()}
        if isinstance(needed, list):
            inner["required"] = list(dict.fromkeys(n for n in needed if isinstance(n, str)))
        return inner


def is_plain(value: Any, depth: int = 0) -> bool:
    """Tell whether a value can be sent to a browser: no number is endless, nothing is too deep."""
    match value:
        case list() | tuple():
            inner = list(value)
        case Mapping():
            inner = [*value.values(), None if all(isinstance(n, str) for n in value) else b""]
        case _:
            return _is_plain_leaf(value)
    return depth < MAX_DEPTH and all(is_plain(item, depth + 1) for item in inner)


def _is_plain_leaf(value: Any) -> bool:
    if isinstance(value, int):
        return abs(value) <= LARGEST_WHOLE
    return math.isfinite(value) if isinstance(value, float) else isinstance(value, str | None)


def _types(value: Any) -> Any:
    if isinstance(value, str):
        return value if value in _TYPES else None
    if isinstance(value, list) and value and all(t in _TYPES for t in value if isinstance(t, str)):
        return list(dict.fromkeys(t for t in value if isinstance(t, str))) or None
    return None


def _values(value: Any) -> list[Any] | None:
    is_list = isinstance(value, list) and 0 < len(value) <= MAX_VALUES
    return value if is_list and is_plain(value) else None


def _count(value: Any) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool)
    return value if is_count and 0 <= value <= LARGEST_WHOLE else None


def _number(value: Any) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if is_number and abs(value) < math.inf and math.isfinite(float(value)) else None
