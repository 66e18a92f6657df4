from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise

import pytest

from kie_ui.runs.lifecycle.poll_scheduler import (
    LATE_AFTER_S,
    Outcome,
    PollScheduler,
    PollSettings,
    Watch,
)
from tests.runs.harness import Questions, StillTime, a_watch

MakeTracker = Callable[..., Awaitable[PollScheduler]]


@pytest.fixture
async def make_tracker(still: StillTime, questions: Questions) -> AsyncIterator[MakeTracker]:
    """Return what makes started trackers, stopped in the end."""
    made: list[PollScheduler] = []

    async def make(
        chance: float = 0.0, at_once: int = 16, polls_per_s: float = math.inf
    ) -> PollScheduler:
        settings = PollSettings(still.clock, at_once, polls_per_s, lambda: chance)
        tracker = PollScheduler(settings, lambda made: f"account of {made.owner}")
        tracker.start(questions)
        made.append(tracker)
        return tracker

    yield make
    for tracker in made:
        await tracker.stop()


async def test_a_task_is_asked_about_on_the_published_schedule(
    still: StillTime, questions: Questions, make_tracker: MakeTracker
) -> None:
    """Every 2.5 s at first, 7 s to two minutes, then 20 s, and a minute once it is late."""
    tracker = await make_tracker()
    tracker.watch(a_watch())
    await still.pass_s(2 * LATE_AFTER_S)
    gaps = [(before_s, after_s - before_s) for before_s, after_s in pairwise(questions.times_s())]
    assert questions.times_s()[0] == 2.5
    assert {gap_s for at_s, gap_s in gaps if at_s < 30} == {2.5}
    assert {gap_s for at_s, gap_s in gaps if 30 <= at_s < 120} == {7.0}
    assert {gap_s for at_s, gap_s in gaps if 120 <= at_s < LATE_AFTER_S} == {20.0}
    assert {gap_s for at_s, gap_s in gaps if at_s >= LATE_AFTER_S} == {60.0}


async def test_trouble_backs_off_and_an_answer_ends_that(
    still: StillTime, questions: Questions, make_tracker: MakeTracker
) -> None:
    """Waits double while answers fail, and are the usual ones after the first that came."""
    tracker = await make_tracker()
    questions.outcomes["r1"] = [Outcome.TROUBLED, Outcome.TROUBLED, Outcome.AGAIN]
    tracker.watch(a_watch())
    await still.pass_s(20)
    assert questions.times_s() == [2.5, 7.5, 17.5, 20.0]


async def test_a_task_is_never_given_up(
    still: StillTime, questions: Questions, make_tracker: MakeTracker
) -> None:
    """After a day of failed answers it is still asked about every minute."""
    questions.usual = Outcome.TROUBLED
    tracker = await make_tracker()
    tracker.watch(a_watch())
    await still.pass_s(24 * 3600)
    asked = len(questions.asked)
    await still.pass_s(600)
    assert len(questions.asked) == asked + 10


async def test_a_fault_of_ours_does_not_end_the_watch(
    still: StillTime, make_tracker: MakeTracker, caplog: pytest.LogCaptureFixture
) -> None:
    """An answer that breaks our code is logged, and the paid task is asked about again."""
    asked = 0

    async def break_once(_watch: Watch) -> Outcome:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise ZeroDivisionError
        return Outcome.ENDED

    tracker = PollScheduler(PollSettings(still.clock), lambda _made: "one account")
    tracker.start(break_once)
    tracker.watch(a_watch())
    await still.pass_s(20)
    await tracker.stop()
    assert asked == 2
    assert "ZeroDivisionError" in caplog.text


async def test_an_ended_task_is_asked_about_no_more(
    still: StillTime, questions: Questions, make_tracker: MakeTracker
) -> None:
    """The end is the end, also for a hint that comes late; it may be watched anew."""
    tracker = await make_tracker()
    questions.outcomes["r1"] = [Outcome.ENDED]
    tracker.watch(a_watch())
    await still.pass_s(60)
    tracker.hint("r1", "task-of-r1")
    await still.pass_s(60)
    assert questions.times_s() == [2.5]
    tracker.watch(a_watch(), at_once=True)
    await still.pass_s(1)
    assert questions.times_s() == [2.5, 120.0]


async def test_a_hint_is_followed_at_once(
    still: StillTime, questions: Questions, make_tracker: MakeTracker
) -> None:
    """A callback brings the question forward, and the schedule goes on from there."""
    tracker = await make_tracker()
    tracker.watch(a_watch("r1"))
    tracker.watch(a_watch("r2"))
    await still.pass_s(1)
    tracker.hint("r2")
    await still.pass_s(2.5)
    assert questions.times_s("r1") == [2.5]
    assert questions.times_s("r2") == [1.0, 3.5]


async def test_a_hint_during_a_question_is_not_lost(
    still: StillTime, questions: Questions, make_tracker: MakeTracker
) -> None:
    """News that come while an older answer is on its way are asked for once more."""
    tracker = await make_tracker()
    tracker.watch(a_watch())
    questions.hold = asyncio.Event()
    await still.pass_s(2.5)
    tracker.hint("r1", "task-of-r1")
    tracker.hint("r1", "task-of-r1")
    await still.pass_s(1)
    questions.hold.set()
    await still.pass_s(0)
    assert questions.times_s() == [2.5, 3.5]


