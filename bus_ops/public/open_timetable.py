"""The timetable that anybody may see: stops open to all, in published terms, and their visits.

A school's own stops, drafts, and what was logged or who was served never stand in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import contains_eager, joinedload

from ..database import db, now
from ..places.models import AdministrativeUnit, Place
from ..timetable.models import (
    Run,
    Stop,
    StopKind,
    Term,
    TermStatus,
    TimetableChange,
    Visit,
    VisitStatus,
)

# Anyone may come to these; a school's own stops and breaks are nobody else's business.
OPEN_TO_ANYONE = (StopKind.PUBLIC, StopKind.FLEXIBLE)
# How far people look ahead, and how long a calendar keeps what is over.
AHEAD = timedelta(weeks=26)
BEHIND = timedelta(weeks=4)


@dataclass(frozen=True)
class OpenDay:
    """A day with its visits in order."""

    day: date
    visits: tuple[Visit, ...]


@dataclass(frozen=True)
class OpenStop:
    """A stop, and its next visit that takes place and is not over."""

    stop: Stop
    next_visit: Visit | None


def open_visits(
    organisation_id: int,
    first: date,
    last: date,
    *,
    stop_ids: Iterable[int] | None = None,
    commune_id: int | None = None,
    van_id: int | None = None,
) -> list[Visit]:
    """Visits of these days, both included, in order of time; cancelled ones too, as such."""
    query = (
        _open(select(Visit).join(Visit.stop), organisation_id)
        .join(Run, Visit.run_id == Run.id)
        .where(Visit.day.between(first, last))
        .options(
            contains_eager(Visit.stop).joinedload(Stop.place).joinedload(Place.commune),
            joinedload(Visit.place).joinedload(Place.commune),
            joinedload(Visit.run).joinedload(Run.van),
            joinedload(Visit.record),
        )
        .order_by(Visit.arrival_at, Visit.id)
    )
    if stop_ids is not None:
        query = query.where(Visit.stop_id.in_(list(stop_ids)))
    if commune_id is not None:
        query = query.where(Place.commune_id == commune_id)
    if van_id is not None:
        query = query.where(Run.van_id == van_id)
    return list(db.session.scalars(query))


def open_stops(organisation_id: int, today: date, commune_id: int | None = None) -> list[Stop]:
    """Stops in service now or later, by place."""
    query = (
        _open(select(Stop), organisation_id)
        .where(
            or_(Stop.ends_on.is_(None), Stop.ends_on >= today),
            or_(Term.ends_on.is_(None), Term.ends_on >= today),
        )
        .options(joinedload(Stop.place).joinedload(Place.commune), joinedload(Stop.van))
        .order_by(Place.search_key, Stop.id)
    )
    if commune_id is not None:
        query = query.where(Place.commune_id == commune_id)
    return list(db.session.scalars(query))


def with_next_visits(stops: Iterable[Stop], visits: Iterable[Visit]) -> list[OpenStop]:
    """The stops with the first of these visits (in order of time) that takes place."""
    coming: dict[int, Visit] = {}
    for visit in visits:
        if visit.plan_status != VisitStatus.CANCELLED and visit.departure_at > now():
            coming.setdefault(visit.stop_id, visit)
    return [OpenStop(stop, coming.get(stop.id)) for stop in stops]


def open_stop(organisation_id: int, stop_id: int) -> Stop | None:
    """The stop, if anybody may see it."""
    query = _open(select(Stop), organisation_id).where(Stop.id == stop_id)
    return db.session.scalar(query.options(joinedload(Stop.place).joinedload(Place.commune)))


def communes_served(stops: Iterable[Stop]) -> list[AdministrativeUnit]:
    """Communes of the stops, by name."""
    found = {stop.place.commune for stop in stops if stop.place.commune is not None}
    return sorted(found, key=lambda unit: unit.full_name)


def by_day(visits: Sequence[Visit]) -> list[OpenDay]:
    """Visits in order of time, day by day."""
    days: dict[date, list[Visit]] = {}
    for visit in visits:
        days.setdefault(visit.day, []).append(visit)
    return [OpenDay(day, tuple(of_day)) for day, of_day in days.items()]


def changes_of(visits: Iterable[Visit]) -> dict[int, tuple[int, TimetableChange]]:
    """Of each visit that was changed: how often, and the last change."""
    ids = [visit.id for visit in visits]
    counted = (
        select(
            TimetableChange.visit_id,
            func.count().label("changes"),
            func.max(TimetableChange.id).label("last_id"),
        )
        .where(TimetableChange.visit_id.in_(ids))
        .group_by(TimetableChange.visit_id)
        .subquery()
    )
    query = select(counted.c.changes, TimetableChange).join(
        TimetableChange, TimetableChange.id == counted.c.last_id
    )
    return {last.visit_id: (count, last) for count, last in db.session.execute(query)}


def _open(query: Select[tuple[Stop]] | Select[tuple[Visit]], organisation_id: int) -> Select[Any]:
    return (
        query.join(Term, Stop.term_id == Term.id)
        .join(Place, Stop.place_id == Place.id)
        .where(
            Stop.organisation_id == organisation_id,
            Stop.kind.in_(OPEN_TO_ANYONE),
            Stop.enabled.is_(True),
            Place.enabled.is_(True),
            Term.status == TermStatus.PUBLISHED,
        )
    )
