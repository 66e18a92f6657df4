"""All models, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Protocol

from kie_ui.catalog.spec import ModelSpec

BUILT_IN = ("grok-imagine-image-to-video", "bytedance-v1-lite-image-to-video")
"""Names of the data files in `models/`, in the order of their tabs."""


class UnknownModel(LookupError):
    """There is no spec for this model id."""


class Catalog(Protocol):
    """Which models each owner has: the built-in ones and those that they added.

    Its methods may block: models are read from the disk.
    """

    def of(self, owner: str) -> Registry:
        """Return the models of an owner, as they are now."""

    def collection_name(self, owner: str) -> str:
        """Return the name of an owner's own collection; empty where they have none."""

    def versions(self, model: str, collection: str = "") -> tuple[ModelSpec, ...]:
        """Return every spec of a model that everyone or a collection has or had, the newest first.

        Collections of others are left out: a stranger's page says nothing about one's own runs.
        """


class Registry:
    """A set of specs, each found by its model id; as a catalog, the same for everyone."""

    def __init__(self, specs: tuple[ModelSpec, ...]) -> None:
        self._specs = {spec.model: spec for spec in specs}

    def __iter__(self) -> Iterator[ModelSpec]:
        return iter(self._specs.values())

    def __len__(self) -> int:
        return len(self._specs)

    def of(self, _owner: str) -> Registry:
        """Return this registry: it is everyone's."""
        return self

    def collection_name(self, _owner: str) -> str:
        """Return nothing: no owner has models of their own."""
        return ""

    def versions(self, model: str, _collection: str = "") -> tuple[ModelSpec, ...]:
        """Return the one spec of a model, if there is one."""
        return (self._specs[model],) if model in self._specs else ()

    def spec(self, model: str) -> ModelSpec:
        """Return the spec of a model id. Raises: UnknownModel."""
        try:
            return self._specs[model]
        except KeyError:
            known = ", ".join(self._specs)
            raise UnknownModel(f"There is no model “{model}”. Known models: {known}.") from None


@cache
def built_in_registry() -> Registry:
    """Load the built-in specs."""
    folder = resources.files("kie_ui.catalog") / "models"
    texts = (folder.joinpath(f"{name}.json").read_text(encoding="utf-8") for name in BUILT_IN)
    return Registry(tuple(ModelSpec.model_validate_json(text) for text in texts))
