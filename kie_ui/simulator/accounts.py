"""Who is asking: keys, and how often one may create.

Source: Kie documentation, "Authentication"; observed live, "createTask" (the rate limit).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict, deque

from starlette.requests import Request

from kie_ui.simulator.answers import Refused
from kie_ui.simulator.config import SimulatorConfig

MAX_CREATES = 20
CREATE_WINDOW_S = 10.0


def account_of(request: Request, config: SimulatorConfig) -> str:
    """Return the account behind a request's key: a digest, so that no key is ever stored.

    Raises: Refused with code 401.
    """
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    key = key.strip()
    is_known = config.accepted_keys is None or key in config.accepted_keys
    if scheme.lower() != "bearer" or not key or not is_known:
        raise Refused(
            401, "You do not have access permissions: send “Authorization: Bearer” and a valid key."
        )
    return hashlib.sha256(key.encode()).hexdigest()


class CreateLimit:
    """At most 20 creates in 10 seconds for each account; what is refused does not count."""

    def __init__(self, config: SimulatorConfig) -> None:
        self._clock = config.clock
        self._created_at: dict[str, deque[float]] = defaultdict(deque)

    def check(self, account: str) -> None:
        """Count one create.

        Raises: Refused with code 429.
        """
        now = self._clock()
        times = self._created_at[account]
        while times and now - times[0] >= CREATE_WINDOW_S:
            times.popleft()
        if len(times) >= MAX_CREATES:
            raise Refused(
                429,
                f"Your call frequency is too high: at most {MAX_CREATES} tasks may be created "
                f"in {CREATE_WINDOW_S:g} seconds. Try again later.",
            )
        times.append(now)
