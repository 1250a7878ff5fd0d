"""Tries single stops on other days of a plan, every other visit staying on its day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from .plan import Plan, PlannedRun
from .planner import plan
from .problem import DayChoice, Distances, PlanningProblem, PlanningStop
from .runs import RunTimer, plan_of_runs

# Enough for the few stops of one day.
DAY_ITERATIONS = 300


@dataclass(frozen=True)
class Insertion:
    """Where a visit would stand: its run as it would be, and how much more that drives."""

    run: PlannedRun
    metres: float
    minutes: float


@dataclass(frozen=True)
class Placing:
    """A stop on a set of days, and how much more all its runs together drive."""

    days: tuple[int, ...]
    insertions: tuple[Insertion, ...]
    price_m: float = 0.0

    @property
    def metres(self) -> float:
        """Driving that its visits add."""
        return sum(insertion.metres for insertion in self.insertions)

    @property
    def minutes(self) -> float:
        """Driving time that its visits add."""
        return sum(insertion.minutes for insertion in self.insertions)


@dataclass
class Trying:
    """A plan without one stop's visits, into which they are put in other ways.

    ``problem`` may be another than the plan's own as long as it has the same stops and days: that
    is how a change of it is tried.
    """

    problem: PlanningProblem
    plan: Plan
    stop: str
    _number: dict[str, int] = field(init=False)
    _orders: dict[int, dict[str, list[int]]] = field(init=False)
    _known: dict[int, Insertion | None] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._number = {stop.key: number for number, stop in enumerate(self.problem.stops)}
        self._orders = {}
        for run in self.plan.runs:
            order = [self._number[v.stop] for v in run.visits if v.stop != self.stop]
            self._orders.setdefault(run.day, {})[run.van] = order

    @property
    def planning_stop(self) -> PlanningStop:
        """The stop as the problem has it."""
        return self.problem.stops[self._number[self.stop]]

    def on_day(self, day: int) -> Insertion | None:
        """The cheapest place of that day that keeps every promise of the run; None without one."""
        if day not in self._known:
            self._known[day] = self._cheapest(day)
        return self._known[day]

    def on_days(self, days: Iterable[int], price_m: float = 0.0) -> Placing | None:
        """The cheapest places of all these days; None where one of them has none."""
        found = []
        for day in days:
            insertion = self.on_day(day)
            if insertion is None:
                return None
            found.append(insertion)
        return Placing(tuple(days), tuple(found), price_m)

    def best(self, choices: Iterable[tuple[tuple[int, ...], float]]) -> Placing | None:
        """The cheapest of several sets of days with their prices."""
        placings = (self.on_days(days, price) for days, price in choices if self.groups_allow(days))
        return min(
            (placing for placing in placings if placing is not None),
            key=lambda placing: (placing.metres + placing.price_m, placing.days),
            default=None,
        )

    def groups_allow(self, days: Sequence[int]) -> bool:
        """Whether these days suit the stops that must or must not share a day with it."""
        mine = set(days)
        for groups, must in ((self.problem.together, True), (self.problem.apart, False)):
            for group in groups:
                for other in group - {self.stop} if self.stop in group else ():
                    theirs = set(self.plan.days_of(other))
                    if must and theirs and len(mine & theirs) < min(len(mine), len(theirs)):
                        return False
                    if not must and mine & theirs:
                        return False
        return True

    def added_now(self) -> Placing:
        """What the stop's visits add in the plan as it is."""
        found = []
        for run in self.plan.runs:
            if any(visit.stop == self.stop for visit in run.visits):
                van = self._van_number(run.van)
                without = self._orders[run.day][run.van]
                metres, minutes = self._driving(van, without)
                found.append(Insertion(run, run.distance_m - metres, run.drive_minutes - minutes))
        return Placing(tuple(one.run.day for one in found), tuple(found))

    def with_placing(self, placing: Placing) -> list[PlannedRun]:
        """All runs of the plan with the stop's visits where ``placing`` has them."""
        changed = {(one.run.day, one.run.van): one.run for one in placing.insertions}
        kept = []
        for run in self.plan.runs:
            if (run.day, run.van) in changed:
                continue
            if all(visit.stop != self.stop for visit in run.visits):
                kept.append(run)
                continue
            order = self._orders[run.day][run.van]
            shorter = self._timed(run.day, self._van_number(run.van), order) if order else None
            kept += [shorter] if shorter is not None else []
        return [*kept, *changed.values()]

    def _cheapest(self, day: int) -> Insertion | None:
        stop = self._number[self.stop]
        if self.problem.stops[stop].windows_of(day) == ():
            return None
        ways: list[tuple[float, float, int, tuple[int, ...]]] = []
        for van, of in enumerate(self.problem.vans):
            if day not in of.workdays:
                continue
            order = self._orders.get(day, {}).get(of.key, [])
            metres, minutes = self._driving(van, order)
            for place in range(len(order) + 1):
                longer = (*order[:place], stop, *order[place:])
                more_m, more_minutes = self._driving(van, longer)
                ways.append((more_m - metres, more_minutes - minutes, van, longer))
        for metres, minutes, van, order_with in sorted(ways):
            if not np.isfinite(metres + minutes):
                break
            run = self._timed(day, van, order_with)
            if run is not None:
                return Insertion(run, metres, minutes)
        return None

    def _timed(self, day: int, van: int, order: Sequence[int]) -> PlannedRun | None:
        """The run, where it keeps all its promises."""
        timer = RunTimer(one_day_of(self.problem, day, order))
        run = timer.timed(0, van, range(len(order)))
        return replace(run, day=day) if run is not None and timer.fits(run) else None

    def _driving(self, van: int, order: Sequence[int]) -> tuple[float, float]:
        if not order:
            return 0.0, 0.0
        depot = len(self.problem.stops) + van
        legs = list(pairwise((depot, *order, depot)))
        distances = self.problem.distances
        return (
            sum(float(distances.metres[a, b]) for a, b in legs),
            sum(float(distances.minutes[a, b]) for a, b in legs),
        )

    def _van_number(self, key: str) -> int:
        return next(n for n, van in enumerate(self.problem.vans) if van.key == key)


