"""A forecast says as much as the months behind it do, and no more."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from schedules.forecast import FEWEST_PARTS, SHARE_WITHIN, forecast_at_end

months = st.lists(st.floats(0, 1e6), min_size=FEWEST_PARTS, max_size=24)


def test_too_few_months_tell_nothing() -> None:
    assert forecast_at_end(10, [1.0, 2.0], 3) is None


def test_months_that_are_all_alike_leave_no_doubt() -> None:
    forecast = forecast_at_end(100, [10.0] * 6, 4)
    assert forecast is not None
    assert (forecast.low, forecast.expected, forecast.high) == (140, 140, 140)


@given(done=st.floats(0, 1e7), past=months, to_come=st.floats(0, 12))
def test_the_range_holds_the_forecast_and_never_falls_below_what_is_done(
    done: float, past: list[float], to_come: float
) -> None:
    forecast = forecast_at_end(done, past, to_come)
    assert forecast is not None
    assert done <= forecast.low <= forecast.high
    assert forecast.low <= forecast.expected * (1 + 1e-9) + 1e-6
    assert forecast.expected <= forecast.high * (1 + 1e-9) + 1e-6


def test_four_of_five_years_end_within_the_range() -> None:
    rng = Random(7)
    within = 0
    for _ in range(3000):
        past = [rng.gauss(1000, 200) for _month in range(8)]
        rest = sum(rng.gauss(1000, 200) for _month in range(4))
        forecast = forecast_at_end(0, past, 4)
        assert forecast is not None
        within += forecast.low <= rest <= forecast.high
    assert abs(within / 3000 - SHARE_WITHIN) < 0.025
