"""Mends a published plan after a mishap: up to three ways, different in kind, each with its cost.

Every visit near the mishap is a stop of its own in a small problem: those that were hit look for
another day, all others stay on theirs unless moving one is worth its price. Runs of days whose
visits stay the same stay as they were published, to the minute; where little is to be moved, the
others keep their minute on the days that change as well, if that leaves room for what was hit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import pairwise
from statistics import median

import numpy as np

from ..timing import Window
from .plan import Plan, PlannedRun
from .planner import plan as search
from .problem import (
    DayChoice,
    Distances,
    LockedVisit,
    PlanningProblem,
    PlanningStop,
    PlanningVan,
    Weights,
)
from .runs import RunTimer, plan_of_runs
from .trying import one_day_of

# Visits look for another day among so many days of service before and after.
REACH_DAYS = 15
MOST_OTHER_DAYS = 20
# Two visits of a stop keep at least this share of their usual distance.
NEAREST_SHARE = 1 / 3
# A visit that falls out leaves no longer gap than this many usual ones, where the next can help.
LONGEST_GAP = 1.5
# Of the time for all proposals each of at most five searches takes this share; the rest is for
# posing and counting.
SHARE_OF_A_SEARCH = 0.17


@dataclass(frozen=True)
class DaysLost:
    """No van (or not this one) can drive on these days: storm, flood, breakdown, repair."""

    days: frozenset[int]
    van: str | None = None


@dataclass(frozen=True)
class VisitCancelled:
    """A stop cannot take its visit of that day."""

    stop: str
    day: int


@dataclass(frozen=True)
class RequestArrives:
    """A stop of the problem that the plan does not have yet asks for the days of its choices."""

    stop: str


Disruption = DaysLost | VisitCancelled | RequestArrives
OtherDays = Callable[[str, int], Collection[int]]


class RepairKind(StrEnum):
    """What a proposal is best at."""

    LEAST_MOVED = "least_moved"
    LEAST_DRIVING = "least_driving"
    LEFT_OUT = "left_out"
    SOONEST = "soonest"


# Kinds that leave the other visits their minute where they can.
KEEP_TIMES = frozenset({RepairKind.LEAST_MOVED, RepairKind.LEFT_OUT})


@dataclass(frozen=True)
class RepairPrices:
    """Metres one would rather drive than move a published visit that was not hit, have a visit one
    day further from its own, or leave one out (a visit of priority 1 at twice the price)."""

    moved_visit_m: float = 30_000.0
    day_off_m: float = 2_000.0
    left_out_m: float = 200_000.0


@dataclass(frozen=True)
class Move:
    """A visit from its day (None: a new one) to another (None: it does not take place)."""

    stop: str
    from_day: int | None
    to_day: int | None


@dataclass(frozen=True)
class RepairProposal:
    """A way to mend the plan.

    ``metres`` and ``drive_minutes`` are what is driven more (below 0: less) than published.
    ``retimed`` counts the visits that keep their day and come at another minute. ``problem`` is
    the one whose promises ``plan`` holds: without the lost days, with the stops' new days among
    their choices.
    """

    kind: RepairKind
    moves: tuple[Move, ...]
    metres: float
    drive_minutes: float
    retimed: int
    problem: PlanningProblem
    plan: Plan

    @property
    def moved(self) -> int:
        """Visits on another day."""
        return sum(m.from_day is not None and m.to_day is not None for m in self.moves)

    @property
    def left_out(self) -> tuple[Move, ...]:
        """Visits that do not take place."""
        return tuple(move for move in self.moves if move.to_day is None)


def repairs(
    problem: PlanningProblem,
    plan: Plan,
    disruption: Disruption,
    seconds: float = 5.0,
    seed: int = 0,
    *,
    iterations: int | None = None,
    earliest: int = 0,
    prices: RepairPrices = RepairPrices(),
    other_days: OtherDays | None = None,
) -> tuple[RepairProposal, ...]:
    """Up to three ways to mend the plan, none twice, the one that moves least first.

    Parameters
    ----------
    seconds, seed, iterations
        Time for all proposals together; the same seed and ``iterations`` (of each search, instead
        of seconds) give the same proposals.
    earliest
        The first day that may still be changed.
    other_days
        Called with a stop and the day of its visit: days on which that visit may take place
        instead, where others than those of the stop's choices.

    Returns
    -------
    tuple[RepairProposal, ...]
        Nothing where nothing was hit, or where no day suits a request (``explain_unplaced`` says
        why): no published visit is left out for it.
    """
    mending = _Mending(problem, plan, disruption, earliest, prices, other_days)
    if not mending.hit and not isinstance(disruption, RequestArrives):
        return ()
    kinds = [RepairKind.LEAST_MOVED, RepairKind.LEAST_DRIVING]
    is_request = isinstance(disruption, RequestArrives)
    kinds.append(RepairKind.SOONEST if is_request else RepairKind.LEFT_OUT)
    found: dict[tuple[Move, ...], RepairProposal] = {}
    for kind in kinds:
        proposal = mending.proposal(kind, seconds * SHARE_OF_A_SEARCH, seed, iterations)
        if proposal is not None:
            found.setdefault(proposal.moves, proposal)
    return tuple(found.values())


@dataclass(frozen=True)
class _Visit:
    """A published visit, or (``day`` None) what a request asks for."""

    stop: str
    day: int | None

    @property
    def key(self) -> str:
        return f"{self.stop}@{'' if self.day is None else self.day}"


@dataclass
class _Posed:
    """The small problem of one kind of repair, and whose visits its stops are."""

    days: list[int]
    visits: list[_Visit] = field(default_factory=list)
    stops: list[PlanningStop] = field(default_factory=list)

    def add(self, visit: _Visit, stop: PlanningStop) -> None:
        self.visits.append(visit)
        self.stops.append(stop)

    @property
    def firm(self) -> frozenset[str]:
        """Published visits that must take place."""
        named = zip(self.visits, self.stops, strict=True)
        return frozenset(s.key for v, s in named if v.day is not None and s.skip_price_m is None)

    def stops_by_firmness(self) -> tuple[PlanningStop, ...]:
        """The stops, where each firm one matters more than all that ask for a place together."""
        firm = self.firm
        asked = sum(stop.weight_left_out for stop in self.stops if stop.key not in firm)
        return tuple(
            replace(stop, priority=max(0, stop.priority) + asked + 1) if stop.key in firm else stop
            for stop in self.stops
        )


class _Mending:
    def __init__(
        self,
        problem: PlanningProblem,
        plan: Plan,
        disruption: Disruption,
        earliest: int,
        prices: RepairPrices,
        other_days: OtherDays | None,
    ) -> None:
        self._published = problem
        self._plan = plan
        self._disruption = disruption
        self._prices = prices
        self._other_days = other_days
        self._closed = _closed_runs(problem, disruption)
        self._problem = _without_runs(problem, self._closed)
        self._stops = {stop.key: stop for stop in problem.stops}
        self._row = {stop.key: row for row, stop in enumerate(problem.stops)}
        self._days_of = {stop.key: plan.days_of(stop.key) for stop in problem.stops}
        self.hit = self._hit_visits()
        self._window = self._days_around(earliest)
        self._frozen = self._frozen_runs()

    def proposal(
        self, kind: RepairKind, seconds: float, seed: int, iterations: int | None
    ) -> RepairProposal | None:
        if kind in KEEP_TIMES:
            held = self._searched(kind, seconds, seed, iterations, keeps_times=True)
            if held is not None and self._leaves_out_only_hit(kind, held):
                return held
        return self._searched(kind, seconds, seed, iterations, keeps_times=False)

    def _leaves_out_only_hit(self, kind: RepairKind, proposal: RepairProposal) -> bool:
        gone = {_Visit(move.stop, move.from_day) for move in proposal.left_out}
        if kind != RepairKind.LEFT_OUT:
            return not gone
        return all(visit in self.hit or self._must_follow(visit) for visit in gone)

    def _searched(
        self,
        kind: RepairKind,
        seconds: float,
        seed: int,
        iterations: int | None,
        keeps_times: bool,
    ) -> RepairProposal | None:
        posed = self._posed(kind, keeps_times)
        if not posed.stops:
            return None
        small = self._small_problem(posed)
        found = search(small, seconds, seed, iterations=iterations, start=self._start(posed, small))
        if posed.firm & set(found.unplaced):
            return None
        proposal = self._counted(kind, posed, found)
        if isinstance(self._disruption, RequestArrives) and proposal is not None:
            # What must share its days may not be able to come along.
            placed = any(move.from_day is None for move in proposal.moves)
            return proposal if placed and not proposal.left_out else None
        return proposal

    def _hit_visits(self) -> frozenset[_Visit]:
        if isinstance(self._disruption, VisitCancelled):
            stop, day = self._disruption.stop, self._disruption.day
            return frozenset({_Visit(stop, day)} if day in self._days_of[stop] else ())
        return frozenset(
            _Visit(visit.stop, run.day)
            for run in self._plan.runs
            if (run.day, run.van) in self._closed
            for visit in run.visits
        )

    def _days_around(self, earliest: int) -> list[int]:
        """Days that may change: near a hit day, or among those that a request asks for."""
        every = range(earliest, len(self._problem.days))
        if isinstance(self._disruption, RequestArrives):
            asked = {d for c in self._stops[self._disruption.stop].choices for d in c.days}
            centres = {day for day in asked if day >= earliest}
        else:
            centres = {visit.day for visit in self.hit if visit.day is not None}
        if not centres:
            return []
        first, last = min(centres) - REACH_DAYS, max(centres) + REACH_DAYS
        # Where a visit falls out its stop's next one may help.
        following = (self._neighbours(visit)[1] for visit in self.hit)
        last = max([last, *(day for day in following if day is not None)])
        return [day for day in every if first <= day <= last]

    def _frozen_runs(self) -> frozenset[tuple[int, str]]:
        """Runs that stay whatever happens: those that people made in ways that break a promise,
        and those on days that are over."""
        hit_runs = {
            (run.day, run.van)
            for run in self._plan.runs
            if any(_Visit(visit.stop, run.day) in self.hit for visit in run.visits)
        }
        return frozenset(
            (run.day, run.van)
            for run in self._plan.runs
            if (run.day, run.van) not in hit_runs
            and (run.day not in self._window or not self._holds(run))
        )

    def _holds(self, run: PlannedRun) -> bool:
        order = [self._row[visit.stop] for visit in run.visits]
        return self._timed(run.day, run.van, order) is not None

    def _timed(
        self, day: int, van: str, order: Sequence[int], problem: PlanningProblem | None = None
    ) -> PlannedRun | None:
        """The run, where it keeps all its promises."""
        number = next(n for n, v in enumerate(self._problem.vans) if v.key == van)
        timer = RunTimer(one_day_of(problem or self._problem, day, order))
        timed = timer.timed(0, number, range(len(order)))
        return replace(timed, day=day) if timed is not None and timer.fits(timed) else None

    def _posed(self, kind: RepairKind, keeps_times: bool) -> _Posed:
        posed = _Posed(self._window)
        for run in self._plan.runs:
            if (run.day, run.van) in self._frozen:
                continue
            minutes = self._published_minutes(run) if keeps_times else {}
            for planned in run.visits:
                visit = _Visit(planned.stop, run.day)
                choices, skip_m = self._choices(kind, visit)
                stays = [day for day, _price in choices] == [visit.day]
                kept = minutes.get(visit) if stays else None
                posed.add(visit, self._visit_stop(posed, visit, choices, skip_m, kept))
        if isinstance(self._disruption, RequestArrives):
            visit = _Visit(self._disruption.stop, None)
            posed.add(visit, self._requested_stop(posed, kind))
        return posed

    def _published_minutes(self, run: PlannedRun) -> dict[_Visit, Window]:
        """When the visits of a run that were not hit took place, where it can be driven so."""
        kept = {
            _Visit(visit.stop, run.day): Window(
                math.floor(visit.arrival), math.ceil(visit.departure)
            )
            for visit in run.visits
            if _Visit(visit.stop, run.day) not in self.hit
        }
        if (run.day, run.van) in self._closed or not kept:
            return {}
        narrow = {
            visit.stop: replace(self._stops[visit.stop], windows_on={run.day: (window,)})
            for visit, window in kept.items()
        }
        stops = tuple(narrow.get(stop.key, stop) for stop in self._problem.stops)
        order = [self._row[visit.stop] for visit in kept]
        timed = self._timed(run.day, run.van, order, replace(self._problem, stops=stops))
        return kept if timed is not None else {}

    def _choices(
        self, kind: RepairKind, visit: _Visit
    ) -> tuple[list[tuple[int, float]], float | None]:
        """Days with their prices, and the price of leaving the visit out (None: it must stay)."""
        assert visit.day is not None
        stop, prices = self._stops[visit.stop], self._prices
        left_out_m = prices.left_out_m * (1 + max(0, stop.priority))
        stays = [(visit.day, 0.0)]
        if visit in self.hit:
            if kind == RepairKind.LEFT_OUT:
                return [], 0.0
            # Where only driving counts a day off still decides between equals.
            off_m = prices.day_off_m if kind == RepairKind.LEAST_MOVED else 1.0
            # Another van may come on the same day.
            same = stays if self._is_open(stop, visit.day) else []
            others = [(d, off_m * self._apart(d, visit)) for d in self._other(visit)]
            return [*same, *others], left_out_m
        if self._must_follow(visit):
            if kind == RepairKind.LEFT_OUT:
                return [], 0.0
            moved = [(d, prices.moved_visit_m) for d in self._other(visit)]
            return [*stays, *moved], left_out_m
        is_locked = any(locked.day == visit.day for locked in stop.locked)
        if is_locked or any(stop.key in group for group in self._problem.together):
            return stays, None
        if kind == RepairKind.LEFT_OUT and self._follows_hit(visit):
            return self._earlier(visit), None
        if kind == RepairKind.LEAST_DRIVING:
            return [*stays, *((d, prices.moved_visit_m) for d in self._other(visit))], None
        return stays, None

    def _apart(self, day: int, visit: _Visit) -> int:
        assert visit.day is not None
        return abs((self._problem.days[day] - self._problem.days[visit.day]).days)

    def _other(self, visit: _Visit) -> list[int]:
        """Other days for a visit, the nearest first, at a distance from the stop's other visits."""
        assert visit.day is not None
        stop = self._stops[visit.stop]
        if self._other_days is None:
            allowed = {day for choice in stop.choices for day in choice.days}
        else:
            allowed = set(self._other_days(visit.stop, visit.day))
        for mate in self._mates(visit.stop):
            # Those of a more frequent one stay where they are, and it goes to one of them.
            more = len(self._days_of[mate]) > len(self._days_of[visit.stop])
            if more and _Visit(mate, visit.day) not in self.hit:
                allowed &= set(self._days_of[mate])
        before, after = self._neighbours(visit)
        gap = math.ceil(self._usual_gap(visit.stop) * NEAREST_SHARE)
        dates = self._problem.days
        found = [
            day
            for day in self._window
            if day in allowed
            and day != visit.day
            and self._is_open(stop, day)
            and (before is None or (dates[day] - dates[before]).days >= gap)
            and (after is None or (dates[after] - dates[day]).days >= gap)
        ]
        return sorted(found, key=lambda day: (self._apart(day, visit), day))[:MOST_OTHER_DAYS]

    def _is_open(self, stop: PlanningStop, day: int) -> bool:
        works = any(
            day in van.workdays and (stop.vans is None or van.key in stop.vans)
            for van in self._problem.vans
        )
        cancelled = VisitCancelled(stop.key, day)
        return works and stop.windows_of(day) != () and cancelled != self._disruption

    def _earlier(self, visit: _Visit) -> list[tuple[int, float]]:
        """The visit after one that falls out: on its day, or earlier where the gap would be too
        long otherwise, which has its price."""
        assert visit.day is not None
        hit_day, _after = self._neighbours(visit)
        before = self._neighbours(_Visit(visit.stop, hit_day))[0]
        if before is None:
            return [(visit.day, 0.0)]
        dates, most = self._problem.days, LONGEST_GAP * self._usual_gap(visit.stop)
        since = dates[before]
        if (dates[visit.day] - since).days <= most:
            return [(visit.day, 0.0)]
        days = [visit.day, *(day for day in self._other(visit) if day < visit.day)]
        beyond = {day: max(0.0, (dates[day] - since).days - most) for day in days}
        return [(day, self._prices.day_off_m * beyond[day]) for day in days]

    def _follows_hit(self, visit: _Visit) -> bool:
        before, _after = self._neighbours(visit)
        return before is not None and _Visit(visit.stop, before) in self.hit

    def _neighbours(self, visit: _Visit) -> tuple[int | None, int | None]:
        days = self._days_of[visit.stop]
        before = max(
            (day for day in days if visit.day is not None and day < visit.day), default=None
        )
        after = min(
            (day for day in days if visit.day is not None and day > visit.day), default=None
        )
        return before, after

    def _usual_gap(self, stop: str) -> float:
        dates = [self._problem.days[day] for day in self._days_of[stop]]
        gaps = [(later - earlier).days for earlier, later in pairwise(dates)]
        return float(median(gaps)) if gaps else 1.0

    def _must_follow(self, visit: _Visit) -> bool:
        """Whether it may only stand on its day beside a visit that was hit."""
        return visit not in self.hit and any(
            _Visit(other, visit.day) in self.hit
            and len(self._days_of[visit.stop]) <= len(self._days_of[other])
            for other in self._mates(visit.stop)
        )

    def _mates(self, stop: str) -> set[str]:
        """Stops that it shares its days with."""
        groups = (group for group in self._problem.together if stop in group)
        return set().union(*groups) - {stop}

    def _visit_stop(
        self,
        posed: _Posed,
        visit: _Visit,
        choices: Iterable[tuple[int, float]],
        skip_m: float | None,
        kept: Window | None,
    ) -> PlanningStop:
        """The visit as a stop; ``kept`` are the minutes that it is to keep."""
        stop = self._stops[visit.stop]
        index = {day: number for number, day in enumerate(posed.days)}
        locked = tuple(
            replace(lock, day=index[lock.day])
            for lock in stop.locked
            if lock.day == visit.day and visit not in self.hit and lock.day in index
        )
        windows_on = {index[d]: windows for d, windows in stop.windows_on.items() if d in index}
        if kept is not None and visit.day is not None:
            windows_on[index[visit.day]] = (kept,)
        return replace(
            stop,
            key=visit.key,
            choices=tuple(DayChoice((index[d],), price) for d, price in choices if d in index),
            windows_on=windows_on,
            skip_price_m=skip_m,
            locked=locked,
        )

    def _requested_stop(self, posed: _Posed, kind: RepairKind) -> PlanningStop:
        assert isinstance(self._disruption, RequestArrives)
        stop = self._stops[self._disruption.stop]
        index = {day: number for number, day in enumerate(posed.days)}
        dates = self._problem.days
        choices = [choice for choice in stop.choices if set(choice.days) <= index.keys()]
        soonest = min((dates[min(c.days)] for c in choices), default=dates[0])
        # No drive is worth a day's waiting where it is to be soon.
        a_day_m = self._prices.left_out_m if kind == RepairKind.SOONEST else 0.0
        priced = tuple(
            DayChoice(
                tuple(index[day] for day in choice.days),
                choice.price_m + a_day_m * (dates[min(choice.days)] - soonest).days,
            )
            for choice in choices
        )
        return replace(
            stop,
            key=_Visit(stop.key, None).key,
            choices=priced,
            windows_on={index[d]: w for d, w in stop.windows_on.items() if d in index},
            skip_price_m=None,
            locked=tuple(
                replace(lock, day=index[lock.day]) for lock in stop.locked if lock.day in index
            ),
        )

    def _small_problem(self, posed: _Posed) -> PlanningProblem:
        big = self._problem
        index = {day: number for number, day in enumerate(posed.days)}
        depots = range(len(big.stops), len(big.stops) + len(big.vans))
        rows = [*(self._row[visit.stop] for visit in posed.visits), *depots]
        among = np.ix_(rows, rows)
        return PlanningProblem(
            days=tuple(big.days[day] for day in posed.days),
            stops=posed.stops_by_firmness(),
            vans=tuple(self._small_van(van, index) for van in big.vans),
            distances=Distances(big.distances.metres[among], big.distances.minutes[among]),
            together=self._together(posed),
            apart=self._apart_groups(posed),
            weights=Weights(),
        )

    def _small_van(self, van: PlanningVan, index: Mapping[int, int]) -> PlanningVan:
        """It works on days of the window, unless its run there is frozen."""
        days = (d for d in van.workdays if d in index and (d, van.key) not in self._frozen)
        return replace(van, workdays=frozenset(index[day] for day in days))

    def _together(self, posed: _Posed) -> tuple[frozenset[str], ...]:
        """Visits of a group that share a day on which one was hit go on sharing one."""
        found = []
        for group in self._problem.together:
            by_day: dict[int | None, set[str]] = {}
            for visit in posed.visits:
                moves = visit in self.hit or self._must_follow(visit)
                if visit.stop in group and moves:
                    by_day.setdefault(visit.day, set()).add(visit.key)
            found += [frozenset(keys) for keys in by_day.values() if len(keys) > 1]
        return tuple(found)

    def _apart_groups(self, posed: _Posed) -> tuple[frozenset[str], ...]:
        """Visits of one stop never share a day, nor do those of stops that must not."""
        groups = [*self._problem.apart, *(frozenset({visit.stop}) for visit in posed.visits)]
        found = (
            frozenset(visit.key for visit in posed.visits if visit.stop in group)
            for group in dict.fromkeys(groups)
        )
        return tuple(keys for keys in found if len(keys) > 1)

    def _start(self, posed: _Posed, small: PlanningProblem) -> Plan:
        """The published runs without the visits that were hit."""
        index = {day: number for number, day in enumerate(posed.days)}
        runs = []
        for run in self._plan.runs:
            if (run.day, run.van) in self._frozen or (run.day, run.van) in self._closed:
                continue
            kept = tuple(
                replace(visit, stop=_Visit(visit.stop, run.day).key)
                for visit in run.visits
                if _Visit(visit.stop, run.day) not in self.hit
            )
            if run.day in index:
                runs.append(replace(run, day=index[run.day], visits=kept))
        placed = {visit.stop for run in runs for visit in run.visits}
        left_out = [stop.key for stop in small.stops if stop.key not in placed]
        return plan_of_runs(small, runs, left_out)

    def _new_days(self, posed: _Posed, found: Plan) -> dict[str, dict[int | None, tuple[int, ...]]]:
        """Of each stop: where each of its visits went (several days for a request)."""
        by_key = {visit.key: visit for visit in posed.visits}
        new: dict[str, dict[int | None, tuple[int, ...]]] = {key: {} for key in self._stops}
        for run in found.runs:
            for planned in run.visits:
                visit = by_key[planned.stop]
                went = new[visit.stop].get(visit.day, ())
                new[visit.stop][visit.day] = (*went, posed.days[run.day])
        return new

    def _counted(
        self,
        kind: RepairKind,
        posed: _Posed,
        found: Plan,
    ) -> RepairProposal | None:
        runs = self._with_company(self._runs(posed, found))
        if runs is None:
            return None
        new_days = self._new_days(posed, found)
        served_on = {(visit.stop, run.day) for run in runs for visit in run.visits}
        moves = []
        for visit in posed.visits:
            went = [
                d for d in new_days[visit.stop].get(visit.day, ()) if (visit.stop, d) in served_on
            ]
            if visit.day is None:
                moves += [Move(visit.stop, None, day) for day in sorted(went)]
            elif went != [visit.day]:
                moves.append(Move(visit.stop, visit.day, went[0] if went else None))
        moves.sort(key=lambda m: (m.from_day is None, m.from_day or 0, m.stop, m.to_day or 0))
        problem = self._promised(runs)
        served = {visit.stop for run in runs for visit in run.visits}
        left_out = [stop.key for stop in problem.stops if stop.key not in served]
        mended = plan_of_runs(problem, runs, left_out, found.seed, found.iterations, found.seconds)
        return RepairProposal(
            kind=kind,
            moves=tuple(moves),
            metres=mended.metres - self._plan.metres,
            drive_minutes=mended.drive_minutes - self._plan.drive_minutes,
            retimed=self._retimed(runs),
            problem=problem,
            plan=mended,
        )

    def _runs(self, posed: _Posed, found: Plan) -> list[PlannedRun]:
        """The published runs of days whose visits stayed the same, the new ones of the others."""
        stop_of = {visit.key: visit.stop for visit in posed.visits}
        new: dict[int, list[PlannedRun]] = {}
        for run in found.runs:
            visits = tuple(replace(visit, stop=stop_of[visit.stop]) for visit in run.visits)
            day = posed.days[run.day]
            new.setdefault(day, []).append(replace(run, day=day, visits=visits))
        old: dict[int, list[PlannedRun]] = {}
        runs = [run for run in self._plan.runs if (run.day, run.van) in self._frozen]
        for run in self._plan.runs:
            if (run.day, run.van) not in self._frozen:
                old.setdefault(run.day, []).append(run)
        for day in {*old, *new}:
            before, after = old.get(day, []), new.get(day, [])
            lost = any((day, run.van) in self._closed for run in before)
            runs += before if not lost and _served(before) == _served(after) else after
        return runs

    def _with_company(self, runs: list[PlannedRun]) -> list[PlannedRun] | None:
        """Without the visits whose company, which they may not be without, fell out or went
        elsewhere; None where a run cannot be driven without them."""
        lonely = self._lonely(runs)
        while lonely:
            kept = []
            for run in runs:
                left = [v.stop for v in run.visits if _Visit(v.stop, run.day) not in lonely]
                if len(left) == len(run.visits):
                    kept.append(run)
                elif left:
                    shorter = self._timed(run.day, run.van, [self._row[key] for key in left])
                    if shorter is None:
                        return None
                    kept.append(shorter)
            runs = kept
            lonely = self._lonely(runs)
        return runs

    def _lonely(self, runs: Iterable[PlannedRun]) -> set[_Visit]:
        days: dict[str, set[int]] = {}
        for run in runs:
            for visit in run.visits:
                days.setdefault(visit.stop, set()).add(run.day)
        return {
            _Visit(rarer, day)
            for group in self._problem.together
            for rarer in group
            for other in group
            if rarer in days and other in days and len(days[rarer]) <= len(days[other])
            for day in days[rarer] - days[other]
        }

    def _promised(self, runs: Sequence[PlannedRun]) -> PlanningProblem:
        """The problem after the mishap, with the stops' new days among their choices."""
        days: dict[str, list[int]] = {}
        for run in runs:
            for visit in run.visits:
                days.setdefault(visit.stop, []).append(run.day)
        stops = tuple(
            self._with_days(stop, tuple(sorted(days.get(stop.key, ()))))
            for stop in self._problem.stops
        )
        return replace(self._problem, stops=stops)

    def _with_days(self, stop: PlanningStop, days: tuple[int, ...]) -> PlanningStop:
        known = {tuple(sorted(choice.days)): choice.price_m for choice in stop.choices}
        price = known.get(tuple(sorted(self._days_of[stop.key])), 0.0)
        locked: tuple[LockedVisit, ...] = tuple(
            lock for lock in stop.locked if _Visit(stop.key, lock.day) not in self.hit
        )
        if days in known or not days:
            return replace(stop, locked=locked)
        return replace(stop, choices=(*stop.choices, DayChoice(days, price)), locked=locked)

    def _retimed(self, runs: Iterable[PlannedRun]) -> int:
        then = {(v.stop, run.day): v.arrival for run in self._plan.runs for v in run.visits}
        return sum(
            abs(then[visit.stop, run.day] - visit.arrival) >= 1
            for run in runs
            for visit in run.visits
            if (visit.stop, run.day) in then
        )


def _served(runs: Iterable[PlannedRun]) -> set[str]:
    return {visit.stop for run in runs for visit in run.visits}


def _closed_runs(problem: PlanningProblem, disruption: Disruption) -> frozenset[tuple[int, str]]:
    match disruption:
        case DaysLost(days, van):
            vans = [v.key for v in problem.vans] if van is None else [van]
            return frozenset((day, key) for day in days for key in vans)
        case _:
            return frozenset()


def _without_runs(problem: PlanningProblem, closed: frozenset[tuple[int, str]]) -> PlanningProblem:
    vans = tuple(
        replace(van, workdays=frozenset(d for d in van.workdays if (d, van.key) not in closed))
        for van in problem.vans
    )
    return replace(problem, vans=vans)
