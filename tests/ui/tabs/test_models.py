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

PAGE = ["page.md", openapi_page(EVERY_KIND), EVERY_KIND.model, 1]


async def shown(services: Services, page: list[Any]) -> dict[str, Any]:
    """Return what a browser gets when it asks for the form of a page."""
    with gr.Blocks(analytics_enabled=False) as blocks:
        build_models(services)
    (render,) = [fn for fn in blocks.fns.values() if fn.renderable is not None]
    state = SessionState(blocks)
    done = await blocks.process_api(render, page, state=state, request=request_of("ada"))
    config: dict[str, Any] = done["render_config"]
    return config


async def test_the_form_is_the_one_that_the_page_makes(demo: Services) -> None:
    """With a widget for every parameter."""
    config = await shown(demo, PAGE)
    labels = json.dumps([each["props"].get("label") for each in config["components"]])
    assert all(parameter.name in json.dumps(config) for parameter in EVERY_KIND.parameters)
    assert "Prompt" in labels


@pytest.mark.parametrize(
    ("place", "given"), [(1, ""), (1, "[" * 100_000), (1, "no page"), (1, None), (2, "maker/other")]
)
async def test_what_is_no_page_shows_no_form(demo: Services, place: int, given: object) -> None:
    """Whatever a browser sends."""
    config = await shown(demo, [*PAGE[:place], given, *PAGE[place + 1 :]])
    assert not [e for e in config["components"] if e["type"] == "textbox"]


async def test_who_may_not_add_gets_no_form(make_services: MakeServices) -> None:
    """Reading a page is work for the server."""
    closed = make_services(visitors="many", add_models="operator")
    config = await shown(closed, PAGE)
    assert config["dependencies"] == []
