from __future__ import annotations

import pytest

from kie_ui.catalog.registry import Registry, UnknownModel, built_in_registry
from kie_ui.catalog.spec import ModelSpec
from tests.catalog.documented import GROK, LITE


def test_built_in_models_come_in_the_order_of_their_tabs() -> None:
    """There are two built-in models, Grok Imagine first."""
    registry = built_in_registry()

    assert [spec.model for spec in registry] == [GROK, LITE]
    assert len(registry) == 2


def test_built_in_models_are_loaded_once() -> None:
    """Every caller gets the same registry."""
    assert built_in_registry() is built_in_registry()


@pytest.mark.parametrize("model", ["", "grok-imagine", GROK.upper(), f" {GROK}"])
def test_an_unknown_id_is_refused_with_the_known_ones(model: str) -> None:
    """The error repeats the requested id and names those that there are."""
    with pytest.raises(UnknownModel) as caught:
        built_in_registry().spec(model)

    assert str(caught.value) == f"There is no model “{model}”. Known models: {GROK}, {LITE}."


def test_an_empty_registry_is_one_too() -> None:
    """A registry without specs knows no model and lists none."""
    registry = Registry(())

    assert list(registry) == []
    with pytest.raises(UnknownModel):
        registry.spec(GROK)


def test_a_later_spec_takes_the_place_of_an_earlier_one(grok: ModelSpec, lite: ModelSpec) -> None:
    """A newer documentation page of a known model replaces its spec and keeps its place."""
    newer = grok.model_copy(update={"title": "Newer"})

    assert list(Registry((grok, lite, newer))) == [newer, lite]


def test_api_names_are_distinct() -> None:
    """No two built-in models share an endpoint."""
    names = [spec.api_name for spec in built_in_registry()]

    assert names == ["grok_imagine_image_to_video", "bytedance_v1_lite_image_to_video"]
