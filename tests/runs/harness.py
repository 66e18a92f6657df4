"""A clock that runs fast, and a service on top of it and of the fake of Kie."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import httpx
from pydantic import SecretStr
from sqlalchemy import event

from kie_ui.catalog.registry import Catalog, built_in_registry
from kie_ui.catalog.values import FileRef
from kie_ui.kie.client import Backend, KieClient
from kie_ui.media.storage import Storage
from kie_ui.runs.accounts import KEY_GONE, Backends, Balances, Clients
from kie_ui.runs.clock import Clock
from kie_ui.runs.events import RunEvents
from kie_ui.runs.lifecycle.poll_scheduler import Outcome, PollScheduler
from kie_ui.runs.run import Clip, Run, RunError, Step, StepChange, Upload
from kie_ui.runs.service import Limits, RunService
from kie_ui.runs.storage.run_store import RunStore, sqlite_url
from tests.fake_kie import FakeKie, endless

API = "http://kie.test"
GROK = "grok-imagine/image-to-video"
KEY = "planted-key-of-the-tests"
OWNER = "ada"
PATIENCE_S = 30
"""How long a test waits for what must come."""


class FastClock:
    """Time that runs `speed` times as fast as the wall's, and jumps when told to.

    The speed may change at any moment, and 0 stops time; who sleeps notices soon. A clock that
    `is_shared` tells processes of one computer the same time.
    """

    def __init__(self, speed: float = 200.0, *, is_shared: bool = False) -> None:
        self._speed = speed
        self._since_s = 0.0 if is_shared else time.monotonic()
        self._passed_s = 0.0

    @property
    def speed(self) -> float:
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self._passed_s, self._since_s = self.steady_s(), time.monotonic()
        self._speed = speed

    def steady_s(self) -> float:
        return self._passed_s + (time.monotonic() - self._since_s) * self._speed

    def now_ms(self) -> int:
        return 1_800_000_000_000 + int(self.steady_s() * 1000)

    async def sleep(self, duration_s: float) -> None:
        end_s = self.steady_s() + duration_s
        await asyncio.sleep(0)
        while (left_s := end_s - self.steady_s()) > 0:  # noqa: ASYNC110 - the speed has no event
            await asyncio.sleep(min(left_s / self._speed, 0.02) if self._speed else 0.02)

    def jump(self, duration_s: float) -> None:
        self._passed_s += duration_s

    @property
    def clock(self) -> Clock:
        return Clock(self.now_ms, self.steady_s, self.sleep)


class StillTime:
    """Time that passes only when a test lets it."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []
        self._order = count()
        self.clock = Clock(lambda: int(self.now_s * 1000), lambda: self.now_s, self._sleep)

    async def _sleep(self, duration_s: float) -> None:
        woken = asyncio.Event()
        heapq.heappush(self._sleepers, (self.now_s + duration_s, next(self._order), woken))
        await woken.wait()

    async def pass_s(self, duration_s: float) -> None:
        """Let time pass from sleeper to sleeper, each acting before the next."""
        end_s = self.now_s + duration_s
        await self._settle()
        while self._sleepers and self._sleepers[0][0] <= end_s:
            self.now_s, _, woken = heapq.heappop(self._sleepers)
            woken.set()
            await self._settle()
        self.now_s = end_s
        await self._settle()

    async def _settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)


class Questions:
    """Answers as told, and remembers when it was asked about what."""

    def __init__(self, time: StillTime) -> None:
        self._time = time
        self.asked: list[tuple[str, float]] = []
        self.outcomes: dict[str, list[Run | Outcome]] = {}
        self.usual = Outcome.AGAIN
        self.hold: asyncio.Event | None = None
        self.takes_s = 0.0
        self.concurrent = 0
        self.max_concurrent = 0

    async def __call__(self, run: Run) -> Run | Outcome:
        self.asked.append((run.id, self._time.now_s))
        self.concurrent += 1
        self.max_concurrent = max(self.max_concurrent, self.concurrent)
        if self.hold is not None:
            await self.hold.wait()
        if self.takes_s:
            await self._time.clock.sleep(self.takes_s)
        self.concurrent -= 1
        following = self.outcomes.get(run.id)
        return following.pop(0) if following else self.usual

    def times_s(self, run_id: str = "r1") -> list[float]:
        return [at_s for asked, at_s in self.asked if asked == run_id]


