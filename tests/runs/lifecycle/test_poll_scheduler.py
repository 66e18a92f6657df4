from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator, Callable
from itertools import pairwise

import pytest

from kie_ui.runs.lifecycle.poll_scheduler import (
    HINT_GAP_S,
    LATE_AFTER_S,
    PAUSE_S,
    Outcome,
    PollScheduler,
    PollSettings,
)
from kie_ui.runs.run import Run, Step
from tests.runs.harness import Polling, Questions, StillTime, a_watched_run

MakePolling = Callable[..., Polling]


@pytest.fixture
async def make_polling(still: StillTime, questions: Questions) -> AsyncIterator[MakePolling]:
    """Return what makes schedulers of one account, stopped in the end."""
    made: list[Polling] = []

    def make(
        polls_per_s: float = math.inf, max_concurrent: int = 8, chance: float = 0.0
    ) -> Polling:
        settings = PollSettings(still.clock, max_concurrent, polls_per_s, lambda: chance)
        made.append(Polling(PollScheduler(questions, lambda _run: "account", settings)))
        return made[-1]

    yield make
    for polling in made:
        await polling.stop()


async def test_a_task_is_asked_about_on_the_published_schedule(
    still: StillTime, questions: Questions, make_polling: MakePolling
) -> None:
    """Every 2.5 s at first, 7 s to two minutes, then 20 s, and a minute once it is late."""
    polling = make_polling()
    polling.watch(a_watched_run())
    await still.pass_s(2 * LATE_AFTER_S)
    gaps = [(before_s, after_s - before_s) for before_s, after_s in pairwise(questions.times_s())]
    assert questions.times_s()[0] == 2.5
    assert {gap_s for at_s, gap_s in gaps if at_s < 30} == {2.5}
    assert {gap_s for at_s, gap_s in gaps if 30 <= at_s < 120} == {7.0}
    assert {gap_s for at_s, gap_s in gaps if 120 <= at_s < LATE_AFTER_S} == {20.0}
    assert {gap_s for at_s, gap_s in gaps if at_s >= LATE_AFTER_S} == {60.0}


async def test_trouble_backs_off_and_an_answer_ends_that(
    still: StillTime, questions: Questions, make_polling: MakePolling
) -> None:
    """Waits double while answers fail, and are the usual ones after the first that came."""
    polling = make_polling()
    questions.outcomes["r1"] = [Outcome.FAILED, Outcome.FAILED, Outcome.AGAIN]
    polling.watch(a_watched_run())
    await still.pass_s(20)
    assert questions.times_s() == [2.5, 7.5, 17.5, 20.0]


async def test_a_task_is_never_given_up(
    still: StillTime, questions: Questions, make_polling: MakePolling
) -> None:
    """After a day of failed answers it is still asked about every minute."""
    questions.usual = Outcome.FAILED
    polling = make_polling()
    polling.watch(a_watched_run())
    await still.pass_s(24 * 3600)
    asked = len(questions.asked)
    await still.pass_s(600)
    assert len(questions.asked) == asked + 10


async def test_a_fault_of_ours_does_not_end_the_watch(
    still: StillTime, make_polling: MakePolling, caplog: pytest.LogCaptureFixture
) -> None:
    """An answer that breaks our code is logged, and the paid task is asked about again."""
    asked = 0

    async def break_once(run: Run) -> Run:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise ZeroDivisionError
        return run

    settings = PollSettings(still.clock)
    polling = Polling(PollScheduler(break_once, lambda _run: "one account", settings))
    polling.watch(a_watched_run())
    await still.pass_s(20)
    await polling.stop()
    assert asked == 2
    assert "ZeroDivisionError" in caplog.text


