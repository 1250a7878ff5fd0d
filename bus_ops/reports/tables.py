"""The flat tables that are exported: visits, loans, and groups with chosen columns.

No table names a reader. Loans tell the borrower's group, and not even that where so few of a group
borrowed at a visit that somebody might be known by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select, func, select

from schedules.periods import ReportingPeriod

from ..accounts.models import Organisation
from ..circulation.models import Copy, Loan, Title
from ..counting.definitions import BY_KEY, DISTINCT, MEASURES, Measure
from ..counting.figures import Filters, conditions, visit_rows
from ..counting.models import IN_TENTHS, VISIT_FIGURES
from ..database import db
from ..fleet.models import Van
from ..i18n import local
from ..places.models import AdministrativeUnit, Place, PlaceKind, SchoolLevel
from ..statistics.groups import Grouping
from ..statistics.questions import filters_in_words, period_text
from ..timetable.models import Audience, VisitStatus
from .formats import CellKind, Column, FlatTable

_ROWS_AT_ONCE = 5000
# Measures that a single visit has. Each is one that was planned.
_OF_A_VISIT = tuple(m for m in MEASURES if m.key not in {*DISTINCT, "planned"})


def about(period: ReportingPeriod, filters: Filters) -> list[tuple[str, str]]:
    """What a table is of, in words."""
    days = f"{period.first:%d/%m/%Y} – {period.last:%d/%m/%Y}"
    return [
        (_("Period"), period_text(period)),
        (_("Days"), days),
        *filters_in_words(filters),
    ]


def visits_table(organisation_id: int, period: ReportingPeriod, filters: Filters) -> FlatTable:
    """One row a visit with all its figures."""
    columns = [
        Column("visit", _("Visit no."), CellKind.WHOLE),
        Column("day", _("Day"), CellKind.DAY),
        Column("place", _("Place")),
        Column("kind", _("Kind of place")),
        Column("commune", _("Commune")),
        Column("van", _("Van")),
        Column("run", _("Run no."), CellKind.WHOLE),
        Column("status", _("Status")),
        Column("arrived", _("Arrived"), CellKind.MOMENT),
        Column("departed", _("Departed"), CellKind.MOMENT),
        *(_figure_column(measure) for measure in _OF_A_VISIT),
    ]
    labels = _labels()
    rows = (
        [
            row.visit_id,
            row.day,
            row.place,
            labels[row.level or row.kind],
            row.commune,
            row.van,
            row.run_id,
            labels[row.status],
            _naive(row.arrived_at),
            _naive(row.departed_at),
            *(row.figures.get(measure.key, 0) for measure in _OF_A_VISIT),
        ]
        for row in visit_rows(organisation_id, period, filters)
    )
    return FlatTable(
        _("Visits"), about(period, filters), columns, rows, definitions_of(_OF_A_VISIT)
    )


def loans_table(organisation_id: int, period: ReportingPeriod, filters: Filters) -> FlatTable:
    """One row a loan, without its reader."""
    columns = [
        Column("visit", _("Visit no."), CellKind.WHOLE),
        Column("day", _("Day"), CellKind.DAY),
        Column("place", _("Place")),
        Column("kind", _("Kind of place")),
        Column("commune", _("Commune")),
        Column("van", _("Van")),
        Column("group", _("Group of the borrower")),
        Column("title", _("Title")),
        Column("author", _("Author")),
        Column("subject", _("Subject")),
        Column("due", _("Due"), CellKind.DAY),
        Column("returned", _("Returned"), CellKind.DAY),
        Column("days_out", _("Days out"), CellKind.WHOLE),
        Column("renewals", _("Renewals"), CellKind.WHOLE),
    ]
    note = (_("Readers"), _("No loan names its reader."))
    return FlatTable(
        _("Loans"),
        [*about(period, filters), note],
        columns,
        _loan_rows(organisation_id, period, filters),
        definitions_of([BY_KEY["loans"], BY_KEY["renewals"]]),
    )


def count_loans(organisation_id: int, period: ReportingPeriod, filters: Filters) -> int:
    """How many rows the table of loans has."""
    counted = VISIT_FIGURES.c
    query = select(func.coalesce(func.sum(counted.loans), 0)).where(
        *conditions(organisation_id, period, filters)
    )
    return int(db.session.scalar(query) or 0)


def groups_table(
    name: str,
    grouping: Grouping,
    measures: Sequence[Measure],
    period: ReportingPeriod,
    filters: Filters,
) -> FlatTable:
    """One row a group with the chosen figures; the grouping is filled already."""
    first = Column("group", grouping.name)
    by_day = grouping.key == "time"
    if by_day:
        first = Column("from", _("From"), CellKind.DAY)
    columns = [first, *(_figure_column(measure) for measure in measures)]
    rows = [
        [
            group.bucket.first if by_day and group.bucket else group.name,
            *(group.figures[measure.key] for measure in measures),
        ]
        for group in grouping.groups()
    ]
    charted = measures[0].key if measures else None
    return FlatTable(name, about(period, filters), columns, rows, definitions_of(measures), charted)


def definitions_of(measures: Iterable[Measure]) -> list[tuple[str, str, str]]:
    """Name, unit and definition of measures."""
    return [(str(m.name), str(m.unit), str(m.definition)) for m in measures]


def _figure_column(measure: Measure) -> Column:
    kind = CellKind.TENTHS if measure.key in IN_TENTHS else CellKind.WHOLE
    return Column(measure.key, str(measure.name), kind)


def _loan_rows(
    organisation_id: int, period: ReportingPeriod, filters: Filters
) -> Iterator[Sequence[Any]]:
    library = db.session.get_one(Organisation, organisation_id)
    small = _small_groups(organisation_id, period, filters, library.smallest_group)
    communes = _communes(organisation_id)
    labels = _labels()
    query = _loans(organisation_id, period, filters)
    for part in db.session.execute(query.execution_options(yield_per=_ROWS_AT_ONCE)).partitions(
        _ROWS_AT_ONCE
    ):
        for row in part:
            group = row.audience
            told = group is not None and (row.visit_id, group) not in small
            returned = local(row.returned_at).date() if row.returned_at else None
            yield [
                row.visit_id,
                row.day,
                row.place,
                labels[row.level or row.kind],
                communes.get(row.commune_id, row.community),
                f"{row.operator} · {row.van}" if row.operator else row.van,
                labels[group] if told else "",
                row.title or "",
                row.author or "",
                row.subject or "",
                row.due_on,
                returned,
                (returned - local(row.lent_at).date()).days if returned else None,
                row.renewals,
            ]


def _loans(organisation_id: int, period: ReportingPeriod, filters: Filters) -> Select[Any]:
    counted = VISIT_FIGURES.c
    return (
        select(
            Loan.visit_id,
            counted.day,
            Place.name.label("place"),
            Place.kind,
            Place.level,
            Place.commune_id,
            Place.community,
            Van.name.label("van"),
            Van.operator,
            Loan.audience,
            Title.name.label("title"),
            Title.author,
            Title.subject,
            Loan.lent_at,
            Loan.due_on,
            Loan.returned_at,
            Loan.renewals,
        )
        .select_from(VISIT_FIGURES)
        .join(Loan, Loan.visit_id == counted.visit_id)
        .join(Place, Place.id == counted.place_id)
        .join(Van, Van.id == counted.van_id)
        .outerjoin(Copy, Copy.id == Loan.copy_id)
        .outerjoin(Title, Title.id == Copy.title_id)
        .where(*conditions(organisation_id, period, filters))
        .order_by(counted.day, counted.visit_id)
    )


def _small_groups(
    organisation_id: int, period: ReportingPeriod, filters: Filters, smallest: int
) -> set[tuple[int, Any]]:
    """Visit and group where fewer loans went to the group than may be told."""
    if smallest < 2:
        return set()
    counted = VISIT_FIGURES.c
    query = (
        select(Loan.visit_id, Loan.audience)
        .select_from(VISIT_FIGURES)
        .join(Loan, Loan.visit_id == counted.visit_id)
        .where(*conditions(organisation_id, period, filters), Loan.audience.is_not(None))
        .group_by(Loan.visit_id, Loan.audience)
        .having(func.count(Loan.card_number.distinct()) < smallest)
    )
    return {(visit_id, group) for visit_id, group in db.session.execute(query)}


def _communes(organisation_id: int) -> dict[int | None, str]:
    query = select(AdministrativeUnit.id, AdministrativeUnit.full_name).where(
        AdministrativeUnit.organisation_id == organisation_id
    )
    return dict(db.session.execute(query).all())


def _labels() -> dict[Any, str]:
    """Names of kinds and groups: a million rows need not look each up."""
    return {one: str(one.label) for one in (*SchoolLevel, *PlaceKind, *Audience, *VisitStatus)}


def _naive(moment: Any) -> Any:
    """Local time as spreadsheets write it, without its zone."""
    return local(moment).replace(tzinfo=None) if moment else None
