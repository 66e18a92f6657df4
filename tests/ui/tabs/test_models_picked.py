from __future__ import annotations

import json
from typing import Any

import gradio as gr
import pytest
from gradio.state_holder import SessionState

from kie_ui.catalog.parameters import TextParameter
from kie_ui.catalog.spec import ModelSpec
from kie_ui.ui.page import build_page
from kie_ui.ui.services import MORE_MODELS, Services
from kie_ui.ui.tabs import models
from tests.ui.driving import GROK, HOSTILE, V1_LITE, DrivenForm, MakeServices, request_of

PROMPT = TextParameter(name="prompt", label="Prompt", help="", required=True, default="A boat")
ADDED = ModelSpec(
    model="maker/added",
    title="Added",
    maker="Maker",
    summary="",
    produces="image",
    documentation="",
    parameters=(PROMPT,),
)


class Window:
    """One window of a visitor, as Gradio remembers it."""

    def __init__(self, page: gr.Blocks, owner: str) -> None:
        self.page = page
        self.owner = owner
        self.state = SessionState(page)

    async def pick(self, model: Any, turn: int = 1) -> dict[str, Any]:
        """Have the form of a model built, and return what the browser gets."""
        (render,) = [
            fn
            for fn in self.page.fns.values()
            if fn.renderable and fn.renderable.fn.__name__ == "build_picked"
        ]
        asked = json.dumps({"model": model, "turn": turn})
        done = await self.page.process_api(
            render, [asked], state=self.state, request=request_of(self.owner)
        )
        config: dict[str, Any] = done["render_config"]
        return config


@pytest.fixture
def many(make_services: MakeServices) -> Services:
    """Give the services of a server with many visitors, two of whom are "ada" and "bob"."""
    return make_services(simulator_speed=1000, visitors="many")


@pytest.fixture
async def page(many: Services) -> gr.Blocks:
    """Build the page, to which ada has added a model."""
    many.library.add("ada", [ADDED])
    page = build_page(many)
    page.has_launched = True
    return page


def texts(config: dict[str, Any]) -> str:
    """Return all that a browser gets."""
    return json.dumps(config, default=str)


async def test_the_tab_holds_the_form_of_the_picked_model(page: gr.Blocks) -> None:
    """With the tab's id in what scripts look up, and every input open to be filled in."""
    config = await Window(page, "ada").pick(ADDED.model)
    shown = {each["props"].get("elem_id"): each["props"] for each in config["components"]}
    assert f"generate-{MORE_MODELS}" in shown
    assert f"runs-{MORE_MODELS}" in shown
    components = [each["props"] for each in config["components"]]
    drafted = [p for p in components if "kie-value-prompt" in p.get("elem_classes", ())]
    assert [widget["interactive"] for widget in drafted] == [True]


async def test_nobody_gets_the_form_of_a_model_that_another_visitor_added(page: gr.Blocks) -> None:
    """What is picked is looked up among the visitor's own."""
    config = await Window(page, "bob").pick(ADDED.model)
    assert "This model is no longer here." in texts(config)
    assert ADDED.title not in texts(config)


async def test_a_form_that_cannot_be_built_says_so(
    page: gr.Blocks, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody waits for it for ever; the log has the reason."""

    def break_down(*_given: object) -> None:
        gr.Textbox("half a form")
        raise ValueError("no slider goes that way")

    monkeypatch.setattr(models, "_build_tab", break_down)
    config = await Window(page, "ada").pick(ADDED.model)
    assert "This form cannot be built." in texts(config)
    assert "half a form" not in json.dumps(config["layout"])
    assert "no slider goes that way" in caplog.text


@pytest.mark.parametrize("model", ["", None, {"model": 1}, ["maker/added"]])
async def test_what_names_no_model_builds_nothing(page: gr.Blocks, model: object) -> None:
    """A browser may send anything."""
    config = await Window(page, "ada").pick(model)
    assert config["dependencies"] == []


async def test_a_press_makes_a_run_of_the_picked_model(page: gr.Blocks, many: Services) -> None:
    """And of its visitor."""
    async with many.lifespan():
        await DrivenForm(ADDED, many, owner="ada").press(prompt="She waves.")
        runs = await many.runs()
        (run,) = (await runs.history.page("ada", _any(), before=None, limit=9)).runs
        assert run.model == ADDED.model
        assert not (await runs.history.page("bob", _any(), before=None, limit=9)).runs


async def test_picking_another_model_ends_the_form_before(page: gr.Blocks) -> None:
    """A session holds the events and the components of one form, however often somebody picks."""
    window = Window(page, "ada")
    first = await window.pick(GROK.model, turn=1)
    second = await window.pick(V1_LITE.model, turn=2)
    held = window.state.blocks_config
    for kind, still_there in (("dependencies", held.fns), ("components", held.blocks)):
        old, new = ({each["id"] for each in form[kind]} for form in (first, second))
        assert still_there.keys() >= new
        assert not still_there.keys() & (old - new)


async def test_every_turn_builds_in_another_kind_of_container(page: gr.Blocks) -> None:
    """Or Gradio would keep the components of the turn before in the browser."""
    window = Window(page, "ada")
    kinds = []
    for turn in (1, 2, 3):
        config = await window.pick(ADDED.model, turn=turn)
        outermost = config["layout"]["children"][0]["id"]
        kinds.append(next(e["type"] for e in config["components"] if e["id"] == outermost))
    assert kinds[0] != kinds[1] != kinds[2]


async def test_what_a_page_says_is_never_run_as_a_template(page: gr.Blocks, many: Services) -> None:
    """Gradio's HTML component runs what is between its marks."""
    words = HOSTILE + "${alert(1)} {{constructor}} `"
    hostile = ADDED.model_copy(update={"title": words, "summary": words, "maker": words})
    many.library.add("ada", [hostile])
    config = await Window(page, "ada").pick(hostile.model)
    templates = [e["props"].get("html_template", "") for e in config["components"]]
    assert all("alert(1)}" not in template for template in templates)
    assert all("{{" not in template for template in templates)
    values = [str(e["props"].get("value", "")) for e in config["components"] if e["type"] == "html"]
    assert all("<img" not in value for value in values)


async def test_a_page_is_as_large_as_before_however_many_models_there_are(
    page: gr.Blocks, many: Services
) -> None:
    """What a browser is given at first says nothing of an added model."""
    before = len(texts(page.get_config_file()))  # type: ignore[arg-type]
    named = [ADDED.model_copy(update={"model": f"maker/{number}"}) for number in range(60)]
    many.library.add("ada", named)
    config = texts(build_page(many).get_config_file())  # type: ignore[arg-type]
    assert abs(len(config) - before) < 0.02 * before
    assert ADDED.model not in config


def _any() -> Any:
    from kie_ui.runs.storage.search import HistoryQuery  # noqa: PLC0415 - brings the database

    return HistoryQuery()
