"""Dated runs and visits from a term's stops; what people changed by hand stays as it is."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import and_, delete, exists, insert, select
from sqlalchemy.orm import joinedload, selectinload

from schedules.calendar import ServiceCalendar as EngineCalendar
from schedules.expansion import DatedRun, RecurringStop, SkippedDate, expand
from schedules.recurrence import Recurrence
from schedules.timing import DayStop, Lunch, TimedDay, Window, order_day, time_day
from schedules.travel import GeodesicTravel, Position, TravelSource

from ..accounts.models import Organisation
from ..database import db
from ..fleet.models import Van, VanEquipment
from ..i18n import at_minutes
from ..places.models import Place
from .calendars import engine_calendars
from .models import (
    Run,
    RunCrew,
    RunEquipment,
    Stop,
    Term,
    TermStatus,
    TimetableChange,
    Visit,
    VisitStatus,
)


@dataclass(frozen=True)
class FillReport:
    """What filling a term made, and the dates that calendars took out."""

    runs: int = 0
    visits: int = 0
    skipped: tuple[SkippedDate, ...] = field(default=())


def travel_of(organisation_id: int) -> TravelSource:
    """Where this library's minutes and metres come from."""
    organisation = db.session.get_one(Organisation, organisation_id)
    return GeodesicTravel(organisation.detour_factor, organisation.drive_speed_kmh)


def fill_runs(term: Term, first: date, last: date) -> FillReport:
    """Make the runs and visits of the days that do not exist yet, both ends included.

    A visit is known by its stop and the date its rule gave, so moved and cancelled ones are found
    again and left alone: filling twice changes nothing.
    """
    first = max(first, term.starts_on)
    last = min(last, term.ends_on) if term.ends_on else last
    if last < first:
        return FillReport()
    filler = _Filler(term, travel_of(term.organisation_id))
    report = filler.fill(first, last)
    term.filled_until = max(term.filled_until or last, last)
    return report


def fill_horizon(organisation_id: int, today: date, horizon_days: int) -> FillReport:
    """Fill every published term of a library from today to the horizon."""
    query = select(Term).where(
        Term.organisation_id == organisation_id, Term.status == TermStatus.PUBLISHED
    )
    reports = [
        fill_runs(term, today, today + timedelta(days=horizon_days))
        for term in db.session.scalars(query)
    ]
    return FillReport(sum(r.runs for r in reports), sum(r.visits for r in reports))


def clear_untouched_visits(stop_ids: Iterable[int], today: date) -> None:
    """Take away coming visits of these stops that nobody changed or logged, and emptied runs."""
    touched = exists().where(TimetableChange.visit_id == Visit.id)
    untouched = and_(
        Visit.stop_id.in_(list(stop_ids)),
        Visit.day >= today,
        Visit.status == VisitStatus.PLANNED,
        Visit.day == Visit.rule_day,
        ~touched,
    )
    run_ids = set(db.session.scalars(select(Visit.run_id).where(untouched)))
    db.session.execute(delete(Visit).where(untouched).execution_options(synchronize_session=False))
    left = exists().where(Visit.run_id == Run.id)
    db.session.execute(
        delete(Run).where(Run.id.in_(run_ids), ~left).execution_options(synchronize_session=False)
    )
    db.session.expire_all()


def retime(run: Run, reorder: bool = False) -> TimedDay:
    """Time the run's visits again, in their order (or in a new one with ``reorder``).

    Cancelled visits keep their time of old and take none of the day's.
    """
    db.session.flush()
    db.session.refresh(run, ["visits"])
    held = [visit for visit in run.visits if visit.plan_status != VisitStatus.CANCELLED]
    by_key: dict[Hashable, Visit] = {visit.id: visit for visit in held}
    stops = [day_stop(visit.id, visit.stop, visit.place) for visit in held]
    travel = travel_of(run.organisation_id)
    depot = depot_position(run.van)
    if reorder:
        stops = order_day(stops, depot, travel)
    timed = time_stops(run.term, stops, depot, travel)
    _write_run(run, timed, travel.name)
    for position, timed_visit in enumerate(timed.visits):
        visit = by_key[timed_visit.key]
        visit.position = position
        visit.day = run.day
        visit.arrival_at = at_minutes(run.day, timed_visit.arrival)
        visit.departure_at = at_minutes(run.day, timed_visit.departure)
        visit.drive_minutes = timed_visit.drive_minutes
        visit.distance_m = timed_visit.distance_m
        visit.buffer_minutes = timed_visit.buffer_minutes
        visit.waiting_minutes = timed_visit.waiting_minutes
    return timed


def time_stops(
    term: Term, stops: Sequence[DayStop], depot: Position | None, travel: TravelSource
) -> TimedDay:
    """A day of the term in this order: its hour of leaving, lunch and buffers."""
    lunch = None
    if term.lunch_minutes and term.lunch_earliest is not None and term.lunch_latest is not None:
        lunch = Lunch(term.lunch_earliest, term.lunch_latest, term.lunch_minutes)
    return time_day(stops, depot, term.leaves_depot_at, travel, lunch, term.buffer_minutes)


def day_stop(key: Hashable, stop: Stop, place: Place) -> DayStop:
    """A stop as the engine times it."""
    return DayStop(
        key=key,
        position=position_of(place),
        service_minutes=stop.service_minutes,
        windows=tuple(Window(w["opens"], w["closes"]) for w in stop.windows),
        fixed_arrival=stop.fixed_arrival,
        fixed_departure=stop.fixed_departure,
    )


