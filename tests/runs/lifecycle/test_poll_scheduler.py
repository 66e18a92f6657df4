from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from typing import Any

import pytest

from kie_ui.runs.lifecycle.poll_scheduler import HINT_GAP_S, LATE_AFTER_S, PAUSE_S, Outcome
from kie_ui.runs.run import Run, Step
from tests.runs.harness import Polling, a_watched_run, most_within

MakePolling = Callable[..., Polling]


@pytest.fixture
async def make_polling() -> AsyncIterator[MakePolling]:
    """Return what makes schedulers, stopped in the end."""
    made: list[Polling] = []

    def make(*args: Any, **settings: Any) -> Polling:
        made.append(Polling(*args, **settings))
        return made[-1]

    yield make
    for polling in made:
        await polling.stop()


@pytest.fixture
def polling(make_polling: MakePolling) -> Polling:
    """Return a scheduler of one account without a limit."""
    return make_polling()


async def test_a_task_is_polled_on_the_published_schedule(polling: Polling) -> None:
    """Every 2.5 s at first, 7 s to two minutes, then 20 s, and a minute once it is late."""
    polling.watch()
    await polling.pass_s(2 * LATE_AFTER_S)
    gaps = [(before_s, after_s - before_s) for before_s, after_s in pairwise(polling.times_s())]
    assert polling.times_s()[0] == 2.5
    assert {gap_s for at_s, gap_s in gaps if at_s < 30} == {2.5}
    assert {gap_s for at_s, gap_s in gaps if 30 <= at_s < 120} == {7.0}
    assert {gap_s for at_s, gap_s in gaps if 120 <= at_s < LATE_AFTER_S} == {20.0}
    assert {gap_s for at_s, gap_s in gaps if at_s >= LATE_AFTER_S} == {60.0}


async def test_trouble_backs_off_and_an_answer_ends_that(polling: Polling) -> None:
    """Waits double while answers fail, and are the usual ones after the first that came."""
    polling.questions.outcomes["r1"] = [Outcome.FAILED, Outcome.FAILED, Outcome.AGAIN]
    polling.watch()
    await polling.pass_s(20)
    assert polling.times_s() == [2.5, 7.5, 17.5, 20.0]


async def test_a_task_is_never_given_up(polling: Polling) -> None:
    """After a day of failed answers it is still polled every minute."""
    polling.questions.usual = Outcome.FAILED
    polling.watch()
    await polling.pass_s(24 * 3600)
    polled = len(polling.polled)
    await polling.pass_s(600)
    assert len(polling.polled) == polled + 10


async def test_a_fault_of_ours_does_not_end_the_watch(
    make_polling: MakePolling, caplog: pytest.LogCaptureFixture
) -> None:
    """An answer that breaks our code is logged, and the paid task is polled again."""
    polled = 0

    async def break_once(run: Run) -> Run:
        nonlocal polled
        polled += 1
        if polled == 1:
            raise ZeroDivisionError
        return run

    polling = make_polling(break_once)
    polling.watch()
    await polling.pass_s(20)
    assert polled == 2
    assert "ZeroDivisionError" in caplog.text


async def test_an_ended_task_is_polled_no_more(polling: Polling) -> None:
    """The end is the end, also for a hint that comes late; it may be watched anew."""
    polling.questions.outcomes["r1"] = [a_watched_run(step=Step.DONE)]
    polling.watch()
    await polling.pass_s(60)
    polling.hint("r1", "task-of-r1")
    await polling.pass_s(60)
    assert polling.times_s() == [2.5]
    polling.watch(a_watched_run(), at_once=True)
    await polling.pass_s(1)
    assert polling.times_s() == [2.5, 120.0]


async def test_a_hint_is_followed_at_once(polling: Polling) -> None:
    """A callback brings the question forward, and the schedule goes on from there."""
    polling.watch(a_watched_run("r1"))
    polling.watch(a_watched_run("r2"))
    await polling.pass_s(1)
    polling.hint("r2")
    await polling.pass_s(2.5)
    assert polling.times_s("r1") == [2.5]
    assert polling.times_s("r2") == [1.0, 3.5]


