from __future__ import annotations

from typing import Any

import pytest

from kie_ui.catalog.values import FileRef, JsonValue, prompt_of


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"seed": 1, "prompt": "A cat.", "text": "Other words."}, "A cat."),
        ({"prompt": " ", "text": "Hello"}, "Hello"),
        ({"voice": "Anna", "what_to_say": "Good morning to all"}, "Good morning to all"),
        ({"a": "two words", "b": "three more words"}, "three more words"),
        ({"shots": JsonValue(value=[{"prompt": "A cat walks.", "duration": 5}])}, "A cat walks."),
        ({"shots": [{"prompt": "A cat walks."}]}, "A cat walks."),
        (
            {
                "style": "calm and slow",
                "dialogue": [{"voice": "a b", "text": t} for t in ("Hi", "You")],
            },
            "Hi / You",
        ),
        (
            {"lines": [{"who": "Anna B", "says": "Good morning"}, {"says": "Hi"}]},
            "Good morning / Hi",
        ),
        ({"dialogue": [{"voice": "Anna", "line": "Hi"}]}, ""),
        ({"dialogue": [{}, {"text": None}, "Hi", {"text": "Ho "}]}, "Ho"),
        ({"image_url": "https://a.example/a b", "resolution": "480p"}, ""),
        ({"image": (FileRef(path="a b", name="a b"),), "flag": True}, ""),
        ({"prompt": 5}, ""),
        ({}, ""),
    ],
)
def test_the_words_of_a_run_are_found_whatever_they_are_called(
    values: dict[str, Any], words: str
) -> None:
    """The likeliest name first, else the longest text of several words; never an address."""
    assert prompt_of(values) == words
