"""What a page was understood to say, as the page shows it before a model is added."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from kie_ui.catalog.diff import compare
from kie_ui.catalog.entries import Entry
from kie_ui.catalog.facts import facts_of
from kie_ui.catalog.parameters import MediaParameter, Parameter, TableParameter, TextParameter
from kie_ui.catalog.spec import ModelSpec
from kie_ui.media.types import TYPES, usual_spelling

MOST_OPTIONS = 40
"""Options that are shown of one parameter; of a hundred voices nobody reads more."""
MOST_CHARACTERS = 600
"""Of a text that a page states."""

_KINDS = {
    "image": ("a picture", "pictures"),
    "video": ("a video", "videos"),
    "audio": ("a sound", "sounds"),
    "file": ("a file", "files"),
}
_ENTRIES = {True: ("file", "files"), False: ("entry", "entries")}


def preview(spec: ModelSpec, known: Entry | None) -> dict[str, Any]:
    """Describe a spec that was read, and what it would change of the one that there is."""
    return {
        "model": spec.model,
        "title": spec.title,
        "maker": spec.maker,
        "summary": _cut(spec.summary),
        "produces": spec.produces,
        "documentation": spec.documentation,
        "parameters": [_parameter(parameter) for parameter in spec.parameters],
        "warnings": list(spec.warnings),
        **_beside(spec, known),
    }


def _beside(spec: ModelSpec, known: Entry | None) -> dict[str, Any]:
    if known is None:
        return {"state": "new", "changes": []}
    difference = compare(known.spec, spec)
    state = "same" if difference.is_same else "newer"
    changes = list(difference.sentences)
    return {"state": state, "changes": changes, "is_built_in": known.is_built_in}


def takes(spec: ModelSpec) -> list[str]:
    """Say in a few words what a model is given: "text", "up to 3 pictures"."""
    words: dict[str, None] = {}
    if any(isinstance(p, TextParameter) and (p.required or p.multiline) for p in spec.parameters):
        words["text"] = None
    for parameter in spec.parameters:
        match parameter:
            case MediaParameter():
                words[_files(parameter)] = None
            case TableParameter():
                words["a table"] = None
    return list(words)


def _files(parameter: MediaParameter) -> str:
    one, several = _KINDS[parameter.media]
    if not parameter.many or parameter.max_items == 1:
        return one
    return several if parameter.max_items is None else f"up to {parameter.max_items} {several}"


def _parameter(parameter: Parameter) -> dict[str, Any]:
    facts = facts_of(parameter)
    options = facts.get("options", [])
    return {
        "name": parameter.name,
        "label": parameter.label,
        "type": facts["type"],
        "widget": facts["widget"],
        "required": parameter.required,
        "help": _cut(parameter.help),
        "options": [_plain(option) for option in options[:MOST_OPTIONS]],
        "more_options": max(0, len(options) - MOST_OPTIONS),
        "default": _plain(facts["default"]) if "default" in facts else None,
        "limits": list(_limits(facts, is_media=isinstance(parameter, MediaParameter))),
    }


def _limits(facts: Mapping[str, Any], *, is_media: bool) -> Iterator[str]:
    """Say every limit that a page states, in words."""
    yield from _between(facts.get("minimum"), facts.get("maximum"))
    if "step" in facts:
        yield f"in steps of {facts['step']}"
    yield from _count(facts.get("min_length"), facts.get("max_length"), "character", "characters")
    yield from _count(facts.get("min_items"), facts.get("max_items"), *_ENTRIES[is_media])
    if "max_bytes" in facts:
        yield f"up to {facts['max_bytes'] / 10**6:g} MB each"
    if "accepts" in facts:
        kinds = dict.fromkeys(_file_type(kind) for kind in facts["accepts"])
        yield ", ".join(kinds)
    if "pattern" in facts:
        yield f"like {_cut(str(facts['pattern']))}"


def _between(low: float | None, high: float | None) -> Iterator[str]:
    if low is not None and high is not None:
        yield f"{low} to {high}"
    elif low is not None:
        yield f"{low} or more"
    elif high is not None:
        yield f"{high} or less"


def _count(low: int | None, high: int | None, one: str, several: str) -> Iterator[str]:
    if high is None:
        if low:
            yield f"at least {low:,} {one if low == 1 else several}"
    elif low == high:
        yield f"exactly {high:,} {one if high == 1 else several}"
    elif low:
        yield f"{low:,} to {high:,} {several}"
    else:
        yield f"up to {high:,} {one if high == 1 else several}"


def _file_type(mime: str) -> str:
    _, word = TYPES.get(usual_spelling(mime), ("", mime.partition("/")[2].upper()))
    return word or mime


def _plain(value: Any) -> str:
    """Write a value of the wire as people read it; text stands as it is."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _cut(text)


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1].rstrip() + "…"
