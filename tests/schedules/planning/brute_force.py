"""The best plan of a tiny problem by trying everything, written from the promises alone.

For tests only. Days are timed by ``schedules.timing``, as published ones are, the van leaving just
in time for the first stop; clock values and drives are whole minutes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise, permutations, product

from schedules.planning.problem import DayChoice, PlanningProblem, PlanningStop, PlanningVan
from schedules.timing import DayStop, time_day
from schedules.travel import Leg, Position

NEVER = float("inf")


@dataclass(frozen=True, order=True)
class Worth:
    """What one plan is worth: what must be served and is not, then the price."""

    left_out: float
    price_m: float


def weight(stop: PlanningStop) -> float:
    """How much it counts that a stop is left out which must be served."""
    visits = max((len(choice.days) for choice in stop.choices), default=1)
    return float(visits * (1 + max(0, stop.priority)))


def best_worth(problem: PlanningProblem) -> Worth:
    """The best that any plan of the problem can reach; shifts need not be alike in it."""
    return _BruteForce(problem).best()


@dataclass
class _BruteForce:
    problem: PlanningProblem
    _known: dict[tuple[int, frozenset[int]], float] = field(default_factory=dict)

    def best(self) -> Worth:
        worths = (self._worth(chosen) for chosen in self._all_choices())
        return min(worth for worth in worths if worth is not None)

    def _all_choices(self) -> Iterator[tuple[DayChoice | None, ...]]:
        every: list[list[DayChoice | None]] = []
        for stop in self.problem.stops:
            locked = {visit.day for visit in stop.locked}
            every.append([None, *(c for c in stop.choices if locked <= set(c.days))])
        yield from product(*every)

    def _worth(self, chosen: tuple[DayChoice | None, ...]) -> Worth | None:
        if not self._groups_hold(chosen):
            return None
        left_out, price = 0.0, 0.0
        for stop, choice in zip(self.problem.stops, chosen, strict=True):
            present = self.problem.present.get(stop.key)
            if choice is None:
                must = stop.skip_price_m is None
                left_out += weight(stop) if must else 0.0
                price += stop.skip_price_m or 0.0
                continue
            price += choice.price_m
            if present:
                moved = len(set(choice.days) - set(present))
                price += self.problem.weights.moved_visit_m * moved
        for day in range(len(self.problem.days)):
            members = frozenset(i for i, c in enumerate(chosen) if c is not None and day in c.days)
            price += self._day_m(day, members)
            if price == NEVER:
                return None
        return Worth(left_out, price)

    def _groups_hold(self, chosen: tuple[DayChoice | None, ...]) -> bool:
        days = {
            stop.key: set(choice.days)
            for stop, choice in zip(self.problem.stops, chosen, strict=True)
            if choice is not None
        }
        for group in self.problem.together:
            placed = sorted((days[key] for key in group if key in days), key=len)
            if not all(rarer <= oftener for rarer, oftener in pairwise(placed)):
                return False
        for group in self.problem.apart:
            placed = [days[key] for key in group if key in days]
            if len(set().union(*placed)) != sum(map(len, placed)):
                return False
        return True

    def _day_m(self, day: int, members: frozenset[int]) -> float:
        """The least metres that serve these stops on a day."""
        key = (day, members)
        if key not in self._known:
            self._known[key] = min(
                (
                    sum(self._run_m(day, van, part) for van, part in enumerate(parts))
                    for parts in _shared_out(members, len(self.problem.vans))
                ),
                default=NEVER if members else 0.0,
            )
        return self._known[key]

    def _run_m(self, day: int, van: int, members: frozenset[int]) -> float:
        if not members:
            return 0.0
        stops, of = self.problem.stops, self.problem.vans[van]
        if day not in of.workdays:
            return NEVER
        if of.capacity is not None and sum(stops[i].load for i in members) > of.capacity:
            return NEVER
        for i in members:
            locks = [visit.van for visit in stops[i].locked if visit.day == day]
            allowed = stops[i].vans is None or of.key in stops[i].vans
            if not allowed or any(lock not in (None, of.key) for lock in locks):
                return NEVER
        depot = len(stops) + van
        metres = self.problem.distances.metres
        lengths = sorted(
            (sum(float(metres[a, b]) for a, b in pairwise((depot, *order, depot))), order)
            for order in permutations(sorted(members))
        )
        return next(
            (
                length
                for length, order in lengths
                if length < NEVER and self._holds(day, van, order)
            ),
            NEVER,
        )

    def _holds(self, day: int, van: int, order: tuple[int, ...]) -> bool:
        """Whether the order, timed as published days are, keeps every promise."""
        of = self.problem.vans[van]
        stops = [self._day_stop(day, i) for i in order]
        if any(stop is None for stop in stops):
            return False
        depot = len(self.problem.stops) + van
        first = self._alone(stops[0], depot, of)  # type: ignore[arg-type]
        if first is None:
            return False
        timed = time_day(
            [stop for stop in stops if stop is not None],
            _row(depot),
            first,
            _Matrix(self.problem),
            of.lunch,
        )
        limit = NEVER if of.shift_limit_minutes is None else of.shift_limit_minutes
        lunch = of.lunch
        covers = (
            lunch is not None
            and timed.leaves_depot <= lunch.earliest
            and timed.returns_depot > lunch.latest
        )
        return (
            not any(visit.window_missed or visit.late_for_fixed_minutes for visit in timed.visits)
            and timed.returns_depot <= of.returns_latest
            and timed.shift_minutes <= limit
            and not (covers and timed.lunch is None)
        )

    def _alone(self, stop: DayStop, depot: int, van: PlanningVan) -> int | None:
        """When the van leaves just in time for the first minute at which it can serve the stop."""
        earliest = int(van.leaves_earliest)
        timed = time_day([stop], _row(depot), earliest, _Matrix(self.problem))
        (visit,) = timed.visits
        if visit.window_missed or visit.late_for_fixed_minutes:
            return None
        return visit.arrival - visit.drive_minutes

    def _day_stop(self, day: int, i: int) -> DayStop | None:
        """The stop that day; None where it is closed."""
        stop = self.problem.stops[i]
        windows = stop.windows_of(day)
        if windows == ():
            return None
        agreed = [v.arrival for v in stop.locked if v.day == day and v.arrival is not None]
        return DayStop(
            i, _row(i), int(stop.service_minutes), windows or (), agreed[0] if agreed else None
        )


def _row(number: int) -> Position:
    """A row of the matrix, dressed as a position."""
    return Position(float(number), 0.0)


@dataclass(frozen=True)
class _Matrix:
    """The problem's distances as a source of travel."""

    problem: PlanningProblem
    name: str = "matrix"
    is_estimate: bool = False

    def leg(self, start: Position, end: Position) -> Leg:
        a, b = int(start.lat), int(end.lat)
        distances = self.problem.distances
        return Leg(float(distances.minutes[a, b]), float(distances.metres[a, b]))

    def matrix(self, positions: Sequence[Position]) -> tuple[tuple[Leg, ...], ...]:
        return tuple(tuple(self.leg(start, end) for end in positions) for start in positions)

    def path(self, start: Position, end: Position) -> tuple[Position, ...]:
        return (start, end)


@cache
def _shared_out(members: frozenset[int], vans: int) -> tuple[tuple[frozenset[int], ...], ...]:
    """Every way to give each member to one of the vans."""
    if not vans:
        return ()
    ordered = sorted(members)
    return tuple(
        tuple(
            frozenset(m for m, v in zip(ordered, given, strict=True) if v == van)
            for van in range(vans)
        )
        for given in product(range(vans), repeat=len(ordered))
    )
