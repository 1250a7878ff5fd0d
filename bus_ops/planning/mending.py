"""From a mishap to the engine's repairs of the published timetable, and back to offers.

Runs that planning does not understand (two of one van on a day, a stop out of service) stay as they
are, and nothing is moved to their days.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

from schedules.planning.plan import Plan, PlannedRun
from schedules.planning.problem import DayChoice, PlanningStop, PlanningVan
from schedules.planning.repair import (
    DaysLost,
    Disruption,
    RepairPrices,
    RepairProposal,
    RequestArrives,
    VisitCancelled,
    repairs,
)

from ..fleet.models import Van
from ..i18n import today
from ..timetable.models import Stop
from .ground import Ground, Lock
from .judging import broken_on
from .models import Mishap, Repair
from .offers import DAY_OFF_M, MOVED_VISIT_M, Act, MendedRun, Offer, OfferKind, Step
from .posing import Posing, plan_of
from .present import present_timetable
from .proposal import Proposal, ProposedRun

# Visits so far around a mishap tell how far apart a stop's visits usually are.
SPAN = timedelta(weeks=9)
# A visit that is asked for may be so far from the day it is asked for.
REQUEST_REACH = timedelta(weeks=3)
# What a stop's further visit is called, which it has no other visit's name for.
_FURTHER = "+"


def offers_for(repair: Repair, seconds: float) -> list[Offer]:
    """Up to three ways to mend it, the one that moves least first, giving visits up last.

    ``seconds`` are for all of them together. Empty for a request that no day suits.
    """
    return _Mending(repair).offers(seconds)


class _Mending:
    """The timetable of the weeks around a mishap, and how the engine would mend it."""

    def __init__(self, repair: Repair) -> None:
        assert repair.day is not None
        term = repair.term
        self._repair = repair
        self._ground = Ground(term)
        first = max(term.starts_on, repair.day - SPAN)
        last = (repair.last_day or repair.day) + SPAN
        last = min(last, term.ends_on) if term.ends_on else last
        self._published = present_timetable(term, first, last)
        self._posing = _PosingPublished(self._ground, first, last, self._published, repair)
        self._posed = self._posing.work(0.0)

    def offers(self, seconds: float) -> list[Offer]:
        found = self._engine_offers(seconds)
        if self._repair.mishap == Mishap.REQUEST:
            return found
        if any(offer.kind == OfferKind.LEFT_OUT for offer in found):
            return found
        given_up = self._given_up()
        return [*found, given_up] if given_up.steps else found

    def _engine_offers(self, seconds: float) -> list[Offer]:
        disruption = self._disruption()
        if disruption is None:
            return []
        plan = plan_of(self._posing.understood, self._posed)
        days = self._posed.problem.days
        earliest = next((n for n, day in enumerate(days) if day > today()), len(days))
        hit_today = [n for n, day in enumerate(days) if self._posing.is_hit_day(day)]
        found = repairs(
            self._posed.problem,
            plan,
            disruption,
            seconds,
            earliest=min([earliest, *hit_today]),
            prices=RepairPrices(moved_visit_m=MOVED_VISIT_M, day_off_m=DAY_OFF_M),
            other_days=self._other_days,
        )
        offers = (self._offer(proposal, plan) for proposal in found)
        return [offer for offer in offers if offer is not None]

    def _disruption(self) -> Disruption | None:
        """In the engine's words; None where it does not know what was hit."""
        repair, days = self._repair, self._posed.problem.days
        if repair.mishap == Mishap.DAY_LOST:
            lost = frozenset(n for n, day in enumerate(days) if self._posing.is_hit_day(day))
            return DaysLost(lost, None if repair.van_id is None else str(repair.van_id))
        keys = {stop.key for stop in self._posed.problem.stops}
        if repair.mishap == Mishap.REQUEST:
            key = f"{repair.stop_id}{_FURTHER}"
            return RequestArrives(key) if key in keys else None
        understood = self._posing.understood.run_of(repair.stop_id or 0, repair.day or date.min)
        if understood is None:
            return None
        return VisitCancelled(str(repair.stop_id), days.index(understood.day))

    def _other_days(self, key: str, day: int) -> list[int]:
        days = self._posed.problem.days
        stop = self._ground.stops[_stop_id(key)]
        others = self._posing.other_days(stop, days[day])
        return [number for number, one in enumerate(days) if one in others]

    def _offer(self, proposal: RepairProposal, plan: Plan) -> Offer | None:
        """The proposal timed as published runs are; None where that breaks a promise."""
        runs = self._timed_runs(proposal, plan)
        mended = self._published.with_runs(runs)
        befores = [self._published.run_on(run.day, run.van_id) for run in runs]
        pairs = list(zip(runs, befores, strict=True))
        if any(self._breaks_more(run, before, mended) for run, before in pairs):
            return None
        days = self._posed.problem.days
        went = {
            (_stop_id(move.stop), days[move.to_day]): (
                None if move.from_day is None else days[move.from_day]
            )
            for move in proposal.moves
            if move.to_day is not None
        }
        cancelled = [
            Step(Act.CANCEL, _stop_id(move.stop), days[move.from_day])
            for move in proposal.moves
            if move.to_day is None and move.from_day is not None
        ]
        steps = [*self._placed_steps(runs, went), *cancelled]
        steps.sort(key=lambda step: (step.from_day or date.max, step.act, step.stop_id))
        gives_up = all(step.act == Act.CANCEL for step in steps)
        kind = OfferKind.LEFT_OUT if gives_up else OfferKind(proposal.kind.value)
        return _offer_of(kind, steps, pairs)

    def _timed_runs(self, proposal: RepairProposal, plan: Plan) -> list[ProposedRun]:
        """Runs that are not what they were; those that fell away are empty."""
        days = self._posed.problem.days
        before = {(run.day, run.van): run for run in plan.runs}
        after = {(run.day, run.van): run for run in proposal.plan.runs if run.visits}
        changed = [k for k in sorted(before.keys() | after.keys()) if before.get(k) != after.get(k)]
        return [self._timed(days[key[0]], int(key[1]), after.get(key)) for key in changed]

    def _timed(self, day: date, van_id: int, planned: PlannedRun | None) -> ProposedRun:
        """The run; visits that the engine left at their published minute are held there."""
        arrivals = {_stop_id(v.stop): v.arrival for v in planned.visits} if planned else {}
        published = self._published.run_on(day, van_id)
        happened = self._posing.happened_on(published) if published else []
        order = [*happened, *arrivals]
        kept = [
            lock
            for lock in _held(published)
            if lock.stop_id in happened
            or abs(arrivals.get(lock.stop_id, math.inf) - (lock.arrival or 0)) < 1
        ]
        run = self._ground.timed(day, van_id, order, [*self._posed.locks, *kept])
        if any(visit.late_minutes for visit in run.visits):
            return self._ground.timed(day, van_id, order, self._posed.locks)
        return run

    def _placed_steps(
        self, runs: Sequence[ProposedRun], went: Mapping[tuple[int, date], date | None]
    ) -> list[Step]:
        steps = []
        for run in runs:
            for visit in run.visits:
                to = (visit.stop_id, run.day)
                came_from = went.get(to, run.day)
                old = self._published.run_of(visit.stop_id, came_from) if came_from else None
                was = old.visit_of(visit.stop_id) if old else None
                act = _act(old, run, was.arrival if was else None, visit.arrival)
                if act is not None:
                    steps.append(
                        Step(
                            act,
                            visit.stop_id,
                            came_from,
                            run.day,
                            run.van_id,
                            visit.arrival,
                            was.arrival if was else None,
                        )
                    )
        return steps

    def _given_up(self) -> Offer:
        """Every visit that was hit is cancelled, and the others stay to the minute."""
        pairs, steps = [], []
        for run in self._published.runs:
            lost = [v.stop_id for v in run.visits if self._posing.is_hit(run, v.stop_id)]
            if not lost:
                continue
            steps += [Step(Act.CANCEL, stop_id, run.day) for stop_id in lost]
            left = [v.stop_id for v in run.visits if v.stop_id not in lost]
            # What is out of service cannot be timed; its visits are given up all the same.
            if run.van_id in self._ground.vans and self._ground.stops.keys() >= set(left):
                timed = self._ground.timed(run.day, run.van_id, left, _held(run))
                pairs.append((timed, run))
        return _offer_of(OfferKind.LEFT_OUT, steps, pairs)

    def _breaks_more(self, run: ProposedRun, before: ProposedRun | None, mended: Proposal) -> bool:
        """Whether the run breaks a promise that it does not break already."""
        known = {
            (one.stop_id, one.sentence)
            for one in (broken_on(before, self._published, self._ground) if before else [])
        }
        after = broken_on(run, mended, self._ground)
        return any((one.stop_id, one.sentence) not in known for one in after)


