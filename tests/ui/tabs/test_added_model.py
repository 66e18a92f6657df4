from __future__ import annotations

import json
from copy import copy
from typing import Any

import gradio as gr
import pytest
from gradio.state_holder import SessionState

from kie_ui.catalog.parameters import TextParameter
from kie_ui.catalog.spec import ModelSpec
from kie_ui.ui.page import build_page
from kie_ui.ui.services import Services
from kie_ui.ui.tabs import added_model as slots
from kie_ui.ui.tabs.added_model import (
    SLOT,
    SLOTS,
    STAND_IN,
    FormPutAside,
    Remembered,
    RememberedFunctions,
)
from tests.ui.driving import GROK, HOSTILE, SPECS, V1_LITE, MakeServices, request_of

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

    async def open(self, model: str, slot: int = 1, turn: int = 1) -> dict[str, Any]:
        """Have the tab of a model built in a place, and return what the browser is told."""
        given = json.dumps({"model": model, "turn": turn})
        return await self.tell(given, slot)

    async def tell(self, given: str, slot: int = 1) -> dict[str, Any]:
        """Say anything about a place."""
        renders = [fn for fn in self.page.fns.values() if fn.renderable is not None]
        render = renders[len(SPECS) + slot - 1]  # the stand-ins come first
        done = await self.page.process_api(
            render, [given], state=self.state, request=request_of(self.owner)
        )
        told: dict[str, Any] = done["render_config"]
        return told

    def forget(self) -> None:
        """Be forgotten by Gradio, as the window that was used least recently."""
        self.state = SessionState(self.page)

    def events(self, told: dict[str, Any], name: str) -> list[int]:
        """Return the ids of the events that run a function of this name."""
        return [each["id"] for each in told["dependencies"] if each["api_name"].startswith(name)]

    async def press(self, told: dict[str, Any]) -> None:
        """Press Generate in a form as it stands."""
        (press,) = self.events(told, "press")
        found = self.state.blocks_config.fns[press]
        values: list[Any] = [getattr(widget, "value", None) for widget in found.inputs]
        await self.page.process_api(found, values, state=self.state, request=request_of(self.owner))


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


def texts(told: dict[str, Any]) -> str:
    """Return all that a browser is told."""
    return json.dumps(told, default=str)


async def test_a_place_holds_the_form_of_the_model_that_is_wanted_there(page: gr.Blocks) -> None:
    """With its id in what scripts look up, and every input open to be filled in."""
    told = await Window(page, "ada").open(ADDED.model)
    shown = {each["props"].get("elem_id"): each["props"] for each in told["components"]}
    assert f"generate-{SLOT}1" in shown
    assert f"runs-{SLOT}1" in shown
    components = [each["props"] for each in told["components"]]
    drafted = [p for p in components if "kie-value-prompt" in p.get("elem_classes", ())]
    assert [widget["interactive"] for widget in drafted] == [True]


async def test_nobody_gets_the_form_of_a_model_that_another_visitor_added(page: gr.Blocks) -> None:
    """What is asked for is looked up among the asker's own."""
    told = await Window(page, "bob").open(ADDED.model)
    assert "This model is not here any more." in texts(told)
    assert ADDED.title not in texts(told)


