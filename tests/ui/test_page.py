from __future__ import annotations

import json
import re
from typing import Any

import gradio as gr
import pytest

from kie_ui.kie.errors import Unreachable
from kie_ui.settings import ASSETS
from kie_ui.simulator.server import SimulatorServer
from kie_ui.ui.app import launch_options
from kie_ui.ui.page import build_page, build_theme, head, stylesheets
from kie_ui.ui.services import Services
from tests.ui.driving import HOSTILE, SPECS, MakeServices, call, event


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
    hidden = {"kie-choose-tab", "kie-arrange-tabs", "kie-show-preview", "kie-pick-model"}
    hidden |= {f"kie-{does}-{spec.api_name}" for does in ("fill", "look") for spec in SPECS}
    assert ids - hidden == {f"generate-{spec.api_name}" for spec in SPECS}
    assert labels[-2:] == ["Models", "History"]


def test_nothing_of_ours_is_loaded_from_elsewhere() -> None:
    """Fonts, scripts and styles come from this server alone."""
    theme: Any = build_theme()
    texts = [head(), *(path.read_text() for path in stylesheets()), str(theme._get_theme_css())]
    loaded = re.compile(r"(?:src=|href=|url\(|@import|fetch\(|import\()\s*[\"']?\s*(?:https?:)?//")
    assert not any(loaded.search(text) for text in texts)


def test_every_script_and_style_is_served() -> None:
    """A file that is forgotten in a list would be a part of the page that does not work."""
    scripts = head()
    for path in (ASSETS / "js").glob("*.js"):
        assert path.read_text() in scripts
    assert set(stylesheets()) == set((ASSETS / "css").glob("*.css"))
    assert (ASSETS / "favicon.png").is_file()


async def test_no_visitor_waits_for_another(page: gr.Blocks, live: Services) -> None:
    """Gradio's own limits would make the 41st wait, and each press for the one before."""
    assert launch_options(live)["max_threads"] >= 1000
    ours = [fn for fn in page.fns.values() if fn.name in ("press", "update", "generate", "take")]
    assert ours
    assert all(not fn.queue or fn.concurrency_limit is None for fn in ours)


async def test_gradio_keeps_no_history_of_its_own(live: Services) -> None:
    """It would put inputs into the browser's storage, and out of its owner's sight."""
    options = launch_options(live)
    assert options["run_history"] is False
    assert options["enable_monitoring"] is False


@pytest.fixture
async def keyless(make_services: MakeServices, kie: SimulatorServer) -> Services:
    """Give services whose visitor has yet to type a key."""
    return make_services(kie_api_base_url=kie.base_url, kie_upload_base_url=kie.base_url)


async def test_a_key_that_works_is_taken_and_leaves_its_field(keyless: Services, key: str) -> None:
    """Its balance is said at once."""
    typed, said = (await call(build_page(keyless), "take", [key], "ada")).values()
    assert typed == ""
    assert re.search(r"The key works: [\d,.]+ credits", said)
    assert key not in said
    assert keyless.backends.kind("ada") == "live"


async def test_a_refused_key_stays_in_its_field_to_be_mended(keyless: Services) -> None:
    """With Kie's own words, which are text and never markup; the key is not sent back."""
    typed, said = (await call(build_page(keyless), "take", ["wrong-key"], "ada")).values()
    assert typed == gr.skip()
    assert "kie-note-error" in said
    assert "did not accept the API key" in said
    assert keyless.backends.kind("ada") == "demo"


async def test_a_key_that_could_not_be_tested_is_not_called_wrong(
    keyless: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows yet; the sentence says what stood in the way."""

    async def test_key(owner: str, typed: str) -> float:
        raise Unreachable(HOSTILE)

    monkeypatch.setattr(keyless.accounts, "test_key", test_key)
    _, said = (await call(build_page(keyless), "take", ["some-key"], "ada")).values()
    assert "could not be tested" in said
    assert "<img" not in said


async def test_a_forgotten_key_is_back_to_the_demo(keyless: Services, key: str) -> None:
    """And its field is empty."""
    page = build_page(keyless)
    await call(page, "take", [key], "ada")
    typed, said = (await call(page, "forget_it", [], "ada")).values()
    assert typed == ""
    assert "forgotten" in said
    assert keyless.backends.kind("ada") == "demo"


async def test_the_key_field_is_a_password_that_no_browser_fills_in(page: gr.Blocks) -> None:
    """It is hidden while typed."""
    (field,) = event(page, "take").inputs
    assert isinstance(field, gr.Textbox)
    assert field.type == "password"
    assert isinstance(field.html_attributes, gr.InputHTMLAttributes)
    assert field.html_attributes.autocomplete == "off"
