"""What the page stands on, opened only when it is first needed.

The database and the simulator bring heavy imports that the first view does without; the server
answers first and opens them right after, so that interrupted runs go on without anyone looking.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from pydantic import SecretStr

from kie_ui.catalog.registry import Registry
from kie_ui.kie.backend import Backend
from kie_ui.runs.backends import Backends
from kie_ui.runs.errors import RunsProblem, StoreProblem
from kie_ui.settings import Settings
from kie_ui.ui.accounts import Accounts

if TYPE_CHECKING:
    from kie_ui.runs.service import RunService
    from kie_ui.simulator.server import SimulatorServer

logger = logging.getLogger(__name__)

OPENS_AFTER_S = 1.0
"""How long after the start interrupted runs are taken up, if no page asks for runs before."""

_DEMO_KEY = SecretStr("demo")
"""What the client says to our own simulator, which takes any key."""


class Services:
    """The run service and everything below it, for one server process."""

    def __init__(self, settings: Settings, registry: Registry) -> None:
        self.settings = settings
        self.registry = registry
        self.backends = Backends(
            demo=self._start_simulator,
            server=self._live(settings.kie_api_key) if settings.kie_api_key else None,
            may_use_server=self._may_use_server_key,
            api_base_url=settings.kie_api_base_url,
            upload_base_url=settings.kie_upload_base_url,
        )
        self.accounts = Accounts(self.backends, self._live)
        self._opening: asyncio.Task[RunService] | None = None
        self._simulator: SimulatorServer | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.is_leaving = asyncio.Event()
        """Set when the server is about to stop."""

    @asynccontextmanager
    async def lifespan(self, _app: object = None) -> AsyncIterator[None]:
        """Open in the background while the server runs, and close when it stops."""
        self._loop = asyncio.get_running_loop()
        resuming = asyncio.create_task(self._open_soon())
        try:
            yield
        finally:
            resuming.cancel()
            await self._close()

    def say_goodbye(self) -> None:
        """Have every open stream end: the server waits for them before it stops. For any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.is_leaving.set)

    async def _open_soon(self) -> None:
        """Open even if nobody comes, once the first page had its turn."""
        await asyncio.sleep(OPENS_AFTER_S)
        try:
            await self.runs()
        except (RunsProblem, OSError) as problem:
            logger.error("The runs cannot be opened: %s", problem)  # noqa: TRY400 - it is a sentence

    async def runs(self) -> RunService:
        """Return the run service, waiting for it to open; a failed opening is tried once more.

        Raises: StoreProblem, where the database cannot be opened.
        """
        has_failed = self._opening is not None and self._opening.done()
        if self._opening is None or (has_failed and self._opening.exception()):
            self._opening = asyncio.create_task(self._open())
        return await asyncio.shield(self._opening)

    async def _open(self) -> RunService:
        service = await asyncio.to_thread(_build_service, self)
        await service.start()
        return service

    async def _close(self) -> None:
        opening = self._opening
        if opening is not None and opening.done() and not opening.exception():
            await opening.result().stop()
        elif opening is not None:
            opening.cancel()
        if self._simulator is not None:
            await asyncio.to_thread(self._simulator.stop)

    async def _start_simulator(self) -> Backend:
        """Start the simulator on a free port of this computer and return its backend.

        Raises: StoreProblem.
        """
        try:
            base_url = await asyncio.to_thread(self._launch_simulator)
        except (OSError, RuntimeError) as exc:
            logger.exception("The simulator cannot be started.")
            raise StoreProblem(
                "The demo cannot be started; the server’s log says why. With a Kie key it works."
            ) from exc
        return Backend(
            kind="demo", api_base_url=base_url, upload_base_url=base_url, api_key=_DEMO_KEY
        )

    def _launch_simulator(self) -> str:
        from kie_ui.simulator.config import SimulatorConfig  # noqa: PLC0415 - see the module's text
        from kie_ui.simulator.server import SimulatorServer  # noqa: PLC0415

        config = SimulatorConfig(
            data_dir=self.settings.data_path / "simulator",
            registry=self.registry,
            speed=self.settings.simulator_speed,
            credits=self.settings.simulator_credits,
            calls_back_anywhere=False,
        )
        self._simulator = SimulatorServer(config)
        return self._simulator.start()

    def _live(self, key: SecretStr) -> Backend:
        return Backend(
            kind="live",
            api_base_url=self.settings.kie_api_base_url,
            upload_base_url=self.settings.kie_upload_base_url,
            api_key=key,
        )

    def _may_use_server_key(self, _owner: str) -> bool:
        """Whether visitors may spend the server's credits: its one owner may, others if told so."""
        return not self.settings.is_reachable_by_others or self.settings.share_server_key


def _build_service(services: Services) -> RunService:
    from kie_ui.media.storage import Storage  # noqa: PLC0415 - see the module's text
    from kie_ui.runs.service import RunService  # noqa: PLC0415
    from kie_ui.runs.store import Store, sqlite_url  # noqa: PLC0415

    folder = services.settings.data_path
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as exc:
        raise StoreProblem(
            f"The data folder cannot be used ({exc.strerror}): choose another, KIE_UI_DATA_DIR."
        ) from exc
    return RunService(
        registry=services.registry,
        store=Store(sqlite_url(folder / "runs.sqlite3")),
        storage=Storage(folder),
        backends=services.backends,
    )