async def test_an_ended_task_is_asked_about_no_more(
    still: StillTime, questions: Questions, make_polling: MakePolling
) -> None:
    """The end is the end, also for a hint that comes late; it may be watched anew."""
    polling = make_polling()
    questions.outcomes["r1"] = [a_watched_run(step=Step.DONE)]
    polling.watch(a_watched_run())
    await still.pass_s(60)
    polling.hint("r1", "task-of-r1")
    await still.pass_s(60)
    assert questions.times_s() == [2.5]
    polling.watch(a_watched_run(), at_once=True)
    await still.pass_s(1)
    assert questions.times_s() == [2.5, 120.0]


async def test_a_hint_is_followed_at_once(
    still: StillTime, questions: Questions, make_polling: MakePolling
) -> None:
    """A callback brings the question forward, and the schedule goes on from there."""
    polling = make_polling()
    polling.watch(a_watched_run("r1"))
    polling.watch(a_watched_run("r2"))
    await still.pass_s(1)
    polling.hint("r2")
    await still.pass_s(2.5)
    assert questions.times_s("r1") == [2.5]
    assert questions.times_s("r2") == [1.0, 3.5]


async def test_a_hint_during_a_question_is_not_lost(
    still: StillTime, questions: Questions, make_polling: MakePolling
) -> None:
    """News that come while an older answer is on its way are asked for once more."""
    polling = make_polling()
    polling.watch(a_watched_run())
    questions.hold = asyncio.Event()
    await still.pass_s(2.5)
    polling.hint("r1", "task-of-r1")
    polling.hint("r1", "task-of-r1")
    await still.pass_s(1)
    questions.hold.set()
    await still.pass_s(0)
    assert questions.times_s() == [2.5, 3.5]


async def test_a_task_without_a_key_waits_and_its_owner_wakes_it(
    still: StillTime, questions: Questions, make_polling: MakePolling
) -> None:
    """Parked tasks are looked at once a minute, and at once when their owner's key changes."""
    questions.usual = Outcome.PARKED
    polling = make_polling()
    polling.watch(a_watched_run("r1"))
    polling.watch(a_watched_run("r2", owner="eve"))
    await still.pass_s(63)
    assert questions.times_s("r1") == [2.5, 62.5]
    polling.wake("ada")
    await still.pass_s(1)
    assert questions.times_s("r1") == [2.5, 62.5, 63.0]
    assert questions.times_s("r2") == [2.5, 62.5]


async def test_questions_are_asked_side_by_side_within_a_bound(
    still: StillTime, questions: Questions, make_polling: MakePolling
) -> None:
    """Slow answers hold up neither the loop nor more than their share, and all get their turn."""
    polling = make_polling(max_concurrent=3)
    questions.hold = asyncio.Event()
    for number in range(10):
        polling.watch(a_watched_run(f"r{number}"))
    await still.pass_s(2.5)
    assert questions.concurrent == 3
    questions.hold.set()
    await still.pass_s(0)
    assert questions.max_concurrent == 3
    assert {run_id for run_id, _ in questions.asked} == {f"r{number}" for number in range(10)}


async def test_tasks_spread_out(
    still: StillTime, questions: Questions, make_polling: MakePolling
) -> None:
    """Chance shortens waits, by a fifth at most, so that a hundred tasks do not ask in step."""
    polling = make_polling(chance=1.0)
    polling.watch(a_watched_run())
    await still.pass_s(10)
    assert questions.times_s() == [2.5, 4.5, 6.5, 8.5]


async def test_an_old_task_is_asked_about_at_the_pace_of_its_age(
    still: StillTime, questions: Questions, make_polling: MakePolling
) -> None:
    """What was resumed an hour after its create is asked about at once, then every minute."""
    polling = make_polling()
    still.now_s = 3600.0
    polling.watch(a_watched_run(), at_once=True)
    await still.pass_s(130)
    assert questions.times_s() == [3600.0, 3660.0, 3720.0]


