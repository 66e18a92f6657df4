"""What was spent, and how long it took: added up from the runs themselves."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Select, case, func, select, tuple_, union_all

from kie_ui.runs.run import BackendKind, Step
from kie_ui.runs.storage.tables import RUNS, SPENT

DAY_MS = 24 * 60 * 60 * 1000

LOOK_BACK_RUNS = 100
"""The newest runs of a setting that a usual time is taken from: Kie's pace changes."""

MAX_SETTINGS = 200


@dataclass(frozen=True)
class SpendingDay:
    """What the runs of one model cost on one day, in Kie credits, as their records say.

    `runs` and `credits` count the failed ones too, but none that was cancelled before it was sent;
    `unknown_runs` may have cost something that no record says.
    """

    date: str
    """As 2026-01-31, where the person is."""
    model: str
    runs: int
    credits: float
    failed_runs: int
    failed_credits: float
    unknown_runs: int


@dataclass(frozen=True)
class UsualTime:
    """How long results were in the making, in seconds: of ten, eight lie between low and high."""

    median_s: float
    low_s: float
    high_s: float
    runs: int


def spending(
    connection: Connection,
    owner: str,
    backend: BackendKind,
    *,
    utc_offset_min: int,
    days: int,
    now_ms: int,
) -> tuple[SpendingDay, ...]:
    """Add up what an owner's runs cost on the last days, by day and model, the newest day first."""
    offset_ms = utc_offset_min * 60_000
    first_day = (now_ms + offset_ms) // DAY_MS - days + 1
    query = _spending_by_day(owner, backend, first_day * DAY_MS - offset_ms, offset_ms)
    return tuple(
        SpendingDay(datetime.fromtimestamp(day * DAY_MS / 1000, UTC).date().isoformat(), *rest)
        for day, *rest in connection.execute(query)
    )


def _spending_by_day(
    owner: str, backend: BackendKind, since_ms: int, offset_ms: int
) -> Select[Any]:
    """Build the query of a SpendingDay's columns; days are counted from 1970."""
    made = union_all(
        *(
            select(each.c.created_at_ms, each.c.model, each.c.step, each.c.credits_used).where(
                each.c.owner == owner, each.c.backend == backend, each.c.created_at_ms >= since_ms
            )
            for each in (RUNS, SPENT)
        )
    ).subquery("made")
    step, credits_used = made.c.step, made.c.credits_used
    day = ((made.c.created_at_ms + offset_ms) // DAY_MS).label("day")
    is_unknown = credits_used.is_(None) & step.in_([Step.DONE, Step.UNKNOWN, Step.UNFETCHED])
    runs = func.sum(case((step == Step.CANCELLED, 0), else_=1))
    return (
        select(
            day,
            made.c.model,
            runs,
            func.coalesce(func.sum(credits_used), 0),
            func.sum(case((step == Step.FAILED, 1), else_=0)),
            func.coalesce(func.sum(case((step == Step.FAILED, credits_used))), 0),
            func.sum(case((is_unknown, 1), else_=0)),
        )
        .group_by(day, made.c.model)
        .having(runs > 0)
        .order_by(day.desc(), made.c.model)
    )


def usual_time(
    connection: Connection, owner: str, backend: BackendKind, model: str, setting: str
) -> UsualTime | None:
    """Return how long an owner's runs of a model took at a setting; None if there is none."""
    query = select(RUNS.c.took_ms).where(
        RUNS.c.owner == owner,
        RUNS.c.backend == backend,
        RUNS.c.model == model,
        RUNS.c.setting == setting,
        RUNS.c.took_ms.is_not(None),
    )
    newest = query.order_by(RUNS.c.number.desc()).limit(LOOK_BACK_RUNS)
    took_s = sorted(took_ms / 1000 for took_ms in connection.scalars(newest))
    if not took_s:
        return None
    low_s, high_s = (took_s[round(share * (len(took_s) - 1))] for share in (0.1, 0.9))
    return UsualTime(statistics.median(took_s), low_s, high_s, len(took_s))


def usual_times(
    connection: Connection, owner: str, backend: BackendKind
) -> tuple[tuple[str, dict[str, Any], UsualTime], ...]:
    """Return how long each model takes at each setting, leaping through the index."""
    setting = tuple_(RUNS.c.model, RUNS.c.setting)
    settings = select(RUNS.c.model, RUNS.c.setting).order_by(RUNS.c.model, RUNS.c.setting).limit(1)
    settings = settings.where(RUNS.c.owner == owner, RUNS.c.backend == backend)
    found: list[tuple[str, dict[str, Any], UsualTime]] = []
    last = ("", "")
    for _ in range(MAX_SETTINGS):
        following = connection.execute(settings.where(setting > last)).first()
        if following is None:
            break
        last = following.model, following.setting
        usual = usual_time(connection, owner, backend, *last)
        if usual is not None:
            found.append((last[0], json.loads(last[1]), usual))
    return tuple(found)