async def test_a_form_that_cannot_be_built_says_so(
    page: gr.Blocks, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody waits for it for ever; the log has the reason."""

    def break_down(*_given: object) -> None:
        gr.Textbox("half a form")
        raise ValueError("no slider goes that way")

    monkeypatch.setattr(slots, "_build_tab", break_down)
    told = await Window(page, "ada").open(ADDED.model)
    assert "This form cannot be built." in texts(told)
    assert "half a form" not in json.dumps(told["layout"])
    assert "no slider goes that way" in caplog.text


@pytest.mark.parametrize("given", ["", "null", "{}", "[" * 100_000, '{"model": 1, "turn": 1}'])
async def test_what_makes_no_sense_builds_nothing(page: gr.Blocks, given: str) -> None:
    """A place may be told anything."""
    told = await Window(page, "ada").tell(given)
    assert told["dependencies"] == []


async def test_a_press_in_a_place_makes_a_run_of_its_model(page: gr.Blocks, many: Services) -> None:
    """And of its visitor."""
    async with many.lifespan():
        window = Window(page, "ada")
        await window.press(await window.open(ADDED.model))
        runs = await many.runs()
        (run,) = (await runs.history.page("ada", _any(), before=None, limit=9)).runs
        assert run.model == ADDED.model
        assert not (await runs.history.page("bob", _any(), before=None, limit=9)).runs


async def test_a_form_lives_on_when_gradio_has_forgotten_its_window(
    page: gr.Blocks, many: Services
) -> None:
    """The press that comes then works, and is the same model's."""
    async with many.lifespan():
        window = Window(page, "ada")
        told = await window.open(ADDED.model)
        window.forget()
        await window.press(told)
        runs = await many.runs()
        (run,) = (await runs.history.page("ada", _any(), before=None, limit=9)).runs
        assert run.model == ADDED.model


async def test_a_press_after_the_model_was_removed_is_refused_in_words(
    page: gr.Blocks, many: Services
) -> None:
    """It may have been removed in another window."""
    window = Window(page, "ada")
    told = await window.open(ADDED.model)
    many.library.remove("ada", ADDED.model)
    with pytest.raises(gr.Error, match="“Added” is not here any more"):
        await window.press(told)


async def test_no_two_forms_share_an_event(page: gr.Blocks) -> None:
    """A button in one window never runs what belongs to another one, whatever is forgotten."""
    window = Window(page, "ada")
    first = await window.open(GROK.model, slot=1)
    window.forget()
    second = await window.open(V1_LITE.model, slot=2)
    ids = [each["id"] for told in (first, second) for each in told["dependencies"]]
    assert len(ids) == len(set(ids))
    assert max(ids) < 2**53


async def test_a_place_is_built_in_another_kind_of_box_every_time(page: gr.Blocks) -> None:
    """Or Gradio would hang the new events on components of the last time."""
    window = Window(page, "ada")
    kinds = []
    for turn in (1, 2, 3):
        told = await window.open(ADDED.model, turn=turn)
        outermost = told["layout"]["children"][0]["id"]
        kinds.append(next(e["type"] for e in told["components"] if e["id"] == outermost))
    assert kinds[0] != kinds[1] != kinds[2]


async def test_what_a_page_says_is_never_run_as_a_template(page: gr.Blocks, many: Services) -> None:
    """Gradio's HTML component runs what stands between its marks."""
    words = HOSTILE + "${alert(1)} {{constructor}} `"
    hostile = ADDED.model_copy(update={"title": words, "summary": words, "maker": words})
    many.library.add("ada", [hostile])
    told = await Window(page, "ada").open(hostile.model)
    templates = [e["props"].get("html_template", "") for e in told["components"]]
    assert all("alert(1)}" not in template for template in templates)
    assert all("{{" not in template for template in templates)
    values = [str(e["props"].get("value", "")) for e in told["components"] if e["type"] == "html"]
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


async def test_places_are_not_seen_until_somebody_stands_there(page: gr.Blocks) -> None:
    """A built-in model's own place is beside its tab."""
    blocks: list[Any] = list(page.blocks.values())
    tabs = {b.id: b for b in blocks if isinstance(b, gr.Tab) and isinstance(b.id, str)}
    names = list(tabs)
    for spec in SPECS:
        assert names.index(STAND_IN + spec.api_name) == names.index(spec.api_name) + 1
    places = [f"{SLOT}{number}" for number in range(1, SLOTS + 1)]
    assert all(tabs[place].visible is False for place in places)


class TestRemembered:
    async def test_what_was_used_last_goes_last(self, page: gr.Blocks) -> None:
        """There is room for a fixed number of tabs."""
        functions = [copy(function) for function in list(page.fns.values())[:3]]
        for number, function in enumerate(functions, start=1):
            function._id = number * 10_000
        first, second, third = functions
        remembered = Remembered(most_tabs=2)
        remembered.keep([first])
        remembered.keep([second])
        assert remembered.find(first._id) is first
        remembered.keep([third])
        assert remembered.find(second._id) is None
        assert remembered.find(first._id) is first
        assert remembered.find(third._id) is third

    def test_an_unknown_event_is_told_in_a_sentence(self) -> None:
        """The page builds the form anew then."""
        functions = RememberedFunctions({}, Remembered())
        with pytest.raises(FormPutAside, match="opened again"):
            functions[7]


def _any() -> Any:
    from kie_ui.runs.history import HistoryQuery  # noqa: PLC0415 - brings the database

    return HistoryQuery()
