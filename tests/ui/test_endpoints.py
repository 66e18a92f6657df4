from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gradio as gr
import hypothesis
import pytest
from hypothesis import strategies as st

from kie_ui.catalog.parameters import ChoiceParameter, MediaParameter
from kie_ui.catalog.spec import ModelSpec
from kie_ui.catalog.validate import InvalidValues, check_values
from kie_ui.catalog.values import FileRef, UrlRef
from kie_ui.ui.endpoints import (
    GENERATE,
    build_api_parameter,
    build_generate,
    read_given,
    read_input,
    schema_of,
)
from kie_ui.ui.form.components import UPLOAD_META
from kie_ui.ui.services import Services
from tests.catalog.spec_strategies import specs
from tests.catalog.strategies import values_of
from tests.ui.driving import GROK, SPECS, V1_LITE, MakeServices, call
from tests.ui.specs import EVERY_KIND, PROMPT

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
    with pytest.raises(InvalidValues, match="cannot be used together"):
        check_values(GROK, values)


async def test_an_argument_that_equals_its_default_counts_as_left_out() -> None:
    """The two look the same: clients send defaults by themselves."""
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
    """Types, choices and the words of the form, for readers of the API's own page."""
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


OWNER = "ada"
ADDED = EVERY_KIND.model_copy(update={"parameters": (PROMPT, *EVERY_KIND.parameters[8:10])})
"""A model that Ada added: a prompt, pictures and a video."""


def page_of(services: Services) -> gr.Blocks:
    """Build a page that has the one endpoint."""
    page: gr.Blocks
    with gr.Blocks(analytics_enabled=False) as page:
        build_generate(services)
    page.has_launched = True
    return page


async def generate(
    services: Services, model: str, given: Any, extra: Any = None, owner: str = OWNER
) -> dict[str, Any]:
    """Call a model by its id, and name what it brings."""
    page = page_of(services)
    brought = await call(page, GENERATE, [model, given, extra or {}], owner)
    return {str(getattr(output, "label", "")): value for output, value in brought.items()}


@pytest.fixture
def services(make_services: MakeServices) -> Services:
    """Give a demo to which Ada has added a model."""
    services = make_services(simulator_speed=1000, visitors="many")
    services.library.add(OWNER, [ADDED])
    return services


def sent(brought: dict[str, Any]) -> dict[str, Any]:
    """Read what was sent, by the record."""
    values: dict[str, Any] = json.loads(brought["record"]["param"])["input"]
    return values


async def test_a_model_that_was_added_is_called_by_its_id(
    services: Services, uploaded: Path
) -> None:
    """With a file among its pictures, an address, and a field that nobody documents."""
    file = {"path": str(uploaded), "orig_name": "mine.png", "meta": UPLOAD_META}
    given = {"prompt": "a boat", "image_urls": [file, "https://a.test/b.png"]}
    brought = await generate(services, ADDED.model, given, {"style": {"of": "oil"}})
    values = sent(brought)
    assert values["prompt"] == "a boat"
    assert values["image_urls"][0].startswith("http://127.0.0.1")
    assert values["image_urls"][1] == "https://a.test/b.png"
    assert values["style"] == {"of": "oil"}
    assert brought["file"]["size"] > 0
    assert brought["files"][0]["path"] == brought["file"]["path"]
    assert brought["task_id"] == brought["record"]["taskId"]


async def test_what_is_left_out_takes_its_documented_default(services: Services) -> None:
    """As at the endpoints of the built-in models, which this one calls as well."""
    brought = await generate(services, GROK.model, {"task_id": "sample-grok-a"})
    assert sent(brought)["index"] == 0
    assert "image_urls" not in sent(brought)


@pytest.mark.parametrize(
    ("model", "given", "extra", "words"),
    [
        (ADDED.model, {}, {}, "Prompt is missing"),
        (ADDED.model, {"prompt": "a", "promt": "b"}, {}, "promt is not a parameter of"),
        (ADDED.model, {"prompt": "a", "image_urls": {"path": "/etc/passwd"}}, {}, "web address"),
        (ADDED.model, {"prompt": "a", "image_urls": ["no"]}, {}, "web address"),
        (ADDED.model, ["a"], {}, "are JSON objects"),
        (ADDED.model, {"prompt": "a"}, ["b"], "are JSON objects"),
        ("nobody/knows", {}, {}, "There is no model “nobody/knows”"),
    ],
)
async def test_what_cannot_be_sent_is_refused_in_words(
    services: Services, model: str, given: Any, extra: Any, words: str
) -> None:
    """Before anything is made."""
    with pytest.raises(gr.Error, match=words):
        await generate(services, model, given, extra)


async def test_no_one_calls_the_model_of_another(services: Services) -> None:
    """For Eve it does not exist."""
    with pytest.raises(gr.Error, match="There is no model"):
        await generate(services, ADDED.model, {"prompt": "a"}, owner="eve")


async def test_a_model_may_have_any_names_for_its_parameters(services: Services) -> None:
    """Also those of our own arguments."""
    odd = ModelSpec(
        model="example/odd",
        title="Odd",
        maker="Example",
        summary="",
        documentation="",
        parameters=tuple(
            PROMPT.model_copy(update={"name": name}) for name in ("request", "model", "self")
        ),
    )
    services.library.add(OWNER, [odd])
    given = {"request": "a", "model": "b", "self": "c"}
    assert sent(await generate(services, odd.model, given)) == given
