from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from kie_ui.ui.services import Services
from tests.ui.api.visitors import SITE, Visitor
from tests.ui.driving import MakeServices, make_site


@pytest.fixture
def services(make_services: MakeServices) -> Services:
    """Give services for many visitors."""
    return make_services(visitors="many", simulator_speed=1000)


@pytest.fixture
def site(services: Services) -> Starlette:
    """Give our routes behind the visitor middleware."""
    return make_site(services)


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
