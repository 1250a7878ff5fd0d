"""Reporting periods: their days, their neighbours, and the pieces a chart is drawn of."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.periods import (
    PeriodKind,
    ReportingPeriod,
    closed_period,
    custom_period,
    period_of,
)

DAYS = st.dates(date(1950, 1, 1), date(2150, 12, 31))
# Any dates, and the first nine months of a year, do not fill the calendar.
KINDS = st.sampled_from(
    [kind for kind in PeriodKind if kind not in {PeriodKind.CUSTOM, PeriodKind.NINE_MONTHS}]
)


@pytest.mark.parametrize(
    ("kind", "first", "last"),
    [
        (PeriodKind.DAY, date(2026, 11, 24), date(2026, 11, 24)),
        (PeriodKind.WEEK, date(2026, 11, 23), date(2026, 11, 29)),
        (PeriodKind.MONTH, date(2026, 11, 1), date(2026, 11, 30)),
        (PeriodKind.QUARTER, date(2026, 10, 1), date(2026, 12, 31)),
        (PeriodKind.HALF_YEAR, date(2026, 7, 1), date(2026, 12, 31)),
        (PeriodKind.YEAR, date(2026, 1, 1), date(2026, 12, 31)),
        (PeriodKind.SCHOOL_YEAR, date(2026, 9, 1), date(2027, 8, 31)),
    ],
)
def test_a_tuesday_in_november_lies_in_each_kind_of_period(
    kind: PeriodKind, first: date, last: date
) -> None:
    assert period_of(kind, date(2026, 11, 24)) == ReportingPeriod(kind, first, last)


def test_the_last_of_august_belongs_to_the_school_year_that_ends() -> None:
    assert period_of(PeriodKind.SCHOOL_YEAR, date(2027, 8, 31)).first == date(2026, 9, 1)
    assert period_of(PeriodKind.SCHOOL_YEAR, date(2027, 9, 1)).first == date(2027, 9, 1)


def test_february_of_a_leap_year_has_its_29th() -> None:
    assert period_of(PeriodKind.MONTH, date(2028, 2, 3)).last == date(2028, 2, 29)


@given(KINDS, DAYS)
def test_periods_of_a_kind_follow_each_other_without_gap_or_overlap(
    kind: PeriodKind, day: date
) -> None:
    period = period_of(kind, day)
    assert period.first <= day <= period.last
    assert period.before().last + timedelta(days=1) == period.first
    assert period.after().first - timedelta(days=1) == period.last
    assert period.before().after() == period
    assert period.after().before() == period


@given(DAYS, DAYS)
def test_any_dates_compare_with_as_many_days_before(one: date, other: date) -> None:
    period = custom_period(one, other)
    assert (period.first, period.last) == (min(one, other), max(one, other))
    assert period.before().days == period.days == period.after().days
    assert period.before().after() == period


@given(DAYS, st.integers(0, 800))
def test_the_pieces_of_a_chart_hold_each_day_once(first: date, more: int) -> None:
    period = custom_period(first, first + timedelta(days=more))
    pieces = period.buckets()
    held = [p.first + timedelta(days=n) for p in pieces for n in range(p.days)]
    assert held == [period.first + timedelta(days=n) for n in range(period.days)]


def test_a_month_is_drawn_by_days_a_quarter_by_weeks_and_a_year_by_months() -> None:
    day = date(2026, 11, 24)
    drawn = {
        kind: {piece.kind for piece in period_of(kind, day).buckets()}
        for kind in (PeriodKind.MONTH, PeriodKind.QUARTER, PeriodKind.YEAR)
    }
    assert drawn[PeriodKind.MONTH] == {PeriodKind.DAY}
    assert drawn[PeriodKind.QUARTER] == {PeriodKind.WEEK}
    assert drawn[PeriodKind.YEAR] == {PeriodKind.MONTH}


def test_a_period_that_is_over_is_compared_with_the_whole_one_before() -> None:
    october = period_of(PeriodKind.MONTH, date(2026, 10, 5))
    compared = october.comparison(date(2026, 11, 25))
    assert (compared.this, compared.before) == (october, october.before())
    assert compared.first_days is None
    assert october.comparison(october.last).first_days is None, "its last day completes it"
    assert october.comparison(date(2026, 9, 1)).first_days is None, "nor has it begun"


def test_a_running_period_is_compared_day_for_day() -> None:
    compared = period_of(PeriodKind.MONTH, date(2026, 11, 25)).comparison(date(2026, 11, 25))
    assert (compared.this.first, compared.this.last) == (date(2026, 11, 1), date(2026, 11, 25))
    assert (compared.before.first, compared.before.last) == (date(2026, 10, 1), date(2026, 10, 25))
    assert compared.first_days == 25


@given(KINDS, DAYS)
def test_compared_days_are_as_many_and_begin_with_their_periods(
    kind: PeriodKind, today: date
) -> None:
    period = period_of(kind, today)
    compared = period.comparison(today)
    assert compared.this.first == period.first
    assert compared.before.first == period.before().first
    assert compared.before.last < period.first
    if compared.first_days is not None:
        assert compared.this.days == compared.before.days == compared.first_days
        assert compared.this.last <= today


def test_a_month_that_closes_in_its_middle_begins_in_the_month_before() -> None:
    march = closed_period(PeriodKind.MONTH, date(2026, 3, 10), 14)
    assert (march.first, march.last) == (date(2026, 2, 15), date(2026, 3, 14))
    assert closed_period(PeriodKind.MONTH, date(2026, 2, 15), 14) == march
    year = closed_period(PeriodKind.YEAR, date(2025, 12, 20), 14)
    assert (year.first, year.last) == (date(2025, 12, 15), date(2026, 12, 14))
    quarter = closed_period(PeriodKind.QUARTER, date(2026, 4, 1), 14)
    assert (quarter.first, quarter.last) == (date(2026, 3, 15), date(2026, 6, 14))


def test_months_without_a_closing_day_are_whole_months() -> None:
    for kind in (PeriodKind.MONTH, PeriodKind.NINE_MONTHS, PeriodKind.SCHOOL_YEAR):
        day = date(2026, 5, 31)
        assert closed_period(kind, day, None) == period_of(kind, day)
    assert closed_period(PeriodKind.MONTH, date(2026, 2, 10), 31).last == date(2026, 2, 28)


@given(
    day=st.dates(date(2000, 1, 1), date(2090, 1, 1)),
    closing=st.integers(1, 31),
    kind=st.sampled_from(
        [PeriodKind.MONTH, PeriodKind.QUARTER, PeriodKind.HALF_YEAR, PeriodKind.YEAR]
    ),
)
def test_closed_periods_follow_each_other_without_gap(
    day: date, closing: int, kind: PeriodKind
) -> None:
    period = closed_period(kind, day, closing)
    assert period.first <= day <= period.last
    after = closed_period(kind, period.last + timedelta(days=1), closing)
    assert after.first == period.last + timedelta(days=1)


def test_the_first_nine_months_are_compared_with_those_of_the_year_before() -> None:
    period = period_of(PeriodKind.NINE_MONTHS, date(2026, 11, 3))
    assert (period.first, period.last) == (date(2026, 1, 1), date(2026, 9, 30))
    assert period.before().last == date(2025, 9, 30)
    assert period.after().first == date(2027, 1, 1)


def test_a_year_before_ends_on_the_last_of_the_same_month() -> None:
    leap = period_of(PeriodKind.MONTH, date(2024, 2, 3)).a_year_before()
    assert (leap.first, leap.last) == (date(2023, 2, 1), date(2023, 2, 28))
    common = period_of(PeriodKind.MONTH, date(2025, 2, 3)).a_year_before()
    assert common.last == date(2024, 2, 29)