async def test_a_task_without_a_key_waits_and_its_owner_wakes_it(
    still: StillTime, questions: Questions, make_tracker: MakeTracker
) -> None:
    """Parked tasks are looked at once a minute, and at once when their owner's key changes."""
    questions.usual = Outcome.PARKED
    tracker = await make_tracker()
    tracker.watch(a_watch("r1"))
    tracker.watch(a_watch("r2", owner="eve"))
    await still.pass_s(63)
    assert questions.times_s("r1") == [2.5, 62.5]
    tracker.wake("ada")
    await still.pass_s(1)
    assert questions.times_s("r1") == [2.5, 62.5, 63.0]
    assert questions.times_s("r2") == [2.5, 62.5]


async def test_questions_are_asked_side_by_side_within_a_bound(
    still: StillTime, questions: Questions, make_tracker: MakeTracker
) -> None:
    """Slow answers hold up neither the loop nor more than their share, and all get their turn."""
    tracker = await make_tracker(at_once=3)
    questions.hold = asyncio.Event()
    for number in range(10):
        tracker.watch(a_watch(f"r{number}"))
    await still.pass_s(2.5)
    assert questions.at_once == 3
    questions.hold.set()
    await still.pass_s(0)
    assert questions.most_at_once == 3
    assert {run_id for run_id, _ in questions.asked} == {f"r{number}" for number in range(10)}


async def test_tasks_spread_out(
    still: StillTime, questions: Questions, make_tracker: MakeTracker
) -> None:
    """Chance shortens waits, by a fifth at most, so that a hundred tasks do not ask in step."""
    tracker = await make_tracker(chance=1.0)
    tracker.watch(a_watch())
    await still.pass_s(10)
    assert questions.times_s() == [2.5, 4.5, 6.5, 8.5]


async def test_watching_twice_asks_once(
    still: StillTime, questions: Questions, make_tracker: MakeTracker
) -> None:
    """A run that is put under watch again is not asked about doubly."""
    tracker = await make_tracker()
    tracker.watch(a_watch())
    tracker.watch(a_watch())
    await still.pass_s(3)
    assert questions.times_s() == [2.5]


async def test_an_old_task_is_asked_about_at_the_pace_of_its_age(
    still: StillTime, questions: Questions, make_tracker: MakeTracker
) -> None:
    """What was resumed an hour after its create is asked about at once, then every minute."""
    tracker = await make_tracker()
    still.now_s = 3600.0
    tracker.watch(a_watch(), at_once=True)
    await still.pass_s(130)
    assert questions.times_s() == [3600.0, 3660.0, 3720.0]


async def test_after_the_stop_nothing_is_watched_any_more(
    still: StillTime, questions: Questions, make_tracker: MakeTracker
) -> None:
    """A task id that comes in the last moment is kept, and asked about by whoever comes next."""
    tracker = await make_tracker()
    await tracker.stop()
    tracker.watch(a_watch(), at_once=True)
    await still.pass_s(60)
    assert questions.asked == []


async def test_a_new_key_takes_its_owners_tasks_to_a_lane_of_its_own(
    still: StillTime, questions: Questions
) -> None:
    """They are asked about at once, with the key that there is now, and others stay."""
    accounts = {"ada": "first", "eve": "other"}
    tracker = PollScheduler(PollSettings(still.clock), lambda made: accounts[made.owner])
    tracker.start(questions)
    tracker.watch(a_watch("r1"))
    tracker.watch(a_watch("r2", owner="eve"))
    await still.pass_s(1)
    accounts["ada"] = "second"
    tracker.wake("ada")
    await still.pass_s(0)
    assert questions.asked == [("r1", 1.0)]
    assert set(tracker._lanes) == {"second", "other"}
    await tracker.stop()


@pytest.mark.parametrize("task_id", [None, "task-of-r1"])
async def test_a_hint_goes_by_the_run_and_names_its_task(
    still: StillTime, questions: Questions, make_tracker: MakeTracker, task_id: str | None
) -> None:
    """A call that speaks of another task, or of a run that nobody watches, is no news."""
    tracker = await make_tracker()
    tracker.watch(a_watch())
    assert not tracker.hint("r1", "task-of-r2")
    assert not tracker.hint("r2", task_id)
    await still.pass_s(1)
    assert questions.asked == []
    assert tracker.hint("r1", task_id)
    await still.pass_s(0)
    assert questions.times_s() == [1.0]


async def test_stopping_ends_also_what_is_being_asked(
    still: StillTime, questions: Questions, make_tracker: MakeTracker
) -> None:
    """A stop does not wait for a slow service."""
    tracker = await make_tracker()
    questions.hold = asyncio.Event()
    tracker.watch(a_watch())
    await still.pass_s(2.5)
    await tracker.stop()
    await still.pass_s(60)
    assert len(questions.asked) == 1
