"""HTTP as uvicorn speaks it, with one addition: an app may close the connection unanswered."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import cast

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from kie_ui.simulator.faults import DROP_CONNECTION


class DroppingProtocol(H11Protocol):
    """Puts into every request's `scope["state"]` the function that closes its socket."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a new connection."""
        close = cast("asyncio.Transport", transport).abort
        self.app_state = {**self.app_state, DROP_CONNECTION: close}
        super().connection_made(cast("asyncio.Transport", transport))


class ReadyServer(uvicorn.Server):
    """Tells when it has begun to listen, or has given up."""

    def __init__(self, config: uvicorn.Config, is_ready: threading.Event) -> None:
        super().__init__(config)
        self._is_ready = is_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the app and listen."""
        await super().startup(sockets)
        self._is_ready.set()
