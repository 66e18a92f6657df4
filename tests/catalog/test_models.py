from __future__ import annotations

from typing import Any

import pytest

from kie_ui.catalog.parameters import (
    ChoiceParameter,
    MediaParameter,
    NumberParameter,
    Parameter,
    TextParameter,
)
from kie_ui.catalog.registry import built_in_registry
from kie_ui.catalog.rules import with_defaults
from kie_ui.catalog.spec import Alternative, Becomes, ExactlyOne, ModelSpec, OnlyWith, Price
from tests.catalog.documented import GROK, JSON_TYPES, LITE, TABLES, Documented


def as_documented(parameter: Parameter) -> Documented:
    """Say what a spec knows of a parameter in the terms of the documentation."""
    facts: dict[str, Any] = {"default": parameter.default}
    match parameter:
        case TextParameter():
            facts["max_length"] = parameter.max_length
        case ChoiceParameter():
            facts["options"] = tuple((option.value, option.label) for option in parameter.options)
        case NumberParameter():
            facts["range"] = (parameter.minimum, parameter.maximum, parameter.step)
        case MediaParameter():
            one = "".join(parameter.default)
            facts["default"] = list(parameter.default) if parameter.many else one
            facts["max_file_bytes"] = parameter.max_bytes
            facts["accepted_types"] = parameter.accepts
            facts["multiple_files"] = parameter.many
            facts["max_files"] = parameter.max_items
    return Documented(
        name=parameter.name, type=parameter.wire_type, required=parameter.required, **facts
    )


@pytest.mark.parametrize("model", TABLES)
def test_parameters_are_as_documented(model: str) -> None:
    """Every parameter of a built-in model has the documented facts, in the documented order."""
    spec = built_in_registry().spec(model)

    assert [as_documented(parameter) for parameter in spec.parameters] == list(TABLES[model])


@pytest.mark.parametrize("model", TABLES)
def test_defaults_have_the_documented_types(model: str) -> None:
    """A default is of the JSON type that its parameter has, so that no 0 passes for False."""
    for parameter in built_in_registry().spec(model).parameters:
        default = as_documented(parameter).default
        assert default is None or type(default) in JSON_TYPES[parameter.wire_type]


def test_rules_of_grok_are_as_documented(grok: ModelSpec) -> None:
    """One source of two, an index only with a task, and no spicy mode with an outside picture."""
    one, companion, replaced = grok.rules

    assert one == ExactlyOne(
        label="Start from",
        alternatives=(
            Alternative(parameter="image_urls", label="A picture"),
            Alternative(parameter="task_id", label="An earlier Grok image task"),
        ),
    )
    assert companion == OnlyWith(parameter="index", needs="task_id")
    assert isinstance(replaced, Becomes)
    assert (replaced.parameter, replaced.value, replaced.becomes, replaced.given) == (
        "mode",
        "spicy",
        "normal",
        "image_urls",
    )


def test_v1_lite_has_no_rules(lite: ModelSpec) -> None:
    """The documentation of V1 Lite ties no parameter to another."""
    assert lite.rules == ()


@pytest.mark.parametrize(
    ("model", "credits_per_second"),
    [
        (GROK, {"480p": 2.4, "720p": 4.5}),
        (LITE, {"480p": 2.0, "720p": 4.5, "1080p": 10.0}),
    ],
)
def test_prices_are_those_last_seen(model: str, credits_per_second: dict[str, float]) -> None:
    """Prices are per second of video by resolution, and carry the month they were seen in."""
    assert built_in_registry().spec(model).price == Price(
        by="resolution",
        credits_per_second=credits_per_second,
        duration="duration",
        seen="2026-09",
    )


@pytest.mark.parametrize("model", TABLES)
def test_every_documented_resolution_has_a_price(model: str) -> None:
    """No choice of a built-in model leaves its price unknown."""
    spec = built_in_registry().spec(model)
    resolution = spec.parameter("resolution")

    assert spec.price is not None
    assert isinstance(resolution, ChoiceParameter)
    assert list(spec.price.credits_per_second) == list(resolution.values)


def test_seed_knows_the_value_that_asks_for_chance(lite: ModelSpec) -> None:
    """The documented -1 is what asks the service to choose a seed."""
    seed = lite.parameter("seed")

    assert isinstance(seed, NumberParameter)
    assert seed.random_value == -1
    assert seed.is_whole


@pytest.mark.parametrize("model", TABLES)
def test_documented_defaults_make_a_form_ready_to_send(model: str) -> None:
    """A fresh form holds every documented default that says something."""
    spec = built_in_registry().spec(model)

    assert with_defaults(spec, {}) == {
        row.name: (tuple(row.default) if row.type == "array" else row.default)
        if row.max_files is None or row.type == "array"
        else (row.default,)
        for row in TABLES[model]
        if row.default not in (None, "")
    }
