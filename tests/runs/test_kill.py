from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import httpx
import pytest

from kie_ui.runs.run import Run, Step
from kie_ui.runs.service import Limits, RunService
from tests.fake_kie import Answer, FakeKie, endless, serving
from tests.runs.harness import OWNER, FastClock, make_backends, make_service, until
from tests.runs.press_generate import Order
from tests.wire.tiny_media import shows

ROOT = Path(__file__).parents[2]


@dataclass
class Served:
    """A fake on a real port, as a killed process needs one."""

    fake: FakeKie
    held: int = 0
    """How many requests were made to wait for ever."""

    @property
    def url(self) -> str:
        """Where the API is."""
        return self.fake.urls["api"]

    async def hold(self, request: httpx.Request) -> Answer | None:
        """Keep a request waiting for its answer until the test is over."""
        self.held += 1
        return await endless(request)

    async def take_and_hold(self, request: httpx.Request) -> Answer | None:
        """Accept a create and never say so."""
        await self.fake.create(request)
        return await self.hold(request)

    async def cut(self, request: httpx.Request) -> Answer:
        """Answer with half of a clip, and leave the connection open."""
        headers = {"Content-Length": str(len(self.fake.clip))}
        return Answer(200, headers=headers, content=self._half(request))

    async def _half(self, request: httpx.Request) -> AsyncIterator[bytes]:
        yield self.fake.clip[: len(self.fake.clip) // 2]
        await self.hold(request)


@pytest.fixture
def served(fake: FakeKie) -> Iterator[Served]:
    """Serve the fake on this computer."""
    with serving(fake):
        yield Served(fake)


Begin = Callable[[Order], int]


@pytest.fixture(scope="module")
def begin() -> Iterator[Begin]:
    """Return a function that starts a process and returns its id; in the end all are killed."""
    arguments = [sys.executable, "-m", "tests.runs.press_generate"]
    begun: list[int] = []
    with subprocess.Popen(
        arguments, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        orders, answers = parent.stdin, parent.stdout
        assert orders is not None
        assert answers is not None

        def begin_one(order: Order) -> int:
            orders.write(json.dumps(asdict(order)) + "\n")
            orders.flush()
            begun.append(int(answers.readline()))
            return begun[-1]

        yield begin_one
        for process_id in filter(is_there, begun):
            os.kill(process_id, signal.SIGKILL)
        orders.close()


def is_there(process_id: int) -> bool:
    """Tell whether a process exists; those that were killed are cleared away by their parent."""
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


async def kill(process_id: int) -> None:
    """End a process without any farewell, and wait until it is gone."""
    os.kill(process_id, signal.SIGKILL)
    await until(lambda: not is_there(process_id))


@pytest.fixture
def order(served: Served, tmp_path: Path, picture: Path) -> Order:
    """Return the usual order: press once."""
    return Order(str(tmp_path), served.url, str(picture))


def successor(order: Order) -> RunService:
    """Return the service that comes after the killed ones, in this process, not yet started."""
    return make_service(
        Path(order.folder),
        FastClock(order.speed or 200, is_shared=order.speed > 0),  # or from where time stood
        make_backends(order.kie_url),
        limits=Limits(creates_per_10_s=order.creates_per_10_s),
    )


async def ended_by(service: RunService) -> tuple[Run, ...]:
    """Start the last service and wait for the end of every run that it found."""
    await service.start()
    async with asyncio.timeout(10):
        return tuple([await service.ended(OWNER, r.id) for r in await service.recent(OWNER, 99)])


@dataclass(frozen=True)
class Moment:
    """A step of the path at which processes are killed, and what an outsider sees in the end."""

    name: str
    freeze: str | None = None
    """Where the process halts by itself; otherwise the server makes it wait."""
    hold: str | None = None
    """The endpoint whose requests wait for ever."""
    is_taken: bool = False
    """Whether a create that waits was accepted."""
    is_media_cut: bool = False
    """Whether a clip stops half-way, with the connection left open."""
    state: str | None = None
    """The state at which the task stays."""
    is_budget_used: bool = False
    uploads: int = 1
    creates: int = 1
    downloads: int = 1
    end: Step = Step.DONE

    def __str__(self) -> str:
        return self.name

    def arrange(self, served: Served) -> None:
        """Have the server bring a process to this moment."""
        if self.is_media_cut:
            served.fake.outages["media"] = served.cut
        if self.hold is not None:
            served.fake.outages[self.hold] = served.take_and_hold if self.is_taken else served.hold
        if self.state is not None:
            served.fake.record = {"state": self.state, "resultJson": ""}

    def disarrange(self, served: Served) -> None:
        """Have the server answer as usual again."""
        served.fake.outages.clear()
        served.fake.record.clear()


CLIENT, CREATOR = "kie_ui.kie.client:KieClient", "kie_ui.runs.lifecycle.create:TaskCreator"
DOWNLOADER = "kie_ui.runs.lifecycle.download:Downloader"
STORAGE = "kie_ui.media.storage:Storage"
SCHEDULER = "kie_ui.runs.lifecycle.poll_scheduler:PollScheduler"

MOMENTS = (
    Moment("preparing", freeze=f"before:{CREATOR}.create"),
    Moment("uploading", hold="upload", uploads=3),
    Moment("upload answered", freeze=f"after:{CLIENT}.upload", uploads=3),
    Moment("upload kept", freeze=f"before:{CREATOR}._wait_for_turn"),
    Moment("lined up", is_budget_used=True),
    Moment(
        "marked as sending",
        freeze=f"before:{CLIENT}.create_task",
        creates=0,
        downloads=0,
        end=Step.UNKNOWN,
    ),
    Moment("create sent", hold="create", downloads=0, end=Step.UNKNOWN),
    Moment("create taken", hold="create", is_taken=True, downloads=0, end=Step.UNKNOWN),
    Moment("create answered", freeze=f"after:{CLIENT}.create_task", downloads=0, end=Step.UNKNOWN),
    Moment("task id kept", freeze=f"before:{SCHEDULER}.wait"),
    Moment("waiting", state="waiting"),
    Moment("queuing", state="queuing"),
    Moment("generating", state="generating"),
    Moment("succeeded", freeze=f"before:{DOWNLOADER}.download"),
    Moment("download begun", hold="media", downloads=3),
    Moment("download half-way", is_media_cut=True, downloads=3),
    Moment("downloaded", freeze=f"before:{STORAGE}.finish", downloads=3),
    Moment("clip in place", freeze=f"after:{STORAGE}.finish", downloads=3),
    Moment("done"),
)


def holder_in_line(order: Order) -> str | None:
    """Name the process that holds the run, if that is in line."""
    path = Path(order.folder) / "runs.sqlite3"
    if not path.exists():
        return None
    connection = sqlite3.connect(path)
    try:
        found = connection.execute("SELECT holder FROM runs WHERE step = 'lined_up'").fetchone()
    except sqlite3.OperationalError:  # there is no table yet
        return None
    finally:
        connection.close()
    return found and str(found[0])


async def killed_at(moment: Moment, served: Served, order: Order, begin: Begin) -> None:
    """Begin a process, and kill it when it has come to the moment, or to its end."""
    held, polls, holder = served.held, served.fake.counts["record"], holder_in_line(order)
    process_id = begin(order)
    sign = Path(order.folder) / f"still-{process_id}"

    def is_still() -> bool:
        is_polled = moment.state is not None and served.fake.counts["record"] >= polls + 2
        is_in_line = moment.is_budget_used and holder_in_line(order) not in (None, holder)
        return sign.exists() or served.held > held or is_polled or is_in_line

    await until(is_still)
    await kill(process_id)


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
async def test_two_processes_are_killed_at_a_step_and_a_third_goes_on(
    moment: Moment, served: Served, fake: FakeKie, order: Order, begin: Begin
) -> None:
    """No create is sent twice, no kept upload or clip made again, and what was paid is had.

    What an independent server counted decides.
    """
    # Where the budget is used up, time is frozen: no process ever gets another.
    lined_up = replace(order, creates_per_10_s=1, is_budget_used=True, speed=0)
    order = lined_up if moment.is_budget_used else replace(order, freeze=moment.freeze)
    moment.arrange(served)
    for _ in range(2):
        await killed_at(moment, served, order, begin)
    moment.disarrange(served)
    service = successor(order)
    try:
        (run,) = await ended_by(service)
        counted = (fake.counts["upload"], fake.counts["create"], fake.counts["media"])
        assert counted == (moment.uploads, moment.creates, moment.downloads)
        assert run.step is moment.end
        assert run.sent_at_ms is not None
        assert moment.is_budget_used == (Step.LINED_UP in {step for step, _ in run.step_changes})
        if moment.end is Step.DONE:
            assert shows(service.clip_of(await service.run(OWNER, run.id)).read_bytes(), fake.clip)
        else:
            await sent_again_knowingly(service, fake, run, moment)
    finally:
        await service.stop()


async def sent_again_knowingly(
    service: RunService, fake: FakeKie, old: Run, moment: Moment
) -> None:
    """Have a run of unknown outcome sent again by the person: one more create, and no upload."""
    assert old.task_id is None
    new = await service.send_again(OWNER, old.id)
    async with asyncio.timeout(10):
        new = await service.ended(OWNER, new.id)
    assert new.step is Step.DONE
    assert fake.counts["create"] == moment.creates + 1
    assert fake.counts["upload"] == moment.uploads


@pytest.mark.parametrize("seed", range(4))
async def test_whenever_processes_are_killed_nothing_is_sent_twice(
    seed: int, fake: FakeKie, order: Order, begin: Begin
) -> None:
    """Kills at random moments, one after the other: each press is one create, or unknown."""
    chance = random.Random(seed)
    order = replace(order, presses=6)
    for _ in range(3):
        process_id = begin(order)
        await asyncio.sleep(chance.uniform(0.03, 0.35))
        await kill(process_id)
    service = successor(order)
    try:
        runs = await ended_by(service)
        sent = Counter(body["input"]["prompt"] for body in fake.bodies)
        for run in runs:
            assert run.step in (Step.DONE, Step.UNKNOWN)
            assert sent[str(run.values["prompt"])] == 1 or (
                run.step is Step.UNKNOWN and sent[str(run.values["prompt"])] == 0
            )
    finally:
        await service.stop()
