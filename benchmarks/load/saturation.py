"""How many presses a second one process can serve, and what becomes of those beyond."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import replace

from benchmarks.load.measurement import Measured
from benchmarks.load.options import Options

FLOOD_RUNS, FLOOD_PER_S, FLOOD_TASK_S = 300, 60.0, 2.0
LOAD_S = 40.0
"""How long people press below and above the rate that was found."""

Measure = Callable[[Options], Measured]


def find_rate(measure: Measure, options: Options) -> float:
    """Press much faster than can be served; return the clips a second that arrive nevertheless."""
    flood = replace(options, runs=FLOOD_RUNS, rate_per_s=FLOOD_PER_S, task_s=FLOOD_TASK_S)
    visits = measure(flood).visits
    done = sorted(visit.done_at_s for visit in visits if visit.done_at_s)
    # The first and the last tenth are left out: there it is not the process that sets the pace.
    tenth = len(done) // 10
    middle = done[tenth:-tenth]
    return (len(middle) - 1) / (middle[-1] - middle[0])


def measure_saturation(measure: Measure, options: Options) -> str:
    """Return a table: the rate, and what happens at two thirds and at one and a half times it."""
    rate = find_rate(measure, options)
    parts = [f"One process makes {rate:.1f} clips a second.\n\n{_HEAD}"]
    for share in (2 / 3, 1.5):
        per_s = share * rate
        under = replace(options, runs=round(LOAD_S * per_s), rate_per_s=per_s)
        parts.append(_row(share, per_s, measure(under)))
    return "\n".join(parts)


_HEAD = (
    "| presses a second | presses | clips | refused in words | lost "
    "| press → answer, median / longest | page opens, idle → pressing |\n"
    "|:--|--:|--:|--:|--:|--:|--:|"
)


def _row(share: float, per_s: float, measured: Measured) -> str:
    visits = measured.visits
    answers = [
        (visit.heard_at_s or visit.refused_at_s or visit.pressed_at_s) - visit.pressed_at_s
        for visit in visits
        if visit.pressed_at_s
    ]
    refused = sum(visit.refused_at_s is not None for visit in visits)
    done = sum(visit.is_done for visit in visits)
    idle = statistics.median(measured.openings.idle)
    pressing = statistics.median(measured.openings.pressing)
    cells = (
        f"{per_s:.1f} ({share:.2f}×)",
        f"{len(visits):,}",
        f"{done:,}",
        f"{refused:,}",
        f"{len(visits) - done - refused:,}",
        f"{statistics.median(answers):.2f} / {max(answers):.2f} s",
        f"{1000 * idle:.0f} → {1000 * pressing:.0f} ms ({pressing / idle:.1f}×)",
    )
    return f"| {' | '.join(cells)} |"
