from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kie_ui.catalog.registry import built_in_registry
from kie_ui.catalog.request import credits_in_words, dollars, estimate_credits
from kie_ui.catalog.spec import ModelSpec
from tests.catalog.documented import GROK, LITE
from tests.catalog.strategies import any_json


@pytest.mark.parametrize(
    ("model", "resolution", "duration", "credit_count"),
    [
        (GROK, "480p", "6", 14.4),
        (GROK, "480p", "10", 24),
        (GROK, "720p", "6", 27),
        (GROK, "720p", "10", 45),
        (LITE, "480p", "3", 6),
        (LITE, "720p", "5", 22.5),
        (LITE, "1080p", "12", 120),
    ],
)
def test_a_run_costs_its_seconds(
    model: str, resolution: str, duration: str, credit_count: float
) -> None:
    """The estimate is the rate of the resolution times the seconds, without rounding dust."""
    spec = built_in_registry().spec(model)

    assert estimate_credits(spec, {"resolution": resolution, "duration": duration}) == credit_count


@pytest.mark.parametrize("duration", [6, 6.0, "6", " 6 "])
def test_seconds_may_be_text_or_a_number(grok: ModelSpec, duration: object) -> None:
    """A form and a caller may say the duration as they like."""
    assert estimate_credits(grok, {"resolution": "480p", "duration": duration}) == 14.4


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"resolution": "480p"},
        {"duration": "6"},
        {"resolution": "480p", "duration": None},
        {"resolution": "480p", "duration": ""},
        {"resolution": "480p", "duration": "six"},
        {"resolution": "480p", "duration": "nan"},
        {"resolution": "480p", "duration": "inf"},
        {"resolution": "480p", "duration": 10**400},
        {"resolution": "4K", "duration": "6"},
        {"resolution": ["480p"], "duration": "6"},
    ],
    ids=lambda values: str(values)[:50],
)
def test_what_cannot_be_known_is_not_guessed(grok: ModelSpec, values: dict[str, Any]) -> None:
    """Without a price for the choice, or a number of seconds, there is no estimate."""
    assert estimate_credits(grok, values) is None


def test_a_model_without_a_price_has_no_estimate(grok: ModelSpec) -> None:
    """An imported model may come without prices."""
    unpriced = grok.model_copy(update={"price": None})

    assert estimate_credits(unpriced, {"resolution": "480p", "duration": "6"}) is None


@given(st.dictionaries(st.sampled_from(["resolution", "duration"]), any_json | st.just("480p")))
def test_no_form_breaks_the_estimate(values: dict[str, Any]) -> None:
    """Whatever a form holds, the estimate is a number or there is none."""
    estimate = estimate_credits(built_in_registry().spec(GROK), values)

    assert estimate is None or math.isfinite(estimate)


def test_a_credit_is_half_a_cent() -> None:
    """200 credits are one US dollar."""
    assert dollars(200) == 1
    assert dollars(0) == 0


@pytest.mark.parametrize(
    ("credit_count", "words"),
    [
        (14.4, "14.4 credits ($0.07)"),
        (1, "1 credit ($0.01)"),
        (0, "0 credits ($0.00)"),
        (100, "100 credits ($0.50)"),
        (22.5, "22.5 credits ($0.11)"),
        (0.25, "0.25 credits ($0.00)"),
        (1234.567, "1,234.57 credits ($6.17)"),
        (1_000_000, "1,000,000 credits ($5,000.00)"),
    ],
)
def test_amounts_are_said_in_both_currencies(credit_count: float, words: str) -> None:
    """Credits lose idle zeros, never those that count; dollars keep their cents."""
    assert credits_in_words(credit_count) == words
