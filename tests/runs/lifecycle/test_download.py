from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from kie_ui.runs.lifecycle import download as posters
from kie_ui.runs.service import RunService
from tests.runs.harness import OWNER, idle, press, until


class SlowBrush:
    """Draws only once it may; records what it was called for."""

    def __init__(self, draw: Callable[..., str | None]) -> None:
        self._draw = draw
        self.may_draw = threading.Event()
        self.drawn: list[str] = []

    def __call__(self, run_id: str, *more: Any) -> str | None:
        self.drawn.append(run_id)
        self.may_draw.wait(30)
        return self._draw(run_id, *more)


@pytest.fixture
def brush(monkeypatch: pytest.MonkeyPatch) -> SlowBrush:
    """Have stills drawn by hand."""
    brush = SlowBrush(posters.make_poster_of)
    monkeypatch.setattr(posters, "make_poster_of", brush)
    return brush


async def test_results_do_not_wait_for_stills(
    service: RunService, values: dict[str, Any], brush: SlowBrush
) -> None:
    """Stills that nobody waits for are made one at a time, and each once."""
    runs = [await press(service, values) for _ in range(3)]
    await until(lambda: brush.drawn != [])
    assert len(brush.drawn) == 1
    brush.may_draw.set()
    await idle(service)
    assert sorted(brush.drawn) == sorted(run.id for run in runs)
    assert all([(await service.run(OWNER, run.id)).poster for run in runs])


async def test_a_still_that_is_asked_for_does_not_wait_for_the_others(
    service: RunService, values: dict[str, Any], brush: SlowBrush
) -> None:
    """However many ask at the same time, it is drawn once; who leaves takes it from nobody."""
    runs = [await press(service, values) for _ in range(3)]
    await until(lambda: brush.drawn != [])
    waiting = next(run.id for run in runs if run.id not in brush.drawn)
    asking = [asyncio.create_task(service.history.poster_file(OWNER, waiting)) for _ in range(3)]
    await until(lambda: waiting in brush.drawn)
    asking.pop().cancel()
    brush.may_draw.set()
    stills = await asyncio.gather(*asking)
    assert stills[0].is_file()
    await idle(service)
    assert brush.drawn.count(waiting) == 1


async def test_a_stop_does_not_wait_for_stills(
    service: RunService, values: dict[str, Any], brush: SlowBrush
) -> None:
    """What was not drawn is drawn when somebody asks for it."""
    await press(service, values)
    await until(lambda: brush.drawn != [])
    async with asyncio.timeout(10):
        await service.stop()
    brush.may_draw.set()
