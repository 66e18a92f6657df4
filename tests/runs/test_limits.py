from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kie_ui.runs.accounts import KEY_GONE, Backends
from kie_ui.runs.clock import Clock
from kie_ui.runs.errors import KeyMissing, WrongStep
from kie_ui.runs.limits import DAY_MS, WINDOW_MS, CreateBudget, QuotaUsedUp, RunsPerDay
from kie_ui.runs.run import Step
from kie_ui.runs.service import Limits
from kie_ui.runs.storage.run_store import RunStore
from tests.fake_kie import FakeKie, dropped, endless
from tests.runs.harness import (
    GROK,
    KEY,
    OWNER,
    SERVER_KEY,
    FastClock,
    Restart,
    error_of,
    make_shared_backends,
    missing,
    noted,
    press,
    reached,
    until,
    waiting_for_its_key,
)

TWO = Limits(runs_per_day=RunsPerDay(2))


@pytest.fixture
def backends() -> Backends:
    """Give a server with a key that every visitor may use."""
    return make_shared_backends()


async def test_a_visitor_has_so_many_runs_a_day(
    restart: Restart, fake: FakeKie, fast: FastClock, values: dict[str, Any]
) -> None:
    """One more is refused in words, until the next day; another visitor has their own."""
    fast.speed = 1
    service = await restart(TWO)
    for _ in range(2):
        await service.submit("ada", GROK, values, "live")
    with pytest.raises(QuotaUsedUp, match=r"All 2 runs .* a Kie API key of your own"):
        await service.submit("ada", GROK, values, "live")
    await service.submit("ben", GROK, values, "live")
    assert len(await service.recent("ada", 10)) == 2
    fast.jump(DAY_MS / 1000)
    await service.submit("ada", GROK, values, "live")
    assert await service.quota.left("ada") == 1


async def test_presses_at_once_do_not_go_beyond_it(
    restart: Restart, values: dict[str, Any]
) -> None:
    """However many come in the same moment."""
    service = await restart(TWO)
    pressed = (service.submit("ada", GROK, values, "live") for _ in range(6))
    outcomes = await asyncio.gather(*pressed, return_exceptions=True)
    assert sum(isinstance(outcome, QuotaUsedUp) for outcome in outcomes) == 4


async def test_the_count_outlives_the_server(restart: Restart, values: dict[str, Any]) -> None:
    """It is in the database."""
    await (await restart(TWO)).submit("ada", GROK, values, "live")
    assert await (await restart(TWO)).quota.left("ada") == 1


async def test_a_key_of_ones_own_and_the_demo_know_no_limit(
    restart: Restart, backends: Backends, values: dict[str, Any]
) -> None:
    """They cost the server nothing."""
    service = await restart(Limits(runs_per_day=RunsPerDay(1)))
    for _ in range(3):
        await service.submit("ada", GROK, values, "demo")
    backends.set_key("ada", KEY)
    assert await service.quota.left("ada") is None
    for _ in range(3):
        await service.submit("ada", GROK, values, "live")
    backends.forget_key("ada")
    assert await service.quota.left("ada") == 1


async def test_without_a_limit_nothing_is_counted(restart: Restart, values: dict[str, Any]) -> None:
    """Zero means none."""
    service = await restart()
    await service.submit("ada", GROK, values, "live")
    assert await service.quota.left("ada") is None


async def test_a_run_pressed_with_an_own_key_that_was_forgotten_waits_for_its_key(
    restart: Restart, fake: FakeKie, backends: Backends, values: dict[str, Any]
) -> None:
    """It neither goes on with the server's money nor is lost: typed again, the key makes it."""
    backends.set_key("ada", KEY)
    service, run = await waiting_for_its_key(restart, fake, backends, values, TWO)
    assert fake.counts["create"] == 0
    assert await service.quota.left("ada") == 2
    backends.set_key("ada", KEY)
    run = await reached(service, run, Step.DONE)
    assert run.paid_by == "own"
    assert fake.keys_at("create", "record") == {KEY}


async def test_a_key_that_is_typed_again_is_missed_no_more(
    restart: Restart, fake: FakeKie, backends: Backends, values: dict[str, Any]
) -> None:
    """The run says what it waits for only while it does."""
    backends.set_key(OWNER, KEY)
    service, run = await waiting_for_its_key(restart, fake, backends, values)
    fake.outages["upload"] = endless
    backends.set_key(OWNER, KEY)
    await until(lambda: fake.counts["upload"] == 2)
    assert (await service.run(OWNER, run.id)).status_note is None


async def test_an_own_task_whose_key_was_forgotten_is_not_asked_about_with_the_servers(
    restart: Restart, fake: FakeKie, backends: Backends, values: dict[str, Any]
) -> None:
    """A task made with one key is unknown to the other: asking would lose a paid clip."""
    fake.polls_until_success = 10**6
    backends.set_key("ada", KEY)
    service = await restart()
    run = await press(service, values, Step.GENERATING)
    backends.forget_key("ada")
    await noted(service, run, KEY_GONE)
    fake.polls_until_success = 0
    backends.set_key("ada", KEY)
    await reached(service, run, Step.DONE)
    assert fake.keys_at("record") == {KEY}


