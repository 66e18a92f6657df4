from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kie_ui.catalog.library.sanitize import (
    LARGEST_WHOLE,
    Unfit,
    fitted,
    harmless,
    harmless_schema,
    is_plain,
)
from kie_ui.catalog.parameters import (
    ChoiceParameter,
    JsonParameter,
    MediaParameter,
    NumberParameter,
    Option,
    TableParameter,
    TextParameter,
)
from kie_ui.catalog.request import estimate_credits
from kie_ui.catalog.spec import ModelSpec, Price
from kie_ui.catalog.validation.validate import InvalidValues, check_values
from tests.catalog.added import a_spec
from tests.catalog.strategies import any_json

COMMON: dict[str, Any] = {"name": "value", "label": "Value", "help": ""}
HUGE = 10**20


def spec_of(parameter: JsonParameter) -> ModelSpec:
    """Return a spec with that one parameter, as if it came from a stored file."""
    return a_spec(parameters=(parameter,))


def test_a_stated_number_may_be_nought_or_one_and_is_no_switch() -> None:
    """For Python they equal False and True, which are no limits."""
    stated = {"minimum": 0, "maximum": 1, "step": 1.0, "min_length": 1, "min_items": True}
    options = (Option(value="1", label="1"), Option(value="2", label="2"))
    choice = ChoiceParameter(**COMMON, of="string", options=options, stated=stated)
    kept = fitted(a_spec(parameters=(choice,))).parameter("value")
    assert kept.stated == {"minimum": 0, "maximum": 1, "step": 1.0, "min_length": 1}


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "http://127.0.0.1:9/schema"},
        {"$ref": "file:///etc/hostname"},
        {"$ref": "#"},
        {"items": {"$ref": "http://127.0.0.1:9/schema"}},
        {"items": {"pattern": "^(a+)+$"}},
        {"patternProperties": {"^(a+)+$": {}}},
        {"type": 5},
        {"properties": 5, "required": "a"},
        {"anyOf": [{"$dynamicRef": "#a"}, {"not": {}}]},
    ],
)
def test_a_schema_fetches_nothing_and_keeps_nobody_busy(schema: dict[str, Any]) -> None:
    """Neither what it refers to, nor a pattern, nor nonsense; also where it was stored before."""
    parameter = JsonParameter(**COMMON, of="array", json_schema=schema)
    value = ["a" * 40 + "!"]
    assert check_values(spec_of(parameter), {"value": value})["value"].value == value
    kept = fitted(spec_of(parameter)).parameter("value")
    assert isinstance(kept, JsonParameter)
    assert "$ref" not in str(kept.json_schema)
    assert "attern" not in str(kept.json_schema)


def test_a_schema_still_checks_what_it_can() -> None:
    """Types, limits, values and inner parts are kept."""
    schema = {
        "type": "array",
        "maxItems": 2,
        "items": {
            "type": "object",
            "properties": {"a": {"type": "integer", "minimum": 0}, "b": {"enum": ["x"]}},
            "required": ["a"],
        },
    }
    assert harmless_schema(schema) == schema
    parameter = JsonParameter(**COMMON, of="array", json_schema=schema)
    with pytest.raises(InvalidValues, match="does not fit"):
        check_values(spec_of(parameter), {"value": [{"b": "x"}]})


@given(any_json)
def test_any_schema_can_be_made_harmless(schema: Any) -> None:
    """Whatever comes, what is kept of it is plain, and stays as it is the second time."""
    kept = harmless_schema(schema)
    assert is_plain(kept)
    assert harmless_schema(kept) == kept


@given(st.recursive(st.just({}), lambda inner: st.fixed_dictionaries({"items": inner})))
def test_depth_is_bounded(schema: dict[str, Any]) -> None:
    """A schema as deep as one likes is cut."""
    for _ in range(100):
        schema = {"items": schema}
    assert str(harmless_schema(schema)).count("items") <= 21


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (LARGEST_WHOLE, True),
        (HUGE, False),
        (math.inf, False),
        ([1, {"a": [HUGE]}], False),
        ({"a": None, "b": [True, "c", 0.5]}, True),
        ({1: 2}, False),
        (object(), False),
    ],
)
def test_plain_is_what_every_browser_takes(value: object, expected: bool) -> None:  # noqa: FBT001
    """Numbers with all their digits, names that are text."""
    assert is_plain(value) is expected