def one_day_of(problem: PlanningProblem, day: int, stops: Sequence[int]) -> PlanningProblem:
    """The problem of a single day and these of its stops (their numbers), without choices."""
    rows = [*stops, *range(len(problem.stops), len(problem.stops) + len(problem.vans))]
    among = np.ix_(rows, rows)
    return PlanningProblem(
        days=(problem.days[day],),
        stops=tuple(_on_the_day(problem.stops[number], day) for number in stops),
        vans=tuple(
            replace(van, workdays=frozenset({0} if day in van.workdays else ()))
            for van in problem.vans
        ),
        distances=Distances(problem.distances.metres[among], problem.distances.minutes[among]),
    )


def day_driving(
    problem: PlanningProblem, day: int, runs: Sequence[PlannedRun]
) -> tuple[float, float]:
    """The least metres found for the visits of a day's runs, shared out among its vans anew, and
    the minutes of that."""
    number = {stop.key: index for index, stop in enumerate(problem.stops)}
    members = [number[visit.stop] for run in runs for visit in run.visits]
    alone = one_day_of(problem, day, members)
    fixed = tuple(replace(stop, choices=(DayChoice((0,)),)) for stop in alone.stops)
    alone = replace(alone, stops=fixed)
    start = plan_of_runs(alone, [replace(run, day=0) for run in runs], ())
    found = plan(alone, iterations=DAY_ITERATIONS, start=start, workers=1)
    return (
        (found.metres, found.drive_minutes)
        if not found.unplaced
        else (
            start.metres,
            start.drive_minutes,
        )
    )


def _on_the_day(stop: PlanningStop, day: int) -> PlanningStop:
    windows = stop.windows_of(day)
    closed: Mapping[int, tuple[()]] = {0: ()} if windows == () else {}
    return replace(
        stop,
        choices=(),
        windows=windows or (),
        windows_on=closed,
        locked=tuple(replace(visit, day=0) for visit in stop.locked if visit.day == day),
    )
