from __future__ import annotations

from typing import Any

import pytest

from kie_ui.catalog.constraints import is_checkable, matches_pattern
from kie_ui.catalog.registry import built_in_registry
from kie_ui.catalog.request import build_input
from kie_ui.catalog.rules import EXTRA, notices
from kie_ui.catalog.spec import ModelSpec
from kie_ui.catalog.validate import InvalidValues, check_part, check_values
from kie_ui.catalog.values import JsonValue, UrlRef
from tests.catalog.added import a_spec
from tests.catalog.documented import LITE

CAT, DOG = "https://pictures.example/cat.png", "https://pictures.example/dog.png"


def spec_with(**facts: Any) -> ModelSpec:
    """Load a spec with one parameter, `value`."""
    parameter = {"name": "value", "label": "Value", "help": "", **facts}
    return a_spec("maker/model", parameters=[parameter])


def sent(value: Any, **facts: Any) -> Any:
    """Return what the request holds of a value."""
    spec = spec_with(**facts)
    checked = check_values(spec, {"value": value})
    return build_input(spec, checked, lambda ref: ref.path).get("value")


def problem_of(value: Any, **facts: Any) -> str:
    """Return the one problem of a value that cannot be sent."""
    with pytest.raises(InvalidValues) as caught:
        check_values(spec_with(**facts), {"value": value})
    (problem,) = caught.value.problems
    assert problem.parameter == "value"
    return problem.message


NUMBERS = {"kind": "choice", "options": [{"value": n, "label": str(n)} for n in (1, 2.5, 8)]}
QUOTED = {"kind": "choice", "options": [{"value": n, "label": n} for n in ("5", "10")]}


@pytest.mark.parametrize(
    ("value", "expected"), [(1, 1), (1.0, 1), ("8", 8), ("8.0", None), (2.5, 2.5), ("2.5", 2.5)]
)
def test_a_choice_of_true_numbers_is_sent_as_a_number(value: object, expected: object) -> None:
    """However it was typed; no other spelling is guessed at."""
    facts = {**NUMBERS, "of": "number"}
    if expected is None:
        assert problem_of(value, **facts) == "Value cannot be “8.0”: choose one of 1, 2.5, 8."
        return
    got = sent(value, **facts)
    assert (got, type(got)) == (expected, type(expected))


@pytest.mark.parametrize("value", [5, 5.0, "5"])
def test_a_choice_of_quoted_numbers_is_sent_as_text(value: object) -> None:
    """The documentation quotes them, and the service wants them so."""
    assert sent(value, **QUOTED) == "5"


@pytest.mark.parametrize("value", [True, [5], {"a": 1}])
def test_a_choice_takes_neither_yes_nor_lists(value: object) -> None:
    """Python would take yes for 1."""
    assert problem_of(value, **NUMBERS).startswith("Value cannot be that: choose one of")


def test_of_a_hundred_choices_the_first_are_named() -> None:
    """A sentence is no list of voices."""
    voices = [{"value": f"voice{n}", "label": f"Voice {n}"} for n in range(100)]
    message = problem_of("nobody", kind="choice", options=voices)
    assert "voice29 and 70 more" in message
    assert "voice30" not in message


def test_several_choices_are_sent_as_a_list_each_once() -> None:
    """In the order in which they were chosen."""
    several = {**QUOTED, "many": True}
    assert sent(["10", 5, "10"], **several) == ["10", "5"]
    assert sent("5", **several) == ["5"]
    assert sent([], **several) is None


def test_too_many_and_too_few_choices_are_refused() -> None:
    """With what to do."""
    several = {**QUOTED, "many": True}
    assert (
        problem_of(["5", "10"], **several, max_items=1)
        == "Value takes at most 1: remove 1 of these 2."
    )
    assert problem_of(["5"], **several, min_items=2) == "Value needs at least 2: add 1 value."


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("a", "Value has 1 character: write at least 2."),
        ("abcdef", "Value has 6 characters, 1 more than the 5 that fit: shorten it."),
        ("ABC", "Value does not have the documented form, ^[a-z]+$: change it."),
    ],
)
def test_text_keeps_its_documented_limits_and_form(value: str, message: str) -> None:
    """Length counts characters; a pattern is a regular expression."""
    limits = {"kind": "text", "min_length": 2, "max_length": 5, "pattern": "^[a-z]+$"}
    assert problem_of(value, **limits) == message
    assert sent("abc", **limits) == "abc"


def test_a_pattern_that_would_explode_is_checked_in_no_time() -> None:
    """The engine's time grows with the text, whatever the pattern."""
    assert not matches_pattern("^(a+)+$", "a" * 50_000 + "!")


@pytest.mark.parametrize("pattern", ["(?=a)b", "(", "a{1000}{1000}{1000}", r"(\w)\1"])
def test_a_pattern_that_cannot_be_checked_stands_in_no_way(pattern: str) -> None:
    """What no one can check is left to the service."""
    assert not is_checkable(pattern)
    assert sent("anything", kind="text", pattern=pattern) == "anything"


@pytest.mark.parametrize(
    ("value", "expected"), [(3, 3), (3.0, 3), ("3", 3), (9_007_199_254_740_993, 9007199254740993)]
)
def test_an_integer_is_sent_whole(value: object, expected: int) -> None:
    """No digit of a long seed is lost."""
    got = sent(value, kind="number", integer=True)
    assert (got, type(got)) == (expected, int)


def test_an_integer_is_no_fraction() -> None:
    """Also where no step says so."""
    assert (
        problem_of(1.5, kind="number", integer=True) == "Value is 1.5: it must be a whole number."
    )


