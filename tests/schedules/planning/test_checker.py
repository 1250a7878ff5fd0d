"""The checker names each kind of fault: a sound plan is spoilt in one way at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from schedules.planning.checker import BrokenPlanPromise, PlanFault, broken_plan_promises
from schedules.planning.plan import Plan, PlannedRun, PlannedVisit
from schedules.planning.problem import (
    DayChoice,
    Distances,
    LockedVisit,
    PlanningProblem,
    PlanningStop,
    PlanningVan,
    Weights,
)
from schedules.timing import Lunch, Window

MONDAY = date(2026, 9, 7)
# Stops a and b, then the depot: half an hour and 20 km between any two.
MINUTES = 30.0 * (1 - np.eye(3))
METRES = 20_000.0 * (1 - np.eye(3))


def problem() -> PlanningProblem:
    """Two days, one van with lunch; a is visited on both, b on the second and locked there."""
    a = PlanningStop(
        "a", 60, (DayChoice((0, 1), 500.0), DayChoice((0,))), windows=(Window(480, 660),), load=1
    )
    b = PlanningStop(
        "b",
        90,
        (DayChoice((1,)),),
        windows_on={1: (Window(700, 900),)},
        load=2,
        vans=frozenset({"xe"}),
        locked=(LockedVisit(1, "xe", 720),),
    )
    van = PlanningVan(
        "xe", frozenset({0, 1}), 420, 1000, 500, lunch=Lunch(630, 690, 45), capacity=3
    )
    return PlanningProblem(
        (MONDAY, MONDAY + timedelta(days=1)),
        (a, b),
        (van,),
        Distances(METRES, MINUTES),
        together=(frozenset({"a", "b"}),),
        weights=Weights(balance_m_per_hour=600, moved_visit_m=1_000),
        present={"a": (0,)},
    )


def visit(stop: str, arrival: float, departure: float, **more: object) -> PlannedVisit:
    return PlannedVisit(stop, arrival, departure, 30, 20_000, **more)  # type: ignore[arg-type]


def sound_plan() -> Plan:
    """Monday a; Tuesday a, lunch, b. Shifts of 120 and 330 minutes: 105 each from their mean."""
    monday = PlannedRun(0, "xe", 450, 570, (visit("a", 480, 540),), None, 40_000, 60)
    lunch = Window(630, 675)
    eaten = visit("b", 720, 810, lunch_before=True, waiting_minutes=15)
    tuesday = PlannedRun(1, "xe", 510, 840, (visit("a", 540, 600), eaten), lunch, 60_000, 90)
    # 500 for the choice, 1,000 for a's Tuesday, 3.5 hours of unevenness.
    price = 100_000 + 500 + 1_000 + 2_100
    return Plan((monday, tuesday), (), 100_000, price, 0, 1, 1.0)


def test_a_sound_plan_has_no_fault() -> None:
    assert broken_plan_promises(problem(), sound_plan()) == []


def with_run(number: int, **changes: object) -> Plan:
    good = sound_plan()
    runs = list(good.runs)
    runs[number] = replace(runs[number], **changes)  # type: ignore[arg-type]
    return replace(good, runs=tuple(runs))


def with_visit(run: int, number: int, **changes: object) -> Plan:
    visits = list(sound_plan().runs[run].visits)
    visits[number] = replace(visits[number], **changes)  # type: ignore[arg-type]
    return with_run(run, visits=tuple(visits))


NAN = float("nan")
SPOILT: list[tuple[PlanFault, Callable[[], Plan]]] = [
    (PlanFault.UNKNOWN_STOP, lambda: with_visit(0, 0, stop="nobody")),
    (PlanFault.UNKNOWN_STOP, lambda: replace(sound_plan(), unplaced=("nobody",))),
    (PlanFault.UNKNOWN_VAN, lambda: with_run(0, van="boat")),
    (PlanFault.NOT_A_CHOICE, lambda: replace(sound_plan(), runs=sound_plan().runs[1:])),
    (PlanFault.NOT_NAMED, lambda: replace(sound_plan(), runs=sound_plan().runs[:1])),
    (PlanFault.NAMED_TWICE, lambda: replace(sound_plan(), unplaced=("a", "a"))),
    (PlanFault.PLACED_AND_UNPLACED, lambda: replace(sound_plan(), unplaced=("b",))),
    (PlanFault.LOCK_BROKEN, lambda: with_visit(1, 1, arrival=725, departure=815)),
    (PlanFault.NOT_A_WORKDAY, lambda: with_run(1, day=5)),
    (PlanFault.TWO_RUNS, lambda: replace(sound_plan(), runs=sound_plan().runs[:1] * 2)),
    (PlanFault.OUT_OF_ORDER, lambda: replace(sound_plan(), runs=sound_plan().runs[::-1])),
    (PlanFault.LEAVES_TOO_EARLY, lambda: with_run(0, leaves_depot=400)),
    (PlanFault.LEAVES_TOO_EARLY, lambda: with_run(0, leaves_depot=NAN)),
    (PlanFault.RETURNS_TOO_LATE, lambda: with_run(1, returns_depot=1001)),
    (PlanFault.SHIFT_TOO_LONG, lambda: with_run(1, leaves_depot=430, returns_depot=940)),
    (PlanFault.DRIVE_WRONG, lambda: with_visit(0, 0, drive_minutes=29)),
    (PlanFault.DRIVE_WRONG, lambda: with_visit(0, 0, distance_m=NAN)),
    (PlanFault.ARRIVES_BEFORE_IT_CAN, lambda: with_run(0, leaves_depot=451)),
    (PlanFault.ARRIVES_BEFORE_IT_CAN, lambda: with_run(0, returns_depot=569)),
    (PlanFault.WAITING_WRONG, lambda: with_visit(1, 1, waiting_minutes=0)),
    (PlanFault.SERVICE_TOO_SHORT, lambda: with_visit(0, 0, departure=530)),
    (PlanFault.OUTSIDE_WINDOW, lambda: with_visit(1, 0, arrival=601, departure=661)),
    (PlanFault.NO_LUNCH, lambda: with_run(1, lunch=None)),
    (PlanFault.NO_LUNCH, lambda: with_run(1, lunch=Window(620, 665))),
    (PlanFault.NO_LUNCH, lambda: with_run(1, lunch=Window(630, 670))),
    (PlanFault.LUNCH_WHILE_BUSY, lambda: with_run(1, lunch=Window(680, 725))),
    (PlanFault.LUNCH_WHILE_BUSY, lambda: with_visit(1, 1, lunch_before=False)),
    (PlanFault.SUM_WRONG, lambda: with_run(0, distance_m=39_000)),
    (PlanFault.SUM_WRONG, lambda: with_run(0, drive_minutes=59)),
    (PlanFault.SUM_WRONG, lambda: replace(sound_plan(), metres=99_000)),
    (PlanFault.PRICE_WRONG, lambda: replace(sound_plan(), price_m=100_000)),
]


@pytest.mark.parametrize(("fault", "spoilt"), SPOILT)
def test_a_spoilt_plan_has_its_fault_named(fault: PlanFault, spoilt: Callable[[], Plan]) -> None:
    assert fault in {broken.fault for broken in broken_plan_promises(problem(), spoilt())}


def faults_where(changed: PlanningProblem) -> list[BrokenPlanPromise]:
    return broken_plan_promises(changed, sound_plan())


def test_the_plan_is_judged_by_the_problem_alone() -> None:
    good = problem()
    a, b = good.stops
    small = replace(good.vans[0], capacity=2)
    assert BrokenPlanPromise(PlanFault.OVERLOADED, day=1, van="xe") in faults_where(
        replace(good, vans=(small,))
    )
    elsewhere = replace(b, vans=frozenset({"other"}))
    assert BrokenPlanPromise(PlanFault.VAN_NOT_ALLOWED, "b", 1, "xe") in faults_where(
        replace(good, stops=(a, elsewhere))
    )
    assert BrokenPlanPromise(PlanFault.NOT_APART, "a", 1) in faults_where(
        replace(good, apart=(frozenset({"a", "b"}),))
    )
    cut_off = METRES.copy()
    cut_off[0, 1] = np.inf
    assert BrokenPlanPromise(PlanFault.UNREACHABLE, day=1, van="xe") in faults_where(
        replace(good, distances=Distances(cut_off, MINUTES))
    )
    skipped = replace(a, skip_price_m=9_000.0)
    without = Plan((), ("a", "b"), 0.0, 9_000.0, 0, 1, 1.0)
    assert broken_plan_promises(replace(good, stops=(skipped, b)), without) == []


def test_stops_that_belong_together_share_the_days_of_the_rarer() -> None:
    good = problem()
    wider = replace(good.stops[1], choices=(DayChoice((0,)), DayChoice((1,))), locked=())
    only_monday = replace(good.stops[0], choices=(DayChoice((0,)),))
    apart = Plan((sound_plan().runs[0], with_run(1, visits=()).runs[1]), (), 0, 0, 0, 1, 1.0)
    moved = replace(
        apart,
        runs=(apart.runs[0], replace(sound_plan().runs[1], visits=sound_plan().runs[1].visits[1:])),
    )
    found = broken_plan_promises(replace(good, stops=(only_monday, wider)), moved)
    assert BrokenPlanPromise(PlanFault.NOT_TOGETHER, "a") in found


def test_a_locked_arrival_may_lie_outside_the_windows_but_not_on_a_closed_day() -> None:
    good = problem()
    a, b = good.stops
    narrow = replace(b, windows_on={1: (Window(600, 700),)})
    assert faults_where(replace(good, stops=(a, narrow))) == []
    closed = replace(b, windows_on={1: ()})
    assert BrokenPlanPromise(PlanFault.OUTSIDE_WINDOW, "b", 1, "xe") in faults_where(
        replace(good, stops=(a, closed))
    )
