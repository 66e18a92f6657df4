import asyncio
from functools import partial
from typing import Any

import pytest

from kie_ui.kie.client import KieClient
from kie_ui.kie.errors import Unauthorized, Unreachable
from kie_ui.simulator.server import SimulatorServer
from kie_ui.ui.account_status import FORGET_AFTER_S, AccountStatuses
from kie_ui.ui.services import Services
from tests.ui.driving import MakeServices
from tests.wire.app_process import free_port


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the client wait between its attempts without waiting."""

    async def sleep(wait_s: float) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr("kie_ui.ui.services.KieClient", partial(KieClient, sleep=sleep))


@pytest.fixture
def services(make_services: MakeServices, kie: SimulatorServer) -> Services:
    """Give services without a key, whose Kie is there."""
    return make_services(kie_api_base_url=kie.base_url, kie_upload_base_url=kie.base_url)


DEMO = {
    "kind": "demo",
    "has_own_key": False,
    "balance": None,
    "trouble": None,
    "runs_left": None,
}
"""An account without a key."""


@pytest.fixture
def accounts(services: Services) -> AccountStatuses:
    """Give their accounts."""
    return services.accounts


async def test_without_a_key_it_is_the_demo(accounts: AccountStatuses) -> None:
    """Which has no balance that could be shown."""
    await accounts.refresh("ada")
    assert accounts.describe("ada") == DEMO


async def test_a_key_that_works_is_used_and_its_balance_shown(
    accounts: AccountStatuses, services: Services, key: str
) -> None:
    """From then on its owner is live, and nobody else is."""
    balance = await accounts.test_key("ada", f"  {key}\n")
    assert balance > 0
    live = {"kind": "live", "has_own_key": True, "balance": balance}
    assert accounts.describe("ada") == {**DEMO, **live}
    assert accounts.describe("ben")["kind"] == services.backends.kind("ben") == "demo"
    assert accounts.describe("ben")["balance"] is None


async def test_a_refused_key_is_not_taken(accounts: AccountStatuses) -> None:
    """The demo stays, and the sentence never repeats the key."""
    with pytest.raises(Unauthorized) as raised:
        await accounts.test_key("ada", "wrong-key-7d1c")
    assert "wrong-key-7d1c" not in str(raised.value)
    assert accounts.describe("ada")["kind"] == "demo"


@pytest.mark.parametrize("typed", ["", "   ", "Bearer abc", "schlüssel", "a\nb"])
async def test_what_can_be_no_key_is_refused_without_asking(
    accounts: AccountStatuses, kie: SimulatorServer, typed: str
) -> None:
    """In words that never repeat it."""
    request_count = len(kie.request_log.entries)
    with pytest.raises(ValueError, match="API key"):
        await accounts.test_key("ada", typed)
    assert len(kie.request_log.entries) == request_count


async def test_a_refused_key_takes_the_place_of_no_good_one(
    accounts: AccountStatuses, key: str
) -> None:
    """A slip does not cost the key that worked."""
    await accounts.test_key("ada", key)
    with pytest.raises(Unauthorized):
        await accounts.test_key("ada", "wrong-key")
    assert accounts.describe("ada")["kind"] == "live"


async def test_a_key_is_not_taken_while_kie_cannot_be_reached(
    make_services: MakeServices, key: str
) -> None:
    """Nobody knows then whether it works."""
    accounts = make_services(kie_api_base_url=f"http://127.0.0.1:{free_port()}").accounts
    with pytest.raises(Unreachable):
        await accounts.test_key("ada", key)
    assert accounts.describe("ada")["kind"] == "demo"


async def test_a_forgotten_key_takes_its_balance_along(
    accounts: AccountStatuses, services: Services, key: str
) -> None:
    """Back to the demo, as if it had never been."""
    await accounts.test_key("ada", key)
    services.backends.forget_key("ada")
    assert accounts.describe("ada") == DEMO


async def test_a_key_is_nowhere_in_what_a_page_is_told(
    accounts: AccountStatuses, services: Services, key: str
) -> None:
    """Neither the typed one nor the server's."""
    await accounts.test_key("ada", key)
    assert key not in repr(accounts.describe("ada"))
    assert key not in repr(services.settings)
    assert key not in repr(await services.backends.backend("ada", "live"))


