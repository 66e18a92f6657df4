"""Facts that stand only in the words of a description."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from kie_ui.catalog.docs.media_fields import as_address, is_media
from kie_ui.catalog.docs.page import DocumentedParameter, Findings
from kie_ui.catalog.docs.wordings import (
    count_of_items,
    is_labelled,
    is_stated,
    length_in,
    limits_in,
    plain,
    range_in,
    size_in,
    types_in,
)


def completed(parameter: DocumentedParameter, findings: Findings) -> DocumentedParameter:
    """Add what only the description says; where it contradicts the rest, the rest counts."""
    told: dict[str, Any] = {}
    words = plain(parameter.description)
    for fact, found in _facts_in(parameter):
        stated = getattr(parameter, fact)
        if found is None or found == ():
            continue
        if stated is None or stated == ():
            told[fact] = found
        elif stated != found and fact != "accepts" and is_labelled(fact, words):
            findings.add(
                f"{parameter.name}: the description says {found} for “{fact}”, the page’s own "
                f"entry {stated}; the latter counts."
            )
    told["gathered"] = frozenset(fact for fact in told if not is_stated(fact, words))
    told["items"] = completed(parameter.items, Findings()) if parameter.items else None
    told["fields"] = tuple(completed(field, Findings()) for field in parameter.fields)
    return replace(parameter, **told)


def _facts_in(parameter: DocumentedParameter) -> Iterator[tuple[str, Any]]:
    parameter = as_address(parameter)
    words = plain(parameter.description)
    if not words or parameter.options:
        return
    match parameter.type:
        case "number" | "integer":
            yield from _numeric(parameter, words)
        case "string":
            yield from _of_file(parameter, words)
            if not is_media(parameter):
                yield from _of_text(words)
        case "array":
            yield from _of_file(parameter, words)
            yield "min_items", count_of_items(words).least
            yield "max_items", count_of_items(words).most


def _numeric(parameter: DocumentedParameter, words: str) -> Iterator[tuple[str, Any]]:
    limits = limits_in(words)
    if limits.least is None and limits.most is None:
        limits = limits._replace(least=range_in(words).least, most=range_in(words).most)
    if _is_between(parameter.default, limits.least, limits.most):
        yield "minimum", limits.least
        yield "maximum", limits.most
    yield "step", limits.step


def _is_between(default: Any, least: float | None, most: float | None) -> bool:
    """Tell whether limits let the documented default be: if not, the words meant another thing."""
    if isinstance(default, bool) or not isinstance(default, (int, float)):
        return True
    return (least is None or least <= default) and (most is None or default <= most)


def _of_text(words: str) -> Iterator[tuple[str, Any]]:
    length = length_in(words)
    yield "min_length", length.least
    yield "max_length", length.most
    limits = limits_in(words)
    if limits.least is not None and limits.most is not None:
        yield "minimum", limits.least
        yield "maximum", limits.most
        yield "step", limits.step


def _of_file(parameter: DocumentedParameter, words: str) -> Iterator[tuple[str, Any]]:
    told = types_in(words, only_listed=not is_media(parameter))
    yield "accepts", told
    if told or is_media(parameter):
        yield "max_bytes", size_in(words)
