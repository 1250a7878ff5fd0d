"""Sets of days that grant a frequency: regular, on allowed days only, never fewer than promised."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bus_ops.planning.day_sets import day_sets, unevenness_m
from bus_ops.timetable.frequency import Wish

MONDAY = date(2027, 1, 18)


def working_days(weeks: int, but: frozenset[date] = frozenset()) -> list[date]:
    every = (MONDAY + timedelta(days=n) for n in range(7 * weeks))
    return [day for day in every if day.weekday() < 5 and day not in but]


def test_every_two_weeks_is_a_weekday_in_either_half_of_the_weeks() -> None:
    sets = day_sets(Wish(1, 2), working_days(8), least=4)
    assert len(sets) == 5 * 2
    for days in sets:
        assert len(days) == 4
        assert {(b - a).days for a, b in pairwise(days)} == {14}


def test_twice_a_week_takes_two_days_of_each_week() -> None:
    sets = day_sets(Wish(2, 1), working_days(3), least=6)
    assert len(sets) == 10
    assert all(len(days) == 6 for days in sets)


def test_once_a_month_is_the_same_weekday_of_the_same_week_of_each_month() -> None:
    january, april = date(2027, 1, 1), date(2027, 4, 30)
    days = [january + timedelta(days=n) for n in range((april - january).days + 1)]
    sets = day_sets(Wish(1, 1, monthly=True), days, least=4)
    assert len(sets) == 28
    for found in sets:
        assert len({day.weekday() for day in found}) == 1
        assert len({(day.day - 1) // 7 for day in found}) == 1
        assert [day.month for day in found] == [1, 2, 3, 4]


def test_three_times_in_the_term_lie_evenly() -> None:
    for days in day_sets(Wish(3, None), working_days(12), least=3):
        gaps = [(b - a).days for a, b in pairwise(days)]
        assert max(gaps) - min(gaps) <= 4


def test_a_closed_day_gives_way_to_the_nearest_open_one_of_its_week() -> None:
    holiday = MONDAY + timedelta(days=14)
    sets = day_sets(Wish(1, 1), working_days(4, frozenset({holiday})), least=4)
    mondays = next(days for days in sets if days[0] == MONDAY)
    assert mondays[2] == holiday + timedelta(days=1)


def test_a_frequency_is_no_matter_of_where_the_weeks_are_counted_from() -> None:
    """Nine weeks hold five visits every two weeks, or four: four are fewer than promised."""
    assert {len(days) for days in day_sets(Wish(1, 2), working_days(9), least=5)} == {5}


def test_a_locked_day_stands_in_the_place_of_the_nearest() -> None:
    lock = MONDAY + timedelta(days=9)
    sets = day_sets(Wish(1, 2), working_days(8), least=4, locked=[lock])
    assert sets
    assert all(lock in days and len(days) == 4 for days in sets)


def test_visits_too_near_each_other_cost_more_than_even_ones() -> None:
    wish = Wish(1, 2)
    even = [MONDAY, MONDAY + timedelta(days=14), MONDAY + timedelta(days=28)]
    uneven = [MONDAY, MONDAY + timedelta(days=4), MONDAY + timedelta(days=28)]
    assert unevenness_m(wish, even, None) == 0
    assert unevenness_m(wish, uneven, None) > 0
    assert unevenness_m(wish, even, MONDAY - timedelta(days=3)) > 0


@given(
    times=st.integers(1, 3),
    weeks=st.one_of(st.none(), st.integers(1, 5)),
    length=st.integers(1, 12),
    closed=st.sets(st.integers(0, 83)),
    locked=st.sets(st.integers(0, 83), max_size=2),
    monthly=st.booleans(),
)
def test_every_set_keeps_to_allowed_days_and_holds_the_locked_ones(
    times: int,
    weeks: int | None,
    length: int,
    closed: set[int],
    locked: set[int],
    monthly: bool,
) -> None:
    held = {MONDAY + timedelta(days=n) for n in locked if n < 7 * length}
    off = frozenset(MONDAY + timedelta(days=n) for n in closed) - held
    allowed = sorted({*working_days(length, off), *held})
    wish = Wish(times, weeks, monthly and weeks is not None)
    for days in day_sets(wish, allowed, least=0, locked=held):
        assert set(days) <= set(allowed)
        assert held <= set(days)
        assert list(days) == sorted(set(days))
