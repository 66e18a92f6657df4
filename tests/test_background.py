from __future__ import annotations

import asyncio
import logging

import pytest

from kie_ui.background import BackgroundTasks


async def test_a_task_that_dies_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """No background task dies unseen: its name and its error are in the log."""

    async def die() -> None:
        raise ValueError("out of luck")

    tasks = BackgroundTasks()
    with caplog.at_level(logging.ERROR):
        await asyncio.wait([tasks.spawn(die(), name="gambler")])
        await asyncio.sleep(0)
    assert "gambler" in caplog.text
    assert "out of luck" in caplog.text


async def test_a_stop_awaits_what_it_cancels() -> None:
    """After the stop nothing runs any more, what cleans up on its way out included."""
    cleaned = []

    async def last_for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.append(True)

    tasks = BackgroundTasks()
    task = tasks.spawn(last_for_ever(), name="clock")
    await asyncio.sleep(0)
    await tasks.stop()
    assert task.cancelled()
    assert cleaned == [True]


async def test_what_is_repeated_survives_its_errors(caplog: pytest.LogCaptureFixture) -> None:
    """An expected error is logged as its sentence, any other with its traceback; both go on."""
    errors: list[Exception | None] = [OSError("The disk is full."), ValueError("a fault"), None]
    done = asyncio.Event()

    async def work() -> None:
        if error := errors.pop(0):
            raise error
        done.set()
        await asyncio.Event().wait()

    tasks = BackgroundTasks()
    tasks.repeat(work, name="sweep", every_s=0, expected=(OSError,))
    async with asyncio.timeout(10):
        await done.wait()
    await tasks.stop()
    assert [record.exc_info is not None for record in caplog.records] == [False, True]
    assert "The background task sweep will try again: The disk is full." in caplog.text
