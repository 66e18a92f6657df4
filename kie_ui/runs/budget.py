"""How many creates one account may send: counted in the database and by a steady clock.

Source: observed live, "createTask" (20 creates in ten seconds for each account).
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from kie_ui.runs.clock import Clock

if TYPE_CHECKING:  # SQLAlchemy takes a while to import, and the page's first view is without it
    from kie_ui.runs.store import Store

WINDOW_MS = 11_000
"""The ten seconds that Kie counts creates over, and one more: what leaves here evenly may arrive
there closer together."""


class CreateBudget:
    """Counts creates by account: in the database, for all processes and across restarts.

    And here by a steady clock, since a time of day that is put back would forget what was sent.
    """

    def __init__(self, store: Store, clock: Clock, creates_per_10_s: int) -> None:
        self._store = store
        self._clock = clock
        self._most = creates_per_10_s
        self._taken_s: dict[str, deque[float]] = {}
        """When this process took creates of an account, in steady seconds."""

    async def take(self, account: str) -> float:
        """Take one of an account's creates: 0 where it is granted, else the seconds until then.

        Raises: StoreProblem.
        """
        now_s = self._clock.steady_s()
        taken = self._taken_s.setdefault(account, deque(maxlen=self._most))
        if len(taken) == self._most and now_s - taken[0] < WINDOW_MS / 1000:
            return WINDOW_MS / 1000 - (now_s - taken[0])
        wait_s = await self._store.take_create(account, self._most, WINDOW_MS) / 1000
        if wait_s == 0:
            taken.append(now_s)
        return wait_s