@pytest.mark.parametrize("step", [Step.LINED_UP, Step.GENERATING])
async def test_a_run_pressed_with_the_servers_key_keeps_to_it(
    restart: Restart,
    fake: FakeKie,
    fast: FastClock,
    backends: Backends,
    values: dict[str, Any],
    step: Step,
) -> None:
    """Also when the visitor types a key meanwhile: sent or not, watched, fetched, balance."""
    service = await restart(Limits(runs_per_day=RunsPerDay(2), creates_per_10_s=1))
    fake.polls_until_success = 10**6
    fast.speed = 1 if step is Step.LINED_UP else 200
    await service.submit("ben", GROK, values, "live")  # takes the create of ten seconds
    run = await press(service, values, step)
    backends.set_key("ada", KEY)
    fast.speed = 200
    fake.polls_until_success = 0
    run = await reached(service, run, Step.DONE)
    assert run.paid_by == "server"
    await until(lambda: fake.counts["credit"] > 0)
    assert fake.keys_at("create", "record") == {SERVER_KEY}
    assert KEY not in fake.keys_at("credit")
    run = await service.submit("ada", GROK, values, "live")
    assert run.paid_by == "own"


async def test_what_is_sent_again_is_paid_by_the_same_key(
    restart: Restart, fake: FakeKie, backends: Backends, values: dict[str, Any]
) -> None:
    """A run of the server's stays the server's, one's own one's own: without it nothing goes."""
    service = await restart()
    fake.faults["create"] = [dropped(), dropped()]
    servers = await press(service, values, Step.UNKNOWN)
    backends.set_key("ada", KEY)
    own = await press(service, values, Step.UNKNOWN)
    assert (await service.send_again("ada", servers.id)).paid_by == "server"
    backends.forget_key("ada")
    with pytest.raises(KeyMissing):
        await service.send_again("ada", own.id)
    backends.set_key("ada", KEY)
    assert (await service.send_again("ada", own.id)).paid_by == "own"


async def test_a_tracked_task_keeps_to_the_key_it_was_found_with(
    restart: Restart, fake: FakeKie, backends: Backends
) -> None:
    """Typing a key later does not lose sight of it."""
    service = await restart()
    fake.polls_until_success = 10**6
    run = await service.track("ada", "task-made-elsewhere", "live")
    backends.set_key("ada", KEY)
    fake.polls_until_success = 0
    assert (await reached(service, run, Step.DONE)).paid_by == "server"
    assert fake.keys_at("record") == {SERVER_KEY}


async def test_a_typed_key_does_not_look_for_the_servers_missing_tasks(
    restart: Restart, fake: FakeKie, backends: Backends, fast: FastClock, values: dict[str, Any]
) -> None:
    """Only what its owner paid for may be known under their new key."""
    service = await restart()
    run = await missing(service, fake, fast, values)
    assert "the operator of this server" in error_of(run).advice
    backends.set_key("ada", KEY)
    await service._engine._poll_missing("ada")
    assert (await service.run("ada", run.id)).step is Step.UNKNOWN


async def test_what_is_not_made_is_not_counted(restart: Restart, values: dict[str, Any]) -> None:
    """A refusal gives the run back, and listeners get the new number."""
    service = await restart(TWO)
    announced: list[tuple[str, int]] = []
    service.quota.listen(lambda owner, left: announced.append((owner, left)))
    run = await service.submit("ada", GROK, values, "live")
    with pytest.raises(WrongStep):
        await service.send_again("ada", run.id)
    assert await service.quota.left("ada") == 1
    assert announced == [("ada", 1), ("ada", 0), ("ada", 1)]


async def test_all_visitors_together_have_so_many_runs_a_day(
    restart: Restart, fast: FastClock, values: dict[str, Any]
) -> None:
    """However many new ones come: a visitor is no more than a cookie."""
    fast.speed = 1
    service = await restart(Limits(runs_per_day=RunsPerDay(2, of_all=3)))
    for owner in ("ada", "ada", "ben"):
        await service.submit(owner, GROK, values, "live")
    with pytest.raises(QuotaUsedUp, match="All 3 runs that this server pays for its visitors"):
        await service.submit("eve", GROK, values, "live")
    fast.jump(DAY_MS / 1000)
    await service.submit("eve", GROK, values, "live")


async def test_creates_of_accounts_that_left_are_forgotten(store: RunStore) -> None:
    """A budget is kept for as long as it says something, then goes when the next account comes."""
    now_s = 0.0
    budget = CreateBudget(store, Clock(steady_s=lambda: now_s), creates_per_10_s=1)
    assert await budget.take("left") == 0
    now_s = WINDOW_MS / 1000 / 2
    assert await budget.take("recent") == 0
    now_s = WINDOW_MS / 1000
    await budget.take("new")
    assert budget._taken_s.keys() == {"recent", "new"}
