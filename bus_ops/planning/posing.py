"""From a term to the problem that the period planner solves, and from its plan to a timetable.

Stops and vans have their ids, as text, for keys.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from schedules.planning.distances import distances_between
from schedules.planning.plan import Plan, PlannedRun, PlannedVisit
from schedules.planning.problem import (
    DayChoice,
    LockedVisit,
    PlanningProblem,
    PlanningStop,
    PlanningVan,
    Weights,
)
from schedules.timing import Lunch, Window

from ..fleet.models import Van
from ..fleet.queries import works_on
from ..timetable.models import Stop
from ..timetable.retiming import depot_position
from .ground import Ground, Lock, service_minutes
from .proposal import Proposal
from .stop_days import choices_for, rule_of

# What one would rather drive than have an hour's difference between two days of a van.
BALANCE_M_PER_HOUR = 500.0


@dataclass(frozen=True)
class Posed:
    """A term's problem, the locks it holds, and the stops that no day suits."""

    problem: PlanningProblem
    locks: tuple[Lock, ...]
    without_days: tuple[int, ...]


def pose(
    ground: Ground,
    first: date,
    last: date,
    present: Proposal,
    locks: Sequence[Lock] = (),
    moved_visit_m: float = 0.0,
) -> Posed:
    """The term's problem from ``first`` to ``last``, both included.

    ``present`` is the timetable there is: a plan gives no stop fewer visits than it has there.
    Locks are those of people; what the log or an agreement holds fast is added to them.
    """
    return Posing(ground, first, last, present, locks).work(moved_visit_m)


def proposal_of(plan: Plan, posed: Posed, ground: Ground) -> Proposal:
    """The plan's runs in its order, timed as published runs are."""
    days = posed.problem.days
    runs = [
        ground.timed(
            days[run.day], int(run.van), [int(visit.stop) for visit in run.visits], posed.locks
        )
        for run in plan.runs
        if run.visits
    ]
    unplaced = sorted({*(int(key) for key in plan.unplaced), *posed.without_days})
    return Proposal(tuple(sorted(runs, key=lambda r: (r.day, r.van_id))), tuple(unplaced))


def plan_of(proposal: Proposal, posed: Posed) -> Plan:
    """A timetable as a plan to begin from; days that are not planned are left out."""
    problem = posed.problem
    index = {day: number for number, day in enumerate(problem.days)}
    keys = {stop.key for stop in problem.stops}
    vans = {van.key for van in problem.vans}
    runs = []
    for run in proposal.runs:
        if run.day not in index or str(run.van_id) not in vans:
            continue
        visits = tuple(
            PlannedVisit(
                str(visit.stop_id),
                visit.arrival,
                visit.departure,
                visit.drive_minutes,
                visit.distance_m,
                visit.waiting_minutes,
            )
            for visit in run.visits
            if str(visit.stop_id) in keys
        )
        runs.append(
            PlannedRun(
                index[run.day],
                str(run.van_id),
                run.leaves,
                run.returns,
                visits,
                run.lunch,
                run.distance_m,
                run.drive_minutes,
            )
        )
    metres = float(proposal.distance_m)
    return Plan(tuple(runs), (), metres, metres, seed=0, iterations=0, seconds=0.0)


