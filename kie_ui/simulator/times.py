"""Moments in the spellings of the wire."""

from __future__ import annotations

from datetime import UTC, datetime


def iso_time(unix_ms: int) -> str:
    """Spell unix milliseconds as ISO 8601 in UTC, such as `2026-01-31T12:00:00.000Z`."""
    moment = datetime.fromtimestamp(unix_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
