from __future__ import annotations

import asyncio

import pytest
from pydantic import SecretStr

from kie_ui.kie.backend import Backend
from kie_ui.runs.backends import Backends

DEMO = Backend(kind="demo", api_base_url="http://demo.test", api_key=SecretStr("demo"))
SERVER = Backend(kind="live", api_key=SecretStr("server-key"))


class DemoStarts:
    """Counts how often a demo is started, and fails as often as told."""

    def __init__(self, failures: int = 0) -> None:
        self.starts = 0
        self.failures = failures

    async def __call__(self) -> Backend:
        self.starts += 1
        await asyncio.sleep(0)
        if self.starts <= self.failures:
            raise OSError("no port")
        return DEMO


async def test_the_demo_is_started_once_however_many_ask() -> None:
    """Ten visitors who press at once share one simulator."""
    demo = DemoStarts()
    backends = Backends(demo=demo)
    found = await asyncio.gather(*(backends.backend("ada", "demo") for _ in range(10)))
    assert found == [DEMO] * 10
    assert demo.starts == 1


async def test_a_demo_that_did_not_start_is_started_again() -> None:
    """One failed start does not spoil the demo for good."""
    backends = Backends(demo=DemoStarts(failures=1))
    with pytest.raises(OSError, match="no port"):
        await backends.backend("ada", "demo")
    assert await backends.backend("ada", "demo") == DEMO


async def test_without_a_key_there_is_the_demo_alone() -> None:
    """Nothing live happens by accident."""
    backends = Backends(demo=DemoStarts())
    assert backends.kind("ada") == "demo"
    assert await backends.backend("ada", "live") is None


async def test_a_typed_key_is_its_owners_alone() -> None:
    """What one visitor types pays for no other."""
    backends = Backends(demo=DemoStarts(), api_base_url="http://api.test")
    backends.set_key("ada", "  adas-key ")
    adas = await backends.backend("ada", "live")
    assert adas is not None
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


async def test_changes_of_a_key_are_told() -> None:
    """Whoever waits for a key learns of it, and of whose it is."""
    backends = Backends(demo=DemoStarts())
    told: list[str] = []
    backends.listen(told.append)
    change = backends.next_change("ada")
    backends.set_key("eve", "key")
    assert not change.is_set()
    backends.set_key("ada", "key")
    assert change.is_set()
    backends.forget_key("ada")
    backends.forget_key("ada")
    assert told == ["eve", "ada", "ada"]


@pytest.mark.parametrize("key", ["", "  ", "two words", "ключ"])
async def test_what_cannot_be_a_key_is_refused_without_repeating_it(key: str) -> None:
    """A mistyped key says so at once, and the one before stays."""
    backends = Backends(demo=DemoStarts())
    backends.set_key("ada", "good")
    with pytest.raises(ValueError, match="key") as caught:
        backends.set_key("ada", key)
    assert not key.strip() or key.strip() not in str(caught.value)
    kept = await backends.backend("ada", "live")
    assert kept is not None
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
    adas = await backends.backend("ada", "live")
    demo = await backends.backend("ada", "demo")
    assert adas is not None
    assert demo is not None
    assert all(map(backends.is_in_use, (adas, demo, SERVER)))
    backends.forget_key("ada")
    assert not backends.is_in_use(adas)
