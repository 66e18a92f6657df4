from __future__ import annotations

from typing import Any

import pytest

from kie_ui.catalog.parameters import MediaParameter, TextParameter
from kie_ui.catalog.spec import ModelSpec
from kie_ui.ui.tabs.feed import build_feed
from tests.ui.driving import GROK, V1_LITE

FILLED_IN = "works as it is"


def words_of(spec: ModelSpec) -> str:
    """Return what is shown where no run is yet."""
    return str(build_feed(spec, spec.api_name).html_template)


def a_spec(**fields: Any) -> ModelSpec:
    """Return a model of one text."""
    text = TextParameter(name="prompt", label="Prompt", help="", required=True, default="A fox.")
    usual = {"model": "maker/any", "title": "Any", "maker": "Maker", "summary": ""}
    return ModelSpec.model_validate({**usual, "documentation": "", "parameters": (text,), **fields})


@pytest.mark.parametrize(
    ("produces", "words"),
    [
        ("video", "Your clip appears here."),
        ("image", "Your picture appears here."),
        ("audio", "Your sound appears here."),
        ("text", "Your text appears here."),
    ],
)
def test_it_is_said_what_will_appear(produces: str, words: str) -> None:
    """By what the model makes."""
    assert words in words_of(a_spec(produces=produces))


@pytest.mark.parametrize("spec", [GROK, V1_LITE, a_spec()], ids=lambda spec: spec.model)
def test_a_form_that_is_filled_in_can_be_sent_at_once(spec: ModelSpec) -> None:
    """It is said."""
    assert FILLED_IN in words_of(spec)


@pytest.mark.parametrize(
    "missing",
    [
        TextParameter(name="text", label="Text", help="", required=True),
        MediaParameter(name="voice", label="Voice", help="", media="audio", required=True),
        MediaParameter(
            name="image", label="Image", help="", required=True, default=("https://a.test/a.png",)
        ),
    ],
    ids=lambda parameter: parameter.name,
)
def test_a_form_in_which_something_is_missing_does_not_promise_it(missing: Any) -> None:
    """An example of the documentation does not stand in the form."""
    words = words_of(a_spec(parameters=(missing,)))
    assert FILLED_IN not in words
    assert "Fill in the form" in words
