from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest
from starlette.applications import Starlette

from kie_ui.catalog.values import FileRef
from kie_ui.runs.history import clip_name
from kie_ui.runs.run import Clip, Run, Step, StepChange
from kie_ui.ui.api import event_stream as routes
from kie_ui.ui.asgi.identity import COOKIE
from kie_ui.ui.services import Services
from tests.ui.driving import V1_LITE, MakeServices, make_site, opened_stream

SITE = "https://page.test"


@pytest.fixture
def services(make_services: MakeServices) -> Services:
    """Give services for many visitors."""
    return make_services(visitors="many", simulator_speed=1000)


@pytest.fixture
def site(services: Services) -> Starlette:
    """Give our routes behind the visitor middleware."""
    return make_site(services)


class Visitor:
    """A browser and who it is."""

    def __init__(self, browser: httpx.AsyncClient, owner: str) -> None:
        self.get = browser.get
        self.post = browser.post
        self.owner = owner
        self.cookie = f"{COOKIE}={browser.cookies[COOKIE]}"


@pytest.fixture
async def visit(site: Starlette) -> AsyncIterator[Any]:
    """Open browsers, each a visitor of its own."""
    opened: list[httpx.AsyncClient] = []
    owners: list[str] = []

    class Seeing:
        """Notes whom the middleware made of a request."""

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await site(scope, receive, send)
            owners.append(scope["state"]["owner"])

    async def visit() -> Visitor:
        browser = httpx.AsyncClient(transport=httpx.ASGITransport(Seeing()), base_url=SITE)
        opened.append(browser)
        await browser.get("/kie-ui/runs/0/clips/0.mp4")
        return Visitor(browser, owners[-1])

    yield visit
    for browser in opened:
        await browser.aclose()


@pytest.fixture
async def ada(visit: Any) -> Visitor:
    """Give a visitor."""
    visitor: Visitor = await visit()
    return visitor


@pytest.fixture
async def ben(visit: Any) -> Visitor:
    """Give another visitor."""
    visitor: Visitor = await visit()
    return visitor


_numbers = count(1)


async def planted(services: Services, owner: str, **fields: Any) -> Run:
    """Keep a run as if it had come to this point, each a moment after the one before."""
    step, at_ms = fields.pop("step", Step.DONE), next(_numbers)
    run = Run(
        id=uuid4().hex,
        owner=owner,
        backend="demo",
        model=V1_LITE.model,
        values=fields.pop("values", {"prompt": "She waves."}),
        step=step,
        step_changes=(StepChange(step, at_ms),),
        created_at_ms=at_ms,
        updated_at_ms=at_ms,
        finished_at_ms=at_ms if step.is_final else None,
        **fields,
    )
    await (await services.runs())._store.add(run)
    return run


async def planted_clip(services: Services, owner: str, content: bytes) -> Run:
    """Keep a finished run with its clip."""
    folder = services.settings.data_path / "clips"
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{uuid4().hex}.mp4"
    (folder / name).write_bytes(content)
    clip = Clip(name=f"clips/{name}", width_px=64, height_px=48, duration_s=0.5)
    return await planted(services, owner, clips=(clip,))


async def planted_picture(services: Services, owner: str, content: bytes) -> tuple[Run, str]:
    """Keep a run that was started with a picture, and tell where the picture is served."""
    name = f"inputs/ab/{uuid4().hex}.png"
    path = services.settings.data_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    run = await planted(services, owner, values={"image_url": (FileRef(path=name, name="a.png"),)})
    return run, f"/kie-ui/runs/{run.id}/{name}"


async def test_a_page_hears_the_account_then_the_recent_runs_then_that_it_is_ready(
    site: Starlette, services: Services, ada: Visitor
) -> None:
    """Oldest first, so that the page can put each on top; without the owner, and never cached."""
    first = await planted(services, ada.owner)
    second = await planted(services, ada.owner, step=Step.FAILED)
    async with opened_stream(site, ada.cookie) as stream:
        heard = await stream.events_until("ready")
    assert stream.status == 200
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert stream.headers["cache-control"] == "no-store"
    names = [name for name, _ in heard]
    assert names[0] == "account"
    others = [name for name in names if name != "account"]
    assert others == ["run", "run", "ready"]
    assert [data["id"] for name, data in heard if name == "run"] == [first.id, second.id]
    assert all("owner" not in data for name, data in heard)
    assert heard[0][1]["kind"] == "demo"
    assert heard[-1][1]["now_ms"] > 1_700_000_000_000