class _PosingPublished(Posing):
    """The published timetable as a problem: each stop on its days, and where it could go."""

    def __init__(
        self, ground: Ground, first: date, last: date, present: Proposal, repair: Repair
    ) -> None:
        super().__init__(ground, first, last, present, ())
        self._repair = repair
        self._logged = ground.logged_visits(first, last)
        self._shut = _not_understood(present, ground)
        self._shut_days = {day for day, _van_id in self._shut}
        kept = (run for run in present.runs if self._is_lost(run) or _key(run) not in self._shut)
        # What engine and mishap are about; a lost day's logged visits happened already.
        self.understood = Proposal(tuple(self._without_logged(run) for run in kept))
        self._present = self.understood.days_by_stop()
        self._at_place: dict[int, list[tuple[int, date]]] = defaultdict(list)
        for stop_id, days in present.days_by_stop().items():
            stop = ground.stops.get(stop_id)
            if stop is not None:
                self._at_place[stop.place_id] += [(stop_id, day) for day in days]
        self._suits: dict[int, list[date]] = {}

    def is_hit(self, run: ProposedRun, stop_id: int) -> bool:
        """Whether a visit cannot take place as published and can still be given up."""
        if (stop_id, run.day) in self._logged:
            return False
        if self._repair.mishap == Mishap.VISIT_REFUSED:
            return (stop_id, run.day) == (self._repair.stop_id, self._repair.day)
        return self._is_lost(run)

    def is_hit_day(self, day: date) -> bool:
        """Whether the mishap is about that day."""
        if self._repair.mishap == Mishap.REQUEST or self._repair.day is None:
            return False
        return self._repair.day <= day <= (self._repair.last_day or self._repair.day)

    def happened_on(self, run: ProposedRun) -> list[int]:
        """Stops of a lost run that were visited before it was lost."""
        if not self._is_lost(run):
            return []
        return [v.stop_id for v in run.visits if (v.stop_id, run.day) in self._logged]

    def other_days(self, stop: Stop, but: date | None) -> set[date]:
        """Days to come that suit the stop, in weeks without another visit to its place.

        ``but`` is the day of the visit that is to move.
        """
        visits = self._at_place[stop.place_id]
        weeks = {_week(day) for stop_id, day in visits if (stop_id, day) != (stop.id, but)}
        return {day for day in self._suits.get(stop.id, []) if _week(day) not in weeks}

    def _is_lost(self, run: ProposedRun) -> bool:
        if self._repair.mishap != Mishap.DAY_LOST or not self.is_hit_day(run.day):
            return False
        return self._repair.van_id in (None, run.van_id)

    def _without_logged(self, run: ProposedRun) -> ProposedRun:
        if not self._is_lost(run):
            return run
        open_ones = (v for v in run.visits if (v.stop_id, run.day) not in self._logged)
        return replace(run, visits=tuple(open_ones))

    def _driven_days(self, van: Van) -> set[date]:
        """Whatever was hit is on a day that the engine knows."""
        hit = {
            run.day
            for run in self.understood.runs
            if run.van_id == van.id and any(self.is_hit(run, v.stop_id) for v in run.visits)
        }
        return super()._driven_days(van) | hit

    def _van(self, van: Van, days: Sequence[date]) -> PlanningVan:
        posed = super()._van(van, days)
        shut = {number for number, day in enumerate(days) if (day, van.id) in self._shut}
        return replace(posed, workdays=posed.workdays - shut)

    def _stops(self, index: Mapping[date, int]) -> list[tuple[Stop, PlanningStop]]:
        stops = super()._stops(index)
        if self._repair.mishap != Mishap.REQUEST:
            return stops
        return [*stops, *(self._further(*one, index) for one in stops if self._is_asked(one[0]))]

    def _is_asked(self, stop: Stop) -> bool:
        return stop.id == self._repair.stop_id

    def _further(
        self, stop: Stop, posed: PlanningStop, index: Mapping[date, int]
    ) -> tuple[Stop, PlanningStop]:
        """One more visit, as a stop of its own: the nearer the day asked for the better."""
        asked = self._repair.day or today()
        choices = tuple(
            DayChoice((index[day],), float(DAY_OFF_M * abs((day - asked).days)))
            for day in sorted(self.other_days(stop, None))
            if abs(day - asked) <= REQUEST_REACH
        )
        return stop, replace(posed, key=f"{stop.id}{_FURTHER}", choices=choices, locked=())

    def _choices(
        self, stop: Stop, index: Mapping[date, int], allowed: Sequence[date], locked: set[date]
    ) -> tuple[DayChoice, ...]:
        # A locked day suits nothing but what is locked on it.
        self._suits[stop.id] = [
            day
            for day in allowed
            if day > today()
            and day not in self._shut_days
            and (day not in locked or self._may_come(stop, day))
        ]
        known = [index[day] for day in self._present.get(stop.id, []) if day in index]
        return (DayChoice(tuple(known)),) if known else ()


