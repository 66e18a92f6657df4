from __future__ import annotations

import asyncio

import pytest
from pydantic import SecretStr

from kie_ui.kie.client import Backend
from kie_ui.runs.accounts import Backends, account_of
from kie_ui.runs.run import BackendKind, Payer

DEMO = Backend(kind="demo", api_base_url="http://demo.test", api_key=SecretStr("demo"))
SERVER = Backend(kind="live", api_key=SecretStr("server-key"))


class DemoStarts:
    """Counts how often a demo is started, and fails a given number of times."""

    def __init__(self, failures: int = 0) -> None:
        self.starts = 0
        self.failures = failures

    async def __call__(self) -> Backend:
        self.starts += 1
        await asyncio.sleep(0)
        if self.starts <= self.failures:
            raise OSError("no port")
        return DEMO


async def backend_of(
    backends: Backends, kind: BackendKind = "live", paid_by: Payer | None = None
) -> Backend:
    """Return the backend that Ada must have."""
    found = await backends.backend("ada", kind, paid_by)
    assert found is not None
    return found


async def test_the_demo_is_looked_up_before_every_use() -> None:
    """A simulator that has ended meanwhile is noticed, and can be started again."""
    demo = DemoStarts()
    backends = Backends(demo=demo)
    found = await asyncio.gather(*(backends.backend("ada", "demo") for _ in range(10)))
    assert found == [DEMO] * 10
    assert demo.starts == 10


async def test_a_demo_that_did_not_start_is_started_again() -> None:
    """One failed start does not spoil the demo for good."""
    backends = Backends(demo=DemoStarts(failures=1))
    with pytest.raises(OSError, match="no port"):
        await backends.backend("ada", "demo")
    assert await backends.backend("ada", "demo") == DEMO


async def test_the_demo_knows_whose_models_are_meant() -> None:
    """One account for all, and each visitor's own models beside everyone's."""
    backends = Backends(
        demo=DemoStarts(),
        demo_for_owner=lambda backend, owner: backend.model_copy(
            update={"api_key": SecretStr(f"demo.{owner}")}
        ),
    )
    adas = await backend_of(backends, "demo")
    assert adas.api_key.get_secret_value() == "demo.ada"
    assert backends.is_in_use(adas)
    assert not backends.is_in_use(adas.model_copy(update={"api_base_url": "http://gone.test"}))


async def test_without_a_key_there_is_the_demo_alone() -> None:
    """Nothing live happens by accident."""
    backends = Backends(demo=DemoStarts())
    assert backends.kind("ada") == "demo"
    assert await backends.backend("ada", "live") is None


async def test_a_typed_key_is_its_owners_alone() -> None:
    """What one visitor types pays for no other."""
    backends = Backends(demo=DemoStarts(), api_base_url="http://api.test")
    backends.set_key("ada", "  adas-key ")
    adas = await backend_of(backends)
    assert adas.api_key.get_secret_value() == "adas-key"
    assert adas.api_base_url == "http://api.test"
    assert await backends.backend("eve", "live") is None
    assert (backends.kind("ada"), backends.kind("eve")) == ("live", "demo")
    assert (backends.has_own_key("ada"), backends.has_own_key("eve")) == (True, False)


async def test_the_servers_key_is_for_those_who_may() -> None:
    """An operator's key pays for nobody whom the operator did not admit."""
    backends = Backends(
        demo=DemoStarts(), server=SERVER, may_use_server=lambda owner: owner == "ada"
    )
    assert await backends.backend("ada", "live") == SERVER
    assert await backends.backend("eve", "live") is None


async def test_the_servers_key_is_for_nobody_by_default() -> None:
    """Forgetting to say who may use the key opens it to no one."""
    backends = Backends(demo=DemoStarts(), server=SERVER)
    assert await backends.backend("ada", "live") is None


async def test_an_own_key_comes_before_the_servers() -> None:
    """Who types a key pays for themselves, until they take it back."""
    backends = Backends(demo=DemoStarts(), server=SERVER, may_use_server=lambda owner: True)
    backends.set_key("ada", "adas-key")
    assert await backends.backend("ada", "live") != SERVER
    backends.forget_key("ada")
    assert await backends.backend("ada", "live") == SERVER