@pytest.mark.parametrize("step", [0.1, 0.5])
def test_an_integer_with_a_broken_step_is_still_whole(step: float) -> None:
    """A page may contradict itself; what is sent is an integer."""
    facts = {"kind": "number", "integer": True, "minimum": 0, "step": step}
    assert sent(2, **facts) == 2
    assert "whole number" in problem_of(0.5, **facts)


@pytest.mark.parametrize("value", [10**400, -(10**400), float("inf"), float("nan"), "1e999"])
def test_numbers_without_end_are_no_numbers(value: object) -> None:
    """No request can carry them."""
    assert problem_of(value, kind="number") == "Value needs a number."


@pytest.mark.parametrize(("value", "expected"), [(True, True), (False, False), ("", None)])
def test_a_switch_without_default_may_be_left_out(value: object, expected: object) -> None:
    """Then the service decides."""
    assert sent(value, kind="switch") is expected


@pytest.mark.parametrize(
    ("media", "words"),
    [("image", "a picture"), ("video", "a video"), ("audio", "a sound"), ("file", "a file")],
)
def test_missing_media_are_called_by_their_kind(media: str, words: str) -> None:
    """A person looks for a sound where a sound is wanted."""
    facts = {"kind": "media", "media": media, "required": True}
    assert problem_of(None, **facts).startswith(f"Value is missing: add {words}, or a web address")


def test_lists_of_media_keep_their_documented_counts() -> None:
    """From `min_items` to `max_items`; without an end as many as one likes."""
    several = {"kind": "media", "many": True, "min_items": 2, "max_items": 3}
    assert problem_of([CAT], **several) == "Value needs at least 2: add 1 picture."
    assert problem_of([CAT] * 4, **several) == "Value takes at most 3: remove 1 of these 4."
    assert problem_of([CAT] * 2, kind="media", many=True, max_items=1) == (
        "Value takes at most 1: remove 1 of these 2."
    )
    for fitting in ([CAT, DOG], [CAT, DOG, CAT]):
        assert sent(fitting, **several) == fitting
    assert len(sent([CAT] * 40, kind="media", many=True, max_items=None)) == 40


# --- extra input ----------------------------------------------------------------------------------


def test_the_extra_input_goes_into_the_request_last() -> None:
    """Over what the form says, and beside it."""
    spec = built_in_registry().spec(LITE)
    values = {"prompt": "A cat.", "image_url": CAT, EXTRA: '{"duration": "15", "nsfw": false}'}
    checked = check_values(spec, {**values, "duration": "5"})
    built = build_input(spec, checked, lambda ref: ref.path)
    assert built == {"prompt": "A cat.", "image_url": CAT, "duration": "15", "nsfw": False}
    assert list(built)[-1] == "nsfw"


def test_what_the_extra_input_goes_before_is_said() -> None:
    """Once it can be read."""
    spec = built_in_registry().spec(LITE)
    values = {"prompt": "A cat.", "image_url": CAT, EXTRA: {"duration": "15", "nsfw": False}}
    (notice,) = notices(spec, check_values(spec, values))
    assert notice == (EXTRA, "Sent instead of what the form says: duration.")


def test_what_the_extra_input_gives_need_not_be_given_otherwise() -> None:
    """Neither a required parameter nor one of several that cannot be used together."""
    lite = built_in_registry().spec(LITE)
    extra = {"prompt": "A cat.", "image_url": CAT}
    assert build_input(lite, check_values(lite, {EXTRA: extra}), str) == extra
    grok = built_in_registry().spec("grok-imagine/image-to-video")
    extra = {"task_id": "abc"}
    assert build_input(grok, check_values(grok, {EXTRA: extra}), str) == extra


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("{", "Extra input is not JSON yet, line 1, column 2:"),
        ("[1]", 'Extra input must be a JSON object, such as {"name": "value"}.'),
        ('{"a": NaN}', "Extra input cannot be read as JSON"),
        ('{"a": "\\ud83d"}', "Extra input has a broken character in it"),
        ("[" * 100_000, "Extra input cannot be read as JSON"),
        ('{"a":' * 70 + "1" + "}" * 70, "Extra input is nested too deeply"),
    ],
)
def test_an_extra_input_that_cannot_be_sent_is_refused(extra: str, message: str) -> None:
    """With a sentence, beside those of the other values."""
    spec = built_in_registry().spec(LITE)
    with pytest.raises(InvalidValues) as caught:
        check_values(spec, {"image_url": CAT, EXTRA: extra})
    problems = {problem.parameter: problem.message for problem in caught.value.problems}
    assert problems[EXTRA].startswith(message)
    assert problems["prompt"] == "Prompt is missing: fill it in."
    sound, _ = check_part(spec, {"image_url": CAT, EXTRA: extra})
    assert sound == {"image_url": (UrlRef(url=CAT),)}


@pytest.mark.parametrize("nothing", ["", "  ", "{}", {}, None])
def test_an_empty_extra_input_is_none(nothing: object) -> None:
    """Nothing of it is kept."""
    spec = built_in_registry().spec(LITE)
    checked = check_values(spec, {"prompt": "A cat.", "image_url": CAT, EXTRA: nothing})
    assert EXTRA not in checked


def test_a_value_that_a_newer_page_no_longer_knows_is_sent_all_the_same() -> None:
    """A page may be replaced between the press and the request; nothing pressed is dropped."""
    spec = spec_with(kind="text")
    checked = {
        "value": "new",
        "old": 7,
        "picture": (UrlRef(url=CAT),),
        "pictures": (UrlRef(url=CAT), UrlRef(url=DOG)),
        "rows": JsonValue(value=[1]),
    }
    assert build_input(spec, checked, lambda ref: ref.path) == {
        "value": "new",
        "old": 7,
        "picture": CAT,
        "pictures": [CAT, DOG],
        "rows": [1],
    }
