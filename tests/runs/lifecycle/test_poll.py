from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import httpx
import pytest

from kie_ui.kie.client import KieClient
from kie_ui.kie.responses import TaskRecord
from kie_ui.runs.accounts import KEY_GONE, Access, Backends, Clients
from kie_ui.runs.lifecycle.poll import LATE, NOT_FOUND_GRACE_MS, TaskPoller, changes_by_record
from kie_ui.runs.lifecycle.poll_scheduler import LATE_AFTER_S, Outcome
from kie_ui.runs.run import Run, Step
from kie_ui.runs.storage.run_store import RunStore
from tests.fake_kie import FakeKie, dropped, refusal, status
from tests.runs.harness import OWNER, FastClock, a_run, error_of

Asking = Callable[[], Awaitable[tuple[Run | Outcome, Run]]]


@pytest.fixture
async def sent(store: RunStore, fast: FastClock) -> Run:
    """Return a run whose task has just been made."""
    run = a_run(step=Step.WAITING, task_id="task-1", sent_at_ms=fast.now_ms())
    return await store.add(run)


@pytest.fixture
async def ask(
    sent: Run, store: RunStore, fake: FakeKie, fast: FastClock, backends: Backends
) -> AsyncIterator[Asking]:
    """Return what polls that task once, and returns the outcome and the run."""
    transport = httpx.MockTransport(fake.answer)
    clients = Clients(partial(KieClient, transport=transport, sleep=fast.clock.sleep))
    store.clock = fast.clock
    poller = TaskPoller(store, Access(backends, clients, store))

    async def ask_once() -> tuple[Run | Outcome, Run]:
        return await poller.poll(sent), await store.run(sent.id)

    yield ask_once
    await clients.close()


def record(**data: Any) -> TaskRecord:
    """Return a record as Kie sends it."""
    return TaskRecord.from_data({"taskId": "task-1"} | data)


@pytest.mark.parametrize(
    ("state", "step"),
    [("waiting", "waiting"), ("queuing", "queuing"), ("generating", "generating")],
)
def test_kies_states_are_steps(state: str, step: str) -> None:
    """The state that Kie names is the step that a page shows."""
    changes = changes_by_record(a_run(step=Step.WAITING), record(state=state), is_late=False)
    assert changes["step"] == step


@pytest.mark.parametrize("state", ["pending-review", "", None, 7])
def test_a_state_that_nobody_knows_ends_nothing(state: Any) -> None:
    """A new state of the service leaves the run where it is."""
    run = a_run(step=Step.GENERATING)
    assert changes_by_record(run, record(state=state), is_late=False)["step"] is Step.GENERATING


def test_progress_is_a_share() -> None:
    """Kie gives percent."""
    changes = changes_by_record(a_run(), record(state="generating", progress=37), is_late=False)
    assert changes["progress"] == 0.37


def test_a_success_is_to_be_fetched() -> None:
    """The addresses and the real price are kept with the success."""
    answer = record(
        state="success",
        resultJson='{"resultUrls": ["https://kie.test/a.mp4"]}',
        creditsConsumed=14.4,
    )
    changes = changes_by_record(a_run(), answer, is_late=False)
    assert changes["step"] is Step.FETCHING
    assert changes["result_urls"] == ("https://kie.test/a.mp4",)
    assert changes["credits_used"] == 14.4


@pytest.mark.parametrize("result", [None, "", "{}", '{"resultUrls": []}', "not json"])
def test_a_success_without_an_address_says_where_to_look(result: Any) -> None:
    """What was made but cannot be found is no plain failure: it was paid, and can be looked up."""
    answer = record(state="success", resultJson=result)
    changes = changes_by_record(a_run(), answer, is_late=False)
    assert changes["step"] is Step.UNKNOWN
    assert "task-1" in changes["error"].advice


def test_a_failure_repeats_what_kie_said() -> None:
    """A moderated prompt fails with Kie's own words and code."""
    answer = record(state="fail", failCode="421", failMsg="Blocked by the content policy")
    error = changes_by_record(a_run(), answer, is_late=False)["error"]
    assert (error.kind, error.code) == ("TaskFailed", "421")
    assert "Blocked by the content policy" in error.message
    assert "not billed" in error.advice


async def test_an_answer_without_news_is_not_written(ask: Asking, fake: FakeKie) -> None:
    """A thousand tasks that wait do not keep the disk busy."""
    fake.polls_until_success = 99
    fake.record = {"state": "waiting", "updateTime": 1}
    _, before = await ask()
    fake.record = {"state": "waiting", "updateTime": 2}
    outcome, after = await ask()
    assert outcome is Outcome.AGAIN
    assert after == before


