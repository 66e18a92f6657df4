"""The parts of one running simulator, and how a request finds them."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from kie_ui.simulator.config import SimulatorConfig
from kie_ui.simulator.faults import Faults
from kie_ui.simulator.files import Files, MediaFinder
from kie_ui.simulator.http.auth import CreateLimit
from kie_ui.simulator.http.request_log import RequestLog
from kie_ui.simulator.store import Store
from kie_ui.simulator.tasks import Tasks


@dataclass(frozen=True, kw_only=True)
class SimulatorState:
    """What the endpoints work with."""

    config: SimulatorConfig
    store: Store
    files: Files
    finder: MediaFinder
    tasks: Tasks
    create_limit: CreateLimit
    faults: Faults
    journal: RequestLog
    link_secret: bytes
    """Signs download links; a restart makes the old ones invalid."""


def state_of(request: Request) -> SimulatorState:
    """Return the parts of the simulator that serves this request."""
    state: SimulatorState = request.app.state.simulator
    return state


def base_url_of(request: Request) -> str:
    """Return the address under which this request reached us, without a slash at its end."""
    return str(request.base_url).rstrip("/")
