from __future__ import annotations

from pathlib import Path

import pytest
from starlette.requests import Request

from kie_ui.simulator.config import SimulatorConfig
from kie_ui.simulator.context import CreateLimit, account_of, collection_of
from kie_ui.simulator.responses import Refused
from tests.simulator.harness import Time


def limit_of(creates_per_10_s: int, time: Time) -> CreateLimit:
    """Return the limit of a simulator with this config."""
    config = SimulatorConfig(
        data_dir=Path("unused"), clock=time.clock, creates_per_10_s=creates_per_10_s
    )
    return CreateLimit(config)


@pytest.mark.parametrize("most", [1, 3, 20])
def test_creates_are_turned_away_beyond_the_limit(time: Time, most: int) -> None:
    """So many in ten seconds for each account; what was refused does not count."""
    limit = limit_of(most, time)
    for _ in range(2):
        for _ in range(most):
            limit.check("a")
        for _ in range(5):
            with pytest.raises(Refused, match=f"at most {most} tasks"):
                limit.check("a")
        limit.check("b")
        time.now_s += 10


def test_zero_lifts_the_limit(time: Time) -> None:
    """No create is turned away, however many come at once."""
    limit = limit_of(0, time)
    for _ in range(1_000):
        limit.check("a")


def test_a_limit_below_zero_is_refused(time: Time) -> None:
    """It would be a mistake of the config."""
    with pytest.raises(ValueError, match="creates_per_10_s"):
        limit_of(-1, time)


def asking(key: str) -> Request:
    """Return a request with a key."""
    headers = [(b"authorization", f"Bearer {key}".encode())]
    return Request({"type": "http", "headers": headers})


def test_visitors_of_the_playground_are_one_account_with_models_of_their_own() -> None:
    """The key names the collection; any other key, dots and all, is an account of its own."""
    config = SimulatorConfig(data_dir=Path("unused"))
    accounts = {account_of(asking(key), config) for key in ("demo", "demo.abc", "demo.def")}
    assert len(accounts) == 1
    assert collection_of(asking("demo.abc")) == "abc"
    assert collection_of(asking("demo")) == collection_of(asking("my.key")) == ""
    assert account_of(asking("my.key"), config) != account_of(asking("my.other"), config)