def position_of(place: Place) -> Position | None:
    """Where a place is, if known."""
    if place.lat is None or place.lon is None:
        return None
    return Position(place.lat, place.lon)


def depot_position(van: Van) -> Position | None:
    """Where a van's day starts, if it has a depot."""
    return Position(van.depot.lat, van.depot.lon) if van.depot else None


def recurrence_of(stop: Stop) -> Recurrence:
    """A stop's rule as the engine reads it; a term's end ends its stops too."""
    ends = [day for day in (stop.ends_on, stop.term.ends_on) if day]
    return Recurrence(
        stop.rule,
        stop.starts_on,
        min(ends) if ends else None,
        frozenset(date.fromisoformat(day) for day in stop.exceptions),
    )


def _write_run(run: Run, timed: TimedDay, travel_source: str) -> None:
    for name, value in _run_values(run.day, timed, travel_source).items():
        setattr(run, name, value)


def _run_values(day: date, timed: TimedDay, travel_source: str) -> dict[str, Any]:
    lunch = timed.lunch
    return {
        "leaves_at": at_minutes(day, timed.leaves_depot),
        "returns_at": at_minutes(day, timed.returns_depot),
        "lunch_from": at_minutes(day, lunch.opens) if lunch else None,
        "lunch_until": at_minutes(day, lunch.closes) if lunch else None,
        "drive_minutes": timed.drive_minutes,
        "distance_m": timed.distance_m,
        "return_drive_minutes": timed.return_drive_minutes,
        "return_distance_m": timed.return_distance_m,
        "travel_source": travel_source,
    }


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
        visits = self._insert(new_runs) + sum(self._grow(run, fresh) for run, fresh in grown)
        return FillReport(len(new_runs), visits, expansion.skipped)

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
        return [
            RecurringStop(
                key=stop.id,
                van_key=stop.van_id,
                route_key=stop.route_id,
                route_position=stop.route_position,
                recurrence=recurrence_of(stop),
                calendar=self._calendar(stop),
            )
            for stop in self._stops.values()
        ]

    def _calendar(self, stop: Stop) -> EngineCalendar | None:
        return self._calendars.get(stop.calendar_id) if stop.calendar_id else None

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

    def _ordered(self, stop_ids: Sequence[int], route_key: Hashable | None) -> list[DayStop]:
        stops = [day_stop(i, self._stops[i], self._stops[i].place) for i in stop_ids]
        if route_key is not None:
            return stops
        return order_day(stops, depot_position(self._stops[stop_ids[0]].van), self._travel)

    def _day(self, stop_ids: tuple[int, ...], route_key: Hashable | None) -> TimedDay:
        """The same stops on another date take the same times."""
        key = (route_key, *stop_ids)
        if key not in self._timed:
            depot = depot_position(self._stops[stop_ids[0]].van)
            ordered = self._ordered(stop_ids, route_key)
            self._timed[key] = time_stops(self._term, ordered, depot, self._travel)
        return self._timed[key]

    def _insert(self, new_runs: Sequence[tuple[DatedRun, tuple[int, ...]]]) -> int:
        if not new_runs:
            return 0
        days = [self._day(fresh, dated.route_key) for dated, fresh in new_runs]
        rows = [
            {
                "organisation_id": self._term.organisation_id,
                "term_id": self._term.id,
                "van_id": dated.van_key,
                "route_id": dated.route_key,
                "day": dated.day,
                "note": "",
                **_run_values(dated.day, timed, self._travel.name),
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
        self._add_company(run_ids, [dated.van_key for dated, _ in new_runs])
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
        }

    def _add_company(self, run_ids: Sequence[int], van_ids: Sequence[Hashable]) -> None:
        """New runs take the van's checklist, and the crew that rode with the van last."""
        vans = set(van_ids)
        items: dict[Hashable, list[VanEquipment]] = {}
        for item in db.session.scalars(select(VanEquipment).where(VanEquipment.van_id.in_(vans))):
            items.setdefault(item.van_id, []).append(item)
        checklist = [
            {
                "organisation_id": self._term.organisation_id,
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
        crews = {van_id: self._last_crew(van_id, set(run_ids)) for van_id in vans}
        riders = [
            {"run_id": run_id, "crew_member_id": member_id}
            for run_id, van_id in zip(run_ids, van_ids, strict=True)
            for member_id in crews[van_id]
        ]
        if riders:
            db.session.execute(insert(RunCrew), riders)

    def _last_crew(self, van_id: Hashable, but: set[int]) -> list[int]:
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

    def _grow(self, run: Run, stop_ids: tuple[int, ...]) -> int:
        """A run that exists already takes the new stops in and is timed again."""
        held = max((visit.position for visit in run.visits), default=-1)
        rows = [
            {
                **self._visit_row(run.id, held + 1 + n, visit, run.day),
            }
            for n, visit in enumerate(self._day(stop_ids, run.route_id).visits)
        ]
        db.session.execute(insert(Visit), rows)
        db.session.expire(run)
        self._sort_in(run)
        retime(run, reorder=run.route_id is None)
        return len(rows)

    def _sort_in(self, run: Run) -> None:
        if run.route_id is None:
            return
        ordered = sorted(run.visits, key=lambda v: (v.stop.route_position, v.position))
        for position, visit in enumerate(ordered):
            visit.position = position
