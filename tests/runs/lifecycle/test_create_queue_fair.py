from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kie_ui.runs.lifecycle.create_queue import FairQueue, FairRoom

owners = st.sampled_from("abc")


@given(st.lists(owners, max_size=30))
def test_everything_comes_out_once_and_an_owners_own_in_order(put: list[str]) -> None:
    """Nothing is lost or doubled, and nobody is overtaken by their own later things."""
    queue: FairQueue[tuple[str, int]] = FairQueue()
    for number, owner in enumerate(put):
        queue.put(owner, (owner, number))
    listed = list(queue)
    assert len(listed) == len(put)
    taken = [queue.pop() for _ in put]
    assert taken == listed
    assert sorted(taken) == sorted((owner, number) for number, owner in enumerate(put))
    for owner in "abc":
        numbers = [number for whose, number in taken if whose == owner]
        assert numbers == sorted(numbers)
    assert not queue
    with pytest.raises(KeyError):
        queue.pop()


@given(st.lists(owners, min_size=1, max_size=40))
def test_owners_take_turns(put: list[str]) -> None:
    """As long as two owners wait, neither is served twice between two of the other's turns."""
    queue: FairQueue[str] = FairQueue()
    for owner in put:
        queue.put(owner, owner)
    left = Counter(put)
    served: Counter[str] = Counter()
    while queue:
        owner = queue.pop()
        served[owner] += 1
        left[owner] -= 1
        waiting = [other for other in left if left[other] > 0]
        assert all(served[owner] - served[other] <= 1 for other in waiting)


@given(st.data())
def test_a_queue_agrees_with_itself_whatever_is_done_to_it(data: st.DataObject) -> None:
    """Length, order listed and order taken go together, also after things are taken out early."""
    queue: FairQueue[int] = FairQueue()
    inside: dict[int, str] = {}
    for number in range(data.draw(st.integers(0, 25))):
        action = data.draw(st.sampled_from(["put", "put", "put_first", "pop", "remove"]))
        if action in ("put", "put_first"):
            owner = data.draw(owners)
            getattr(queue, action)(owner, number)
            inside[number] = owner
            if action == "put_first":
                assert next(iter(queue)) == number
        elif action == "pop" and inside:
            del inside[queue.pop()]
        elif action == "remove" and inside:
            gone = data.draw(st.sampled_from(sorted(inside)))
            queue.remove(inside[gone], gone)
            queue.remove(inside.pop(gone), gone)
        assert bool(queue) == bool(inside)
        assert sorted(queue) == sorted(inside)
    listed = list(queue)
    assert [queue.pop() for _ in listed] == listed


async def test_a_room_holds_so_many_and_lets_owners_in_by_turns() -> None:
    """An owner's hundred wait behind another's first."""
    room = FairRoom(2, 2)
    may_leave = asyncio.Event()
    entered: list[str] = []

    async def visit(owner: str) -> None:
        async with room.place(owner):
            entered.append(owner)
            await may_leave.wait()

    visits = [asyncio.create_task(visit("ada")) for _ in range(6)]
    await asyncio.sleep(0)
    visits.append(asyncio.create_task(visit("eve")))
    await asyncio.sleep(0)
    assert entered == ["ada", "ada"]
    may_leave.set()
    await asyncio.gather(*visits)
    assert entered.index("eve") <= 3
    assert len(entered) == 7
    async with room.place("ada"), room.place("ada"):
        pass


async def test_who_gives_up_waiting_takes_no_room() -> None:
    """A cancelled wait leaves the line, and the next one is let in."""
    room = FairRoom(1, 1)
    async with room.place("ada"):
        given_up = asyncio.create_task(_pass_through(room, "eve"))
        after = asyncio.create_task(_pass_through(room, "bob"))
        await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)
    await asyncio.wait_for(after, 1)
    await asyncio.wait_for(_pass_through(room, "ada"), 1)


@pytest.mark.parametrize("leaves_first", [True, False])
async def test_giving_up_at_the_very_moment_of_being_let_in_loses_no_room(
    *, leaves_first: bool
) -> None:
    """Whichever of the two comes first in that moment, the room is free for the next."""
    room = FairRoom(1, 1)
    may_leave = asyncio.Event()

    async def stay() -> None:
        async with room.place("ada"):
            await may_leave.wait()

    staying = asyncio.create_task(stay())
    await asyncio.sleep(0)
    waiting = asyncio.create_task(_pass_through(room, "eve"))
    await asyncio.sleep(0)
    if leaves_first:
        may_leave.set()
        await asyncio.sleep(0)
        waiting.cancel()
    else:
        waiting.cancel()
        may_leave.set()
    await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.wait_for(_pass_through(room, "bob"), 1)
    await staying


async def test_one_owner_never_takes_all_the_room() -> None:
    """What stalls for one keeps its own others waiting, and nobody else."""
    room = FairRoom(3, max_of_one=2)
    async with room.place("ada"), room.place("ada"):
        third = asyncio.create_task(_pass_through(room, "ada"))
        await asyncio.sleep(0)
        await asyncio.wait_for(_pass_through(room, "bob"), 1)
        assert not third.done()
    await asyncio.wait_for(third, 1)


async def _pass_through(room: FairRoom, owner: str) -> None:
    async with room.place(owner):
        await asyncio.sleep(0)
