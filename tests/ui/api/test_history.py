from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from kie_ui.catalog.values import FileRef, UrlRef
from kie_ui.media.export import Entry
from kie_ui.runs.errors import StoreProblem, UnknownRun, WrongStep
from kie_ui.runs.run import MAX_USER_NOTE, Run, Step
from kie_ui.runs.storage.search import HistoryPage, HistoryQuery, Neighbours
from kie_ui.runs.storage.statistics import SpendingDay, UsualTime
from kie_ui.ui.api.history import RUNS_A_PAGE
from kie_ui.ui.api.requests import MAX_BODY_BYTES
from kie_ui.ui.services import Services
from tests.ui.driving import GROK, HOSTILE, JSON, V1_LITE, MakeServices, make_site

USUAL = UsualTime(median_s=50, low_s=40, high_s=70, runs=9)
SPENT = SpendingDay("2026-11-21", GROK.model, 3, 28.8, 1, 0.0, 0)


POSTER = b"a poster"


def make_poster(folder: Path) -> Path:
    """Keep something for a poster."""
    path = folder / "poster.webp"
    path.write_bytes(POSTER)
    return path


def is_file(path: str) -> bool:
    """Tell whether a file lies there."""
    return Path(path).is_file()


def make_run(**fields: Any) -> Run:
    """Make a run that has ended."""
    start: dict[str, Any] = {
        "id": "r1",
        "owner": "local",
        "backend": "demo",
        "model": V1_LITE.model,
        "values": {"prompt": HOSTILE, "resolution": "480p", "duration": "5", "seed": -1.0},
        "step": Step.DONE,
        "request": {"model": V1_LITE.model},
        "created_at_ms": 1,
        "updated_at_ms": 1,
    }
    return Run(**{**start, **fields})


class History:
    """Stands in for the history of the run service: records its calls, or refuses."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.refusal: Exception | None = None
        self.run = make_run()
        self.entries: list[Entry] = []
        self.poster = Path("/nowhere")
        self.usual: UsualTime | None = USUAL

    def _note(self, *call: Any) -> None:
        self.calls.append(call)
        if self.refusal is not None:
            raise self.refusal

    async def page(self, owner: str, query: HistoryQuery, **paging: Any) -> HistoryPage:
        self._note("page", owner, query, paging)
        return HistoryPage((self.run,), "r0")

    async def matching(
        self, owner: str, query: HistoryQuery, run_ids: list[str]
    ) -> tuple[Run, ...]:
        self._note("matching", owner, query, run_ids)
        return (self.run,)

    async def models(self, _owner: str) -> tuple[str, ...]:
        return (GROK.model,)

    async def neighbours(self, owner: str, run_id: str, query: HistoryQuery) -> Neighbours:
        self._note("neighbours", owner, run_id, query)
        return Neighbours("r2", None)

    async def change(self, owner: str, run_id: str, **changes: Any) -> Run:
        self._note("change", owner, run_id, changes)
        return self.run

    async def delete(self, owner: str, run_ids: tuple[str, ...]) -> tuple[str, ...]:
        self._note("delete", owner, run_ids)
        return run_ids

    async def restore(self, owner: str, run_ids: tuple[str, ...]) -> tuple[str, ...]:
        self._note("restore", owner, run_ids)
        return run_ids

    async def spending(self, owner: str, **options: Any) -> tuple[SpendingDay, ...]:
        self._note("spending", owner, options)
        return (SPENT,)

    async def usual_time(
        self, owner: str, model: str, _values: Any, *, backend: str
    ) -> UsualTime | None:
        self._note("usual_time", owner, model, backend)
        return self.usual

    async def usual_times(
        self, _owner: str, *, backend: str
    ) -> tuple[tuple[str, dict[str, Any], UsualTime], ...]:
        assert backend == "demo"
        setting = {"camera_fixed": True, "duration": "5", "of_old": 3}
        return ((V1_LITE.model, setting, USUAL), ("maker/gone", {"fps": 24}, USUAL))

    async def poster_file(self, owner: str, run_id: str) -> Path:
        self._note("poster_file", owner, run_id)
        return self.poster

    async def clip_entries(self, owner: str, run_ids: tuple[str, ...]) -> list[Entry]:
        self._note("clip_entries", owner, run_ids)
        return self.entries


@pytest.fixture
def history() -> History:
    """Give a history that obeys."""
    return History()


@pytest.fixture
def services(
    make_services: MakeServices, history: History, uploaded: Path, monkeypatch: pytest.MonkeyPatch
) -> Services:
    """Give services over it, whose runs are all the same one."""
    services = make_services()

    async def run(owner: str, run_id: str) -> Run:
        if history.refusal is not None or run_id != history.run.id:
            raise history.refusal or UnknownRun
        assert owner == history.run.owner
        return history.run

    async def input_file(_owner: str, _run_id: str, _name: str) -> Path:
        return uploaded

    async def opened() -> Any:
        return SimpleNamespace(
            history=history, run=run, input_file=input_file, backends=services.backends
        )

    monkeypatch.setattr(services, "runs", opened)
    return services


@pytest.fixture
async def browser(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """Give the one owner's browser."""
    transport = httpx.ASGITransport(make_site(services, has_many=False))
    base = "https://page.test/kie-ui"
    async with httpx.AsyncClient(transport=transport, base_url=base) as browser:
        yield browser


