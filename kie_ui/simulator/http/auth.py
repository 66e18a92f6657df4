"""Who is asking: keys, and how often one may create.

Source: Kie documentation, "Authentication"; observed live, "createTask" (the rate limit).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict, deque

from starlette.requests import Request

from kie_ui.simulator.config import SimulatorConfig
from kie_ui.simulator.http.responses import Refused

CREATE_WINDOW_S = 10.0


VISITOR = "demo."
"""What the playground's key for its own simulator begins with where a visitor has models of their
own: the name of their collection follows. All of them are one account."""


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
    account = VISITOR.rstrip(".") if key.startswith(VISITOR) else key
    return hashlib.sha256(account.encode()).hexdigest()


def collection_of(request: Request) -> str:
    """Name the collection whose models are meant beside everyone's; empty where none is."""
    _scheme, key = _credentials(request)
    return key.removeprefix(VISITOR) if key.startswith(VISITOR) else ""


def _credentials(request: Request) -> tuple[str, str]:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return scheme, key.strip()


class CreateLimit:
    """So many creates in 10 seconds for each account; what is refused does not count."""

    def __init__(self, config: SimulatorConfig) -> None:
        self._clock = config.clock
        self._max_creates = config.creates_per_10_s
        self._created_at: dict[str, deque[float]] = defaultdict(deque)

    def check(self, account: str) -> None:
        """Count one create.

        Raises: Refused with code 429.
        """
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
