from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kie_ui.catalog.parameters import (
    ChoiceParameter,
    JsonParameter,
    MediaParameter,
    NumberParameter,
    Option,
    Parameter,
    TableParameter,
    TextParameter,
)
from kie_ui.catalog.sanitize import (
    LARGEST_WHOLE,
    UnusableSpec,
    clean_title,
    is_plain,
    sanitize_parameter,
    sanitize_schema,
    sanitize_spec,
)
from kie_ui.catalog.spec import MAX_OPTIONS, MAX_PARAMETERS, MAX_TITLE, Example, ModelSpec, Price
from kie_ui.catalog.validate import InvalidValues, check_values
from tests.catalog.added import a_spec, another_version, extended, text
from tests.catalog.strategies import any_json


@pytest.mark.parametrize(
    "model", ["grok-imagine/image-to-video", "Qwen/z-image", "wan/2.2-t2v", "kling-2.6", "a:b"]
)
def test_the_ids_that_kie_gives_are_ids(model: str) -> None:
    """Words, digits, dots, dashes and slashes make an id, and a usual spec stays as it is."""
    assert sanitize_spec(a_spec(model)) == a_spec(model)


@pytest.mark.parametrize(
    "model",
    [
        "../../etc/passwd",
        "a/../b",
        "a/./b",
        "a//b",
        "/etc/passwd",
        "a/",
        "..",
        "a\\b",
        "a\0b",
        "a\nb",
        "<script>alert(1)</script>",
        "a" * 201,
        "файл",
    ],
)
def test_an_id_with_tricks_is_refused(model: str) -> None:
    """What could be a way out of a folder, or markup, is no id."""
    with pytest.raises(UnusableSpec, match="cannot be the id"):
        sanitize_spec(a_spec(model))


def test_no_spec_from_outside_names_a_file_of_ours() -> None:
    """The sample with which a form starts is never what a page or a file says."""
    picture = MediaParameter(name="image", label="Picture", help="", sample="../../.env")
    (got,) = sanitize_spec(a_spec(parameters=(picture,))).media_parameters
    assert got.sample is None


def test_a_built_in_model_lends_to_a_newer_page_what_still_applies(grok: ModelSpec) -> None:
    """Its title, its sample picture and its price, unless what the price depends on is gone."""
    bare = tuple(
        p.model_copy(update={"sample": None}) if isinstance(p, MediaParameter) else p
        for p in grok.parameters
    )
    page = grok.model_copy(
        update={"parameters": bare, "price": None, "rules": (), "title": "Grok Imagine To Video"}
    )
    got = sanitize_spec(page, grok)
    assert got.title == "Grok Imagine"
    assert got.media_parameters[0].sample == grok.media_parameters[0].sample
    assert (got.price, got.rules) == (grok.price, grok.rules)
    kept = tuple(p for p in bare if p.name != "resolution")
    assert sanitize_spec(page.model_copy(update={"parameters": kept}), grok).price is None


def test_the_rules_that_still_apply_to_a_newer_page_are_lent(grok: ModelSpec) -> None:
    """What is required excludes nothing, what is no option is never sent, what is gone has no rule.

    A page says in prose alone what excludes what: the form still asks for one of them.
    """

    def rules(**changed: Parameter | None) -> list[str]:
        parameters = tuple(changed.get(p.name, p) for p in grok.parameters)
        kept = tuple(p for p in parameters if p is not None)
        page = grok.model_copy(update={"parameters": kept, "price": None, "rules": ()})
        return [rule.rule for rule in sanitize_spec(page, grok).rules]

    known = {p.name: p for p in grok.parameters}
    mode = known["mode"]
    assert isinstance(mode, ChoiceParameter)
    calm = mode.model_copy(update={"options": mode.options[:2]})
    required = known["task_id"].model_copy(update={"required": True})
    assert rules(newer=text("newer")) == ["exactly_one", "only_with", "becomes"]
    assert rules(task_id=None) == ["becomes"]
    assert rules(mode=calm) == ["exactly_one", "only_with"]
    assert rules(mode=text("mode")) == ["exactly_one", "only_with"]
    assert rules(task_id=required) == ["becomes"]
    assert rules(index=None) == ["exactly_one", "becomes"]
    required = known["image_urls"].model_copy(update={"required": True})
    assert "exactly_one" not in rules(image_urls=required)


