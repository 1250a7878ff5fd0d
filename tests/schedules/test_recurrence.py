"""Rules of a timetable give the dates that RFC 5545 gives, as python-dateutil reads it."""

from __future__ import annotations

import csv
from datetime import date, datetime, time, timedelta
from pathlib import Path
from time import perf_counter as time_now

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, reject
from hypothesis import strategies as st

from schedules.recurrence import (
    WEEKDAY_CODES,
    RuleError,
    RuleProblem,
    monthly_rule,
    once_rule,
    parse_recurrence,
    same_rule,
    summarise,
    weekly_rule,
)

MONDAY = date(2026, 11, 2)
STARTS = st.dates(date(1990, 1, 1), date(2060, 12, 31))
WEEKDAYS = st.lists(st.sampled_from(WEEKDAY_CODES), min_size=1, max_size=4, unique=True)
ORDINALS = st.sampled_from([1, 2, 3, 4, 5, -1, -2])


@st.composite
def rules(draw: st.DrawFn) -> str:
    """Rules as mobile libraries write them."""
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    parts = [f"FREQ={frequency}"]
    if draw(st.booleans()):
        parts.append(f"INTERVAL={draw(st.integers(1, 6))}")
    if frequency == "WEEKLY" and draw(st.booleans()):
        parts.append("BYDAY=" + ",".join(draw(WEEKDAYS)))
    if frequency == "MONTHLY":
        days = draw(st.lists(st.tuples(ORDINALS, st.sampled_from(WEEKDAY_CODES)), max_size=3))
        if days:
            parts.append("BYDAY=" + ",".join(f"{ordinal}{code}" for ordinal, code in days))
        elif draw(st.booleans()):
            parts.append(f"BYMONTHDAY={draw(st.integers(1, 31))}")
    end = draw(st.sampled_from(["", "COUNT", "UNTIL"]))
    if end == "COUNT":
        parts.append(f"COUNT={draw(st.integers(1, 40))}")
    if end == "UNTIL":
        parts.append(f"UNTIL={draw(STARTS):%Y%m%d}")
    return ";".join(parts)


def as_dateutil_gives(rule: str, start: date, first: date, last: date) -> list[date]:
    moments = rrulestr(rule, dtstart=datetime.combine(start, time())).between(
        datetime.combine(first, time()), datetime.combine(last, time()), inc=True
    )
    return [moment.date() for moment in moments]


@given(rules(), STARTS, st.integers(-400, 4000), st.integers(0, 800))
def test_any_rule_gives_dateutils_dates(rule: str, start: date, shift: int, days: int) -> None:
    first = start + timedelta(days=shift)
    last = first + timedelta(days=days)
    expected = as_dateutil_gives(rule, start, first, last)
    try:
        recurrence = parse_recurrence(rule, start)
    except RuleError as refused:
        assert refused.problem == RuleProblem.NO_DATES
        assert as_dateutil_gives(rule, start, start, start + timedelta(days=8 * 365)) == []
        return
    assert recurrence.dates(first, last) == expected


@given(rules(), STARTS, st.integers(0, 400), st.integers(0, 200), st.data())
def test_an_end_and_exceptions_only_take_dates_away(
    rule: str, start: date, days: int, ends_after: int, data: st.DataObject
) -> None:
    last, end = start + timedelta(days=days), start + timedelta(days=ends_after)
    try:
        every = parse_recurrence(rule, start).dates(start, last)
    except RuleError:
        reject()
    but = data.draw(st.sets(st.sampled_from(every), max_size=3)) if every else set()
    kept = parse_recurrence(rule, start, end, but).dates(start, last)
    assert kept == [day for day in every if day <= end and day not in but]


