"""People at the page: each opens it, presses once, waits for the clip, and leaves it open."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from benchmarks.load.http import BadStatus, fetch, open_request
from benchmarks.load.press import Press, Refused

PROBLEMS = (BadStatus, Refused, OSError, asyncio.IncompleteReadError)
"""What may happen instead of a clip."""


@dataclass
class Visit:
    """One visitor's run, as seen from the page. Times are UTC seconds."""

    prompt: str
    pressed_at_s: float | None = None
    heard_at_s: float | None = None
    """When the page knew that the press had arrived."""
    refused_at_s: float | None = None
    """When the page knew that it had not been taken."""
    noticed_at_s: float | None = None
    """When our server learnt of the success, by the run’s own record."""
    done_at_s: float | None = None
    """When the page knew its clip."""
    clip_bytes: int = 0
    problem: str = ""

    @property
    def is_done(self) -> bool:
        """Whether the page has its clip, and the clip could be fetched."""
        return self.clip_bytes > 0


class Site(ABC):
    """A page under load."""

    def __init__(self, url: str, press: Press) -> None:
        self.url = url
        self.press = press

    async def visit(self, visit: Visit, pages: AsyncExitStack) -> None:
        """Go from the opened page to the clip; the page stays open until `pages` are closed."""
        try:
            await self._visit(visit, pages)
        except PROBLEMS as problem:
            visit.problem = f"{type(problem).__name__}: {problem}"
            if isinstance(problem, BadStatus) and visit.pressed_at_s and not visit.heard_at_s:
                visit.refused_at_s = time.time()

    async def opening_s(self) -> float:
        """Open the page as a newcomer's browser does; return the seconds until it can be used.

        A browser does not request /config: the configuration is in the page's HTML.
        """
        start_s = time.perf_counter()
        async with open_request(f"{self.url}/") as answer:
            cookie = answer.cookie
            await answer.body()
        await self._open(cookie)
        return time.perf_counter() - start_s

    @abstractmethod
    async def _visit(self, visit: Visit, pages: AsyncExitStack) -> None: ...

    @abstractmethod
    async def _open(self, cookie: str) -> None:
        """Do what a page does once its parts are there."""


class KieUi(Site):
    """Our own page: it listens to the stream of its visitor's runs."""

    async def _visit(self, visit: Visit, pages: AsyncExitStack) -> None:
        stream = await pages.enter_async_context(open_request(f"{self.url}/kie-ui/stream"))
        events = stream.events()
        await _first_of(events, "ready")
        visit.pressed_at_s = time.time()
        await self.press.send(visit.prompt, stream.cookie)
        visit.heard_at_s = time.time()
        run = await _final_run(events)
        visit.done_at_s = time.time()
        if run["step"] != "done":
            raise Refused(f"{run['step']}: {run['error']}")
        visit.noticed_at_s = dict(run["step_changes"])["fetching"] / 1000
        clip = f"{self.url}/kie-ui/runs/{run['id']}/clips/0.mp4"
        visit.clip_bytes = len(await fetch(clip, cookie=stream.cookie))

    async def _open(self, cookie: str) -> None:
        async with open_request(f"{self.url}/kie-ui/stream", cookie=cookie) as stream:
            await _first_of(stream.events(), "ready")


class PlainApp(Site):
    """A page whose event is held open until the clip is there."""

    async def _visit(self, visit: Visit, pages: AsyncExitStack) -> None:
        del pages  # between its events such a page holds no connection
        visit.pressed_at_s = time.time()
        (shown,) = await self.press.send(visit.prompt, "")
        visit.done_at_s = time.time()
        clip = f"{self.url}/gradio_api/file={quote(shown['path'])}"
        visit.clip_bytes = len(await fetch(clip))

    async def _open(self, cookie: str) -> None:
        """Nothing more is requested."""


async def _first_of(events: AsyncIterator[tuple[str, Any]], name: str) -> Any:
    """Wait for an event. Raises: Refused, where the stream ends without it."""
    async for found, data in events:
        if found == name:
            return data
    raise Refused(f"the stream ended before “{name}”")


async def _final_run(events: AsyncIterator[tuple[str, Any]]) -> dict[str, Any]:
    while True:
        run: dict[str, Any] = await _first_of(events, "run")
        if run["is_final"]:
            return run
