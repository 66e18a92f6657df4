from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kie_ui.catalog.spec import ModelSpec
from kie_ui.kie.docs_site import PageProblem
from kie_ui.ui.api import models as adding
from kie_ui.ui.services import Services
from tests.catalog.docs_import.writers import openapi_page
from tests.ui.driving import GROK, HOSTILE, JSON, SPECS, MakeServices, make_site
from tests.ui.specs import EVERY_KIND

PAGE = openapi_page(EVERY_KIND)
PROMPT = {"name": "prompt", "label": "Prompt", "help": "", "kind": "text", "required": True}


def a_spec(model: str, **fields: Any) -> ModelSpec:
    """Return a model of one text."""
    usual = {"title": model.title(), "maker": "Maker", "summary": "", "documentation": ""}
    return ModelSpec.model_validate({**usual, "model": model, "parameters": [PROMPT], **fields})


class Visitor:
    """A browser that asks."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def models(self) -> dict[str, dict[str, Any]]:
        """List the models, by their ids."""
        shown = (await self.client.get("/kie-ui/models")).json()
        return {each["model"]: each for each in shown["models"]}

    async def ask(self, what: str, **given: Any) -> httpx.Response:
        """Have something done."""
        return await self.client.post(f"/kie-ui/models/{what}", json=given)

    async def read(self, text: str, name: str = "page.md") -> dict[str, Any]:
        """Have a page read, and return what was understood."""
        answer = await self.ask("read", name=name, text=text)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def add(self, *specs: ModelSpec) -> httpx.Response:
        """Add models by their pages."""
        pages = [{"name": f"{spec.model}.md", "text": openapi_page(spec)} for spec in specs]
        return await self.ask("add", pages=pages, models=[spec.model for spec in specs])


@pytest.fixture
def services(make_services: MakeServices) -> Services:
    """Give the services of a server with many visitors."""
    return make_services(visitors="many")


def visitor_of(services: Services) -> Visitor:
    """Come to a server for the first time."""
    transport = httpx.ASGITransport(make_site(services))
    return Visitor(httpx.AsyncClient(transport=transport, base_url="http://site"))


@pytest.fixture
async def ada(services: Services) -> AsyncIterator[Visitor]:
    """Be one visitor."""
    visitor = visitor_of(services)
    async with visitor.client:
        yield visitor


@pytest.fixture
async def bob(services: Services) -> AsyncIterator[Visitor]:
    """Be another visitor of the same server."""
    visitor = visitor_of(services)
    async with visitor.client:
        yield visitor


class TestList:
    async def test_a_newcomer_has_the_built_in_models(self, ada: Visitor) -> None:
        """With all that the list shows, and where their tabs are."""
        models = await ada.models()
        assert list(models) == [spec.model for spec in SPECS]
        grok = models[GROK.model]
        assert grok["tab"] == GROK.api_name
        assert grok["is_built_in"]
        assert not grok["is_replaced"]
        assert grok["takes"] == ["text", "a picture"]
        assert grok["parameters"] == len(GROK.parameters)

    async def test_what_one_visitor_adds_no_other_one_has(self, ada: Visitor, bob: Visitor) -> None:
        """Neither in the list, nor to be changed or exported."""
        assert (await ada.add(a_spec("maker/own"))).status_code == 200
        assert "maker/own" in await ada.models()
        assert "maker/own" not in await bob.models()
        for what in ("hide", "remove", "rename", "restore"):
            assert (await bob.ask(what, model="maker/own", title="x")).status_code in (404, 409)
        answer = await bob.client.get("/kie-ui/models/export", params={"model": "maker/own"})
        assert answer.status_code == 404

    async def test_it_is_said_who_may_add(self, make_services: MakeServices) -> None:
        """And adding is refused to everybody else."""
        closed = make_services(visitors="many", add_models="operator")
        visitor = visitor_of(closed)
        async with visitor.client:
            shown = (await visitor.client.get("/kie-ui/models")).json()
            assert not shown["may_add"]
            assert "only its operator" in shown["note"]
            refusals = [
                await visitor.ask("read", name="a", text=PAGE),
                await visitor.add(a_spec("maker/own")),
            ]
        assert [refusal.status_code for refusal in refusals] == [403, 403]
        assert all("only its operator" in r.json()["message"] for r in refusals)


class TestRead:
    async def test_every_parameter_is_shown_as_it_was_understood(self, ada: Visitor) -> None:
        """By its name, in the order of the page."""
        (model,) = (await ada.read(PAGE))["models"]
        assert model["model"] == EVERY_KIND.model
        assert model["state"] == "new"
        shown = {each["name"]: each for each in model["parameters"]}
        assert list(shown) == [p.name for p in EVERY_KIND.parameters]
        assert shown["prompt"]["required"]
        assert shown["shots"]["widget"] == "table"
        assert shown["boxes"]["widget"] == "JSON"

    async def test_nothing_is_stored_by_reading(self, ada: Visitor) -> None:
        """It is a look, and no more."""
        await ada.read(PAGE)
        assert EVERY_KIND.model not in await ada.models()

    async def test_what_cannot_be_read_is_told_by_the_name_of_its_file(self, ada: Visitor) -> None:
        """In a sentence."""
        shown = await ada.read("no page at all", name="notes.txt")
        assert shown["name"] == "notes.txt"
        assert shown["models"] == []
        assert shown["problems"]

    async def test_a_long_list_of_options_is_cut_and_counted(self, ada: Visitor) -> None:
        """Nobody reads a hundred voices."""
        options = [{"value": f"voice-{n}", "label": f"Voice {n}"} for n in range(100)]
        voice = {"name": "voice", "label": "Voice", "help": "", "kind": "choice"}
        spec = a_spec("maker/voices", parameters=[PROMPT, {**voice, "options": options}])
        (model,) = (await ada.read(openapi_page(spec)))["models"]
        shown = model["parameters"][1]
        assert len(shown["options"]) + shown["more_options"] == 100
        assert shown["more_options"] > 0

    async def test_a_newer_page_is_compared_with_what_there_is(self, ada: Visitor) -> None:
        """And the same one is reported as such."""
        old = a_spec("maker/changing")
        await ada.add(old)
        (same,) = (await ada.read(openapi_page(old)))["models"]
        assert (same["state"], same["changes"]) == ("same", [])
        seed = {"name": "seed", "label": "Seed", "help": "", "kind": "number", "integer": True}
        newer = a_spec("maker/changing", parameters=[{**PROMPT, "max_length": 99}, seed])
        (shown,) = (await ada.read(openapi_page(newer)))["models"]
        assert shown["state"] == "newer"
        assert "seed is new." in shown["changes"]
        assert any("prompt" in change for change in shown["changes"])

    async def test_an_address_is_fetched_from_the_named_hosts_only(self, ada: Visitor) -> None:
        """Anything else is refused without a request."""
        shown = (await ada.ask("read", address="https://elsewhere.example/page")).json()
        assert "docs.kie.ai only" in shown["problems"][0]

    async def test_a_fetched_page_is_told_so_that_it_can_be_added(
        self, ada: Visitor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nothing is kept between reading and adding."""

        async def fetched(_address: str, _hosts: object) -> str:
            return PAGE

        monkeypatch.setattr(adding, "fetch_page", fetched)
        shown = (await ada.ask("read", address="docs.kie.ai/every-kind")).json()
        assert shown["text"] == PAGE
        page = {"name": shown["name"], "text": shown["text"]}
        await ada.ask("add", pages=[page], models=[EVERY_KIND.model])
        assert EVERY_KIND.model in await ada.models()

    async def test_why_a_page_cannot_be_fetched_is_said(
        self, ada: Visitor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """In the words of who tried."""

        async def fetched(_address: str, _hosts: object) -> str:
            raise PageProblem("There is no page at this address.")

        monkeypatch.setattr(adding, "fetch_page", fetched)
        shown = (await ada.ask("read", address="docs.kie.ai/none")).json()
        assert shown["problems"] == ["There is no page at this address."]


class TestAdd:
    async def test_what_is_chosen_is_added_and_nothing_else(self, ada: Visitor) -> None:
        """The answer brings the new list, and what was added."""
        first, second = a_spec("maker/one"), a_spec("maker/two")
        pages = [{"name": s.model, "text": openapi_page(s)} for s in (first, second)]
        answer = (await ada.ask("add", pages=pages, models=[second.model])).json()
        assert answer["added"] == [second.model]
        assert [e["model"] for e in answer["models"]] == [*(s.model for s in SPECS), second.model]

    async def test_nothing_chosen_is_said(self, ada: Visitor) -> None:
        """It adds nothing."""
        page = {"name": "page.md", "text": PAGE}
        answer = await ada.ask("add", pages=[page], models=["maker/other"])
        assert answer.status_code == 409
        assert answer.json()["message"] == "Choose a model to add."

    async def test_an_exported_file_is_read_like_a_page(self, ada: Visitor, bob: Visitor) -> None:
        """So that models are shared as one file."""
        await ada.add(a_spec("maker/one"), a_spec("maker/two"))
        file = await ada.client.get("/kie-ui/models/export")
        assert file.headers["Content-Disposition"].startswith("attachment;")
        shown = await bob.read(file.text, name="kie-ui-models.json")
        assert [model["model"] for model in shown["models"]] == ["maker/one", "maker/two"]


class TestChanges:
    @pytest.fixture
    async def own(self, ada: Visitor) -> str:
        """Have added two models, and return the second one."""
        await ada.add(a_spec("maker/one"), a_spec("maker/two"))
        return "maker/two"

    async def test_a_model_gets_another_name_and_its_own_again(
        self, ada: Visitor, own: str
    ) -> None:
        """An empty one is the page's."""
        before = (await ada.models())[own]["title"]
        await ada.ask("rename", model=own, title="Mine")
        assert (await ada.models())[own]["title"] == "Mine"
        await ada.ask("rename", model=own, title=" ")
        assert (await ada.models())[own]["title"] == before

    async def test_a_model_moves(self, ada: Visitor, own: str) -> None:
        """Before another one, or to the end."""
        await ada.ask("move", model=own, before="maker/one")
        assert list(await ada.models())[2:] == [own, "maker/one"]
        await ada.ask("move", model=own, before=None)
        assert list(await ada.models())[2:] == ["maker/one", own]

    async def test_a_model_is_hidden_and_shown(self, ada: Visitor, own: str) -> None:
        """It stays in the list."""
        await ada.ask("hide", model=own)
        assert (await ada.models())[own]["is_hidden"]
        await ada.ask("show", model=own)
        assert not (await ada.models())[own]["is_hidden"]

    async def test_a_removed_model_is_had_back(self, ada: Visitor, own: str) -> None:
        """Undo instead of a question."""
        await ada.ask("remove", model=own)
        assert own not in await ada.models()
        await ada.ask("put-back", model=own)
        assert own in await ada.models()

    async def test_the_built_in_version_is_had_back(self, ada: Visitor) -> None:
        """After a newer page took its place."""
        newer = a_spec(GROK.model)
        await ada.add(newer)
        assert (await ada.models())[GROK.model]["is_replaced"]
        await ada.ask("restore", model=GROK.model)
        assert not (await ada.models())[GROK.model]["is_replaced"]

    async def test_opening_a_model_is_noted(self, ada: Visitor, own: str) -> None:
        """It is then among the recent ones, in every browser."""
        assert (await ada.ask("opened", model=own)).status_code == 200
        models = await ada.models()
        assert models[own]["used_at_ms"] >= models["maker/one"]["used_at_ms"]

    async def test_what_cannot_be_done_is_said(self, ada: Visitor, own: str) -> None:
        """In a sentence each."""
        built_in = await ada.ask("remove", model=GROK.model)
        unknown = await ada.ask("hide", model="maker/none")
        assert (built_in.status_code, unknown.status_code) == (409, 404)
        assert "can be hidden, not removed" in built_in.json()["message"]
        assert unknown.json()["message"] == "This model is no longer here."

    @pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"model": 1}', b"[" * 100_000])
    async def test_what_makes_no_sense_is_refused(self, ada: Visitor, body: bytes) -> None:
        """Whatever the request."""
        for what in ("rename", "move", "hide", "remove", "restore", "read", "add"):
            answer = await ada.client.post(f"/kie-ui/models/{what}", content=body, headers=JSON)
            assert answer.status_code == 400

    async def test_too_much_at_once_is_refused(self, ada: Visitor) -> None:
        """Before it is all in memory."""
        answer = await ada.client.post(
            "/kie-ui/models/read", content=b"x", headers={**JSON, "Content-Length": str(10**9)}
        )
        assert answer.status_code == 413
        assert answer.json() == {"message": "That is too much at once."}

    async def test_another_site_changes_nothing(self, ada: Visitor, own: str) -> None:
        """Its browser says where it comes from."""
        foreign = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
        answer = await ada.client.post(
            "/kie-ui/models/remove", json={"model": own}, headers=foreign
        )
        assert answer.status_code == 403
        assert own in await ada.models()


async def test_what_others_wrote_is_told_as_it_is(ada: Visitor) -> None:
    """The page puts it in as text; here nothing is escaped twice."""
    hostile = a_spec("maker/hostile", title=HOSTILE, maker=HOSTILE, summary=HOSTILE)
    (model,) = (await ada.read(openapi_page(hostile)))["models"]
    assert HOSTILE in (model["title"], model["summary"])


def damage(folder: Path) -> None:
    """Spoil whatever is kept of models."""
    for collection in folder.rglob("*.json"):
        collection.write_text("{")


async def test_a_damaged_collection_is_told(ada: Visitor, services: Services) -> None:
    """Beside the list, which is shorter then."""
    await ada.add(a_spec("maker/own"))
    damage(services.settings.data_path / "models")
    shown = (await ada.client.get("/kie-ui/models")).json()
    assert shown["warnings"]
