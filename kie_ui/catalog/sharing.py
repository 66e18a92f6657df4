"""Models as one file: written to be shared, and read as something that a stranger wrote."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterable
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import from_json, to_json

from kie_ui.catalog.bounds import Unfit, fitted
from kie_ui.catalog.spec import ModelSpec

FORMAT = "kie-ui-models"
VERSION = 1
MAX_FILE_BYTES = 10_000_000
MAX_MODELS = 1_000


class UnreadableModels(ValueError):
    """Not a file of models that can be read; the text is a sentence for the person."""


class SharedModels(NamedTuple):
    """What stands in a file of models."""

    specs: tuple[ModelSpec, ...]
    problems: tuple[str, ...]
    """A sentence for each model in it that can't be taken in."""


def write_models(specs: Iterable[ModelSpec]) -> bytes:
    """Write models as one file: what is known of each, and nothing of whoever has them."""
    models = [spec.model_dump(mode="json") for spec in specs]
    return to_json({"format": FORMAT, "version": VERSION, "models": models}, indent=1) + b"\n"


def looks_like_models(text: str | bytes) -> bool:
    """Tell a file of models from a documentation page, by how it begins."""
    head = text[:400] if isinstance(text, str) else text[:400].decode("utf-8", "replace")
    return head.lstrip("\ufeff \t\r\n").startswith("{") and f'"{FORMAT}"' in head


def read_models(data: str | bytes) -> SharedModels:
    """Read a file of models, each checked on its own.

    Raises: UnreadableModels, also where none of them can be taken in.
    """
    models = _models_in(data)
    specs: dict[str, ModelSpec] = {}
    problems = []
    for number, given in enumerate(models, start=1):
        try:
            spec = fitted(ModelSpec.model_validate_json(to_json(given, inf_nan_mode="null")))
        except (ValidationError, Unfit) as problem:
            problems.append(f"{_named(number, given)} cannot be taken in: {_reason(problem)}")
        else:
            specs[spec.model] = spec
    if not specs:
        raise UnreadableModels(problems[0] if problems else "There is no model in this file.")
    return SharedModels(tuple(specs.values()), tuple(problems))


def _models_in(data: str | bytes) -> list[Any]:
    raw = data.encode(errors="replace") if isinstance(data, str) else data
    if len(raw) > MAX_FILE_BYTES:
        megabytes = MAX_FILE_BYTES // 10**6
        raise UnreadableModels(f"This file is too large: one of models has {megabytes} MB at most.")
    try:
        told = from_json(raw.removeprefix(BOM_UTF8), allow_inf_nan=False)
    except ValueError:
        raise UnreadableModels("This file cannot be read: it is damaged, or no JSON.") from None
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise UnreadableModels("This is no file of models from Kie UI.")
    if told.get("version") != VERSION:
        raise UnreadableModels("This file was written by a newer Kie UI: update this one first.")
    models = told.get("models")
    if not isinstance(models, list) or len(models) > MAX_MODELS:
        raise UnreadableModels(f"A file of models holds a list of {MAX_MODELS:,} at most.")
    return models


def _named(number: int, given: object) -> str:
    model = given.get("model") if isinstance(given, dict) else None
    return f"“{model[:80]}”" if isinstance(model, str) and model else f"Model {number} of the file"


def _reason(problem: ValidationError | Unfit) -> str:
    if isinstance(problem, Unfit):
        return str(problem)
    first = problem.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])[:120]
    return f"{where}: {first['msg']}." if where else f"{first['msg']}."
