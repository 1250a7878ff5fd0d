"""The days a stop may have together: as often as promised, evenly, never on a closed day."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.planning.day_choices import (
    AllowedDays,
    AsOftenAsRule,
    ChoicePrices,
    DayChoices,
    EveryWeeks,
    Frequency,
    NoChoice,
    OnRule,
    TimesInAll,
    day_choices,
)
from schedules.recurrence import parse_recurrence

MONDAY = date(2026, 9, 7)
RULES = (
    "FREQ=WEEKLY;INTERVAL=2",
    "FREQ=WEEKLY;BYDAY=MO,TH",
    "FREQ=MONTHLY;BYDAY=2TU",
    "FREQ=MONTHLY;BYDAY=1WE,3WE",
    "FREQ=MONTHLY;BYDAY=-1FR",
    "FREQ=MONTHLY;BYMONTHDAY=15",
    "FREQ=DAILY;INTERVAL=10",
)


def all_days(count: int) -> list[date]:
    return [MONDAY + timedelta(days=i) for i in range(count)]


def workdays(weeks: int) -> list[date]:
    return [day for day in all_days(7 * weeks) if day.weekday() < 5]


def offsets(days: list[date], choice: tuple[int, ...]) -> list[int]:
    return [(days[i] - days[0]).days for i in choice]


@st.composite
def frequencies(draw: st.DrawFn) -> Frequency:
    kind = draw(st.sampled_from([EveryWeeks, TimesInAll, OnRule, AsOftenAsRule]))
    if kind is EveryWeeks:
        return EveryWeeks(draw(st.integers(1, 6)))
    if kind is TimesInAll:
        return TimesInAll(draw(st.integers(1, 8)))
    recurrence = parse_recurrence(draw(st.sampled_from(RULES)), MONDAY)
    return OnRule(recurrence) if kind is OnRule else AsOftenAsRule(recurrence)


@st.composite
def allowances(draw: st.DrawFn, days: list[date]) -> AllowedDays:
    return AllowedDays(
        weekdays=frozenset(draw(st.sets(st.integers(0, 6), min_size=1))),
        only=draw(st.none() | st.frozensets(st.sampled_from(days), min_size=1)),
        off=draw(st.frozensets(st.sampled_from(days), max_size=12)),
        least_gap_days=draw(st.integers(1, 9)),
        longest_gap_days=draw(st.none() | st.integers(7, 40)),
        previous=draw(st.none() | st.integers(1, 20).map(lambda n: days[0] - timedelta(days=n))),
        reach_days=draw(st.integers(0, 4)),
    )


@given(st.data(), st.integers(1, 9), frequencies(), st.integers(1, 60), st.integers(0, 50))
def test_every_choice_keeps_to_allowed_days_and_gaps(
    data: st.DataObject, weeks: int, frequency: Frequency, limit: int, spread: int
) -> None:
    days = data.draw(st.sampled_from([all_days(7 * weeks), workdays(weeks)]))
    allowed = data.draw(allowances(days))
    cyclic = data.draw(st.booleans())
    found = day_choices(
        days,
        frequency,
        allowed,
        cycle_days=7 * weeks if cyclic else None,
        limit=limit,
        spread=spread,
    )
    assert (found.problem is None) == bool(found.choices)
    assert len(found.choices) <= limit
    assert len({choice.days for choice in found.choices}) == len(found.choices)
    for choice in found.choices:
        assert list(choice.days) == sorted(set(choice.days))
        assert all(allowed.allows(days[i]) for i in choice.days)
        assert choice.price_m >= 0
        at = offsets(days, choice.days)
        gaps = [later - earlier for earlier, later in pairwise(at)]
        if cyclic:
            gaps.append(at[0] + 7 * weeks - at[-1])
        elif allowed.previous is not None:
            gaps.append((days[choice.days[0]] - allowed.previous).days)
        assert all(gap >= allowed.least_gap_days for gap in gaps)
        longest = allowed.longest_gap_days
        assert longest is None or all(gap <= longest for gap in gaps)


@given(st.integers(1, 6), st.integers(1, 12))
def test_without_days_off_every_rotation_is_offered_and_none_costs_for_evenness(
    weeks: int, horizon_weeks: int
) -> None:
    days = workdays(horizon_weeks)
    prices = ChoicePrices(fewer_visit_m=0)
    found = day_choices(days, EveryWeeks(weeks), prices=prices)
    regular = {choice.days for choice in found.choices if choice.price_m == 0}
    assert len(regular) == 5 * min(weeks, horizon_weeks)
    for choice in regular:
        at = offsets(days, choice)
        assert all(later - earlier == 7 * weeks for earlier, later in pairwise(at))
        # No stretch of the term is longer than the promise without a visit.
        assert at[0] < 7 * weeks
        assert at[-1] >= 7 * horizon_weeks - 7 * weeks


@given(st.integers(1, 8), st.integers(1, 9), st.booleans())
def test_n_times_a_term_is_n_visits(times: int, weeks: int, cyclic: bool) -> None:
    days = workdays(weeks)
    cycle = 7 * weeks if cyclic else None
    found = day_choices(days, TimesInAll(times), cycle_days=cycle)
    if times > len(days):
        assert found == DayChoices((), NoChoice.TOO_FEW_DAYS)
    else:
        assert found.choices
        assert all(len(choice.days) == times for choice in found.choices)


@given(
    st.integers(2, 3),
    st.sets(st.integers(0, 19), min_size=4, max_size=9),
    st.integers(1, 4),
    st.integers(4, 14),
)
def test_n_times_finds_days_whenever_any_exist_and_the_most_even_of_all(
    times: int, open_days: set[int], least: int, longest: int
) -> None:
    days = all_days(20)
    allowed = AllowedDays(
        only=frozenset(days[i] for i in open_days), least_gap_days=least, longest_gap_days=longest
    )
    possible = [
        way
        for way in combinations(sorted(open_days), times)
        if all(least <= b - a <= longest for a, b in pairwise(way))
    ]
    found = day_choices(days, TimesInAll(times), allowed)
    assert bool(found.choices) == bool(possible)
    if not possible:
        assert found.problem is NoChoice.GAPS_CANNOT_HOLD
        return
    assert {choice.days for choice in found.choices} <= set(possible)
    # Twenty days are three weeks.
    ideal = 21 / times

    def uneven(way: tuple[int, ...]) -> float:
        return sum(abs(b - a - ideal) for a, b in pairwise(way))

    early = [way for way in possible if way[0] < ideal and near_its_places(way, ideal)]
    if early:
        cheapest = found.choices[0]
        assert cheapest.price_m == pytest.approx(500 * min(map(uneven, early)), abs=0.01)


def near_its_places(way: tuple[int, ...], ideal: float) -> bool:
    return all(abs(day - way[0] - i * ideal) <= 7 for i, day in enumerate(way))


def test_twice_in_two_weeks_of_a_cycle_is_the_same_weekday_each_week() -> None:
    found = day_choices(workdays(2), TimesInAll(2), cycle_days=14)
    assert [choice.days for choice in found.choices if not choice.price_m] == [
        (0, 5),
        (1, 6),
        (2, 7),
        (3, 8),
        (4, 9),
    ]


def test_a_visit_on_a_day_off_moves_to_the_nearest_open_day_at_a_price() -> None:
    days = workdays(4)
    tuesday_off = AllowedDays(weekdays=frozenset({1, 3}), off=frozenset({days[6]}))
    found = day_choices(days, EveryWeeks(1), tuesday_off)
    assert found.choices[0].days == (3, 8, 13, 18)
    assert found.choices[0].price_m == 0
    moved = next(choice for choice in found.choices if choice.days == (1, 8, 11, 16))
    assert moved.price_m == 2 * ChoicePrices().uneven_m_per_day


def test_a_week_without_any_open_day_costs_a_visit() -> None:
    days = workdays(3)
    closed = AllowedDays(off=frozenset(days[5:10]), reach_days=1)
    found = day_choices(days, EveryWeeks(1), closed)
    tuesdays = next(choice for choice in found.choices if choice.days == (1, 11))
    assert tuesdays.price_m == 0
    assert found.choices[0].price_m == 0


def test_a_visit_of_a_closed_week_is_not_put_beside_the_one_before() -> None:
    days = workdays(6)
    closed = AllowedDays(off=frozenset(days[10:20]))
    found = day_choices(days, EveryWeeks(1), closed)
    assert [choice.days for choice in found.choices if not choice.price_m] == [
        (i, 5 + i, 20 + i, 25 + i) for i in range(5)
    ]
    for choice in found.choices:
        at = offsets(days, choice.days)
        assert all(later - earlier >= 5 for earlier, later in pairwise(at))


def test_the_choice_of_the_present_timetable_costs_nothing_and_outlives_the_limit() -> None:
    days = workdays(8)
    present = (13, 33)
    found = day_choices(
        days,
        EveryWeeks(4),
        prices=ChoicePrices(moved_visit_m=1000),
        present=present,
        limit=3,
    )
    assert len(found.choices) == 3
    assert found.choices[0].days == present
    assert [choice.price_m for choice in found.choices] == [0, 2000, 2000]


def test_stops_of_different_spread_lose_different_days() -> None:
    days = all_days(90)
    kept = [
        {choice.days[0] for choice in day_choices(days, TimesInAll(1), limit=30, spread=s).choices}
        for s in range(3)
    ]
    assert all(len(part) == 30 for part in kept)
    assert len(set.union(*kept)) == 90


def test_a_rule_gives_its_own_dates() -> None:
    rule = parse_recurrence("FREQ=MONTHLY;BYDAY=2TU", MONDAY)
    days = all_days(60)
    found = day_choices(days, OnRule(rule))
    assert [days[i] for i in found.choices[0].days] == [date(2026, 9, 8), date(2026, 10, 13)]
    assert len(found.choices) == 1


def test_as_often_as_a_monthly_rule_means_any_weekday_and_week_of_the_month() -> None:
    rule = parse_recurrence("FREQ=MONTHLY;BYDAY=1TU,3TU", MONDAY)
    days = [day for day in all_days(84) if day.weekday() < 5]
    found = day_choices(days, AsOftenAsRule(rule), prices=ChoicePrices(fewer_visit_m=0))
    dates = [[days[i] for i in choice.days] for choice in found.choices if not choice.price_m]
    assert {chosen[0].weekday() for chosen in dates} == {0, 1, 2, 3, 4}
    assert any(day.day > 21 for chosen in dates for day in chosen)


def test_what_cannot_be_offered_is_named() -> None:
    days = workdays(4)
    monday = parse_recurrence("FREQ=WEEKLY", MONDAY, end=MONDAY)
    far = frozenset({MONDAY - timedelta(days=1)})
    no_choice = [
        (days, EveryWeeks(0), AllowedDays(), None, NoChoice.NOT_A_FREQUENCY),
        (days, TimesInAll(0), AllowedDays(), None, NoChoice.NOT_A_FREQUENCY),
        ([], TimesInAll(1), AllowedDays(), None, NoChoice.NO_DAY_ALLOWED),
        (days, TimesInAll(1), AllowedDays(only=far), None, NoChoice.NO_DAY_ALLOWED),
        (days[1:], OnRule(monday), AllowedDays(), None, NoChoice.RULE_HAS_NO_DATES),
        (days, EveryWeeks(3), AllowedDays(), 28, NoChoice.CYCLE_DOES_NOT_FIT),
        (days, TimesInAll(21), AllowedDays(), None, NoChoice.TOO_FEW_DAYS),
        (days, EveryWeeks(2), AllowedDays(longest_gap_days=9), None, NoChoice.GAPS_CANNOT_HOLD),
        (days, TimesInAll(3), AllowedDays(least_gap_days=20), None, NoChoice.GAPS_CANNOT_HOLD),
    ]
    for horizon, frequency, allowed, cycle, reason in no_choice:
        found = day_choices(horizon, frequency, allowed, cycle_days=cycle)
        assert found == DayChoices((), reason), (frequency, allowed)