@pytest.mark.parametrize(
    ("fault", "meaning"),
    [
        (dropped(httpx.ConnectError), Outcome.FAILED),
        (dropped(), Outcome.FAILED),
        (status(502), Outcome.FAILED),
        (refusal(455), Outcome.RATE_LIMITED),
        (refusal(429), Outcome.RATE_LIMITED),
    ],
)
async def test_no_trouble_on_the_way_ends_a_run(
    ask: Asking, fake: FakeKie, fault: Any, meaning: Outcome
) -> None:
    """Unreachable, broken, busy or closed: the run stays as it is, says so, and goes on."""
    fake.outages["record"] = fault
    outcome, run = await ask()
    assert outcome is meaning
    assert run.step is Step.WAITING
    assert (run.status_note or "").endswith("Trying again.")
    fake.outages.clear()
    outcome, run = await ask()
    assert (outcome, run.status_note) == (Outcome.AGAIN, None)


async def test_the_watch_asks_once_and_leaves_repeating_to_the_scheduler(
    ask: Asking, fake: FakeKie
) -> None:
    """A client that repeated by itself would ask more than the account's pace allows."""
    fake.outages["record"] = status(503)
    await ask()
    assert fake.counts["record"] == 1


async def test_a_task_may_take_a_moment_to_appear(ask: Asking, fake: FakeKie) -> None:
    """Within two minutes of the create, a missing task is nothing to speak of."""
    fake.outages["record"] = refusal(422, "recordInfo is null")
    outcome, run = await ask()
    assert (outcome, run.step, run.status_note) == (Outcome.AGAIN, Step.WAITING, None)


async def test_a_task_that_stays_missing_is_beyond_knowing(
    ask: Asking, fake: FakeKie, fast: FastClock
) -> None:
    """After that its run ends as unknown, naming the task and the way to find it again."""
    fake.outages["record"] = refusal(422, "recordInfo is null")
    fast.jump(NOT_FOUND_GRACE_MS / 1000 + 1)
    outcome, run = await ask()
    assert (outcome, run.step) == (run, Step.UNKNOWN)
    assert "task-1" in error_of(run).message
    assert "https://kie.ai/logs" in error_of(run).advice


async def test_a_refused_key_parks_a_run(ask: Asking, fake: FakeKie) -> None:
    """A key that was deleted elsewhere ends nothing: another key may be entered."""
    fake.outages["record"] = refusal(401)
    outcome, run = await ask()
    assert (outcome, run.step) == (Outcome.KEY_NEEDED, Step.WAITING)
    assert "key" in (run.status_note or "")


async def test_a_forgotten_key_parks_a_run(ask: Asking, fake: FakeKie, backends: Backends) -> None:
    """Without a key Kie gets no request at all, and the run says what it waits for."""
    backends.forget_key(OWNER)
    outcome, run = await ask()
    assert (outcome, run.status_note) == (Outcome.KEY_NEEDED, KEY_GONE)
    assert fake.counts["record"] == 0


async def test_a_late_task_is_marked_late_and_watched_further(
    ask: Asking, fake: FakeKie, fast: FastClock
) -> None:
    """Fifteen minutes end no run: clients that gave up lost paid clips."""
    fake.polls_until_success = 99
    fast.jump(LATE_AFTER_S + 1)
    outcome, run = await ask()
    assert (outcome, run.status_note, run.is_late) == (Outcome.AGAIN, LATE, True)
    fake.polls_until_success = 0
    outcome, run = await ask()
    assert (outcome, run.step, run.status_note) == (run, Step.FETCHING, None)


async def test_a_task_can_grow_late_while_kie_is_not_to_be_reached(
    ask: Asking, fake: FakeKie, fast: FastClock
) -> None:
    """Lateness is a matter of time, not of answers."""
    fake.outages["record"] = status(503)
    fast.jump(LATE_AFTER_S + 1)
    _, run = await ask()
    assert run.is_late


async def test_a_run_that_ended_elsewhere_is_polled_no_more(
    ask: Asking, sent: Run, store: RunStore, fake: FakeKie
) -> None:
    """What the database says counts, no matter who wrote it."""
    await store.change(sent.id, step=Step.DONE)
    outcome, run = await ask()
    assert outcome == run
    assert fake.counts["record"] == 0
