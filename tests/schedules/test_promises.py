"""Where a run breaks what its timetable promises."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from schedules.calendar import Closure, ServiceCalendar
from schedules.promises import (
    PlaceVisit,
    Promise,
    RunFacts,
    VisitFacts,
    broken_promises,
    too_near,
)
from schedules.timing import Window

DAY = date(2026, 11, 24)
VISIT = VisitFacts("a", 480, 570, (Window(420, 660),))
GOOD = RunFacts(DAY, 450, 690, (VISIT,), shift_limit_minutes=480)


def kinds(facts: RunFacts) -> list[Promise]:
    return [broken.promise for broken in broken_promises(facts)]


def with_visit(**changed: object) -> RunFacts:
    return replace(GOOD, visits=(replace(VISIT, **changed),))  # type: ignore[arg-type]


def test_a_run_as_it_should_be_breaks_nothing() -> None:
    assert broken_promises(GOOD) == []


@pytest.mark.parametrize(
    ("facts", "promise"),
    [
        (with_visit(arrival=400), Promise.OUTSIDE_WINDOW),
        (with_visit(departure=661), Promise.OUTSIDE_WINDOW),
        (with_visit(late_minutes=1), Promise.LATE_FOR_PUBLISHED_TIME),
        (with_visit(position_known=False), Promise.NO_POSITION),
        (replace(GOOD, returns=450 + 481), Promise.SHIFT_TOO_LONG),
        (
            replace(GOOD, out_of_service=(Closure(DAY, DAY, "Sửa xe"),)),
            Promise.VAN_OUT_OF_SERVICE,
        ),
        (replace(GOOD, other_runs=((600, 800),)), Promise.TWO_RUNS_FOR_ONE_VAN),
        (replace(GOOD, operators=0), Promise.CREW_TOO_SMALL),
        (replace(GOOD, librarians=1), Promise.CREW_TOO_SMALL),
        (replace(GOOD, crew_busy=("Trần Văn Tài",)), Promise.CREW_BUSY),
    ],
)
def test_each_promise_is_told_when_broken(facts: RunFacts, promise: Promise) -> None:
    assert kinds(facts) == [promise]


def test_a_day_off_is_told_with_the_holidays_name() -> None:
    calendar = ServiceCalendar("Trường học", country="VN")
    tet = replace(with_visit(calendar=calendar), day=date(2027, 2, 6))
    (broken,) = broken_promises(tet)
    assert broken.promise == Promise.DAY_OFF
    assert "Tết" in str(dict(broken.params)["reason"])


def test_runs_of_one_van_that_only_touch_are_no_conflict() -> None:
    assert kinds(replace(GOOD, other_runs=((690, 800), (300, 450)))) == []


def test_a_run_whose_visits_are_all_cancelled_breaks_nothing() -> None:
    hopeless = replace(with_visit(cancelled=True, arrival=0), operators=0, librarians=0)
    assert broken_promises(hopeless) == []


def test_a_cancelled_visit_is_not_looked_at_but_the_others_are() -> None:
    late = replace(VISIT, key="b", late_minutes=5)
    run = replace(GOOD, visits=(replace(VISIT, cancelled=True, late_minutes=9), late))
    (broken,) = broken_promises(run)
    assert broken.visit_key == "b"


@pytest.mark.parametrize(
    ("facts", "promise"),
    [
        (with_visit(opening=(Window(490, 660),)), Promise.OUTSIDE_OPENING),
        (with_visit(opening=()), Promise.OUTSIDE_OPENING),
        (with_visit(in_term=False), Promise.OUTSIDE_TERM),
        (with_visit(place_served=False), Promise.PLACE_NOT_SERVED),
        (replace(GOOD, van_in_service=False), Promise.VAN_NOT_IN_SERVICE),
        (with_visit(beside=PlaceVisit("b", DAY)), Promise.SAME_PLACE_TWICE),
    ],
)
def test_what_the_place_and_van_say_counts_too(facts: RunFacts, promise: Promise) -> None:
    assert kinds(facts) == [promise]


def test_the_same_place_is_told_twice_a_day_and_beside_a_moved_visit_of_its_week() -> None:
    here = PlaceVisit("a", DAY)
    later = PlaceVisit("b", DAY + timedelta(days=2))
    assert too_near(here, [here, later]) is None
    assert too_near(replace(here, moved=True), [here, later]) == later
    assert too_near(replace(here, moved=True), [PlaceVisit("c", DAY + timedelta(days=7))]) is None
    assert too_near(here, [PlaceVisit("d", DAY)]) == PlaceVisit("d", DAY)


def test_the_same_place_twice_a_day_is_meant_where_both_times_are_published() -> None:
    morning, afternoon = (PlaceVisit(key, DAY, published=True) for key in "ab")
    assert too_near(morning, [afternoon]) is None
    assert too_near(morning, [replace(afternoon, moved=True)]) is not None