def test_a_page_with_rules_of_its_own_is_lent_none(grok: ModelSpec) -> None:
    """What is shared with its rules keeps them."""
    page = extended(grok).model_copy(update={"rules": grok.rules[:1]})
    assert sanitize_spec(page, grok).rules == grok.rules[:1]


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,"]
)
def test_a_link_leads_to_the_web_or_nowhere(address: str) -> None:
    """An address of another kind is left out."""
    assert sanitize_spec(a_spec(documentation=address)).documentation == ""


def test_too_many_parameters_are_refused() -> None:
    """A form of that size would stop a browser."""
    parameters = tuple(text(f"p{number}") for number in range(MAX_PARAMETERS + 1))
    with pytest.raises(UnusableSpec, match="parameters"):
        sanitize_spec(a_spec(parameters=parameters))


def test_what_is_too_much_is_refused_in_a_column_too() -> None:
    """Lists of options end somewhere, and hold values that a page can show, wherever they stand."""
    many = tuple(Option(value=f"{n}", label=f"{n}") for n in range(MAX_OPTIONS + 1))
    huge = (Option(value=HUGE, label="a"),)
    voices = ChoiceParameter(name="voice", label="Voice", help="", options=many)
    takes = ChoiceParameter(name="takes", label="Takes", help="", of="integer", options=huge)
    for choice, words in (
        (voices, "“voice” has more than 1,000 options"),
        (takes, "far too large a number"),
    ):
        table = TableParameter(name="t", label="T", help="", columns=(choice,))
        for parameter in (choice, table):
            with pytest.raises(UnusableSpec, match=words):
                sanitize_spec(a_spec(parameters=(parameter,)))
    wide = TableParameter(
        name="t", label="T", help="", columns=tuple(text(f"c{n}") for n in range(21))
    )
    with pytest.raises(UnusableSpec, match="columns"):
        sanitize_spec(a_spec(parameters=(wide,)))


@pytest.mark.parametrize(
    "name", ["a" * 65, "a\nb", "a\0", "", "1a", "__proto__", "<b>", "a b", "+extra"]
)
def test_a_name_that_nobody_could_read_is_refused(name: str) -> None:
    """A parameter's name is one line of a sensible length."""
    unchecked = text("a").model_copy(update={"name": name})
    with pytest.raises(UnusableSpec, match="name of a parameter"):
        sanitize_spec(a_spec(parameters=(unchecked,)))


def test_a_spec_of_absurd_size_is_refused() -> None:
    """However it comes to be so large."""
    huge = another_version(a_spec(), "x" * 500_000)
    with pytest.raises(UnusableSpec, match="larger than the page"):
        sanitize_spec(huge)


@pytest.mark.parametrize(
    ("given", "title"),
    [
        ("  A\n title\t", "A title"),
        ("a\u202eb\0c", "a b c"),
        ("x" * 200, "x" * (MAX_TITLE - 1) + "…"),
        ("", ""),
    ],
)
def test_a_title_is_one_line(given: str, title: str) -> None:
    """Breaks and invisible characters are blanks, and what is too long is cut."""
    assert clean_title(given) == title
    assert sanitize_spec(a_spec(title=given)).title == (title or "maker/one")


COMMON: dict[str, Any] = {"name": "value", "label": "Value", "help": ""}
HUGE = 10**20


