from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kie_ui.catalog.values import FileRef, UrlRef
from kie_ui.runs.run import (
    EXCERPT_LENGTH,
    FINAL_STEPS,
    UNSENT_STEPS,
    WATCHED_STEPS,
    Clip,
    Run,
    Step,
    StepChange,
    excerpt_of,
    size_of,
    text_in,
)
from tests.runs.harness import a_run

some_text = st.text('aé1 .😀"\n', max_size=9)
media = st.lists(
    st.one_of(
        st.builds(FileRef, path=st.just("inputs/ab/ab.png"), name=some_text),
        st.builds(UrlRef, url=st.just("https://example.com/a.png")),
    ),
    min_size=1,
    max_size=3,
).map(tuple)
values = st.dictionaries(
    st.sampled_from(["prompt", "seed", "image_urls", "camera_fixed"]),
    st.one_of(
        media,
        some_text,
        st.booleans(),
        st.integers(-1, 2**31 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
    ),
    max_size=4,
)


@given(values)
def test_values_keep_their_types_through_json(given_values: dict[str, object]) -> None:
    """What was sent can be sent again: text stays text, 5 stays 5, and media stay media."""
    run = a_run(values=given_values)
    again = Run.model_validate(json.loads(run.model_dump_json()))
    assert again == run
    assert {name: type(value) for name, value in again.values.items()} == {
        name: type(value) for name, value in given_values.items()
    }


def test_a_new_step_is_dated_and_an_old_one_is_not() -> None:
    """The way of a run shows in its step changes, one entry a step."""
    run = a_run().changed(2_000, {"step": Step.SENDING}).changed(3_000, {"step": Step.SENDING})
    assert run.step_changes == (
        StepChange(Step.PREPARING, 1_001),
        StepChange(Step.SENDING, 2_000),
    )
    assert run.updated_at_ms == 3_000


def test_a_final_step_sets_the_finish_and_going_on_takes_it_back() -> None:
    """A run that is fetched again is not finished while that lasts."""
    ended = a_run().changed(2_000, {"step": Step.UNFETCHED})
    assert ended.finished_at_ms == 2_000
    assert ended.changed(3_000, {"step": Step.FETCHING}).finished_at_ms is None


def test_a_balance_learnt_later_leaves_the_finish_alone() -> None:
    """Only a step moves the time of the end."""
    ended = a_run().changed(2_000, {"step": Step.DONE})
    assert ended.changed(9_000, {"balance_after": 1.0}).finished_at_ms == 2_000


def test_progress_belongs_to_its_step() -> None:
    """A new step starts without the progress of the one before."""
    uploading = a_run().changed(2_000, {"step": Step.UPLOADING, "progress": 0.5})
    assert uploading.changed(3_000, {"step": Step.SENDING}).progress is None


@pytest.mark.parametrize("change", [{"progress": 1.5}, {"no_such_field": 1}, {"task_id": 7}])
def test_a_change_is_checked(change: dict[str, object]) -> None:
    """A fault of ours is found where it is made, not when the run is read again."""
    with pytest.raises(ValidationError):
        a_run().changed(2_000, change)


def test_each_picture_is_listed_once() -> None:
    """The same picture as start and end is one upload."""
    ref = FileRef(path="inputs/ab/ab.png", name="a.png")
    run = a_run(values={"image_url": (ref,), "end_image_url": (ref,), "prompt": "x"})
    assert run.files == (ref,)


def test_a_page_is_not_told_the_owner() -> None:
    """What a page gets is JSON and does not name the owner."""
    public = a_run(owner="secret-visitor").public()
    assert "secret-visitor" not in json.dumps(public)
    assert public["is_final"] is False


def test_every_step_is_of_one_sort_at_most() -> None:
    """No step is both watched and final, or unsent and watched."""
    sorts = (FINAL_STEPS, WATCHED_STEPS, UNSENT_STEPS)
    assert sum(map(len, sorts)) == len(frozenset().union(*sorts))


# Text results


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
