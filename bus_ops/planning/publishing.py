"""A proposed timetable becomes the term's: recorded changes where people know another one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import exists, func, select
from sqlalchemy.orm import selectinload

from ..accounts.models import User
from ..database import db, lock_library, now
from ..i18n import at_minutes, format_day, today
from ..timetable.change_wording import sentences_of_shifts
from ..timetable.changes import where_it_stands
from ..timetable.generating import add_company, fill_runs
from ..timetable.models import (
    ChangeKind,
    Run,
    Stop,
    Term,
    TermStatus,
    TimetableChange,
    Visit,
    VisitStatus,
)
from ..timetable.retiming import Watch, has_facts, record_shifts, retime
from ..timetable.signals import visits_changed
from .ground import Ground
from .models import Planning
from .proposal import Proposal, ProposedRun

# No visit of a rule ever falls on these days: where dates wait while they change places.
_ASIDE = date(1, 1, 1)


class StaleProposalError(ValueError):
    """The timetable changed since it was planned; the message says where."""


@dataclass
class Published:
    """What publishing a proposal did."""

    runs: int = 0
    visits: int = 0
    moved: int = 0
    added: int = 0
    removed: int = 0
    sentences: list[str] = field(default_factory=list)


def publish(planning: Planning, proposal: Proposal, user: User) -> Published:
    """Make the proposal the term's timetable; the caller commits.

    Days that have passed since stay as they were. Raises StaleProposalError where somebody changed
    the timetable meanwhile in a way that the proposal does not know.
    """
    term = planning.term
    lock_library(term.organisation_id)
    first = max(planning.first_on, today() + timedelta(days=1))
    if term.status == TermStatus.DRAFT:
        first = planning.first_on
    return _Publishing(planning, proposal, user, first).work()


class _Publishing:
    def __init__(self, planning: Planning, proposal: Proposal, user: User, first: date) -> None:
        self._planning = planning
        self._term: Term = planning.term
        self._user = user
        self._first, self._last = first, planning.last_on
        self._runs = [run for run in proposal.runs if run.day >= first]
        self._days = Proposal(tuple(self._runs)).days_by_stop()
        self._ground = Ground(self._term)
        self._held = {
            (lock.stop_id, lock.day) for lock in self._ground.held_fast(first, self._last)
        }
        self._stops = self._planned_stops(proposal)
        self._done = Published()

    def work(self) -> Published:
        self._check_freshness()
        was_draft = self._term.status == TermStatus.DRAFT
        known = self._coming_visits()
        before = {visit: where_it_stands(visit) for visit in known}
        watch = Watch(known)
        homes = {visit.run for visit in known}
        visits = self._placed(known)
        self._write_planned_days()
        targets = self._put_on_runs(visits)
        self._drop_emptied(homes - set(targets))
        if was_draft:
            self._term.status = TermStatus.PUBLISHED
            self._term.published_at = now()
        else:
            self._record(before, visits, watch)
        self._done.runs, self._done.visits = len(targets), len(visits)
        # Stops that the plan did not know, and days beyond it, go by their rules.
        last = self._term.ends_on or self._last
        fill_runs(self._term, self._first, last, self._user.id)
        self._tell(visits)
        self._planning.published_at = now()
        return self._done

    def _check_freshness(self) -> None:
        placed = {(stop_id, day) for stop_id, days in self._days.items() for day in days}
        for stop_id, day in sorted(self._held):
            if (stop_id, day) not in placed and stop_id in self._stops:
                raise StaleProposalError(self._changed_since(stop_id, day))
        for stop_id, day in self._ground.taken_days(self._first, self._last):
            if (stop_id, day) in placed:
                raise StaleProposalError(self._changed_since(stop_id, day))
        if any(stop_id not in self._ground.stops for stop_id in self._days):
            raise StaleProposalError(
                _("A stop of the plan is not in service any more. Plan again.")
            )

    def _planned_stops(self, proposal: Proposal) -> dict[int, Stop]:
        """Stops that the planning knew; those that came later go by their rules."""
        known = {*proposal.days_by_stop(), *proposal.unplaced}
        if self._planning.present is not None:
            known |= Proposal.from_json(self._planning.present).days_by_stop().keys()
        return {key: stop for key, stop in self._ground.stops.items() if key in known}

    def _changed_since(self, stop_id: int, day: date) -> str:
        return _(
            "The visit to %(place)s on %(day)s was changed after the plan was made. Plan again.",
            place=self._ground.stops[stop_id].place.name,
            day=format_day(day),
        )

    def _coming_visits(self) -> list[Visit]:
        """Visits of the planned stops that are not cancelled, from the first day on."""
        query = (
            select(Visit)
            .join(Run)
            .where(
                Run.term_id == self._term.id,
                Visit.day.between(self._first, self._last),
                Visit.plan_status != VisitStatus.CANCELLED,
                Visit.stop_id.in_(list(self._stops)),
            )
            .options(selectinload(Visit.run).selectinload(Run.van), selectinload(Visit.place))
            .order_by(Visit.day, Visit.position)
        )
        return list(db.session.scalars(query))

    def _placed(self, known: Sequence[Visit]) -> dict[tuple[int, date], Visit]:
        """A visit for each proposed one: the same day's, another day's moved, or a new one.

        Visits that the proposal has no place for are taken out.
        """
        by_stop: dict[int, list[Visit]] = {}
        for visit in known:
            by_stop.setdefault(visit.stop_id, []).append(visit)
        placed: dict[tuple[int, date], Visit] = {}
        for stop_id in self._stops:
            days = self._days.get(stop_id, [])
            visits = by_stop.get(stop_id, [])
            same = {visit.day: visit for visit in visits if visit.day in days}
            free = [visit for visit in visits if visit not in same.values()]
            placed |= {(stop_id, day): visit for day, visit in same.items()}
            for day in days:
                if day not in same:
                    found = free.pop(0) if free else self._new_visit(stop_id, day)
                    placed[stop_id, day] = found
            for visit in free:
                self._take_out(visit)
        return placed

    def _new_visit(self, stop_id: int, day: date) -> Visit:
        stop = self._ground.stops[stop_id]
        return Visit(
            organisation_id=stop.organisation_id,
            stop_id=stop.id,
            place_id=stop.place_id,
            day=day,
            plan_status=VisitStatus.PLANNED,
            status=VisitStatus.PLANNED,
            reason="",
        )

    def _take_out(self, visit: Visit) -> None:
        lost = {**where_it_stands(visit), "place": visit.place.name, "place_id": visit.place_id}
        db.session.add(
            TimetableChange(
                organisation_id=visit.organisation_id,
                user_id=self._user.id,
                run_id=visit.run_id,
                kind=ChangeKind.REMOVED,
                before=lost,
            )
        )
        self._done.removed += 1
        db.session.delete(visit)

    def _write_planned_days(self) -> None:
        """Filling and remaking read the plan's days where they read the rule's."""
        for stop in self._stops.values():
            days = self._days.get(stop.id, [])
            earlier = [
                day for day in (stop.planned or {}).get("days", []) if day < self._first.isoformat()
            ]
            stop.planned = {
                "first": self._first_planned(stop).isoformat(),
                "last": self._last.isoformat(),
                "days": [*earlier, *(day.isoformat() for day in days)],
            }
            # The day's order is the plan's.
            stop.route_id = None
            vans = Counter(run.van_id for run in self._runs if run.visit_of(stop.id))
            if vans and stop.plan_any_van:
                stop.van_id = vans.most_common(1)[0][0]

    def _first_planned(self, stop: Stop) -> date:
        """An earlier plan's days before this one's still hold."""
        if stop.planned is None:
            return self._first
        return min(self._first, date.fromisoformat(stop.planned["first"]))

    def _put_on_runs(self, visits: dict[tuple[int, date], Visit]) -> list[Run]:
        """Every proposed run with its visits in its order, timed."""
        known = self._known_runs()
        fresh: list[Run] = []
        targets: list[tuple[Run, list[Visit]]] = []
        db.session.flush()
        # Dates change places: none may stand in another's way on the way.
        for visit in visits.values():
            if visit.id is not None:
                visit.rule_day = _ASIDE + timedelta(days=visit.id)
        db.session.flush()
        for proposed in self._runs:
            run = known.get((proposed.van_id, proposed.day))
            if run is None:
                run = self._new_run(proposed)
                fresh.append(run)
            order = [visits[one.stop_id, proposed.day] for one in proposed.visits]
            for position, (visit, one) in enumerate(zip(order, proposed.visits, strict=True)):
                visit.run = run
                visit.day = visit.rule_day = proposed.day
                visit.position = position
                if (one.stop_id, proposed.day) not in self._held:
                    visit.arrival_at = at_minutes(proposed.day, one.arrival)
                    visit.departure_at = at_minutes(proposed.day, one.departure)
                db.session.add(visit)
            targets.append((run, order))
        db.session.flush()
        add_company(
            self._term.organisation_id, [run.id for run in fresh], [run.van_id for run in fresh]
        )
        for run, order in targets:
            db.session.expire(run, ["visits"])
            run.route_id = None
            retime(run, order, keep=[v for v in order if (v.stop_id, run.day) in self._held])
        return [run for run, _order in targets]

    def _known_runs(self) -> dict[tuple[int, date], Run]:
        query = (
            select(Run)
            .where(Run.term_id == self._term.id, Run.day.between(self._first, self._last))
            .order_by(Run.id.desc())
        )
        return {(run.van_id, run.day): run for run in db.session.scalars(query)}

    def _new_run(self, proposed: ProposedRun) -> Run:
        run = Run(
            organisation_id=self._term.organisation_id,
            term_id=self._term.id,
            van_id=proposed.van_id,
            day=proposed.day,
            leaves_at=at_minutes(proposed.day, proposed.leaves),
            returns_at=at_minutes(proposed.day, proposed.returns),
        )
        db.session.add(run)
        return run

    def _drop_emptied(self, runs: Iterable[Run]) -> None:
        for run in runs:
            held = db.session.scalar(select(exists().where(Visit.run_id == run.id)))
            if held or has_facts(run):
                continue
            db.session.expire(run)
            db.session.delete(run)
        db.session.flush()

    def _record(
        self,
        before: dict[Visit, dict[str, Any]],
        visits: dict[tuple[int, date], Visit],
        watch: Watch,
    ) -> None:
        """Old and new of each visit on another day, of each new one, and of each new time."""
        moved: list[Visit] = []
        for visit in visits.values():
            old, new = before.get(visit, {}), where_it_stands(visit)
            if old.get("day") == new["day"]:
                continue
            moved.append(visit)
            if old:
                self._done.moved += 1
            else:
                self._done.added += 1
            db.session.add(
                TimetableChange(
                    organisation_id=visit.organisation_id,
                    user_id=self._user.id,
                    visit_id=visit.id,
                    run_id=visit.run_id,
                    kind=ChangeKind.PLANNED,
                    before=old,
                    after=new,
                )
            )
        gone = set(before) - set(visits.values())
        shifts = watch.shifts(but={*moved, *gone})
        record_shifts(shifts, self._user.id)
        self._done.sentences += sentences_of_shifts(shifts)

    def _tell(self, visits: dict[tuple[int, date], Visit]) -> None:
        """Due dates follow, looked at stop by stop: one visit names its stop."""
        db.session.flush()
        one_each = (
            select(func.max(Visit.id))
            .where(Visit.stop_id.in_(list(self._stops)))
            .group_by(Visit.stop_id)
        )
        named = list(db.session.scalars(select(Visit).where(Visit.id.in_(one_each))))
        answers = visits_changed.send(None, visits=named)
        self._done.sentences += [answer for _receiver, answer in answers if answer]
