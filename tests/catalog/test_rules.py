from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from kie_ui.catalog.registry import built_in_registry
from kie_ui.catalog.rules import (
    Notice,
    apply_replacements,
    exclusion_problems,
    is_given,
    notices,
    with_defaults,
    without_meaningless,
)
from kie_ui.catalog.spec import ModelSpec
from kie_ui.catalog.values import UrlRef
from tests.catalog.added import a_spec
from tests.catalog.documented import GROK
from tests.catalog.strategies import values_of

CAT = UrlRef(url="https://pictures.example/cat.png")


def chained_spec() -> ModelSpec:
    """Make a spec in which `a` needs `b` and `b` needs `c`, the farther rule first."""
    texts = [{"kind": "text", "name": name, "label": name, "help": ""} for name in "abc"]
    rules = [
        {"rule": "only_with", "parameter": "a", "needs": "b"},
        {"rule": "only_with", "parameter": "b", "needs": "c"},
    ]
    return a_spec("maker/chain", parameters=texts, rules=rules)


def rivals_spec() -> ModelSpec:
    """Make a spec with two parameters that cannot be used together and a default for each."""
    texts = [
        {"kind": "text", "name": name, "label": name.upper(), "help": "", "default": f"my {name}"}
        for name in "ab"
    ]
    alternatives = [{"parameter": name, "label": name} for name in "ab"]
    rule = {"rule": "exactly_one", "label": "From", "alternatives": alternatives}
    return a_spec("maker/rivals", parameters=texts, rules=[rule])


@pytest.mark.parametrize("value", [None, "", " ", "\n\t\u3000", [], (), {}])
def test_what_says_nothing_is_not_given(value: object) -> None:
    """Nothing, blank text and empty collections count as left out."""
    assert not is_given(value)


@pytest.mark.parametrize("value", [False, 0, 0.0, -1, "0", " a ", [""], (None,), {"a": None}])
def test_false_and_zero_are_given(value: object) -> None:
    """Only emptiness counts as left out: no and nought are answers."""
    assert is_given(value)


def test_an_index_without_its_task_is_left_out(grok: ModelSpec) -> None:
    """A parameter whose companion is missing, or blank, means nothing."""
    assert without_meaningless(grok, {"index": 0}) == {}
    assert without_meaningless(grok, {"index": 3, "task_id": " "}) == {}
    assert without_meaningless(grok, {"index": 0, "task_id": "t"}) == {"index": 0, "task_id": "t"}


def test_companions_are_looked_for_to_the_end() -> None:
    """What is left out takes along what was only kept for its sake."""
    chain = chained_spec()

    assert without_meaningless(chain, {"a": "1", "b": "2"}) == {}
    assert without_meaningless(chain, {"a": "1", "c": "3"}) == {"c": "3"}
    assert without_meaningless(chain, {"a": "1", "b": "2", "c": "3"}).keys() == {"a", "b", "c"}


def test_only_emptiness_is_left_out(lite: ModelSpec) -> None:
    """Values that say something stay the very objects that they were, known or not."""
    values = {"prompt": " a ", "seed": 0, "camera_fixed": False, "end_image_url": "", "other": 1}

    assert without_meaningless(lite, values) == {
        "prompt": " a ",
        "seed": 0,
        "camera_fixed": False,
        "other": 1,
    }


def test_spicy_becomes_normal_with_an_outside_picture(grok: ModelSpec) -> None:
    """What the service would do by itself is done and said beforehand."""
    values = {"image_urls": (CAT,), "mode": "spicy"}

    assert apply_replacements(grok, values) == {"image_urls": (CAT,), "mode": "normal"}
    assert values["mode"] == "spicy"
    (notice,) = notices(grok, values)
    assert notice == Notice(
        "mode",
        "Spicy works only with a picture from a Grok image task. "
        "With a picture of your own the clip is made in normal mode.",
    )


@pytest.mark.parametrize(
    "values",
    [
        {"task_id": "t", "mode": "spicy"},
        {"mode": "spicy"},
        {"mode": "spicy", "image_urls": ()},
        {"image_urls": (CAT,), "mode": "fun"},
        {"image_urls": (CAT,)},
        {"image_urls": (CAT,), "prompt": "spicy"},
        {},
    ],
)
def test_nothing_else_is_replaced(grok: ModelSpec, values: dict[str, Any]) -> None:
    """Without an outside picture spicy stays spicy, and other values do not matter."""
    assert apply_replacements(grok, values) == values
    assert notices(grok, values) == ()


@given(values_of(built_in_registry().spec(GROK)))
def test_replacing_twice_is_replacing_once(values: dict[str, Any]) -> None:
    """After the replacements there is nothing left to give notice of."""
    spec = built_in_registry().spec(GROK)
    replaced = apply_replacements(spec, values)

    assert notices(spec, replaced) == ()
    assert apply_replacements(spec, replaced) == replaced
    assert replaced.keys() == values.keys()


def test_what_is_left_out_gets_its_default(lite: ModelSpec) -> None:
    """Documented defaults fill the gaps and nothing else; a default that says nothing does not."""
    values = with_defaults(lite, {"prompt": "A cat.", "seed": 0, "camera_fixed": None})

    assert values == {
        "prompt": "A cat.",
        "image_url": (
            "https://file.aiquickdraw.com/custom-page/akr/section-images/17550783375205e9woshz.png",
        ),
        "resolution": "720p",
        "duration": "5",
        "camera_fixed": None,
        "seed": 0,
        "enable_safety_checker": True,
    }


def test_no_default_stands_beside_what_excludes_it(grok: ModelSpec) -> None:
    """A given task keeps the sample picture away; a blank one does not."""
    assert "image_urls" not in with_defaults(grok, {"task_id": "t"})
    assert "image_urls" in with_defaults(grok, {"task_id": ""})
    assert with_defaults(grok, {"task_id": "t"})["index"] == 0


def test_of_rivals_with_defaults_only_one_gets_its_own() -> None:
    """Defaults never make a form that excludes itself: the first documented one wins."""
    rivals = rivals_spec()

    assert with_defaults(rivals, {}) == {"a": "my a"}
    assert with_defaults(rivals, {"b": "mine"}) == {"b": "mine"}
    assert [*exclusion_problems(rivals, with_defaults(rivals, {}))] == []
