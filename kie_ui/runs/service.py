"""Runs, for whoever shows or calls them: the one path from a press to a clip."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from kie_ui.catalog.registry import Registry
from kie_ui.media.storage import Storage, explain_os_error
from kie_ui.runs.access import Access
from kie_ui.runs.backends import Backends
from kie_ui.runs.clients import Clients
from kie_ui.runs.clock import Clock
from kie_ui.runs.errors import KeyMissing, RunsProblem, StoreProblem, UnknownRun, WrongStep
from kie_ui.runs.fetching import Fetching
from kie_ui.runs.intake import Intake, Taken
from kie_ui.runs.journal import Journal
from kie_ui.runs.journeys import Journeys
from kie_ui.runs.run import BackendKind, Run, Step, StepChange
from kie_ui.runs.sending import Sending
from kie_ui.runs.subscriptions import Feed
from kie_ui.runs.tracker import Tracker
from kie_ui.runs.watching import Watching

if TYPE_CHECKING:  # SQLAlchemy takes a while to import, and the page's first view is without it
    from kie_ui.runs.store import Store

log = logging.getLogger(__name__)

RESULTS_KEPT_MS = 14 * 24 * 60 * 60 * 1000
"""How long Kie keeps a clip at most. Source: observed live, "Balance and download"."""

LOOK_BACK_RUNS = 200
"""How many of an owner's runs are looked through for such as a new key may know."""


