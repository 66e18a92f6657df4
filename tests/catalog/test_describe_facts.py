from __future__ import annotations

from typing import Any

import pytest

from kie_ui.catalog.describe import ORDER, facts_of, facts_of_model, widget_of
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
def test_built_in_models_tell_what_their_pages_state(
    table: tuple[Documented, ...], grok: ModelSpec, lite: ModelSpec
) -> None:
    """`show` of a built-in model is exact, but for the descriptions: those are our own."""
    spec = grok if table is GROK_TABLE else lite
    told = facts_of_model(spec)["parameters"]
    for facts in told:
        del facts["description"], facts["widget"]
    assert told == [documented_facts(row) for row in table]


def test_a_model_is_told_with_its_warnings() -> None:
    """The object of a model holds its id, its title, its parameters and what was left open."""
    spec = ModelSpec(
        model="heron/still",
        title="Heron",
        maker="Heron",
        summary="",
        documentation="",
        parameters=(TextParameter(**COMMON),),
        warnings=("Something is open.",),
    )
    assert facts_of_model(spec) == {
        "model": "heron/still",
        "title": "Heron",
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
    """Whatever a page states first, it is told in the same order, the widget last."""
    stated = {"pattern": "a", "default": "b", "options": ["c"], "max_bytes": 5, "step": 2}
    facts = facts_of(TextParameter(**COMMON, stated=stated))
    assert list(facts) == [name for name in ORDER if name in facts]


def test_what_is_stated_counts_more_than_what_is_derived() -> None:
    """A fact that the kind could not hold is told as it was, and None tells that there is none."""
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
        (ChoiceParameter(**COMMON, options=options(12)), "choice"),
        (ChoiceParameter(**COMMON, options=options(13)), "list"),
        (ChoiceParameter(**COMMON, options=options(2), many=True), "several choices"),
        (NumberParameter(**COMMON), "number"),
        (NumberParameter(**COMMON, minimum=0), "number"),
        (NumberParameter(**COMMON, minimum=0, maximum=1), "slider"),
        (NumberParameter(**COMMON, minimum=-1, maximum=2**31, step=1), "number"),
        (SwitchParameter(**COMMON), "three-way switch"),
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
    assert widget_of(parameter) == widget
