from __future__ import annotations

import json
import re
from typing import Any

import gradio as gr
import pytest

from kie_ui.settings import ASSETS
from kie_ui.ui.app import launch_options
from kie_ui.ui.assets import head
from kie_ui.ui.page import build_page, build_theme
from kie_ui.ui.services import Services
from tests.ui.driving import SPECS


@pytest.fixture
async def page(live: Services) -> gr.Blocks:
    """Build the whole page of a server that has a key."""
    return build_page(live)


async def test_the_servers_key_is_nowhere_in_what_a_browser_is_given(
    page: gr.Blocks, live: Services, key: str
) -> None:
    """Neither in the page's configuration, nor in its API, nor in how it is launched."""
    given = [page.get_config_file(), page.get_api_info()]
    assert not any(key in json.dumps(part, default=str) for part in given)
    assert not any(key in repr(part) for part in (*given, launch_options(live)))


async def test_each_model_is_an_endpoint_and_nothing_else_is(page: gr.Blocks) -> None:
    """The page's own events, the one with the key above all, are private."""
    named = page.get_api_info()["named_endpoints"]
    assert named.keys() == {"/generate", *(f"/{spec.api_name}" for spec in SPECS)}
    public = [fn for fn in page.fns.values() if fn.api_visibility == "public"]
    assert {fn.api_name for fn in public} == {"generate", *(spec.api_name for spec in SPECS)}


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.api_name)
async def test_an_endpoint_takes_the_documented_parameters_in_their_order(
    page: gr.Blocks, spec: Any
) -> None:
    """By their documented names, none required; it brings the clip, the task id and the record."""
    described = page.get_api_info()["named_endpoints"][f"/{spec.api_name}"]
    taken = described["parameters"]
    assert [each["parameter_name"] for each in taken] == [p.name for p in spec.parameters]
    assert all(each["parameter_has_default"] for each in taken)
    assert [each["label"] for each in described["returns"]] == ["clip", "task_id", "record"]


async def test_each_model_has_its_tab_with_its_own_press(page: gr.Blocks) -> None:
    """In the order of the catalog."""
    blocks: list[Any] = list(page.blocks.values())
    labels = [block.label for block in blocks if isinstance(block, gr.Tab)]
    assert [label for label in labels if label in {s.title for s in SPECS}] == [
        spec.title for spec in SPECS
    ]
    ids = {block.elem_id for block in blocks if isinstance(block, gr.Button) and block.elem_id}
    hidden = {"kie-choose-tab", "kie-arrange-tabs"}
    hidden |= {f"kie-{does}-{spec.api_name}" for does in ("fill", "look") for spec in SPECS}
    assert ids - hidden == {f"generate-{spec.api_name}" for spec in SPECS}
    assert labels[-2:] == ["Models", "History"]


def test_nothing_of_ours_is_loaded_from_elsewhere() -> None:
    """Fonts, scripts and styles come from this server alone."""
    theme: Any = build_theme()
    files = [path for path in ASSETS.rglob("*") if path.suffix in (".js", ".css")]
    texts = [head(), *(path.read_text() for path in files), str(theme._get_theme_css())]
    loaded = re.compile(r"(?:src=|href=|url\(|@import|fetch\(|import\()\s*[\"']?\s*(?:https?:)?//")
    assert not any(loaded.search(text) for text in texts)
