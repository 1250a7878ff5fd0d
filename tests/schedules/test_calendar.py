"""Which days the service runs: Tết, closures, teaching periods, weekdays."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.calendar import (
    CalendarRangeError,
    Closure,
    OffKind,
    Period,
    ServiceCalendar,
    lunar_new_year,
    public_holidays,
    pupils_tet_days_off,
)

WORKDAYS = frozenset(range(5))
YEAR = st.dates(date(2026, 1, 1), date(2026, 12, 31))


@pytest.mark.parametrize(
    "day",
    [
        date(2026, 2, 17),  # Mùng Một Tết Bính Ngọ
        date(2026, 4, 26),  # Giỗ Tổ Hùng Vương: 10/3 âm lịch
        date(2026, 4, 30),
        date(2026, 5, 1),
        date(2026, 9, 2),
        date(2027, 2, 6),  # Mùng Một Tết Đinh Mùi
    ],
)
def test_vietnamese_holidays_are_off_with_their_vietnamese_name(day: date) -> None:
    off = ServiceCalendar("Trường học", country="VN").day_off(day)
    assert off is not None
    assert off.kind == OffKind.PUBLIC_HOLIDAY
    assert off.reason
    assert off.reason != public_holidays("VN", day, day, "en_US")[day]


def test_the_week_of_tet_is_off_from_the_eve_on() -> None:
    calendar = ServiceCalendar("Trường học", country="VN")
    tet = [date(2026, 2, 16) + timedelta(days=n) for n in range(5)]
    assert calendar.open_days(tet[0], tet[-1]) == []


def test_a_closure_of_the_library_is_off_with_its_reason() -> None:
    storm = Closure(date(2026, 10, 5), date(2026, 10, 7), "Bão số 9")
    calendar = ServiceCalendar("Xã", closures=(storm,))
    off = calendar.day_off(date(2026, 10, 7))
    assert off is not None
    assert (off.kind, off.reason) == (OffKind.CLOSURE, "Bão số 9")
    assert calendar.day_off(date(2026, 10, 8)) is None


def test_a_day_worked_in_spite_of_a_holiday_is_open() -> None:
    makeup = Closure(date(2026, 9, 2), date(2026, 9, 2), "Làm bù", opens=True)
    closed = Closure(date(2026, 9, 1), date(2026, 9, 3), "Nghỉ")
    calendar = ServiceCalendar("Xã", WORKDAYS, "VN", (closed, makeup))
    assert calendar.day_off(date(2026, 9, 2)) is None


def test_outside_every_teaching_period_a_schools_stop_is_off() -> None:
    terms = (
        Period(date(2026, 9, 7), date(2027, 1, 16)),
        Period(date(2027, 1, 25), date(2027, 5, 29)),
    )
    calendar = ServiceCalendar("Tiểu học", WORKDAYS, "VN", periods=terms)
    off = calendar.day_off(date(2027, 7, 6))
    assert off is not None
    assert off.kind == OffKind.OUTSIDE_PERIOD
    assert calendar.day_off(date(2026, 11, 25)) is None


def test_pupils_and_staff_have_days_off_of_their_own() -> None:
    pupils = ServiceCalendar(
        "Học sinh", closures=(Closure(date(2027, 1, 30), date(2027, 2, 14), "Nghỉ Tết"),)
    )
    staff = ServiceCalendar("Viên chức", country="VN")
    assert pupils.day_off(date(2027, 2, 1)) is not None
    assert staff.day_off(date(2027, 2, 1)) is None


@given(st.frozensets(st.integers(0, 6)), YEAR, st.integers(0, 60))
def test_open_days_are_exactly_those_that_are_not_off(
    weekdays: frozenset[int], first: date, days: int
) -> None:
    calendar = ServiceCalendar("x", weekdays, "VN")
    last = first + timedelta(days=days)
    every = [first + timedelta(days=n) for n in range(days + 1)]
    assert calendar.open_days(first, last) == [d for d in every if calendar.day_off(d) is None]
    assert all(day.weekday() in weekdays for day in calendar.open_days(first, last))


def test_years_without_a_known_tet_and_unknown_countries_are_refused() -> None:
    with pytest.raises(CalendarRangeError):
        public_holidays("VN", date(1850, 1, 1), date(1850, 12, 31))
    with pytest.raises(CalendarRangeError):
        public_holidays("XX", date(2026, 1, 1), date(2026, 12, 31))


def test_pupils_are_off_five_days_either_side_of_lunar_new_year() -> None:
    assert lunar_new_year(2026) == date(2026, 2, 17)
    off = pupils_tet_days_off(lunar_new_year(2026))
    assert (off.first, off.last) == (date(2026, 2, 12), date(2026, 2, 22))


@pytest.mark.parametrize("year", range(1990, 2060))
def test_lunar_new_year_lies_between_late_january_and_late_february(year: int) -> None:
    assert date(year, 1, 20) <= lunar_new_year(year) <= date(year, 2, 21)