def test_counts_beyond_all_measure_limit_nothing() -> None:
    """They would end the page's stream; the rest of the parameter stays."""
    media = MediaParameter(**COMMON, many=True, max_items=HUGE, max_bytes=HUGE)
    text = TextParameter(**COMMON, max_length=HUGE, min_length=2)
    kept_media, kept_text = harmless(media, None), harmless(text, None)
    assert isinstance(kept_media, MediaParameter)
    assert (kept_media.max_items, kept_media.max_bytes) == (None, None)
    assert isinstance(kept_text, TextParameter)
    assert (kept_text.min_length, kept_text.max_length) == (2, None)


def test_an_option_beyond_all_measure_is_refused() -> None:
    """No page can show it, and it can't be left out: it may be the only one."""
    choice = ChoiceParameter(**COMMON, of="integer", options=(Option(value=HUGE, label="a"),))
    with pytest.raises(Unfit, match="beyond all measure"):
        fitted(a_spec(parameters=(choice,)))


def test_rows_of_a_default_hold_plain_values_alone() -> None:
    """What looks like a file there would be copied on its way to the page."""
    file = {"path": "/etc/hostname", "meta": {"_type": "gradio.FileData"}}
    rows = ({"a": "x"}, {"a": file}, {"b": "y"}, file, "z", {"a": HUGE})
    table = TableParameter(**COMMON, columns=(TextParameter(**{**COMMON, "name": "a"}),))
    kept = harmless(table.model_copy(update={"default": rows}), None)
    assert isinstance(kept, TableParameter)
    assert kept.default == ({"a": "x"},)
    bare = table.model_copy(update={"is_bare": True, "default": ("x", file, [1])})
    kept = harmless(bare, None)
    assert isinstance(kept, TableParameter)
    assert kept.default == ("x",)


def test_numbers_that_no_slider_can_show_are_left_out() -> None:
    """Ends the wrong way round, steps too small, a default outside."""
    upside_down = NumberParameter(**COMMON, minimum=2, maximum=1, step=1e-320, default=5)
    kept = harmless(upside_down, None)
    assert isinstance(kept, NumberParameter)
    assert (kept.minimum, kept.maximum, kept.step, kept.default) == (None, None, None, 5)
    outside = NumberParameter(**COMMON, minimum=0, maximum=1, default=5)
    kept = harmless(outside, None)
    assert isinstance(kept, NumberParameter)
    assert kept.default is None


@pytest.mark.parametrize(("default", "kept"), [("a", "a"), ("nope", None), (("a",), None)])
def test_a_default_that_is_no_option_is_left_out(default: Any, kept: Any) -> None:
    """A form would open with an error that nobody can mend."""
    choice = ChoiceParameter(**COMMON, options=(Option(value="a", label="a"),), default=default)
    got = harmless(choice, None)
    assert isinstance(got, ChoiceParameter)
    assert got.default == kept


@pytest.mark.parametrize("endless", ["NaN", "Infinity", math.nan, math.inf])
def test_no_limit_is_endless(endless: object) -> None:
    """Nor spelt as text."""
    with pytest.raises(ValidationError):
        NumberParameter.model_validate({**COMMON, "kind": "number", "minimum": endless})


@pytest.mark.parametrize("rate", [1e308, -1.0, math.inf, math.nan])
def test_no_price_is_endless(rate: float) -> None:
    """History adds prices up."""
    with pytest.raises(ValidationError):
        Price(by="a", duration="b", credits_per_second={"x": rate}, seen="2026-09")


def test_no_price_is_told_of_an_endless_duration(lite: ModelSpec) -> None:
    """Nor of one below nothing."""
    for seconds in (1e300, -1, math.nan):
        assert estimate_credits(lite, {"resolution": "480p", "duration": seconds}) is None
