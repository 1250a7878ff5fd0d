"""What planning stands on: a term's stops, the vans, calendars and roads, loaded once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from schedules.calendar import ServiceCalendar
from schedules.timing import DayStop, TimedDay, Window
from schedules.travel import Position, TravelSource

from ..database import db
from ..fleet.models import Van
from ..fleet.queries import works_on
from ..i18n import minutes_of_day
from ..places.models import Place
from ..timetable.calendars import engine_calendars, holidays_of_library
from ..timetable.frequency import may_start_at
from ..timetable.models import (
    ClassSlot,
    Run,
    Stop,
    Term,
    TermStatus,
    TimetableChange,
    Visit,
    VisitStatus,
)
from ..timetable.remaking import FOLLOWING
from ..timetable.retiming import (
    day_stop,
    depot_position,
    opening_on,
    position_of,
    time_stops,
    travel_of,
    windows_on,
)
from .proposal import ProposedRun


@dataclass(frozen=True)
class Lock:
    """A visit that planning leaves on its day; with van and times also there and then."""

    stop_id: int
    day: date
    van_id: int | None = None
    arrival: int | None = None
    departure: int | None = None


class Ground:
    """A term as planning sees it; everything is read from the database when first asked for."""

    def __init__(self, term: Term) -> None:
        self.term = term
        # First days of stops, asked for on every day of a term.
        self._starts: dict[int, date] = {}

    @cached_property
    def stops(self) -> dict[int, Stop]:
        """Stops that can be planned, by id: in service, as their place and van are."""
        query = (
            select(Stop)
            .join(Place, Stop.place_id == Place.id)
            .join(Van, Stop.van_id == Van.id)
            .where(Stop.term_id == self.term.id, Stop.enabled, Place.enabled, Van.enabled)
            .options(
                joinedload(Stop.place).joinedload(Place.commune),
                joinedload(Stop.van).joinedload(Van.depot),
                joinedload(Stop.term),
            )
            .order_by(Stop.id)
        )
        return {stop.id: stop for stop in db.session.scalars(query)}

    @cached_property
    def vans(self) -> dict[int, Van]:
        """The vans that serve these stops, or drive for the term all the same; all there are, where
        a stop takes any."""
        query = select(Van).where(
            Van.organisation_id == self.term.organisation_id, Van.enabled.is_(True)
        )
        if not any(stop.plan_any_van for stop in self.stops.values()):
            own = {stop.van_id for stop in self.stops.values()}
            driving = select(Run.van_id).where(Run.term_id == self.term.id)
            query = query.where(Van.id.in_(own) | Van.id.in_(driving))
        query = query.options(selectinload(Van.days_out), joinedload(Van.depot)).order_by(Van.id)
        return {van.id: van for van in db.session.scalars(query)}

    @cached_property
    def travel(self) -> TravelSource:
        """Where minutes and metres come from."""
        return travel_of(self.term.organisation_id)

    @cached_property
    def _calendars(self) -> Mapping[int, ServiceCalendar]:
        return engine_calendars(self.term.organisation_id)

    @cached_property
    def _holidays(self) -> ServiceCalendar | None:
        return holidays_of_library(self.term.organisation_id)

    def calendar_of(self, stop: Stop) -> ServiceCalendar | None:
        """Whose days off a stop keeps."""
        if stop.calendar_id:
            return self._calendars.get(stop.calendar_id)
        # Another service's vans keep holidays that nobody told us of.
        return None if stop.van.operator else self._holidays

    def held_fast(self, first: date, last: date) -> list[Lock]:
        """Visits that no planning moves: touched by hand, agreed with the place, or logged."""
        if self.term.status != TermStatus.PUBLISHED:
            return []
        by_hand = exists().where(
            TimetableChange.visit_id == Visit.id, TimetableChange.kind.not_in(FOLLOWING)
        )
        agreed = exists().where(ClassSlot.visit_id == Visit.id)
        confirmed = Visit.plan_status == VisitStatus.CONFIRMED
        query = (
            select(Visit)
            .join(Run, Visit.run_id == Run.id)
            .where(
                Run.term_id == self.term.id,
                Visit.day.between(first, last),
                Visit.plan_status != VisitStatus.CANCELLED,
                or_(by_hand, agreed, Visit.logged, confirmed),
            )
            .options(joinedload(Visit.run))
        )
        return [
            Lock(
                visit.stop_id,
                visit.day,
                visit.run.van_id,
                minutes_of_day(visit.arrival_at, visit.day),
                minutes_of_day(visit.departure_at, visit.day),
            )
            for visit in db.session.scalars(query)
        ]

    def logged_visits(self, first: date, last: date) -> set[tuple[int, date]]:
        """Stop and day of visits that the crew has logged."""
        query = (
            select(Visit.stop_id, Visit.day)
            .join(Run, Visit.run_id == Run.id)
            .where(
                Run.term_id == self.term.id, Visit.day.between(first, last), Visit.logged.is_(True)
            )
        )
        return {(stop_id, day) for stop_id, day in db.session.execute(query)}

    def taken_days(self, first: date, last: date) -> set[tuple[int, date]]:
        """Stop and day on which a visit was cancelled, or from which it was moved elsewhere.

        Nobody wants a visit there again.
        """
        query = (
            select(Visit.stop_id, Visit.day, Visit.rule_day, Visit.plan_status)
            .join(Run, Visit.run_id == Run.id)
            .where(
                Run.term_id == self.term.id,
                or_(Visit.day.between(first, last), Visit.rule_day.between(first, last)),
                or_(
                    Visit.plan_status == VisitStatus.CANCELLED,
                    ~Visit.day.between(first, last),
                ),
            )
        )
        taken = set()
        for stop_id, day, rule_day, status in db.session.execute(query):
            taken.add((stop_id, rule_day))
            if status == VisitStatus.CANCELLED:
                taken.add((stop_id, day))
        return taken

    def served_before(self, first: date) -> dict[int, date]:
        """Each stop's last visit before the day."""
        query = (
            select(Visit.stop_id, func.max(Visit.day))
            .join(Run)
            .where(
                Run.term_id == self.term.id,
                Visit.day < first,
                Visit.plan_status != VisitStatus.CANCELLED,
            )
            .group_by(Visit.stop_id)
        )
        return dict(db.session.execute(query).all())

    def busy_elsewhere(self, van: Van, first: date, last: date) -> set[date]:
        """Days on which the van drives for another term."""
        held = exists().where(Visit.run_id == Run.id, Visit.plan_status != VisitStatus.CANCELLED)
        query = (
            select(Run.day)
            .where(Run.van_id == van.id, Run.term_id != self.term.id, held)
            .where(Run.day.between(first, last))
            .distinct()
        )
        return set(db.session.scalars(query))

    def windows(self, stop: Stop, day: date) -> tuple[Window, ...]:
        """When a stop can be served on a day; none allows any time."""
        if stop.fixed_arrival is not None:
            return (Window(stop.fixed_arrival, stop.fixed_arrival + service_minutes(stop)),)
        return windows_on(stop, stop.place, day)

    def may_be_served(self, stop: Stop, day: date) -> bool:
        """Whether planning may put the stop on this day at all."""
        if stop.id not in self._starts:
            self._starts[stop.id] = may_start_at(stop)
        if day.isoformat() in stop.exceptions or day < self._starts[stop.id]:
            return False
        if stop.ends_on is not None and day > stop.ends_on:
            return False
        if stop.plan_weekdays and day.weekday() not in stop.plan_weekdays:
            return False
        if not stop.plan_any_van and not works_on(stop.van, day):
            return False
        if opening_on(stop.place.opening_windows, day) == ():
            return False
        calendar = self.calendar_of(stop)
        if calendar is not None and calendar.day_off(day) is not None:
            return False
        windows = self.windows(stop, day)
        return not windows or any(w.closes - w.opens >= service_minutes(stop) for w in windows)

    def whereabouts(self, stop: Stop) -> Position | None:
        """Where a stop is; its commune's or the depot's point until somebody tells."""
        place = stop.place
        known = position_of(place)
        if known is not None:
            return known
        commune = place.commune
        if commune is not None and commune.lat is not None and commune.lon is not None:
            return Position(commune.lat, commune.lon)
        return depot_position(stop.van)

    def timed(
        self, day: date, van_id: int, stop_ids: Sequence[int], locks: Collection[Lock] = ()
    ) -> ProposedRun:
        """The van's day in this order, timed as a published run is."""
        times = {lock.stop_id: lock for lock in locks if lock.day == day and lock.arrival}
        stops = [self._day_stop(stop_id, day, times.get(stop_id)) for stop_id in stop_ids]
        depot = depot_position(self.vans[van_id])
        timed: TimedDay = time_stops(self.term, stops, depot, self.travel)
        return ProposedRun.of_timed(day, van_id, timed)

    def _day_stop(self, stop_id: int, day: date, lock: Lock | None) -> DayStop:
        stop = self.stops[stop_id]
        if lock is None:
            return day_stop(stop_id, stop, stop.place, day)
        return DayStop(
            key=stop_id,
            position=position_of(stop.place),
            service_minutes=stop.service_minutes,
            fixed_arrival=lock.arrival,
            fixed_departure=lock.departure,
        )


def service_minutes(stop: Stop) -> int:
    """How long the van stays; published times say it themselves."""
    if stop.fixed_arrival is not None and stop.fixed_departure is not None:
        return stop.fixed_departure - stop.fixed_arrival
    return stop.service_minutes