async def test_a_new_key_takes_its_owners_tasks_to_its_own_account(
    still: StillTime, questions: Questions
) -> None:
    """They are asked about at once, with the key that there is now, and others stay."""
    accounts = {"ada": "first", "eve": "other"}
    settings = PollSettings(still.clock)
    polling = Polling(PollScheduler(questions, lambda run: accounts[run.owner], settings))
    polling.watch(a_watched_run("r1"), at_once=True)
    polling.watch(a_watched_run("r2", owner="eve"), at_once=True)
    await still.pass_s(1)
    assert set(polling.scheduler._pollers) == {"first", "other"}
    accounts["ada"] = "second"
    polling.wake("ada")
    await still.pass_s(0)
    assert questions.asked == [("r1", 0.0), ("r2", 0.0), ("r1", 1.0)]
    assert set(polling.scheduler._pollers) == {"second", "other"}
    await polling.stop()


async def test_a_new_key_takes_its_owners_tasks_out_of_a_line_that_pauses(
    still: StillTime, questions: Questions
) -> None:
    """What Kie asked of one account does not hold back another."""
    accounts = {"ada": "first"}
    settings = PollSettings(still.clock, chance=lambda: 0.0)
    polling = Polling(PollScheduler(questions, lambda run: accounts[run.owner], settings))
    questions.outcomes["r1"] = [Outcome.RATE_LIMITED]
    polling.watch(a_watched_run("r1"))
    await still.pass_s(2.5 + PAUSE_S - 0.5)
    assert questions.times_s() == [2.5]
    accounts["ada"] = "second"
    polling.wake("ada")
    await still.pass_s(0)
    assert questions.times_s() == [2.5, 2.5 + PAUSE_S - 0.5]
    await polling.stop()


@pytest.mark.parametrize("task_id", [None, "task-of-r1"])
async def test_a_hint_goes_by_the_run_and_names_its_task(
    still: StillTime, questions: Questions, make_polling: MakePolling, task_id: str | None
) -> None:
    """A call that speaks of another task, or of a run that nobody watches, is no news."""
    polling = make_polling()
    polling.watch(a_watched_run())
    assert not polling.hint("r1", "task-of-r2")
    assert not polling.hint("r2", task_id)
    await still.pass_s(1)
    assert questions.asked == []
    assert polling.hint("r1", task_id)
    await still.pass_s(0)
    assert questions.times_s() == [1.0]


async def test_stopping_ends_also_what_is_being_asked(
    still: StillTime, questions: Questions, make_polling: MakePolling
) -> None:
    """A stop does not wait for a slow service."""
    polling = make_polling()
    questions.hold = asyncio.Event()
    polling.watch(a_watched_run())
    await still.pass_s(2.5)
    await polling.stop()
    await still.pass_s(60)
    assert len(questions.asked) == 1


# One account, shared by many tasks


def most_within(times_s: list[float], window_s: float) -> int:
    """Return the largest number of times within any window of so many seconds."""
    return max(sum(start <= at_s < start + window_s for at_s in times_s) for start in times_s)


def all_times_s(questions: Questions) -> list[float]:
    """Return when anything was asked."""
    return [at_s for _, at_s in questions.asked]


async def test_all_tasks_of_an_account_share_a_budget_spread_evenly(
    still: StillTime, questions: Questions, make_polling: MakePolling
) -> None:
    """A thousand tasks cost no more questions than the account may ask, and all get their turn."""
    polling = make_polling(polls_per_s=20)
    for number in range(1_000):
        polling.watch(a_watched_run(f"r{number}"))
    await still.pass_s(60)
    times_s = all_times_s(questions)
    assert most_within(times_s, 1.0) <= 21
    assert len(times_s) >= 20 * 57
    assert {round(later - sooner, 6) for sooner, later in pairwise(times_s)} == {0.05}
    asked = Counter(run_id for run_id, _ in questions.asked)
    assert len(asked) == 1_000
    assert max(asked.values()) - min(asked.values()) <= 1


