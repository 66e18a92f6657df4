from __future__ import annotations

import json
from typing import Any

import gradio as gr
import pytest
from gradio.state_holder import SessionState

from kie_ui.ui.services import Services
from kie_ui.ui.tabs.models import build_models
from tests.catalog.docs_import.writers import openapi_page
from tests.ui.driving import MakeServices, request_of
from tests.ui.specs import EVERY_KIND

PAGE = {"name": "page.md", "text": openapi_page(EVERY_KIND), "model": EVERY_KIND.model, "turn": 1}


async def shown(services: Services, page: object) -> dict[str, Any]:
    """Return what a browser gets when it asks for the form of a page."""
    with gr.Blocks(analytics_enabled=False) as blocks:
        build_models(services)
    (render,) = [fn for fn in blocks.fns.values() if fn.renderable is not None]
    state = SessionState(blocks)
    done = await blocks.process_api(
        render, [json.dumps(page)], state=state, request=request_of("ada")
    )
    config: dict[str, Any] = done["render_config"]
    return config


async def test_the_form_is_the_one_that_the_page_makes(demo: Services) -> None:
    """With a widget for every parameter."""
    config = await shown(demo, PAGE)
    labels = json.dumps([each["props"].get("label") for each in config["components"]])
    assert all(parameter.name in json.dumps(config) for parameter in EVERY_KIND.parameters)
    assert "Prompt" in labels


@pytest.mark.parametrize(
    "page",
    [
        "",
        None,
        {"text": PAGE["text"]},
        {**PAGE, "text": ""},
        {**PAGE, "text": "[" * 100_000},
        {**PAGE, "text": "no page"},
        {**PAGE, "text": None},
        {**PAGE, "model": "maker/other"},
    ],
)
async def test_what_is_no_page_shows_no_form(demo: Services, page: object) -> None:
    """Whatever a browser sends."""
    config = await shown(demo, page)
    assert not [e for e in config["components"] if e["type"] == "textbox"]


async def test_who_may_not_add_gets_no_form(make_services: MakeServices) -> None:
    """Reading a page is work for the server."""
    closed = make_services(visitors="many", add_models="operator")
    config = await shown(closed, PAGE)
    assert config["dependencies"] == []