def test_every_rule_of_the_nine_services_gives_a_year_of_dateutils_dates(shared_data: Path) -> None:
    found = set()
    for file in sorted((shared_data / "mobile-libraries").glob("*.csv")):
        with file.open(encoding="utf-8-sig", newline="") as lines:
            found |= {(row["frequency"], row["start"][:10]) for row in csv.DictReader(lines)}
    assert len(found) > 100
    first = date(2026, 1, 1)
    last = date(2026, 12, 31)
    for rule, start_text in found:
        start = date.fromisoformat(start_text)
        assert parse_recurrence(rule, start).dates(first, last) == as_dateutil_gives(
            rule, start, first, last
        ), rule


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("", RuleProblem.EMPTY),
        ("   ", RuleProblem.EMPTY),
        ("hằng tuần", RuleProblem.NOT_A_RULE),
        ("FREQ=SOMETIMES", RuleProblem.NOT_A_RULE),
        ("FREQ=WEEKLY;BYDAY=XX", RuleProblem.NOT_A_RULE),
        ("FREQ=WEEKLY;INTERVAL=0", RuleProblem.NOT_A_RULE),
        ("FREQ=WEEKLY;INTERVAL=-1", RuleProblem.NOT_A_RULE),
        ("FREQ=WEEKLY;INTERVAL=999999999", RuleProblem.NOT_A_RULE),
        ("FREQ=WEEKLY;INTERVAL=two", RuleProblem.NOT_A_RULE),
        ("FREQ=WEEKLY;COLOUR=RED", RuleProblem.NOT_A_RULE),
        ("FREQ=MONTHLY;BYDAY=", RuleProblem.NOT_A_RULE),
        ("FREQ=MONTHLY;BYDAY=TU(2)", RuleProblem.NOT_A_RULE),
        ("FREQ=MONTHLY;BYDAY=0TU", RuleProblem.NOT_A_RULE),
        ("FREQ=WEEKLY;BYDAY=2TU", RuleProblem.NOT_A_RULE),
        ("FREQ=WEEKLY;BYWEEKDAY=TU", RuleProblem.NOT_A_RULE),
        ("FREQ=WEEKLY;UNTIL=5", RuleProblem.NOT_A_RULE),
        ("FREQ=WEEKLY;UNTIL=20261399", RuleProblem.NOT_A_RULE),
        ("FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30", RuleProblem.NO_DATES),
        ("FREQ=DAILY;BYMONTH=4;BYMONTHDAY=31", RuleProblem.NO_DATES),
        ("FREQ=YEARLY;INTERVAL=9;BYMONTH=2;BYMONTHDAY=29", RuleProblem.NO_DATES),
        ("FREQ=WEEKLY;UNTIL=20251231", RuleProblem.NO_DATES),
        ("FREQ=HOURLY", RuleProblem.FINER_THAN_A_DAY),
        ("FREQ=DAILY;BYHOUR=9", RuleProblem.FINER_THAN_A_DAY),
    ],
)
def test_what_is_no_rule_is_refused_with_its_problem(rule: str, problem: RuleProblem) -> None:
    with pytest.raises(RuleError) as refused:
        parse_recurrence(rule, date(2026, 1, 1))
    assert refused.value.problem == problem


def test_an_end_before_the_start_is_refused() -> None:
    with pytest.raises(RuleError) as refused:
        parse_recurrence("FREQ=WEEKLY", date(2026, 2, 1), date(2026, 1, 1))
    assert refused.value.problem == RuleProblem.END_BEFORE_START


@given(st.text(max_size=60), STARTS)
def test_any_text_is_a_rule_or_refused(text: str, start: date) -> None:
    try:
        recurrence = parse_recurrence(text, start)
    except RuleError:
        return
    recurrence.dates(start, start + timedelta(days=30))


def test_rules_without_dates_and_early_starts_cost_little_time() -> None:
    started = time_now()
    for month in range(1, 13):
        with pytest.raises(RuleError):
            parse_recurrence(f"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;INTERVAL={month}", MONDAY)
    early = parse_recurrence("FREQ=DAILY", date(1, 1, 1))
    for shift in range(20):
        first = MONDAY + timedelta(days=shift)
        assert early.dates(first, first) == [first]
    assert time_now() - started < 1


@given(STARTS)
def test_leap_days_are_dates_whatever_the_year(start: date) -> None:
    parse_recurrence("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", start)
    parse_recurrence("FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR", start)


def test_the_same_rule_is_known_however_it_is_written() -> None:
    assert same_rule("FREQ=WEEKLY", "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO", MONDAY)
    assert same_rule("FREQ=WEEKLY;BYDAY=TU,MO", "BYDAY=MO,TU;FREQ=WEEKLY", MONDAY)
    assert not same_rule("FREQ=WEEKLY", "FREQ=WEEKLY;BYDAY=TU", MONDAY)
    assert not same_rule("FREQ=WEEKLY", "FREQ=WEEKLY;INTERVAL=2", MONDAY)


def test_a_prefix_blanks_and_small_letters_do_no_harm() -> None:
    assert parse_recurrence(" RRULE:freq=weekly; ", date(2026, 11, 2)).rule == "FREQ=WEEKLY"


def test_rules_are_made_from_what_a_coordinator_ticks() -> None:
    assert weekly_rule(2, [3, 0]) == "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH"
    assert monthly_rule([(1, 1), (-1, 4)]) == "FREQ=MONTHLY;BYDAY=1TU,-1FR"
    once = parse_recurrence(once_rule(), date(2026, 4, 21))
    assert once.dates(date(2026, 1, 1), date(2027, 12, 31)) == [date(2026, 4, 21)]


def test_a_summary_tells_what_a_rule_says() -> None:
    assert summarise("FREQ=WEEKLY;INTERVAL=3", MONDAY).weekdays == ((None, 0),)
    monthly = summarise("FREQ=MONTHLY;BYDAY=2TU,-1FR", MONDAY)
    assert (monthly.frequency, monthly.weekdays) == ("monthly", ((2, 1), (-1, 4)))
    assert summarise(once_rule(), MONDAY).frequency == "once"
    assert summarise("FREQ=MONTHLY;BYMONTHDAY=15,-1", MONDAY).month_days == (15, -1)
    assert summarise("FREQ=MONTHLY", MONDAY).month_days == (2,)
    seldom = summarise("FREQ=YEARLY;BYMONTH=3,5;UNTIL=20281231T000000Z", MONDAY)
    assert (seldom.others, seldom.until) == (("BYMONTH",), date(2028, 12, 31))
