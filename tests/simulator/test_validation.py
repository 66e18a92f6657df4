from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kie_ui.catalog.registry import Registry, built_in_registry
from kie_ui.catalog.request import build_body, build_input
from kie_ui.catalog.spec import ModelSpec
from kie_ui.catalog.validate import InvalidValues, check_values
from kie_ui.simulator.responses import Refused
from kie_ui.simulator.validation import CheckedRequest, check_request
from tests.catalog.spec_strategies import specs
from tests.catalog.strategies import any_json, values_of
from tests.simulator.harness import a_spec, media, number, options, table, text

ANY_SPEC = specs() | st.sampled_from(list(built_in_registry()))


def requested(spec: ModelSpec, **given: Any) -> CheckedRequest:
    """Ask a simulator that knows one model for something."""
    return check_request(Registry((spec,)).versions, {"model": spec.model, "input": given})


def refusal(spec: ModelSpec, **given: Any) -> str:
    """Return why something is refused."""
    with pytest.raises(Refused) as caught:
        requested(spec, **given)
    return caught.value.msg


@given(st.data())
def test_what_the_form_lets_through_is_accepted(data: st.DataObject) -> None:
    """Values that pass validation always build a request that the simulator takes."""
    spec = data.draw(ANY_SPEC)
    checked = check_values(spec, data.draw(values_of(spec)))
    built = build_input(spec, checked, lambda _ref: "https://files.example/a")
    body = json.loads(json.dumps(build_body(spec, built)))
    accepted = check_request(Registry((spec,)).versions, body)
    assert accepted.spec == spec
    assert json.loads(json.dumps(accepted.values)) == accepted.values


@given(st.data())
def test_what_the_simulator_refuses_never_leaves_the_form(data: st.DataObject) -> None:
    """Whatever somebody enters: either the form refuses it, or the simulator takes it."""
    spec = data.draw(ANY_SPEC)
    values = data.draw(values_of(spec))
    names = [parameter.name for parameter in spec.parameters]
    values |= data.draw(st.dictionaries(st.sampled_from(names), any_json, max_size=2))
    try:
        checked = check_values(spec, values)
    except InvalidValues:
        return
    built = build_input(spec, checked, lambda _ref: "https://files.example/a")
    check_request(Registry((spec,)).versions, json.loads(json.dumps(build_body(spec, built))))


NUMBER = number("n")
CHOICE = {"kind": "choice", "name": "c"}
MEDIA = media("m")
TABLE = table("t", text("prompt", required=True), number("seconds", integer=True), max_items=2)
BARE = table("t", number("x", maximum=9), is_bare=True)
JSON = {
    "kind": "json",
    "name": "j",
    "of": "array",
    "json_schema": {"type": "array", "items": {"type": "integer"}},
}


@pytest.mark.parametrize(
    ("parameter", "value", "words"),
    [
        (text("p"), 5, "p must be a string"),
        (number("n", integer=True), 1.5, "n must be an integer"),
        (number("n", integer=True), "1", "n must be an integer"),
        (NUMBER, "1", "n must be a number"),
        (NUMBER, True, "n must be a number"),
        ({"kind": "switch", "name": "s"}, "true", "s must be a boolean"),
        ({**CHOICE, "options": options("5", "10")}, 5, "c must be a string"),
        ({**CHOICE, "options": options(5, 10), "of": "integer"}, "5", "c must be an integer"),
        ({**CHOICE, "options": options(5, 10), "of": "integer"}, 7, "5, 10"),
        ({**CHOICE, "options": options("a", "b"), "many": True}, "a", "a list of strings"),
        ({**CHOICE, "options": options("a", "b"), "many": True}, ["a", 1], "a list of strings"),
        ({**CHOICE, "options": options("a", "b"), "many": True, "max_items": 1}, ["a", "b"], "1"),
        (MEDIA, ["https://a.example"], "m must be a string"),
        ({**MEDIA, "many": True, "max_items": None}, "https://a.example", "a list of addresses"),
        ({**MEDIA, "many": True, "min_items": 2, "max_items": 3}, ["https://a.example"], "2"),
        (TABLE, {"prompt": "a"}, "t must be a list of rows"),
        (TABLE, ["a"], "row 1"),
        (TABLE, [{"prompt": "a"}, {"prompt": 5}], "row 2 of which prompt must be a string"),
        (TABLE, [{"prompt": "a", "seconds": 1.5}], "seconds must be an integer"),
        (TABLE, [{"seconds": 1}], "row 1"),
        (TABLE, [{"prompt": "a"}] * 3, "at most 2"),
        (BARE, ["1"], "row 1 of which the value must be a number"),
        (BARE, [10], "9"),
        (JSON, {"a": 1}, "j must be a list"),
        (JSON, ["a"], "j"),
    ],
)
def test_a_value_of_another_type_is_refused(
    parameter: dict[str, Any], value: Any, words: str
) -> None:
    """What the page calls an integer, a list or an object has to be one, down to every cell."""
    spec = a_spec(parameter)
    assert words in refusal(spec, **{parameter["name"]: value})


@pytest.mark.parametrize(
    ("parameter", "value", "kept"),
    [
        (number("n", integer=True), 1, 1),
        (number("n", integer=True), 4.0, 4),
        (NUMBER, 1.5, 1.5),
        ({**CHOICE, "options": options(0.5, 1), "of": "number"}, 1, 1),
        ({**CHOICE, "options": options("a", "b"), "many": True}, ["b", "a"], ["b", "a"]),
        (TABLE, [{"prompt": "a", "seconds": 4}], [{"prompt": "a", "seconds": 4}]),
        (TABLE, [{"prompt": "a", "mood": 1}], [{"prompt": "a"}]),
        (BARE, [1, 2.5], [1, 2.5]),
        (JSON, [1, 2], [1, 2]),
    ],
)
def test_a_value_of_the_documented_type_arrives(
    parameter: dict[str, Any], value: Any, kept: Any
) -> None:
    """As plain data; 4.0 is whole, and fields and columns of no page are dropped, as Kie does."""
    given = {parameter["name"]: value, "extra": {"x": 1}}
    assert requested(a_spec(parameter), **given).values == {parameter["name"]: kept}


def test_defaults_of_the_service_are_filled_in_as_data() -> None:
    """Optional choices, numbers and switches get their defaults; the rest stays away."""
    spec = a_spec(
        {**CHOICE, "options": options("a", "b"), "many": True, "default": ["a"]},
        number("n", default=3),
        text("p", default="words"),
    )
    assert requested(spec).values == {"c": ["a"], "n": 3}


def test_one_version_of_a_page_is_enough() -> None:
    """Who knows an older page is served by that; what fits none is refused by the newest."""
    old = a_spec({**CHOICE, "options": options("3", "5")})
    new = a_spec({**CHOICE, "options": options("5", "10")})

    def check(value: str) -> ModelSpec:
        body = {"model": "maker/model", "input": {"c": value}}
        return check_request(lambda *_: (new, old), body).spec

    assert [check(value) for value in ("5", "10", "3")] == [new, new, old]
    with pytest.raises(Refused, match="5, 10"):
        check("7")
