from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from kie_ui.catalog.describe import ORDER, differences, facts_of, facts_of_model, widget_kind
from kie_ui.catalog.docs_import.documented import DocumentedModel
from kie_ui.catalog.docs_import.read_page import to_spec
from kie_ui.catalog.parameters import (
    ChoiceParameter,
    JsonParameter,
    MediaParameter,
    NumberParameter,
    Option,
    Parameter,
    SwitchParameter,
    TableParameter,
    TextParameter,
)
from kie_ui.catalog.spec import ModelSpec
from tests.catalog.added import a_spec, text
from tests.catalog.docs_import.documented_strategies import models, of_openapi
from tests.catalog.documented import GROK_TABLE, LITE_TABLE, Documented

COMMON: dict[str, Any] = {"name": "value", "label": "Value", "help": "What it is"}


def documented_facts(row: Documented) -> dict[str, Any]:
    """Return the facts of one row of the tables written out by hand."""
    low, high, step = row.range or (None, None, None)
    facts = {
        "name": row.name,
        "type": row.type,
        "required": row.required,
        "options": [value for value, _ in row.options] or None,
        "default": row.default,
        "minimum": low,
        "maximum": high,
        "step": step,
        "max_length": row.max_length,
        "max_bytes": row.max_file_bytes,
        "accepts": list(row.accepted_types) or None,
    }
    return {name: fact for name, fact in facts.items() if fact is not None}


@pytest.mark.parametrize("table", [GROK_TABLE, LITE_TABLE], ids=["grok", "lite"])
def test_built_in_models_are_described_as_their_pages_have_them(
    table: tuple[Documented, ...], grok: ModelSpec, lite: ModelSpec
) -> None:
    """`show` of a built-in model is exact, but for the descriptions: those are our own."""
    spec = grok if table is GROK_TABLE else lite
    described = facts_of_model(spec)["parameters"]
    for facts in described:
        del facts["description"], facts["widget"]
    assert described == [documented_facts(row) for row in table]


def test_a_model_is_described_with_its_warnings() -> None:
    """The object of a model holds its id, its title, its parameters and what was left open."""
    spec = a_spec(
        "heron/still", parameters=(TextParameter(**COMMON),), warnings=("Something is open.",)
    )
    assert facts_of_model(spec) == {
        "model": "heron/still",
        "title": "Still",
        "parameters": [
            {
                "name": "value",
                "type": "string",
                "required": False,
                "description": "What it is",
                "widget": "text",
            }
        ],
        "warnings": ["Something is open."],
    }


def test_facts_stand_in_one_order() -> None:
    """Whatever a page states first, the order is the same, with the widget last."""
    stated = {"pattern": "a", "default": "b", "options": ["c"], "max_bytes": 5, "step": 2}
    facts = facts_of(TextParameter(**COMMON, stated=stated))
    assert list(facts) == [name for name in ORDER if name in facts]


def test_what_is_stated_counts_more_than_what_is_derived() -> None:
    """A fact that the kind could not hold is shown as the page has it; None is the lack of one."""
    media = MediaParameter(
        **COMMON, many=True, max_items=1, stated={"default": [""], "max_items": None}
    )
    facts = facts_of(media)
    assert facts["default"] == [""]
    assert "max_items" not in facts


def options(count: int) -> tuple[Option, ...]:
    """Return so many options."""
    return tuple(Option(value=str(n), label=str(n)) for n in range(count))


TEXT = TextParameter(**COMMON)