async def test_a_page_is_what_was_looked_for(browser: httpx.AsyncClient, history: History) -> None:
    """Each filter reaches the owner's history; what only the open run shows stays out of it."""
    query_string = {"text": " boat ", "model": ["a", "b"], "step": "done", "favourites": "1"}
    shown = (await browser.get("/history", params=query_string)).json()
    query = HistoryQuery("boat", ("a", "b"), (Step.DONE,), only_favourites=True)
    assert history.calls == [("page", "local", query, {"before": None, "limit": RUNS_A_PAGE})]
    assert shown["next"] == "r0"
    assert shown["models"] == [GROK.model]
    (run,) = shown["runs"]
    assert run["values"]["prompt"] == HOSTILE
    assert not {"owner", "holder", "request", "record", "answer"} & run.keys()


async def test_the_next_page_goes_on_after_a_run(
    browser: httpx.AsyncClient, history: History
) -> None:
    """It does not name the models again."""
    shown = (await browser.get("/history", params={"before": "r9"})).json()
    assert history.calls[0][3]["before"] == "r9"
    assert "models" not in shown


async def test_a_page_asks_which_changed_runs_a_query_finds(
    browser: httpx.AsyncClient, history: History
) -> None:
    """The same search decides on one run and on a page; a page of runs at most."""
    found = (await browser.get("/history", params={"text": "boat", "ids": "r1,r2"})).json()
    assert history.calls == [("matching", "local", HistoryQuery("boat"), ["r1", "r2"])]
    assert [run["id"] for run in found["runs"]] == ["r1"]
    many = ",".join(["r1"] * (RUNS_A_PAGE + 1))
    assert (await browser.get("/history", params={"ids": many})).status_code == 400


async def test_an_unknown_state_is_refused(browser: httpx.AsyncClient) -> None:
    """Nobody's page asks for one."""
    assert (await browser.get("/history", params={"step": "lost"})).status_code == 400


async def test_a_run_in_full(browser: httpx.AsyncClient, history: History) -> None:
    """Its parameters by the form's names, its neighbours among what is looked at, its code."""
    picture = (UrlRef(url="https://pictures.example/a.png"),)
    history.run = make_run(values={**history.run.values, "image_url": picture, "odd": True})
    shown = (await browser.get("/runs/r1", params={"text": "boat"})).json()
    assert (shown["newer"], shown["older"]) == ("r2", None)
    assert history.calls == [("neighbours", "local", "r1", HistoryQuery("boat"))]
    texts = {p["label"]: p.get("text") for p in shown["parameters"]}
    assert texts.items() >= {"Resolution": "480p", "Duration": "5 s", "Seed": "random"}.items()
    assert texts["odd"] == "True"
    assert shown["parameters"][1]["pictures"][0]["url"] == picture[0].url
    assert V1_LITE.model in shown["code"]["curl"]
    assert shown["run"]["request"] == {"model": V1_LITE.model}
    assert "owner" not in shown["run"]


