from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from kie_ui.catalog.parameters import ChoiceParameter, MediaParameter
from kie_ui.catalog.spec import ModelSpec
from kie_ui.catalog.validation.validate import InvalidValues, check_values
from kie_ui.catalog.values import FileRef, UrlRef
from kie_ui.ui.endpoints import build_api_parameter, read_given, read_input, schema_of
from kie_ui.ui.form.media_input import UPLOAD_META
from tests.catalog.spec_strategies import specs
from tests.catalog.strategies import values_of
from tests.ui.driving import GROK, SPECS, V1_LITE
from tests.ui.specs import EVERY_KIND

by_model = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.api_name)


async def defaults(spec: ModelSpec) -> dict[str, Any]:
    """Return what a client sends for arguments that its caller leaves out."""
    return {p.name: build_api_parameter(p).value for p in spec.parameters}


@by_model
async def test_a_call_without_arguments_is_the_documented_example(spec: ModelSpec) -> None:
    """Every documented default is sent, and the whole passes the check."""
    values = read_given(spec, await defaults(spec))
    documented = {p.name: p.default for p in spec.parameters if p.default not in (None, ())}
    documented = {n: v for n, v in documented.items() if not spec.exclusive_with(n) or n in values}
    assert values == read_given(spec, {})
    assert check_values(spec, values).keys() >= documented.keys() - {"index"}


@by_model
async def test_no_argument_is_required(spec: ModelSpec) -> None:
    """A client takes an argument without a default for a required one."""
    assert None not in (await defaults(spec)).values()


async def test_of_arguments_that_exclude_each_other_one_is_enough() -> None:
    """The sample picture, which a client sends by itself, makes room for the task id."""
    values = read_given(GROK, {**await defaults(GROK), "task_id": "281e5b0", "index": 4})
    assert (values["task_id"], values["index"]) == ("281e5b0", 4)
    assert "image_urls" not in values
    assert "index" in read_given(GROK, {"task_id": "281e5b0"})


async def test_both_of_a_pair_are_a_problem_as_on_the_page() -> None:
    """Nobody chooses in silence between two things that the caller gave."""
    both = {"task_id": "281e5b0", "image_urls": ["https://a.test/mine.png"]}
    values = read_given(GROK, {**await defaults(GROK), **both})
    with pytest.raises(InvalidValues, match="exclude each other"):
        check_values(GROK, values)


async def test_an_argument_that_equals_its_default_counts_as_left_out() -> None:
    """The two cannot be told apart: clients send defaults by themselves."""
    sample = (await defaults(GROK))["image_urls"]
    assert "image_urls" not in read_given(GROK, {"image_urls": sample, "task_id": "281e5b0"})


@pytest.mark.parametrize("many", [True, False])
def test_a_picture_may_be_a_file_or_an_address_alone_or_in_a_list(
    uploaded: Path, *, many: bool
) -> None:
    """Whatever a caller writes first has a fair chance to be right."""
    file = {"path": str(uploaded), "orig_name": "mine.png", "meta": UPLOAD_META}
    address = {"path": "https://a.test/b.png", "meta": UPLOAD_META}
    for given, expected in (
        (file, FileRef(path=str(uploaded), name="mine.png")),
        (address, UrlRef(url="https://a.test/b.png")),
        ("https://a.test/b.png", UrlRef(url="https://a.test/b.png")),
    ):
        values = read_given(GROK, {"image_urls": [given] if many else given})
        assert values["image_urls"] == (expected,)
        values = read_given(V1_LITE, {"image_url": [given] if many else given})
        assert values["image_url"] == (expected,)


def test_what_is_no_picture_is_a_problem_of_its_argument_by_name() -> None:
    """All at once, in the page's own words, beside every other problem."""
    wrong = {"image_url": "data:image/png;base64,", "end_image_url": {"path": "/etc/passwd"}}
    with pytest.raises(InvalidValues) as raised:
        check_values(V1_LITE, read_given(V1_LITE, {**wrong, "seed": -2}))
    messages = {problem.parameter: problem.message for problem in raised.value.problems}
    assert messages.keys() == {"image_url", "end_image_url", "seed"}
    assert messages["image_url"].startswith("Picture (image_url) needs a picture")
    assert messages["end_image_url"].startswith("End picture (end_image_url) needs")


@by_model
async def test_the_schema_tells_what_is_documented(spec: ModelSpec) -> None:
    """Types, choices and the words of the form, for whoever reads the API's own page."""
    for parameter in spec.parameters:
        info: dict[str, Any] = build_api_parameter(parameter).api_info()
        assert info["description"] == parameter.help
        if isinstance(parameter, ChoiceParameter):
            assert info["enum"] == list(parameter.values)
        elif isinstance(parameter, MediaParameter):
            assert {"type": "string"} in info["anyOf"]
            assert any(way.get("type") == "array" for way in info["anyOf"]) == parameter.many
        else:
            assert info["type"] in (parameter.wire_type, "integer")


async def test_every_kind_has_an_argument() -> None:
    """None is required, and each says what it takes."""
    shapes = {p.name: schema_of(p) for p in EVERY_KIND.parameters}
    assert None not in (await defaults(EVERY_KIND)).values()
    assert shapes["steps"]["type"] == "integer"
    assert shapes["styles"]["items"]["enum"] == ["pencil", "oil", "photo", "clay"]
    assert shapes["shots"]["items"]["properties"]["duration"]["type"] == "integer"
    assert shapes["colours"]["items"]["type"] == "string"
    assert shapes["boxes"]["items"] == {"type": "array", "items": {"type": "integer"}}
    assert {"type": "string"} in shapes["audio_urls"]["anyOf"]


@hypothesis.given(data=st.data())
def test_what_a_page_documents_passes_at_the_endpoint_too(data: st.DataObject) -> None:
    """For every spec, whatever its kinds: a call is checked as a form is."""
    spec = data.draw(specs())
    values = data.draw(values_of(spec))
    said = {
        name: ["https://a.test/b"] * len(value) if isinstance(value, tuple) else value
        for name, value in values.items()
    }
    assert check_values(spec, read_input(spec, said)).keys() >= check_values(spec, values).keys()
