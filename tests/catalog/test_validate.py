from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kie_ui.catalog.constraints import named
from kie_ui.catalog.registry import built_in_registry
from kie_ui.catalog.request import build_body, build_input
from kie_ui.catalog.rules import Problem
from kie_ui.catalog.spec import ModelSpec
from kie_ui.catalog.validate import (
    InvalidValues,
    check_part,
    check_values,
    input_model,
)
from kie_ui.catalog.values import FileRef, UrlRef
from tests.catalog import added
from tests.catalog.documented import JSON_TYPES, LITE, TABLES
from tests.catalog.strategies import any_json, any_text, values_of

CAT_URL = "https://pictures.example/cat.png"
CAT = UrlRef(url=CAT_URL)
READY: dict[str, Any] = {"prompt": "A cat walks.", "image_url": CAT_URL}
"""The least that V1 Lite takes."""

LITE_TAKES = (
    "It takes: prompt, image_url, resolution, duration, camera_fixed, seed, "
    "enable_safety_checker, end_image_url."
)
WANTS_A_PICTURE = "a picture, or a web address that starts with https:// or http://."


def problems_of(spec: ModelSpec, values: dict[str, Any]) -> dict[str, str]:
    """Return what is said of values that cannot be sent, by parameter."""
    with pytest.raises(InvalidValues) as caught:
        check_values(spec, values)
    return {problem.parameter: problem.message for problem in caught.value.problems}


def lite_problem(**changes: Any) -> str:
    """Return the one sentence that is said of V1 Lite's form with one value changed."""
    ((parameter, message),) = problems_of(
        built_in_registry().spec(LITE), {**READY, **changes}
    ).items()
    assert parameter in changes
    return message


def lite_value(**changes: Any) -> Any:
    """Return what becomes of the one changed value of V1 Lite's form."""
    (name,) = changes
    return check_values(built_in_registry().spec(LITE), {**READY, **changes})[name]


def a_spec(*parameters: dict[str, Any]) -> ModelSpec:
    """Load a spec with parameters of names and limits that no built-in model has."""
    given = [{"label": "Value", "help": "", **facts} for facts in parameters]
    return added.a_spec("maker/model", parameters=given)


# --- everything at once, in plain words -----------------------------------------------------------


def test_all_problems_are_reported_at_once(lite: ModelSpec) -> None:
    """All problems are reported together, each problem at its parameter."""
    values = {
        "prompt": "a" * 10_001,
        "resolution": "4K",
        "duration": 13,
        "camera_fixed": "perhaps",
        "seed": -2,
        "end_image_url": "cat.png",
        "style": "noir",
    }

    assert problems_of(lite, values) == {
        "style": f"style is not a parameter of {LITE}. {LITE_TAKES}",
        "prompt": "Prompt has 10,001 characters, 1 more than the 10,000 that fit: shorten it.",
        "image_url": f"Picture (image_url) is missing: add {WANTS_A_PICTURE}",
        "resolution": "Resolution cannot be “4K”: choose one of 480p, 720p, 1080p.",
        "duration": "Duration cannot be “13”: choose one of 3, 4, 5, 6, 7, 8, 9, 10, 11, 12.",
        "camera_fixed": "Still camera (camera_fixed) is either on or off.",
        "seed": "Seed is -2: choose a number from -1 to 2147483647.",
        "end_image_url": f"End picture (end_image_url) needs {WANTS_A_PICTURE}",
    }


def test_the_error_itself_says_everything(lite: ModelSpec) -> None:
    """The error's text holds every sentence."""
    with pytest.raises(InvalidValues) as caught:
        check_values(lite, {})

    assert caught.value.problems == (
        Problem("prompt", "Prompt is missing: fill it in."),
        Problem("image_url", f"Picture (image_url) is missing: add {WANTS_A_PICTURE}"),
    )
    assert str(caught.value) == " ".join(problem.message for problem in caught.value.problems)


