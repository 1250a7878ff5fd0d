"""Dated runs and visits from a term's stops; what people changed by hand stays as it is."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import exists, insert, select
from sqlalchemy.orm import joinedload, selectinload

from schedules.calendar import ServiceCalendar as EngineCalendar
from schedules.expansion import DatedRun, RecurringStop, SkippedDate, expand
from schedules.recurrence import PlannedDates, Recurrence
from schedules.timing import DayStop, TimedDay, order_day
from schedules.travel import TravelSource

from ..database import db, lock_library
from ..fleet.models import Van, VanEquipment
from ..i18n import at_minutes
from .calendars import engine_calendars
from .models import Run, RunCrew, RunEquipment, Stop, Term, TermStatus, Visit, VisitStatus
from .retiming import (
    Shift,
    Watch,
    day_stop,
    depot_position,
    record_shifts,
    run_values,
    take_in,
    time_stops,
    travel_of,
)


@dataclass(frozen=True)
class FillReport:
    """What filling a term made, and the dates that calendars took out."""

    runs: int = 0
    visits: int = 0
    skipped: tuple[SkippedDate, ...] = field(default=())
    # Visits that had to make room in runs that existed already.
    shifts: tuple[Shift, ...] = field(default=())


def fill_runs(term: Term, first: date, last: date, user_id: int | None = None) -> FillReport:
    """Make the runs and visits of the days that do not exist yet, both ends included.

    A visit is known by its stop and the date its rule gave, so moved and cancelled ones are found
    again and left alone: filling twice changes nothing. Times that change because a visit joins a
    run are recorded as changes made by the user (by nobody at night).
    """
    first = max(first, term.starts_on)
    last = min(last, term.ends_on) if term.ends_on else last
    if last < first:
        return FillReport()
    filler = _Filler(term, travel_of(term.organisation_id))
    report = filler.fill(first, last)
    record_shifts(report.shifts, user_id)
    term.filled_until = max(term.filled_until or last, last)
    return report


def fill_horizon(organisation_id: int, today: date, horizon_days: int) -> FillReport:
    """Fill every published term of a library from today to the horizon."""
    lock_library(organisation_id)
    query = select(Term).where(
        Term.organisation_id == organisation_id, Term.status == TermStatus.PUBLISHED
    )
    reports = [
        fill_runs(term, today, today + timedelta(days=horizon_days))
        for term in db.session.scalars(query)
    ]
    return FillReport(sum(r.runs for r in reports), sum(r.visits for r in reports))


def recurrence_of(stop: Stop) -> Recurrence:
    """A stop's rule as the engine reads it; a term's end ends its stops too."""
    ends = [day for day in (stop.ends_on, stop.term.ends_on) if day]
    return Recurrence(
        stop.rule,
        stop.starts_on,
        min(ends) if ends else None,
        frozenset(date.fromisoformat(day) for day in stop.exceptions),
        planned_dates(stop),
    )


def planned_dates(stop: Stop) -> PlannedDates | None:
    """What a plan chose for a stop, if one did."""
    if stop.planned is None:
        return None
    return PlannedDates(
        date.fromisoformat(stop.planned["first"]),
        date.fromisoformat(stop.planned["last"]),
        frozenset(date.fromisoformat(day) for day in stop.planned["days"]),
    )


def skipped_dates(stop: Stop, first: date, last: date) -> list[SkippedDate]:
    """Dates of the stop's rule that its calendar takes out, but for those visited all the same."""
    if not stop.enabled:
        return []
    repeated = recurring_stop(stop, engine_calendars(stop.organisation_id))
    visited = set(db.session.scalars(select(Visit.rule_day).where(Visit.stop_id == stop.id)))
    first = max(first, stop.term.starts_on)
    return [s for s in expand([repeated], first, last).skipped if s.day not in visited]


