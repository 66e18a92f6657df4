from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import gradio as gr
import pytest

from kie_ui.catalog.rules import EXTRA
from kie_ui.catalog.spec import ModelSpec
from kie_ui.ui.form.builder import build_form, wire_form
from kie_ui.ui.form.plan import FormPlan, mark_of
from kie_ui.ui.form.values import ADDRESS, RANDOM, START_FROM
from kie_ui.ui.page import build_page
from kie_ui.ui.services import Services
from tests.ui.driving import GROK, SPECS, V1_LITE
from tests.ui.specs import EVERY_KIND


async def plan_of(spec: ModelSpec) -> FormPlan:
    """Build a form. Outside a running loop Gradio would leave one open behind it."""
    with gr.Blocks(analytics_enabled=False):
        return build_form(spec).describe()


async def described_of(spec: ModelSpec) -> dict[str, dict[str, Any]]:
    """Describe each value of a form, by its name."""
    fields = (await plan_of(spec)).fields
    return {field.name: field.model_dump(exclude_none=True) for field in fields}


@pytest.mark.parametrize("spec", [*SPECS, EVERY_KIND], ids=lambda spec: spec.api_name)
async def test_every_widget_is_described_in_the_order_in_which_it_is_handed_over(
    spec: ModelSpec,
) -> None:
    """The browser identifies what Gradio tells by its position alone."""
    with gr.Blocks(analytics_enabled=False) as page:
        form = build_form(spec)
        wire_form(form)
    plan = form.describe()
    changed, filled = page.fns.values()
    assert [block._id for block in form.widgets.values()] == [c._id for c in changed.inputs]
    assert plan.widgets == list(form.widgets)
    assert [*form.widgets.values(), *form.folds] == filled.outputs
    assert set(plan.widgets) <= {field.name for field in plan.fields}


async def test_a_description_tells_what_may_stand_in_a_field() -> None:
    """Whatever else a browser's storage holds is foreign, and is passed over."""
    described = await described_of(V1_LITE)
    assert described["resolution"]["options"] == ["480p", "720p", "1080p"]
    assert described["seed"]["kind"] == "number"
    assert (described["seed"]["minimum"], described["seed"]["maximum"]) == (0, 2147483647)
    random = described["seed" + RANDOM]
    assert (random["kind"], random["default"], random["of"]) == ("switch", True, "seed")
    assert described["camera_fixed"]["kind"] == "switch"
    assert described["image_url"]["default"]["orig_name"] == "archway.jpg"
    assert described["image_url" + ADDRESS]["default"] == ""
    assert described["image_url" + ADDRESS]["of"] == "image_url"
    assert "default" not in described["end_image_url"]
    assert described["end_image_url"]["has_sample"] is True
    assert (described["prompt"]["limit"], described["prompt"]["is_long"]) == (10_000, True)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.api_name)
async def test_the_demos_image_tasks_are_offered_only_where_an_image_task_is_asked_for(
    spec: ModelSpec,
) -> None:
    """Each is a press away."""
    tasks = [task.task_id for field in (await plan_of(spec)).fields for task in field.tasks or ()]
    assert tasks == (["sample-grok-a", "sample-grok-b"] if spec is GROK else [])


async def test_what_a_page_documents_is_never_taken_for_a_field_of_ours() -> None:
    """Whatever it is called: the names of our own have a sign that no parameter's name has."""
    text = {"label": "A", "help": "", "kind": "text"}
    (seed,) = (each.model_dump() for each in V1_LITE.parameters if each.name == "seed")
    names = ["seed__random", "start_from", "random"]
    parameters = [seed, *({**text, "name": name} for name in names)]
    fields = {**GROK.model_dump(), "rules": (), "price": None, "examples": ()}
    spec = ModelSpec.model_validate({**fields, "parameters": parameters})
    assert set(await described_of(spec)) == {"seed", "seed" + RANDOM, *names, EXTRA}


async def test_every_kind_is_described_by_what_its_widget_holds() -> None:
    """A list of files ends where the page says; a number without a slider may be empty."""
    described = await described_of(EVERY_KIND)
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
    assert described["image_urls"]["most"] == 3
    assert "most" not in described["audio_urls"]
    assert described["scale"]["can_be_empty"] is True
    assert "can_be_empty" not in described["strength"]
    assert described["steps"]["options"] == ["", 4, 8, 16, 32]


@pytest.mark.parametrize("name", ["a b", "a.b", EXTRA, "größe", '"><script>'])
def test_a_mark_is_one_class_whatever_a_parameter_is_called(name: str) -> None:
    """And every name has its own."""
    assert re.fullmatch(r"[\w-]+", mark_of(name), re.ASCII)
    assert len({mark_of(name), mark_of(name + " "), mark_of(" " + name)}) == 3


async def test_the_choice_of_source_is_remembered_where_there_is_one() -> None:
    """With the documented names."""
    described = await described_of(GROK)
    assert described[START_FROM]["options"] == ["image_urls", "task_id"]
    assert START_FROM not in await described_of(V1_LITE)


async def test_what_a_form_holds_goes_through_no_event_of_the_servers(live: Services) -> None:
    """Gradio would keep a session for each page that sends one."""
    page = build_page(live)
    named = [fn for fn in page.fns.values() if re.search("formChanged|filling", str(fn.js or ""))]
    assert len(named) == 2 * len(SPECS)
    assert all(fn.fn is None for fn in named)


async def test_a_description_is_plain_json(live: Services) -> None:
    """It is part of the page's HTML, which it cannot end."""
    page = build_page(live)
    heads: list[Any] = [b for b in page.blocks.values() if "kie-form-top" in (b.elem_classes or ())]
    plans = [re.search('data-plan="([^"]*)"', head.html_template) for head in heads]
    assert len(plans) == len(SPECS)
    for plan in plans:
        assert plan is not None
        assert json.loads(unescape(plan[1]))["fields"]
        assert "<" not in plan[1]
