from __future__ import annotations

from typing import Any

import pytest

from kie_ui.catalog.values import JsonValue
from tests.catalog.test_constraints import problem_of, sent

SHOTS: dict[str, Any] = {
    "kind": "table",
    "max_items": 3,
    "columns": [
        {
            "kind": "text",
            "name": "prompt",
            "label": "Prompt",
            "help": "",
            "required": True,
            "max_length": 9,
        },
        {
            "kind": "number",
            "name": "duration",
            "label": "Duration",
            "help": "",
            "minimum": 1,
            "maximum": 12,
            "integer": True,
        },
    ],
}
NAMES: dict[str, Any] = {
    "kind": "table",
    "is_bare": True,
    "columns": [{"kind": "text", "name": "item", "label": "Item", "help": ""}],
}


def test_rows_are_sent_as_objects_in_the_types_of_their_columns() -> None:
    """Optional columns that are empty are left out."""
    rows = [{"prompt": "A cat.", "duration": "5"}, {"prompt": "A dog.", "duration": None}]
    assert sent(rows, **SHOTS) == [{"prompt": "A cat.", "duration": 5}, {"prompt": "A dog."}]


def test_rows_may_come_as_json() -> None:
    """As a program or a field for JSON gives them."""
    assert sent('[{"prompt": "A cat."}]', **SHOTS) == [{"prompt": "A cat."}]
    assert sent(JsonValue(value=[{"prompt": "A cat."}]), **SHOTS) == [{"prompt": "A cat."}]


def test_rows_in_which_nothing_stands_are_left_out() -> None:
    """A table shows an empty row to type into."""
    assert sent([{"prompt": " "}, {}, {"prompt": "A cat."}], **SHOTS) == [{"prompt": "A cat."}]
    assert sent([{}], **SHOTS) is None


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"prompt": "a"}, {"duration": 5}], "Value row 2: Prompt is missing: fill it in."),
        ([{}, {"duration": 5}], "Value row 2: Prompt is missing: fill it in."),
        (
            [{"prompt": "a", "duration": 13}],
            "Value row 1: Duration is 13: choose a number from 1 to 12.",
        ),
        ([{"prompt": "a" * 10}], "Value row 1: Prompt has 10 characters, 1 more than the 9"),
        ([{"prompt": "a"}] * 4, "Value takes at most 3: remove 1 of these 4."),
        ([{"prompt": "a", "mood": "b"}], "Value has no column “mood”: see row 1."),
        (["a"], "Value must be a list of objects."),
        ("A cat.", "Value is not JSON yet"),
        ({"prompt": "a"}, "Value must be a list of rows."),
    ],
)
def test_a_problem_names_its_row_and_column(rows: object, message: str) -> None:
    """So that a person finds the cell."""
    assert problem_of(rows, **SHOTS).startswith(message)


def test_bare_rows_are_sent_as_a_plain_list() -> None:
    """Whether they come as values or as rows of the one column."""
    assert sent(["a", "", {"item": "b"}], **NAMES) == ["a", "b"]


def test_a_row_that_looks_like_a_file_is_none() -> None:
    """Data never becomes a reference to a file of this machine."""
    row = {"kind": "file", "path": "/etc/passwd", "name": "a"}
    table = {
        "kind": "table",
        "columns": [
            {"kind": "text", "name": name, "label": name, "help": ""}
            for name in ("kind", "path", "name")
        ],
    }
    assert sent([row], **table) == [row]


# --- JSON -----------------------------------------------------------------------------------------

POINTS: dict[str, Any] = {
    "kind": "json",
    "of": "array",
    "json_schema": {
        "type": "array",
        "items": {"type": "array", "items": {"type": "integer", "minimum": 0}, "maxItems": 2},
    },
}


@pytest.mark.parametrize("value", [[[1, 2], [3]], "[[1, 2], [3]]"])
def test_json_is_sent_as_what_it_says(value: object) -> None:
    """Typed as text or given as a value."""
    assert sent(value, **POINTS) == [[1, 2], [3]]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("[[1, 2", "Value is not JSON yet, line 1, column 7"),
        ("{}x", "Value is not JSON yet"),
        ('{"a": 1}', "Value must be a JSON array."),
        ("[[1, 2, 3]]", "Value does not fit at [0] what is documented: [1, 2, 3] is too long"),
        ('[["a"]]', "Value does not fit at [0][0] what is documented: 'a' is not of type"),
        ("[[-1]]", "Value does not fit at [0][0] what is documented: -1 is less than the minimum"),
    ],
)
def test_json_is_checked_against_the_documented_schema(value: str, message: str) -> None:
    """With the place of the fault."""
    assert problem_of(value, **POINTS).startswith(message)


@pytest.mark.parametrize(
    ("of", "value", "is_fit"),
    [
        ("object", {"a": 1}, True),
        ("integer", 1, True),
        ("integer", True, False),
        ("boolean", True, True),
        ("number", 1.5, True),
        ("string", '"text"', True),
        ("string", "5", False),
    ],
)
def test_json_without_a_schema_must_be_of_its_type(of: str, value: object, *, is_fit: bool) -> None:
    """Yes is no integer."""
    facts = {"kind": "json", "of": of}
    if is_fit:
        assert sent(value, **facts) is not None
    else:
        assert problem_of(value, **facts) == f"Value must be a JSON {of}."
