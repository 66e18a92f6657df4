from __future__ import annotations

from typing import Any

import pytest

from kie_ui.catalog.parameters import Parameter
from kie_ui.catalog.values import JsonValue
from kie_ui.ui.form.widgets import in_words
from tests.ui.specs import BOXES, COLOURS, SHOTS


@pytest.mark.parametrize(
    ("parameter", "value", "words"),
    [
        (
            SHOTS,
            [{"prompt": "A boat.", "duration": 5.0}, {"camera": "pan", "mood": ["calm"]}],
            "Prompt: A boat. · Duration: 5\nCamera: pan · mood: ['calm']",
        ),
        (COLOURS, ["#ff0000", "#00ff00"], "#ff0000\n#00ff00"),
        (BOXES, [[1]], "[\n  [\n    1\n  ]\n]"),
    ],
)
def test_rows_are_lines_and_other_data_is_json(
    parameter: Parameter, value: Any, words: str
) -> None:
    """A page may since have been replaced by one without a column that a run was given."""
    assert in_words(parameter, JsonValue(value=value)) == words
