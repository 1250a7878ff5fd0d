"""Does a plan hold what its problem promises? Shares no code with the planner.

Everything is counted again from the problem and the plan's own words: days, vans, drives, windows,
lunch, shifts, loads, sums.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from .plan import Plan, PlannedRun, PlannedVisit
from .problem import PlanningProblem, PlanningStop, PlanningVan

# Sums of floating point numbers may differ by this much.
TOLERANCE = 1e-6


class PlanFault(StrEnum):
    """What a plan may get wrong."""

    UNKNOWN_STOP = "unknown_stop"
    UNKNOWN_VAN = "unknown_van"
    NOT_A_CHOICE = "not_a_choice"
    PLACED_AND_UNPLACED = "placed_and_unplaced"
    LOCK_BROKEN = "lock_broken"
    VAN_NOT_ALLOWED = "van_not_allowed"
    NOT_A_WORKDAY = "not_a_workday"
    TWO_RUNS = "two_runs"
    LEAVES_TOO_EARLY = "leaves_too_early"
    RETURNS_TOO_LATE = "returns_too_late"
    SHIFT_TOO_LONG = "shift_too_long"
    OVERLOADED = "overloaded"
    DRIVE_WRONG = "drive_wrong"
    ARRIVES_BEFORE_IT_CAN = "arrives_before_it_can"
    SERVICE_TOO_SHORT = "service_too_short"
    OUTSIDE_WINDOW = "outside_window"
    NO_LUNCH = "no_lunch"
    LUNCH_WHILE_BUSY = "lunch_while_busy"
    NOT_TOGETHER = "not_together"
    NOT_APART = "not_apart"
    SUM_WRONG = "sum_wrong"


@dataclass(frozen=True)
class BrokenPlanPromise:
    """One fault, with the stop, day and van it concerns where it does."""

    fault: PlanFault
    stop: str | None = None
    day: int | None = None
    van: str | None = None


def broken_plan_promises(problem: PlanningProblem, plan: Plan) -> list[BrokenPlanPromise]:
    """Every promise of the problem that the plan breaks; none for a plan that holds."""
    stops = {stop.key: stop for stop in problem.stops}
    vans = {van.key: (number, van) for number, van in enumerate(problem.vans)}
    unknown = [
        *(
            BrokenPlanPromise(PlanFault.UNKNOWN_STOP, stop=visit.stop, day=run.day)
            for run in plan.runs
            for visit in run.visits
            if visit.stop not in stops
        ),
        *(
            BrokenPlanPromise(PlanFault.UNKNOWN_VAN, day=run.day, van=run.van)
            for run in plan.runs
            if run.van not in vans
        ),
    ]
    if unknown:
        return unknown
    found = [fault for stop in problem.stops for fault in _stop_faults(stop, plan)]
    for run in plan.runs:
        number, van = vans[run.van]
        found += _run_faults(problem, run, number, van)
    found += _faults_between(problem, plan)
    return found


def _stop_faults(stop: PlanningStop, plan: Plan) -> Iterator[BrokenPlanPromise]:
    days = plan.days_of(stop.key)
    if stop.key in plan.unplaced:
        if days:
            yield BrokenPlanPromise(PlanFault.PLACED_AND_UNPLACED, stop=stop.key)
        return
    if days not in {tuple(sorted(choice.days)) for choice in stop.choices}:
        yield BrokenPlanPromise(PlanFault.NOT_A_CHOICE, stop=stop.key)
    visits = {
        run.day: (run.van, visit.arrival)
        for run in plan.runs
        for visit in run.visits
        if visit.stop == stop.key
    }
    for locked in stop.locked:
        van, arrival = visits.get(locked.day, (None, None))
        kept = locked.day in visits
        kept = kept and (locked.van is None or locked.van == van)
        kept = kept and (locked.arrival is None or arrival == locked.arrival)
        if not kept:
            yield BrokenPlanPromise(PlanFault.LOCK_BROKEN, stop=stop.key, day=locked.day)
    for day, (van, _arrival) in visits.items():
        if stop.vans is not None and van not in stop.vans:
            yield BrokenPlanPromise(PlanFault.VAN_NOT_ALLOWED, stop=stop.key, day=day, van=van)


def _run_faults(
    problem: PlanningProblem, run: PlannedRun, number: int, van: PlanningVan
) -> list[BrokenPlanPromise]:
    stops = {stop.key: stop for stop in problem.stops}
    row = {stop.key: index for index, stop in enumerate(problem.stops)}
    depot = len(problem.stops) + number
    wrong: list[tuple[PlanFault, str | None]] = []
    if run.day not in van.workdays:
        wrong.append((PlanFault.NOT_A_WORKDAY, None))
    if run.leaves_depot < van.leaves_earliest - TOLERANCE:
        wrong.append((PlanFault.LEAVES_TOO_EARLY, None))
    if run.returns_depot > van.returns_latest + TOLERANCE:
        wrong.append((PlanFault.RETURNS_TOO_LATE, None))
    limit = math.inf if van.shift_limit_minutes is None else van.shift_limit_minutes
    if run.returns_depot - run.leaves_depot > limit + TOLERANCE:
        wrong.append((PlanFault.SHIFT_TOO_LONG, None))
    capacity = math.inf if van.capacity is None else van.capacity
    if sum(stops[visit.stop].load for visit in run.visits) > capacity + TOLERANCE:
        wrong.append((PlanFault.OVERLOADED, None))
    rows = [depot, *(row[visit.stop] for visit in run.visits), depot]
    legs = [
        (float(problem.distances.minutes[a, b]), float(problem.distances.metres[a, b]))
        for a, b in pairwise(rows)
    ]
    wrong += _time_faults(run, van, stops, legs)
    sums = (
        (sum(minutes for minutes, _m in legs), run.drive_minutes),
        (sum(metres for _m, metres in legs), run.distance_m),
    )
    if any(abs(ours - theirs) > 1e-3 + TOLERANCE * ours for ours, theirs in sums):
        wrong.append((PlanFault.SUM_WRONG, None))
    return [BrokenPlanPromise(fault, stop, run.day, run.van) for fault, stop in wrong]


def _time_faults(
    run: PlannedRun,
    van: PlanningVan,
    stops: dict[str, PlanningStop],
    legs: list[tuple[float, float]],
) -> list[tuple[PlanFault, str | None]]:
    """Drives, service and windows one after the other, and the lunch that lies between them."""
    wrong: list[tuple[PlanFault, str | None]] = []
    free_from = run.leaves_depot
    gaps: list[tuple[float, float, float]] = []
    for visit, (minutes, metres) in zip(run.visits, legs, strict=False):
        stop = stops[visit.stop]
        if abs(visit.drive_minutes - minutes) > 1e-6 or abs(visit.distance_m - metres) > 1e-3:
            wrong.append((PlanFault.DRIVE_WRONG, visit.stop))
        if visit.arrival < free_from + minutes - TOLERANCE:
            wrong.append((PlanFault.ARRIVES_BEFORE_IT_CAN, visit.stop))
        if visit.departure - visit.arrival < stop.service_minutes - TOLERANCE:
            wrong.append((PlanFault.SERVICE_TOO_SHORT, visit.stop))
        if not _within_a_window(stop, run.day, visit):
            wrong.append((PlanFault.OUTSIDE_WINDOW, visit.stop))
        gaps.append((free_from, visit.arrival, minutes))
        free_from = visit.departure
    back = legs[-1][0]
    if run.returns_depot < free_from + back - TOLERANCE:
        wrong.append((PlanFault.ARRIVES_BEFORE_IT_CAN, None))
    gaps.append((free_from, run.returns_depot, back))
    if van.lunch is None:
        return wrong
    if run.lunch is None:
        owed = run.leaves_depot <= van.lunch.earliest and run.returns_depot > van.lunch.latest
        return [*wrong, (PlanFault.NO_LUNCH, None)] if owed else wrong
    begins, ends = run.lunch.opens, run.lunch.closes
    long_enough = ends - begins >= van.lunch.minutes - TOLERANCE
    in_span = van.lunch.earliest - TOLERANCE <= begins <= van.lunch.latest + TOLERANCE
    if not (long_enough and in_span):
        wrong.append((PlanFault.NO_LUNCH, None))
    # The gap that holds lunch must be long enough for its drive as well.
    holding = [
        gap
        for gap in gaps
        if gap[0] - 1 <= begins
        and ends <= gap[1] + 1
        and gap[1] - gap[0] >= gap[2] + (ends - begins) - TOLERANCE
    ]
    if not holding:
        wrong.append((PlanFault.LUNCH_WHILE_BUSY, None))
    return wrong


def _within_a_window(stop: PlanningStop, day: int, visit: PlannedVisit) -> bool:
    windows = stop.windows_of(day)
    if windows is None:
        return True
    return any(
        window.opens - TOLERANCE <= visit.arrival
        and visit.arrival + stop.service_minutes <= window.closes + TOLERANCE
        for window in windows
    )


def _faults_between(problem: PlanningProblem, plan: Plan) -> Iterator[BrokenPlanPromise]:
    """What concerns several runs or stops at once."""
    seen: set[tuple[str, int]] = set()
    for run in plan.runs:
        if (run.van, run.day) in seen:
            yield BrokenPlanPromise(PlanFault.TWO_RUNS, day=run.day, van=run.van)
        seen.add((run.van, run.day))
    days = {stop.key: set(plan.days_of(stop.key)) for stop in problem.stops}
    for group in problem.together:
        placed = sorted(
            (key for key in group if key not in plan.unplaced), key=lambda key: len(days[key])
        )
        for rarer, oftener in pairwise(placed):
            if not days[rarer] <= days[oftener]:
                yield BrokenPlanPromise(PlanFault.NOT_TOGETHER, stop=rarer)
    for group in problem.apart:
        for key in sorted(group):
            others = set().union(*(days[other] for other in group if other != key))
            if days[key] & others:
                yield BrokenPlanPromise(PlanFault.NOT_APART, stop=key)
    if abs(sum(run.distance_m for run in plan.runs) - plan.metres) > 1e-3:
        yield BrokenPlanPromise(PlanFault.SUM_WRONG)
