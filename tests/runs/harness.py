"""A clock that runs fast, and a service on top of it and of the fake of Kie."""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import math
import time
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import create_engine, event, text

from kie_ui.catalog.registry import Catalog, built_in_registry
from kie_ui.catalog.values import FileRef
from kie_ui.kie.client import Backend, KieClient
from kie_ui.media.storage import Storage
from kie_ui.runs.accounts import KEY_GONE, Backends, Balances, Clients
from kie_ui.runs.clock import Clock
from kie_ui.runs.errors import StoreProblem
from kie_ui.runs.events import RunEvents
from kie_ui.runs.lifecycle.poll_scheduler import Outcome, PollScheduler, PollSettings
from kie_ui.runs.run import BackendKind, Clip, Run, RunError, Step, StepChange, Upload
from kie_ui.runs.service import Limits, RunService
from kie_ui.runs.storage import migrations
from kie_ui.runs.storage.run_store import RunStore, sqlite_url
from kie_ui.runs.storage.tables import to_row
from tests.fake_kie import Answer, FakeKie, Fault, endless, refusal

API = "http://kie.test"
GROK = "grok-imagine/image-to-video"
KEY = "planted-key-of-the-tests"
SERVER_KEY = "key-of-the-server"
OWNER = "ada"
OLD_NAMES = {"status_note": "note", "user_note": "remark"}
"""Columns of former versions."""
WEB = {"image_urls": ["https://example.com/a.png"]}
"""Values of a form whose picture need not be uploaded."""
FULL_DISK = "The database of runs cannot grow: the disk is full."
HELD = "The database of runs is held by another program."
NOT_FOUND = refusal(422, "recordInfo is null")
PATIENCE_S = 30
"""How long a test waits for what must come."""


class FastClock:
    """Time that runs `speed` times as fast as the wall clock's, and can jump.

    The speed may change at any moment, and 0 stops time; sleepers notice soon. A clock that
    `is_shared` shows all processes of one computer the same time.
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
    """Answers polls as scripted, and records which run was polled when."""

    def __init__(self, time: StillTime) -> None:
        self._time = time
        self.polled: list[tuple[str, float]] = []
        self.outcomes: dict[str, list[Run | Outcome]] = {}
        self.usual = Outcome.AGAIN
        self.hold: asyncio.Event | None = None
        self.takes_s = 0.0
        self.concurrent = 0
        self.max_concurrent = 0

    async def __call__(self, run: Run) -> Run | Outcome:
        self.polled.append((run.id, self._time.now_s))
        self.concurrent += 1
        self.max_concurrent = max(self.max_concurrent, self.concurrent)
        if self.hold is not None:
            await self.hold.wait()
        if self.takes_s:
            await self._time.clock.sleep(self.takes_s)
        self.concurrent -= 1
        following = self.outcomes.get(run.id)
        return following.pop(0) if following else self.usual


class Polling:
    """A scheduler under a test's own time, and the runs that wait for the ends of their tasks."""

    def __init__(
        self,
        poll: Callable[[Run], Awaitable[Run | Outcome]] | None = None,
        account_of: Callable[[Run], str] = lambda _run: "account",
        *,
        polls_per_s: float = math.inf,
        max_concurrent: int = 8,
        chance: float = 0.0,
    ) -> None:
        self.time = StillTime()
        self.pass_s = self.time.pass_s
        self.questions = Questions(self.time)
        settings = PollSettings(self.time.clock, max_concurrent, polls_per_s, lambda: chance)
        self.scheduler = PollScheduler(poll or self.questions, account_of, settings)
        self.hint = self.scheduler.hint
        self.wake = self.scheduler.wake
        self._waiting: list[asyncio.Task[Run]] = []

    def watch(self, run: Run | None = None, *, at_once: bool = False) -> None:
        waiting = self.scheduler.wait(run or a_watched_run(), at_once=at_once)
        self._waiting.append(asyncio.create_task(waiting))

    def watch_many(self, runs: int) -> None:
        for number in range(runs):
            self.watch(a_watched_run(f"r{number}"))

    @property
    def polled(self) -> list[tuple[str, float]]:
        """Which run was polled when."""
        return self.questions.polled

    def times_s(self, run_id: str = "r1") -> list[float]:
        return [at_s for polled, at_s in self.polled if polled == run_id]

    def all_times_s(self) -> list[float]:
        return [at_s for _, at_s in self.polled]

    async def stop(self) -> None:
        for task in self._waiting:
            task.cancel()
        await self.scheduler.stop()
        await asyncio.gather(*self._waiting, return_exceptions=True)