class Polling:
    """A scheduler, and the runs that wait for the ends of their tasks with it."""

    def __init__(self, scheduler: PollScheduler) -> None:
        self.scheduler = scheduler
        self.hint = scheduler.hint
        self.wake = scheduler.wake
        self.ended: list[Run] = []
        self._waiting: list[asyncio.Task[None]] = []

    def watch(self, run: Run, *, at_once: bool = False) -> None:
        async def wait() -> None:
            self.ended.append(await self.scheduler.wait(run, at_once=at_once))

        self._waiting.append(asyncio.create_task(wait()))

    async def stop(self) -> None:
        for task in self._waiting:
            task.cancel()
        await self.scheduler.stop()
        await asyncio.gather(*self._waiting, return_exceptions=True)


def make_backends(api: str = API) -> Backends:
    """Return backends where the one owner has typed a key."""

    async def demo() -> Backend:
        return Backend(
            kind="demo", api_base_url=api, upload_base_url=api, api_key=SecretStr("demo-key")
        )

    made = Backends(demo=demo, api_base_url=api, upload_base_url=api)
    made.set_key(OWNER, KEY)
    return made


class Restart(Protocol):
    """Stops the service, if one runs, and starts the next one over the same data."""

    async def __call__(self, limits: Limits = ...) -> RunService: ...


class StartAnother(Protocol):
    """Starts one more service over the same data, as a process of its own would."""

    async def __call__(self, limits: Limits = ...) -> RunService: ...


def make_service(
    folder: Path,
    fast: FastClock,
    backends: Backends,
    transport: httpx.AsyncBaseTransport | None = None,
    limits: Limits = Limits(),  # noqa: B008 - it is frozen
    catalog: Catalog | None = None,
) -> RunService:
    """Return a service over the data in a folder, not yet started."""
    open_client = partial(KieClient, transport=transport, sleep=fast.clock.sleep)
    clients = Clients(open_client, fast.clock)
    return RunService(
        catalog=catalog or built_in_registry(),
        store=RunStore(sqlite_url(folder / "runs.sqlite3"), clock=fast.clock),
        storage=Storage(folder / "files"),
        backends=backends,
        clients=clients,
        balances=Balances(clients, fast.clock),
        limits=limits,
    )


def grok_values(picture: Path) -> dict[str, Any]:
    """Return the values of a form that is filled in rightly."""
    return {
        "image_urls": [FileRef(path=str(picture), name="given.png")],
        "prompt": "She waves.",
        "mode": "fun",
        "duration": "6",
        "resolution": "480p",
    }


FULL: dict[str, Any] = {
    "values": {"image_urls": (FileRef(path="inputs/ab/ab.png", name="ä.png"),), "seed": -1},
    "notices": ("It is made as normal.",),
    "changes": ("It was turned upright.",),
    "estimated_credits": 14.4,
    "uploads": {"inputs/ab/ab.png": Upload(url="https://kie.test/a.png", at_ms=7)},
    "request": {"model": "m", "input": {"prompt": "€ 😀"}},
    "answer": {"code": 200},
    "paid_by": "server",
    "task_id": "task-1",
    "record": {"state": "success"},
    "result_urls": ("https://kie.test/a.mp4",),
    "clips": (Clip(name="clips/a.mp4", width_px=64, height_px=48, duration_s=0.5),),
    "credits_used": 14.4,
    "balance_after": 80.1,
    "status_note": "Kie is busy.",
    "user_note": "The best one.",
    "error": RunError(kind="TaskFailed", message="No.", code=500),
    "is_late": True,
    "progress": 0.25,
    "sent_at_ms": 8,
    "finished_at_ms": 9,
}
"""A value for each field of a run that may have one."""