class Posing:
    """Makes a term's problem; what is chosen from, and which days there are, can be told apart."""

    def __init__(
        self, ground: Ground, first: date, last: date, present: Proposal, locks: Sequence[Lock]
    ) -> None:
        self._ground = ground
        self._first, self._last = first, last
        self._present = present.days_by_stop()
        held = ground.held_fast(first, last)
        known = {(lock.stop_id, lock.day) for lock in held}
        self._locks = [*held, *(one for one in locks if (one.stop_id, one.day) not in known)]
        self._taken = ground.taken_days(first, last)
        self._served_before = ground.served_before(first)

    def work(self, moved_visit_m: float) -> Posed:
        ground, days = self._ground, self._days()
        index = {day: number for number, day in enumerate(days)}
        posed = self._stops(index)
        usable = [stop for stop, as_posed in posed if as_posed.choices]
        problem = PlanningProblem(
            days=tuple(days),
            stops=tuple(as_posed for _stop, as_posed in posed if as_posed.choices),
            vans=tuple(self._van(van, days) for van in ground.vans.values()),
            distances=distances_between(
                [ground.whereabouts(stop) for stop in usable],
                [depot_position(van) for van in ground.vans.values()],
                ground.travel,
                ground.term.buffer_minutes,
            ),
            together=_groups(usable, "together"),
            apart=_groups(usable, "apart"),
            weights=Weights(BALANCE_M_PER_HOUR, moved_visit_m),
            present={
                str(stop.id): tuple(
                    index[day] for day in self._present.get(stop.id, []) if day in index
                )
                for stop in usable
            },
        )
        without_days = [
            stop.id for stop, as_posed in posed if not as_posed.choices and self._wants_a_day(stop)
        ]
        return Posed(problem, tuple(self._locks), tuple(without_days))

    def _stops(self, index: Mapping[date, int]) -> list[tuple[Stop, PlanningStop]]:
        return [(stop, self._stop(stop, index)) for stop in self._ground.stops.values()]

    def _days(self) -> list[date]:
        """Every day on which some van may work."""
        length = (self._last - self._first).days + 1
        every = [self._first + timedelta(days=number) for number in range(length)]
        vans = self._ground.vans.values()
        driven = set().union(*(self._driven_days(van) for van in vans))
        return [day for day in every if day in driven or any(works_on(van, day) for van in vans)]

    def _driven_days(self, van: Van) -> set[date]:
        """Days on which a van drives whatever its weekdays are."""
        return {lock.day for lock in self._locks if lock.van_id in (None, van.id)}

    def _van(self, van: Van, days: Sequence[date]) -> PlanningVan:
        term = self._ground.term
        lunch = None
        if term.lunch_minutes and term.lunch_earliest is not None and term.lunch_latest is not None:
            lunch = Lunch(term.lunch_earliest, term.lunch_latest, term.lunch_minutes)
        leaves = term.leaves_depot_at
        busy = self._ground.busy_elsewhere(van, self._first, self._last)
        driven = self._driven_days(van)
        return PlanningVan(
            key=str(van.id),
            workdays=frozenset(
                number
                for number, day in enumerate(days)
                if day in driven or (works_on(van, day) and day not in busy)
            ),
            leaves_earliest=leaves or 0,
            # Where the hour of leaving is set the day counts from it.
            returns_latest=24 * 60 if leaves is None else leaves + term.shift_limit_minutes,
            shift_limit_minutes=term.shift_limit_minutes,
            lunch=lunch,
            capacity=van.capacity_books,
        )

    def _stop(self, stop: Stop, index: Mapping[date, int]) -> PlanningStop:
        ground = self._ground
        locks = [lock for lock in self._locks if lock.stop_id == stop.id and lock.day in index]
        locked = {lock.day for lock in locks}
        allowed = [day for day in sorted(index) if day in locked or self._may_come(stop, day)]
        windows = {day: ground.windows(stop, day) for day in allowed}
        usual = _most_common([windows[day] for day in allowed if day not in locked])
        on_day = {index[day]: windows[day] for day in allowed if windows[day] != usual}
        on_day |= {
            index[lock.day]: (Window(lock.arrival, lock.departure),)
            for lock in locks
            if lock.arrival is not None and lock.departure is not None
        }
        return PlanningStop(
            key=str(stop.id),
            service_minutes=service_minutes(stop),
            choices=self._choices(stop, index, allowed, locked),
            windows=usual,
            windows_on=on_day,
            load=stop.load_books,
            priority=stop.priority,
            skip_price_m=stop.skip_price_m,
            vans=None if stop.plan_any_van else frozenset({str(stop.van_id)}),
            locked=tuple(
                LockedVisit(
                    index[lock.day], None if lock.van_id is None else str(lock.van_id), lock.arrival
                )
                for lock in locks
            ),
        )

    def _may_come(self, stop: Stop, day: date) -> bool:
        return (stop.id, day) not in self._taken and self._ground.may_be_served(stop, day)

    def _choices(
        self, stop: Stop, index: Mapping[date, int], allowed: Sequence[date], locked: set[date]
    ) -> tuple[DayChoice, ...]:
        return choices_for(
            stop,
            list(index),
            allowed,
            least=len(self._present.get(stop.id, [])),
            locked=locked,
            before=self._served_before.get(stop.id),
        )

    def _wants_a_day(self, stop: Stop) -> bool:
        return bool(stop.plan_times or rule_of(stop).dates(self._first, self._last))


def _groups(stops: Sequence[Stop], name: str) -> tuple[frozenset[str], ...]:
    by_word: dict[str, set[str]] = {}
    for stop in stops:
        word = getattr(stop, name)
        if word:
            by_word.setdefault(word, set()).add(str(stop.id))
    return tuple(frozenset(keys) for keys in by_word.values() if len(keys) > 1)


def _most_common(windows: Sequence[tuple[Window, ...]]) -> tuple[Window, ...]:
    return Counter(windows).most_common(1)[0][0] if windows else ()