@pytest.mark.parametrize("blank", [None, "", " \n", [], {}])
def test_a_blank_counts_as_missing(blank: object) -> None:
    """What is required and empty is missing, whatever kind of nothing it is."""
    assert lite_problem(prompt=blank) == "Prompt is missing: fill it in."


def test_each_parameter_has_one_sentence(lite: ModelSpec) -> None:
    """Of several faults of one value the first is reported."""
    values = {**READY, "image_url": ["cat.png", None, 5, {"kind": "zip"}]}

    assert list(problems_of(lite, values)) == ["image_url"]


def test_a_parameter_is_named_by_label_and_documented_name(lite: ModelSpec) -> None:
    """People know the label and callers the documented name; one word is not said twice."""
    assert named(lite.parameter("prompt")) == "Prompt"
    assert named(lite.parameter("camera_fixed")) == "Still camera (camera_fixed)"


def test_a_good_form_has_no_problem(lite: ModelSpec) -> None:
    """What comes out is in the types of the wire, media as tuples of references, files unread."""
    file = FileRef(path="inputs/end.png", name="end.png")
    values = {**READY, "duration": 5, "seed": "7", "camera_fixed": False, "end_image_url": file}

    assert check_values(lite, values) == {
        "prompt": "A cat walks.",
        "image_url": (CAT,),
        "duration": "5",
        "camera_fixed": False,
        "seed": 7,
        "end_image_url": (file,),
    }


# --- text -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("character", ["a", "é", "文", "😀"])
def test_text_may_be_exactly_as_long_as_documented(character: str) -> None:
    """A character is what Unicode counts as one, so that an emoji is not two."""
    assert lite_value(prompt=character * 10_000) == character * 10_000
    assert lite_problem(prompt=character * 10_250) == (
        "Prompt has 10,250 characters, 250 more than the 10,000 that fit: shorten it."
    )


def test_each_text_has_its_own_limit(grok: ModelSpec) -> None:
    """Grok takes 5,000 characters of prompt and 100 of a task id."""
    fits = {"task_id": "t" * 100, "prompt": "p" * 5000}

    assert check_values(grok, fits) == fits
    assert problems_of(grok, {"task_id": "t" * 101, "prompt": "p" * 5001}) == {
        "task_id": "Grok image task (task_id) has 101 characters, 1 more than the 100 that fit: "
        "shorten it.",
        "prompt": "Prompt has 5,001 characters, 1 more than the 5,000 that fit: shorten it.",
    }


def test_text_stays_as_it_was_typed() -> None:
    """Blanks around and inside a prompt, controls and odd scripts are never changed."""
    text = " \t“A”\r\n\x00\x85\u2028 {b} $c `d` \\n 'e' \"f\" \u202eg\U0010ffff "

    assert lite_value(prompt=text) == text


@pytest.mark.parametrize("text", ["\ud83d", "half a \ud83d smile", "\ude00\ud83d"])
def test_half_a_character_is_refused(text: str) -> None:
    """A lone surrogate cannot be written as UTF-8, so no request could carry it."""
    assert lite_problem(prompt=text) == (
        "Prompt has a broken character in it, such as half an emoji: delete it."
    )


@pytest.mark.parametrize("value", [5, 0, 1.5, True, False, ["A cat."], {"text": "A cat."}])
def test_text_is_text(value: object) -> None:
    """Nothing else is taken for a prompt."""
    assert lite_problem(prompt=value) == "Prompt needs text."