def make_backends(api: str = API) -> Backends:
    """Return backends where the one owner has typed a key."""
    made = _backends(api)
    made.set_key(OWNER, KEY)
    return made


def make_shared_backends() -> Backends:
    """Return the backends of a server with a key that every visitor may use."""
    return _backends(API, server=_backend("live", API, SERVER_KEY))


def _backends(api: str, server: Backend | None = None) -> Backends:
    async def demo() -> Backend:
        return _backend("demo", api, "demo-key")

    return Backends(
        demo=demo,
        server=server,
        may_use_server=lambda _owner: True,
        api_base_url=api,
        upload_base_url=api,
    )


def _backend(kind: BackendKind, api: str, key: str) -> Backend:
    return Backend(kind=kind, api_base_url=api, upload_base_url=api, api_key=SecretStr(key))


class Restart(Protocol):
    """Stops the service, if one runs, and starts the next one over the same data."""

    async def __call__(self, limits: Limits = ...) -> RunService: ...


class StartAnother(Protocol):
    """Starts one more service over the same data, as a process of its own would."""

    async def __call__(
        self,
        limits: Limits = ...,
        *,
        backends: Backends | None = None,
        catalog: Catalog | None = None,
    ) -> RunService: ...


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
    """Return the values of a valid form."""
    return {
        "image_urls": [FileRef(path=str(picture), name=picture.name)],
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
    """Return a run whose task was made, and which was not polled yet."""
    fields |= {"id": run_id, "task_id": f"task-of-{run_id}", "step": Step.WAITING}
    return a_run(owner=owner, sent_at_ms=sent_at_ms, created_at_ms=sent_at_ms, **fields)


async def press(
    service: RunService,
    values: dict[str, Any],
    *steps: Step,
    owner: str = OWNER,
    backend: BackendKind = "live",
) -> Run:
    """Press Generate, and wait until the run is at one of the steps, or else until it ends."""
    run = await service.submit(owner, GROK, values, backend)
    return await (reached(service, run, *steps) if steps else ended(service, run))


async def press_until(service: RunService, values: dict[str, Any], end: Step) -> Run:
    """Press Generate, and claim that the run ends at this step."""
    run = await press(service, values)
    assert run.step is end
    return run


async def press_times(service: RunService, values: dict[str, Any], times: int) -> list[Run]:
    """Press Generate several times."""
    return [await service.submit(OWNER, GROK, values, "live") for _ in range(times)]


async def ended(service: RunService, run: Run) -> Run:
    """Wait for the end of a run."""
    return await when(service, run, lambda run: run.is_final)


async def reached(service: RunService, run: Run, *steps: Step) -> Run:
    """Wait until a run is at one of the steps."""
    return await when(service, run, lambda run: run.step in steps)


async def noted(service: RunService, run: Run, note: str) -> None:
    """Wait until a run has a status note."""
    await when(service, run, lambda run: run.status_note == note)


async def when(service: RunService, run: Run, claim: Callable[[Run], bool]) -> Run:
    """Wait until a claim about a run is true."""
    async with asyncio.timeout(PATIENCE_S), service.subscribe(run.owner) as changed:
        run = await service.run(run.owner, run.id)
        while not claim(run):
            news = await anext(changed)
            run = news if news.id == run.id else run
    return run


async def idle(service: RunService) -> None:
    """Wait until a service works on no run."""
    await until(lambda: not service._engine._running)


async def missing(
    service: RunService, fake: FakeKie, fast: FastClock, values: dict[str, Any]
) -> Run:
    """Press Generate, and have Kie not know the task for longer than is usual."""
    fake.outages["record"] = NOT_FOUND
    run = await press(service, values, Step.WAITING)
    fast.jump(125)
    return await reached(service, run, Step.UNKNOWN)


def error_of(run: Run) -> RunError:
    """Return the error that a run must have."""
    assert run.error is not None
    return run.error


async def until(claim: Callable[[], bool]) -> None:
    """Wait until something becomes true."""
    async with asyncio.timeout(PATIENCE_S):
        while not claim():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


def most_within(times_s: list[float], window_s: float) -> int:
    """Return the largest number of times within any window of so many seconds."""
    return max(sum(start <= at_s < start + window_s for at_s in times_s) for start in times_s)


class RecordedEvents(RunEvents):
    """Remembers everything that is published."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[Run] = []

    def publish(self, run: Run) -> None:
        self.runs.append(run)
        super().publish(run)


class Flaky:
    """Has a method of a store fail as long as any failures are `left`."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        store: object,
        method: str,
        sentence: str,
        *,
        left: float = 0,
        only_if: Callable[..., bool] = lambda *_args, **_kwargs: True,
    ) -> None:
        self.left = left
        self.failed = 0
        real = getattr(store, method)

        async def work_or_fail(*args: Any, **kwargs: Any) -> Any:
            if self.left > 0 and only_if(*args, **kwargs):
                self.left -= 1
                self.failed += 1
                raise StoreProblem(sentence)
            return await real(*args, **kwargs)

        monkeypatch.setattr(store, method, work_or_fail)


