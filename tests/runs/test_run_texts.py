from __future__ import annotations

import json
from typing import Any

import pytest

from kie_ui.runs.run import EXCERPT_LENGTH, Clip, excerpt_of, size_of, text_in
from tests.runs.harness import a_run


def record_of(made: Any) -> dict[str, Any]:
    """Tell of a task that wrote something."""
    return {"state": "success", "resultJson": json.dumps({"resultObject": made})}


@pytest.mark.parametrize("made", ["Two\nlines, <b>as</b> they are", "  spaces  "])
def test_plain_text_is_as_it_came(made: str) -> None:
    """With its line breaks, and never as markup."""
    assert text_in(record_of(made)) == made


@pytest.mark.parametrize("made", [{"a": [1, None]}, [1, "ä"], 0, False, 2.5])
def test_all_else_is_json_that_says_the_same(made: Any) -> None:
    """Indented, with letters as people read them."""
    written = text_in(record_of(made))
    assert written is not None
    assert json.loads(written) == made
    assert "\\u" not in written


@pytest.mark.parametrize("made", [None, "", {}, []])
def test_nothing_was_written(made: Any) -> None:
    """An empty result is none."""
    assert text_in(record_of(made)) is None
    assert text_in({"state": "generating", "resultJson": '{"resultObject": "early"}'}) is None


def test_half_a_character_becomes_a_question_mark() -> None:
    """No file and no page takes it."""
    assert text_in(record_of("half \ud83d")) == "half ?"
    assert excerpt_of("half \ud83d") == "half ?"
    assert size_of("half \ud83d") == 6


def test_what_is_nested_too_deeply_is_said_to_be() -> None:
    """It is no reason to show nothing of the page."""
    deep: Any = []
    for _ in range(50_000):
        deep = [deep]
    assert "nested too deeply" in excerpt_of({"deep": deep})


@pytest.mark.parametrize(
    ("made", "excerpt"),
    [
        ("  A poem.\nIts end. ", "A poem.\nIts end."),
        ({"title": "A\nfox", "tags": ["red", 1]}, 'title: A fox\ntags: [ "red", 1 ]'),
        (["one", {"two": 2}], 'one\n{ "two": 2 }'),
        (7, "7"),
    ],
)
def test_an_excerpt_is_how_it_begins(made: Any, excerpt: str) -> None:
    """Of data a line for each value."""
    assert excerpt_of(made) == excerpt


def test_an_excerpt_is_short() -> None:
    """However long the text, and however many its parts."""
    for made in ("x" * 9_000, {str(n): "y" * 90 for n in range(900)}, ["z" * 9_000] * 9):
        assert 0 < len(excerpt_of(made)) <= EXCERPT_LENGTH


def test_a_run_shows_what_was_written() -> None:
    """Out of its record; without one, and without such a result, nothing."""
    clips = (Clip(name="result.txt", kind="text"),)
    run = a_run(clips=clips, record=record_of("A poem."))
    assert run.public()["written"] == "A poem."
    assert a_run(clips=clips).public()["written"] is None
    assert a_run(record=record_of("A poem.")).public()["written"] is None
