"""Models that someone added, for tests."""

from __future__ import annotations

from typing import Any

from kie_ui.catalog.parameters import TextParameter
from kie_ui.catalog.spec import ModelSpec


def a_spec(model: str = "maker/one", **facts: Any) -> ModelSpec:
    """Return a small spec, as a page gives it."""
    prompt = TextParameter(name="prompt", label="Prompt", help="What to make.", required=True)
    given: dict[str, Any] = {
        "model": model,
        "title": model.rpartition("/")[2].title(),
        "maker": "Maker",
        "summary": "",
        "documentation": "https://docs.kie.ai/market/one",
        "parameters": (prompt,),
    }
    return ModelSpec(**given | facts)


def text(name: str) -> TextParameter:
    """Return a parameter of that name."""
    return TextParameter(name=name, label="Label", help="")


def extended(spec: ModelSpec, name: str = "newer") -> ModelSpec:
    """Return a newer page's spec of the same model: one with a parameter more."""
    return spec.model_copy(update={"parameters": (*spec.parameters, text(name))})


def another_version(spec: ModelSpec, help_: str = "Said otherwise.") -> ModelSpec:
    """Return the spec of the same model from a page that says the same in other words."""
    first, *others = spec.parameters
    parameters = (first.model_copy(update={"help": help_}), *others)
    return spec.model_copy(update={"parameters": parameters})
