"""Our own queue before Kie: creates leave within the budget of their key, owners taking turns.

Source: observed live, "createTask" (20 creates in ten seconds for each account; what exceeds them
is refused, not queued).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

from kie_ui.background import BackgroundTasks
from kie_ui.runs.clock import Clock
from kie_ui.runs.events import ChangeSignals

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Things that wait, by owner: owners take turns, and each owner's things are in order."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, deque[T]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def put(self, owner: str, thing: T) -> None:
        """Add a thing behind the owner's others."""
        self._waiting.setdefault(owner, deque()).append(thing)

    def put_first(self, owner: str, thing: T) -> None:
        """Add a thing before everything else: it had its turn, and could not use it."""
        self._waiting.setdefault(owner, deque()).appendleft(thing)
        self._waiting.move_to_end(owner, last=False)

    def pop(self) -> T:
        """Take the next thing out. Raises: KeyError, if there is none."""
        owner, things = self._waiting.popitem(last=False)
        thing = things.popleft()
        if things:
            self._waiting[owner] = things  # behind the other owners
        return thing

    def remove(self, owner: str, thing: T) -> None:
        """Take a thing out before its turn, if it is still there."""
        things = self._waiting.get(owner, deque())
        if thing in things:
            things.remove(thing)
            if not things:
                del self._waiting[owner]

    def __iter__(self) -> Iterator[T]:
        """Go through all in the order in which they would be taken out."""
        for turns in zip_longest(*self._waiting.values()):
            yield from (thing for thing in turns if thing is not None)


class FairRoom:
    """Room for a number of things at once, and for fewer of one owner.

    So what stalls for one owner can never keep all the others waiting.
    """

    def __init__(self, max_concurrent: int, max_of_one: int) -> None:
        self._room = asyncio.Semaphore(max_concurrent)
        self._max_of_one = max_of_one
        self._of_owner: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def place(self, owner: str) -> AsyncIterator[None]:
        """Wait for room, and keep it for as long as the block lasts."""
        of_owner = self._of_owner.setdefault(owner, asyncio.Semaphore(self._max_of_one))
        async with of_owner, self._room:
            yield


SIGNAL_EVERY_S = 0.5
"""Seconds between two signals that places have changed, at least."""

TakeCreate = Callable[[str], Awaitable[float]]
"""Takes one of an account's creates: 0 where it is granted, else the seconds until one can be."""

OnWait = Callable[[], Awaitable[object]]


@dataclass(eq=False)
class Ticket:
    """One run that waits for its turn."""

    run_id: str
    owner: str
    turn: asyncio.Future[None]


@dataclass(eq=False)
class _Line:
    """Who waits to create with one account."""

    waiting: FairQueue[Ticket] = field(default_factory=FairQueue)
    paused_until_s: float = 0.0
    """Steady time before which nothing is sent, as Kie refused a create."""
    is_served: bool = False
    """Whether a task is giving turns."""


class CreateQueue:
    """Lets creates leave one after the other, as the budget of their account allows."""

    def __init__(self, clock: Clock, take: TakeCreate) -> None:
        self._clock = clock
        self._take = take
        self._lines: dict[str, _Line] = {}
        self._tasks = BackgroundTasks()
        self._signals = ChangeSignals()
        self._signalling: asyncio.TimerHandle | None = None
        self._places: dict[str, dict[str, int]] | None = None
        """By owner and run; None when something has moved since."""

    async def turn(
        self, run_id: str, owner: str, account: str, *, on_wait: OnWait, is_retry: bool
    ) -> None:
        """Wait for a run's turn; `on_wait` is awaited if it has to wait.

        A retry goes first, as its last turn was wasted. Raises: StoreProblem, where
        the budget can't be read.
        """
        if not is_retry and await self._is_free(account):
            return
        line = self._line(account)
        ticket = Ticket(run_id, owner, asyncio.get_running_loop().create_future())
        (line.waiting.put_first if is_retry else line.waiting.put)(owner, ticket)
        if not line.is_served:
            line.is_served = True
            self._tasks.spawn(self._serve(line, account), name="create queue")
        self._signal_soon()
        try:
            await on_wait()
            await ticket.turn
        finally:
            line.waiting.remove(owner, ticket)
            self._signal_soon()

    def pause(self, account: str, duration_s: float) -> None:
        """Let nothing leave with an account for a while: Kie has refused a create."""
        line = self._line(account)
        line.paused_until_s = max(line.paused_until_s, self._clock.steady_s() + duration_s)

    def places(self, owner: str) -> dict[str, int]:
        """Return the places of an owner's runs, by run: 1 is the next to leave."""
        if self._places is None:
            self._places = {}
            for line in self._lines.values():
                for place, ticket in enumerate(line.waiting, start=1):
                    self._places.setdefault(ticket.owner, {})[ticket.run_id] = place
        return self._places.get(owner, {})

    def changes(self, owner: str) -> AbstractContextManager[asyncio.Event]:
        """Return an event that is set when places of an owner's runs may have changed."""
        return self._signals.subscribe(owner)

    async def stop(self) -> None:
        """Stop giving turns."""
        await self._tasks.stop()
        if self._signalling is not None:
            self._signalling.cancel()

    async def _is_free(self, account: str) -> bool:
        """Whether a create may be sent at once, as none is waiting; then it is counted."""
        line = self._line(account)
        if line.is_served or self._clock.steady_s() < line.paused_until_s:
            return False
        return await self._take(account) == 0

    def _line(self, account: str) -> _Line:
        """Return an account's line; those that are empty and not paused are forgotten."""
        if account not in self._lines:
            now_s = self._clock.steady_s()
            lines = self._lines.items()
            self._lines = {
                name: line for name, line in lines if line.is_served or now_s < line.paused_until_s
            }
            self._lines[account] = _Line()
        return self._lines[account]

    async def _serve(self, line: _Line, account: str) -> None:
        """Give one turn after the other while anyone waits."""
        try:
            while line.waiting:
                wait_s = line.paused_until_s - self._clock.steady_s()
                if wait_s <= 0:
                    wait_s = await self._take(account)
                if wait_s > 0:
                    await self._clock.sleep(wait_s)
                elif line.waiting:
                    _settle(line.waiting.pop().turn)
                    self._signal_soon()
        except Exception as problem:  # noqa: BLE001 - handed to those who wait
            while line.waiting:
                _settle(line.waiting.pop().turn, problem)
        finally:
            line.is_served = False

    def _signal_soon(self) -> None:
        """Signal in a moment: when a line moves, everyone's place changes."""
        self._places = None
        if self._signalling is None:
            loop = asyncio.get_running_loop()
            self._signalling = loop.call_later(SIGNAL_EVERY_S, self._signal)

    def _signal(self) -> None:
        self._signalling = None
        self._signals.notify_all()


def _settle(turn: asyncio.Future[None], problem: Exception | None = None) -> None:
    if turn.done():
        return
    if problem is None:
        turn.set_result(None)
    else:
        turn.set_exception(problem)
