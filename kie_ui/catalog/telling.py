"""Models as the command line prints them: for a person, or for a program."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from kie_ui.catalog.entries import Entry
from kie_ui.catalog.facts import facts_of, facts_of_model
from kie_ui.catalog.parameters import Parameter
from kie_ui.catalog.spec import ModelSpec

_LONGEST = 60
"""Characters of a fact in a line."""
_HAS_A_PLACE = ("name", "type", "required", "description", "widget")


def facts_as_json(specs: Iterable[ModelSpec]) -> str:
    """Write all that is known of models as one JSON array."""
    return _as_json([facts_of_model(spec) for spec in specs])


def entries_as_json(entries: Iterable[Entry]) -> str:
    """Write which models there are as one JSON array."""
    return _as_json(
        [
            {
                "model": entry.model,
                "title": entry.title,
                "makes": entry.spec.produces,
                "parameters": len(entry.spec.parameters),
                "marks": _marks(entry),
            }
            for entry in entries
        ]
    )


def entry_line(entry: Entry) -> str:
    """Write a model as one line of columns with tabs between them."""
    return f"{entry.model}\t{entry.title}\t{', '.join(_marks(entry))}\n"


def model_text(spec: ModelSpec) -> str:
    """Write a model for a person: each parameter a line, then what its page left open."""
    rows = [_row(parameter) for parameter in spec.parameters]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [f"{spec.model}  {spec.title}, makes {spec.produces}"]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        lines.append(f"  {'  '.join(cells)}  {row[4]}".rstrip())
    lines += [f"  Note: {line(warning)}" for warning in spec.warnings]
    return "\n".join(lines) + "\n"


def _row(parameter: Parameter) -> tuple[str, str, str, str, str]:
    facts = facts_of(parameter)
    required = "required" if parameter.required else "optional"
    others = (f"{name}={_shown(facts[name])}" for name in facts if name not in _HAS_A_PLACE)
    return line(parameter.name), facts["type"], required, facts["widget"], "  ".join(others)


def _marks(entry: Entry) -> list[str]:
    return list(_each_mark(entry))


def _each_mark(entry: Entry) -> Iterator[str]:
    yield "built in" if entry.is_built_in else "added"
    if entry.is_replaced:
        yield "replaced"
    if entry.is_hidden:
        yield "hidden"


def _shown(value: object) -> str:
    text = line(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def line(text: str) -> str:
    """Keep what a page says from moving a terminal's cursor, or from looking like two lines."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
