"""Every figure is computed here and nowhere else, so that screens and exports agree to the unit.

The grain is the visit: one row a visit with all its figures, its share of the run's kilometres
among them. Anything else is a sum over visits, except distinct places and runs, which are counted
from the same rows. Stops for fuel or lunch are no visits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
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
    RunRecord,
    Stop,
    StopKind,
    Visit,
    VisitRecord,
    VisitStatus,
)
from .definitions import DISTINCT, attendance_key

_ROWS_AT_ONCE = 2000
_SERVED = (VisitStatus.SERVED, VisitStatus.UNDER_WAY)
_STOPS_OF_VISITS = select(Stop.id).where(Stop.kind != StopKind.OTHER)
# No van drives further in a day: beyond it, a reading was typed wrongly.
_MOST_KM_OF_A_RUN = 1000
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


# Kilometres have one decimal, exactly; everything else is whole.
Number = int | Decimal
# Of each kind of activity: how many were logged, and their counts added up.
ActivityFigures = Mapping[ActivityKind, tuple[int, int]]


@dataclass(frozen=True)
class Filters:
    """What part of the service is looked at; empty takes all of it.

    An audience takes the visits at which somebody of it was counted, and of their attendance the
    part of that audience; all other figures are those of the whole visits.
    """

    van_id: int | None = None
    unit_id: int | None = None
    kind: PlaceKind | None = None
    level: SchoolLevel | None = None
    place_id: int | None = None
    audience: Audience | None = None


@dataclass(frozen=True)
class VisitRow:
    """One visit with those of its figures that are not 0."""

    visit_id: int
    day: date
    run_id: int
    van_id: int
    van: str
    place_id: int
    place: str
    search_key: str
    kind: PlaceKind
    level: SchoolLevel | None
    commune_id: int | None
    commune: str
    status: VisitStatus
    arrived_at: Any
    departed_at: Any
    by_odometer: bool
    figures: Mapping[str, Number]

    @property
    def is_served(self) -> bool:
        """Whether the van came."""
        return self.status in _SERVED

    def counts_in(self, measure: str) -> bool:
        """Whether the measure's figure would be less without this visit."""
        match measure:
            case "odometer_runs":
                return self.is_served and self.by_odometer
            case "places" | "runs":
                return self.is_served
            case _:
                return bool(self.figures.get(measure))

    def part_of(self, audience: Audience) -> VisitRow:
        """The visit with no other people than those of this audience."""
        own = attendance_key(audience)
        others = {attendance_key(other) for other in Audience} - {own}
        figures = {key: value for key, value in self.figures.items() if key not in others}
        if own in figures:
            figures["attendance"] = figures[own]
        else:
            figures.pop("attendance", None)
        return replace(self, figures=figures)


@dataclass
class Figures:
    """Sums of visits, by the measure's key."""

    sums: dict[str, Number] = field(default_factory=dict)
    _distinct: dict[str, set[int]] = field(default_factory=dict)

    def add(self, row: VisitRow) -> None:
        """Take one visit in."""
        sums = self.sums
        for key, value in row.figures.items():
            sums[key] = sums.get(key, 0) + value
        if row.is_served:
            self._distinct.setdefault("places", set()).add(row.place_id)
            self._distinct.setdefault("runs", set()).add(row.run_id)
            if row.by_odometer:
                self._distinct.setdefault("odometer_runs", set()).add(row.run_id)

    def __getitem__(self, key: str) -> Number:
        if key in DISTINCT:
            return len(self._distinct.get(key, ()))
        return self.sums.get(key, 0)


def total(rows: Iterable[VisitRow]) -> Figures:
    """All visits together."""
    figures = Figures()
    for row in rows:
        figures.add(row)
    return figures


def visit_rows(
    organisation_id: int, period: ReportingPeriod, filters: Filters
) -> Iterator[VisitRow]:
    """Visits of the period with their figures, in order of day; read in pieces."""
    query = _visits(organisation_id, period, filters)
    result = db.session.execute(query.execution_options(yield_per=_ROWS_AT_ONCE))
    for part in result.partitions(_ROWS_AT_ONCE):
        counted = _counted([row.id for row in part])
        shares = _shares({row.run_id for row in part})
        for row in part:
            visit = _row(row, counted.get(row.id, {}), shares.get(row.id))
            yield visit.part_of(filters.audience) if filters.audience else visit


def activity_kinds(
    organisation_id: int, period: ReportingPeriod, filters: Filters
) -> ActivityFigures:
    """Activities by kind."""
    visits = _visits(organisation_id, period, filters).subquery()
    query = (
        select(ActivityRecord.kind, func.count(), func.sum(ActivityRecord.count))
        .join(visits, visits.c.id == ActivityRecord.visit_id)
        .group_by(ActivityRecord.kind)
    )
    found = {kind: (int(times), int(count)) for kind, times, count in db.session.execute(query)}
    return {kind: found.get(kind, (0, 0)) for kind in ActivityKind}


