"""Reading the counted figures: one row a visit, and groups of visits from their sums.

Screens and exports that list visits read rows; those that show groups of them read sums, so that
ten years of many vans answer at once. Both were counted in one place, and agree to the unit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, false, func, literal, select, text

from schedules.periods import PeriodKind, ReportingPeriod, period_of

from ..circulation.models import Copy, Loan, Title
from ..database import db
from ..fleet.models import Van
from ..places.models import AdministrativeUnit, Place, PlaceKind, SchoolLevel
from ..places.units import places_inside
from ..timetable.models import ActivityKind, Audience, Visit, VisitRecord, VisitStatus
from .definitions import DISTINCT, MEASURES, attendance_key
from .models import (
    COLUMN_OF,
    FIGURE_SUMS,
    IN_TENTHS,
    MONTH,
    VISIT_FIGURES,
    YEAR,
    count_column,
    times_column,
)
from .recounting import SERVED

_ROWS_AT_ONCE = 2000

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
    # Of these places only, on top of the others; none takes all.
    place_ids: frozenset[int] | None = None
    # Of visits alone, which sums do not tell apart: at which something of a subject was lent, and
    # which were cancelled for a reason.
    subject: str | None = None
    reason: str | None = None

    @property
    def of_places(self) -> bool:
        """Whether they take some places only."""
        few = self.place_ids is not None
        return bool(self.unit_id or self.kind or self.level or self.place_id or few)


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
        return self.status in SERVED

    def part_of(self, audience: Audience) -> VisitRow:
        """The visit with no other people than those of this audience."""
        own = attendance_key(audience)
        others = _of_others(audience)
        figures = {key: value for key, value in self.figures.items() if key not in others}
        if own in figures:
            figures["attendance"] = figures[own]
        else:
            figures.pop("attendance", None)
        return replace(self, figures=figures)


@dataclass(slots=True)
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

    def add_sums(self, numbers: Mapping[str, Number], distinct: Mapping[str, set[int]]) -> None:
        """Take sums of many visits in; ``distinct`` names what is counted once of all."""
        if self.sums:
            for key, value in numbers.items():
                self.sums[key] = self.sums.get(key, 0) + value
        else:
            self.sums = dict(numbers)
        for key, found in distinct.items():
            self._distinct.setdefault(key, set()).update(found)

    @property
    def is_empty(self) -> bool:
        """Whether no visit was taken in."""
        return not self.sums and not self._distinct

    def copy(self) -> Figures:
        """The same figures, to take more in."""
        distinct = {key: set(found) for key, found in self._distinct.items()}
        return Figures(dict(self.sums), distinct)

    def merge(self, other: Figures) -> None:
        """Take another group's visits in."""
        self.add_sums(other.sums, other._distinct)

    def __getitem__(self, key: str) -> Number:
        if key in self._distinct:
            return len(self._distinct[key])
        return self.sums.get(key, 0)


def total(rows: Iterable[VisitRow]) -> Figures:
    """All visits together."""
    figures = Figures()
    for row in rows:
        figures.add(row)
    return figures


def visit_rows(
    organisation_id: int, period: ReportingPeriod, filters: Filters, behind: str | None = None
) -> Iterator[VisitRow]:
    """Visits of the period with their figures, in order of day; read in pieces.

    ``behind`` takes those alone that make this measure's figure larger.
    """
    query = (
        joined_visits()
        .where(*conditions(organisation_id, period, filters, behind))
        .order_by(VISIT_FIGURES.c.day, VISIT_FIGURES.c.run_id, Visit.position)
    )
    result = db.session.execute(query.execution_options(yield_per=_ROWS_AT_ONCE))
    for row in result.mappings():
        yield visit_row(row, filters)