async def test_a_hint_during_a_question_is_not_lost(polling: Polling) -> None:
    """News that comes while an older answer is on its way leads to one more poll."""
    polling.watch()
    polling.questions.hold = asyncio.Event()
    await polling.pass_s(2.5)
    polling.hint("r1", "task-of-r1")
    polling.hint("r1", "task-of-r1")
    await polling.pass_s(1)
    polling.questions.hold.set()
    await polling.pass_s(0)
    assert polling.times_s() == [2.5, 3.5]


async def test_a_task_without_a_key_waits_and_its_owner_wakes_it(polling: Polling) -> None:
    """Parked tasks are looked at once a minute, and at once when their owner's key changes."""
    polling.questions.usual = Outcome.KEY_NEEDED
    polling.watch(a_watched_run("r1"))
    polling.watch(a_watched_run("r2", owner="eve"))
    await polling.pass_s(63)
    assert polling.times_s("r1") == [2.5, 62.5]
    polling.wake("ada")
    await polling.pass_s(1)
    assert polling.times_s("r1") == [2.5, 62.5, 63.0]
    assert polling.times_s("r2") == [2.5, 62.5]


async def test_polls_go_side_by_side_within_a_bound(make_polling: MakePolling) -> None:
    """Slow answers hold up neither the loop nor more than their share, and all get their turn."""
    polling = make_polling(max_concurrent=3)
    polling.questions.hold = asyncio.Event()
    polling.watch_many(10)
    await polling.pass_s(2.5)
    assert polling.questions.concurrent == 3
    polling.questions.hold.set()
    await polling.pass_s(0)
    assert polling.questions.max_concurrent == 3
    assert {run_id for run_id, _ in polling.polled} == {f"r{number}" for number in range(10)}


async def test_tasks_spread_out(make_polling: MakePolling) -> None:
    """Chance shortens waits, by a fifth at most, so that a hundred tasks do not ask in step."""
    polling = make_polling(chance=1.0)
    polling.watch()
    await polling.pass_s(10)
    assert polling.times_s() == [2.5, 4.5, 6.5, 8.5]


async def test_an_old_task_is_polled_at_the_pace_of_its_age(polling: Polling) -> None:
    """What was resumed an hour after its create is polled at once, then every minute."""
    polling.time.now_s = 3600.0
    polling.watch(a_watched_run(), at_once=True)
    await polling.pass_s(130)
    assert polling.times_s() == [3600.0, 3660.0, 3720.0]


async def test_a_new_key_takes_its_owners_tasks_to_its_own_account(
    make_polling: MakePolling,
) -> None:
    """They are polled at once, with the key that there is now; the others stay."""
    accounts = {"ada": "first", "eve": "other"}
    polling = make_polling(None, lambda run: accounts[run.owner])
    polling.watch(a_watched_run("r1"), at_once=True)
    polling.watch(a_watched_run("r2", owner="eve"), at_once=True)
    await polling.pass_s(1)
    assert set(polling.scheduler._pollers) == {"first", "other"}
    accounts["ada"] = "second"
    polling.wake("ada")
    await polling.pass_s(0)
    assert polling.polled == [("r1", 0.0), ("r2", 0.0), ("r1", 1.0)]
    assert set(polling.scheduler._pollers) == {"second", "other"}


async def test_a_new_key_takes_its_owners_tasks_out_of_a_line_that_pauses(
    make_polling: MakePolling,
) -> None:
    """A pause of one account does not hold back another."""
    accounts = {"ada": "first"}
    polling = make_polling(None, lambda run: accounts[run.owner])
    polling.questions.outcomes["r1"] = [Outcome.RATE_LIMITED]
    polling.watch(a_watched_run("r1"))
    await polling.pass_s(2.5 + PAUSE_S - 0.5)
    assert polling.times_s() == [2.5]
    accounts["ada"] = "second"
    polling.wake("ada")
    await polling.pass_s(0)
    assert polling.times_s() == [2.5, 2.5 + PAUSE_S - 0.5]


@pytest.mark.parametrize("task_id", [None, "task-of-r1"])
async def test_a_hint_goes_by_the_run_and_names_its_task(
    polling: Polling, task_id: str | None
) -> None:
    """A call that speaks of another task, or of a run that nobody watches, is no news."""
    polling.watch()
    assert not polling.hint("r1", "task-of-r2")
    assert not polling.hint("r2", task_id)
    await polling.pass_s(1)
    assert polling.polled == []
    assert polling.hint("r1", task_id)
    await polling.pass_s(0)
    assert polling.times_s() == [1.0]


