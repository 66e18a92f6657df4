"""The demo's backend: the one simulator of the data folder, in this process or in another."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from pydantic import SecretStr

from kie_ui.catalog.registry import Catalog
from kie_ui.kie.backend import Backend
from kie_ui.runs.errors import StoreProblem
from kie_ui.settings import Settings

if TYPE_CHECKING:
    from kie_ui.simulator.server import SimulatorServer
    from kie_ui.simulator.single_instance import SimulatorLock

logger = logging.getLogger(__name__)

_KEY = SecretStr("demo")
"""What the client says to our own simulator, which takes any key."""

LOOK_S = 2.0
"""Seconds between looks whether the process that runs the simulator is still there."""

PUBLISHING_S = 15.0
"""How long another process may take from the lock to the address."""


class Demo:
    """Finds the simulator, and starts it where no other process on the data folder has."""

    def __init__(self, settings: Settings, catalog: Catalog) -> None:
        self._settings = settings
        self._catalog = catalog
        self._lease: SimulatorLock | None = None
        self._server: SimulatorServer | None = None
        self._backend: Backend | None = None
        self._looked_s = float("-inf")
        self._looking = asyncio.Lock()

    async def backend(self) -> Backend:
        """Return where the simulator is now. Cheap; ask before every use. Raises: StoreProblem."""
        async with self._looking:
            is_fresh = time.monotonic() - self._looked_s < LOOK_S
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
            self._looked_s = time.monotonic()
            if self._backend is None or self._backend.api_base_url != base_url:
                self._backend = Backend(
                    kind="demo", api_base_url=base_url, upload_base_url=base_url, api_key=_KEY
                )
            return self._backend

    def of(self, backend: Backend, owner: str) -> Backend:
        """Make the simulator's backend that of an owner: it then knows their own models too."""
        collection = self._catalog.collection_name(owner)
        if not collection:
            return backend
        from kie_ui.simulator.config import VISITOR_KEY_PREFIX  # noqa: PLC0415 - few views need it

        return backend.model_copy(
            update={"api_key": SecretStr(f"{VISITOR_KEY_PREFIX}{collection}")}
        )

    async def stop(self) -> None:
        """Stop a simulator of ours; its tasks wait for whoever starts it next."""
        await asyncio.to_thread(self._stop)

    def _stop(self) -> None:
        if self._server is not None:
            self._server.stop()
        if self._lease is not None:
            self._lease.release()

    def _find(self) -> str:
        """Return the simulator's address, starting it if nobody has. Blocks.

        Raises: OSError, RuntimeError.
        """
        from kie_ui.simulator.single_instance import SimulatorLock  # noqa: PLC0415 - few views need it

        if self._lease is None:
            self._lease = SimulatorLock(self._settings.data_path / "simulator")
        give_up_s = time.monotonic() + PUBLISHING_S
        while not self._lease.try_acquire():
            address = self._lease.address()
            if address is not None:
                return address
            if time.monotonic() > give_up_s:
                raise RuntimeError("another process holds the simulator and does not say where")
            time.sleep(0.1)
        return self._start(self._lease)

    def _start(self, lease: SimulatorLock) -> str:
        from kie_ui.simulator.config import SimulatorConfig  # noqa: PLC0415
        from kie_ui.simulator.server import SimulatorServer  # noqa: PLC0415

        settings = self._settings
        webhook_key = settings.kie_webhook_key
        config = SimulatorConfig(
            data_dir=settings.data_path / "simulator",
            catalog=self._catalog,
            speed=settings.simulator_speed,
            credits=settings.simulator_credits,
            creates_per_10_s=settings.creates_per_10_s,
            calls_back_anywhere=False,
            callback_prefixes=(settings.public_url,) if settings.public_url else (),
            webhook_key=webhook_key.get_secret_value() if webhook_key else None,
        )
        server = SimulatorServer(config, prefer_port=lease.former_port())
        try:
            base_url = server.start()
            lease.publish(base_url)
        except BaseException:
            server.stop()
            lease.release()
            raise
        self._server = server
        return base_url
