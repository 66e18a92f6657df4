from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from kie_ui.catalog.parameters import ChoiceParameter, MediaParameter, NumberParameter
from kie_ui.catalog.registry import built_in_registry
from kie_ui.catalog.spec import ModelSpec
from kie_ui.catalog.validate import input_model


def a_spec(**changes: Any) -> ModelSpec:
    """Load a small spec from data."""
    texts = [{"kind": "text", "name": name, "label": name, "help": ""} for name in "abc"]
    facts = {
        "model": "maker/model-1.5",
        "title": "Model",
        "maker": "Maker",
        "summary": "Makes.",
        "documentation": "https://docs.example/model",
        "parameters": texts,
    }
    return ModelSpec.model_validate({**facts, **changes})


def number(**facts: Any) -> NumberParameter:
    """Make a number parameter of these limits."""
    return NumberParameter(name="n", label="N", help="", **facts)


@pytest.mark.parametrize("spec", [*built_in_registry()], ids=lambda spec: spec.model)
def test_a_spec_survives_json(spec: ModelSpec) -> None:
    """A spec written as JSON and read again is the same spec, and the same key of a cache."""
    again = ModelSpec.model_validate_json(spec.model_dump_json())

    assert again == spec
    assert hash(again) == hash(spec)


ONE_OF_TWO = {
    "rule": "exactly_one",
    "label": "From",
    "alternatives": [{"parameter": name, "label": name} for name in "ax"],
}
BECOMES = {"rule": "becomes", "value": "1", "becomes": "2", "notice": ""}


@pytest.mark.parametrize(
    ("rule", "unknown"),
    [
        (ONE_OF_TWO, "x"),
        ({"rule": "only_with", "parameter": "x", "needs": "a"}, "x"),
        ({"rule": "only_with", "parameter": "x", "needs": "y"}, "x, y"),
        ({"rule": "only_with", "parameter": "a", "needs": "y"}, "y"),
        ({**BECOMES, "parameter": "x", "given": "a"}, "x"),
        ({**BECOMES, "parameter": "a", "given": "y"}, "y"),
    ],
)
def test_a_rule_about_nothing_is_refused(rule: dict[str, Any], unknown: str) -> None:
    """A rule may speak only of parameters that the spec has; the refusal names the others."""
    with pytest.raises(ValidationError, match=rf"rules name unknown parameters: {unknown} \["):
        a_spec(rules=[rule])


@pytest.mark.parametrize(("by", "duration"), [("x", "a"), ("a", "x")])
def test_a_price_by_nothing_is_refused(by: str, duration: str) -> None:
    """A price may depend only on parameters that the spec has."""
    price = {"by": by, "duration": duration, "credits_per_second": {}, "seen": "2026-09"}

    with pytest.raises(ValidationError, match="rules name unknown parameters: x"):
        a_spec(price=price)


@pytest.mark.parametrize(
    "seen", ["2026", "2026-00", "2026-13", "2026-9", "2026-09-01", "26-09", ""]
)
def test_a_price_is_dated_by_a_month_that_exists(seen: str) -> None:
    """The date of a price is a year and one of twelve months, for the form says its name."""
    price = {"by": "a", "duration": "b", "credits_per_second": {}, "seen": seen}

    with pytest.raises(ValidationError, match="seen"):
        a_spec(price=price)


def test_an_example_of_nothing_is_refused() -> None:
    """It names documented parameters."""
    with pytest.raises(ValidationError, match="unknown parameters: x"):
        a_spec(examples=[{"title": "One", "values": {"x": 1}}])


def test_examples_make_no_other_version() -> None:
    """They are no part of a model's documentation."""
    assert a_spec(examples=[{"title": "One", "values": {"a": "A fox."}}]).digest == a_spec().digest


def test_a_parameter_documented_twice_is_refused() -> None:
    """Two parameters cannot share a name, and the refusal says which do."""
    twice = [{"kind": "switch", "name": name, "label": "L", "help": ""} for name in "abab"]

    with pytest.raises(ValidationError, match="parameters documented twice: a, b"):
        a_spec(parameters=twice)


