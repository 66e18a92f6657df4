from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kie_ui.runs.errors import StoreProblem
from kie_ui.runs.lifecycle import create_queue as queue_module
from kie_ui.runs.lifecycle.create_queue import CreateQueue
from tests.runs.harness import OWNER, StillTime

ACCOUNT = "account"


class Budget:
    """Grants so many creates in any window of ten seconds, and remembers when."""

    def __init__(self, time: StillTime, most: int = 2, window_s: float = 10.0) -> None:
        self._time = time
        self._most = most
        self._window_s = window_s
        self.granted_s: dict[str, list[float]] = {}
        self.problem: StoreProblem | None = None

    async def __call__(self, account: str) -> float:
        await asyncio.sleep(0)
        if self.problem is not None:
            raise self.problem
        granted_s = self.granted_s.setdefault(account, [])
        recent = [at_s for at_s in granted_s if at_s > self._time.now_s - self._window_s]
        if len(recent) >= self._most:
            return recent[-self._most] + self._window_s - self._time.now_s + 0.001
        granted_s.append(self._time.now_s)
        return 0.0


class Line:
    """A queue, and those who have come to it."""

    def __init__(self, time: StillTime, most: int = 2) -> None:
        self.time = time
        self.budget = Budget(time, most)
        self.queue = CreateQueue(time.clock, self.budget)
        self.left: list[tuple[str, float]] = []
        self.waited: list[str] = []
        self.comers: dict[str, asyncio.Task[None]] = {}

    async def come(
        self, run_id: str, owner: str = OWNER, account: str = ACCOUNT, *, is_retry: bool = False
    ) -> None:
        """Have a run come, and let it go as far as it does at once."""

        async def on_wait() -> None:
            self.waited.append(run_id)

        async def turn() -> None:
            await self.queue.turn(run_id, owner, account, on_wait=on_wait, is_retry=is_retry)
            self.left.append((run_id, self.time.now_s))

        self.comers[run_id] = asyncio.create_task(turn())
        await self.time.pass_s(0)

    async def come_in_order(self, runs: int) -> None:
        """Have `r1`, `r2` and so on come."""
        for number in range(1, runs + 1):
            await self.come(f"r{number}")

    def order(self) -> list[str]:
        return [run_id for run_id, _ in self.left]

    async def stop(self) -> None:
        await self.queue.stop()
        for comer in self.comers.values():
            comer.cancel()
        await asyncio.gather(*self.comers.values(), return_exceptions=True)


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    """Return a queue where two may leave in ten seconds."""
    line = Line(StillTime())
    yield line
    await line.stop()


async def test_within_the_budget_nobody_waits(line: Line) -> None:
    """The first creates leave at once, and are not even shown as waiting."""
    await line.come_in_order(2)
    assert line.order() == ["r1", "r2"]
    assert (line.waited, line.queue.places(OWNER)) == ([], {})


async def test_what_exceeds_the_budget_waits_in_line_and_knows_its_place(line: Line) -> None:
    """Places are counted from 1 and move up as others leave."""
    await line.come_in_order(5)
    assert line.waited == ["r3", "r4", "r5"]
    assert line.queue.places(OWNER) == {"r3": 1, "r4": 2, "r5": 3}
    await line.time.pass_s(10.01)
    assert line.order() == ["r1", "r2", "r3", "r4"]
    assert line.queue.places(OWNER) == {"r5": 1}
    await line.time.pass_s(10.01)
    assert line.order() == ["r1", "r2", "r3", "r4", "r5"]
    assert line.queue.places(OWNER) == {}


async def test_a_newcomer_does_not_overtake_the_line(line: Line) -> None:
    """Room that has just become free is for those who wait."""
    await line.come_in_order(4)
    line.time.now_s += 10.01  # the line has not noticed yet
    await line.come("late")
    await line.time.pass_s(0)
    await line.time.pass_s(30)
    assert line.order() == ["r1", "r2", "r3", "r4", "late"]


async def test_one_owners_hundred_do_not_hold_up_anothers_first(line: Line) -> None:
    """Owners of one account take turns, and the place that is shown is the true one."""
    for number in range(100):
        await line.come(f"a{number}", owner="ada")
    await line.come("e0", owner="eve")
    place = line.queue.places("eve")["e0"]
    assert place <= 2
    await line.time.pass_s(10.01)
    assert "e0" in line.order()
    assert line.queue.places("ada").keys().isdisjoint({"e0"})


async def test_accounts_do_not_wait_for_each_other(line: Line) -> None:
    """Each key has its own budget and its own line."""
    for number in range(5):
        await line.come(f"a{number}", account="adas")
    await line.come("e0", owner="eve", account="eves")
    assert line.order() == ["a0", "a1", "e0"]


async def test_leaving_the_line_moves_the_others_up(line: Line) -> None:
    """A run that is cancelled frees its place, and its budget goes to the next."""
    await line.come_in_order(5)
    line.comers["r3"].cancel()
    await line.time.pass_s(0)
    assert line.queue.places(OWNER) == {"r4": 1, "r5": 2}
    await line.time.pass_s(10.01)
    assert line.order() == ["r1", "r2", "r4", "r5"]


async def test_when_all_have_left_the_line_it_starts_anew(line: Line) -> None:
    """A line that everyone gave up holds nobody back who comes later."""
    await line.come_in_order(3)
    line.comers["r3"].cancel()
    await line.time.pass_s(60)
    await line.come("r4")
    assert line.order() == ["r1", "r2", "r4"]


