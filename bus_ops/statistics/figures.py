"""Every figure is computed here and nowhere else, so that screens and exports agree to the unit.

The grain is the visit: one row a visit with all its figures. Anything else is a sum over visits,
except distinct places and runs, which are counted from the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Select, case, func, literal, select

from schedules.periods import ReportingPeriod

from ..circulation.models import CardKind, IssuedCard, Loan, OnSiteUse, Renewal
from ..database import db
from ..fleet.models import Van
from ..places.models import AdministrativeUnit, Place, PlaceKind, PlaceUnit, SchoolLevel
from ..timetable.models import (
    ActivityKind,
    ActivityRecord,
    Attendance,
    Audience,
    Run,
    Visit,
    VisitRecord,
    VisitStatus,
)

_ROWS_AT_ONCE = 2000
# Activities whose count is people taking part.
_WITH_PEOPLE = (
    ActivityKind.READING_ON_SITE,
    ActivityKind.COMPUTERS,
    ActivityKind.FILM,
    ActivityKind.STORYTELLING,
    ActivityKind.BOOK_TALK,
    ActivityKind.CONTEST,
    ActivityKind.OTHER,
)


@dataclass(frozen=True)
class Filters:
    """What part of the service is looked at; empty takes all of it."""

    van_id: int | None = None
    unit_id: int | None = None
    kind: PlaceKind | None = None
    level: SchoolLevel | None = None
    place_id: int | None = None


@dataclass(frozen=True)
class VisitRow:
    """One visit with its figures."""

    visit_id: int
    day: date
    run_id: int
    run_distance_m: int
    van_id: int
    van: str
    place_id: int
    place: str
    kind: PlaceKind
    level: SchoolLevel | None
    commune_id: int | None
    commune: str
    status: VisitStatus
    arrived_at: Any
    departed_at: Any
    figures: Mapping[str, int]


@dataclass
class Figures:
    """Sums of visits, by the measure's key."""

    sums: dict[str, int] = field(default_factory=dict)
    _places: set[int] = field(default_factory=set)
    _runs: dict[int, int] = field(default_factory=dict)

    def add(self, row: VisitRow) -> None:
        """Take one visit in."""
        for key, value in row.figures.items():
            self.sums[key] = self.sums.get(key, 0) + value
        if row.status in {VisitStatus.SERVED, VisitStatus.UNDER_WAY}:
            self._places.add(row.place_id)
            self._runs[row.run_id] = row.run_distance_m

    def __getitem__(self, key: str) -> int:
        match key:
            case "places":
                return len(self._places)
            case "runs":
                return len(self._runs)
            case "km":
                return round(sum(self._runs.values()) / 1000)
            case _:
                return self.sums.get(key, 0)


def total(rows: Iterable[VisitRow]) -> Figures:
    """All visits together."""
    figures = Figures()
    for row in rows:
        figures.add(row)
    return figures


def grouped(rows: Iterable[VisitRow], key_of: Callable[[VisitRow], Any]) -> dict[Any, Figures]:
    """Sums by whatever ``key_of`` says of a visit."""
    groups: dict[Any, Figures] = {}
    for row in rows:
        groups.setdefault(key_of(row), Figures()).add(row)
    return groups


def visit_rows(
    organisation_id: int, period: ReportingPeriod, filters: Filters
) -> Iterator[VisitRow]:
    """Visits of the period with their figures, in order of day; read in pieces."""
    query = _visits(organisation_id, period, filters)
    result = db.session.execute(query.execution_options(yield_per=_ROWS_AT_ONCE))
    for part in result.partitions(_ROWS_AT_ONCE):
        counted = _counted([row.id for row in part])
        for row in part:
            yield _row(row, counted.get(row.id, {}))


def audiences(
    organisation_id: int, period: ReportingPeriod, filters: Filters
) -> dict[Audience, int]:
    """Attendance by group."""
    visits = _visits(organisation_id, period, filters).subquery()
    query = (
        select(Attendance.audience, func.sum(Attendance.people))
        .join(visits, visits.c.id == Attendance.visit_id)
        .group_by(Attendance.audience)
    )
    found = {audience: int(people) for audience, people in db.session.execute(query)}
    return {audience: found.get(audience, 0) for audience in Audience}


def activity_kinds(
    organisation_id: int, period: ReportingPeriod, filters: Filters
) -> dict[ActivityKind, tuple[int, int]]:
    """For each kind of activity: how many were logged, and their counts added up."""
    visits = _visits(organisation_id, period, filters).subquery()
    query = (
        select(ActivityRecord.kind, func.count(), func.sum(ActivityRecord.count))
        .join(visits, visits.c.id == ActivityRecord.visit_id)
        .group_by(ActivityRecord.kind)
    )
    found = {kind: (int(times), int(count)) for kind, times, count in db.session.execute(query)}
    return {kind: found.get(kind, (0, 0)) for kind in ActivityKind}


def district_of_places(place_ids: Iterable[int]) -> dict[int, str]:
    """The district of the map before the reform that each place lay in, where it is known."""
    district = AdministrativeUnit.__table__.alias("district")
    unit = AdministrativeUnit.__table__.alias("unit")
    query = (
        select(PlaceUnit.place_id, district.c.full_name)
        .join(unit, unit.c.id == PlaceUnit.unit_id)
        .join(district, district.c.id == func.coalesce(unit.c.parent_id, unit.c.id))
        .where(PlaceUnit.place_id.in_(set(place_ids)), unit.c.valid_until.is_not(None))
    )
    return dict(db.session.execute(query).all())