def a_run(number: int = 1, owner: str = OWNER, **fields: Any) -> Run:
    """Return a run, with numbered id and times."""
    run_id = f"{number:032x}"
    step = fields.get("step", Step.PREPARING)
    made = {
        "id": run_id,
        "owner": owner,
        "backend": "live",
        "model": GROK,
        "values": {"prompt": "She waves."},
        "step_changes": (StepChange(step, 1_000 + number),),
        "created_at_ms": 1_000 + number,
        "updated_at_ms": 1_000 + number,
    }
    return Run.model_validate(made | fields)


def a_watched_run(
    run_id: str = "r1", owner: str = "ada", sent_at_ms: int = 0, **fields: Any
) -> Run:
    """Return a run whose task was made, and of which nothing was asked yet."""
    fields |= {"id": run_id, "task_id": f"task-of-{run_id}", "step": Step.WAITING}
    return a_run(owner=owner, sent_at_ms=sent_at_ms, created_at_ms=sent_at_ms, **fields)


async def reached(service: RunService, run: Run, *steps: Step) -> Run:
    """Wait until a run stands at one of the steps."""
    async with asyncio.timeout(PATIENCE_S), service.subscribe(run.owner) as changed:
        run = await service.run(run.owner, run.id)
        while run.step not in steps:
            news = await anext(changed)
            run = news if news.id == run.id else run
    return run


async def noted(service: RunService, run: Run, note: str) -> None:
    """Wait until a run carries a remark."""
    async with asyncio.timeout(PATIENCE_S), service.subscribe(run.owner) as changed:
        while (await service.run(run.owner, run.id)).status_note != note:
            await anext(changed)


async def until(claim: Callable[[], bool]) -> None:
    """Wait until something becomes true."""
    async with asyncio.timeout(PATIENCE_S):
        while not claim():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


class RecordedEvents(RunEvents):
    """Remembers everything that is published."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[Run] = []

    def publish(self, run: Run) -> None:
        self.runs.append(run)
        super().publish(run)


class Pragmas:
    """Settings of SQLite's that every connection of a store is given, until taken away."""

    def __init__(self, store: RunStore) -> None:
        self.wanted: dict[str, int] = {}
        event.listen(store._database._engine, "checkout", self._apply)

    def make_impatient(self) -> None:
        """Wait for locks of others for hardly a moment."""
        self.wanted["busy_timeout"] = 20

    async def limit(self, store: RunStore, pages_more: int) -> None:
        """Let the file grow by so many pages and no more, as on a full disk."""
        pages = await store._database.read(
            lambda connection: connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        )
        self.wanted["max_page_count"] = pages + pages_more

    def lift_limit(self) -> None:
        """Let the file grow again."""
        self.wanted["max_page_count"] = 1_000_000_000

    def _apply(self, connection: Any, _record: Any, _proxy: Any) -> None:
        for name, value in self.wanted.items():
            connection.execute(f"PRAGMA {name}={value}").close()


def files_below(folder: Path, pattern: str = "*") -> list[Path]:
    """List the files in a folder and in its folders."""
    return [path for path in folder.rglob(pattern) if path.is_file()]


async def waiting_for_its_key(
    restart: Restart, fake: FakeKie, backends: Backends, values: dict[str, Any]
) -> tuple[RunService, Run]:
    """Stop a run before it is sent, forget its key, and return the next service that holds it."""
    fake.faults["upload"] = [endless]
    service = await restart()
    run = await service.submit(OWNER, GROK, values, "live")
    await until(lambda: fake.counts["upload"] == 1)
    backends.forget_key(OWNER)
    service = await restart()
    await noted(service, run, KEY_GONE)
    return service, run
