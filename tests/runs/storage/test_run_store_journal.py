from __future__ import annotations

from kie_ui.runs.clock import Clock
from kie_ui.runs.events import RunEvents, TransferProgress
from kie_ui.runs.run import Run, Step
from kie_ui.runs.storage.run_store import RunStore
from tests.runs.harness import OWNER, a_run


class Told(RunEvents):
    """A feed that remembers everything it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[Run] = []

    def publish(self, run: Run) -> None:
        self.runs.append(run)
        super().publish(run)


class Hand:
    """A clock that is turned by hand."""

    now_s = 0.0

    def clock(self) -> Clock:
        return Clock(lambda: 0, lambda: self.now_s)


async def test_what_is_written_is_kept_before_it_is_told(store: RunStore) -> None:
    """Nobody sees a step that a crash could take back."""
    feed = Told()
    store.events = feed
    run = await store.add(a_run())
    run = await store.change(run.id, step=Step.UPLOADING)
    assert feed.runs[-1] == run == await store.run(run.id)


async def test_a_remark_is_written_once(store: RunStore) -> None:
    """A note that is there already costs neither a write nor a message."""
    feed = Told()
    store.events = feed
    run = await store.set_status_note(await store.add(a_run()), "Waiting.")
    told = len(feed.runs)
    assert await store.set_status_note(run, "Waiting.") is run
    assert len(feed.runs) == told


async def test_progress_is_told_four_times_a_second_at_most(store: RunStore) -> None:
    """A fast upload of many small chunks does not flood the pages."""
    feed, hand = Told(), Hand()
    progress = TransferProgress(feed, hand.clock(), a_run())
    for chunk in range(1, 1_001):
        hand.now_s = chunk / 1_000
        progress(chunk, 1_000)
    assert 4 <= len(feed.runs) <= 5
    shares = [run.progress for run in feed.runs]
    assert shares == sorted(shares, key=lambda share: share or 0)


async def test_progress_counts_all_parts(store: RunStore) -> None:
    """Half of the second of two pictures is three quarters."""
    feed = Told()
    progress = TransferProgress(feed, Hand().clock(), a_run(), part=1, parts=2)
    progress(50, 100)
    assert feed.runs[0].progress == 0.75


async def test_progress_of_unknown_size_is_not_told(store: RunStore) -> None:
    """A host that does not say how much is coming is not guessed at."""
    feed = Told()
    progress = TransferProgress(feed, Hand().clock(), a_run())
    progress(50, None)
    progress(50, 0)
    assert feed.runs == []


async def test_progress_is_not_written_down(store: RunStore) -> None:
    """The database hears of steps, not of bytes."""
    run = await store.add(a_run(owner=OWNER))
    store.transfer_progress(run)(1, 2)
    assert (await store.run(run.id)).progress is None
