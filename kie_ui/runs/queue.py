"""Our own queue before Kie: creates leave within the budget of their key, owners taking turns.

Source: observed live, "createTask" (20 creates in ten seconds for each account; what exceeds them
is refused, not queued).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from kie_ui.runs.clock import Clock
from kie_ui.runs.fair import FairQueue
from kie_ui.runs.subscriptions import Bells

TOLD_EVERY_S = 0.5
"""Seconds between two tellings of the places, at least."""

TakeCreate = Callable[[str], Awaitable[float]]
"""Takes one of an account's creates: 0 where it is granted, else the seconds until one can be."""


@dataclass(eq=False)
class Ticket:
    """One run that waits for its turn."""

    run_id: str
    owner: str
    turn: asyncio.Future[None]


@dataclass(eq=False)
class _Line:
    """Who waits to send with one account."""

    waiting: FairQueue[Ticket] = field(default_factory=FairQueue)
    held_until_s: float = 0.0
    """Steady time before which nothing leaves, since Kie asked for less."""
    caller: asyncio.Task[None] | None = None


class CreateQueue:
    """Lets creates leave one after the other, as the budget of their account allows."""

    def __init__(self, clock: Clock, take: TakeCreate) -> None:
        self._clock = clock
        self._take = take
        self._lines: dict[str, _Line] = {}
        self._bells = Bells()
        self._telling: asyncio.TimerHandle | None = None
        self._places: dict[str, dict[str, int]] | None = None
        """By owner and run; None when something has moved since."""

    async def turn(
        self, run_id: str, owner: str, account: str, on_wait: Callable[[], Awaitable[None]]
    ) -> None:
        """Wait for a run's turn; `on_wait` is awaited if it does not come at once.

        Raises: StoreProblem, where the budget can't be read.
        """
        line = self._lines.setdefault(account, _Line())
        if await self._is_free(line, account):
            return
        ticket = Ticket(run_id, owner, asyncio.get_running_loop().create_future())
        line.waiting.put(owner, ticket)
        await self._wait(ticket, line, account, on_wait)

    async def turn_again(self, run_id: str, owner: str, account: str) -> None:
        """Wait for the turn of a run whose last was in vain: it comes before all others."""
        line = self._lines.setdefault(account, _Line())
        ticket = Ticket(run_id, owner, asyncio.get_running_loop().create_future())
        line.waiting.put_first(owner, ticket)
        await self._wait(ticket, line, account, _nothing)

    def hold_back(self, account: str, wait_s: float) -> None:
        """Let nothing leave with an account for a while: Kie has turned one away."""
        line = self._lines.setdefault(account, _Line())
        line.held_until_s = max(line.held_until_s, self._clock.steady_s() + wait_s)

    def places(self, owner: str) -> dict[str, int]:
        """Tell the places of an owner's runs, by run: 1 is the next to leave."""
        if self._places is None:
            self._places = {}
            for line in self._lines.values():
                for place, ticket in enumerate(line.waiting, start=1):
                    self._places.setdefault(ticket.owner, {})[ticket.run_id] = place
        return self._places.get(owner, {})

    def changes(self, owner: str) -> AbstractContextManager[asyncio.Event]:
        """Give an event that is set when places of an owner's runs may have changed."""
        return self._bells.hang(owner)

    async def stop(self) -> None:
        """Call nobody any more."""
        callers = [line.caller for line in self._lines.values() if line.caller is not None]
        for caller in callers:
            caller.cancel()
        await asyncio.gather(*callers, return_exceptions=True)
        if self._telling is not None:
            self._telling.cancel()

    async def _is_free(self, line: _Line, account: str) -> bool:
        """Whether a create may leave at once, nobody waiting; then it is counted."""
        if line.caller is not None or self._clock.steady_s() < line.held_until_s:
            return False
        return await self._take(account) == 0

    async def _wait(
        self, ticket: Ticket, line: _Line, account: str, on_wait: Callable[[], Awaitable[None]]
    ) -> None:
        if line.caller is None:
            line.caller = asyncio.create_task(self._call_out(line, account))
        self._tell_soon()
        try:
            await on_wait()
            await ticket.turn
        finally:
            line.waiting.remove(ticket.owner, ticket)
            self._tell_soon()

    async def _call_out(self, line: _Line, account: str) -> None:
        """Call one after the other, for as long as anyone waits."""
        problem: Exception | None = None
        try:
            while len(line.waiting):
                wait_s = line.held_until_s - self._clock.steady_s()
                if wait_s <= 0:
                    wait_s = await self._take(account)
                if wait_s > 0:
                    await self._clock.sleep(wait_s)
                elif len(line.waiting):
                    ticket = line.waiting.pop()
                    if not ticket.turn.done():
                        ticket.turn.set_result(None)
                    self._tell_soon()
        except Exception as exc:  # noqa: BLE001 - handed to those who wait
            problem = exc
        finally:
            line.caller = None
        while problem is not None and len(line.waiting):
            ticket = line.waiting.pop()
            if not ticket.turn.done():
                ticket.turn.set_exception(problem)

    def _tell_soon(self) -> None:
        """Have the places told in a moment: when a line moves, everyone's place changes."""
        self._places = None
        if self._telling is None:
            loop = asyncio.get_running_loop()
            self._telling = loop.call_later(TOLD_EVERY_S, self._tell)

    def _tell(self) -> None:
        self._telling = None
        self._bells.ring_all()


async def _nothing() -> None:
    pass
