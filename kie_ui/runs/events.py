"""Changed runs, told to whoever watches: each reader at its own pace, always the newest state."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from kie_ui.runs.run import Run


class Subscription(AsyncIterator[Run]):
    """Changed runs of one owner.

    A run that changes again before it was read is told once, in its newest state, so a slow reader
    costs at most one entry a run.
    """

    def __init__(self) -> None:
        self._unread: dict[str, Run] = {}
        self._something = asyncio.Event()

    def tell(self, run: Run) -> None:
        """Put a run up for reading, in place of its older state."""
        self._unread[run.id] = run
        self._something.set()

    async def __anext__(self) -> Run:
        """Wait for a changed run."""
        while not self._unread:
            self._something.clear()
            await self._something.wait()
        return self._unread.pop(next(iter(self._unread)))


class Feed:
    """Passes changed runs on to the subscriptions of their owners."""

    def __init__(self) -> None:
        self._subscriptions: dict[str, set[Subscription]] = {}

    def publish(self, run: Run) -> None:
        """Tell every subscription of the run's owner; never waits."""
        for subscription in self._subscriptions.get(run.owner, ()):
            subscription.tell(run)

    @contextmanager
    def subscribe(self, owner: str) -> Iterator[Subscription]:
        """Open a subscription to an owner's runs and close it in the end."""
        subscription = Subscription()
        self._subscriptions.setdefault(owner, set()).add(subscription)
        try:
            yield subscription
        finally:
            readers = self._subscriptions[owner]
            readers.remove(subscription)
            if not readers:
                del self._subscriptions[owner]


class ChangeSignals:
    """One bell for each page that an owner has open: rung when there is something to look at."""

    def __init__(self) -> None:
        self._hung: dict[str, set[asyncio.Event]] = {}

    @contextmanager
    def subscribe(self, owner: str) -> Iterator[asyncio.Event]:
        """Give an event that is set whenever it rings for the owner; the reader clears it."""
        bell = asyncio.Event()
        self._hung.setdefault(owner, set()).add(bell)
        try:
            yield bell
        finally:
            bells = self._hung[owner]
            bells.remove(bell)
            if not bells:
                del self._hung[owner]

    def has(self, owner: str) -> bool:
        """Say whether the owner has a page open."""
        return owner in self._hung

    def notify(self, owner: str) -> None:
        """Ring for one owner."""
        for bell in self._hung.get(owner, ()):
            bell.set()

    def notify_all(self) -> None:
        """Ring for everyone."""
        for owner in self._hung:
            self.notify(owner)
