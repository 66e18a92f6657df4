from __future__ import annotations

import asyncio

import pytest

from kie_ui.runs.events import RunEvents, Subscription, transfer_progress
from tests.runs.harness import RecordedEvents, StillTime, a_run


async def test_a_reader_gets_every_run_that_changed() -> None:
    """Runs come in the order in which they first changed."""
    feed = RunEvents()
    with feed.subscribe("ada") as changed:
        feed.publish(a_run(1))
        feed.publish(a_run(2))
        assert [await anext(changed), await anext(changed)] == [a_run(1), a_run(2)]


async def test_a_slow_reader_gets_the_newest_state_only() -> None:
    """A thousand changes of one run wait as one."""
    feed = RunEvents()
    with feed.subscribe("ada") as changed:
        for share in range(1_001):
            feed.publish(a_run(1, progress=share / 1_000))
        feed.publish(a_run(2))
        assert (await anext(changed)).progress == 1.0
        assert (await anext(changed)).id == a_run(2).id
        assert _is_idle(changed)


async def test_owners_hear_of_their_own_runs_alone() -> None:
    """What happens to one visitor's run reaches no other."""
    feed = RunEvents()
    with feed.subscribe("ada") as adas, feed.subscribe("eve") as eves:
        feed.publish(a_run(1, owner="ada"))
        assert (await anext(adas)).owner == "ada"
        assert _is_idle(eves)


async def test_a_waiting_reader_is_woken() -> None:
    """A change that comes while nothing is unread ends the wait."""
    feed = RunEvents()
    with feed.subscribe("ada") as changed:
        reading = asyncio.ensure_future(anext(changed))
        await asyncio.sleep(0)
        feed.publish(a_run(1))
        assert await reading == a_run(1)


async def test_every_page_of_an_owner_gets_a_change() -> None:
    """Two tabs of one visitor both see the change."""
    feed = RunEvents()
    with feed.subscribe("ada") as first, feed.subscribe("ada") as second:
        feed.publish(a_run(1))
        assert await anext(first) == await anext(second)


async def test_a_closed_page_leaves_nothing_behind() -> None:
    """Visitors that come and go do not fill the memory, not even when one fails."""
    feed = RunEvents()
    with pytest.raises(RuntimeError), feed.subscribe("ada"), feed.subscribe("ada"):
        raise RuntimeError
    assert feed._subscriptions == {}


def _is_idle(subscription: Subscription) -> bool:
    return not subscription._unread


def test_progress_is_published_four_times_a_second_at_most() -> None:
    """A fast upload of many small chunks does not flood the pages."""
    events, time = RecordedEvents(), StillTime()
    progress = transfer_progress(events, time.clock, a_run())
    for chunk in range(1, 1_001):
        time.now_s = chunk / 1_000
        progress(chunk, 1_000)
    assert 4 <= len(events.runs) <= 5
    shares = [run.progress for run in events.runs]
    assert shares == sorted(shares, key=lambda share: share or 0)


def test_progress_counts_all_parts() -> None:
    """Half of the second of two pictures is three quarters."""
    events = RecordedEvents()
    progress = transfer_progress(events, StillTime().clock, a_run(), part=1, parts=2)
    progress(50, 100)
    assert events.runs[0].progress == 0.75


def test_progress_of_unknown_size_is_not_published() -> None:
    """A host that does not say how much is coming is not guessed at."""
    events = RecordedEvents()
    progress = transfer_progress(events, StillTime().clock, a_run())
    progress(50, None)
    progress(50, 0)
    assert events.runs == []
