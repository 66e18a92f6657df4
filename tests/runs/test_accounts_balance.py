from __future__ import annotations

import asyncio
from typing import Any

from kie_ui.runs.accounts import Backends
from kie_ui.runs.run import Run, Step
from kie_ui.runs.service import RunService
from tests.fake_kie import FakeKie, endless
from tests.runs.harness import (
    GROK,
    KEY,
    OWNER,
    WEB,
    Restart,
    press,
    press_times,
    reached,
    until,
    when,
)


async def with_balance(service: RunService, *runs: Run) -> list[Run]:
    """Wait until every run has the balance after it."""
    return [await when(service, run, lambda run: run.balance_after is not None) for run in runs]


async def test_runs_that_end_together_share_one_question(
    service: RunService, fake: FakeKie, values: dict[str, Any]
) -> None:
    """A hundred clips that come at once do not need a hundred queries of the same number."""
    runs = await press_times(service, values | WEB, 10)
    for run in runs:
        await reached(service, run, Step.DONE)
    assert {run.balance_after for run in await with_balance(service, *runs)} == {87.5}
    notes, before = service._balance_notes, fake.counts["credit"]
    for run in runs:  # in one turn of the loop, so surely together
        notes.note(run)
    await asyncio.gather(*notes._tasks._tasks)
    assert fake.counts["credit"] - before == 1


async def test_every_account_is_asked_for_its_own(
    service: RunService, fake: FakeKie, backends: Backends, values: dict[str, Any]
) -> None:
    """Owners of one key share the question, owners of two do not."""
    backends.set_key("eve", KEY)
    backends.set_key("bob", "bobs-own-key")
    owners = (OWNER, "eve", "bob")
    runs = [await service.submit(owner, GROK, values | WEB, "live") for owner in owners]
    await asyncio.gather(*(reached(service, run, Step.DONE) for run in runs))
    await with_balance(service, *runs)
    assert 2 <= fake.counts["credit"] <= 3


async def test_a_stop_does_not_wait_for_a_balance(
    restart: Restart, fake: FakeKie, values: dict[str, Any]
) -> None:
    """The clip is there; the balance can be read at any time."""
    fake.outages["credit"] = endless
    service = await restart()
    await press(service, values | WEB, Step.DONE)
    await until(lambda: fake.counts["credit"] == 1)
    async with asyncio.timeout(3):
        await restart()
