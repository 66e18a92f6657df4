from __future__ import annotations

import json
from typing import Any

import gradio as gr
import pytest
from gradio.state_holder import SessionState

from kie_ui.ui.services import Services
from kie_ui.ui.tabs.added_model import Slots
from kie_ui.ui.tabs.models import build_form_preview
from tests.catalog.docs_import.writers import openapi_page
from tests.ui.driving import MakeServices, request_of
from tests.ui.specs import EVERY_KIND

PAGE = {"name": "page.md", "text": openapi_page(EVERY_KIND)}
ASKED = {**PAGE, "model": EVERY_KIND.model, "turn": 1}


async def shown(services: Services, told: str) -> dict[str, Any]:
    """Return what a browser is given when it asks for a form."""
    with gr.Blocks(analytics_enabled=False) as page:
        build_form_preview(Slots(services))
    (render,) = [fn for fn in page.fns.values() if fn.renderable is not None]
    state = SessionState(page)
    done = await page.process_api(render, [told], state=state, request=request_of("ada"))
    config: dict[str, Any] = done["render_config"]
    return config


async def test_the_form_is_the_one_that_the_page_makes(demo: Services) -> None:
    """With a widget for every parameter."""
    config = await shown(demo, json.dumps(ASKED))
    labels = json.dumps([each["props"].get("label") for each in config["components"]])
    assert all(parameter.name in json.dumps(config) for parameter in EVERY_KIND.parameters)
    assert "Prompt" in labels


@pytest.mark.parametrize(
    "told",
    [
        "",
        "[" * 100_000,
        json.dumps({**ASKED, "model": "maker/other"}),
        json.dumps({**ASKED, "text": "no page"}),
        json.dumps({**ASKED, "text": None}),
    ],
)
async def test_what_is_no_page_shows_no_form(demo: Services, told: str) -> None:
    """Whatever a browser says."""
    config = await shown(demo, told)
    assert not [e for e in config["components"] if e["type"] == "textbox"]


async def test_who_may_not_add_gets_no_form(make_services: MakeServices) -> None:
    """Reading a page is work for the server."""
    closed = make_services(visitors="many", add_models="operator")
    config = await shown(closed, json.dumps(ASKED))
    assert config["dependencies"] == []
