from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from kie_ui.ui.api import history as earlier
from kie_ui.ui.services import Services
from tests.ui.api.visitors import planted
from tests.ui.driving import GROK, V1_LITE, MakeServices, make_site


@pytest.fixture
def services(make_services: MakeServices) -> Services:
    """Give services without a key."""
    return make_services()


@pytest.fixture
async def browser(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """Give the one owner's browser."""
    transport = httpx.ASGITransport(make_site(services, has_many=False))
    async with httpx.AsyncClient(transport=transport, base_url="https://page.test") as browser:
        yield browser


async def kept(services: Services, owner: str = "local", model: str = V1_LITE.model) -> str:
    """Keep a run, a moment after the one before, and return its id."""
    return (await planted(services, owner, model=model)).id


async def ids(browser: httpx.AsyncClient, **query: str) -> list[str]:
    """List the ids of a page of runs."""
    answer = await browser.get("/kie-ui/runs", params=query)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    return [run["id"] for run in answer.json()]


async def test_runs_are_listed_page_by_page_until_there_are_none(
    browser: httpx.AsyncClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest first, each once."""
    monkeypatch.setattr(earlier, "RUNS_A_PAGE", 2)
    made = [await kept(services) for _ in range(3)]
    assert await ids(browser) == [made[2], made[1]]
    assert await ids(browser, before=made[1]) == [made[0]]
    assert await ids(browser, before=made[0]) == []


async def test_runs_of_one_model_are_listed_alone(
    browser: httpx.AsyncClient, services: Services
) -> None:
    """Each tab has its own."""
    of_grok, of_lite = await kept(services, model=GROK.model), await kept(services)
    assert await ids(browser, model=GROK.model) == [of_grok]
    assert await ids(browser, model=V1_LITE.model) == [of_lite]
    assert await ids(browser, model="no/model") == []


async def test_one_run_is_told_as_the_stream_tells_it(
    browser: httpx.AsyncClient, services: Services
) -> None:
    """Without its owner."""
    run_id = await kept(services)
    answer = await browser.get(f"/kie-ui/runs/{run_id}")
    run = await (await services.runs()).run("local", run_id)
    assert (answer.status_code, answer.json()["run"]) == (200, run.public())
    assert "owner" not in answer.json()["run"]


async def test_nobody_is_told_of_runs_of_another(
    browser: httpx.AsyncClient, services: Services
) -> None:
    """It is as if there were none."""
    theirs = await kept(services, owner="ben")
    assert await ids(browser) == []
    for address in (f"runs/{theirs}", f"runs?before={theirs}", "runs/none", "runs?before=none"):
        assert (await browser.get(f"/kie-ui/{address}")).status_code == 404