def recurring_stop(stop: Stop, calendars: Mapping[int, EngineCalendar]) -> RecurringStop:
    """A stop as the engine repeats it."""
    return RecurringStop(
        key=stop.id,
        van_key=stop.van_id,
        route_key=stop.route_id,
        route_position=stop.route_position,
        recurrence=recurrence_of(stop),
        calendar=calendars.get(stop.calendar_id) if stop.calendar_id else None,
    )


class _Filler:
    """Fills one term: loads once, times each distinct day once, inserts in bulk."""

    def __init__(self, term: Term, travel: TravelSource) -> None:
        self._term = term
        self._travel = travel
        self._stops = self._enabled_stops()
        self._calendars = engine_calendars(term.organisation_id)
        self._timed: dict[tuple[Hashable, ...], TimedDay] = {}

    def fill(self, first: date, last: date) -> FillReport:
        expansion = expand(self._recurring(), first, last)
        existing = self._existing_visits(first, last)
        known_runs = self._known_runs(first, last)
        new_runs: list[tuple[DatedRun, tuple[int, ...]]] = []
        grown: list[tuple[Run, tuple[int, ...]]] = []
        for dated in expansion.runs:
            fresh = tuple(
                int(str(key)) for key in dated.stop_keys if (key, dated.day) not in existing
            )
            if not fresh:
                continue
            run = known_runs.get((dated.van_key, dated.route_key, dated.day))
            if run is None:
                new_runs.append((dated, fresh))
            else:
                grown.append((run, fresh))
        watch = Watch(visit for run, _ in grown for visit in run.visits)
        visits = self._insert(new_runs) + sum(self._grow(run, fresh) for run, fresh in grown)
        skipped = tuple(s for s in expansion.skipped if (s.stop_key, s.day) not in existing)
        return FillReport(len(new_runs), visits, skipped, tuple(watch.shifts()))

    def _enabled_stops(self) -> dict[int, Stop]:
        query = (
            select(Stop)
            .where(Stop.term_id == self._term.id, Stop.enabled.is_(True))
            .options(
                joinedload(Stop.place),
                joinedload(Stop.van).joinedload(Van.depot),
                joinedload(Stop.term),
            )
        )
        return {stop.id: stop for stop in db.session.scalars(query)}

    def _recurring(self) -> list[RecurringStop]:
        return [recurring_stop(stop, self._calendars) for stop in self._stops.values()]

    def _existing_visits(self, first: date, last: date) -> set[tuple[Hashable, date]]:
        query = (
            select(Visit.stop_id, Visit.rule_day)
            .join(Stop, Visit.stop_id == Stop.id)
            .where(Stop.term_id == self._term.id, Visit.rule_day.between(first, last))
        )
        return {(stop_id, day) for stop_id, day in db.session.execute(query)}

    def _known_runs(self, first: date, last: date) -> dict[tuple[Any, Any, date], Run]:
        query = select(Run).where(Run.term_id == self._term.id, Run.day.between(first, last))
        return {(run.van_id, run.route_id, run.day): run for run in db.session.scalars(query)}

    def _ordered(
        self, stop_ids: Sequence[int], route_key: Hashable | None, day: date
    ) -> list[DayStop]:
        stops = [day_stop(i, self._stops[i], self._stops[i].place, day) for i in stop_ids]
        if route_key is not None:
            return stops
        return order_day(stops, depot_position(self._stops[stop_ids[0]].van), self._travel)

    def _day(self, stop_ids: tuple[int, ...], route_key: Hashable | None, day: date) -> TimedDay:
        """The same stops on another date of the weekday take the same times."""
        key = (day.weekday(), route_key, *stop_ids)
        if key not in self._timed:
            depot = depot_position(self._stops[stop_ids[0]].van)
            ordered = self._ordered(stop_ids, route_key, day)
            self._timed[key] = time_stops(self._term, ordered, depot, self._travel)
        return self._timed[key]

    def _insert(self, new_runs: Sequence[tuple[DatedRun, tuple[int, ...]]]) -> int:
        if not new_runs:
            return 0
        days = [self._day(fresh, dated.route_key, dated.day) for dated, fresh in new_runs]
        rows = [
            {
                "organisation_id": self._term.organisation_id,
                "term_id": self._term.id,
                "van_id": dated.van_key,
                "route_id": dated.route_key,
                "day": dated.day,
                "note": "",
                "logged": False,
                **run_values(dated.day, timed, self._travel.name),
            }
            for (dated, _), timed in zip(new_runs, days, strict=True)
        ]
        statement = insert(Run).returning(Run.id, sort_by_parameter_order=True)
        run_ids = list(db.session.scalars(statement, rows))
        visits = [
            self._visit_row(run_id, position, visit, dated.day)
            for run_id, (dated, _), timed in zip(run_ids, new_runs, days, strict=True)
            for position, visit in enumerate(timed.visits)
        ]
        db.session.execute(insert(Visit), visits)
        add_company(self._term.organisation_id, run_ids, [dated.van_key for dated, _ in new_runs])
        return len(visits)

    def _visit_row(self, run_id: int, position: int, visit: Any, day: date) -> dict[str, Any]:
        return {
            "organisation_id": self._term.organisation_id,
            "run_id": run_id,
            "stop_id": visit.key,
            "place_id": self._stops[visit.key].place_id,
            "day": day,
            "rule_day": day,
            "position": position,
            "arrival_at": at_minutes(day, visit.arrival),
            "departure_at": at_minutes(day, visit.departure),
            "drive_minutes": visit.drive_minutes,
            "distance_m": visit.distance_m,
            "buffer_minutes": visit.buffer_minutes,
            "waiting_minutes": visit.waiting_minutes,
            "plan_status": VisitStatus.PLANNED,
            "status": VisitStatus.PLANNED,
            "reason": "",
            "logged": False,
        }

    def _grow(self, run: Run, stop_ids: tuple[int, ...]) -> int:
        """A run that exists already takes the new stops in, its visits' times kept if they can."""
        held = max((visit.position for visit in run.visits), default=-1)
        rows = [
            self._visit_row(run.id, held + 1 + n, visit, run.day)
            for n, visit in enumerate(self._day(stop_ids, run.route_id, run.day).visits)
        ]
        fresh = list(db.session.scalars(insert(Visit).returning(Visit), rows))
        for visit in sorted(fresh, key=lambda visit: visit.position):
            take_in(run, visit)
        return len(rows)