async def test_a_run_of_a_model_without_a_tab_is_shown_too(
    browser: httpx.AsyncClient, history: History
) -> None:
    """With its values as they are, and no code."""
    history.run = make_run(model="maker/other", values={"prompt": "p"})
    shown = (await browser.get("/runs/r1")).json()
    assert shown["parameters"] == [{"name": "prompt", "label": "prompt", "text": "p"}]
    assert shown["code"] is None


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/runs/r2", None),
        ("POST", "/runs/r2/settings", {}),
        ("GET", "/runs/r2/usual", None),
    ],
)
async def test_someone_elses_run_is_none_at_all(
    browser: httpx.AsyncClient, method: str, path: str, body: Any
) -> None:
    """With the same sentence as for one that never was."""
    answer = await browser.request(method, path, json=body)
    assert answer.status_code == 404
    assert answer.json() == {"message": "There is no such run."}


_EVERYTHING: tuple[tuple[str, str, Any], ...] = (
    ("GET", "/history", None),
    ("GET", "/runs/r1", None),
    ("POST", "/runs/r1", {"user_note": "x"}),
    ("GET", "/runs/r1/poster", None),
    ("GET", "/runs/r1/usual", None),
    ("POST", "/runs/r1/settings", {}),
    ("POST", "/history/delete", {"run_ids": ["r1"]}),
    ("POST", "/history/restore", {"run_ids": ["r1"]}),
    ("GET", "/spending", None),
)


@pytest.mark.parametrize(("method", "path", "body"), _EVERYTHING)
@pytest.mark.parametrize(
    ("refusal", "status"),
    [(UnknownRun(), 404), (WrongStep("Not now."), 409), (StoreProblem("Disk full."), 503)],
)
async def test_a_refusal_is_a_sentence(
    browser: httpx.AsyncClient,
    history: History,
    method: str,
    path: str,
    body: Any,
    refusal: Exception,
    status: int,
) -> None:
    """The person's own words for it come from below."""
    history.refusal = refusal
    answer = await browser.request(method, path, json=body)
    assert (answer.status_code, answer.json()["message"]) == (status, str(refusal))


@pytest.mark.parametrize(("method", "path", "body"), _EVERYTHING)
async def test_another_site_gets_nothing(
    browser: httpx.AsyncClient, history: History, method: str, path: str, body: Any
) -> None:
    """A browser says where a request comes from."""
    headers = {"sec-fetch-site": "cross-site"}
    answer = await browser.request(method, path, json=body, headers=headers)
    assert answer.status_code == 403
    assert history.calls == []


@pytest.mark.parametrize(
    ("body", "changes"),
    [
        ({"is_favourite": True}, {"is_favourite": True, "user_note": None}),
        ({"user_note": ""}, {"is_favourite": None, "user_note": ""}),
    ],
)
async def test_a_favourite_and_a_note_are_kept(
    browser: httpx.AsyncClient, history: History, body: Any, changes: Any
) -> None:
    """Each alone; an empty note takes the old one away."""
    answer = await browser.post("/runs/r1", json=body)
    assert answer.status_code == 200
    assert history.calls == [("change", "local", "r1", changes)]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/runs/r1", b'{"is_favourite": "yes"}'),
        ("/runs/r1", b'{"user_note": 3}'),
        ("/runs/r1", b'{"user_note": "%s"}' % (b"x" * (MAX_USER_NOTE + 1))),
        ("/runs/r1", b"[]"),
        ("/runs/r1", b"{"),
        ("/runs/r1", b"[" * 100_000),
        ("/history/delete", b"{}"),
        ("/history/delete", b'{"run_ids": []}'),
        ("/history/restore", b'{"run_ids": [3]}'),
        ("/history/zip", b""),
    ],
)
async def test_what_makes_no_sense_is_refused(
    browser: httpx.AsyncClient, history: History, path: str, body: bytes
) -> None:
    """With a sentence, and without a question to the database."""
    answer = await browser.post(path, content=body, headers=JSON)
    assert answer.status_code == 400
    assert answer.json()["message"].endswith(".")
    assert history.calls == []