def joined_visits() -> Select[Any]:
    """Asks for counted visits with what ``visit_row`` makes rows of; of whom, the caller says."""
    counted = VISIT_FIGURES.c
    return (
        select(
            VISIT_FIGURES,
            Van.name.label("van_name"),
            Van.operator,
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
        .join(Visit, Visit.id == counted.visit_id)
        .join(Van, Van.id == counted.van_id)
        .join(Place, Place.id == counted.place_id)
        .outerjoin(AdministrativeUnit, Place.commune_id == AdministrativeUnit.id)
        .outerjoin(VisitRecord, VisitRecord.visit_id == counted.visit_id)
    )


def visit_row(row: Mapping[str, Any], filters: Filters) -> VisitRow:
    """A row of ``joined_visits`` as a visit with its figures, of an audience where they ask for."""
    visit = VisitRow(
        visit_id=row["visit_id"],
        day=row["day"],
        run_id=row["run_id"],
        van_id=row["van_id"],
        van=f"{row['operator']} · {row['van_name']}" if row["operator"] else row["van_name"],
        place_id=row["place_id"],
        place=row["place_name"],
        search_key=row["search_key"],
        kind=row["kind"],
        level=row["level"],
        commune_id=row["commune_id"],
        commune=row["commune_name"] or row["community"] or "",
        status=row["status"],
        arrived_at=row["arrived_at"],
        departed_at=row["departed_at"],
        by_odometer=bool(row["by_odometer"]),
        figures={key: exact(key, row[column]) for key, column in COLUMN_OF.items() if row[column]},
    )
    return visit.part_of(filters.audience) if filters.audience else visit


def conditions(
    organisation_id: int, period: ReportingPeriod, filters: Filters, behind: str | None = None
) -> list[ColumnElement[bool]]:
    """What a row of VISIT_FIGURES must fulfil to be looked at."""
    counted = VISIT_FIGURES.c
    found = [
        counted.organisation_id == organisation_id,
        counted.day.between(period.first, period.last),
        *_of_dimensions(VISIT_FIGURES, filters),
    ]
    if filters.audience:
        found.append(counted[attendance_key(filters.audience)] > 0)
    if behind:
        found.append(_counts_in(behind))
        if filters.audience and behind in _of_others(filters.audience):
            found.append(false())
    if filters.subject is not None:
        lent = (
            select(Loan.visit_id)
            .outerjoin(Copy, Copy.id == Loan.copy_id)
            .outerjoin(Title, Title.id == Copy.title_id)
            .where(
                Loan.organisation_id == organisation_id,
                func.coalesce(Title.subject, "") == filters.subject,
            )
        )
        found.append(counted.visit_id.in_(lent))
    if filters.reason is not None:
        cancelled = select(Visit.id).where(
            Visit.organisation_id == organisation_id,
            Visit.status == VisitStatus.CANCELLED,
            Visit.reason == filters.reason,
        )
        found.append(counted.visit_id.in_(cancelled))
    return found


def _counts_in(measure: str) -> ColumnElement[bool]:
    """Whether a row of VISIT_FIGURES makes the measure's figure larger."""
    match measure:
        case "odometer_runs":
            return VISIT_FIGURES.c.by_odometer > 0
        case "places" | "runs":
            return VISIT_FIGURES.c.served > 0
        case _:
            return VISIT_FIGURES.c[COLUMN_OF[measure]] != 0


def cancelled_by_reason(organisation_id: int, period: ReportingPeriod) -> list[tuple[str, int]]:
    """Why visits of the period were cancelled, the most frequent reason first; "" is none given."""
    counted = VISIT_FIGURES.c
    query = (
        select(Visit.reason, func.count())
        .join(VISIT_FIGURES, counted.visit_id == Visit.id)
        .where(
            counted.organisation_id == organisation_id,
            counted.day.between(period.first, period.last),
            # In these words, by which a database knows its index of cancelled visits again.
            counted.cancelled > text("0"),
        )
        .group_by(Visit.reason)
        .order_by(func.count().desc(), Visit.reason)
    )
    return [(reason, count) for reason, count in db.session.execute(query)]


class SummedBy(StrEnum):
    """What sums are told apart by."""

    NOTHING = "nothing"
    PLACE = "place_id"
    VAN = "van_id"
    DAY = "day"
    AUDIENCE = "audience"


@dataclass(frozen=True)
class SumsOf:
    """Which visits are summed, and how they are told apart.

    ``finest`` is the kind of period that days are told apart by, at least; sums of whole months or
    years serve where they are no longer than that.
    """

    organisation_id: int
    period: ReportingPeriod
    filters: Filters = Filters()
    by: SummedBy = SummedBy.NOTHING
    finest: PeriodKind = PeriodKind.YEAR

    def figures(self, measures: Iterable[str] | None = None) -> dict[Any, Figures]:
        """Figures by key: place, van, the first day of a part of the period, audience or None.

        Only the measures that are asked for are there to be read; none asks for all.
        """
        wanted = tuple(measures) if measures else tuple(m.key for m in MEASURES)
        columns = {key: COLUMN_OF[key] for key in wanted if key in COLUMN_OF}
        found: dict[Any, Figures] = {}
        whole_runs = self._runs_add_up
        if whole_runs:
            columns |= {key: key for key in wanted if key in {"runs", "odometer_runs"}}
        if self.by is SummedBy.PLACE and "places" in wanted:
            columns |= {"served": "served"}
        for key, numbers in self._sums(tuple(columns.values())):
            sums: dict[str, Number] = {
                name: numbers[column] for name, column in columns.items() if numbers[column]
            }
            for name in IN_TENTHS.intersection(sums):
                sums[name] = exact(name, numbers[name])
            distinct = {}
            if self.by is SummedBy.PLACE and sums.get("served"):
                distinct["places"] = {key}
            found.setdefault(key, Figures()).add_sums(sums, distinct)
        for measure in sorted(DISTINCT.intersection(wanted)):
            if measure == "places" and self.by is SummedBy.PLACE:
                continue
            if measure != "places" and whole_runs:
                continue
            for key, member in self._members(measure):
                found.setdefault(key, Figures()).add_sums({}, {measure: {member}})
        return found

    def total(self, measures: Iterable[str] | None = None) -> Figures:
        """Figures of all of it together."""
        return replace(self, by=SummedBy.NOTHING).figures(measures).get(None, Figures())

    def activities(self) -> ActivityFigures:
        """Activities by kind."""
        columns = [c for kind in ActivityKind for c in (times_column(kind), count_column(kind))]
        sums = dict.fromkeys(columns, 0)
        for _key, numbers in replace(self, by=SummedBy.NOTHING)._sums(tuple(columns)):
            for column in columns:
                sums[column] += numbers[column]
        return {kind: (sums[times_column(kind)], sums[count_column(kind)]) for kind in ActivityKind}

    @property
    def _runs_add_up(self) -> bool:
        """Whether each run is counted once where its first served visit is."""
        of_parts = self.filters.of_places or self.filters.audience
        return not of_parts and self.by not in {SummedBy.PLACE, SummedBy.AUDIENCE}

    def _sums(self, columns: Sequence[str]) -> Iterator[tuple[Any, Mapping[str, int]]]:
        """Key and sums of the columns, of each source that holds a part of the period."""
        audiences = [self.filters.audience]
        if self.by is SummedBy.AUDIENCE and not self.filters.audience:
            audiences = list(Audience)
        for where in self._sources(self._grain()):
            for audience in audiences:
                yield from self._sums_in(where, columns, audience)

    def _sums_in(
        self, where: _Source, columns: Sequence[str], audience: Audience | None
    ) -> Iterator[tuple[Any, Mapping[str, int]]]:
        key = self._key(where, audience)
        query = select(
            key.label("key"),
            func.count(),
            *(
                func.sum(_of_audience(where.table, column, audience)).label(column)
                for column in dict.fromkeys(columns)
            ),
        ).where(*where.conditions, *self._of_audience(where.table, audience))
        if self.by not in {SummedBy.NOTHING, SummedBy.AUDIENCE}:
            query = query.group_by(key)
        names = list(dict.fromkeys(columns))
        for row_key, rows_found, *numbers in db.session.execute(query):
            if rows_found:
                yield row_key, dict(zip(names, numbers, strict=True))

    def _members(self, measure: str) -> Iterator[tuple[Any, int]]:
        """Key and what is counted once of each key: places or runs with a served visit."""
        of_places = measure == "places"
        name = "place_id" if of_places else "run_id"
        # Sums of months know no places, and none know runs.
        grain = YEAR if of_places and self._may_use(YEAR) else None
        audiences = [self.filters.audience]
        if self.by is SummedBy.AUDIENCE and not self.filters.audience:
            audiences = list(Audience)
        for where in self._sources(grain):
            columns = where.table.c
            came = columns.by_odometer > 0 if measure == "odometer_runs" else columns.served > 0
            for audience in audiences:
                query = select(self._key(where, audience), columns[name]).where(
                    came, *where.conditions, *self._of_audience(where.table, audience)
                )
                yield from (tuple(row) for row in db.session.execute(query.distinct()))

    def _key(self, where: _Source, audience: Audience | None) -> ColumnElement[Any]:
        match self.by:
            case SummedBy.NOTHING:
                return literal(None)
            case SummedBy.AUDIENCE:
                return literal(audience.value if audience else None)
            case SummedBy.DAY:
                return where.day
            case _:
                return where.table.c[self.by.value]

    def _grain(self) -> str | None:
        """The coarsest sums that tell apart what is to be told apart."""
        of_places = self.filters.of_places or self.by is SummedBy.PLACE
        grain = YEAR if of_places else MONTH
        return grain if self._may_use(grain) else None

    def _may_use(self, grain: str) -> bool:
        if self.by is not SummedBy.DAY:
            return True
        return self.finest == PeriodKind.YEAR or grain == self.finest.value

    def _sources(self, grain: str | None) -> Iterator[_Source]:
        """Where the period's visits are: whole years or months as sums, the rest one by one."""
        whole, rest = cut_at_whole(self.period, grain)
        sums, counted = FIGURE_SUMS.c, VISIT_FIGURES.c
        if whole and grain:
            yield _Source(
                FIGURE_SUMS,
                sums.first_on,
                [
                    sums.organisation_id == self.organisation_id,
                    sums.grain == grain,
                    sums.first_on.between(whole[0], whole[1]),
                    *_of_dimensions(FIGURE_SUMS, self.filters),
                ],
            )
        # One by one: a database reads two ranges in one question by reading everything.
        for first, last in rest:
            yield _Source(
                VISIT_FIGURES,
                counted.day,
                [
                    counted.organisation_id == self.organisation_id,
                    counted.day.between(first, last),
                    *_of_dimensions(VISIT_FIGURES, self.filters),
                ],
            )

    @staticmethod
    def _of_audience(table: Table, audience: Audience | None) -> list[ColumnElement[bool]]:
        if table is FIGURE_SUMS:
            return [table.c.audience == (audience.value if audience else "")]
        return [table.c[attendance_key(audience)] > 0] if audience else []


@dataclass(frozen=True)
class _Source:
    table: Table
    day: ColumnElement[Any]
    conditions: Sequence[ColumnElement[bool]]


def _of_audience(table: Table, column: str, audience: Audience | None) -> ColumnElement[Any]:
    """A column as it is of one audience; sums are kept by audience and need no more."""
    if audience is None or table is FIGURE_SUMS:
        return table.c[column]
    if column == "attendance":
        return table.c[attendance_key(audience)]
    return literal(0) if column in _of_others(audience) else table.c[column]


def _of_others(audience: Audience) -> set[str]:
    """Measures of the other audiences' attendance."""
    return {attendance_key(other) for other in Audience if other is not audience}


def cut_at_whole(
    period: ReportingPeriod, grain: str | None
) -> tuple[tuple[date, date] | None, list[tuple[date, date]]]:
    """First days of the first and last whole part of the period, and the days beside them."""
    if grain is None:
        return None, [(period.first, period.last)]
    kind = PeriodKind(grain)
    begins = period_of(kind, period.first)
    first = begins.first if begins.first == period.first else begins.last + timedelta(days=1)
    ends = period_of(kind, period.last)
    last = ends.last if ends.last == period.last else ends.first - timedelta(days=1)
    if first > last:
        return None, [(period.first, period.last)]
    rest = [(period.first, first - timedelta(days=1)), (last + timedelta(days=1), period.last)]
    return (first, period_of(kind, last).first), [part for part in rest if part[0] <= part[1]]


def _of_dimensions(table: Table, filters: Filters) -> list[ColumnElement[bool]]:
    """Filters by van and place, which visits and sums both have."""
    columns = table.c
    found: list[ColumnElement[bool]] = []
    if filters.van_id:
        found.append(columns.van_id == filters.van_id)
    if filters.place_id:
        found.append(columns.place_id == filters.place_id)
    if filters.place_ids is not None:
        found.append(columns.place_id.in_(filters.place_ids))
    if filters.kind or filters.level:
        places = select(Place.id)
        if filters.kind:
            places = places.where(Place.kind == filters.kind)
        if filters.level:
            places = places.where(Place.level == filters.level)
        found.append(columns.place_id.in_(places))
    if filters.unit_id:
        found.append(columns.place_id.in_(places_inside(filters.unit_id)))
    return found


def exact(key: str, value: int) -> Number:
    """What a column holds, as the measure's own unit."""
    return Decimal(int(value)) / 10 if key in IN_TENTHS else int(value)
