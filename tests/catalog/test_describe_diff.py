from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from kie_ui.catalog.describe import compare
from kie_ui.catalog.docs_import.documented import DocumentedModel
from kie_ui.catalog.docs_import.read_page import to_spec
from kie_ui.catalog.parameters import (
    ChoiceParameter,
    MediaParameter,
    NumberParameter,
    Option,
    Parameter,
    SwitchParameter,
    TextParameter,
)
from kie_ui.catalog.spec import ModelSpec
from tests.catalog.docs_import.documented_strategies import models, of_openapi


def common(name: str = "value") -> dict[str, Any]:
    """Return what every parameter has."""
    return {"name": name, "label": name, "help": ""}


def spec(*parameters: Parameter) -> ModelSpec:
    """Return a model of these parameters."""
    return ModelSpec(
        model="heron/clip",
        title="Heron",
        maker="Heron",
        summary="",
        documentation="",
        parameters=parameters,
    )


def choice(*values: str, **rest: Any) -> ChoiceParameter:
    """Return a choice of these values."""
    options = tuple(Option(value=value, label=value) for value in values)
    return ChoiceParameter(**common(), options=options, **rest)


@settings(max_examples=30)
@given(models(of_openapi()))
def test_a_spec_is_the_same_as_itself(page: DocumentedModel) -> None:
    """Importing the same page again changes nothing."""
    assert compare(to_spec(page), to_spec(page)).is_same


def test_a_word_in_a_description_is_no_change() -> None:
    """Only what matters to a request is told."""
    assert compare(
        spec(TextParameter(**common())), spec(TextParameter(**{**common(), "help": "New words"}))
    ).is_same


def test_parameters_come_and_go() -> None:
    """What is new and what is gone is told by name."""
    old = spec(TextParameter(**common("a")), TextParameter(**common("b")))
    new = spec(TextParameter(**common("b")), TextParameter(**common("c"), required=True))
    difference = compare(old, new)
    assert not difference.is_same
    assert [parameter.name for parameter in difference.added] == ["c"]
    assert [parameter.name for parameter in difference.removed] == ["a"]
    assert difference.sentences == ("c is new, and required.", "a is gone.")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (choice("5", "10"), choice("5", "15", "20"), "value: now also 15, 20, no longer 10."),
        (choice("5", "10"), choice("10", "5"), "value: the options stand in another order."),
        (choice("5"), TextParameter(**common()), "value no longer has a list to choose from."),
        (TextParameter(**common()), choice("5"), "value now has a list to choose from: 5."),
        (
            choice("a", default="a"),
            choice("a"),
            "value: no default any more; it was a.",
        ),
        (
            TextParameter(**common(), max_length=500),
            TextParameter(**common(), max_length=800),
            "value: most characters 800 instead of 500.",
        ),
        (
            TextParameter(**common()),
            TextParameter(**common(), required=True),
            "value is now required.",
        ),
        (
            MediaParameter(**common(), max_bytes=10_000_000),
            MediaParameter(**common(), max_bytes=30_500_000),
            "value: largest file 30.5 MB instead of 10 MB.",
        ),
        (
            SwitchParameter(**common(), default=False),
            SwitchParameter(**common(), default=True),
            "value: default on instead of off.",
        ),
        (
            NumberParameter(**common()),
            NumberParameter(**common(), minimum=0.5),
            "value: lowest value 0.5; there was none.",
        ),
        (
            NumberParameter(**common()),
            NumberParameter(**common(), integer=True),
            "value: type integer instead of number.",
        ),
    ],
)
def test_a_change_is_told_in_words(old: Parameter, new: Parameter, words: str) -> None:
    """Each fact that changed is one sentence that a person understands."""
    difference = compare(spec(old), spec(new))
    assert words in difference.sentences
    assert difference.changed == ("value",)


def test_a_long_value_is_shortened() -> None:
    """A default prompt does not fill the page."""
    new = TextParameter(**common(), default="word " * 100)
    (sentence,) = compare(spec(TextParameter(**common())), spec(new)).sentences
    assert len(sentence) < 120
    assert "…" in sentence


def test_true_is_not_one() -> None:
    """A default of another type is a change, even where Python calls them equal."""
    old = NumberParameter(**common(), stated={"default": 1})
    new = NumberParameter(**common(), stated={"default": True})
    assert not compare(spec(old), spec(new)).is_same