async def test_pages_are_told_of_their_own_accounts_changes_only(
    accounts: AccountStatuses, key: str
) -> None:
    """Every page of the owner hears of it, and no one else's."""
    with (
        accounts.changes("ada") as one,
        accounts.changes("ada") as two,
        accounts.changes("ben") as b,
    ):
        await accounts.test_key("ada", key)
        assert (one.is_set(), two.is_set(), b.is_set()) == (True, True, False)
    assert accounts._signals._subscriptions == {}


async def test_the_servers_own_key_has_its_balance_read(live: Services) -> None:
    """It was never typed, but it is spent from."""
    await live.accounts.refresh("local")
    described = live.accounts.describe("local")
    assert (described["kind"], described["has_own_key"]) == ("live", False)
    assert described["balance"] is not None


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kie_api_key": "wrong-key"}, "did not accept the API key"),
        ({"kie_api_base_url": "http://127.0.0.1:9"}, "could not be reached"),
    ],
)
async def test_a_balance_that_cannot_be_read_is_said_beside_the_badge(
    make_services: MakeServices, kie: SimulatorServer, key: str, fields: dict[str, Any], words: str
) -> None:
    """The page works all the same; once it can be read, the trouble is gone."""
    given = {"kie_api_base_url": kie.base_url, "kie_api_key": key, **fields}
    accounts = make_services(**given).accounts
    await accounts.refresh("local")
    assert words in str(accounts.describe("local")["trouble"])
    accounts._update("local", balance=1.0)
    assert accounts.describe("local")["trouble"] is None


@pytest.mark.parametrize(("shares", "kind"), [(False, "demo"), (True, "live")])
async def test_visitors_spend_the_servers_credits_only_if_the_operator_says_so(
    make_services: MakeServices, kie: SimulatorServer, key: str, *, shares: bool, kind: str
) -> None:
    """A server that others can reach keeps its key to itself."""
    services = make_services(
        kie_api_key=key,
        kie_api_base_url=kie.base_url,
        visitors="many",
        share_server_key=shares,
    )
    assert services.accounts.describe("ada")["kind"] == kind


async def _is_idle(_owner: str) -> bool:
    return False


async def test_who_is_long_gone_is_forgotten_with_their_key(services: Services, key: str) -> None:
    """A server that runs for months does not hold everyone who ever came."""
    now_s = [0.0]
    accounts = services.accounts
    accounts._now_s = lambda: now_s[0]
    await accounts.test_key("ada", key)
    now_s[0] = FORGET_AFTER_S - 1
    await accounts.prune(_is_idle)
    assert services.backends.has_own_key("ada")
    now_s[0] = FORGET_AFTER_S
    await accounts.prune(_is_idle)
    assert not services.backends.has_own_key("ada")
    assert accounts.describe("ada")["balance"] is None
    assert accounts._accounts == {}


async def test_who_has_a_page_open_or_runs_under_way_is_not_forgotten(
    services: Services, key: str
) -> None:
    """However long they say nothing; the time counts from when the page was closed."""
    now_s = [0.0]
    accounts = services.accounts
    accounts._now_s = lambda: now_s[0]
    await accounts.test_key("ada", key)

    async def is_busy(_owner: str) -> bool:
        return True

    with accounts.changes("ada"):
        now_s[0] = 2 * FORGET_AFTER_S
        await accounts.prune(_is_idle)
        assert services.backends.has_own_key("ada")
    await accounts.prune(_is_idle)
    assert services.backends.has_own_key("ada")
    now_s[0] = 4 * FORGET_AFTER_S
    await accounts.prune(is_busy)
    assert services.backends.has_own_key("ada")


async def test_the_runs_left_today_are_told(services: Services) -> None:
    """At the start of a page and after every run."""
    accounts = services.accounts
    with accounts.changes("ada") as changed:
        accounts.runs_left_changed("ada", 3)
        assert changed.is_set()
    assert accounts.describe("ada")["runs_left"] == 3
    assert accounts.describe("ben")["runs_left"] is None
