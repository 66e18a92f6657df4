from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kie_ui.strict_json import read_json, read_json_object

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)  # fmt: skip


@given(JSON_VALUES)
def test_whatever_is_json_comes_back(value: Any) -> None:
    """Strictness costs no valid text, be it text or bytes."""
    text = json.dumps(value)
    assert read_json(text) == value
    assert read_json(text.encode()) == value


@pytest.mark.parametrize(
    "text", ["NaN", "[Infinity]", '{"a": -Infinity}', "1e999", "[" * 100_000, "{", "", b"\xff"]
)
def test_what_is_no_json_is_refused_as_one_kind_of_error(text: str | bytes) -> None:
    """Callers need to expect ValueError alone."""
    with pytest.raises(ValueError):  # noqa: PT011 - that there is one kind is the point
        read_json(text)


@pytest.mark.parametrize("text", ["[]", "null", '"a"', "1"])
def test_an_object_is_asked_for_by_name(text: str) -> None:
    """What is JSON but no object is refused, too."""
    with pytest.raises(ValueError, match="not a JSON object"):
        read_json_object(text)
    assert read_json_object('{"a": 1}') == {"a": 1}