def _key(run: ProposedRun) -> tuple[date, int]:
    return run.day, run.van_id


def _not_understood(present: Proposal, ground: Ground) -> set[tuple[date, int]]:
    """Days of vans with several runs, or with a stop that planning does not know."""
    many = Counter(_key(run) for run in present.runs)
    unknown = {
        _key(run)
        for run in present.runs
        if run.van_id not in ground.vans
        or any(visit.stop_id not in ground.stops for visit in run.visits)
    }
    return unknown | {key for key, count in many.items() if count > 1}


def _week(day: date) -> tuple[int, int]:
    return day.isocalendar()[:2]


def _stop_id(key: str) -> int:
    return int(key.removesuffix(_FURTHER))


def _held(run: ProposedRun | None) -> list[Lock]:
    """Published times stay."""
    if run is None:
        return []
    return [
        Lock(visit.stop_id, run.day, run.van_id, visit.arrival, visit.departure)
        for visit in run.visits
    ]


def _act(old: ProposedRun | None, run: ProposedRun, was: int | None, arrival: int) -> Act | None:
    """What becomes of a visit that was on the old run (none: a new one)."""
    if old is None:
        return Act.ADD
    if _key(old) != _key(run):
        return Act.MOVE
    return Act.RETIME if was != arrival else None


def _offer_of(
    kind: OfferKind,
    steps: Sequence[Step],
    runs: Sequence[tuple[ProposedRun, ProposedRun | None]],
) -> Offer:
    """An offer of runs as they become and as they were."""
    return Offer(
        kind,
        tuple(steps),
        tuple(_mended(after, before) for after, before in runs),
        sum(after.distance_m - (before.distance_m if before else 0) for after, before in runs),
        sum(
            after.drive_minutes - (before.drive_minutes if before else 0) for after, before in runs
        ),
    )


def _mended(after: ProposedRun, before: ProposedRun | None) -> MendedRun:
    was = tuple((v.stop_id, v.arrival) for v in before.visits) if before else ()
    return MendedRun(
        after.day,
        after.van_id,
        tuple(visit.stop_id for visit in after.visits),
        tuple(v.stop_id for v in after.visits if (v.stop_id, v.arrival) in was),
        was,
    )
