"""The demo's backend: the one simulator of the data folder, in this process or another."""

from __future__ import annotations

import asyncio
import logging
import time

from pydantic import SecretStr

from kie_ui.catalog.registry import Catalog
from kie_ui.kie.client import Backend
from kie_ui.runs.errors import StoreProblem
from kie_ui.settings import Settings
from kie_ui.simulator.config import VISITOR_KEY_PREFIX, SimulatorConfig
from kie_ui.simulator.server import SimulatorServer
from kie_ui.simulator.single_instance import SimulatorLock

logger = logging.getLogger(__name__)

_KEY = SecretStr("demo")
"""Our own simulator takes any key."""

RECHECK_S = 2.0
"""How long the address of another process's simulator is trusted."""

PUBLISH_TIMEOUT_S = 15.0
"""How long another process may take from acquiring the lock to publishing the address."""


class SimulatorProcess:
    """Finds the simulator, and starts it if no other process on the data folder has."""

    def __init__(self, settings: Settings, catalog: Catalog) -> None:
        self._settings = settings
        self._catalog = catalog
        self._lock = SimulatorLock(settings.data_path / "simulator")
        self._server: SimulatorServer | None = None
        self._backend: Backend | None = None
        self._checked_s = float("-inf")
        self._checking = asyncio.Lock()

    async def backend(self) -> Backend:
        """Return where the simulator is now. Cheap, so call it before every use.

        Raises: StoreProblem.
        """
        async with self._checking:
            is_fresh = time.monotonic() - self._checked_s < RECHECK_S
            if self._backend is not None and (self._server is not None or is_fresh):
                return self._backend
            try:
                base_url = await asyncio.to_thread(self._find)
            except (OSError, RuntimeError) as exc:
                logger.exception("The simulator cannot be started.")
                raise StoreProblem(
                    "The demo cannot be started; the server’s log says why. "
                    "With a Kie key it works."
                ) from exc
            self._checked_s = time.monotonic()
            if self._backend is None or self._backend.api_base_url != base_url:
                self._backend = Backend(
                    kind="demo", api_base_url=base_url, upload_base_url=base_url, api_key=_KEY
                )
            return self._backend

    def of(self, backend: Backend, owner: str) -> Backend:
        """Return the backend as used by an owner, so that it knows their own models too."""
        collection = self._catalog.collection_name(owner)
        if not collection:
            return backend
        return backend.model_copy(
            update={"api_key": SecretStr(f"{VISITOR_KEY_PREFIX}{collection}")}
        )

    async def stop(self) -> None:
        """Stop the simulator if this process runs it; the next one to start resumes its tasks."""
        await asyncio.to_thread(self._stop)

    def _stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._lock.release()

    def _find(self) -> str:
        """Return the simulator's address; start it if it is not running. Blocks.

        Raises: OSError, RuntimeError.
        """
        give_up_s = time.monotonic() + PUBLISH_TIMEOUT_S
        while not self._lock.try_acquire():
            address = self._lock.address()
            if address is not None:
                return address
            if time.monotonic() > give_up_s:
                raise RuntimeError("another process holds the simulator and does not say where")
            time.sleep(0.1)
        return self._start()

    def _start(self) -> str:
        settings = self._settings
        webhook_key = settings.kie_webhook_key
        config = SimulatorConfig(
            data_dir=settings.data_path / "simulator",
            find_versions=self._catalog.versions,
            speed=settings.simulator_speed,
            credits=settings.simulator_credits,
            creates_per_10_s=settings.creates_per_10_s,
            calls_back_anywhere=False,
            callback_prefixes=(settings.public_url,) if settings.public_url else (),
            webhook_key=webhook_key.get_secret_value() if webhook_key else None,
        )
        server = SimulatorServer(config, prefer_port=self._lock.former_port())
        try:
            base_url = server.start()
            self._lock.publish(base_url)
        except BaseException:
            server.stop()
            self._lock.release()
            raise
        self._server = server
        return base_url
