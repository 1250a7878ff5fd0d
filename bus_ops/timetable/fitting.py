"""Where one more visit would fit into the published timetable, and what it would cost.

All published visits keep their times: a day fits where the van can fit the place in between. Of a
day without a run the whole way there and back is the cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from schedules.timing import DayStop, TimedDay
from schedules.travel import TravelSource, foresee

from ..database import db
from ..fleet.models import Van
from ..fleet.queries import works_on
from ..places.models import Place
from .calendars import engine_calendar, holidays_of_library, proposed_calendar
from .models import Run, Stop, Term, TermStatus, Visit, VisitStatus
from .retiming import (
    cheapest_place,
    depot_position,
    held_stop,
    opening_on,
    position_of,
    time_stops,
    travel_of,
)


@dataclass(frozen=True)
class Fit:
    """A day on which one more visit fits: when it would be, and how much more that drives."""

    day: date
    van: Van
    # Minutes after local midnight.
    arrival: int
    departure: int
    distance_m: int
    drive_minutes: int
    # Visits that the day has already; none: the van would drive for this one alone.
    beside: int
    # The day would last longer than the term's limit.
    too_long: bool


def days_that_fit(
    place: Place, service_minutes: int, first: date, last: date, van: Van | None = None
) -> list[Fit]:
    """Days from first to last on which the van can come, the cheapest first.

    ``place`` may be one that is not kept yet; its position and opening windows count. With ``van``
    only that one comes.
    """
    if position_of(place) is None:
        return []
    return sorted(
        _Fitting(place, service_minutes, first, last, van).fits(),
        key=lambda fit: (fit.too_long, fit.distance_m, fit.day),
    )


def term_for(organisation_id: int, van: Van, day: date) -> Term | None:
    """The published term that a further visit of a van on a day belongs to."""
    return _covering(terms_of(organisation_id, van), day)


def terms_of(organisation_id: int, van: Van) -> list[Term]:
    """The library's published terms, those whose stops the van serves first."""
    query = select(Term).where(
        Term.organisation_id == organisation_id, Term.status == TermStatus.PUBLISHED
    )
    served = select(Stop.term_id).where(Stop.van_id == van.id, Stop.enabled).distinct()
    own = set(db.session.scalars(served))
    return sorted(db.session.scalars(query), key=lambda term: (term.id not in own, term.id))


def _covering(terms: Sequence[Term], day: date) -> Term | None:
    for term in terms:
        if term.starts_on <= day <= (term.ends_on or day):
            return term
    return None


class _Fitting:
    def __init__(
        self, place: Place, service_minutes: int, first: date, last: date, van: Van | None
    ) -> None:
        self._place, self._minutes = place, service_minutes
        self._days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        self._organisation_id = place.organisation_id
        self._vans = [van] if van is not None else self._vans_in_use()
        self._travel: TravelSource = travel_of(self._organisation_id)
        own = proposed_calendar(place)
        self._calendar = (
            engine_calendar(own) if own is not None else holidays_of_library(self._organisation_id)
        )
        self._visits = self._visits_by_run_key()
        self._terms = {van.id: terms_of(self._organisation_id, van) for van in self._vans}

    def fits(self) -> list[Fit]:
        found = []
        for van in self._vans:
            for day in self._days:
                fit = self._fit(van, day)
                if fit is not None:
                    found.append(fit)
        return found

    def _fit(self, van: Van, day: date) -> Fit | None:
        opening = opening_on(self._place.opening_windows, day)
        if opening == () or not works_on(van, day):
            return None
        if self._calendar is not None and self._calendar.day_off(day) is not None:
            return None
        term = _covering(self._terms[van.id], day)
        visits = self._visits.get((van.id, day), [])
        if term is None or any(visit.place_id == self._place.id for visit in visits):
            return None
        stop = DayStop(None, position_of(self._place), self._minutes, tuple(opening or ()))
        held = [held_stop(visit, day) for visit in visits]
        depot = depot_position(van)
        foresee(self._travel, [depot, stop.position, *(one.position for one in held)])
        taken = cheapest_place(term, held, stop, depot, self._travel)
        if taken is None:
            return None
        before: TimedDay | None = time_stops(term, held, depot, self._travel) if held else None
        visit = taken.timed.visits[taken.index]
        return Fit(
            day,
            van,
            visit.arrival,
            visit.departure,
            taken.timed.distance_m - (before.distance_m if before else 0),
            taken.timed.drive_minutes - (before.drive_minutes if before else 0),
            len(held),
            taken.too_long,
        )

    def _vans_in_use(self) -> Sequence[Van]:
        query = (
            select(Van)
            .where(Van.organisation_id == self._organisation_id, Van.enabled)
            .options(joinedload(Van.depot), selectinload(Van.days_out))
            .order_by(Van.id)
        )
        return db.session.scalars(query).all()

    def _visits_by_run_key(self) -> dict[tuple[int, date], list[Visit]]:
        query = (
            select(Visit)
            .join(Run, Visit.run_id == Run.id)
            .where(
                Visit.organisation_id == self._organisation_id,
                Visit.day.between(self._days[0], self._days[-1]),
                Visit.plan_status != VisitStatus.CANCELLED,
            )
            .options(joinedload(Visit.run), joinedload(Visit.place), joinedload(Visit.stop))
            .order_by(Visit.arrival_at)
        )
        found: dict[tuple[int, date], list[Visit]] = {}
        for visit in db.session.scalars(query):
            found.setdefault((visit.run.van_id, visit.day), []).append(visit)
        return found
