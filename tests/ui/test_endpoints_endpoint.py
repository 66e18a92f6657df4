from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from kie_ui.catalog.spec import ModelSpec
from kie_ui.ui.endpoints import GENERATE, build_generate
from kie_ui.ui.form.media_input import UPLOAD_META
from kie_ui.ui.services import Services
from tests.ui.driving import GROK, MakeServices, call
from tests.ui.specs import EVERY_KIND, PROMPT

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
        (ADDED.model, {"prompt": "a", "promt": "b"}, {}, "promt is no parameter of"),
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