def add_company(organisation_id: int, run_ids: Sequence[int], van_ids: Sequence[Hashable]) -> None:
    """New runs take the van's checklist, and the crew that rode with the van last."""
    vans = set(van_ids)
    items: dict[Hashable, list[VanEquipment]] = {}
    for item in db.session.scalars(select(VanEquipment).where(VanEquipment.van_id.in_(vans))):
        items.setdefault(item.van_id, []).append(item)
    checklist = [
        {
            "organisation_id": organisation_id,
            "run_id": run_id,
            "name": item.name,
            "quantity": item.quantity,
            "position": item.position,
            "loaded": False,
        }
        for run_id, van_id in zip(run_ids, van_ids, strict=True)
        for item in items.get(van_id, [])
    ]
    if checklist:
        db.session.execute(insert(RunEquipment), checklist)
    crews = {van_id: _last_crew(van_id, set(run_ids)) for van_id in vans}
    riders = [
        {"run_id": run_id, "crew_member_id": member_id}
        for run_id, van_id in zip(run_ids, van_ids, strict=True)
        for member_id in crews[van_id]
    ]
    if riders:
        db.session.execute(insert(RunCrew), riders)


def _last_crew(van_id: Hashable, but: set[int]) -> list[int]:
    query = (
        select(Run)
        .where(Run.van_id == van_id, exists().where(RunCrew.run_id == Run.id))
        .order_by(Run.day.desc())
        .limit(1)
        .options(selectinload(Run.crew))
    )
    run = db.session.scalar(query)
    if run is None or run.id in but:
        return []
    return [member.id for member in run.crew if member.enabled]
