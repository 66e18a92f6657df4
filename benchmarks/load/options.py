"""The options of one measurement."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

STEPS_AT_SPEED_1_S = 4.6
"""Seconds that a task waits, queues and generates in the simulator at its usual speed."""


@dataclass(frozen=True)
class Options:
    """The load, and the settings of both sides."""

    runs: int
    rate_per_s: float
    task_s: float
    """How long each task takes at the simulated Kie."""
    polls_per_s: float
    cut_off_s: float
    """From the first press on; what has not come until then counts as not done."""
    loads: tuple[str, ...]
    finds_saturation: bool

    @property
    def simulator_speed(self) -> float:
        """The speed at which the simulator's tasks take `task_s`."""
        return STEPS_AT_SPEED_1_S / self.task_s

    @property
    def pressing_s(self) -> float:
        """How long it takes until all have pressed."""
        return self.runs / self.rate_per_s

    @property
    def creates_per_10_s(self) -> int:
        """A budget that never holds a create back: what is measured is not our queue."""
        return max(20, round(20 * self.rate_per_s))


def read_options(names: tuple[str, ...]) -> Options:
    """Read the command line; `names` are those of the loads that there are."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    add = parser.add_argument
    add("--runs", type=int, default=1000, help="presses, each on a page of its own (1000)")
    add("--rate", type=float, default=20, help="presses a second (20)")
    add("--task-seconds", type=float, default=75, help="how long a task takes at Kie (75)")
    add("--polls-per-s", type=float, default=150, help="KIE_UI_POLLS_PER_S (150)")
    add("--cut-off-minutes", type=float, default=6, help="when a load is stopped (6)")
    add("--only", action="append", choices=names, help="measure this load; may be repeated")
    add("--saturate", action="store_true", help="find out how many presses a second are too many")
    given = parser.parse_args()
    return Options(
        runs=given.runs,
        rate_per_s=given.rate,
        task_s=given.task_seconds,
        polls_per_s=given.polls_per_s,
        cut_off_s=60 * given.cut_off_minutes,
        loads=tuple(given.only or names),
        finds_saturation=given.saturate,
    )
