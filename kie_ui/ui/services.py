"""What the page and its routes work with, for one server process.

The server answers first and opens the database right after, so that interrupted runs continue even
if no page asks for them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from kie_ui.background import BackgroundTasks
from kie_ui.catalog.library import EVERYONE, Library
from kie_ui.catalog.registry import built_in_registry
from kie_ui.catalog.spec import ModelSpec
from kie_ui.kie.client import Backend, KieClient
from kie_ui.media.storage import Storage
from kie_ui.runs.accounts import Backends, Balances, Clients
from kie_ui.runs.clock import SYSTEM_CLOCK, Clock
from kie_ui.runs.errors import RunsProblem, StoreProblem
from kie_ui.runs.limits import NO_LIMIT, RunsPerDay
from kie_ui.runs.service import Limits, RunService
from kie_ui.runs.storage.run_store import RunStore, sqlite_url
from kie_ui.settings import Settings
from kie_ui.ui.account_status import AccountStatuses
from kie_ui.ui.asgi.identity import Users
from kie_ui.ui.asgi.uploads import (
    CLEAN_EVERY_S,
    OwnedFiles,
    delete_old_uploads,
    files_of_page,
)
from kie_ui.ui.simulator_process import SimulatorProcess

logger = logging.getLogger(__name__)

MORE_MODELS = "more-models"
"""The id of the tab for every model that has none of its own."""

OPEN_AFTER_S = 1.0
"""Delay after the start before the database is opened, if no page has needed it by then."""

FORGET_EVERY_S = 900.0
"""Pause between searches for visitors who are gone for good."""

MAX_CLIP_READERS = 2
"""Dropped clips that are stored and read at the same time."""
MAX_PRESSES = 8
"""Presses that are checked and saved at the same time; the others wait in order."""
MAX_PAGE_READERS = 2
"""Documentation pages that are parsed at the same time: a large one takes a processor a while."""


class Services:
    """The run service and everything beside it."""

    def __init__(
        self,
        settings: Settings,
        library: Library,
        clock: Clock = SYSTEM_CLOCK,
        *,
        uploads: Path | None = None,
    ) -> None:
        """Take the folder of uploads if it is ours to clean."""
        self.settings = settings
        self.uploads = uploads
        self.clock = clock
        self.library = self.catalog = library
        self.built_in = built_in_registry()
        self.tabs = specs_with_tabs(settings, library)
        self.simulator = SimulatorProcess(settings, library)
        self.backends = Backends(
            demo=self.simulator.backend,
            demo_for_owner=self.simulator.of,
            server=_server_backend(settings),
            may_use_server=self._may_use_server_key,
            api_base_url=settings.kie_api_base_url,
            upload_base_url=settings.kie_upload_base_url,
        )
        self.clients = Clients(partial(KieClient, sleep=clock.sleep), clock)
        self.balances = Balances(self.clients, clock)
        self.accounts = AccountStatuses(self.backends, self.balances, runs_left=self._runs_left)
        self.users = Users(settings.passwords)
        self.files = OwnedFiles(settings.data_path / "upload_owners")
        self.tasks = BackgroundTasks()
        self.clip_readers = asyncio.Semaphore(MAX_CLIP_READERS)
        self.presses = asyncio.Semaphore(MAX_PRESSES)
        self.page_readers = asyncio.Semaphore(MAX_PAGE_READERS)
        self.is_shutting_down = asyncio.Event()
        self._service: RunService | None = None
        self._opening: asyncio.Task[RunService] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def tab_of(self, spec: ModelSpec) -> str:
        """Return the id of the tab with the form of this very version of a model."""
        shown = self.tabs.get(spec.model)
        return spec.api_name if shown and shown.digest == spec.digest else MORE_MODELS

    @asynccontextmanager
    async def lifespan(self, app: Any = None) -> AsyncIterator[None]:
        """Open in the background while the server runs, and close when it stops.

        `app` is Gradio's, which has the page.
        """
        self._loop = asyncio.get_running_loop()
        self.tasks.spawn(self._open_after_start(), name="open the runs")
        self.tasks.repeat(
            partial(self.accounts.prune, self._has_runs_under_way),
            name="forget gone visitors",
            every_s=FORGET_EVERY_S,
        )
        self.tasks.repeat(
            partial(asyncio.to_thread, self._delete_old_files, app),
            name="delete old uploads",
            every_s=CLEAN_EVERY_S,
            at_once=True,
        )
        try:
            yield
        finally:
            await self._close()

    def begin_shutdown(self) -> None:
        """Have every open stream end, since the server waits for them. Thread-safe."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.is_shutting_down.set)

    async def _open_after_start(self) -> None:
        await asyncio.sleep(OPEN_AFTER_S)
        try:
            await self.runs()
        except (RunsProblem, OSError) as problem:
            logger.error("The runs cannot be opened: %s", problem)  # noqa: TRY400 - it is a sentence

    def _delete_old_files(self, app: Any) -> None:
        if self.uploads is not None:
            delete_old_uploads(self.uploads, files_of_page(app.get_blocks()))
        self.files.delete_old()

    async def _has_runs_under_way(self, owner: str) -> bool:
        """Tell whether an owner has unfinished runs; true if that cannot be read."""
        try:
            runs = await self.runs()
            return await runs.has_unfinished(owner)
        except (RunsProblem, OSError):
            return True

    async def runs(self) -> RunService:
        """Return the run service once it is open; if opening failed before, try again.

        Raises: StoreProblem, if the database cannot be opened.
        """
        if self._opening is None or (self._opening.done() and self._service is None):
            self._opening = self.tasks.spawn(self._open(), name="open the runs", is_awaited=True)
        return await asyncio.shield(self._opening)

    async def _open(self) -> RunService:
        service = await asyncio.to_thread(_build_service, self)
        await service.start()
        self._service = service
        return service

    async def _runs_left(self, owner: str) -> int | None:
        return await (await self.runs()).quota.left(owner)

    async def _close(self) -> None:
        await self.tasks.stop()
        if self._service is not None:
            await self._service.stop()
        await self.balances.stop()
        await self.clients.close()
        await self.simulator.stop()

    def _may_use_server_key(self, _owner: str) -> bool:
        """Tell whether visitors may spend the server's credits: a single owner always may."""
        return not self.settings.has_many_visitors or self.settings.share_server_key