async def test_a_page_hears_what_changes_and_only_its_owners(
    site: Starlette, services: Services, ada: Visitor, ben: Visitor
) -> None:
    """From the press on, each step as it comes."""
    runs = await services.runs()
    async with opened_stream(site, ada.cookie) as stream:
        await stream.events_until("ready")
        values = {"prompt": "[fail]", "image_url": "https://a.test/b.png", "duration": "3"}
        values["resolution"] = "480p"
        await runs.submit(ben.owner, V1_LITE.model, values, "demo")
        run = await runs.submit(ada.owner, V1_LITE.model, values, "demo")
        heard: dict[str, Any] = {"step": ""}
        while heard["step"] != "failed":
            name, told = await stream.next_event()
            if name == "run":
                heard = told
                assert heard["id"] == run.id
            else:
                assert name == "places"
    assert heard["is_final"]
    assert "[fail]" in heard["error"]["message"]


async def test_a_page_hears_of_its_account_at_once(
    site: Starlette, services: Services, ada: Visitor
) -> None:
    """A typed key changes the badge of every open page."""
    async with opened_stream(site, ada.cookie) as stream:
        await stream.events_until("places")
        services.accounts._update(ada.owner, trouble="Kie is closed.")
        assert await stream.next_event() == (
            "account",
            {
                "kind": "demo",
                "has_own_key": False,
                "balance": None,
                "runs_left": None,
                "trouble": "Kie is closed.",
            },
        )