# --- choices --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("5 ", "5 "),
        ("five", "five"),
        (2, "2"),
        (5.5, "5.5"),
        (1_234_567, "1234567"),
        (1e6, "1000000"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (10**400, "1" + "0" * 59),
        ("\ud83d", "?"),
        ("x" * 61, "x" * 60),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_another_value_is_repeated_and_the_choice_named(value: object, shown: str) -> None:
    """The sentence shows what was given as people write it, and what may be chosen instead."""
    assert lite_problem(duration=value) == (
        f"Duration cannot be “{shown}”: choose one of 3, 4, 5, 6, 7, 8, 9, 10, 11, 12."
    )


@pytest.mark.parametrize("value", [True, False, ["5"], {"value": "5"}, 10**5000], ids=type)
def test_what_is_no_choice_at_all_is_answered_with_the_choices(value: object) -> None:
    """A value that cannot even be shown is met with what may be chosen."""
    assert lite_problem(resolution=value) == (
        "Resolution cannot be that: choose one of 480p, 720p, 1080p."
    )


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (-1, -1),
        (0, 0),
        (-0.0, 0),
        (2_147_483_647, 2_147_483_647),
        (2_147_483_647.0, 2_147_483_647),
        ("42", 42),
        (" 42.0\n", 42),
        ("1e3", 1000),
        ("-1", -1),
    ],
)
def test_whole_numbers_come_out_as_ints(value: object, number: int) -> None:
    """Both bounds fit, numbers as text are numbers, and none has a decimal point on the wire."""
    checked = lite_value(seed=value)

    assert checked == number
    assert type(checked) is int


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (-2, "-2"),
        (-1.5, "-1.5"),
        (2_147_483_648, "2147483648"),
        (2_147_483_647.5, "2147483647.5"),
        (1e20, "100000000000000000000"),
        (1e300, "1e+300"),
        ("-99", "-99"),
        (10**300, "1e+300"),
    ],
    ids=str,
)
def test_numbers_out_of_range_are_shown_with_the_range(value: object, shown: str) -> None:
    """The sentence shows the number as people write it, not 2.14748e+09."""
    assert lite_problem(seed=value) == (f"Seed is {shown}: choose a number from -1 to 2147483647.")


@pytest.mark.parametrize(
    "value", [0.5, "1.25", -0.25, 1e-9, 1e-120, 500_000_000.5, 2_147_483_646.5]
)
def test_a_fraction_is_never_cut_off(value: object) -> None:
    """A number between two steps is refused however large it is, and never rounded in silence."""
    assert lite_problem(seed=value).endswith(": it must be a whole number.")


