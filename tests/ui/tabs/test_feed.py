from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from kie_ui.catalog.parameters import MediaParameter, TextParameter
from kie_ui.catalog.registry import built_in_registry
from kie_ui.catalog.spec import Example, ModelSpec
from kie_ui.catalog.validate import check_values
from kie_ui.settings import ASSETS
from kie_ui.ui.form.prefill import example_values, prefill_form
from kie_ui.ui.tabs.feed import build_feed
from tests.ui.driving import GROK, V1_LITE

FILLED_IN = "works as it is"
EXAMPLES = [(spec, example) for spec in built_in_registry() for example in spec.examples]
MAX_THUMBNAIL_BYTES = 15_000

of_each_example = pytest.mark.parametrize(
    ("spec", "example"), EXAMPLES, ids=[example.title for _, example in EXAMPLES]
)


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


@of_each_example
def test_an_example_can_be_sent_as_it_is(spec: ModelSpec, example: Example) -> None:
    """By the check that every press passes, and its form holds all of it."""
    values = example_values(spec, example)
    assert set(values) <= set(check_values(spec, values))
    prefill = prefill_form(spec, values, lambda ref: Path(ref.path))
    assert prefill.notes == []
    assert all(Path(path).is_file() for path in prefill.files)


@of_each_example
def test_an_example_is_shown_by_a_small_picture(spec: ModelSpec, example: Example) -> None:
    """That a browser keeps, of the size that its place has from the start."""
    alone = spec.model_copy(update={"examples": (example,)})
    (name,) = re.findall(r'src="[^"]*/(samples/thumbs/[^"]+)"', words_of(alone))
    assert (ASSETS / name).stat().st_size <= MAX_THUMBNAIL_BYTES
    with Image.open(ASSETS / name) as thumbnail:
        assert thumbnail.size == (480, 300)


def test_an_example_tells_its_prompt_settings_and_price() -> None:
    """In words; the prompt as text."""
    (example,) = (each for each in V1_LITE.examples if "end_image_url" in each.values)
    hostile = example.model_copy(update={"values": {**example.values, "prompt": "<b>${1}</b>"}})
    shown = words_of(V1_LITE.model_copy(update={"examples": (hostile,)}))
    assert "<span>5 s · 480p · end picture</span> <span>about 10 credits</span>" in shown
    assert "<b>" not in shown
    assert "${" not in shown
    assert "<b>${1}</b>" in unescape(shown)


def test_a_model_without_examples_has_words_alone() -> None:
    """As one that somebody added."""
    assert "example" not in words_of(a_spec())
