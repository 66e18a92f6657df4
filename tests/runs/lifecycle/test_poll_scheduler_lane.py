from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator, Callable
from itertools import pairwise

import pytest

from kie_ui.runs.lifecycle.poll_scheduler import (
    HINT_GAP_S,
    PAUSE_S,
    AccountPoller,
    Outcome,
    PollScheduler,
    PollSettings,
    Watch,
)
from tests.runs.harness import Questions, StillTime, a_watch

MakeLane = Callable[..., AccountPoller]


@pytest.fixture
async def make_lane(still: StillTime, questions: Questions) -> AsyncIterator[MakeLane]:
    """Return what makes lanes, stopped in the end."""
    made: list[AccountPoller] = []

    def make(polls_per_s: float = math.inf, at_once: int = 8) -> AccountPoller:
        made.append(
            AccountPoller(questions, PollSettings(still.clock, at_once, polls_per_s, lambda: 0.0))
        )
        return made[-1]

    yield make
    for lane in made:
        await lane.stop()


def most_within(times_s: list[float], window_s: float) -> int:
    """Return the largest number of times within any window of so many seconds."""
    return max(sum(start <= at_s < start + window_s for at_s in times_s) for start in times_s)


def all_times_s(questions: Questions) -> list[float]:
    """Return when anything was asked."""
    return [at_s for _, at_s in questions.asked]


async def test_all_tasks_of_an_account_share_a_budget_spread_evenly(
    still: StillTime, questions: Questions, make_lane: MakeLane
) -> None:
    """A thousand tasks cost no more questions than the account may ask, and all get their turn."""
    lane = make_lane(polls_per_s=20)
    for number in range(1_000):
        lane.watch(a_watch(f"r{number}"))
    await still.pass_s(60)
    times_s = all_times_s(questions)
    assert most_within(times_s, 1.0) <= 21
    assert len(times_s) >= 20 * 57
    assert {round(later - sooner, 6) for sooner, later in pairwise(times_s)} == {0.05}
    asked = Counter(run_id for run_id, _ in questions.asked)
    assert len(asked) == 1_000
    assert max(asked.values()) - min(asked.values()) <= 1


async def test_one_owners_many_tasks_do_not_hold_up_anothers(
    still: StillTime, questions: Questions, make_lane: MakeLane
) -> None:
    """On a shared key, whoever has one task is asked about at its own pace."""
    lane = make_lane(polls_per_s=10)
    for number in range(500):
        lane.watch(a_watch(f"r{number}", owner="ada"))
    lane.watch(a_watch("eves", owner="eve"))
    await still.pass_s(25)
    gaps_s = [later - sooner for sooner, later in pairwise(questions.times_s("eves"))]
    assert questions.times_s("eves")[0] <= 2.8
    assert all(gap_s <= 2.9 for gap_s in gaps_s)


async def test_when_kie_complains_all_slow_down_and_recover_together(
    still: StillTime, questions: Questions, make_lane: MakeLane
) -> None:
    """One answer of 429 spares Kie the questions about every other task too."""
    lane = make_lane(polls_per_s=20)
    for number in range(300):
        lane.watch(a_watch(f"r{number}"))
    await still.pass_s(10)
    questions.outcomes["r7"] = [Outcome.TOO_MUCH]
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
    still: StillTime, questions: Questions, make_lane: MakeLane
) -> None:
    """The account slows down, so the task needs no waits of its own on top."""
    lane = make_lane()
    questions.outcomes["r1"] = [Outcome.TOO_MUCH]
    lane.watch(a_watch())
    await still.pass_s(20)
    assert questions.times_s()[:3] == [2.5, 7.5, 10.0]


async def test_one_accounts_black_hole_slows_no_other(still: StillTime) -> None:
    """Questions that are never answered fill up their own lane, and no other."""
    asked: Counter[str] = Counter()

    async def ask(watch: Watch) -> Outcome:
        asked[watch.owner] += 1
        if watch.owner == "ada":
            await asyncio.Event().wait()
        return Outcome.AGAIN

    tracker = PollScheduler(PollSettings(still.clock, chance=lambda: 0.0), lambda made: made.owner)
    tracker.start(ask)
    for number in range(50):
        tracker.watch(a_watch(f"a{number}", owner="ada"))
    tracker.watch(a_watch("e", owner="eve"))
    await still.pass_s(25)
    await tracker.stop()
    assert asked == {"ada": 8, "eve": 10}


async def test_a_hint_jumps_the_line(
    still: StillTime, questions: Questions, make_lane: MakeLane
) -> None:
    """News of one task is asked for at once, however many others wait for their turn."""
    lane = make_lane(polls_per_s=10)
    for number in range(300):
        lane.watch(a_watch(f"r{number}"))
    await still.pass_s(10)
    lane.hint(last := lane.find("r299") or a_watch())
    await still.pass_s(0)
    assert questions.times_s(last.run_id) == [10.0]