def _server_backend(settings: Settings) -> Backend | None:
    """Return Kie with the server's own key, if it has one."""
    if not settings.kie_api_key:
        return None
    return Backend(
        kind="live",
        api_base_url=settings.kie_api_base_url,
        upload_base_url=settings.kie_upload_base_url,
        api_key=settings.kie_api_key,
    )


def specs_with_tabs(settings: Settings, library: Library) -> dict[str, ModelSpec]:
    """Return the models that have a tab of their own from this start on, by id.

    Those are the built-in ones, those of `KIE_UI_TABS`, and those that the one person here chose.
    """
    taken = {"models", "history"}
    tabs: dict[str, ModelSpec] = {}
    for entry in library.entries(EVERYONE):
        has_tab = entry.is_built_in or entry.has_own_tab or entry.model in settings.models_with_tabs
        if has_tab and entry.spec.api_name not in taken:
            taken.add(entry.spec.api_name)
            tabs[entry.model] = entry.spec
    for model in settings.models_with_tabs - tabs.keys():
        logger.warning("KIE_UI_TABS names “%s”, which is not a model that everyone has.", model)
    return tabs


def _build_service(services: Services) -> RunService:
    settings = services.settings
    folder = settings.data_path
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as exc:
        raise StoreProblem(
            f"The data folder cannot be used ({exc.strerror}): choose another, KIE_UI_DATA_DIR."
        ) from exc
    service = RunService(
        catalog=services.catalog,
        store=RunStore(sqlite_url(folder / "runs.sqlite3"), clock=services.clock),
        storage=Storage(folder),
        backends=services.backends,
        clients=services.clients,
        balances=services.balances,
        limits=Limits(
            creates_per_10_s=settings.creates_per_10_s,
            polls_per_s=settings.polls_per_s,
            public_url=settings.public_url,
            runs_per_day=_runs_per_day(settings),
            max_disk_bytes=settings.max_disk_bytes,
        ),
    )
    service.quota.listen(services.accounts.runs_left_changed)
    return service


def _runs_per_day(settings: Settings) -> RunsPerDay:
    if not settings.has_many_visitors:
        return NO_LIMIT
    return RunsPerDay(settings.runs_per_day, settings.total_runs_per_day)
