from __future__ import annotations

import logging
from typing import Any

import pytest

from kie_ui.simulator.server import SimulatorServer
from kie_ui.ui.services import Services
from tests.ui.api.visitors import Visitor
from tests.ui.driving import MakeServices


@pytest.fixture
def services(make_services: MakeServices, kie: SimulatorServer) -> Services:
    """Give services whose Kie takes one key, for many visitors."""
    addresses = {"kie_api_base_url": kie.base_url, "kie_upload_base_url": kie.base_url}
    return make_services(visitors="many", **addresses)


async def test_a_key_that_works_is_used_from_then_on_by_who_typed_it(
    services: Services, ada: Visitor, ben: Visitor, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Its balance is answered; nothing that is answered or logged repeats it."""
    with caplog.at_level(logging.DEBUG):
        answer = await ada.post("/kie-ui/account/key", json={"key": f" {key} "})
    assert answer.json()["balance"] > 0
    assert key not in answer.text + caplog.text
    assert services.backends.has_own_key(ada.owner)
    assert not services.backends.has_own_key(ben.owner)


@pytest.mark.parametrize("typed", ["wrong-key", "", "  ", None, 5, ["a"]])
async def test_another_key_is_refused_in_words(
    services: Services, ada: Visitor, typed: Any
) -> None:
    """It is not used, and not repeated."""
    answer = await ada.post("/kie-ui/account/key", json={"key": typed})
    assert answer.status_code in (400, 409)
    assert answer.json()["message"].endswith((".", "”."))
    assert "wrong-key" not in answer.text
    assert not services.backends.has_own_key(ada.owner)


async def test_a_key_is_forgotten_once(services: Services, ada: Visitor, key: str) -> None:
    """Where there is none, nobody is told that it was forgotten."""
    await ada.post("/kie-ui/account/key", json={"key": key})
    assert (await ada.post("/kie-ui/account/forget")).status_code == 200
    assert not services.backends.has_own_key(ada.owner)
    answer = await ada.post("/kie-ui/account/forget")
    assert (answer.status_code, answer.json()["message"]) == (
        409,
        "There is no key of yours to forget.",
    )
