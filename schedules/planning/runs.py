"""A problem's runs with their times, and the plan that they make together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..timing import Lunch, Window
from .plan import Plan, PlannedRun, PlannedVisit
from .problem import PlanningProblem, PlanningStop
from .search import run_times

_NO_LUNCH = Lunch(0, 0, 0)
_ROUNDING = 1e-6


def open_windows(stop: PlanningStop, day: int) -> tuple[Window, ...]:
    """When the stop can be served, in order; a locked arrival leaves just its own minutes."""
    locked = next((v.arrival for v in stop.locked if v.day == day and v.arrival is not None), None)
    if locked is not None:
        return (Window(locked, locked + int(np.ceil(stop.service_minutes))),)
    open_at = stop.windows_of(day) or ()
    return tuple(sorted(open_at, key=lambda window: (window.opens, window.closes)))


class RunTimer:
    """Times runs of a problem as the search does, so that both always say the same."""

    def __init__(self, problem: PlanningProblem) -> None:
        self.problem = problem
        days = len(problem.days)
        of_days = [open_windows(stop, day) for stop in problem.stops for day in range(days)]
        counts = np.array([len(windows) for windows in of_days], dtype=np.int32)
        flat = [window for windows in of_days for window in windows]
        self._first = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
        self._opens = np.array([window.opens for window in flat], dtype=np.float64)
        self._closes = np.array([window.closes for window in flat], dtype=np.float64)
        self._minutes = np.ascontiguousarray(problem.distances.minutes, dtype=np.float64)
        self._service = np.array([s.service_minutes for s in problem.stops], dtype=np.float64)

    def timed(self, day: int, van: int, order: Sequence[int]) -> PlannedRun | None:
        """The run that serves the stops (numbers) in this order with the van (its number).

        None where a window or lunch cannot be held; shift and load are not looked at.
        """
        of, depot = self.problem.vans[van], len(self.problem.stops) + van
        lunch = of.lunch or _NO_LUNCH
        length = len(order)
        arrivals, taken = np.zeros(length + 1), np.zeros(2)
        holds, leaves, returns = run_times(
            self._minutes,
            self._service,
            np.array([order], dtype=np.int32).reshape(1, length),
            0,
            length,
            0,
            -1,
            day,
            len(self.problem.days),
            depot,
            float(of.leaves_earliest),
            float(lunch.earliest),
            float(lunch.latest),
            float(lunch.minutes),
            self._first,
            self._opens,
            self._closes,
            arrivals,
            taken,
        )
        if not holds or not np.isfinite(returns):
            return None
        return self._run(day, van, order, leaves, returns, arrivals, taken)

    def fits(self, run: PlannedRun) -> bool:
        """Whether its van works that day, may come to each stop and keeps shift and load."""
        problem = self.problem
        of = next(van for van in problem.vans if van.key == run.van)
        stops = {stop.key: stop for stop in problem.stops}
        served = [stops[visit.stop] for visit in run.visits]
        limit = np.inf if of.shift_limit_minutes is None else of.shift_limit_minutes
        capacity = np.inf if of.capacity is None else of.capacity
        return (
            run.day in of.workdays
            and run.leaves_depot >= of.leaves_earliest - _ROUNDING
            and run.returns_depot <= of.returns_latest + _ROUNDING
            and run.shift_minutes <= limit + _ROUNDING
            and sum(stop.load for stop in served) <= capacity + _ROUNDING
            and all(may_serve(stop, of.key, run.day) for stop in served)
        )

    def _run(
        self,
        day: int,
        van: int,
        order: Sequence[int],
        leaves: float,
        returns: float,
        arrivals: np.ndarray[tuple[int], np.dtype[np.float64]],
        taken: np.ndarray[tuple[int], np.dtype[np.float64]],
    ) -> PlannedRun:
        problem, of = self.problem, self.problem.vans[van]
        metres, depot = problem.distances.metres, len(problem.stops) + van
        eats_minutes = of.lunch.minutes if of.lunch else 0
        visits, clock, before = [], float(leaves), depot
        for number, stop in enumerate(order):
            lunch_before = int(taken[1]) == number
            ready = taken[0] + eats_minutes if lunch_before else clock
            drive = float(self._minutes[before, stop])
            arrival = float(arrivals[number])
            departure = arrival + float(self._service[stop])
            visits.append(
                PlannedVisit(
                    stop=problem.stops[stop].key,
                    arrival=arrival,
                    departure=departure,
                    drive_minutes=drive,
                    distance_m=float(metres[before, stop]),
                    waiting_minutes=max(0.0, arrival - float(ready) - drive),
                    lunch_before=lunch_before,
                )
            )
            clock, before = departure, stop
        eaten = Window(int(taken[0]), int(taken[0] + eats_minutes)) if taken[1] >= 0 else None
        return PlannedRun(
            day=day,
            van=of.key,
            leaves_depot=float(leaves),
            returns_depot=float(returns),
            visits=tuple(visits),
            lunch=eaten,
            distance_m=sum(v.distance_m for v in visits) + float(metres[before, depot]),
            drive_minutes=sum(v.drive_minutes for v in visits)
            + float(self._minutes[before, depot]),
        )


def may_serve(stop: PlanningStop, van: str, day: int) -> bool:
    """Whether the van may come to the stop on that day."""
    locked = next((v.van for v in stop.locked if v.day == day and v.van is not None), van)
    return locked == van and (stop.vans is None or van in stop.vans)


def plan_of_runs(
    problem: PlanningProblem,
    runs: Iterable[PlannedRun],
    unplaced: Iterable[str],
    seed: int = 0,
    iterations: int = 0,
    seconds: float = 0.0,
) -> Plan:
    """The plan of these runs, its metres and price counted; runs without a visit fall out."""
    ordered = tuple(sorted((r for r in runs if r.visits), key=lambda run: (run.day, run.van)))
    left_out = tuple(unplaced)
    metres = sum(run.distance_m for run in ordered)
    days: dict[str, list[int]] = {}
    for run in ordered:
        for visit in run.visits:
            days.setdefault(visit.stop, []).append(run.day)
    price = metres + unevenness_m(problem, ordered)
    for stop in problem.stops:
        if stop.key in left_out:
            price += stop.skip_price_m or 0.0
        else:
            price += _price_of_days_m(problem, stop, tuple(sorted(days.get(stop.key, ()))))
    return Plan(ordered, left_out, metres, price, seed, iterations, seconds)


def unevenness_m(problem: PlanningProblem, runs: Sequence[PlannedRun]) -> float:
    """Price of shifts that differ from the mean shift of their van's runs."""
    price = 0.0
    for van in problem.vans:
        shifts = [run.shift_minutes for run in runs if run.van == van.key]
        mean = sum(shifts) / max(len(shifts), 1)
        price += sum(abs(shift - mean) for shift in shifts)
    return price / 60 * problem.weights.balance_m_per_hour


def _price_of_days_m(problem: PlanningProblem, stop: PlanningStop, days: tuple[int, ...]) -> float:
    present = set(problem.present.get(stop.key, ()))
    moved = len(set(days) - present) if present else 0
    chosen = (c.price_m for c in stop.choices if tuple(sorted(c.days)) == days)
    return min(chosen, default=0.0) + problem.weights.moved_visit_m * moved
