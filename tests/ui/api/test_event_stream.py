from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from kie_ui.runs.run import Step
from kie_ui.ui.api import event_stream as routes
from kie_ui.ui.services import Services
from tests.ui.api.visitors import Visitor, planted
from tests.ui.driving import V1_LITE, MakeServices, make_site, opened_stream


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
            name, shown = await stream.next_event()
            if name == "run":
                heard = shown
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
    """After everything else, and again whenever they change."""
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
        _, shown = (await stream.events_until("trouble"))[-1]
    assert not shown["is_open"]
    assert "data folder" in shown["message"]
    assert "Errno" not in shown["message"]
