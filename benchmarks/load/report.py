"""What was measured, as tables for a README."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

from benchmarks.load.measurement import Measured
from benchmarks.load.options import Options
from benchmarks.load.visitors import Visit

Row = tuple[str, Callable[[Measured], str]]


def caption(options: Options) -> str:
    """Describe the load and the settings."""
    return (
        f"{options.runs:,} visitors, each with their own page, press Generate at "
        f"{options.rate_per_s:g} a second; a task takes {options.task_s:g} s at the simulator, "
        "which serves copies of one clip. Page, simulator and visitors are one process each and "
        f"share {os.cpu_count()} cores; a newcomer opens the page every second all the while. "
        "Kie UI: `KIE_UI_VISITORS=many`, `KIE_UI_SHARE_SERVER_KEY=1` with no limit a day, "
        f"`KIE_UI_POLLS_PER_S={options.polls_per_s:g}`, "
        f"`KIE_UI_CREATES_PER_10_S={options.creates_per_10_s}`; with callbacks also "
        "`KIE_UI_PUBLIC_URL`. Plain app: `benchmarks/plain_app.py`, a poll every 2.5 s. Stopped "
        f"after {options.cut_off_s / 60:g} minutes."
    )


def tables(columns: dict[str, Measured]) -> str:
    """Return the measurements beside each other."""
    parts = [
        f"| {title} | {' | '.join(columns)} |\n|:--|{'--:|' * len(columns)}\n"
        + _rows(rows, columns)
        for title, rows in TABLES.items()
    ]
    return "\n\n".join(parts)


def _rows(rows: Sequence[Row], columns: dict[str, Measured]) -> str:
    return "\n".join(
        f"| {name} | {' | '.join(cell(measured) for measured in columns.values())} |"
        for name, cell in rows
    )


def _presses(measured: Measured) -> str:
    return f"{len(measured.visits):,}"


def _done(measured: Measured) -> str:
    return f"{sum(visit.is_done for visit in measured.visits):,}"


def _missing(measured: Measured) -> str:
    return f"{sum(not visit.is_done for visit in measured.visits):,}"


def _twice(measured: Measured) -> str:
    return f"{sum(len(records) > 1 for records in measured.records.values()):,}"


def most_at_once(measured: Measured) -> int:
    """Return how many tasks were in the works together at the peak, by Kie’s records."""
    tasks = [record for records in measured.records.values() for record in records]
    moments = [(task["createTime"], 1) for task in tasks]
    moments += [(task["completeTime"], -1) for task in tasks if task["completeTime"]]
    return max(accumulate(change for _, change in sorted(moments)), default=0)


def _between(start: str, end: str) -> Callable[[Measured], str]:
    """Make the cell that says how long it took from one moment of a visit to another.

    Moments are fields of `Visit`, or of Kie's record. A visit that lacks one of them is left out.
    """

    def cell(measured: Measured) -> str:
        moments = [
            (_moment(visit, record, start), _moment(visit, record, end))
            for visit in measured.visits
            for record in measured.records.get(visit.prompt, ())
        ]
        return _spread([end_s - start_s for start_s, end_s in moments if start_s and end_s])

    return cell


def _moment(visit: Visit, record: dict[str, Any], name: str) -> float | None:
    if name in record:
        return record[name] / 1000 if record[name] else None
    at_s: float | None = getattr(visit, name)
    return at_s


def _spread(values: Sequence[float]) -> str:
    """Say median, 95th percentile and maximum, in seconds."""
    if len(values) < 2:
        return "–"
    p95 = statistics.quantiles(values, n=20, method="inclusive")[-1]
    return f"{statistics.median(values):.2f} / {p95:.2f} / {max(values):.2f}"


def _opening(phase: str) -> Callable[[Measured], str]:
    def cell(measured: Measured) -> str:
        idle = statistics.median(measured.openings.idle)
        values: list[float] = getattr(measured.openings, phase)
        if not values:
            return "–"
        median = statistics.median(values)
        return f"{1000 * median:.0f} ms ({median / idle:.1f}×)"

    return cell


def _openings_under_load(measured: Measured) -> str:
    openings = measured.openings
    return _spread([*openings.pressing, *openings.in_flight, *openings.arriving])


def _per_task(counted: str) -> Callable[[Measured], str]:
    def cell(measured: Measured) -> str:
        number: int = getattr(measured.ledger, counted)
        return f"{number / measured.ledger.creates:.2f}" if measured.ledger.creates else "–"

    return cell


def _memory(measured: Measured) -> str:
    levels = (measured.memory_before_mb, measured.memory_peak_mb, measured.memory_after_mb)
    return " / ".join(f"{level:.0f}" for level in levels)


def _memory_per_run(measured: Measured) -> str:
    grown_mb = measured.memory_peak_mb - measured.memory_before_mb
    return f"{1000 * grown_mb / len(measured.visits):.0f} kB"


def _cpu_per_run(measured: Measured) -> str:
    return f"{1000 * measured.page_cpu_s / len(measured.visits):.0f} ms"


def _cpu(measured: Measured) -> str:
    used = (measured.page_cpu_s, measured.kie_cpu_s, measured.own_cpu_s)
    return " / ".join(f"{seconds:.0f}" for seconds in used)


TABLES: dict[str, tuple[Row, ...]] = {
    "Runs": (
        ("presses", _presses),
        ("in the works at Kie at the same time", lambda measured: f"{most_at_once(measured):,}"),
        ("clip on the page", _done),
        ("lost, or not done in time", _missing),
        ("created twice", _twice),
    ),
    "Seconds, where it came: median / 95 % / longest": (
        ("from success at Kie to the clip on the page", _between("completeTime", "done_at_s")),
        ("… until it is noticed", _between("completeTime", "noticed_at_s")),
        ("… until it is fetched and published", _between("noticed_at_s", "done_at_s")),
        ("between two polls of a task", lambda m: _spread(m.ledger.polling_gaps_s())),
        ("from the press to its receipt", _between("pressed_at_s", "heard_at_s")),
        ("from the press to the task at Kie", _between("pressed_at_s", "createTime")),
    ),
    "A newcomer’s page opens in": (
        ("idle", _opening("idle")),
        ("while people press", _opening("pressing")),
        ("all in flight", _opening("in_flight")),
        ("while clips arrive", _opening("arriving")),
        ("at any time of the load: median / 95 % / longest, s", _openings_under_load),
        ("did not open", lambda measured: f"{measured.openings.failed:,}"),
    ),
    "Requests to Kie for each task": (
        ("creates", lambda m: f"{m.ledger.creates:,} for {sum(map(len, m.records.values())):,}"),
        ("uploads", _per_task("uploads")),
        ("polls", _per_task("polls")),
        ("downloads", _per_task("downloads")),
    ),
    "Machine": (
        ("memory of the page, MB: before / peak / after", _memory),
        ("memory for each run, at the peak", _memory_per_run),
        ("processor seconds: page / simulator / visitors", _cpu),
        ("processor time of the page for each run", _cpu_per_run),
        ("seconds of load", lambda measured: f"{measured.load_s:.0f}"),
    ),
}
"""The rows of each table, by its title."""
