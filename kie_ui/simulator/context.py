"""What every endpoint needs: the running simulator's parts, and the account behind a request.

Source: Kie documentation, "Authentication"; observed live, "createTask" (the rate limit).
"""

from __future__ import annotations

import hashlib
import secrets
from collections import defaultdict, deque

from starlette.requests import Request

from kie_ui.simulator.config import VISITOR_KEY_PREFIX, SimulatorConfig
from kie_ui.simulator.faults import Faults, RequestLog
from kie_ui.simulator.files import Files
from kie_ui.simulator.render.worker_pool import WorkerPool
from kie_ui.simulator.responses import Refused
from kie_ui.simulator.store import Store
from kie_ui.simulator.tasks import Tasks

CREATE_WINDOW_S = 10.0


class CreateLimit:
    """The number of creates that each account may send in 10 seconds; refused ones do not count."""

    def __init__(self, config: SimulatorConfig) -> None:
        self._clock = config.clock
        self._max_creates = config.creates_per_10_s
        self._created_at: dict[str, deque[float]] = defaultdict(deque)

    def check(self, account: str) -> None:
        """Count one create. Raises: Refused with code 429."""
        if self._max_creates == 0:
            return
        now = self._clock()
        times = self._created_at[account]
        while times and now - times[0] >= CREATE_WINDOW_S:
            times.popleft()
        if len(times) >= self._max_creates:
            raise Refused(
                429,
                f"Your call frequency is too high: at most {self._max_creates} tasks may be "
                f"created in {CREATE_WINDOW_S:g} seconds. Try again later.",
            )
        times.append(now)


class SimulatorState:
    """The parts of one running simulator."""

    def __init__(self, config: SimulatorConfig) -> None:
        self.config = config
        self.store = Store(config.data_dir)
        self.files = Files(config, self.store)
        self.tasks = Tasks(config, self.store, self.files, config.renderer or WorkerPool())
        self.create_limit = CreateLimit(config)
        self.faults = Faults()
        self.request_log = RequestLog()
        self.link_secret = secrets.token_bytes(32)
        """Signs download links; a restart makes the old ones invalid."""


def state_of(request: Request) -> SimulatorState:
    """Return the parts of the simulator that serves a request."""
    state: SimulatorState = request.app.state.simulator
    return state


def base_url_of(request: Request) -> str:
    """Return the address that a request was sent to, without a slash at its end."""
    return str(request.base_url).rstrip("/")


def account_of(request: Request, config: SimulatorConfig) -> str:
    """Return the account behind a request's key: a digest, so that no key is ever stored.

    Raises: Refused with code 401.
    """
    scheme, key = _credentials(request)
    is_known = config.accepted_keys is None or key in config.accepted_keys
    if scheme.lower() != "bearer" or not key or not is_known:
        raise Refused(
            401, "You do not have access permissions: send “Authorization: Bearer” and a valid key."
        )
    is_visitor = key.startswith(VISITOR_KEY_PREFIX)
    account = VISITOR_KEY_PREFIX.rstrip(".") if is_visitor else key
    return hashlib.sha256(account.encode()).hexdigest()


def collection_of(request: Request) -> str:
    """Return the name of the visitor's collection of added models; empty where there is none."""
    _scheme, key = _credentials(request)
    return key.removeprefix(VISITOR_KEY_PREFIX) if key.startswith(VISITOR_KEY_PREFIX) else ""


def _credentials(request: Request) -> tuple[str, str]:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return scheme, key.strip()
