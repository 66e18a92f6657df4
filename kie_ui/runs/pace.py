"""How often to ask about tasks: by their age, and by what one account may ask in all.

Source: observed live, "recordInfo" (polling advice; its own rate limit is not published, and
parallel calls have met 429).
"""

from __future__ import annotations

from dataclasses import dataclass

LATE_AFTER_S = 15 * 60
"""A task older than this is taking unusually long."""

_SCHEDULE = ((30.0, 2.5), (120.0, 7.0), (LATE_AFTER_S, 20.0))
"""Up to this age in seconds, ask every so many seconds."""
_SCHEDULE_WITH_CALLBACKS = ((120.0, 20.0), (LATE_AFTER_S, 40.0))
"""Kie calls when it is done, so asking is for calls that get lost."""
_LATE_INTERVAL_S = 60.0
_LONGEST_BACKOFF_S = 60.0

SLOWEST = 1 / 64
"""The share of the usual pace that remains at least, however often Kie asks for less."""
RECOVERS_AFTER_S = 10.0
"""Seconds without a complaint after which the pace is doubled again, up to the usual one."""


def interval_s(age_s: float, troubles: int = 0, *, has_callbacks: bool = False) -> float:
    """Return the seconds until a task of this age is asked about again.

    `troubles` counts the failed questions in a row; each doubles the wait, to a minute at most.
    """
    schedule = _SCHEDULE_WITH_CALLBACKS if has_callbacks else _SCHEDULE
    regular_s = next((every_s for end_s, every_s in schedule if age_s < end_s), _LATE_INTERVAL_S)
    if troubles == 0:
        return regular_s
    return max(regular_s, min(_LONGEST_BACKOFF_S, regular_s * 2.0 ** min(troubles, 10)))


@dataclass
class PaceShare:
    """Among how many processes a pace is shared."""

    processes: int = 1


class Pace:
    """The pace at which one account is asked about all its tasks together.

    Questions are spread evenly. When Kie complains, all of them slow down together, and speed up
    again step by step. Times are steady seconds.
    """

    def __init__(self, per_s: float, share: PaceShare | None = None) -> None:
        self._per_s = per_s
        self._processes = share or PaceShare()
        self._share = 1.0
        self._next_s = 0.0
        self._complained_s = float("-inf")

    def wait_s(self, now_s: float) -> float:
        """Return how long the next question has to wait."""
        return max(0.0, self._next_s - now_s)

    def asked(self, now_s: float) -> None:
        """Count one question."""
        if self._share < 1 and now_s - self._complained_s >= RECOVERS_AFTER_S:
            self._share = min(1.0, 2 * self._share)
            self._complained_s = now_s
        per_s = self._per_s * self._share / self._processes.processes
        self._next_s = max(now_s, self._next_s) + 1 / per_s

    def complained(self, now_s: float, pause_s: float) -> None:
        """Slow down: Kie was asked too much. Complaints of questions sent together count once."""
        if now_s >= self._complained_s + pause_s / 2:
            self._share = max(SLOWEST, self._share / 2)
        self._complained_s = now_s
        self._next_s = max(self._next_s, now_s + pause_s)
