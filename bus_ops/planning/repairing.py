"""Mending a published timetable: a day is lost, a place cannot be visited, a visit is asked for.

Every other visit keeps its published time. Each way offered says what it moves and what that
costs; accepting one makes the changes as a person would, each of them recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from ..accounts.models import User
from ..database import db, now
from ..fleet.models import Van
from ..i18n import today
from ..timetable import changes
from ..timetable.changes import ChangeError
from ..timetable.models import Run, Stop, Term, Visit, VisitStatus
from .ground import Ground, Lock, works
from .judging import broken_on
from .models import Repair
from .present import present_timetable
from .proposal import Proposal, ProposedRun

# Where another day is looked for.
REACH = timedelta(weeks=3)
MOST_OFFERS = 3
# What one would rather drive than have a visit a day further from where it was.
LATER_M_PER_DAY = 400.0


class Act(StrEnum):
    """What a step does to a visit."""

    MOVE = "move"
    CANCEL = "cancel"
    ADD = "add"


@dataclass(frozen=True)
class Step:
    """One change: the stop's visit from a day (none: a new one) to a day (none: cancelled)."""

    act: Act
    stop_id: int
    from_day: date | None = None
    to_day: date | None = None
    van_id: int | None = None
    arrival: int | None = None


@dataclass(frozen=True)
class Offer:
    """A way to mend it: its steps, and what it drives more (or less, below 0) than before."""

    steps: tuple[Step, ...]
    distance_m: int
    drive_minutes: int
    # Days apart from where the visits were, in all.
    days_off: int

    @property
    def moved(self) -> int:
        """Visits on another day."""
        return sum(step.act == Act.MOVE for step in self.steps)

    @property
    def cancelled(self) -> int:
        """Visits that do not take place."""
        return sum(step.act == Act.CANCEL for step in self.steps)

    def as_json(self) -> dict[str, Any]:
        """For the database."""
        steps = [
            {
                "act": step.act.value,
                "stop_id": step.stop_id,
                "from_day": step.from_day.isoformat() if step.from_day else None,
                "to_day": step.to_day.isoformat() if step.to_day else None,
                "van_id": step.van_id,
                "arrival": step.arrival,
            }
            for step in self.steps
        ]
        return {
            "steps": steps,
            "distance_m": self.distance_m,
            "drive_minutes": self.drive_minutes,
            "days_off": self.days_off,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Offer:
        """As ``as_json`` wrote it."""

        def day(text: str | None) -> date | None:
            return date.fromisoformat(text) if text else None

        steps = tuple(
            Step(
                Act(step["act"]),
                step["stop_id"],
                day(step["from_day"]),
                day(step["to_day"]),
                step["van_id"],
                step["arrival"],
            )
            for step in stored["steps"]
        )
        return cls(steps, stored["distance_m"], stored["drive_minutes"], stored["days_off"])


def offers_for_lost_day(run: Run) -> list[Offer]:
    """What can become of a run's open visits when its van cannot drive that day."""
    lost = [visit.stop_id for visit in run.visits if is_open(visit)]
    return _Repairing(run.term, run.day).of_lost_day(run.van_id, lost)


def offers_for_refused_visit(visit: Visit) -> list[Offer]:
    """What can become of a visit that its place cannot take that day."""
    return _Repairing(visit.run.term, visit.day).of_refused(visit.run.van_id, visit.stop_id)


def offers_for_request(stop: Stop, around: date) -> list[Offer]:
    """Days for one more visit to a stop, near a day."""
    return _Repairing(stop.term, around).of_request(stop.id)


def is_open(visit: Visit) -> bool:
    """Whether a visit can still be moved or cancelled."""
    return visit.plan_status != VisitStatus.CANCELLED and visit.record is None


def accept(repair: Repair, number: int, user: User) -> list[str]:
    """Make the changes of an offer; the caller commits. Answers what moved along.

    Raises ChangeError where the timetable changed since in a way that forbids one of them.
    """
    offer = Offer.from_json(repair.offers[number])
    sentences: list[str] = []
    for step in offer.steps:
        sentences += _done(step, repair, user)
    repair.accepted, repair.accepted_at = number, now()
    return list(dict.fromkeys(sentences))


def _done(step: Step, repair: Repair, user: User) -> list[str]:
    if step.act == Act.ADD:
        stop = db.session.get_one(Stop, step.stop_id)
        assert step.to_day is not None
        _visit, told = changes.add_visit(stop, step.to_day, repair.reason, user)
        return told
    visit = _visit_of(step, repair)
    if visit is None:
        raise ChangeError(_("A visit was changed meanwhile. Ask for new ways to mend it."))
    if step.act == Act.CANCEL:
        return changes.cancel_visit(visit, repair.reason, user)
    assert step.to_day is not None
    van = db.session.get_one(Van, step.van_id)
    return changes.move_visit(visit, step.to_day, van, repair.reason, user)


def _visit_of(step: Step, repair: Repair) -> Visit | None:
    query = (
        select(Visit)
        .join(Run)
        .where(
            Run.term_id == repair.term_id,
            Visit.stop_id == step.stop_id,
            Visit.day == step.from_day,
            Visit.plan_status != VisitStatus.CANCELLED,
        )
    )
    return db.session.scalar(query.limit(1))


@dataclass(frozen=True)
class _Place:
    """Where a visit could go: the run it would be on, and what that costs."""

    run: ProposedRun
    before: ProposedRun | None
    cost_m: float

    def step(self, act: Act, stop_id: int, from_day: date | None) -> Step:
        visit = self.run.visit_of(stop_id)
        arrival = visit.arrival if visit else None
        return Step(act, stop_id, from_day, self.run.day, self.run.van_id, arrival)


class _Repairing:
    """The timetable of the days around one, and where its visits could go."""

    def __init__(self, term: Term, day: date) -> None:
        self._ground = Ground(term)
        self._day = day
        self._first = max(day - REACH, today() + timedelta(days=1), term.starts_on)
        last = day + REACH
        self._last = min(last, term.ends_on) if term.ends_on else last
        start = min(self._first, day)
        self._timetable = present_timetable(term, start, self._last)
        self._taken = self._ground.taken_days(start, self._last)
        self._busy: dict[int, set[date]] = {}

    def of_lost_day(self, van_id: int, lost: Sequence[int]) -> list[Offer]:
        known = [stop_id for stop_id in lost if stop_id in self._ground.stops]
        without = self._without(self._day, van_id, known)
        return _best_three(
            [
                self._each_apart(known, without, lambda _run: True),
                self._whole_day(known, van_id, without),
                self._each_apart(known, without, lambda run: run.day > self._day),
                self._cancelled(known, without),
            ]
        )

    def of_refused(self, van_id: int, stop_id: int) -> list[Offer]:
        if stop_id not in self._ground.stops:
            return []
        without = self._without(self._day, van_id, [stop_id])
        places = self._places(stop_id, without, self._day)
        moved = [
            self._offer([place.step(Act.MOVE, stop_id, self._day)], without.with_runs([place.run]))
            for place in _in_different_weeks(places)[: MOST_OFFERS - 1]
        ]
        return [*moved, self._cancelled([stop_id], without)]

    def of_request(self, stop_id: int) -> list[Offer]:
        places = self._places(stop_id, self._timetable, None)
        return [
            self._offer(
                [place.step(Act.ADD, stop_id, None)], self._timetable.with_runs([place.run])
            )
            for place in _in_different_weeks(places)[:MOST_OFFERS]
        ]

    def _each_apart(
        self, lost: Sequence[int], without: Proposal, suits: Callable[[ProposedRun], bool]
    ) -> Offer | None:
        """Each visit where it costs least; those with the fewest ways out choose first."""
        timetable, steps = without, []
        ways = {stop_id: self._places(stop_id, without, self._day) for stop_id in lost}
        for stop_id in sorted(lost, key=lambda one: len(ways[one])):
            places = [p for p in self._places(stop_id, timetable, self._day) if suits(p.run)]
            if not places:
                steps.append(Step(Act.CANCEL, stop_id, self._day))
                continue
            steps.append(places[0].step(Act.MOVE, stop_id, self._day))
            timetable = timetable.with_runs([places[0].run])
        return self._offer(steps, timetable)

    def _whole_day(self, lost: Sequence[int], van_id: int, without: Proposal) -> Offer | None:
        """All of them, in their order, on the nearest day on which the van is free."""
        days = sorted(self._days(), key=lambda day: (abs((day - self._day).days), day))
        for day in days:
            if day == self._day or without.run_on(day, van_id) is not None:
                continue
            if not self._may_drive(van_id, day):
                continue
            if not all(self._may_go(stop_id, day, without, self._day) for stop_id in lost):
                continue
            run = self._ground.timed(day, van_id, lost)
            changed = without.with_runs([run])
            if not self._breaks_more(run, None, without):
                steps = [
                    Step(Act.MOVE, v.stop_id, self._day, day, van_id, v.arrival) for v in run.visits
                ]
                return self._offer(steps, changed)
        return None

    def _cancelled(self, lost: Sequence[int], without: Proposal) -> Offer:
        return self._offer([Step(Act.CANCEL, stop_id, self._day) for stop_id in lost], without)

    def _offer(self, steps: Sequence[Step], changed: Proposal) -> Offer:
        days = [abs((s.to_day - s.from_day).days) for s in steps if s.to_day and s.from_day]
        return Offer(
            tuple(steps),
            changed.distance_m - self._timetable.distance_m,
            changed.drive_minutes - self._timetable.drive_minutes,
            sum(days),
        )

    def _without(self, day: date, van_id: int, lost: Sequence[int]) -> Proposal:
        """The timetable without these visits; the others of their run keep their times."""
        run = self._timetable.run_on(day, van_id)
        if run is None:
            return self._timetable
        left = [visit.stop_id for visit in run.visits if visit.stop_id not in lost]
        shortened = self._ground.timed(day, van_id, left, _held(run))
        return self._timetable.with_runs([shortened])

    def _places(self, stop_id: int, timetable: Proposal, from_day: date | None) -> list[_Place]:
        """Where the stop could be visited without breaking any promise, the cheapest first."""
        stop = self._ground.stops[stop_id]
        vans = self._ground.vans if stop.plan_any_van else {stop.van_id: stop.van}
        found = [
            place
            for day in self._days()
            if day != from_day and self._may_go(stop_id, day, timetable, from_day)
            for van_id in vans
            if self._may_drive(van_id, day)
            and (place := self._place(stop_id, day, van_id, timetable)) is not None
        ]
        return sorted(found, key=lambda place: (place.cost_m, place.run.day))

    def _place(self, stop_id: int, day: date, van_id: int, timetable: Proposal) -> _Place | None:
        before = timetable.run_on(day, van_id)
        others = [visit.stop_id for visit in before.visits] if before else []
        if any(one not in self._ground.stops for one in others):
            return None
        held = _held(before) if before else []
        runs = [
            self._ground.timed(day, van_id, [*others[:at], stop_id, *others[at:]], held)
            for at in range(len(others) + 1)
        ]
        for run in sorted(runs, key=lambda run: run.distance_m):
            if not self._breaks_more(run, before, timetable):
                more = run.distance_m - (before.distance_m if before else 0)
                apart = abs((day - self._day).days)
                return _Place(run, before, more + LATER_M_PER_DAY * apart)
        return None

    def _breaks_more(
        self, run: ProposedRun, before: ProposedRun | None, timetable: Proposal
    ) -> bool:
        """Whether the run breaks a promise that it does not break already."""
        known = {
            (one.stop_id, one.sentence)
            for one in (broken_on(before, timetable, self._ground) if before else [])
        }
        after = broken_on(run, timetable.with_runs([run]), self._ground)
        return any((one.stop_id, one.sentence) not in known for one in after)

    def _may_go(self, stop_id: int, day: date, timetable: Proposal, from_day: date | None) -> bool:
        stop = self._ground.stops[stop_id]
        if (stop_id, day) in self._taken or not self._ground.may_be_served(stop, day):
            return False
        week = day.isocalendar()[:2]
        return all(
            run.day.isocalendar()[:2] != week
            for run in timetable.runs
            for visit in run.visits
            if visit.stop_id in self._ground.stops
            and self._ground.stops[visit.stop_id].place_id == stop.place_id
            and (visit.stop_id, run.day) != (stop_id, from_day)
        )

    def _may_drive(self, van_id: int, day: date) -> bool:
        van = self._ground.vans.get(van_id)
        if van is None:
            return False
        if van_id not in self._busy:
            self._busy[van_id] = self._ground.busy_elsewhere(van, self._first, self._last)
        if day in self._busy[van_id]:
            return False
        return works(van, day) or self._timetable.run_on(day, van_id) is not None

    def _days(self) -> list[date]:
        length = (self._last - self._first).days + 1
        return [self._first + timedelta(days=number) for number in range(length)]


def _held(run: ProposedRun) -> list[Lock]:
    """Published times stay."""
    return [
        Lock(visit.stop_id, run.day, run.van_id, visit.arrival, visit.departure)
        for visit in run.visits
    ]


def _in_different_weeks(places: Iterable[_Place]) -> list[_Place]:
    """The cheapest of each week, and then the others."""
    first: dict[tuple[int, int], _Place] = {}
    rest: list[_Place] = []
    for place in places:
        week = place.run.day.isocalendar()[:2]
        if week in first:
            rest.append(place)
        else:
            first[week] = place
    return [*first.values(), *rest]


def _best_three(offers: Iterable[Offer | None]) -> list[Offer]:
    """Each different one once; giving a visit up comes last."""
    different: dict[tuple[Step, ...], Offer] = {}
    for offer in offers:
        if offer is not None:
            different.setdefault(offer.steps, offer)
    ranked = sorted(
        different.values(),
        key=lambda one: (one.cancelled, one.distance_m + LATER_M_PER_DAY * one.days_off),
    )
    if len(ranked) > MOST_OFFERS:
        ranked = [*ranked[: MOST_OFFERS - 1], ranked[-1]]
    return ranked