async def test_one_owners_many_tasks_do_not_hold_up_anothers(
    still: StillTime, questions: Questions, make_polling: MakePolling
) -> None:
    """On a shared key, whoever has one task is asked about at its own pace."""
    polling = make_polling(polls_per_s=10)
    for number in range(500):
        polling.watch(a_watched_run(f"r{number}", owner="ada"))
    polling.watch(a_watched_run("eves", owner="eve"))
    await still.pass_s(25)
    gaps_s = [later - sooner for sooner, later in pairwise(questions.times_s("eves"))]
    assert questions.times_s("eves")[0] <= 2.8
    assert all(gap_s <= 2.9 for gap_s in gaps_s)


async def test_when_kie_complains_all_slow_down_and_recover_together(
    still: StillTime, questions: Questions, make_polling: MakePolling
) -> None:
    """One answer of 429 spares Kie the questions about every other task too."""
    polling = make_polling(polls_per_s=20)
    for number in range(300):
        polling.watch(a_watched_run(f"r{number}"))
    await still.pass_s(10)
    questions.outcomes["r7"] = [Outcome.RATE_LIMITED]
    while questions.outcomes["r7"]:
        await still.pass_s(0.05)
    complained_s = questions.times_s("r7")[-1]
    await still.pass_s(60)
    times_s = all_times_s(questions)

    def asked_between(start_s: float, end_s: float) -> int:
        return sum(complained_s + start_s <= at_s < complained_s + end_s for at_s in times_s)

    assert asked_between(0.06, PAUSE_S) == 0
    assert 20 <= asked_between(PAUSE_S, PAUSE_S + 3) <= 33
    assert asked_between(30, 40) >= 190


async def test_a_task_that_met_a_complaint_is_not_punished_itself(
    still: StillTime, questions: Questions, make_polling: MakePolling
) -> None:
    """The account slows down, so the task needs no waits of its own on top."""
    polling = make_polling()
    questions.outcomes["r1"] = [Outcome.RATE_LIMITED]
    polling.watch(a_watched_run())
    await still.pass_s(20)
    assert questions.times_s()[:3] == [2.5, 7.5, 10.0]


async def test_one_accounts_black_hole_slows_no_other(still: StillTime) -> None:
    """Questions that are never answered fill up their own account, and no other."""
    asked: Counter[str] = Counter()

    async def ask(run: Run) -> Outcome:
        asked[run.owner] += 1
        if run.owner == "ada":
            await asyncio.Event().wait()
        return Outcome.AGAIN

    settings = PollSettings(still.clock, chance=lambda: 0.0)
    polling = Polling(PollScheduler(ask, lambda run: run.owner, settings))
    for number in range(50):
        polling.watch(a_watched_run(f"a{number}", owner="ada"))
    polling.watch(a_watched_run("e", owner="eve"))
    await still.pass_s(25)
    await polling.stop()
    assert asked == {"ada": 8, "eve": 10}


async def test_a_hint_jumps_the_line(
    still: StillTime, questions: Questions, make_polling: MakePolling
) -> None:
    """News of one task is asked for at once, however many others wait for their turn."""
    polling = make_polling(polls_per_s=10)
    for number in range(300):
        polling.watch(a_watched_run(f"r{number}"))
    await still.pass_s(10)
    polling.hint("r299")
    await still.pass_s(0)
    assert questions.times_s("r299") == [10.0]


async def test_the_first_hint_waits_for_nothing_the_second_does(
    still: StillTime, questions: Questions, make_polling: MakePolling
) -> None:
    """Even right after a regular question, which came a moment too early."""
    polling = make_polling()
    polling.watch(watch := a_watched_run(), at_once=True)
    await still.pass_s(0)
    polling.hint(watch.id)
    await still.pass_s(0)
    assert len(questions.asked) == 2
    polling.hint(watch.id)
    await still.pass_s(HINT_GAP_S * 0.9)
    assert len(questions.asked) == 2
    await still.pass_s(HINT_GAP_S * 0.2)
    assert len(questions.asked) == 3


