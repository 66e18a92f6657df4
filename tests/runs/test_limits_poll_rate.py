from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kie_ui.runs.lifecycle.poll_scheduler import interval_s
from kie_ui.runs.limits import MIN_RATE_SHARE, RECOVERS_AFTER_S, PollRate

PER_S = 20.0


def asked_within(rate: PollRate, start_s: float, duration_s: float) -> list[float]:
    """Ask as often as a pace allows, and return when."""
    now_s = start_s
    times_s: list[float] = []
    while True:
        now_s += rate.wait_s(now_s)
        if now_s >= start_s + duration_s:
            return times_s
        rate.count(now_s)
        times_s.append(now_s)


@given(st.floats(0, 1e9), st.integers(0, 1000), st.booleans())
def test_trouble_never_makes_asking_more_frequent_nor_stops_it(
    age_s: float,
    failures: int,
    has_callbacks: bool,  # noqa: FBT001 - Hypothesis makes it up
) -> None:
    """However long a service is down, a task is polled between its schedule and once a minute."""
    usual_s = interval_s(age_s, has_callbacks=has_callbacks)
    troubled_s = interval_s(age_s, failures, has_callbacks=has_callbacks)
    assert usual_s <= troubled_s <= 60.0
    assert troubled_s <= interval_s(age_s, failures + 1, has_callbacks=has_callbacks)


@given(st.floats(0, 1e9))
def test_with_callbacks_asking_slows_down_and_remains(age_s: float) -> None:
    """A call may get lost, so every task is polled all the same, at least once a minute."""
    assert interval_s(age_s) <= interval_s(age_s, has_callbacks=True) <= 60.0
    assert interval_s(0, has_callbacks=True) > interval_s(0)


def test_questions_are_spread_evenly() -> None:
    """A second's worth of questions does not leave in its first moment."""
    times_s = asked_within(PollRate(PER_S), 100.0, 5.0)
    gaps_s = {round(later - sooner, 9) for sooner, later in pairwise(times_s)}
    assert gaps_s == {1 / PER_S}


def test_time_without_questions_is_not_saved_up() -> None:
    """After an hour of silence there is no burst."""
    rate = PollRate(PER_S)
    asked_within(rate, 0.0, 1.0)
    assert len(asked_within(rate, 3600.0, 1.0)) <= PER_S + 1


def test_a_complaint_pauses_and_then_halves() -> None:
    """Kie asks for less, and gets less: nothing for a while, then half as much."""
    rate = PollRate(PER_S)
    rate.slow_down(0.0, 5.0)
    assert asked_within(rate, 0.0, 5.0) == []
    assert 9 <= len(asked_within(rate, 5.0, 1.0)) <= 11


def test_complaints_about_questions_sent_together_count_once() -> None:
    """Eight answers that come back at once are one piece of news."""
    one, eight = PollRate(PER_S), PollRate(PER_S)
    one.slow_down(0.0, 5.0)
    for number in range(8):
        eight.slow_down(number / 100, 5.0)
    assert len(asked_within(one, 6.0, 2.0)) == len(asked_within(eight, 6.0, 2.0))


def test_the_pace_recovers_step_by_step() -> None:
    """After a time without a complaint it doubles, again and again, up to the usual and no more."""
    rate = PollRate(PER_S)
    for number in range(3):
        rate.slow_down(number * 5.0, 5.0)
    counted = [len(asked_within(rate, 15.0 + number * 5.0, 5.0)) for number in range(8)]
    assert counted == sorted(counted)
    assert counted[0] < 20
    assert abs(counted[-1] - 5 * PER_S) <= 1
    assert RECOVERS_AFTER_S == 10.0


@given(
    st.floats(0.1, 1000),
    st.lists(st.tuples(st.floats(0, 30), st.booleans()), max_size=60),
)
def test_the_budget_is_never_exceeded_and_asking_never_stops(
    per_s: float, events: list[tuple[float, bool]]
) -> None:
    """Whatever happens, questions keep their distance, and the wait for the next one is finite."""
    rate = PollRate(per_s)
    now_s, last_s = 0.0, float("-inf")
    for passes_s, is_complaint in events:
        now_s += passes_s
        if is_complaint:
            rate.slow_down(now_s, 5.0)
            continue
        now_s += rate.wait_s(now_s)
        assert now_s - last_s >= (1 - 1e-6) / per_s
        rate.count(now_s)
        last_s = now_s
    assert rate.wait_s(now_s) <= 5.0 + 1 / (per_s * MIN_RATE_SHARE)
