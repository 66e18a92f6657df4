"""Where the fixture pages are, and what was read from them, by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kie_ui.catalog.describe import facts_of
from kie_ui.catalog.docs_import.documented import DocumentedModel
from kie_ui.catalog.docs_import.read_page import read_models, read_page
from kie_ui.catalog.spec import ModelSpec

PAGES = Path(__file__).parent / "pages"


def page(name: str) -> str:
    """Return the text of a fixture page."""
    return (PAGES / name).read_text(encoding="utf-8")


def only(text: str) -> ModelSpec:
    """Return the one model of a page."""
    (model,) = read_page(text)
    return model


def documented(text: str) -> DocumentedModel:
    """Return what a page says of its one model."""
    (model,) = read_models(text)
    return model


def facts(text: str) -> dict[str, dict[str, Any]]:
    """Return the facts of a page's parameters, by their names."""
    return {p.name: facts_of(p) for p in only(text).parameters}
