"""What was spent, and how long it took: added up from the runs themselves."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, text

from kie_ui.runs.run import BackendKind
from kie_ui.runs.storage.derived import setting_of

DAY_MS = 24 * 60 * 60 * 1000

LOOK_BACK_RUNS = 100
"""How many runs of a setting tell how long one usually takes: Kie's pace changes."""

MAX_SETTINGS = 200


@dataclass(frozen=True)
class SpendingDay:
    """What the runs of one model cost on one day, in Kie credits, as their records say.

    `runs` and `credits` count the failed ones too, but none that was cancelled before it was sent;
    `unknown_runs` are those that may cost something which no record tells.
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
class Spending:
    """What was spent, the newest day first."""

    days: tuple[SpendingDay, ...]


@dataclass(frozen=True)
class UsualTime:
    """How long clips were in the making, in seconds: of ten, eight lie between low and high."""

    median_s: float
    low_s: float
    high_s: float
    runs: int


_SPENT = text(
    """
    SELECT (created_at_ms + :offset_ms) / :day_ms AS day, model,
        sum(CASE WHEN step = 'cancelled' THEN 0 ELSE 1 END) AS runs,
        coalesce(sum(credits_used), 0),
        sum(CASE WHEN step = 'failed' THEN 1 ELSE 0 END),
        coalesce(sum(CASE WHEN step = 'failed' THEN credits_used END), 0),
        sum(CASE WHEN credits_used IS NULL AND step IN ('done', 'unknown', 'unfetched')
            THEN 1 ELSE 0 END)
    FROM (
        SELECT created_at_ms, model, step, credits_used FROM runs
        WHERE owner = :owner AND backend = :backend AND created_at_ms >= :since_ms
        UNION ALL
        SELECT created_at_ms, model, step, credits_used FROM spent
        WHERE owner = :owner AND backend = :backend AND created_at_ms >= :since_ms
    ) AS made
    GROUP BY day, model HAVING sum(CASE WHEN step = 'cancelled' THEN 0 ELSE 1 END) > 0
    ORDER BY day DESC, model
    """
)


def spending(
    owner: str, backend: BackendKind, offset_min: int, days: int, now_ms: int, c: Connection
) -> Spending:
    """Add up what an owner's runs cost on the last days, by day and model."""
    offset_ms = offset_min * 60_000
    first_day = (now_ms + offset_ms) // DAY_MS - days + 1
    asked = {
        "owner": owner,
        "backend": backend,
        "offset_ms": offset_ms,
        "day_ms": DAY_MS,
        "since_ms": first_day * DAY_MS - offset_ms,
    }
    return Spending(tuple(_day(*row) for row in c.execute(_SPENT, asked)))


def _day(day: int, *rest: Any) -> SpendingDay:
    return SpendingDay(datetime.fromtimestamp(day * DAY_MS / 1000, UTC).date().isoformat(), *rest)


_TOOK = text(
    "SELECT took_ms FROM runs WHERE owner = :owner AND backend = :backend AND model = :model"
    " AND setting = :setting AND took_ms IS NOT NULL ORDER BY number DESC LIMIT :limit"
)


def usual_time(
    owner: str, backend: BackendKind, model: str, values: dict[str, Any], c: Connection
) -> UsualTime | None:
    """Tell how long an owner's runs of a model took at a setting; None if there is none."""
    return _usual(owner, backend, model, setting_of(values), c)


def _usual(
    owner: str, backend: BackendKind, model: str, setting: str, c: Connection
) -> UsualTime | None:
    asked = {"owner": owner, "backend": backend, "model": model, "setting": setting}
    took = sorted(int(ms) / 1000 for ms in c.scalars(_TOOK, {**asked, "limit": LOOK_BACK_RUNS}))
    if not took:
        return None
    low, high = _share(took, 0.1), _share(took, 0.9)
    return UsualTime(statistics.median(took), low, high, len(took))


def _share(took: list[float], share: float) -> float:
    return took[round(share * (len(took) - 1))]


_NEXT = text(
    "SELECT model, setting FROM runs WHERE owner = :owner AND backend = :backend"
    " AND (model, setting) > (:model, :setting) ORDER BY model, setting LIMIT 1"
)


def usual_times(
    owner: str, backend: BackendKind, c: Connection
) -> tuple[tuple[str, dict[str, Any], UsualTime], ...]:
    """Tell how long each model takes at each setting, leaping through the index."""
    found: list[tuple[str, dict[str, Any], UsualTime]] = []
    model, setting = "", ""
    for _ in range(MAX_SETTINGS):
        asked = {"owner": owner, "backend": backend, "model": model, "setting": setting}
        following = c.execute(_NEXT, asked).first()
        if following is None:
            break
        model, setting = following
        usual = _usual(owner, backend, model, setting, c)
        if usual is not None:
            found.append((model, json.loads(setting), usual))
    return tuple(found)
