"""Documented patterns, checked by an engine whose time grows with the text and never explodes.

A page may bring any pattern, also one that would keep Python's own engine busy for years.
"""

from __future__ import annotations

from functools import lru_cache

from pydantic_core import SchemaError, SchemaValidator, ValidationError
from pydantic_core.core_schema import str_schema


def is_checkable(pattern: str) -> bool:
    """Tell whether a pattern can be checked: it is sound, and asks for no look-around."""
    return _validator(pattern) is not None


def fits_pattern(pattern: str, text: str) -> bool:
    """Tell whether a pattern is found in a text; one that can't be checked stands in no way."""
    validator = _validator(pattern)
    if validator is None:
        return True
    try:
        validator.validate_python(text)
    except ValidationError:
        return False
    return True


@lru_cache(maxsize=256)
def _validator(pattern: str) -> SchemaValidator | None:
    try:
        return SchemaValidator(str_schema(pattern=pattern, regex_engine="rust-regex"))
    except SchemaError:
        return None