async def test_a_body_beyond_the_limit_is_refused(
    browser: httpx.AsyncClient, history: History
) -> None:
    """With a sentence, and without a question to the database."""
    answer = await browser.post("/runs/r1", content=b" " * (MAX_BODY_BYTES + 1), headers=JSON)
    assert (answer.status_code, answer.json()["message"]) == (413, "That is too much at once.")
    assert history.calls == []


@pytest.mark.parametrize("act", ["delete", "restore"])
async def test_several_are_deleted_and_had_back(
    browser: httpx.AsyncClient, history: History, act: str
) -> None:
    """Each once."""
    answer = await browser.post(f"/history/{act}", json={"run_ids": ["r1", "r2", "r1"]})
    assert answer.json() == {"run_ids": ["r1", "r2"]}
    assert history.calls == [(act, "local", ("r1", "r2"))]


async def test_a_zip_comes_while_it_is_written(
    browser: httpx.AsyncClient, history: History
) -> None:
    """As a file to keep, requested by a form of the page."""
    history.entries = [Entry("a boat.mp4", b"clip", 0)]
    answer = await browser.post("/history/zip", data={"run_ids": "r1,r2"})
    assert history.calls == [("clip_entries", "local", ("r1", "r2"))]
    assert answer.headers["content-disposition"].startswith('attachment; filename="kie-ui-')
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.read("a boat.mp4") == b"clip"


async def test_a_poster_is_its_owners(
    browser: httpx.AsyncClient, history: History, tmp_path: Path
) -> None:
    """Kept by the owner's browser alone; one that is gone is reported as such."""
    assert (await browser.get("/runs/r1/poster")).status_code == 409
    history.poster = make_poster(tmp_path)
    answer = await browser.get("/runs/r1/poster")
    assert answer.headers["cache-control"].startswith("private")
    assert answer.content == POSTER


async def test_the_usual_time_of_such_a_run(browser: httpx.AsyncClient, history: History) -> None:
    """Or nothing, where nobody knows."""
    assert (await browser.get("/runs/r1/usual")).json()["usual"]["high_s"] == 70
    assert history.calls == [("usual_time", "local", V1_LITE.model, "demo")]
    history.usual = None
    assert (await browser.get("/runs/r1/usual")).json() == {"usual": None}


@pytest.mark.parametrize(("given", "offset"), [("120", 120), ("9999", 840), ("x", 0)])
async def test_spending_by_the_days_of_the_person(
    browser: httpx.AsyncClient, history: History, given: str, offset: int
) -> None:
    """Whose day begins when it does there."""
    shown = (await browser.get("/spending", params={"utc_offset_minutes": given})).json()
    assert history.calls[0][2]["utc_offset_minutes"] == offset
    assert history.calls[0][2]["backend"] == shown["backend"] == "demo"
    assert shown["days"][0]["credits"] == 28.8
    assert shown["usual"][0] == {
        "model": V1_LITE.model,
        "settings": "Still camera yes, Duration 5 s, of_old 3",
        "median_s": 50,
        "low_s": 40,
        "high_s": 70,
        "runs": 9,
    }
    assert shown["usual"][1]["settings"] == "fps 24"


async def test_settings_bring_the_pictures_and_give_them_to_their_owner(
    browser: httpx.AsyncClient, history: History, services: Services
) -> None:
    """A copy of the kept picture lies where the form finds it, and its owner may see it."""
    ref = FileRef(path="inputs/a.png", name="mine.png")
    history.run = make_run(values={"prompt": "p", "image_url": (ref,), "seed": 7})
    shown = (await browser.post("/runs/r1/settings", json={"new_seed": True})).json()
    given = shown["fields"]["image_url"]
    assert is_file(given["path"])
    assert await services.files.is_owned("local", given["path"])
    assert not await services.files.is_owned("another", given["path"])
    assert shown["fields"]["seed"] != 7
    assert shown["model"] == V1_LITE.model


async def test_settings_of_a_model_without_a_tab_go_nowhere(
    browser: httpx.AsyncClient, history: History
) -> None:
    """The answer says so."""
    history.run = make_run(model="maker/other", values={})
    answer = await browser.post("/runs/r1/settings", json={})
    assert answer.status_code == 409
    assert "“maker/other”" in answer.json()["message"]