async def test_stopping_ends_polls_under_way(polling: Polling) -> None:
    """A stop does not wait for a slow service."""
    polling.questions.hold = asyncio.Event()
    polling.watch()
    await polling.pass_s(2.5)
    await polling.stop()
    await polling.pass_s(60)
    assert len(polling.polled) == 1


# One account, shared by many tasks


async def test_all_tasks_of_an_account_share_a_budget_spread_evenly(
    make_polling: MakePolling,
) -> None:
    """A thousand tasks cost no more polls than the account may ask, and all get their turn."""
    polling = make_polling(polls_per_s=20)
    polling.watch_many(1_000)
    await polling.pass_s(60)
    times_s = polling.all_times_s()
    assert most_within(times_s, 1.0) <= 21
    assert len(times_s) >= 20 * 57
    assert {round(later - sooner, 6) for sooner, later in pairwise(times_s)} == {0.05}
    polled = Counter(run_id for run_id, _ in polling.polled)
    assert len(polled) == 1_000
    assert max(polled.values()) - min(polled.values()) <= 1


async def test_one_owners_many_tasks_do_not_hold_up_anothers(make_polling: MakePolling) -> None:
    """On a shared key, a single task is polled at its own pace."""
    polling = make_polling(polls_per_s=10)
    for number in range(500):
        polling.watch(a_watched_run(f"r{number}", owner="ada"))
    polling.watch(a_watched_run("eves", owner="eve"))
    await polling.pass_s(25)
    gaps_s = [later - sooner for sooner, later in pairwise(polling.times_s("eves"))]
    assert polling.times_s("eves")[0] <= 2.8
    assert all(gap_s <= 2.9 for gap_s in gaps_s)


async def test_when_kie_complains_all_slow_down_and_recover_together(
    make_polling: MakePolling,
) -> None:
    """One answer of 429 spares Kie the polls of every other task too."""
    polling = make_polling(polls_per_s=20)
    polling.watch_many(300)
    await polling.pass_s(10)
    polling.questions.outcomes["r7"] = [Outcome.RATE_LIMITED]
    while polling.questions.outcomes["r7"]:
        await polling.pass_s(0.05)
    complained_s = polling.times_s("r7")[-1]
    await polling.pass_s(60)
    times_s = polling.all_times_s()

    def polled_between(start_s: float, end_s: float) -> int:
        return sum(complained_s + start_s <= at_s < complained_s + end_s for at_s in times_s)

    assert polled_between(0.06, PAUSE_S) == 0
    assert 20 <= polled_between(PAUSE_S, PAUSE_S + 3) <= 33
    assert polled_between(30, 40) >= 190


async def test_a_task_that_met_a_complaint_is_not_punished_itself(polling: Polling) -> None:
    """The account slows down, so the task needs no waits of its own on top."""
    polling.questions.outcomes["r1"] = [Outcome.RATE_LIMITED]
    polling.watch()
    await polling.pass_s(20)
    assert polling.times_s()[:3] == [2.5, 7.5, 10.0]


async def test_one_accounts_black_hole_slows_no_other(make_polling: MakePolling) -> None:
    """Questions that are never answered fill up their own account, and no other."""
    polled: Counter[str] = Counter()

    async def ask(run: Run) -> Outcome:
        polled[run.owner] += 1
        if run.owner == "ada":
            await asyncio.Event().wait()
        return Outcome.AGAIN

    polling = make_polling(ask, lambda run: run.owner)
    for number in range(50):
        polling.watch(a_watched_run(f"a{number}", owner="ada"))
    polling.watch(a_watched_run("e", owner="eve"))
    await polling.pass_s(25)
    assert polled == {"ada": 8, "eve": 10}


async def test_a_hint_jumps_the_line(make_polling: MakePolling) -> None:
    """News of one task leads to a poll at once, however many others wait for their turn."""
    polling = make_polling(polls_per_s=10)
    polling.watch_many(300)
    await polling.pass_s(10)
    polling.hint("r299")
    await polling.pass_s(0)
    assert polling.times_s("r299") == [10.0]