@pytest.mark.parametrize(
    "value",
    [
        "seven",
        "٣",
        "0x10",
        "nan",
        "inf",
        "-Infinity",
        "1e999",
        "\ud83d",
        float("nan"),
        float("inf"),
        float("-inf"),
        10**400,
        -(10**5000),
        [1],
        {"a": 1},
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_number_is_refused(value: object) -> None:
    """Words, infinities, numbers beyond any computer's and collections are no numbers."""
    assert lite_problem(seed=value) in (
        "Seed needs a number.",
        "Seed cannot be read: enter it again.",
    )


@pytest.mark.parametrize("value", [True, False])
def test_yes_and_no_are_no_numbers(value: object) -> None:
    """JSON keeps true apart from 1, and so do we."""
    assert lite_problem(seed=value) == "Seed needs a number, not yes or no."


@pytest.mark.parametrize(
    ("limits", "number", "sentence"),
    [
        ({"minimum": 2}, 1, "is 1: choose 2 or more."),
        ({"minimum": 0.5}, 0.25, "is 0.25: choose 0.5 or more."),
        ({"maximum": 0}, 1, "is 1: choose 0 or less."),
        ({"maximum": 2.5}, 3, "is 3: choose 2.5 or less."),
        ({"minimum": 0, "maximum": 1}, 1.1, "is 1.1: choose a number from 0 to 1."),
        ({"step": 2}, 3, "is 3: it must be a multiple of 2."),
        ({"step": 0.1}, 0.25, "is 0.25: it must be a multiple of 0.1."),
        ({"step": 2, "minimum": 1}, 4, "is 4: it must be 1 plus a multiple of 2."),
        ({"step": 1, "minimum": 0.5}, 1, "is 1: it must be 0.5 plus a multiple of 1."),
        ({"step": 1e6}, 1.5e6, "is 1500000: it must be a multiple of 1000000."),
    ],
)
def test_limits_are_said_as_they_are(
    limits: dict[str, float], number: float, sentence: str
) -> None:
    """A range open to one side, and steps of any size from any start, are named in plain words."""
    spec = a_spec({"kind": "number", "name": "n", **limits})

    assert problems_of(spec, {"n": number}) == {"n": f"Value (n) {sentence}"}


@pytest.mark.parametrize(
    ("limits", "number"),
    [
        ({}, 1e300),
        ({"step": 0.1}, 0.3),
        ({"step": 0.1}, 0.1 + 0.2),
        ({"step": 0.1, "minimum": 0, "maximum": 1}, 1),
        ({"step": 0.01}, 123_456.78),
        ({"step": 1e-300}, 1e300),
        ({"step": 0.5, "minimum": 0.25}, 1.75),
        ({"step": 2, "minimum": 1}, 5),
    ],
)
def test_steps_forgive_what_binary_fractions_cannot_say(
    limits: dict[str, float], number: float
) -> None:
    """0.1 + 0.2 is a multiple of 0.1 for people, and no step is too fine to be checked."""
    assert check_values(a_spec({"kind": "number", "name": "n", **limits}), {"n": number}) == {
        "n": number
    }


@given(st.integers(-1000, 1000), st.sampled_from([0.01, 0.05, 0.1, 0.25, 0.3, 1.5, 7]))
def test_every_step_fits_and_no_half_step_does(count: int, step: float) -> None:
    """From the lowest value on each step is allowed, and halfway between two none is."""
    low = -1000 * step
    spec = a_spec({"kind": "number", "name": "n", "minimum": low, "step": step})

    assert check_values(spec, {"n": count * step})
    assert problems_of(spec, {"n": count * step + step / 2}).keys() == {"n"}


# --- switches -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "state"),
    [(True, True), (False, False), (1, True), (0, False), ("true", True), ("off", False)],
)
def test_switches_come_out_as_booleans(value: object, state: bool) -> None:  # noqa: FBT001 - a table's column
    """A switch may be said in a few ways, and is a real boolean on the wire."""
    assert lite_value(camera_fixed=value) is state


@pytest.mark.parametrize("value", [2, -1, 0.5, "perhaps", "\ud83d", [True], float("nan"), 10**400])
def test_what_is_neither_on_nor_off_is_refused(value: object) -> None:
    """Nothing else is guessed to be a yes."""
    assert lite_problem(camera_fixed=value) in (
        "Still camera (camera_fixed) is either on or off.",
        "Still camera (camera_fixed) cannot be read: enter it again.",
    )


# --- media ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("given_as", [CAT_URL, CAT, [CAT_URL], (CAT,), f" {CAT_URL}\n"])
def test_one_picture_may_be_given_bare_or_in_a_list(given_as: object) -> None:
    """What comes out is always a tuple of references."""
    assert lite_value(image_url=given_as) == (CAT,)


@pytest.mark.parametrize(
    "value",
    [
        "cat.png",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "https://pictures.example/" + "a" * 2048,
        5,
        True,
        [None],
        [""],
        [[CAT_URL]],
        {"path": "/etc/passwd"},
        {"kind": "zip"},
        {"kind": "file", "path": "/etc/passwd", "name": "cat.png"},
        [{"kind": "file", "path": "/etc/passwd", "name": "cat.png"}],
        {"kind": "url", "url": CAT_URL, "extra": 1},
        "\ud83d",
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_what_is_no_picture_is_refused(value: object) -> None:
    """Paths, data and above all dicts that pose as files of ours are refused in the same words."""
    assert lite_problem(image_url=value) == f"Picture (image_url) needs {WANTS_A_PICTURE}"


# --- names ----------------------------------------------------------------------------------------


def test_an_unknown_name_without_a_value_is_harmless(lite: ModelSpec) -> None:
    """An empty field says nothing, whatever it is called."""
    assert check_values(lite, {**READY, "promt": ""}).keys() == READY.keys()


@pytest.mark.parametrize(
    ("name", "shown"), [("Prompt", "Prompt"), ("\ud83d", "?"), ("x" * 500, "x" * 60), ("{}", "{}")]
)
def test_an_unknown_name_is_repeated_beside_the_known_ones(
    lite: ModelSpec, name: str, shown: str
) -> None:
    """The service would drop a misspelt name in silence; an endless one is shown in part."""
    assert problems_of(lite, {**READY, name: 1}) == {
        name: f"{shown} is not a parameter of {LITE}. {LITE_TAKES}"
    }


@pytest.mark.parametrize(
    "name",
    ["schema", "json", "copy", "model_config", "model_fields", "_id", "class", "a b ", "größe"],
)
def test_any_documented_name_will_do(name: str) -> None:
    """A parameter may be called what no Python attribute may be."""
    spec = a_spec({"kind": "text", "name": name, "max_length": 3}, {"kind": "switch", "name": "x"})

    assert check_values(spec, {name: "abc", "x": True}) == {name: "abc", "x": True}
    assert problems_of(spec, {name: "abcd"}).keys() == {name}


def test_inner_names_are_no_way_in(lite: ModelSpec) -> None:
    """A value is taken by its documented name alone."""
    inner = list(input_model(lite).model_fields)

    assert problems_of(lite, {**READY, inner[0]: "A cat."}).keys() == {inner[0]}


# --- parameters that depend on each other ---------------------------------------------------------


def test_two_sources_are_refused_at_both(grok: ModelSpec) -> None:
    """A picture and a task cannot be used together, and either may be the one to empty."""
    sentence = (
        "Picture (image_urls) and Grok image task (task_id) cannot be used together: "
        "clear one of them."
    )

    assert problems_of(grok, {"image_urls": CAT, "task_id": "t"}) == {
        "image_urls": sentence,
        "task_id": sentence,
    }


@pytest.mark.parametrize("values", [{}, {"image_urls": [], "task_id": " "}, {"index": 2}])
def test_no_source_is_refused(grok: ModelSpec, values: dict[str, Any]) -> None:
    """One sentence names all ways out; an index alone is nothing to start from."""
    assert problems_of(grok, values) == {
        "image_urls": "Something to start from is missing: "
        "give a picture (image_urls) or a Grok image task (task_id)."
    }


def test_an_index_beside_a_picture_is_left_out_unread(grok: ModelSpec) -> None:
    """What will not be sent cannot be wrong."""
    assert check_values(grok, {"image_urls": CAT, "index": 99}) == {"image_urls": (CAT,)}


def test_an_index_beside_a_task_is_checked(grok: ModelSpec) -> None:
    """Six pictures are counted from 0 to 5."""
    for index in (0, 5):
        assert check_values(grok, {"task_id": "t", "index": index})["index"] == index
    assert problems_of(grok, {"task_id": "t", "index": 6}) == {
        "index": "Which picture (index) is 6: choose a number from 0 to 5."
    }


# --- unfinished forms -----------------------------------------------------------------------------


def test_an_empty_form_has_problems_and_nothing_sound(lite: ModelSpec) -> None:
    """A form nobody has touched is unfinished, not broken."""
    sound, problems = check_part(lite, {})

    assert sound == {}
    assert [problem.parameter for problem in problems] == ["prompt", "image_url"]


def test_what_is_sound_is_kept_and_the_rest_named(lite: ModelSpec) -> None:
    """An unfinished form gives its good values, in the types of the wire, beside its problems."""
    sound, problems = check_part(
        lite, {"prompt": "A cat.", "duration": 5, "seed": 2**31, "end_image_url": "cat", "x": 1}
    )

    assert sound == {"prompt": "A cat.", "duration": "5"}
    assert {problem.parameter for problem in problems} == {
        "image_url",
        "seed",
        "end_image_url",
        "x",
    }


def test_a_finished_form_is_all_sound(lite: ModelSpec) -> None:
    """Where nothing is amiss, a part is the whole."""
    assert check_part(lite, READY) == (check_values(lite, READY), ())


def test_of_two_sources_neither_is_sound(grok: ModelSpec) -> None:
    """Which of two rivals is meant can't be known, so what hangs on either goes too."""
    sound, problems = check_part(
        grok, {"image_urls": CAT, "task_id": "t", "index": 3, "mode": "spicy"}
    )

    assert sound == {"mode": "spicy"}
    assert [problem.parameter for problem in problems] == ["image_urls", "task_id"]


def test_an_index_goes_with_its_broken_task(grok: ModelSpec) -> None:
    """What needs an unsound value is left out with it."""
    assert check_part(grok, {"task_id": "t" * 101, "index": 3, "duration": "6"})[0] == {
        "duration": "6"
    }


# --- for all values -------------------------------------------------------------------------------


@pytest.mark.parametrize("model", TABLES)
@given(data=st.data())
def test_documented_values_always_make_a_documented_input(model: str, data: st.DataObject) -> None:
    """Whatever the documentation allows is taken, in JSON of the documented types and order."""
    spec, table = built_in_registry().spec(model), TABLES[model]
    values = data.draw(values_of(spec))
    checked = check_values(spec, values)
    built = build_input(spec, checked, lambda ref: f"https://uploads.example/{ref.path}")
    wire = json.loads(json.dumps(build_body(spec, built), ensure_ascii=False).encode())

    types = {row.name: JSON_TYPES[row.type] for row in table}
    assert wire == {"model": model, "input": built}
    assert list(built) == [row.name for row in table if row.name in built]
    assert all(type(value) in types[name] for name, value in wire["input"].items())
    assert all(wire["input"][row.name] is not None for row in table if row.required)
    assert check_part(spec, values) == (checked, ())


@pytest.mark.parametrize("model", TABLES)
@given(data=st.data())
def test_checking_twice_changes_nothing(model: str, data: st.DataObject) -> None:
    """Checked values are values that can be checked again, so a run can be sent again."""
    spec = built_in_registry().spec(model)
    checked = check_values(spec, data.draw(values_of(spec)))

    assert check_values(spec, checked) == checked


@pytest.mark.parametrize("model", TABLES)
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_no_value_breaks_the_check(model: str, data: st.DataObject) -> None:
    """Any JSON is taken or refused in sentences that can be shown, and nothing else happens."""
    spec = built_in_registry().spec(model)
    names = st.sampled_from([parameter.name for parameter in spec.parameters])
    values = data.draw(st.dictionaries(names | any_text, any_json, max_size=6))
    if data.draw(st.booleans()):
        values = {**data.draw(values_of(spec)), **values}

    sound, problems = check_part(spec, values)

    for problem in problems:
        assert problem.parameter in values or problem.parameter in {p.name for p in spec.parameters}
        assert problem.message.endswith(".")
        assert problem.message.encode()
    built = build_input(spec, sound, lambda ref: ref.name)
    assert json.dumps(built, allow_nan=False, ensure_ascii=False).encode()
    assert sound.keys().isdisjoint(problem.parameter for problem in problems)


@given(st.floats() | st.integers() | st.decimals().map(str) | st.text("0123456789.eE+-_ "))
def test_no_number_slips_past_its_limits(value: object) -> None:
    """Whatever is taken for a seed is a whole number in the documented range."""
    spec = built_in_registry().spec(LITE)
    sound, _ = check_part(spec, {**READY, "seed": value})

    if "seed" in sound:
        assert type(sound["seed"]) is int
        assert -1 <= sound["seed"] <= 2_147_483_647
        assert sound["seed"] == float(str(value).replace("_", ""))  # as in 10_000
