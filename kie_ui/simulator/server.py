"""A simulator behind a real port of this machine, in a separate thread."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
import time
from typing import TYPE_CHECKING, cast

from kie_ui.simulator.faults import DROP_CONNECTION

if TYPE_CHECKING:
    import uvicorn
    from starlette.applications import Starlette

    from kie_ui.simulator.config import SimulatorConfig
    from kie_ui.simulator.context import SimulatorState
    from kie_ui.simulator.faults import Faults, RequestLog


SHUTDOWN_TIMEOUT_S = 2
"""How long open requests may continue after `stop`."""
_LOOPBACK = "127.0.0.1"
_ALL_INTERFACES = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound to


class SimulatorServer:
    """Serves a simulator on loopback until `stop`, or until the program ends.

    Usable as a context manager. `prefer_port` is the port to listen at where it is free; where
    not, another is chosen.
    """

    faults: Faults
    """The active faults; since the start."""
    request_log: RequestLog
    """The requests that arrived; since the start."""

    def __init__(self, config: SimulatorConfig, *, prefer_port: int = 0) -> None:
        self._config = config
        self._prefer_port = prefer_port
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        self.base_url = ""
        """The address of the simulator; empty before the start."""

    def start(self) -> str:
        """Start serving and return the base URL.

        Raises: OSError where no port is free; RuntimeError where the simulator cannot start.
        """
        from kie_ui.simulator.app import create_simulator

        listener = self._bind()
        self.base_url = url_of(listener)
        try:
            app = create_simulator(self._config)
        except BaseException:
            listener.close()
            raise
        state: SimulatorState = app.state.simulator
        self.faults, self.request_log = state.faults, state.request_log
        self._server = server = _build_server(app)
        # The threads that serve files inherit `daemon`, so a program that forgets `stop` can end.
        self._thread = threading.Thread(
            target=self._serve, args=(server, listener), name="simulator", daemon=True
        )
        self._thread.start()
        while self._thread.is_alive() and not server.started:
            time.sleep(0.002)  # uvicorn offers no event
        if not server.started:
            raise RuntimeError("the simulator could not start") from self._failure
        return self.base_url

    def stop(self) -> None:
        """Stop serving; the next start resumes unfinished tasks."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join()
            self._server = self._thread = None

    def __enter__(self) -> SimulatorServer:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def _bind(self) -> socket.socket:
        with contextlib.suppress(OSError, OverflowError):  # taken, or no port: any will do
            return bind(_LOOPBACK, self._prefer_port)
        return bind(_LOOPBACK, 0)

    def _serve(self, server: uvicorn.Server, listener: socket.socket) -> None:
        try:
            server.run([listener])
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits in start
            self._failure = error
        finally:
            listener.close()


def serve_in_foreground(app: Starlette, listener: socket.socket) -> None:
    """Serve until the program is interrupted."""
    _build_server(app).run([listener])


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens at a port. Raises: OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Only where the protocol is named does asyncio switch off Nagle's algorithm, which would delay
    # the body of an answer by 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if os.name != "nt":  # there it would let two programs listen at one port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()  # clients may connect before the server has started
    except BaseException:
        listener.close()
        raise
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the address by which a client on this machine reaches a bound socket."""
    host, port = listener.getsockname()[:2]
    if host in _ALL_INTERFACES:
        host = _LOOPBACK
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _build_server(app: Starlette) -> uvicorn.Server:
    """Build the HTTP server of a simulator: quiet, and able to drop a connection on demand."""
    import uvicorn
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class DroppingProtocol(H11Protocol):
        """Puts into every request's `scope["state"]` the function that closes its socket."""

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            close = cast("asyncio.Transport", transport).abort
            self.app_state = {**self.app_state, DROP_CONNECTION: close}
            super().connection_made(cast("asyncio.Transport", transport))

    config = uvicorn.Config(
        app,
        http=DroppingProtocol,
        loop="none",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_S,
    )
    return uvicorn.Server(config)