@pytest.mark.parametrize(
    ("parameter", "widget"),
    [
        (TEXT, "text"),
        (TextParameter(**COMMON, multiline=True), "long text"),
        (ChoiceParameter(**COMMON, options=options(3)), "choice"),
        (ChoiceParameter(**COMMON, options=options(4)), "list"),
        (ChoiceParameter(**COMMON, options=options(2), unit="s"), "list"),
        (ChoiceParameter(**COMMON, options=options(2), many=True), "several choices"),
        (NumberParameter(**COMMON), "number"),
        (NumberParameter(**COMMON, minimum=0), "number"),
        (NumberParameter(**COMMON, minimum=0, maximum=1), "number"),
        (NumberParameter(**COMMON, minimum=1, maximum=1, default=1), "number"),
        (NumberParameter(**COMMON, minimum=0, maximum=1, default=0), "slider"),
        (SwitchParameter(**COMMON), "three-way switch"),
        (SwitchParameter(**COMMON, required=True), "yes or no"),
        (SwitchParameter(**COMMON, default=False), "switch"),
        (MediaParameter(**COMMON), "picture"),
        (MediaParameter(**COMMON, many=True, max_items=1), "picture"),
        (MediaParameter(**COMMON, many=True, max_items=None), "pictures"),
        (MediaParameter(**COMMON, media="video"), "video"),
        (MediaParameter(**COMMON, media="audio", many=True, max_items=3), "sounds"),
        (MediaParameter(**COMMON, media="file"), "file"),
        (TableParameter(**COMMON, columns=(TEXT,)), "table"),
        (JsonParameter(**COMMON), "JSON"),
    ],
)
def test_a_widget_has_a_plain_name(parameter: Parameter, widget: str) -> None:
    """Each kind and shape is named by what the form shows."""
    assert widget_kind(parameter) == widget


def spec(*parameters: Parameter) -> ModelSpec:
    """Return a model of these parameters."""
    return a_spec(parameters=parameters)


def choice(*values: str, **rest: Any) -> ChoiceParameter:
    """Return a choice of these values."""
    options = tuple(Option(value=value, label=value) for value in values)
    return ChoiceParameter(**COMMON, options=options, **rest)


@settings(max_examples=30)
@given(models(of_openapi()))
def test_a_spec_is_the_same_as_itself(page: DocumentedModel) -> None:
    """Importing the same page again changes nothing, and neither do words in a description."""
    assert not differences(to_spec(page), to_spec(page))
    newer = TextParameter(**{**COMMON, "help": "New words"})
    assert not differences(spec(TEXT), spec(newer))


def test_parameters_come_and_go() -> None:
    """What is new and what is gone is named."""
    old = spec(text("a"), text("b"))
    new = spec(text("b"), text("c").model_copy(update={"required": True}))
    assert differences(old, new) == ("c is new, and required.", "a is gone.")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (choice("5", "10"), choice("5", "15", "20"), "value: now also 15, 20, no longer 10."),
        (choice("5", "10"), choice("10", "5"), "value: the options are in a different order."),
        (choice("5"), TEXT, "value no longer has a list to choose from."),
        (TEXT, choice("5"), "value now has a list to choose from: 5."),
        (choice("a", default="a"), choice("a"), "value: no default any more; it was a."),
        (
            TextParameter(**COMMON, max_length=500),
            TextParameter(**COMMON, max_length=800),
            "value: most characters 800 instead of 500.",
        ),
        (TEXT, TextParameter(**COMMON, required=True), "value is now required."),
        (
            MediaParameter(**COMMON, max_bytes=10_000_000),
            MediaParameter(**COMMON, max_bytes=30_500_000),
            "value: largest file 30.5 MB instead of 10 MB.",
        ),
        (
            SwitchParameter(**COMMON, default=False),
            SwitchParameter(**COMMON, default=True),
            "value: default on instead of off.",
        ),
        (
            NumberParameter(**COMMON),
            NumberParameter(**COMMON, minimum=0.5),
            "value: lowest value 0.5; there was none.",
        ),
        (
            NumberParameter(**COMMON),
            NumberParameter(**COMMON, integer=True),
            "value: type integer instead of number.",
        ),
    ],
)
def test_a_change_is_one_sentence(old: Parameter, new: Parameter, words: str) -> None:
    """Each fact that changed is one sentence that a person understands."""
    assert differences(spec(old), spec(new)) == (words,)


def test_a_long_value_is_shortened() -> None:
    """A default prompt does not fill the page."""
    new = TextParameter(**COMMON, default="word " * 100)
    (sentence,) = differences(spec(TEXT), spec(new))
    assert len(sentence) < 120
    assert "…" in sentence


def test_true_is_not_one() -> None:
    """A default of another type is a change, even where Python calls them equal."""
    old = NumberParameter(**COMMON, stated={"default": 1})
    new = NumberParameter(**COMMON, stated={"default": True})
    assert differences(spec(old), spec(new))
