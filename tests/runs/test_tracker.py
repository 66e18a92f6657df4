from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kie_ui.runs.clock import Clock
from kie_ui.runs.tracker import LATE_AFTER_S, Outcome, Tracker, Watch, interval_s


class StillTime:
    """Time that passes only when a test lets it."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []
        self._order = count()
        self.clock = Clock(lambda: int(self.now_s * 1000), lambda: self.now_s, self._sleep)

    async def _sleep(self, duration_s: float) -> None:
        woken = asyncio.Event()
        heapq.heappush(self._sleepers, (self.now_s + duration_s, next(self._order), woken))
        await woken.wait()

    async def pass_s(self, duration_s: float) -> None:
        """Let time pass from sleeper to sleeper, each acting before the next."""
        end_s = self.now_s + duration_s
        await self._settle()
        while self._sleepers and self._sleepers[0][0] <= end_s:
            self.now_s, _, woken = heapq.heappop(self._sleepers)
            woken.set()
            await self._settle()
        self.now_s = end_s
        await self._settle()

    async def _settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)


class Questions:
    """Answers as told, and remembers when it was asked about what."""

    def __init__(self, time: StillTime) -> None:
        self._time = time
        self.asked: list[tuple[str, float]] = []
        self.outcomes: dict[str, list[Outcome]] = {}
        self.usual = Outcome.AGAIN
        self.hold: asyncio.Event | None = None
        self.at_once = 0
        self.most_at_once = 0

    async def __call__(self, watch: Watch) -> Outcome:
        self.asked.append((watch.run_id, self._time.now_s))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        if self.hold is not None:
            await self.hold.wait()
        self.at_once -= 1
        following = self.outcomes.get(watch.run_id)
        return following.pop(0) if following else self.usual

    def times_s(self, run_id: str = "r1") -> list[float]:
        return [at_s for asked, at_s in self.asked if asked == run_id]


@pytest.fixture
def still() -> StillTime:
    """Return time that stands still."""
    return StillTime()


@pytest.fixture
def questions(still: StillTime) -> Questions:
    """Return what is asked in Kie's place."""
    return Questions(still)


MakeTracker = Callable[..., Awaitable[Tracker]]


@pytest.fixture
async def make_tracker(still: StillTime, questions: Questions) -> AsyncIterator[MakeTracker]:
    """Return what makes started trackers, stopped in the end."""
    made: list[Tracker] = []

    async def make(chance: float = 0.0, at_once: int = 16) -> Tracker:
        tracker = Tracker(still.clock, chance=lambda: chance, at_once=at_once)
        tracker.start(questions)
        made.append(tracker)
        return tracker

    yield make
    for tracker in made:
        await tracker.stop()


def a_watch(run_id: str = "r1", owner: str = "ada", sent_at_ms: int = 0) -> Watch:
    """Return a task of which nothing was asked yet."""
    return Watch(run_id, owner, f"task-of-{run_id}", sent_at_ms)


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


@given(st.floats(0, 1e9), st.integers(0, 1000))
def test_trouble_never_makes_asking_more_frequent_nor_stops_it(age_s: float, troubles: int) -> None:
    """However long a service is down, a task is asked about between its schedule and a minute."""
    assert interval_s(age_s) <= interval_s(age_s, troubles) <= 60.0
    assert interval_s(age_s, troubles) <= interval_s(age_s, troubles + 1)


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

    tracker = Tracker(still.clock)
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
    tracker.hint("task-of-r1")
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
    tracker.hint("task-of-r2")
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
    tracker.hint("task-of-r1")
    tracker.hint("task-of-r1")
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
