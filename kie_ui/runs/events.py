"""Changed runs, published to their owners' open pages: always the newest state of each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from kie_ui.runs.clock import Clock
from kie_ui.runs.run import Run

T = TypeVar("T")

PROGRESS_INTERVAL_S = 0.25
"""Seconds between two reports of a transfer's progress."""


class Subscription(AsyncIterator[Run]):
    """Changed runs of one owner.

    A run that changes again before it was read is delivered once, in its newest state, so a slow
    reader costs at most one entry a run.
    """

    def __init__(self) -> None:
        self._unread: dict[str, Run] = {}
        self._has_unread = asyncio.Event()

    def put(self, run: Run) -> None:
        """Queue a run for reading, in place of its older state."""
        self._unread[run.id] = run
        self._has_unread.set()

    async def __anext__(self) -> Run:
        """Wait for a changed run."""
        while not self._unread:
            self._has_unread.clear()
            await self._has_unread.wait()
        return self._unread.pop(next(iter(self._unread)))


class _Subscriptions(Generic[T]):
    """What is open for each owner, such as one entry for each of their pages."""

    def __init__(self, create: Callable[[], T]) -> None:
        self._create = create
        self._subscriptions: dict[str, set[T]] = {}

    @contextmanager
    def subscribe(self, owner: str) -> Iterator[T]:
        """Subscribe to an owner's changes until the block ends."""
        subscription = self._create()
        self._subscriptions.setdefault(owner, set()).add(subscription)
        try:
            yield subscription
        finally:
            subscriptions = self._subscriptions[owner]
            subscriptions.remove(subscription)
            if not subscriptions:
                del self._subscriptions[owner]

    def has(self, owner: str) -> bool:
        """Say whether the owner has a subscription."""
        return owner in self._subscriptions


class RunEvents(_Subscriptions[Subscription]):
    """Passes changed runs on to the subscriptions of their owners."""

    def __init__(self) -> None:
        super().__init__(Subscription)

    def publish(self, run: Run) -> None:
        """Pass a run to every subscription of its owner; never waits."""
        for subscription in self._subscriptions.get(run.owner, ()):
            subscription.put(run)


class ChangeSignals(_Subscriptions[asyncio.Event]):
    """Events that are set when there is something to look at; the reader clears them."""

    def __init__(self) -> None:
        super().__init__(asyncio.Event)

    def notify(self, owner: str) -> None:
        """Set the events of one owner."""
        for signal in self._subscriptions.get(owner, ()):
            signal.set()

    def notify_all(self) -> None:
        """Set everyone's events."""
        for owner in self._subscriptions:
            self.notify(owner)


def transfer_progress(
    events: RunEvents, clock: Clock, run: Run, part: int = 0, parts: int = 1
) -> Callable[[int, int | None], None]:
    """Return what publishes how far one of several transfers of a run is; nothing of it is saved.

    It is called with the bytes moved so far, and their total if that is known.
    """
    published_s = float("-inf")

    def publish(moved_bytes: int, total_bytes: int | None) -> None:
        nonlocal published_s
        now_s = clock.steady_s()
        if total_bytes and now_s - published_s >= PROGRESS_INTERVAL_S:
            published_s = now_s
            progress = (part + min(1.0, moved_bytes / total_bytes)) / parts
            events.publish(run.model_copy(update={"progress": progress}))

    return publish
