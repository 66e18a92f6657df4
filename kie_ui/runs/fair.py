"""Turns in fairness: owners have one each in turn, however much one of them wants."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import zip_longest
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Things that wait, by owner: the owners take turns, and an owner's own come in order."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, deque[T]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def put(self, owner: str, thing: T) -> None:
        """Add a thing behind the owner's others."""
        self._waiting.setdefault(owner, deque()).append(thing)
        self._length += 1

    def put_first(self, owner: str, thing: T) -> None:
        """Add a thing before everything else: it had its turn, and could not use it."""
        self._waiting.setdefault(owner, deque()).appendleft(thing)
        self._waiting.move_to_end(owner, last=False)
        self._length += 1

    def pop(self) -> T:
        """Take the next thing out. Raises: IndexError, if there is none."""
        if not self._waiting:
            raise IndexError("nothing waits")
        owner, things = next(iter(self._waiting.items()))
        thing = things.popleft()
        self._length -= 1
        del self._waiting[owner]
        if things:
            self._waiting[owner] = things  # behind the other owners
        return thing

    def pop_for(self, fits: Callable[[str], bool]) -> T | None:
        """Take out the next thing whose owner fits, or None if there is none."""
        for owner, things in self._waiting.items():
            if fits(owner):
                self._waiting.move_to_end(owner, last=False)
                return self.pop() if things else None
        return None

    def remove(self, owner: str, thing: T) -> None:
        """Take a thing out before its turn, if it is still there."""
        things = self._waiting.get(owner)
        if things is None or thing not in things:
            return
        things.remove(thing)
        self._length -= 1
        if not things:
            del self._waiting[owner]

    def __iter__(self) -> Iterator[T]:
        """Go through all in the order in which they would be taken out."""
        for round_ in zip_longest(*self._waiting.values(), fillvalue=_NOTHING):
            for thing in round_:
                if thing is not _NOTHING:
                    yield thing  # type: ignore[misc]  # the rest are things


_NOTHING = object()


class FairRoom:
    """Room for so many at once, and for so many of one owner; who waits for it waits in fairness.

    What stalls for one owner can so never keep all the others waiting.
    """

    def __init__(self, at_once: int, of_one: int | None = None) -> None:
        self._free = at_once
        self._of_one = of_one or at_once
        self._held: Counter[str] = Counter()
        self._waiting: FairQueue[tuple[str, asyncio.Future[None]]] = FairQueue()

    @asynccontextmanager
    async def place(self, owner: str) -> AsyncIterator[None]:
        """Wait for room, and keep it for as long as the block lasts."""
        await self._enter(owner)
        try:
            yield
        finally:
            self._leave(owner)

    async def _enter(self, owner: str) -> None:
        if self._free > 0 and self._held[owner] < self._of_one:
            self._let_in(owner)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.put(owner, (owner, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave(owner)  # it was let in at the very moment it gave up
            else:
                self._waiting.remove(owner, (owner, turn))
            raise

    def _let_in(self, owner: str) -> None:
        self._free -= 1
        self._held[owner] += 1

    def _leave(self, owner: str) -> None:
        self._free += 1
        self._held[owner] -= 1
        if not self._held[owner]:
            del self._held[owner]
        while self._free > 0 and (next_ := self._waiting.pop_for(self._may_enter)) is not None:
            waiting, turn = next_
            if not turn.done():  # else it has just given up, and takes itself out in a moment
                self._let_in(waiting)
                turn.set_result(None)

    def _may_enter(self, owner: str) -> bool:
        return self._held[owner] < self._of_one
