"""Which models the simulator serves as a program of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from kie_ui.catalog.bounds import fitted
from kie_ui.catalog.library import Library
from kie_ui.catalog.registry import Catalog, Registry, built_in_registry
from kie_ui.catalog.sources import read_sources
from kie_ui.catalog.spec import ModelSpec
from kie_ui.settings import Settings


class UnreadableModels(Exception):
    """A page or file cannot be read, or the settings; the message says which one and why."""


class ServedModels:
    """The models of some pages, before those of another catalog: every version of each."""

    def __init__(self, specs: Sequence[ModelSpec], others: Catalog) -> None:
        self._specs = tuple(specs)
        self._others = others

    def of(self, owner: str) -> Registry:
        """Return the models of an owner, the pages' versions before others."""
        return Registry((*self._others.of(owner), *self._specs))

    def shelf_name(self, owner: str) -> str:
        """Name where an owner's own models are kept."""
        return self._others.shelf_name(owner)

    def versions(self, model: str, shelf: str = "") -> tuple[ModelSpec, ...]:
        """Return every version of a model; of the pages, the one that was read last first."""
        own = [spec for spec in reversed(self._specs) if spec.model == model]
        return (*own, *self._others.versions(model, shelf))


def served_models(pages: Sequence[str], data_dir: Path | None = None) -> ServedModels:
    """Read pages, exported files and folders of them, and what was added to the playground.

    `data_dir` is the playground's data folder, by default that of the settings. Raises:
    UnreadableModels.
    """
    built_in = built_in_registry()
    specs: list[ModelSpec] = []
    for source in read_sources(pages):
        if source.problems:
            raise UnreadableModels(f"{source.name}: {' '.join(source.problems)}")
        specs += [fitted(spec, *built_in.versions(spec.model)) for spec in source.specs]
    return ServedModels(specs, _added_models(data_dir))


def _added_models(data_dir: Path | None) -> Library:
    try:
        settings = Settings() if data_dir is None else Settings(data_dir=data_dir)
    except ValidationError as invalid:
        names = ", ".join(str(error["loc"][0]) for error in invalid.errors())
        raise UnreadableModels(f"These settings cannot be used: {names}.") from invalid
    return Library.of_settings(settings)