async def test_a_silent_stream_gives_signs_of_life(
    site: Starlette, ada: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proxies cut what says nothing for long."""
    monkeypatch.setattr(routes, "KEEP_ALIVE_S", 0.01)
    async with opened_stream(site, ada.cookie) as stream:
        assert (await stream.events_until("alive"))[-1] == ("alive", {})


async def test_a_page_hears_the_places_of_its_runs_in_our_queue(
    site: Starlette, services: Services, ada: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once everything was told, and again whenever they change."""
    runs = await services.runs()
    places = {"a": 1}
    changed = asyncio.Event()

    @contextmanager
    def changes(owner: str) -> Iterator[asyncio.Event]:
        assert owner == ada.owner
        yield changed

    monkeypatch.setattr(runs, "places", lambda owner: dict(places))
    monkeypatch.setattr(runs, "queue_changes", changes)
    async with opened_stream(site, ada.cookie) as stream:
        heard = await stream.events_until("places")
        assert [name for name, _ in heard[-2:]] == ["ready", "places"]
        assert heard[-1][1] == {"a": 1}
        places["b"] = 2
        changed.set()
        assert await stream.next_event() == ("places", {"a": 1, "b": 2})


async def test_a_database_that_can_only_be_read_is_told_and_its_runs_are_shown(
    site: Starlette, services: Services, ada: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was paid for stays in sight; once it is mended, the page hears so."""
    run = await planted(services, ada.owner)
    runs = await services.runs()
    monkeypatch.setattr(runs, "trouble", "The disk is full.")
    monkeypatch.setattr(routes, "KEEP_ALIVE_S", 0.01)
    async with opened_stream(site, ada.cookie) as stream:
        heard = await stream.events_until("trouble")
        assert [data["id"] for name, data in heard if name == "run"] == [run.id]
        assert heard[-1][1] == {"message": "The disk is full.", "is_open": True}
        monkeypatch.setattr(runs, "trouble", None)
        mended = (await stream.events_until("trouble"))[-1][1]
    assert mended == {"message": None, "is_open": True}


async def test_a_page_that_leaves_is_forgotten(
    site: Starlette, services: Services, ada: Visitor
) -> None:
    """Nothing is kept for it."""
    async with opened_stream(site, ada.cookie) as stream:
        await stream.events_until("ready")
        assert (await services.runs())._store.events._subscriptions
    assert (await services.runs())._store.events._subscriptions == {}
    assert services.accounts._signals._subscriptions == {}


async def test_a_database_that_cannot_be_opened_is_told_on_the_stream(
    make_services: MakeServices, tmp_path: Path
) -> None:
    """The page shows the sentence instead of waiting for ever."""
    (tmp_path / "taken").write_text("a file")
    services = make_services(data_dir=tmp_path / "taken")
    async with opened_stream(make_site(services)) as stream:
        _, told = (await stream.events_until("trouble"))[-1]
    assert not told["is_open"]
    assert "data folder" in told["message"]
    assert "Errno" not in told["message"]


async def test_a_clip_comes_whole_or_in_ranges(
    services: Services, ada: Visitor, clip: bytes
) -> None:
    """A player asks for parts: without them nobody can wind."""
    run = await planted_clip(services, ada.owner, clip)
    address = f"/kie-ui/runs/{run.id}/clips/0.mp4"
    whole = await ada.get(address)
    part = await ada.get(address, headers={"range": "bytes=10-19"})
    last = await ada.get(address, headers={"range": "bytes=-5"})
    assert (whole.status_code, whole.content) == (200, clip)
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.headers["accept-ranges"] == "bytes"
    assert (part.status_code, part.content) == (206, clip[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(clip)}"
    assert last.content == clip[-5:]
    assert (await ada.get(address, headers={"range": "bytes=999999-"})).status_code == 416


async def test_a_clip_is_private_and_is_what_it_says(
    services: Services, ada: Visitor, clip: bytes
) -> None:
    """No shared cache keeps it, and no browser guesses another type."""
    run = await planted_clip(services, ada.owner, clip)
    headers = (await ada.get(f"/kie-ui/runs/{run.id}/clips/0.mp4")).headers
    assert "private" in headers["cache-control"]
    assert headers["x-content-type-options"] == "nosniff"


async def test_a_download_has_a_name(services: Services, ada: Visitor, clip: bytes) -> None:
    """To play is not to keep."""
    run = await planted_clip(services, ada.owner, clip)
    address = f"/kie-ui/runs/{run.id}/clips/0.mp4"
    played, kept = await ada.get(address), await ada.get(f"{address}?download")
    name = f"filename*=utf-8''{quote(clip_name(run, 0, '.mp4'))}"
    assert played.headers["content-disposition"] == f"inline; {name}"
    assert kept.headers["content-disposition"] == f"attachment; {name}"
    assert kept.content == clip


async def test_a_picture_comes_back_to_who_gave_it(services: Services, ada: Visitor) -> None:
    """The card of a run shows what it started from."""
    _, address = await planted_picture(services, ada.owner, b"a picture")
    answer = await ada.get(address)
    assert (answer.status_code, answer.content) == (200, b"a picture")
    assert answer.headers["content-type"] == "image/png"


async def test_nobody_gets_what_belongs_to_another(
    services: Services, ada: Visitor, ben: Visitor, clip: bytes
) -> None:
    """Not even who knows the id: it is as if there were no such run."""
    run = await planted_clip(services, ada.owner, clip)
    given, picture = await planted_picture(services, ada.owner, b"a picture")
    unfetched = await planted(services, ada.owner, step=Step.UNFETCHED)
    for address in (f"/kie-ui/runs/{run.id}/clips/0.mp4", picture):
        assert (await ada.get(address)).status_code == 200
        assert (await ben.get(address)).status_code == 404
    for what in ("fetch", "watch"):
        for theirs in (run, given, unfetched):
            answer = await ben.post(f"/kie-ui/runs/{theirs.id}/{what}-again")
            assert answer.status_code == 404
    kept = await (await services.runs()).run(ada.owner, unfetched.id)
    assert kept.step is Step.UNFETCHED


async def test_a_picture_of_one_run_is_not_reached_through_another(
    services: Services, ada: Visitor, ben: Visitor
) -> None:
    """Pictures are kept by content: knowing the name is not having given it."""
    _, address = await planted_picture(services, ada.owner, b"a picture")
    own, _ = await planted_picture(services, ben.owner, b"another")
    name = address.partition("/inputs/")[2]
    assert (await ben.get(f"/kie-ui/runs/{own.id}/inputs/{name}")).status_code == 404


@pytest.mark.parametrize(
    "trick",
    [
        "clips/-1.mp4",
        "clips/0.mp4/../../../runs.sqlite3",
        "inputs/../runs.sqlite3",
        "inputs/..%2Fruns.sqlite3",
        "inputs/%2e%2e/%2e%2e/runs.sqlite3",
        "inputs//etc/passwd",
        "inputs/%2Fetc%2Fpasswd",
        "inputs/",
        "inputs/ab/x.png%00",
        "../../runs.sqlite3",
    ],
)
async def test_no_address_leads_to_another_file(
    services: Services, ada: Visitor, clip: bytes, trick: str
) -> None:
    """Not out of the folder, and not to a clip that there is none of."""
    run = await planted_clip(services, ada.owner, clip)
    answer = await ada.get(httpx.URL(SITE, raw_path=f"/kie-ui/runs/{run.id}/{trick}".encode()))
    assert answer.status_code == 404
    assert b"SQLite" not in answer.content


async def test_a_clip_of_a_number_too_high_is_refused(
    services: Services, ada: Visitor, clip: bytes
) -> None:
    """The run is there, and has one clip."""
    run = await planted_clip(services, ada.owner, clip)
    answer = await ada.get(f"/kie-ui/runs/{run.id}/clips/1.mp4")
    assert (answer.status_code, answer.json()) == (404, {"message": "There is no such result."})


async def test_a_clip_that_is_gone_from_the_disk_is_not_found(
    services: Services, ada: Visitor, clip: bytes
) -> None:
    """Somebody tidied up: the page hears it, and the log holds no fault of ours."""
    run = await planted_clip(services, ada.owner, clip)
    (services.settings.data_path / run.clips[0].name).unlink()
    assert (await ada.get(f"/kie-ui/runs/{run.id}/clips/0.mp4")).status_code == 404


async def test_only_what_failed_after_the_task_was_made_can_be_tried_again(
    services: Services, ada: Visitor
) -> None:
    """Anything else makes no sense at that step, and says so."""
    done = await planted(services, ada.owner)
    nameless = await planted(services, ada.owner, step=Step.UNKNOWN)
    assert (await ada.post(f"/kie-ui/runs/{done.id}/fetch-again")).status_code == 409
    answer = await ada.post(f"/kie-ui/runs/{nameless.id}/watch-again")
    assert answer.status_code == 409
    assert "kie.ai/logs" in answer.json()["message"]
    assert (await ada.post("/kie-ui/runs/none/fetch-again")).status_code == 404
    assert (await ada.get(f"/kie-ui/runs/{done.id}/fetch-again")).status_code == 405


async def test_nothing_else_can_be_done_again(services: Services, ada: Visitor) -> None:
    """Above all no create: only fetching and watching are free."""
    unknown = await planted(services, ada.owner, step=Step.UNKNOWN, task_id="281e5b0")
    assert (await ada.post(f"/kie-ui/runs/{unknown.id}/create-again")).status_code == 404
    kept = await (await services.runs()).run(ada.owner, unknown.id)
    assert kept.step is Step.UNKNOWN


async def test_a_task_that_was_not_to_be_found_is_watched_again(
    services: Services, ada: Visitor
) -> None:
    """It goes on from where it stood."""
    lost = await planted(services, ada.owner, step=Step.UNKNOWN, task_id="281e5b0")
    answer = await ada.post(f"/kie-ui/runs/{lost.id}/watch-again")
    assert answer.status_code == 200
    run = await (await services.runs()).run(ada.owner, lost.id)
    assert run.step is Step.WAITING


@pytest.mark.parametrize(
    ("suffix", "type_", "disposition"),
    [
        (".png", "image/png", "inline"),
        (".avif", "image/avif", "inline"),
        (".mp3", "audio/mpeg", "inline"),
        (".aac", "audio/aac", "inline"),
        (".svg", "application/octet-stream", "attachment"),
        (".html", "application/octet-stream", "attachment"),
        (".pdf", "application/octet-stream", "attachment"),
        (".json", "application/octet-stream", "attachment"),
        (".glb", "application/octet-stream", "attachment"),
    ],
)
async def test_only_what_cannot_hold_a_script_is_shown(
    services: Services, ada: Visitor, suffix: str, type_: str, disposition: str
) -> None:
    """All else comes as a file to keep, and no browser guesses what it is."""
    name = f"clips/{uuid4().hex}{suffix}"
    path = services.settings.data_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"<script>alert(1)</script>")
    run = await planted(services, ada.owner, clips=(Clip(name=name, kind="file"),))
    answer = await ada.get(f"/kie-ui/runs/{run.id}/clips/0{suffix}")
    assert answer.headers["content-type"] == type_
    assert answer.headers["content-disposition"].startswith(disposition)
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_given_file_is_shown_only_where_that_is_safe(
    services: Services, ada: Visitor
) -> None:
    """What a run was started with may be a file of any kind."""
    name = f"inputs/ab/{uuid4().hex}.html"
    path = services.settings.data_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"<script>alert(1)</script>")
    given = (FileRef(path=name, name="a.html"),)
    run = await planted(services, ada.owner, values={"image_url": given})
    answer = await ada.get(f"/kie-ui/runs/{run.id}/{name}")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize(
    ("name", "made", "type_", "content"),
    [
        ("result.txt", '"<b>A poem</b>"', "text/plain; charset=utf-8", b"<b>A poem</b>"),
        ("result.json", '{"a": 1}', "application/json", b'{\n  "a": 1\n}'),
    ],
)
async def test_what_was_written_is_kept_as_a_file(
    services: Services, ada: Visitor, ben: Visitor, name: str, made: str, type_: str, content: bytes
) -> None:
    """Out of the record, for its owner, and never shown as a page."""
    record = {"state": "success", "resultJson": '{"resultObject": ' + made + "}"}
    clips = (Clip(name=name, kind="text"),)
    run = await planted(services, ada.owner, clips=clips, record=record)
    address = f"/kie-ui/runs/{run.id}/clips/0{Path(name).suffix}"
    answer = await ada.get(address)
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["content-type"] == type_
    assert answer.headers["content-disposition"].startswith("attachment; filename")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert (await ben.get(address)).status_code == 404