def held_until(released: asyncio.Event) -> Fault:
    """Keep requests waiting until they are released, and let Kie answer them then."""

    async def hold(request: httpx.Request) -> Answer | None:
        await released.wait()
        return None

    return hold


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


def fingerprint(path: Path) -> str:
    """Return the digest of a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def damage(path: Path, first: float = 0.4, last: float = 0.6) -> None:
    """Overwrite some pages in the middle of a database."""
    content = bytearray(path.read_bytes())
    pages = len(content) // 4096
    for page in range(int(pages * first), int(pages * last)):
        content[page * 4096 : (page + 1) * 4096] = b"\xa5" * 4096
    path.write_bytes(content)


async def waiting_for_its_key(
    restart: Restart,
    fake: FakeKie,
    backends: Backends,
    values: dict[str, Any],
    limits: Limits = Limits(),  # noqa: B008 - it is frozen
) -> tuple[RunService, Run]:
    """Stop a run before it is sent, forget its key, and return the next service that holds it."""
    fake.faults["upload"] = [endless]
    service = await restart(limits)
    run = await service.submit(OWNER, GROK, values, "live")
    await until(lambda: fake.counts["upload"] == 1)
    backends.forget_key(OWNER)
    service = await restart(limits)
    await noted(service, run, KEY_GONE)
    return service, run


def make_older_database(
    monkeypatch: pytest.MonkeyPatch, url: str, migrations_applied: int, *runs: Run
) -> set[str]:
    """Make a database with runs by the first migrations alone; return the columns of a run."""
    engine = create_engine(url)
    with monkeypatch.context() as patched, engine.begin() as connection:
        older = dict(islice(migrations.MIGRATIONS.items(), migrations_applied))
        patched.setattr(migrations, "MIGRATIONS", older)
        migrations.migrate(connection, at_ms=1)
        columns = {row.name for row in connection.execute(text("PRAGMA table_info(runs)"))}
        for run in runs:
            row = {OLD_NAMES.get(name, name): value for name, value in to_row(run).items()}
            old_row = {name: value for name, value in row.items() if name in columns}
            names = ", ".join(f'"{name}"' for name in old_row)
            marks = ", ".join(f":{name}" for name in old_row)
            connection.execute(text(f"INSERT INTO runs ({names}) VALUES ({marks})"), old_row)
    engine.dispose()
    return columns
