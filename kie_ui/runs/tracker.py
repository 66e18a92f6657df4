"""One watcher for all tasks, never giving one up by itself; each account has a lane of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from kie_ui.runs.backends import Billed
from kie_ui.runs.lane import Ask, Lane, LaneSettings, Outcome, Watch

AccountOf = Callable[[Billed], str]
"""Names the account with which something was made; any name where its key is missing."""


async def _never_asked(_watch: Watch) -> Outcome:
    raise AssertionError("a tracker asks from its start on")


class Tracker:
    """Asks about every watched task, those of one account in one lane."""

    def __init__(self, settings: LaneSettings, account_of: AccountOf) -> None:
        self._settings = settings
        self._account_of = account_of
        self._ask: Ask = _never_asked
        self._lanes: dict[str, Lane] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._is_stopped = False

    def start(self, ask: Ask) -> None:
        """Begin to ask, by means of `ask`."""
        self._ask = ask

    async def stop(self) -> None:
        """Stop asking; what was being asked is dropped, as asking changes nothing at Kie."""
        self._is_stopped = True
        lanes = tuple(self._lanes.values())
        self._lanes.clear()
        await asyncio.gather(*(lane.stop() for lane in lanes), *self._closing)

    def watch(self, watch: Watch, *, at_once: bool = False) -> None:
        """Put a task under watch, unless it is already, or nothing is watched any more."""
        if not self._is_stopped and self._find(watch.run_id) is None:
            self._lane_of(watch).watch(watch, at_once=at_once)

    async def turn(self, made: Billed) -> None:
        """Wait until one more question may be asked with an account, beside those about watches."""
        if not self._is_stopped:
            await self._lane_of(made).turn()

    def complained(self, made: Billed) -> None:
        """Slow down: such a question was one too many."""
        if not self._is_stopped:
            self._lane_of(made).complained()

    def share(self, processes: int) -> None:
        """Have all lanes ask at their share of the pace: so many processes ask with one key."""
        self._settings.pace_share.processes = processes

    def wake(self, owner: str) -> None:
        """Ask about all of an owner's tasks soon, with the key that the owner has now."""
        for lane in tuple(self._lanes.values()):
            for watch in lane.give_up(owner):
                self._lane_of(watch).watch(watch, at_once=True)
            lane.wake(owner)  # those that were just being asked about
        self._close_empty()

    def hint(self, run_id: str, task_id: str | None = None) -> bool:
        """Ask about one run's task at once: someone says that it has news. False if unwatched."""
        found = self._find(run_id)
        if found is None or task_id not in (None, found[1].task_id):
            return False
        lane, watch = found
        lane.hint(watch)
        return True

    def _find(self, run_id: str) -> tuple[Lane, Watch] | None:
        for lane in self._lanes.values():
            watch = lane.find(run_id)
            if watch is not None:
                return lane, watch
        return None

    def _lane_of(self, made: Billed) -> Lane:
        account = self._account_of(made)
        lane = self._lanes.get(account)
        if lane is None:
            self._close_empty()
            lane = self._lanes[account] = Lane(self._ask, self._settings)
        return lane

    def _close_empty(self) -> None:
        """Let go of the lanes of keys that nobody uses any more."""
        for account in [account for account, lane in self._lanes.items() if not len(lane)]:
            closing = asyncio.create_task(self._lanes.pop(account).stop())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