def test_a_stated_number_may_be_nought_or_one_and_is_no_switch() -> None:
    """For Python they equal False and True, which are no limits."""
    stated = {"minimum": 0, "maximum": 1, "step": 1.0, "min_length": 1, "min_items": True}
    options = (Option(value="1", label="1"), Option(value="2", label="2"))
    choice = ChoiceParameter(**COMMON, of="string", options=options, stated=stated)
    kept = sanitize_spec(a_spec(parameters=(choice,))).parameter("value")
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
    spec = a_spec(parameters=(parameter,))
    assert check_values(spec, {"value": value})["value"].value == value
    kept = sanitize_spec(spec).parameter("value")
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
    assert sanitize_schema(schema) == schema
    parameter = JsonParameter(**COMMON, of="array", json_schema=schema)
    with pytest.raises(InvalidValues, match="does not fit"):
        check_values(a_spec(parameters=(parameter,)), {"value": [{"b": "x"}]})


@given(any_json)
def test_any_schema_can_be_made_harmless(schema: Any) -> None:
    """Whatever comes, what is kept of it is plain, and stays as it is the second time."""
    kept = sanitize_schema(schema)
    assert is_plain(kept)
    assert sanitize_schema(kept) == kept


@given(st.recursive(st.just({}), lambda inner: st.fixed_dictionaries({"items": inner})))
def test_depth_is_bounded(schema: dict[str, Any]) -> None:
    """A schema as deep as one likes is cut."""
    for _ in range(100):
        schema = {"items": schema}
    assert str(sanitize_schema(schema)).count("items") <= 21


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
    words = TextParameter(**COMMON, max_length=HUGE, min_length=2)
    assert sanitize_parameter(media, None) == MediaParameter(**COMMON, many=True, max_items=None)
    assert sanitize_parameter(words, None) == TextParameter(**COMMON, min_length=2)


def test_rows_of_a_default_hold_plain_values_alone() -> None:
    """What looks like a file there would be copied on its way to the page."""
    file = {"path": "/etc/hostname", "meta": {"_type": "gradio.FileData"}}
    rows = ({"a": "x"}, {"a": file}, {"b": "y"}, file, "z", {"a": HUGE})
    table = TableParameter(**COMMON, columns=(text("a"),))
    bare = table.model_copy(update={"is_bare": True})
    for spec, default, kept in (
        (table, rows, ({"a": "x"},)),
        (bare, ("x", file, [1]), ("x",)),
    ):
        sanitized = sanitize_parameter(spec.model_copy(update={"default": default}), None)
        assert sanitized.default == kept


@pytest.mark.parametrize(
    ("facts", "kept"),
    [
        ({"minimum": 2, "maximum": 1, "step": 1e-320, "default": 5}, {"default": 5}),
        ({"minimum": 0, "maximum": 1, "default": 5}, {"minimum": 0, "maximum": 1}),
    ],
)
def test_numbers_that_no_slider_can_show_are_left_out(
    facts: dict[str, float], kept: dict[str, float]
) -> None:
    """Ends the wrong way round, steps too small, a default outside."""
    number = NumberParameter(**COMMON, **facts)
    assert sanitize_parameter(number, None) == NumberParameter(**COMMON, **kept)


@pytest.mark.parametrize(("default", "kept"), [("a", "a"), ("nope", None), (("a",), None)])
def test_a_default_that_is_no_option_is_left_out(default: Any, kept: Any) -> None:
    """A form would open with an error that nobody can mend."""
    choice = ChoiceParameter(**COMMON, options=(Option(value="a", label="a"),), default=default)
    assert sanitize_parameter(choice, None).default == kept


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


def test_examples_from_outside_are_left_out() -> None:
    """Their pictures would be files of ours; a newer page of a model of ours gets our own."""
    theirs, ours = (Example(title=title, values={"prompt": "A fox."}) for title in ("One", "Two"))
    gone = Example(title="Gone", values={"former": 1})
    spec = a_spec(examples=(theirs,))
    assert sanitize_spec(spec).examples == ()
    former = spec.model_copy(update={"examples": (ours, gone)})
    assert sanitize_spec(spec, former).examples == (ours,)
