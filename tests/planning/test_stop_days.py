"""What planning may choose for a stop: its frequency, on allowed days, never fewer visits."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from bus_ops.accounts.models import Organisation
from bus_ops.database import db
from bus_ops.planning.ground import Ground, Lock
from bus_ops.planning.posing import pose
from bus_ops.planning.present import present_timetable
from bus_ops.planning.proposal import Proposal
from bus_ops.planning.stop_days import choices_for
from bus_ops.timetable.models import CalendarClosure, ServiceCalendar, Stop, Term
from tests.small_service import SmallService, small_service

MONDAY = date(2027, 1, 18)
WEEK = timedelta(weeks=1)


def working_days(weeks: int, but: frozenset[date] = frozenset()) -> list[date]:
    every = (MONDAY + timedelta(days=n) for n in range(7 * weeks))
    return [day for day in every if day.weekday() < 5 and day not in but]


def stop_of(rule: str, starts_on: date = MONDAY, **more: object) -> Stop:
    """A stop without a database."""
    term = Term(name="", starts_on=MONDAY)
    values = {"exceptions": [], "plan_fixed": False, **more}
    return Stop(id=1, term=term, rule=rule, starts_on=starts_on, **values)


def choices(stop: Stop, days: list[date], least: int = 0, **more: object) -> list[list[date]]:
    found = choices_for(stop, days, days, least, **more)  # type: ignore[arg-type]
    return [[days[number] for number in choice.days] for choice in found]


@pytest.mark.parametrize("start", [0, 4, 9])
def test_every_two_weeks_may_fall_on_any_weekday_of_either_week(start: int) -> None:
    """The rule's own start only says from which week it is counted."""
    stop = stop_of("FREQ=WEEKLY;INTERVAL=2", MONDAY + timedelta(days=start))
    sets = choices(stop, working_days(8), least=4)
    regular = [days for days in sets if {(b - a).days for a, b in pairwise(days)} == {14}]
    assert len(regular) == 10


def test_a_frequency_is_not_thinned_by_where_its_weeks_are_counted_from() -> None:
    """Nine weeks hold five visits every two weeks, or four: four are fewer than people know."""
    stop = stop_of("FREQ=WEEKLY;INTERVAL=2")
    assert {len(days) for days in choices(stop, working_days(9), least=5)} == {5}
    assert {len(days) for days in choices(stop, working_days(9))} == {4, 5}


def test_times_in_the_term_stand_for_the_rules_frequency() -> None:
    stop = stop_of("FREQ=WEEKLY", plan_times=3)
    assert {len(days) for days in choices(stop, working_days(12))} == {3}


def test_what_is_agreed_for_a_date_stays_there() -> None:
    assert choices(stop_of("FREQ=DAILY;COUNT=1"), working_days(4)) == [[MONDAY]]
    fixed = stop_of("FREQ=WEEKLY;BYDAY=TU", plan_fixed=True)
    assert choices(fixed, working_days(2)) == [
        [MONDAY + timedelta(days=1), MONDAY + timedelta(days=8)]
    ]


def test_a_locked_day_stands_in_the_place_of_the_nearest() -> None:
    lock = MONDAY + timedelta(days=9)
    sets = choices(stop_of("FREQ=WEEKLY;INTERVAL=2"), working_days(8), least=4, locked=[lock])
    assert sets
    assert all(lock in days and len(days) == 4 for days in sets)


@given(
    rule=st.sampled_from(
        [
            "FREQ=WEEKLY",
            "FREQ=WEEKLY;INTERVAL=3;BYDAY=MO,TH",
            "FREQ=MONTHLY;BYDAY=2TU",
            "FREQ=MONTHLY;BYMONTHDAY=15",
            "FREQ=DAILY;INTERVAL=10",
        ]
    ),
    length=st.integers(1, 10),
    closed=st.sets(st.integers(0, 69)),
    locked=st.sets(st.integers(0, 69), max_size=2),
)
def test_every_choice_keeps_to_allowed_days_and_holds_the_locked_ones(
    rule: str, length: int, closed: set[int], locked: set[int]
) -> None:
    held = {MONDAY + timedelta(days=n) for n in locked if n < 7 * length}
    off = frozenset(MONDAY + timedelta(days=n) for n in closed) - held
    days = sorted({*working_days(length), *held})
    allowed = [day for day in days if day not in off]
    for choice in choices_for(stop_of(rule), days, allowed, 0, held):
        chosen = {days[number] for number in choice.days}
        assert held <= chosen <= set(allowed)
        assert choice.price_m >= 0


@pytest.fixture
def service(app: Flask, organisation: Organisation) -> SmallService:
    """Two schools, each week from a Monday on."""
    return small_service(organisation, MONDAY)


def posed_days(service: SmallService, *locks: Lock) -> tuple[set[date], Proposal]:
    """Every day that some choice of the first stop has."""
    term = service.term
    last = term.ends_on or MONDAY
    present = present_timetable(term, MONDAY, last)
    posed = pose(Ground(term), MONDAY, last, present, locks)
    stop = next(s for s in posed.problem.stops if s.key == str(service.stops[0].id))
    days = {posed.problem.days[n] for choice in stop.choices for n in choice.days}
    return days, present


def test_a_stop_is_planned_on_its_weekdays_open_days_and_its_vans_working_days_only(
    service: SmallService,
) -> None:
    stop, owner = service.stops[0], {"organisation_id": service.organisation.id}
    calendar = ServiceCalendar(**owner, name="Lịch", weekdays=[0, 1, 2, 3], country="")
    closed = MONDAY + WEEK
    calendar.closures = [
        CalendarClosure(**owner, first_on=closed, last_on=closed + timedelta(days=1), reason="Thi")
    ]
    stop.calendar = calendar
    stop.plan_weekdays = [0, 1, 4]
    service.van.weekdays = [1, 2, 3, 4]
    db.session.commit()
    days, _present = posed_days(service)
    assert {day.weekday() for day in days} == {1}
    assert closed + timedelta(days=1) not in days


def test_the_problem_holds_the_terms_shift_buffers_and_the_present_days(
    service: SmallService,
) -> None:
    service.term.shift_limit_minutes, service.term.buffer_minutes = 500, 7
    db.session.commit()
    last = service.term.ends_on or MONDAY
    present = present_timetable(service.term, MONDAY, last)
    problem = pose(Ground(service.term), MONDAY, last, present).problem
    (van,) = problem.vans
    assert (van.leaves_earliest, van.returns_latest) == (7 * 60, 7 * 60 + 500)
    assert van.capacity == 4500
    minutes, metres = problem.distances.minutes, problem.distances.metres
    assert minutes.shape == metres.shape == (3, 3)
    assert minutes[0, 1] == round(minutes[0, 1])
    assert minutes[0, 1] > 7
    assert metres[2, 0] > 0
    assert [len(days) for days in problem.present.values()] == [6, 6]
