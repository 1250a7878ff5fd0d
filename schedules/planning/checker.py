"""Does a plan hold what its problem promises? Shares no code with the planner.

Everything is counted again from the problem and the plan's own words: days, vans, drives, windows,
lunch, shifts, loads, sums, the price. A figure that is no number holds no promise.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from .plan import Plan, PlannedRun, PlannedVisit
from .problem import PlanningProblem, PlanningStop, PlanningVan

# Sums of floating point numbers may differ by this much.
TOLERANCE = 1e-6
METRES_TOLERANCE = 1e-3
# Lunch stands in whole minutes, the times around it need not.
LUNCH_ROUNDING = 1.0


class PlanFault(StrEnum):
    """What a plan may get wrong."""

    UNKNOWN_STOP = "unknown_stop"
    UNKNOWN_VAN = "unknown_van"
    NOT_A_CHOICE = "not_a_choice"
    NOT_NAMED = "not_named"
    NAMED_TWICE = "named_twice"
    PLACED_AND_UNPLACED = "placed_and_unplaced"
    LOCK_BROKEN = "lock_broken"
    VAN_NOT_ALLOWED = "van_not_allowed"
    NOT_A_WORKDAY = "not_a_workday"
    TWO_RUNS = "two_runs"
    OUT_OF_ORDER = "out_of_order"
    LEAVES_TOO_EARLY = "leaves_too_early"
    RETURNS_TOO_LATE = "returns_too_late"
    SHIFT_TOO_LONG = "shift_too_long"
    OVERLOADED = "overloaded"
    DRIVE_WRONG = "drive_wrong"
    UNREACHABLE = "unreachable"
    ARRIVES_BEFORE_IT_CAN = "arrives_before_it_can"
    WAITING_WRONG = "waiting_wrong"
    SERVICE_TOO_SHORT = "service_too_short"
    OUTSIDE_WINDOW = "outside_window"
    NO_LUNCH = "no_lunch"
    LUNCH_WHILE_BUSY = "lunch_while_busy"
    NOT_TOGETHER = "not_together"
    NOT_APART = "not_apart"
    SUM_WRONG = "sum_wrong"
    PRICE_WRONG = "price_wrong"


@dataclass(frozen=True)
class BrokenPlanPromise:
    """One fault, with the stop, day and van it concerns where it does."""

    fault: PlanFault
    stop: str | None = None
    day: int | None = None
    van: str | None = None


def broken_plan_promises(problem: PlanningProblem, plan: Plan) -> list[BrokenPlanPromise]:
    """Every promise of the problem that the plan breaks; none for a plan that holds.

    Stops that are named as left out break nothing: whether they could have been served is not
    judged here.
    """
    unknown = list(_unknown_names(problem, plan))
    if unknown:
        return unknown
    found = [fault for stop in problem.stops for fault in _stop_faults(stop, plan)]
    vans = {van.key: (number, van) for number, van in enumerate(problem.vans)}
    for run in plan.runs:
        number, van = vans[run.van]
        found += _run_faults(problem, run, number, van)
    found += _faults_between_runs(plan)
    found += _faults_between_stops(problem, plan)
    found += _faults_of_sums(problem, plan)
    return found


def _unknown_names(problem: PlanningProblem, plan: Plan) -> Iterator[BrokenPlanPromise]:
    stops = {stop.key for stop in problem.stops}
    vans = {van.key for van in problem.vans}
    for run in plan.runs:
        if run.van not in vans:
            yield BrokenPlanPromise(PlanFault.UNKNOWN_VAN, day=run.day, van=run.van)
        for visit in run.visits:
            if visit.stop not in stops:
                yield BrokenPlanPromise(PlanFault.UNKNOWN_STOP, stop=visit.stop, day=run.day)
    for key in plan.unplaced:
        if key not in stops:
            yield BrokenPlanPromise(PlanFault.UNKNOWN_STOP, stop=key)


def _stop_faults(stop: PlanningStop, plan: Plan) -> Iterator[BrokenPlanPromise]:
    days = plan.days_of(stop.key)
    if stop.key in plan.unplaced:
        if plan.unplaced.count(stop.key) > 1:
            yield BrokenPlanPromise(PlanFault.NAMED_TWICE, stop=stop.key)
        if days:
            yield BrokenPlanPromise(PlanFault.PLACED_AND_UNPLACED, stop=stop.key)
        return
    if days not in {tuple(sorted(choice.days)) for choice in stop.choices}:
        fault = PlanFault.NOT_A_CHOICE if days else PlanFault.NOT_NAMED
        yield BrokenPlanPromise(fault, stop=stop.key)
    visits = {
        run.day: (run.van, visit.arrival)
        for run in plan.runs
        for visit in run.visits
        if visit.stop == stop.key
    }
    for locked in stop.locked:
        van, arrival = visits.get(locked.day, (None, math.nan))
        kept = locked.day in visits
        kept = kept and (locked.van is None or locked.van == van)
        kept = kept and (locked.arrival is None or abs(arrival - locked.arrival) <= TOLERANCE)
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
    if run.day not in van.workdays or not 0 <= run.day < len(problem.days):
        wrong.append((PlanFault.NOT_A_WORKDAY, None))
    if not run.leaves_depot >= van.leaves_earliest - TOLERANCE:
        wrong.append((PlanFault.LEAVES_TOO_EARLY, None))
    if not run.returns_depot <= van.returns_latest + TOLERANCE:
        wrong.append((PlanFault.RETURNS_TOO_LATE, None))
    limit = math.inf if van.shift_limit_minutes is None else van.shift_limit_minutes
    if not run.returns_depot - run.leaves_depot <= limit + TOLERANCE:
        wrong.append((PlanFault.SHIFT_TOO_LONG, None))
    capacity = math.inf if van.capacity is None else van.capacity
    if not sum(stops[visit.stop].load for visit in run.visits) <= capacity + TOLERANCE:
        wrong.append((PlanFault.OVERLOADED, None))
    rows = [depot, *(row[visit.stop] for visit in run.visits), depot]
    legs = [
        (float(problem.distances.minutes[a, b]), float(problem.distances.metres[a, b]))
        for a, b in pairwise(rows)
    ]
    if not all(math.isfinite(minutes) and math.isfinite(metres) for minutes, metres in legs):
        wrong.append((PlanFault.UNREACHABLE, None))
    wrong += _time_faults(run, stops, legs)
    wrong += _lunch_faults(run, van, [minutes for minutes, _metres in legs])
    sums = (
        (sum(minutes for minutes, _m in legs), run.drive_minutes),
        (sum(metres for _m, metres in legs), run.distance_m),
    )
    if not all(_alike(ours, theirs) for ours, theirs in sums):
        wrong.append((PlanFault.SUM_WRONG, None))
    return [BrokenPlanPromise(fault, stop, run.day, run.van) for fault, stop in wrong]


def _time_faults(
    run: PlannedRun, stops: dict[str, PlanningStop], legs: list[tuple[float, float]]
) -> Iterator[tuple[PlanFault, str | None]]:
    """Drives, waiting, service and windows one after the other."""
    free_from = run.leaves_depot
    for number, (visit, (minutes, metres)) in enumerate(zip(run.visits, legs, strict=False)):
        stop = stops[visit.stop]
        same_drive = abs(visit.drive_minutes - minutes) <= TOLERANCE
        if not (same_drive and abs(visit.distance_m - metres) <= METRES_TOLERANCE):
            yield PlanFault.DRIVE_WRONG, visit.stop
        if not visit.arrival >= free_from + minutes - TOLERANCE:
            yield PlanFault.ARRIVES_BEFORE_IT_CAN, visit.stop
        # The van waits whenever it neither drives, eats nor serves.
        eats = _minutes_of_lunch(run) if _lunch_number(run) == number else 0.0
        waits = visit.arrival - free_from - minutes - eats
        if not abs(max(0.0, waits) - visit.waiting_minutes) <= LUNCH_ROUNDING + TOLERANCE:
            yield PlanFault.WAITING_WRONG, visit.stop
        if not visit.departure - visit.arrival >= stop.service_minutes - TOLERANCE:
            yield PlanFault.SERVICE_TOO_SHORT, visit.stop
        if not _within_a_window(stop, run.day, visit):
            yield PlanFault.OUTSIDE_WINDOW, visit.stop
        free_from = visit.departure
    if not run.returns_depot >= free_from + legs[-1][0] - TOLERANCE:
        yield PlanFault.ARRIVES_BEFORE_IT_CAN, None


def _lunch_number(run: PlannedRun) -> int | None:
    """Before which visit the run says that lunch is."""
    return next((number for number, visit in enumerate(run.visits) if visit.lunch_before), None)


def _minutes_of_lunch(run: PlannedRun) -> float:
    """From the beginning of the gap that holds lunch to its end: waiting for its span is no wait
    for a stop."""
    number = _lunch_number(run)
    if run.lunch is None or number is None:
        return 0.0
    free_from = run.visits[number - 1].departure if number else run.leaves_depot
    return max(0.0, run.lunch.closes - free_from)


def _lunch_faults(
    run: PlannedRun, van: PlanningVan, drives: list[float]
) -> Iterator[tuple[PlanFault, str | None]]:
    """Lunch where it is owed: in its span, and while the van neither drives nor serves."""
    if van.lunch is None or van.lunch.minutes <= 0:
        return
    if run.lunch is None:
        if run.leaves_depot <= van.lunch.earliest and run.returns_depot > van.lunch.latest:
            yield PlanFault.NO_LUNCH, None
        return
    begins, ends = run.lunch.opens, run.lunch.closes
    in_span = van.lunch.earliest <= begins <= van.lunch.latest
    if not (in_span and ends - begins >= van.lunch.minutes - TOLERANCE):
        yield PlanFault.NO_LUNCH, None
    # Between two visits there must be time for the drive as well.
    free_from = [run.leaves_depot, *(visit.departure for visit in run.visits)]
    free_to = [*(visit.arrival for visit in run.visits), run.returns_depot]
    holding = [
        number
        for number, (start, end, drive) in enumerate(zip(free_from, free_to, drives, strict=True))
        if start - LUNCH_ROUNDING <= begins
        and ends <= end + LUNCH_ROUNDING
        and end - start >= drive + (ends - begins) - TOLERANCE
    ]
    said = _lunch_number(run)
    if (len(run.visits) if said is None else said) not in holding:
        yield PlanFault.LUNCH_WHILE_BUSY, None


def _within_a_window(stop: PlanningStop, day: int, visit: PlannedVisit) -> bool:
    windows = stop.windows_of(day)
    agreed = any(locked.day == day and locked.arrival is not None for locked in stop.locked)
    if windows is None or (windows and agreed):
        return True
    return any(
        window.opens - TOLERANCE <= visit.arrival and visit.departure <= window.closes + TOLERANCE
        for window in windows
    )


def _faults_between_runs(plan: Plan) -> Iterator[BrokenPlanPromise]:
    times = Counter((run.day, run.van) for run in plan.runs)
    for (day, van), count in times.items():
        if count > 1:
            yield BrokenPlanPromise(PlanFault.TWO_RUNS, day=day, van=van)
    in_order = [(run.day, run.van) for run in plan.runs]
    if in_order != sorted(in_order):
        yield BrokenPlanPromise(PlanFault.OUT_OF_ORDER)


def _faults_between_stops(problem: PlanningProblem, plan: Plan) -> Iterator[BrokenPlanPromise]:
    """Of any two in a group the rarer's days lie within the other's, or no day is shared."""
    days = {stop.key: set(plan.days_of(stop.key)) for stop in problem.stops}
    for group in problem.together:
        placed = sorted(
            (key for key in group if key in days and key not in plan.unplaced),
            key=lambda key: (len(days[key]), key),
        )
        for number, rarer in enumerate(placed):
            if any(not days[rarer] <= days[other] for other in placed[number + 1 :]):
                yield BrokenPlanPromise(PlanFault.NOT_TOGETHER, stop=rarer)
    for group in problem.apart:
        for key in sorted(group & days.keys()):
            others: set[int] = set().union(*(days.get(one, set()) for one in group if one != key))
            for day in sorted(days[key] & others):
                yield BrokenPlanPromise(PlanFault.NOT_APART, stop=key, day=day)


def _faults_of_sums(problem: PlanningProblem, plan: Plan) -> Iterator[BrokenPlanPromise]:
    metres = sum(run.distance_m for run in plan.runs)
    if not _alike(metres, plan.metres):
        yield BrokenPlanPromise(PlanFault.SUM_WRONG)
    if not _alike(metres + _prices_m(problem, plan), plan.price_m):
        yield BrokenPlanPromise(PlanFault.PRICE_WRONG)


def _prices_m(problem: PlanningProblem, plan: Plan) -> float:
    """Every price that the problem states, beside the driving."""
    total = 0.0
    for stop in problem.stops:
        if stop.key in plan.unplaced:
            total += stop.skip_price_m or 0.0
            continue
        days = plan.days_of(stop.key)
        chosen = [c.price_m for c in stop.choices if tuple(sorted(c.days)) == days]
        total += min(chosen, default=0.0)
        present = problem.present.get(stop.key)
        if present:
            total += problem.weights.moved_visit_m * len(set(days) - set(present))
    for van in problem.vans:
        shifts = [run.returns_depot - run.leaves_depot for run in plan.runs if run.van == van.key]
        mean = sum(shifts) / len(shifts) if shifts else 0.0
        apart = sum(abs(shift - mean) for shift in shifts)
        total += problem.weights.balance_m_per_hour * apart / 60
    return total


def _alike(one: float, other: float) -> bool:
    return abs(one - other) <= METRES_TOLERANCE + TOLERANCE * abs(one)