async def test_hints_about_many_tasks_keep_to_the_budget_too(
    still: StillTime, questions: Questions, make_polling: MakePolling
) -> None:
    """They may go a little ahead of it, and everything else then waits until that is made up."""
    polling = make_polling(polls_per_s=10)
    for number in range(300):
        polling.watch(a_watched_run(f"r{number}"))
    await still.pass_s(1)
    for number in range(300):
        polling.hint(f"r{number}")
    await still.pass_s(60)
    assert most_within(all_times_s(questions), 10.0) <= 10 * 10 + 27
    assert len({run_id for run_id, _ in questions.asked}) == 300


@pytest.mark.parametrize("answer_takes_s", [0.0, 0.05, 3.0])
async def test_a_flood_of_hints_for_one_task_costs_a_question_now_and_then(
    still: StillTime, questions: Questions, make_polling: MakePolling, answer_takes_s: float
) -> None:
    """A call that is repeated without end, also while its answer is on its way, buys nothing."""
    polling = make_polling()
    watch = a_watched_run()
    polling.watch(watch)
    questions.takes_s = answer_takes_s
    for _ in range(1_000):
        polling.hint(watch.id)
        polling.hint(watch.id)
        await still.pass_s(0.01)
    assert most_within(questions.times_s(), HINT_GAP_S * 0.98) == 1
    assert len(questions.asked) <= 11


async def test_a_hint_during_a_question_goes_before_what_is_due(
    still: StillTime, questions: Questions, make_polling: MakePolling
) -> None:
    """Its news came too late for the answer on its way, and wait for no backlog."""
    polling = make_polling(polls_per_s=5)
    told = a_watched_run("told")
    polling.watch(told, at_once=True)
    questions.hold = asyncio.Event()
    await still.pass_s(0)
    for number in range(200):
        polling.watch(a_watched_run(f"r{number}"), at_once=True)
    polling.hint(told.id)
    questions.hold.set()
    await still.pass_s(HINT_GAP_S + 0.1)
    assert len(questions.times_s("told")) == 2


async def test_hints_about_many_tasks_crowd_out_no_regular_question(
    still: StillTime, questions: Questions, make_polling: MakePolling
) -> None:
    """However often forty tasks are told of, the forty-first is asked about when it is due."""
    polling = make_polling(polls_per_s=20)
    noisy = [a_watched_run(f"r{number}") for number in range(40)]
    for watch in noisy:
        polling.watch(watch)
    polling.watch(a_watched_run("quiet", owner="bob"))
    for _ in range(200):
        for watch in noisy:
            polling.hint(watch.id)
        await still.pass_s(0.1)
    assert 5 <= len(questions.times_s("quiet")) <= 8


async def test_calls_repeated_at_will_cost_ever_less(
    still: StillTime, questions: Questions, make_polling: MakePolling
) -> None:
    """Each that brought no news doubles the wait before the next one counts."""
    polling = make_polling()
    late = a_watched_run(sent_at_ms=-3_600_000)
    polling.watch(late)
    for _ in range(500):
        polling.hint(late.id)
        await still.pass_s(0.1)
    assert len(questions.times_s()) <= 8


async def test_a_flood_of_hints_leaves_other_tasks_their_questions(
    still: StillTime, questions: Questions, make_polling: MakePolling
) -> None:
    """One that is called about over and over takes no more than its own share."""
    polling = make_polling(polls_per_s=20)
    noisy = a_watched_run("noisy", owner="eve")
    polling.watch(noisy)
    polling.watch(a_watched_run("quiet"))
    for _ in range(255):
        polling.hint(noisy.id)
        await still.pass_s(0.04)
    assert questions.times_s("quiet") == [2.5, 5.0, 7.5, 10.0]


async def test_a_task_that_is_called_back_about_is_asked_for_less_often(
    still: StillTime, questions: Questions, make_polling: MakePolling
) -> None:
    """Polling slows down where Kie calls, but it remains."""
    polling = make_polling()
    polling.watch(a_watched_run(request={"callBackUrl": "https://example.com/called"}))
    await still.pass_s(100)
    assert questions.times_s() == [20.0, 40.0, 60.0, 80.0, 100.0]
