"""Models as one file: written to be shared, and read as something that a stranger wrote."""

from __future__ import annotations

import sys
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json, to_json

from kie_ui.catalog.docs_import.documented import UnreadablePage
from kie_ui.catalog.docs_import.read_page import read_page
from kie_ui.catalog.sanitize import UnusableSpec, sanitize_spec
from kie_ui.catalog.spec import ModelSpec

FORMAT = "kie-ui-models"
VERSION = 1
MAX_FILE_BYTES = 10_000_000
MAX_MODELS = 1_000
STANDARD_INPUT = "-"
PAGE_SUFFIXES = (".md", ".markdown", ".txt", ".json")
"""What is read of a folder."""


class UnreadableModels(ValueError):
    """Not a file of models that can be read; the text is a sentence for the person."""


@dataclass(frozen=True)
class Source:
    """What was read of one file."""

    name: str
    specs: tuple[ModelSpec, ...] = ()
    problems: tuple[str, ...] = ()
    """A sentence for each thing in it that cannot be taken in."""


def write_models(specs: Iterable[ModelSpec]) -> bytes:
    """Write models as one file: what is known of each, and nothing about their owner."""
    models = [spec.model_dump(mode="json") for spec in specs]
    return to_json({"format": FORMAT, "version": VERSION, "models": models}, indent=1) + b"\n"


def looks_like_models(text: str | bytes) -> bool:
    """Tell a file of models from a documentation page, by how it begins."""
    head = text[:400] if isinstance(text, str) else text[:400].decode("utf-8", "replace")
    return head.lstrip("\ufeff \t\r\n").startswith("{") and f'"{FORMAT}"' in head


def read_models(data: str | bytes, name: str = "") -> Source:
    """Read a file of models, each checked on its own.

    Raises: UnreadableModels, also where none of them can be taken in.
    """
    models = _models_in(data)
    specs: dict[str, ModelSpec] = {}
    problems = []
    for number, given in enumerate(models, start=1):
        try:
            spec = sanitize_spec(ModelSpec.model_validate_json(to_json(given, inf_nan_mode="null")))
        except (ValidationError, UnusableSpec) as problem:
            problems.append(f"{_named(number, given)} cannot be added: {_reason(problem)}")
        else:
            specs[spec.model] = spec
    if not specs:
        raise UnreadableModels(problems[0] if problems else "There is no model in this file.")
    return Source(name, tuple(specs.values()), tuple(problems))


def _models_in(data: str | bytes) -> list[Any]:
    raw = data.encode(errors="replace") if isinstance(data, str) else data
    if len(raw) > MAX_FILE_BYTES:
        megabytes = MAX_FILE_BYTES // 10**6
        raise UnreadableModels(f"This file is too large: at most {megabytes} MB are allowed.")
    try:
        # Not `strict_json`: a limit of 1e999 is read as none, and half an emoji not at all.
        content = from_json(raw.removeprefix(BOM_UTF8), allow_inf_nan=False)
    except ValueError:
        raise UnreadableModels("This file cannot be read: it is damaged, or not JSON.") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UnreadableModels("This is not a file of models from Kie UI.")
    if content.get("version") != VERSION:
        raise UnreadableModels("This file was written by a newer Kie UI: update this one first.")
    models = content.get("models")
    if not isinstance(models, list) or len(models) > MAX_MODELS:
        raise UnreadableModels(f"A file of models holds at most {MAX_MODELS:,} models.")
    return models


def _named(number: int, given: object) -> str:
    model = given.get("model") if isinstance(given, dict) else None
    return f"“{model[:80]}”" if isinstance(model, str) and model else f"Model {number} of the file"


def _reason(problem: ValidationError | UnusableSpec) -> str:
    if isinstance(problem, UnusableSpec):
        return str(problem)
    first = problem.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])[:120]
    return f"{where}: {first['msg']}." if where else f"{first['msg']}."


def read_sources(names: Iterable[str]) -> Iterator[Source]:
    """Read files by their names, one after the other; a folder means the pages in it."""
    for name in names:
        folder = Path(name)
        if name == STANDARD_INPUT or not folder.is_dir():
            yield read_source(name)
            continue
        pages = sorted(p for p in folder.iterdir() if p.suffix.lower() in PAGE_SUFFIXES)
        yield from (read_source(str(page)) for page in pages)
        if not pages:
            yield Source(name, problems=("There is no page in this folder.",))


def read_source(name: str) -> Source:
    """Read one file, or the standard input."""
    if name.startswith(("https://", "http://")):
        return Source(name, problems=("This is an address: save its page to a file first.",))
    try:
        data = _content(name)
    except OSError as exc:
        return Source(name, problems=(f"It cannot be read: {exc.strerror or exc}.",))
    return read_text(data.decode("utf-8", "replace"), name)


def read_text(text: str, name: str) -> Source:
    """Read the text of a page, or of a file of models."""
    try:
        if looks_like_models(text):
            return read_models(text, name)
        return Source(name, tuple(sanitize_spec(spec) for spec in read_page(text, name)))
    except (UnreadablePage, UnreadableModels, UnusableSpec) as problem:
        return Source(name, problems=(str(problem),))


def _content(name: str) -> bytes:
    """Read at most one byte more than is allowed."""
    if name == STANDARD_INPUT:
        return sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
    with Path(name).open("rb") as file:
        return file.read(MAX_FILE_BYTES + 1)