async def test_a_hold_back_stops_the_whole_line_of_an_account(line: Line) -> None:
    """Kie turned one away: nothing leaves with that key until the time is over, others do."""
    await line.come("r1")
    line.queue.pause(ACCOUNT, 30)
    line.queue.pause(ACCOUNT, 10)  # a shorter one takes nothing back
    await line.come("r1", is_retry=True)
    await line.come("r2")
    await line.come("e1", owner="eve", account="eves")
    assert line.order() == ["r1", "e1"]
    await line.time.pass_s(29.9)
    assert line.order() == ["r1", "e1"]
    await line.time.pass_s(0.2)
    assert line.order() == ["r1", "e1", "r1", "r2"]


async def test_a_hold_back_counts_for_a_line_that_is_already_waiting(line: Line) -> None:
    """A run that was about to leave stays too."""
    await line.come_in_order(4)
    await line.time.pass_s(9)
    line.queue.pause(ACCOUNT, 20)
    await line.time.pass_s(19.9)
    assert line.order() == ["r1", "r2"]
    await line.time.pass_s(0.2)
    assert line.order() == ["r1", "r2", "r3", "r4"]


async def test_a_run_that_was_turned_away_is_the_next(line: Line) -> None:
    """It has had its turn and waits no second time behind all others."""
    await line.come_in_order(4)
    await line.come("r1", is_retry=True)
    assert line.queue.places(OWNER) == {"r1": 1, "r3": 2, "r4": 3}


async def test_all_who_wait_learn_that_a_budget_cannot_be_read(line: Line) -> None:
    """Each wait ends with the reason, and the line works again afterwards."""
    await line.come_in_order(4)
    line.budget.problem = StoreProblem("The disk is full.")
    await line.time.pass_s(10.01)
    for run_id in ("r3", "r4"):
        with pytest.raises(StoreProblem, match="full"):
            await line.comers[run_id]
    with pytest.raises(StoreProblem, match="full"):
        await line.queue.turn("r5", OWNER, ACCOUNT, on_wait=_never, is_retry=False)
    assert line.queue.places(OWNER) == {}
    line.budget.problem = None
    await line.come("r6")
    assert line.order() == ["r1", "r2", "r6"]


async def _never() -> None:
    raise AssertionError("it does not come to waiting")


async def test_changes_of_places_are_signalled_now_and_then(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page learns that places moved, and not once for each of a thousand moves."""
    monkeypatch.setattr(queue_module, "SIGNAL_EVERY_S", 60.0)
    with line.queue.changes(OWNER) as changed:
        await line.come_in_order(3)
        signalling = line.queue._signalling
        assert signalling is not None
        for number in range(4, 50):
            await line.come(f"r{number}")
        assert line.queue._signalling is signalling
        assert not changed.is_set()
        line.queue._signal()
        assert changed.is_set()
        changed.clear()
        line.comers["r40"].cancel()
        await line.time.pass_s(0)
        assert line.queue._signalling not in (None, signalling)
        signalling.cancel()
    assert line.queue._signals._subscriptions == {}


async def test_a_signal_comes_by_itself(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that waits for changes is woken."""
    monkeypatch.setattr(queue_module, "SIGNAL_EVERY_S", 0.01)
    with line.queue.changes(OWNER) as changed:
        await line.come_in_order(3)
        await asyncio.wait_for(changed.wait(), 5)


async def test_a_stop_leaves_nobody_calling(line: Line) -> None:
    """Nothing leaves after the stop."""
    await line.come_in_order(4)
    await line.queue.stop()
    await line.time.pass_s(60)
    assert line.order() == ["r1", "r2"]


@settings(max_examples=25, deadline=None)
@given(
    comers=st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 8), st.booleans()), max_size=20),
    most=st.integers(1, 4),
)
def test_everyone_who_stays_leaves_once_within_the_budget_in_fairness(
    comers: list[tuple[str, float, bool]], most: int
) -> None:
    """Whatever comes and gives up: the rest leave in order, and never too many at a time."""

    async def check() -> None:
        line = Line(StillTime(), most)
        stayed: dict[str, list[str]] = {"a": [], "b": [], "c": []}
        for number, (owner, passes_s, gives_up) in enumerate(comers):
            run_id = f"{owner}{number}"
            await line.come(run_id, owner)
            await line.time.pass_s(passes_s)
            if gives_up:
                line.comers[run_id].cancel()
            else:
                stayed[owner].append(run_id)
        await line.time.pass_s(20 * 11)
        left = line.order()
        assert len(left) == len(set(left))
        for owner, runs in stayed.items():
            assert [run_id for run_id in left if run_id in runs] == runs, owner
        times_s = [at_s for _, at_s in line.left]
        for first_s, last_s in zip(times_s, times_s[most:], strict=False):
            assert last_s - first_s >= 10.0
        assert all(later >= sooner for sooner, later in pairwise(times_s))
        await line.stop()

    asyncio.run(check())


async def test_lines_of_accounts_that_left_are_forgotten(line: Line) -> None:
    """A line that is empty and not paused goes when the next account comes; the others stay."""
    line.queue.pause("paused", 60)
    await line.come("r1", account="left")
    for number in range(2, 5):
        await line.come(f"r{number}", account="busy")
    await line.come("e1", account="eves")
    assert line.queue._lines.keys() == {"paused", "busy", "eves"}
