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


async def test_a_still_is_made_when_it_is_asked_for(
    service: RunService, values: dict[str, Any], brush: SlowBrush
) -> None:
    """Not before: most are never looked at."""
    brush.may_draw.set()
    run = await press(service, values)
    await idle(service)
    assert brush.drawn == []
    assert (await service.history.poster_file(OWNER, run.id)).is_file()
    assert (await service.run(OWNER, run.id)).poster


async def test_a_still_is_drawn_once_however_many_ask(
    service: RunService, values: dict[str, Any], brush: SlowBrush
) -> None:
    """Also where they ask at the same time; who leaves takes it from nobody."""
    run = await press(service, values)
    await idle(service)
    asking = [asyncio.create_task(service.history.poster_file(OWNER, run.id)) for _ in range(3)]
    await until(lambda: brush.drawn != [])
    asking.pop().cancel()
    brush.may_draw.set()
    stills = await asyncio.gather(*asking)
    assert stills[0].is_file()
    assert brush.drawn == [run.id]


async def test_a_stop_does_not_wait_for_stills(
    service: RunService, values: dict[str, Any], brush: SlowBrush
) -> None:
    """What was not drawn is drawn when somebody asks for it again."""
    run = await press(service, values)
    await idle(service)
    asking = asyncio.create_task(service.history.poster_file(OWNER, run.id))
    await until(lambda: brush.drawn != [])
    async with asyncio.timeout(10):
        await service.stop()
    brush.may_draw.set()
    with pytest.raises(asyncio.CancelledError):
        await asking