class RunService:
    """Takes runs in, takes each to its end in the background, and tells about them.

    Every method that names an owner sees that owner's runs alone: someone else's is UnknownRun,
    just as one that does not exist. Where the database fails, StoreProblem is raised.
    """

    def __init__(
        self,
        *,
        registry: Registry,
        store: Store,
        storage: Storage,
        backends: Backends,
        clients: Clients | None = None,
        clock: Clock | None = None,
        callback_url: str | None = None,
    ) -> None:
        self.backends = backends
        self._registry = registry
        self._store = store
        self._storage = storage
        self._clock = clock or Clock()
        self._clients = clients or Clients()
        self._feed = Feed()
        self._journal = Journal(store, self._feed, self._clock)
        self._intake = Intake(storage)
        access = Access(backends, self._clients, self._journal)
        self._tracker = Tracker(self._clock)
        self._journeys = Journeys(
            self._journal,
            access,
            Sending(registry, self._journal, access, storage, callback_url),
            Fetching(self._journal, access, storage),
            self._tracker,
        )
        self._watching = Watching(self._journal, access, self._journeys.go_on)
        self._following: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Open the database and go on with every run that has not ended."""
        await self._store.open()
        await asyncio.to_thread(self._storage.sweep_parts)
        self._tracker.start(self._watching.ask)
        self.backends.listen(self._backend_changed)
        for run in await self._store.unfinished_runs():
            if run.step is not Step.UNFETCHED:
                self._journeys.go_on(run)
            elif self._clock.now_ms() - (run.finished_at_ms or 0) < RESULTS_KEPT_MS:
                await self.fetch_again(run.owner, run.id)

    async def stop(self) -> None:
        """Stop within about two seconds, leaving every run such that `start` goes on with it."""
        self.backends.unlisten(self._backend_changed)
        for task in self._following:
            task.cancel()
        await asyncio.gather(*self._following, return_exceptions=True)
        await self._tracker.stop()
        await self._journeys.stop()
        await self._clients.close()
        await self._store.close()

    async def submit(
        self, owner: str, model: str, values: Mapping[str, Any], backend: BackendKind
    ) -> Run:
        """Check and keep a new run, and return it while it goes on in the background.

        A `FileRef` among the values holds an absolute path; its file may vanish afterwards.
        Raises: InvalidValues with all problems at once; UnknownModel; KeyMissing; StoreProblem.
        """
        spec = self._registry.spec(model)
        if await self.backends.backend(owner, backend) is None:
            raise KeyMissing
        try:
            taken = await self._intake.take(spec, values)
        except OSError as exc:
            raise StoreProblem(explain_os_error(exc)) from exc
        new = self._new_run(owner, model, taken, backend)
        # Kept and gone on with, both or neither: a press that is broken off in between would
        # otherwise be a run that surprises at the next start.
        return await asyncio.shield(self._keep_and_go_on(new))

    async def _keep_and_go_on(self, new: Run) -> Run:
        run = await self._journal.add(new)
        self._journeys.go_on(run)
        return run

    async def run(self, owner: str, run_id: str) -> Run:
        """Return one run. Raises: UnknownRun."""
        run = await self._store.run(run_id)
        if run.owner != owner:
            raise UnknownRun
        return run

    async def recent(
        self, owner: str, limit: int, *, model: str | None = None, before: str | None = None
    ) -> tuple[Run, ...]:
        """List runs, the newest first: of one model, or older than the run `before`, if given.

        Raises: UnknownRun, for such a `before`.
        """
        return await self._store.runs_of(owner, limit=limit, model=model, before=before)

    async def fetch_again(self, owner: str, run_id: str) -> Run:
        """Try once more to keep a clip that was made. Raises: UnknownRun, WrongStep."""
        run = await self.run(owner, run_id)
        unfetched = frozenset({Step.UNFETCHED})
        run = await self._journal.write(run, only_from=unfetched, step=Step.FETCHING, error=None)
        self._journeys.go_on(run)
        return run

    async def watch_again(self, owner: str, run_id: str) -> Run:
        """Ask Kie once more about a run whose task was not to be found.

        Raises: UnknownRun; WrongStep, also if the run has no task id to ask about.
        """
        run = await self.run(owner, run_id)
        if run.task_id is None:
            raise WrongStep("Kie never told a task id for this run: look at https://kie.ai/logs.")
        unknown = frozenset({Step.UNKNOWN})
        run = await self._journal.write(run, only_from=unknown, step=Step.WAITING, error=None)
        self._journeys.go_on(run)
        return run

    async def credit(self, owner: str, backend: BackendKind) -> float:
        """Ask how many credits are left on an owner's account. Raises: KeyMissing, KieError."""
        found = await self.backends.backend(owner, backend)
        if found is None:
            raise KeyMissing
        async with self._clients.client(found) as client:
            return await client.credit()

    def hint(self, task_id: str) -> None:
        """Ask about a task at once, since someone says that it has news; who says it is no matter.

        Source: observed live, "Callback".
        """
        self._tracker.hint(task_id)

    async def clip_file(self, owner: str, run_id: str, index: int = 0) -> Path:
        """Return where a run's clip lies. Raises: UnknownRun; WrongStep if there is none."""
        clips = (await self.run(owner, run_id)).clips
        if not 0 <= index < len(clips):
            raise WrongStep("There is no such clip.")
        return self._storage.resolve(clips[index].name)

    async def input_file(self, owner: str, run_id: str, name: str) -> Path:
        """Return where a run's picture of this name in the storage lies. Raises: UnknownRun."""
        run = await self.run(owner, run_id)
        if name not in {ref.path for ref in run.files}:
            raise UnknownRun
        return self._storage.resolve(name)

    @asynccontextmanager
    async def subscribe(self, owner: str) -> AsyncIterator[AsyncIterator[Run]]:
        """Open a stream of an owner's changed runs; what a slow reader missed is left out."""
        with self._feed.subscribe(owner) as subscription:
            yield subscription

    async def ended(self, owner: str, run_id: str) -> Run:
        """Wait until nothing more happens to a run by itself. Raises: UnknownRun."""
        with self._feed.subscribe(owner) as subscription:
            run = await self.run(owner, run_id)
            while not run.is_final:
                changed = await anext(subscription)
                run = changed if changed.id == run_id else run
        return run

    def _new_run(self, owner: str, model: str, taken: Taken, backend: BackendKind) -> Run:
        now_ms = self._clock.now_ms()
        return Run(
            id=uuid4().hex,
            owner=owner,
            backend=backend,
            model=model,
            values=taken.values,
            notices=taken.notices,
            changes=taken.changes,
            estimated_credits=taken.estimated_credits,
            step_changes=(StepChange(Step.PREPARING, now_ms),),
            created_at_ms=now_ms,
            updated_at_ms=now_ms,
        )

    def _backend_changed(self, owner: str) -> None:
        task = asyncio.ensure_future(self._follow_backend(owner))
        self._following.add(task)
        task.add_done_callback(self._following.discard)

    async def _follow_backend(self, owner: str) -> None:
        """After a key was typed or forgotten: ask at once, with the new key and of all it may know.

        A task that is not to be found under one key may be found under another.
        """
        self._tracker.wake(owner)
        await self._clients.retire(self.backends.is_in_use)
        if not self.backends.has_own_key(owner):
            return
        try:
            for run in await self._store.runs_of(owner, limit=LOOK_BACK_RUNS):
                if run.step is Step.UNKNOWN and run.backend == "live" and run.task_id is not None:
                    await self.watch_again(owner, run.id)
        except RunsProblem as problem:
            log.warning("Missing tasks are not looked for under the new key: %s", problem)