async def test_the_first_hint_waits_for_nothing_the_second_does(polling: Polling) -> None:
    """Even right after a regular question, which came a moment too early."""
    polling.watch(watch := a_watched_run(), at_once=True)
    await polling.pass_s(0)
    polling.hint(watch.id)
    await polling.pass_s(0)
    assert len(polling.polled) == 2
    polling.hint(watch.id)
    await polling.pass_s(HINT_GAP_S * 0.9)
    assert len(polling.polled) == 2
    await polling.pass_s(HINT_GAP_S * 0.2)
    assert len(polling.polled) == 3


async def test_hints_about_many_tasks_keep_to_the_budget_too(make_polling: MakePolling) -> None:
    """They may go a little ahead of it, and everything else then waits until that is made up."""
    polling = make_polling(polls_per_s=10)
    polling.watch_many(300)
    await polling.pass_s(1)
    for number in range(300):
        polling.hint(f"r{number}")
    await polling.pass_s(60)
    assert most_within(polling.all_times_s(), 10.0) <= 10 * 10 + 27
    assert len({run_id for run_id, _ in polling.polled}) == 300


@pytest.mark.parametrize("answer_takes_s", [0.0, 0.05, 3.0])
async def test_a_flood_of_hints_for_one_task_costs_a_question_now_and_then(
    polling: Polling, answer_takes_s: float
) -> None:
    """A call that is repeated without end, also while its answer is on its way, buys nothing."""
    watch = a_watched_run()
    polling.watch(watch)
    polling.questions.takes_s = answer_takes_s
    for _ in range(1_000):
        polling.hint(watch.id)
        polling.hint(watch.id)
        await polling.pass_s(0.01)
    assert most_within(polling.times_s(), HINT_GAP_S * 0.98) == 1
    assert len(polling.polled) <= 11


async def test_a_hint_during_a_question_goes_before_what_is_due(make_polling: MakePolling) -> None:
    """Its news came too late for the answer on its way, and wait for no backlog."""
    polling = make_polling(polls_per_s=5)
    hinted = a_watched_run("hinted")
    polling.watch(hinted, at_once=True)
    polling.questions.hold = asyncio.Event()
    await polling.pass_s(0)
    for number in range(200):
        polling.watch(a_watched_run(f"r{number}"), at_once=True)
    polling.hint(hinted.id)
    polling.questions.hold.set()
    await polling.pass_s(HINT_GAP_S + 0.1)
    assert len(polling.times_s("hinted")) == 2


async def test_hints_about_many_tasks_crowd_out_no_regular_question(
    make_polling: MakePolling,
) -> None:
    """However many hints come for forty tasks, the forty-first is polled when it is due."""
    polling = make_polling(polls_per_s=20)
    noisy = [a_watched_run(f"r{number}") for number in range(40)]
    for watch in noisy:
        polling.watch(watch)
    polling.watch(a_watched_run("quiet", owner="bob"))
    for _ in range(200):
        for watch in noisy:
            polling.hint(watch.id)
        await polling.pass_s(0.1)
    assert 5 <= len(polling.times_s("quiet")) <= 8


async def test_calls_repeated_at_will_cost_ever_less(polling: Polling) -> None:
    """Each that brought no news doubles the wait before the next one counts."""
    late = a_watched_run(sent_at_ms=-3_600_000)
    polling.watch(late)
    for _ in range(500):
        polling.hint(late.id)
        await polling.pass_s(0.1)
    assert len(polling.times_s()) <= 8


async def test_a_flood_of_hints_leaves_other_tasks_their_polls(make_polling: MakePolling) -> None:
    """One that is called about over and over takes no more than its own share."""
    polling = make_polling(polls_per_s=20)
    noisy = a_watched_run("noisy", owner="eve")
    polling.watch(noisy)
    polling.watch(a_watched_run("quiet"))
    for _ in range(255):
        polling.hint(noisy.id)
        await polling.pass_s(0.04)
    assert polling.times_s("quiet") == [2.5, 5.0, 7.5, 10.0]


async def test_a_task_with_callbacks_is_polled_less_often(polling: Polling) -> None:
    """Polling slows down where Kie calls, but it remains."""
    polling.watch(a_watched_run(request={"callBackUrl": "https://example.com/called"}))
    await polling.pass_s(100)
    assert polling.times_s() == [20.0, 40.0, 60.0, 80.0, 100.0]
