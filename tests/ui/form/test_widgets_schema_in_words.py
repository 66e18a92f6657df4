from __future__ import annotations

from typing import Any

import pytest

from kie_ui.ui.form.widgets import schema_in_words

INTEGERS = {"type": "array", "items": {"type": "integer"}}


@pytest.mark.parametrize(
    ("schema", "type_", "words"),
    [
        ({}, "object", "An object."),
        (INTEGERS, "array", "A list of whole numbers."),
        ({"items": INTEGERS}, "array", "A list of lists of whole numbers."),
        (
            {"items": {"type": "number"}, "minItems": 4, "maxItems": 4},
            "array",
            "A list of 4 numbers.",
        ),
        ({"items": {}, "maxItems": 2}, "array", "A list of up to 2 values."),
        ({"items": {"type": "string"}, "minItems": 1}, "array", "A list of 1 or more texts."),
        (
            {"properties": {"x": {"type": "number"}, "on": {"type": "boolean"}, "odd": 5}},
            "object",
            "An object with “x” (a number), “on” (true or false), “odd” (a value).",
        ),
        ({"type": ["string", "null"]}, "string", "A value."),
        (
            {"items": {"items": {"items": INTEGERS, "type": "array"}, "type": "array"}},
            "array",
            "A list of lists of lists of lists.",
        ),
    ],
)
def test_a_schema_is_said_in_a_sentence(schema: dict[str, Any], type_: str, words: str) -> None:
    """As deep as anybody reads, and harmless whatever a page says."""
    assert schema_in_words(schema, type_) == words


def test_of_many_fields_the_first_are_named() -> None:
    """Nobody reads a hundred."""
    many = {f"field_{number}": {"type": "string"} for number in range(100)}
    said = schema_in_words({"properties": many}, "object")
    assert said.count("(text)") == 8
    assert said.endswith(" and more.")
