"""What a run will cost, as far as anyone can know before it ran."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kie_ui.catalog.spec import ModelSpec

DOLLARS_PER_CREDIT = 0.005
"""Source: observed live, "Balance and download"."""

MOST_SECONDS = 24 * 3600.0
"""A duration beyond that is none of which a price could be told."""


def estimate_credits(spec: ModelSpec, values: Mapping[str, Any]) -> float | None:
    """Estimate the credits of one run, or None where the price or a value it needs is unknown."""
    if spec.price is None:
        return None
    rate = spec.price.credits_per_second.get(str(values.get(spec.price.by)))
    try:
        seconds = float(values[spec.price.duration])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    if rate is None or not 0 <= seconds <= MOST_SECONDS:
        return None
    return round(rate * seconds, 2)


def dollars(credit_count: float) -> float:
    """Convert Kie credits to US dollars."""
    return credit_count * DOLLARS_PER_CREDIT


def credits_in_words(credit_count: float) -> str:
    """Say an amount in both currencies, such as `14.4 credits ($0.07)`."""
    amount = f"{credit_count:,.2f}".rstrip("0").rstrip(".")
    noun = "credit" if amount == "1" else "credits"
    return f"{amount} {noun} (${dollars(credit_count):,.2f})"