def _visits(organisation_id: int, period: ReportingPeriod, filters: Filters) -> Select[Any]:
    query = (
        select(
            Visit.id,
            Visit.day,
            Visit.run_id,
            Run.distance_m.label("run_distance_m"),
            RunRecord.odometer_out_km,
            RunRecord.odometer_in_km,
            Run.van_id,
            Van.name.label("van_name"),
            Van.operator,
            Visit.place_id,
            Place.name.label("place_name"),
            Place.search_key,
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
        .outerjoin(RunRecord, RunRecord.run_id == Visit.run_id)
        .where(
            Visit.organisation_id == organisation_id,
            Visit.day.between(period.first, period.last),
            Visit.stop_id.in_(_STOPS_OF_VISITS),
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
    if filters.audience:
        came = select(Attendance.visit_id).where(
            Attendance.audience == filters.audience, Attendance.people > 0
        )
        query = query.where(Visit.id.in_(came))
    if filters.unit_id:
        inside = select(AdministrativeUnit.id).where(
            (AdministrativeUnit.id == filters.unit_id)
            | (AdministrativeUnit.parent_id == filters.unit_id)
        )
        places = select(PlaceUnit.place_id).where(PlaceUnit.unit_id.in_(inside))
        query = query.where(Visit.place_id.in_(places))
    return query


@dataclass(frozen=True)
class _Share:
    """A served visit is the ``number``-th, from 0, of as many of its run."""

    number: int
    sharers: int

    def of_km(self, metres: int) -> Decimal:
        """Its part of the run's kilometres: tenths that add up to the run's."""
        each, rest = divmod(round(metres / 100), self.sharers)
        return Decimal(each + (self.number < rest)) / 10


def _shares(run_ids: set[int]) -> dict[int, _Share]:
    """Shares of the runs' served visits by their keys, whatever the filters take."""
    query = (
        select(Visit.run_id, Visit.id)
        .where(
            Visit.run_id.in_(run_ids),
            Visit.status.in_(_SERVED),
            Visit.stop_id.in_(_STOPS_OF_VISITS),
        )
        .order_by(Visit.run_id, Visit.position, Visit.id)
    )
    served: dict[int, list[int]] = {}
    for run_id, visit_id in db.session.execute(query):
        served.setdefault(run_id, []).append(visit_id)
    return {
        visit_id: _Share(number, len(visit_ids))
        for visit_ids in served.values()
        for number, visit_id in enumerate(visit_ids)
    }


def _row(row: Any, counted: Mapping[str, int], share: _Share | None) -> VisitRow:
    served = row.status in _SERVED
    by_odometer = _odometer_m(row)
    planned = row.run_distance_m
    minutes = 0
    if row.arrived_at and row.departed_at and row.departed_at > row.arrived_at:
        minutes = round((row.departed_at - row.arrived_at).total_seconds() / 60)
    figures: dict[str, Number] = {
        **counted,
        "planned": 1,
        "served": int(served),
        "cancelled": int(row.status == VisitStatus.CANCELLED),
        "missed": int(row.status == VisitStatus.MISSED),
        "service_minutes": minutes,
        "items_served": counted.get("loans", 0) + counted.get("on_site", 0),
        "km": share.of_km(planned) if share else 0,
        "km_driven": share.of_km(planned if by_odometer is None else by_odometer) if share else 0,
    }
    return VisitRow(
        visit_id=row.id,
        day=row.day,
        run_id=row.run_id,
        van_id=row.van_id,
        van=f"{row.operator} · {row.van_name}" if row.operator else row.van_name,
        place_id=row.place_id,
        place=row.place_name,
        search_key=row.search_key,
        kind=row.kind,
        level=row.level,
        commune_id=row.commune_id,
        commune=row.commune_name or row.community or "",
        status=row.status,
        arrived_at=row.arrived_at,
        departed_at=row.departed_at,
        by_odometer=by_odometer is not None,
        figures={key: value for key, value in figures.items() if value},
    )


def _odometer_m(row: Any) -> int | None:
    """Metres between the run's two readings; None where they tell nothing."""
    if row.odometer_out_km is None or row.odometer_in_km is None:
        return None
    km: int = row.odometer_in_km - row.odometer_out_km
    return km * 1000 if 0 <= km <= _MOST_KM_OF_A_RUN else None


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
        **{
            attendance_key(audience): case(
                (Attendance.audience == audience, Attendance.people), else_=0
            )
            for audience in Audience
        },
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
