"""One load on one page, from the idle page to the last clip, and what was measured on the way."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from benchmarks.load.http import fetch
from benchmarks.load.ledger import Ledger
from benchmarks.load.options import Options
from benchmarks.load.servers import Server
from benchmarks.load.visitors import PROBLEMS, Site, Visit
from kie_ui.catalog.request import CREATE_TASK_PATH

WARM_UP_RUNS = 4
WARM_UP_TASK_S = 1.0
IDLE_OPENINGS = 20
OPEN_EVERY_S = 1.0
"""Newcomers come at this pace always, however long the one before has to wait."""
SAMPLE_EVERY_S = 0.5
SETTLE_S = 3.0
"""Between two phases, so that none pays for the one before."""


@dataclass
class Openings:
    """Seconds that a newcomer's page took to open, by what was going on."""

    idle: list[float] = field(default_factory=list)
    pressing: list[float] = field(default_factory=list)
    """While people pressed Generate."""
    in_flight: list[float] = field(default_factory=list)
    """While all had pressed, and no clip had come yet."""
    arriving: list[float] = field(default_factory=list)
    """While clips arrived."""
    failed: int = 0
    """How often it did not open at all."""


@dataclass
class Measured:
    """Everything about one load. Memory in millions of bytes, processor times of one core."""

    visits: list[Visit]
    ledger: Ledger
    openings: Openings = field(default_factory=Openings)
    records: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Kie's records of the tasks of each prompt."""
    memory_before_mb: float = 0
    memory_peak_mb: float = 0
    memory_after_mb: float = 0
    load_s: float = 0
    page_cpu_s: float = 0
    kie_cpu_s: float = 0
    own_cpu_s: float = 0


class Measurement:
    """Puts a page under load."""

    def __init__(self, site: Site, page: Server, kie: Server, options: Options) -> None:
        self._site = site
        self._page = page
        self._kie = kie
        self._options = options
        visits = [Visit(prompt=f"A benchmark's run {number}.") for number in range(options.runs)]
        self._measured = Measured(visits, Ledger(kie.url))

    async def run(self) -> Measured:
        """Open the idle page, press, wait for the clips or the cut-off, and count."""
        measured = self._measured
        await self._warm_up()
        measured.memory_before_mb = self._page.memory_mb()
        async with _beside(measured.ledger.follow(), self._sample(), self._open_pages()):
            await asyncio.sleep(IDLE_OPENINGS * OPEN_EVERY_S)
            await self._timed_load()
        await measured.ledger.read()
        await asyncio.sleep(SETTLE_S)
        measured.memory_after_mb = self._page.memory_mb()
        for record in await measured.ledger.records():
            measured.records.setdefault(prompt_of(record), []).append(record)
        return measured

    async def _warm_up(self) -> None:
        """Let some runs pass quickly: what is loaded only once is no cost of a thousand runs."""
        outcome = {"slowness": WARM_UP_TASK_S / self._options.task_s}
        fault = {"path": CREATE_TASK_PATH, "times": WARM_UP_RUNS, "outcome": outcome}
        await fetch(f"{self._kie.url}/simulator/faults", json_body=fault)
        visits = [Visit(prompt="Warming up.") for _ in range(WARM_UP_RUNS)]
        async with AsyncExitStack() as pages:
            await asyncio.gather(*(self._site.visit(visit, pages) for visit in visits))
        problems = {visit.problem for visit in visits if not visit.is_done}
        if problems:
            raise RuntimeError(f"The page does not work: {problems}")
        await self._site.opening_s()
        await self._measured.ledger.begin()
        await asyncio.sleep(SETTLE_S)

    async def _timed_load(self) -> None:
        measured = self._measured
        cpu_s = (self._page.cpu_s(), self._kie.cpu_s(), time.process_time())
        start_s = time.perf_counter()
        await self._load()
        measured.load_s = time.perf_counter() - start_s
        measured.page_cpu_s = self._page.cpu_s() - cpu_s[0]
        measured.kie_cpu_s = self._kie.cpu_s() - cpu_s[1]
        measured.own_cpu_s = time.process_time() - cpu_s[2]

    async def _load(self) -> None:
        """Let people come evenly; stop at the cut-off."""
        start_s = _now_s()
        people: list[asyncio.Task[None]] = []
        async with AsyncExitStack() as pages:
            for number, visit in enumerate(self._measured.visits):
                await _sleep_until(start_s + number / self._options.rate_per_s)
                people.append(asyncio.create_task(self._site.visit(visit, pages)))
            left_s = start_s + self._options.cut_off_s - _now_s()
            _, late = await asyncio.wait(people, timeout=max(0.0, left_s))
            for person in late:
                person.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _sample(self) -> None:
        measured = self._measured
        while True:
            measured.memory_peak_mb = max(measured.memory_peak_mb, self._page.memory_mb())
            await asyncio.sleep(SAMPLE_EVERY_S)

    async def _open_pages(self) -> None:
        """Come as a newcomer, over and over."""
        start_s = _now_s()
        async with asyncio.TaskGroup() as newcomers:
            for number in count():
                await _sleep_until(start_s + number * OPEN_EVERY_S)
                newcomers.create_task(self._open_page(self._phase()))

    async def _open_page(self, phase: list[float]) -> None:
        try:
            phase.append(await self._site.opening_s())
        except PROBLEMS:
            self._measured.openings.failed += 1

    def _phase(self) -> list[float]:
        openings, visits = self._measured.openings, self._measured.visits
        if visits[0].pressed_at_s is None:
            return openings.idle
        if visits[-1].pressed_at_s is None:
            return openings.pressing
        is_arriving = any(visit.done_at_s is not None for visit in visits)
        return openings.arriving if is_arriving else openings.in_flight


def prompt_of(record: dict[str, Any]) -> str:
    """Return the prompt that a task was made with."""
    request = json.loads(record["param"])
    return str(request["input"]["prompt"])


@asynccontextmanager
async def _beside(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do endless work beside the block. Raises what ended one of them."""
    tasks = [asyncio.create_task(part) for part in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome


def _now_s() -> float:
    return asyncio.get_running_loop().time()


async def _sleep_until(moment_s: float) -> None:
    await asyncio.sleep(max(0.0, moment_s - _now_s()))