def _visits(organisation_id: int, period: ReportingPeriod, filters: Filters) -> Select[Any]:
    query = (
        select(
            Visit.id,
            Visit.day,
            Visit.run_id,
            Run.distance_m.label("run_distance_m"),
            Run.van_id,
            Van.name.label("van_name"),
            Van.operator,
            Visit.place_id,
            Place.name.label("place_name"),
            Place.kind,
            Place.level,
            Place.commune_id,
            Place.community,
            AdministrativeUnit.full_name.label("commune_name"),
            Visit.status,
            VisitRecord.arrived_at,
            VisitRecord.departed_at,
        )
        .join(Run, Visit.run_id == Run.id)
        .join(Van, Run.van_id == Van.id)
        .join(Place, Visit.place_id == Place.id)
        .outerjoin(AdministrativeUnit, Place.commune_id == AdministrativeUnit.id)
        .outerjoin(VisitRecord, VisitRecord.visit_id == Visit.id)
        .where(
            Visit.organisation_id == organisation_id,
            Visit.day.between(period.first, period.last),
        )
        .order_by(Visit.day, Visit.run_id, Visit.position)
    )
    if filters.van_id:
        query = query.where(Run.van_id == filters.van_id)
    if filters.kind:
        query = query.where(Place.kind == filters.kind)
    if filters.level:
        query = query.where(Place.level == filters.level)
    if filters.place_id:
        query = query.where(Visit.place_id == filters.place_id)
    if filters.unit_id:
        inside = select(AdministrativeUnit.id).where(
            (AdministrativeUnit.id == filters.unit_id)
            | (AdministrativeUnit.parent_id == filters.unit_id)
        )
        places = select(PlaceUnit.place_id).where(PlaceUnit.unit_id.in_(inside))
        query = query.where(Visit.place_id.in_(places))
    return query


def _row(row: Any, counted: Mapping[str, int]) -> VisitRow:
    served = row.status in {VisitStatus.SERVED, VisitStatus.UNDER_WAY}
    minutes = 0
    if row.arrived_at and row.departed_at and row.departed_at > row.arrived_at:
        minutes = round((row.departed_at - row.arrived_at).total_seconds() / 60)
    figures = {
        **counted,
        "planned": 1,
        "served": int(served),
        "cancelled": int(row.status == VisitStatus.CANCELLED),
        "missed": int(row.status == VisitStatus.MISSED),
        "service_minutes": minutes,
        "items_served": counted.get("loans", 0) + counted.get("on_site", 0),
    }
    return VisitRow(
        visit_id=row.id,
        day=row.day,
        run_id=row.run_id,
        run_distance_m=row.run_distance_m,
        van_id=row.van_id,
        van=f"{row.operator} · {row.van_name}" if row.operator else row.van_name,
        place_id=row.place_id,
        place=row.place_name,
        kind=row.kind,
        level=row.level,
        commune_id=row.commune_id,
        commune=row.commune_name or row.community or "",
        status=row.status,
        arrived_at=row.arrived_at,
        departed_at=row.departed_at,
        figures=figures,
    )


def _counted(visit_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    counted: dict[int, dict[str, int]] = {}
    for query in _count_queries(visit_ids):
        for row in db.session.execute(query):
            values = dict(row._mapping)
            figures = counted.setdefault(values.pop("visit_id"), {})
            figures.update({key: int(value or 0) for key, value in values.items()})
    return counted


def _count_queries(visit_ids: Sequence[int]) -> Iterator[Select[Any]]:
    yield _sums(
        Attendance.visit_id,
        visit_ids,
        attendance=Attendance.people,
        teachers=case((Attendance.audience == Audience.TEACHERS, Attendance.people), else_=0),
    )
    yield _sums(Loan.visit_id, visit_ids, loans=literal(1))
    yield _sums(Loan.return_visit_id, visit_ids, returns=literal(1))
    yield _sums(Renewal.visit_id, visit_ids, renewals=literal(1))
    yield _sums(OnSiteUse.visit_id, visit_ids, on_site=OnSiteUse.items)
    yield _sums(
        IssuedCard.visit_id,
        visit_ids,
        cards=IssuedCard.cards,
        van_cards=case((IssuedCard.kind == CardKind.VAN, IssuedCard.cards), else_=0),
        child_cards=case((IssuedCard.kind == CardKind.CHILD, IssuedCard.cards), else_=0),
    )
    yield _sums(
        ActivityRecord.visit_id,
        visit_ids,
        activities=case((ActivityRecord.kind.in_(_WITH_PEOPLE), 1), else_=0),
        activity_people=case(
            (ActivityRecord.kind.in_(_WITH_PEOPLE), ActivityRecord.count), else_=0
        ),
        internet=_of_kind(ActivityKind.INTERNET),
        ebook_accounts=_of_kind(ActivityKind.EBOOK_ACCOUNTS),
        books_given=_of_kind(ActivityKind.BOOK_GIFT),
        trained=_of_kind(ActivityKind.TRAINING),
    )


def _of_kind(kind: ActivityKind) -> Any:
    return case((ActivityRecord.kind == kind, ActivityRecord.count), else_=0)


def _sums(visit_column: Any, visit_ids: Sequence[int], **columns: Any) -> Select[Any]:
    return (
        select(
            visit_column.label("visit_id"),
            *(func.sum(column).label(name) for name, column in columns.items()),
        )
        .where(visit_column.in_(visit_ids))
        .group_by(visit_column)
    )