async def test_the_first_hint_waits_for_nothing_the_second_does(
    still: StillTime, questions: Questions, make_lane: MakeLane
) -> None:
    """Even right after a regular question, which came a moment too early."""
    lane = make_lane()
    lane.watch(watch := a_watch(), at_once=True)
    await still.pass_s(0)
    lane.hint(watch)
    await still.pass_s(0)
    assert len(questions.asked) == 2
    lane.hint(watch)
    await still.pass_s(HINT_GAP_S * 0.9)
    assert len(questions.asked) == 2
    await still.pass_s(HINT_GAP_S * 0.2)
    assert len(questions.asked) == 3


async def test_hints_about_many_tasks_keep_to_the_budget_too(
    still: StillTime, questions: Questions, make_lane: MakeLane
) -> None:
    """They may go a little ahead of it, and everything else then waits until that is made up."""
    lane = make_lane(polls_per_s=10)
    for number in range(300):
        lane.watch(a_watch(f"r{number}"))
    await still.pass_s(1)
    for number in range(300):
        lane.hint(lane.find(f"r{number}") or a_watch())
    await still.pass_s(60)
    assert most_within(all_times_s(questions), 10.0) <= 10 * 10 + 27
    assert len({run_id for run_id, _ in questions.asked}) == 300


@pytest.mark.parametrize("answer_takes_s", [0.0, 0.05, 3.0])
async def test_a_flood_of_hints_for_one_task_costs_a_question_now_and_then(
    still: StillTime, questions: Questions, make_lane: MakeLane, answer_takes_s: float
) -> None:
    """A call that is repeated without end, also while its answer is on its way, buys nothing."""
    lane = make_lane()
    watch = a_watch()
    lane.watch(watch)
    questions.takes_s = answer_takes_s
    for _ in range(1_000):
        lane.hint(watch)
        lane.hint(watch)
        await still.pass_s(0.01)
    assert most_within(questions.times_s(), HINT_GAP_S * 0.98) == 1
    assert len(questions.asked) <= 11


async def test_a_hint_during_a_question_goes_before_what_is_due(
    still: StillTime, questions: Questions, make_lane: MakeLane
) -> None:
    """Its news came too late for the answer on its way, and wait for no backlog."""
    lane = make_lane(polls_per_s=5)
    told = a_watch("told")
    lane.watch(told, at_once=True)
    questions.hold = asyncio.Event()
    await still.pass_s(0)
    for number in range(200):
        lane.watch(a_watch(f"r{number}"), at_once=True)
    lane.hint(told)
    questions.hold.set()
    await still.pass_s(HINT_GAP_S + 0.1)
    assert len(questions.times_s("told")) == 2


async def test_hints_about_many_tasks_crowd_out_no_regular_question(
    still: StillTime, questions: Questions, make_lane: MakeLane
) -> None:
    """However often forty tasks are told of, the forty-first is asked about when it is due."""
    lane = make_lane(polls_per_s=20)
    noisy = [a_watch(f"r{number}") for number in range(40)]
    for watch in noisy:
        lane.watch(watch)
    lane.watch(a_watch("quiet", owner="bob"))
    for _ in range(200):
        for watch in noisy:
            lane.hint(watch)
        await still.pass_s(0.1)
    assert 5 <= len(questions.times_s("quiet")) <= 8


async def test_calls_repeated_at_will_cost_ever_less(
    still: StillTime, questions: Questions, make_lane: MakeLane
) -> None:
    """Each that brought no news doubles the wait before the next one counts."""
    lane = make_lane()
    late = a_watch(sent_at_ms=-3_600_000)
    lane.watch(late)
    for _ in range(500):
        lane.hint(late)
        await still.pass_s(0.1)
    assert len(questions.times_s()) <= 8


async def test_a_flood_of_hints_leaves_other_tasks_their_questions(
    still: StillTime, questions: Questions, make_lane: MakeLane
) -> None:
    """One that is called about over and over takes no more than its own share."""
    lane = make_lane(polls_per_s=20)
    noisy = a_watch("noisy", owner="eve")
    lane.watch(noisy)
    lane.watch(a_watch("quiet"))
    for _ in range(255):
        lane.hint(noisy)
        await still.pass_s(0.04)
    assert questions.times_s("quiet") == [2.5, 5.0, 7.5, 10.0]


async def test_a_task_that_is_called_back_about_is_asked_for_less_often(
    still: StillTime, questions: Questions, make_lane: MakeLane
) -> None:
    """Polling slows down where Kie calls, but it remains."""
    lane = make_lane()
    watch = a_watch()
    watch.has_callbacks = True
    lane.watch(watch)
    await still.pass_s(100)
    assert questions.times_s() == [20.0, 40.0, 60.0, 80.0, 100.0]


async def test_a_lane_hands_an_owners_watches_over(
    still: StillTime, questions: Questions, make_lane: MakeLane
) -> None:
    """What goes on with another key is asked about here no more; what is being asked stays."""
    lane = make_lane()
    lane.watch(a_watch("r1"))
    lane.watch(a_watch("r2", owner="eve"))
    assert [watch.run_id for watch in lane.give_up("ada")] == ["r1"]
    await still.pass_s(5)
    assert [run_id for run_id, _ in questions.asked] == ["r2", "r2"]
    assert len(lane) == 1