async def test_who_pays_stays_who_pays() -> None:
    """What is made with one key is never made with the other, whatever is typed or forgotten."""
    backends = Backends(demo=DemoStarts(), server=SERVER, may_use_server=lambda owner: True)
    assert backends.payer("ada", "live") == "server"
    assert backends.payer("ada", "demo") is None
    assert await backends.backend("ada", "live", "own") is None
    assert backends.account("ada", "live", "own") is None
    backends.set_key("ada", "adas-key")
    assert backends.payer("ada", "live") == "own"
    assert await backends.backend("ada", "live", "server") == SERVER
    own = await backend_of(backends, "live", "own")
    assert own == await backends.backend("ada", "live")
    assert backends.account("ada", "live", "own") == account_of(own)
    assert backends.account("ada", "live", "server") == account_of(SERVER)


async def test_without_any_key_nobody_pays() -> None:
    """Neither does the server's key for those who may not use it."""
    backends = Backends(demo=DemoStarts(), server=SERVER)
    assert backends.payer("ada", "live") is None
    assert await backends.backend("ada", "live", "server") is None
    assert Backends(demo=DemoStarts()).account("ada", "live", "server") is None


@pytest.mark.parametrize(
    ("backend", "paid_by", "possible"),
    [
        ("demo", None, {"demo"}),
        ("live", "server", {"server"}),
        ("live", "own", {"own"}),
        ("live", None, {"own", "server"}),
    ],
)
def test_what_may_have_been_made_with_either_key_counts_for_both(
    backend: BackendKind, paid_by: Payer | None, possible: set[str]
) -> None:
    """Of old runs nobody kept whose key made them."""
    backends = Backends(demo=DemoStarts(), server=SERVER)
    backends.set_key("ada", "adas-key")
    accounts = {"demo": "demo", "server": account_of(SERVER)}
    accounts["own"] = backends.account("ada", "live", "own") or ""
    assert backends.possible_accounts("ada", backend, paid_by) == {
        accounts[each] for each in possible
    }


async def test_changes_of_a_key_are_announced() -> None:
    """Who waits for a key learns of it, and of whose it is."""
    backends = Backends(demo=DemoStarts())
    changed: list[str] = []
    backends.listen(changed.append)
    change = backends.next_change("ada")
    backends.set_key("eve", "key")
    assert not change.is_set()
    backends.set_key("ada", "key")
    assert change.is_set()
    backends.forget_key("ada")
    backends.forget_key("ada")
    assert changed == ["eve", "ada", "ada"]


@pytest.mark.parametrize("key", ["", "  ", "two words", "ключ"])
async def test_what_cannot_be_a_key_is_refused_without_repeating_it(key: str) -> None:
    """A mistyped key says so at once, and the one before stays."""
    backends = Backends(demo=DemoStarts())
    backends.set_key("ada", "good")
    with pytest.raises(ValueError, match="key") as caught:
        backends.set_key("ada", key)
    assert not key.strip() or key.strip() not in str(caught.value)
    kept = await backend_of(backends)
    assert kept.api_key.get_secret_value() == "good"


async def test_keys_do_not_show() -> None:
    """Printing what holds the keys prints none."""
    backends = Backends(demo=DemoStarts())
    backends.set_key("ada", "planted-key")
    assert "planted-key" not in repr(vars(backends))


async def test_a_backend_is_in_use_as_long_as_someone_may_be_served_by_it() -> None:
    """A forgotten key's backend is no longer needed; demo and server always are."""
    backends = Backends(demo=DemoStarts(), server=SERVER)
    backends.set_key("ada", "adas-key")
    adas = await backend_of(backends)
    demo = await backend_of(backends, "demo")
    assert all(map(backends.is_in_use, (adas, demo, SERVER)))
    backends.forget_key("ada")
    assert not backends.is_in_use(adas)
