"""What can be done with runs: the one way from the page and the REST endpoints to a clip."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kie_ui.background import BackgroundTasks
from kie_ui.catalog.registry import Catalog
from kie_ui.media.storage import Storage, explain_os_error
from kie_ui.runs.accounts import Access, Backends, BalanceNotes, Balances, Clients
from kie_ui.runs.cluster import ProcessLock, RunOwnership
from kie_ui.runs.errors import StoreProblem, UnknownRun, WrongStep
from kie_ui.runs.history import History
from kie_ui.runs.lifecycle.adopt import TaskAdopter
from kie_ui.runs.lifecycle.callbacks import CallbackAddresses
from kie_ui.runs.lifecycle.create import TaskCreator
from kie_ui.runs.lifecycle.create_queue import CreateQueue
from kie_ui.runs.lifecycle.download import Downloader, Posters
from kie_ui.runs.lifecycle.engine import RunEngine
from kie_ui.runs.lifecycle.poll import TaskPoller
from kie_ui.runs.lifecycle.poll_scheduler import POLLS_PER_S, PollScheduler, PollSettings
from kie_ui.runs.lifecycle.submit import InputPreparer, Submitter
from kie_ui.runs.limits import NO_LIMIT, CreateBudget, Quota, RunsPerDay
from kie_ui.runs.retention import TRASH_INTERVAL_S, Retention
from kie_ui.runs.run import UNSENT_STEPS, BackendKind, Run, Step
from kie_ui.runs.storage.run_store import RunStore

log = logging.getLogger(__name__)

REOPEN_S = 10.0
"""Seconds between attempts to open a database that can't be written."""

MAX_UNDECIDED = 100
"""Runs of unknown outcome that are always in sight, at most."""

DROPPED = "This result was dropped to stay within the disk limit; its record is kept."

CANCELLED = "Cancelled before it was sent: nothing is billed."


@dataclass(frozen=True)
class Limits:
    """How much Kie may be used with one key, and where Kie can call back."""

    creates_per_10_s: int = 20
    polls_per_s: float = POLLS_PER_S
    public_url: str = ""
    runs_per_day: RunsPerDay = NO_LIMIT
    """With the server's key."""
    max_disk_bytes: int | None = None
    """What all stored files may take: the oldest clips beyond are dropped, never a favourite's."""


