from __future__ import annotations

import json
import re
from typing import Any

import gradio as gr
import pytest

from kie_ui.catalog.rules import EXTRA
from kie_ui.catalog.spec import ModelSpec
from kie_ui.ui.form.builder import build_form
from kie_ui.ui.form.drafts import FACTS, describe, drafted, mark_of, wire_drafts
from kie_ui.ui.form.form import ADDRESS, RANDOM, START_FROM, Form
from kie_ui.ui.page import build_page
from kie_ui.ui.services import Services
from tests.ui.driving import GROK, SPECS, V1_LITE
from tests.ui.specs import EVERY_KIND


async def form_of(spec: ModelSpec) -> Form:
    """Build a form. Outside a running loop Gradio would leave one open behind it."""
    with gr.Blocks(analytics_enabled=False):
        return build_form(spec)


@pytest.mark.parametrize("spec", [*SPECS, EVERY_KIND], ids=lambda spec: spec.api_name)
async def test_every_widget_is_described_in_the_order_in_which_it_is_handed_over(
    spec: ModelSpec,
) -> None:
    """The browser identifies values by their position alone."""
    form = await form_of(spec)
    assert [entry["name"] for entry in describe(form)] == list(drafted(form))
    assert form.inputs.keys() <= drafted(form).keys()


async def test_a_description_tells_what_may_stand_in_a_field() -> None:
    """Whatever else a browser's storage holds is foreign, and is passed over."""
    described = {entry["name"]: entry for entry in describe(await form_of(V1_LITE))}
    assert described["resolution"]["options"] == ["480p", "720p", "1080p"]
    assert described["seed"]["kind"] == "number"
    assert (described["seed"]["minimum"], described["seed"]["maximum"]) == (0, 2147483647)
    assert described["seed" + RANDOM] == {
        "name": "seed" + RANDOM,
        "kind": "switch",
        "default": True,
        "mark": mark_of("seed" + RANDOM),
    }
    assert described["camera_fixed"]["kind"] == "switch"
    assert described["image_url"]["default"]["orig_name"] == "archway.jpg"
    assert described["image_url" + ADDRESS]["default"] == ""
    assert described["image_url" + FACTS]["of"] == "image_url"
    assert described["end_image_url"]["default"] is None


async def test_what_a_page_documents_is_never_taken_for_a_field_of_ours() -> None:
    """Whatever it is called: the names of our own have a sign that no parameter's name has."""
    text = {"label": "A", "help": "", "kind": "text"}
    (seed,) = (each.model_dump() for each in V1_LITE.parameters if each.name == "seed")
    names = ["seed__random", "start_from", "random"]
    parameters = [seed, *({**text, "name": name} for name in names)]
    fields = {**GROK.model_dump(), "rules": (), "price": None}
    spec = ModelSpec.model_validate({**fields, "parameters": parameters})
    form = await form_of(spec)
    assert form.inputs.keys() == {"seed", "seed" + RANDOM, *names, EXTRA}


async def test_every_kind_is_described_by_what_its_widget_holds() -> None:
    """A list of files ends where the page says; a number without a slider may be empty."""
    described = {entry["name"]: entry for entry in describe(await form_of(EVERY_KIND))}
    kinds = {name: entry["kind"] for name, entry in described.items()}
    assert kinds == {
        "prompt": "text",
        "image_urls": "files",
        "video_url": "files",
        "audio_urls": "files",
        "voice": "choice",
        "steps": "choice",
        "styles": "choices",
        "strength": "number",
        "scale": "number",
        "nsfw_checker": "choice",
        "shots": "rows",
        "colours": "rows",
        "boxes": "text",
        "word": "text",
        EXTRA: "text",
    }
    assert (described["image_urls"]["most"], described["audio_urls"]["most"]) == (3, None)
    assert described["scale"]["can_be_empty"] is True
    assert "can_be_empty" not in described["strength"]
    assert described["steps"]["options"] == ["", 4, 8, 16, 32]


@pytest.mark.parametrize("name", ["a b", "a.b", EXTRA, "größe", '"><script>'])
def test_a_mark_is_one_class_whatever_a_parameter_is_called(name: str) -> None:
    """And every name has its own."""
    assert re.fullmatch(r"[\w-]+", mark_of(name), re.ASCII)
    assert len({mark_of(name), mark_of(name + " "), mark_of(" " + name)}) == 3


async def test_a_form_that_comes_later_is_filled_in_by_a_button_of_its_own() -> None:
    """It has no page whose loading would do it."""
    with gr.Blocks(analytics_enabled=False) as page:
        form = build_form(EVERY_KIND)
        wire_drafts(form, gr.Checkbox())
    buttons = {b.elem_id: b for b in page.blocks.values() if isinstance(b, gr.Button)}
    button = buttons[f"kie-restore-{EVERY_KIND.api_name}"]
    (restoring,) = [fn for fn in page.fns.values() if "restoreDraft" in str(fn.js or "")]
    assert restoring.targets == [(button._id, "click")]


async def test_the_choice_of_source_is_remembered_where_there_is_one() -> None:
    """With the documented names."""
    described = {entry["name"]: entry for entry in describe(await form_of(GROK))}
    assert described[START_FROM]["options"] == ["image_urls", "task_id"]
    assert START_FROM not in drafted(await form_of(V1_LITE))


async def test_what_is_remembered_never_goes_through_the_server_and_holds_no_key(
    live: Services,
) -> None:
    """The key's field is part of no form."""
    page = build_page(live)
    (key,) = [block for block in page.blocks.values() if getattr(block, "type", "") == "password"]
    seen = 0
    for fn in page.fns.values():
        if "Draft(" in str(fn.js or "") or "tartOver(" in str(fn.js or ""):
            seen += 1
            assert fn.fn is None
            assert key not in [*fn.inputs, *fn.outputs]
    assert seen == 4 * len(SPECS)


async def test_a_description_is_plain_json(live: Services) -> None:
    """It is part of a script of the page, which it cannot end."""
    page = build_page(live)
    scripts: list[Any] = [fn.js for fn in page.fns.values() if "restoreDraft" in str(fn.js or "")]
    for script in scripts:
        plan = script.removeprefix("() => window.kieUi('restoreDraft', ").removesuffix(")")
        assert json.loads(plan)["fields"]
        assert "<" not in script