NAMED_A = {"name": "a", "label": "A", "help": ""}
NONSENSE: dict[str, dict[str, Any]] = {
    "no parameter": {"parameters": []},
    "no id": {"model": ""},
    "unknown fact": {"unknown": 1},
    "unknown kind": {"parameters": [{**NAMED_A, "kind": "hologram"}]},
    "no name": {"parameters": [{**NAMED_A, "kind": "text", "name": ""}]},
    "no option": {"parameters": [{**NAMED_A, "kind": "choice", "options": []}]},
    "no length": {"parameters": [{**NAMED_A, "kind": "text", "max_length": 0}]},
    "no step": {"parameters": [{**NAMED_A, "kind": "number", "step": 0}]},
    "no file": {"parameters": [{**NAMED_A, "kind": "media", "max_items": 0}]},
    "unknown rule": {"rules": [{"rule": "sometimes", "parameter": "a"}]},
}


@pytest.mark.parametrize("changes", NONSENSE.values(), ids=NONSENSE)
def test_a_spec_that_makes_no_sense_is_refused(changes: dict[str, Any]) -> None:
    """Misspelt facts and impossible limits are refused when a spec is loaded, not in use."""
    with pytest.raises(ValidationError):
        a_spec(**changes)


def test_a_parameter_is_found_by_its_documented_name() -> None:
    """`parameter` returns the one of that name, and raises KeyError for an unknown one."""
    spec = a_spec()

    assert spec.parameter("b").name == "b"
    with pytest.raises(KeyError, match="x"):
        spec.parameter("x")


def test_media_parameters_are_those_that_take_files(grok: ModelSpec, lite: ModelSpec) -> None:
    """Every parameter that takes files is listed, in the documented order."""
    assert [p.name for p in grok.media_parameters] == ["image_urls"]
    assert [p.name for p in lite.media_parameters] == ["image_url", "end_image_url"]


def test_exclusion_works_both_ways(grok: ModelSpec) -> None:
    """Each of two alternatives excludes the other, never itself, and nothing else is excluded."""
    assert grok.exclusive_with("image_urls") == {"task_id"}
    assert grok.exclusive_with("task_id") == {"image_urls"}
    assert grok.exclusive_with("prompt") == frozenset()


def test_api_name_is_a_plain_word() -> None:
    """Everything in an id that could mean something in a URL becomes an underscore."""
    assert a_spec().api_name == "maker_model_1_5"
    assert a_spec(model="Ä/B c?").api_name == "__b_c_"


def test_specs_of_one_id_and_different_content_are_different() -> None:
    """A newer spec of the same model shares the hash of the old one and none of what is cached."""
    older, newer = a_spec(), a_spec(parameters=[a_spec().parameters[0]])

    assert hash(older) == hash(newer)
    assert older != newer
    assert len(input_model(older).model_fields) == 3
    assert len(input_model(newer).model_fields) == 1


def test_equal_specs_share_what_is_cached() -> None:
    """A spec loaded twice derives its input model once."""
    assert input_model(a_spec()) is input_model(a_spec())
    assert input_model(a_spec()) is not input_model(a_spec(), is_partial=True)


@pytest.mark.parametrize(
    ("facts", "is_whole"),
    [
        ({"step": 1}, True),
        ({"step": 2, "minimum": -4}, True),
        ({"step": 1, "minimum": 0.5}, False),
        ({"step": 0.5, "minimum": 0}, False),
        ({"minimum": 0, "maximum": 5}, False),
        ({}, False),
    ],
)
def test_numbers_are_whole_where_every_step_is(facts: dict[str, float], is_whole: bool) -> None:  # noqa: FBT001 - a table's column
    """Only a whole step from a whole start makes a parameter one of whole numbers."""
    assert number(**facts).is_whole is is_whole


def test_wire_types_are_the_documented_ones() -> None:
    """A choice is text on the wire; media are a list exactly where the documentation has one."""
    choice = ChoiceParameter.model_validate(
        {"name": "c", "label": "C", "help": "", "options": [{"value": "6", "label": "6 s"}]}
    )
    one = MediaParameter(name="m", label="M", help="")
    many = MediaParameter(name="m", label="M", help="", many=True)

    assert (choice.wire_type, one.wire_type, many.wire_type) == ("string", "string", "array")
    assert number().wire_type == "number"


def test_a_spec_cannot_be_changed(grok: ModelSpec) -> None:
    """A spec is a value: what is cached by it stays true."""
    with pytest.raises(ValidationError):
        grok.title = "Other"  # type: ignore[misc]