class RunService:
    """Takes runs in, takes each to its end in the background, and answers about them.

    Every method that names an owner sees that owner's runs alone: someone else's is UnknownRun,
    just as one that does not exist. Where the database fails, StoreProblem is raised.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        store: RunStore,
        storage: Storage,
        backends: Backends,
        clients: Clients,
        balances: Balances,
        limits: Limits,
    ) -> None:
        clock = store.clock
        lock = ProcessLock(storage.root / "processes")
        self.backends = backends
        self.trouble: str | None = None
        """Why nothing can be saved, while runs can at best be read; None if all is well."""
        self._store = store
        self._storage = storage
        self._tasks = BackgroundTasks()
        self._clients = clients
        access = Access(backends, self._clients, store)
        self.quota = Quota(store, backends, clock, limits.runs_per_day)
        self._callbacks = CallbackAddresses(limits.public_url)
        budget = CreateBudget(store, clock, limits.creates_per_10_s)
        self._queue = CreateQueue(clock, budget.take)
        self._scheduler = PollScheduler(
            TaskPoller(store, access).poll,
            lambda run: access.account(run) or f"none of {run.owner}",
            PollSettings(clock, polls_per_s=limits.polls_per_s),
        )
        self._balances = balances
        self._balance_notes = BalanceNotes(store, access, self._balances)
        self._posters = Posters(store, storage)
        self._retention = Retention(store, storage, limits.max_disk_bytes, self._posters.make)
        self._adopter = TaskAdopter(catalog, store, access, lock.id)
        self._engine = RunEngine(
            holder=lock.id,
            store=store,
            creator=TaskCreator(
                catalog=catalog,
                store=store,
                storage=storage,
                access=access,
                queue=self._queue,
                callbacks=self._callbacks,
            ),
            scheduler=self._scheduler,
            downloader=Downloader(store, storage, access, self._scheduler),
            balances=self._balance_notes,
            retention=self._retention,
            adopter=self._adopter,
        )
        self._submitter = Submitter(
            holder=lock.id,
            catalog=catalog,
            store=store,
            backends=backends,
            input_preparer=InputPreparer(storage),
            quota=self.quota,
            engine=self._engine,
        )
        self._ownership = RunOwnership(store, lock, self._engine, self._scheduler)
        self.history = History(store, storage, self._posters)
        """Finds, marks, deletes and adds up runs."""

    async def start(self) -> None:
        """Open the database and resume every run that has not ended.

        Where the database can only be read, `trouble` says why, runs are listed, and opening it is
        tried again and again. Raises: StoreProblem, if it can't even be read.
        """
        try:
            await self._open()
        except (StoreProblem, OSError) as problem:
            sentence = explain_os_error(problem) if isinstance(problem, OSError) else str(problem)
            await self._open_read_only(sentence)
            self._tasks.spawn(self._reopen(sentence), name="reopen the database")
        self.backends.listen(self._key_changed)

    async def stop(self) -> None:
        """Stop within a few seconds; the next `start` resumes every run."""
        self.backends.unlisten(self._key_changed)
        await self._ownership.stop_looking()
        await self._tasks.stop()
        await self._engine.stop()
        for part in (self._scheduler, self._posters, self._queue):
            await part.stop()
        await self._balance_notes.stop()
        await self._balances.stop()
        await self._ownership.stop()
        await self._clients.close()
        await self._store.close()

    async def _open(self) -> None:
        """Open the database to be written. Raises: StoreProblem, OSError."""
        await self._store.open()
        await asyncio.to_thread(self._storage.sweep_parts)
        self._callbacks.secret = await self._store.secret("callbacks")
        await self._ownership.start()
        self._engine.start()
        self._tasks.spawn(self._retention.keep_disk_limit(), name="keep the disk limit")
        self._tasks.repeat(
            self._retention.empty_trash,
            name="empty the trash",
            every_s=TRASH_INTERVAL_S,
            sleep=self._store.clock.sleep,
            expected=(StoreProblem, OSError),
            at_once=True,
        )
        self.trouble = None

    async def _open_read_only(self, reason: str) -> None:
        """Go on without writing. Raises: StoreProblem, if nothing can be read."""
        try:
            await self._store.open_read_only(reason)
        except StoreProblem as unreadable:
            raise StoreProblem(reason) from unreadable
        self.trouble = reason
        log.critical("Runs can be read, but none can be made: %s", reason)

    async def _reopen(self, reason: str) -> None:
        while self.trouble is not None:
            await self._store.clock.sleep(REOPEN_S)
            try:
                await self._open()
            except (StoreProblem, OSError):  # the reason is in the log already
                with suppress(StoreProblem):  # tried again after the next wait
                    await self._store.open_read_only(reason)

    def _key_changed(self, owner: str) -> None:
        self._engine.key_changed(owner, has_own_key=self.backends.has_own_key(owner))
        self._tasks.spawn(
            self._clients.retire(self.backends.is_in_use), name="close clients of replaced keys"
        )

    def _raise_trouble(self) -> None:
        """Refuse what could not be saved. Raises: StoreProblem, where there is trouble."""
        if self.trouble is not None:
            raise StoreProblem(self.trouble)

    # Making runs

    async def submit(
        self, owner: str, model: str, values: Mapping[str, Any], backend: BackendKind
    ) -> Run:
        """Check and save a new run, and return it while it continues in the background.

        A `FileRef` among the values holds an absolute path; its file may vanish afterwards.
        Raises: InvalidValues with all problems at once; UnknownModel; KeyMissing; QuotaUsedUp.
        """
        self._raise_trouble()
        return await self._submitter.submit(owner, model, values, backend)

    async def cancel(self, owner: str, run_id: str) -> Run:
        """Cancel a run whose create was not sent. Raises: UnknownRun; WrongStep once it was."""
        run = await self.run(owner, run_id)
        try:
            run = await self._store.change(
                run.id, only_from=UNSENT_STEPS, step=Step.CANCELLED, status_note=CANCELLED
            )
        except WrongStep:
            raise WrongStep(_too_late(await self.run(owner, run_id))) from None
        self._engine.cancel(run_id)
        return run

    async def send_again(self, owner: str, run_id: str) -> Run:
        """Make a new run of one of unknown outcome, knowing that both may be billed; only once.

        Raises: UnknownRun, WrongStep, KeyMissing, QuotaUsedUp.
        """
        return await self._submitter.submit_again(await self.run(owner, run_id))

    async def give_task_id(self, owner: str, run_id: str, task_id: str) -> Run:
        """Have a run of unknown outcome follow a task that was found in Kie's logs.

        Raises: UnknownRun, KeyMissing, KieError; WrongStep if it can't be this run's task.
        """
        run = await self._adopter.give_task_id(await self.run(owner, run_id), task_id)
        self._engine.advance(run)
        return run

    async def track(self, owner: str, task_id: str, backend: BackendKind) -> Run:
        """Adopt any task, made anywhere; nothing is billed for it.

        Raises: KeyMissing, KieError; WrongStep for anything but a task id.
        """
        self._raise_trouble()
        run, is_new = await self._adopter.track(owner, task_id, backend)
        if is_new:
            self._engine.advance(run)
        return run

    async def fetch_again(self, owner: str, run_id: str) -> Run:
        """Try again to store a finished result. Raises: UnknownRun, WrongStep."""
        return await self._engine.download_again(await self.run(owner, run_id))

    async def watch_again(self, owner: str, run_id: str) -> Run:
        """Ask Kie again about a run whose task was not found.

        Raises: UnknownRun; WrongStep, also if the run has no task id to ask about.
        """
        run = await self.run(owner, run_id)
        if run.task_id is None:
            raise WrongStep("Kie returned no task id for this run: look at https://kie.ai/logs.")
        return await self._engine.poll_again(run)

    def is_callback(self, run_id: str, proof: str) -> bool:
        """Whether an address that was called was made here; asks no database."""
        return self._callbacks.is_genuine(run_id, proof)

    def called_back(self, run_id: str, proof: str, task_id: str | None) -> bool:
        """Poll a run's task at once, as a callback announces news.

        False where the address of the call was not made here. Whatever else a call says is not
        believed. Source: observed live, "Callback".
        """
        if not self.is_callback(run_id, proof):
            return False
        self._engine.called_back(run_id, task_id)
        return True

    # Looking at runs

    async def run(self, owner: str, run_id: str) -> Run:
        """Return one run. Raises: UnknownRun."""
        return await self._store.run_of(owner, run_id)

    async def recent(
        self, owner: str, limit: int, *, model: str | None = None, before: str | None = None
    ) -> tuple[Run, ...]:
        """List runs, the newest first: of one model, or older than the run `before`, if given.

        Raises: UnknownRun, for such a `before`.
        """
        return await self._store.runs_of(owner, limit=limit, model=model, before=before)

    async def in_sight(self, owner: str, limit: int) -> tuple[Run, ...]:
        """List the newest runs, and however old those that are not over, the newest first.

        These are the unfinished ones, and the newest of unknown outcome that were not sent again.
        """
        try:
            newest = await self._store.runs_of(owner, limit=limit)
        except StoreProblem:
            if self.trouble is None:
                raise
            return await self._store.salvaged(owner, limit)
        older: tuple[Run, ...] = ()
        if len(newest) == limit:
            undecided = await self._store.undecided(owner, MAX_UNDECIDED)
            older = (*await self._store.unfinished(owner), *undecided)
        listed = {run.id: run for run in (*older, *newest)}
        in_order = sorted(listed.values(), key=lambda run: (run.created_at_ms, run.id))
        return tuple(self._store.latest(run) for run in reversed(in_order))

    async def has_unfinished(self, owner: str) -> bool:
        """Whether any of an owner's runs is unfinished."""
        return bool(await self._store.unfinished(owner))

    def places(self, owner: str) -> dict[str, int]:
        """Return the places of an owner's runs in our own queue: 1 is the next to leave."""
        return self._queue.places(owner)

    def queue_changes(self, owner: str) -> AbstractContextManager[asyncio.Event]:
        """Return an event that is set when those places may have changed."""
        return self._queue.changes(owner)

    def clip_of(self, run: Run, index: int = 0) -> Path:
        """Return the path of a run's result.

        Raises: WrongStep if there is none, or it is text, which is stored in the run itself.
        """
        if not 0 <= index < len(run.clips):
            raise WrongStep("There is no such result.")
        clip = run.clips[index]
        if clip.is_dropped:
            raise WrongStep(DROPPED)
        if not clip.is_stored:
            raise WrongStep("This result is text: the run itself holds it.")
        return self._storage.resolve(clip.name)

    async def input_file(self, owner: str, run_id: str, name: str) -> Path:
        """Return the path of a run's picture by its name in the storage. Raises: UnknownRun."""
        run = await self.run(owner, run_id)
        if name not in {ref.path for ref in run.files}:
            raise UnknownRun
        return self._storage.resolve(name)

    @asynccontextmanager
    async def subscribe(self, owner: str) -> AsyncIterator[AsyncIterator[Run]]:
        """Open a stream of an owner's changed runs; what a slow reader missed is left out."""
        with self._store.events.subscribe(owner) as subscription:
            yield subscription

    async def ended(self, owner: str, run_id: str) -> Run:
        """Wait until nothing more happens to a run by itself. Raises: UnknownRun."""
        with self._store.events.subscribe(owner) as subscription:
            run = await self.run(owner, run_id)
            while not run.is_final:
                changed = await anext(subscription)
                run = changed if changed.id == run_id else run
        return run


def _too_late(run: Run) -> str:
    """Say why a run can't be cancelled any more."""
    if run.is_final:
        return "This run has ended already."
    return "The request was sent, and Kie has no way to stop a task. It is billed if it succeeds."
