"""What a report to the department says: figures, comparisons, tables and sentences of a period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select

from schedules.periods import PeriodKind, ReportingPeriod, closed_period

from ..accounts.models import Organisation
from ..counting.definitions import BY_KEY
from ..counting.figures import Figures, SumsOf, cancelled_by_reason
from ..database import db
from ..events.models import Donation, GiftKind, SpecialEvent
from ..i18n import format_day, format_number
from ..indicators.catalogue import INDICATORS
from ..indicators.progress import Progress, progress_in, values_in
from ..statistics.groups import Grouping
from .models import DepartmentReport

# Figures of the table, in the order in which departments ask for them.
MEASURES = (
    "runs",
    "served",
    "places",
    "attendance",
    "items_served",
    "loans",
    "on_site",
    "cards",
    "activities",
    "activity_people",
    "internet",
    "ebook_accounts",
    "trained",
    "books_given",
    "km_driven",
)
BESIDE = ("rotations", "rotated_copies", "books_donated")
GROUP_MEASURES = ("served", "attendance", "loans", "on_site")
# Groups with the largest attendance are drawn; more would not be legible on paper.
_CHARTED = 12


@dataclass(frozen=True)
class FigureLine:
    """A figure of the period, of the same period a year before, and the change."""

    name: str
    unit: str
    value: Any
    before: Any

    @property
    def change(self) -> str:
        """The change in per cent; a dash where there was nothing before."""
        if not self.before:
            return "–"
        share = (float(self.value) - float(self.before)) / float(self.before) * 100
        return f"{format_number(round(share, 1))} %"


@dataclass(frozen=True)
class ReportContent:
    """Everything that a template may write."""

    report: DepartmentReport
    library: Organisation
    period: ReportingPeriod
    figures: Mapping[str, Any]
    lines: Sequence[FigureLine]
    groups: Sequence[tuple[str, Sequence[Any]]]
    grouping: str
    targets: Sequence[Progress]
    events: Sequence[str]
    donations: Sequence[str]
    reasons: Sequence[tuple[str, int]]

    @property
    def charted(self) -> list[tuple[str, float]]:
        """Groups with their attendance, the largest first."""
        at = GROUP_MEASURES.index("attendance")
        bars = [(name, float(values[at])) for name, values in self.groups]
        return sorted(bars, key=lambda bar: -bar[1])[:_CHARTED]


def period_of_report(report: DepartmentReport, day: date) -> ReportingPeriod:
    """The report's period that the day lies in."""
    return closed_period(report.period, day, report.closing_day)


def content_of(report: DepartmentReport, period: ReportingPeriod, today: date) -> ReportContent:
    """What the report says of the period."""
    library = db.session.get_one(Organisation, report.organisation_id)
    this = _figures(library.id, period)
    before = _figures(library.id, period.a_year_before())
    grouping = Grouping(report.grouping, period, library.id)
    grouping.fill(SumsOf(library.id, period).filters, GROUP_MEASURES)
    names = {**{i.key: i for i in INDICATORS}, **BY_KEY}
    lines = [
        FigureLine(str(names[key].name), str(names[key].unit), this[key], before[key])
        for key in (*MEASURES, *BESIDE)
    ]
    groups = [
        (group.name, [group.figures[key] for key in GROUP_MEASURES])
        for group in grouping.groups()
        if group.figures["served"]
    ]
    return ReportContent(
        report=report,
        library=library,
        period=period,
        figures=this,
        lines=lines,
        groups=groups,
        grouping=grouping.name,
        targets=[
            line
            for line in progress_in(
                library.id, period.last.year, min(today, period.last), with_target_only=True
            )
            if line.target and not line.target.unit_id
        ],
        events=_events(library.id, period),
        donations=_donations(library.id, period),
        reasons=[
            (reason or _("No reason given"), count)
            for reason, count in cancelled_by_reason(library.id, period)
        ],
    )


def period_in_words(report: DepartmentReport, period: ReportingPeriod) -> str:
    """The period as the title of a report names it."""
    month, year = period.last.month, period.last.year
    match report.period:
        case PeriodKind.MONTH:
            return _("month %(month)s of %(year)s", month=month, year=year)
        case PeriodKind.QUARTER:
            roman = ("I", "II", "III", "IV")[(month - 1) // 3]
            return _("quarter %(number)s of %(year)s", number=roman, year=year)
        case PeriodKind.HALF_YEAR if month <= 6:
            return _("first half of %(year)s", year=year)
        case PeriodKind.HALF_YEAR:
            return _("second half of %(year)s", year=year)
        case PeriodKind.NINE_MONTHS:
            return _("first nine months of %(year)s", year=year)
        case PeriodKind.SCHOOL_YEAR:
            return _("school year %(first)s–%(last)s", first=year - 1, last=year)
        case PeriodKind.YEAR:
            return _("year %(year)s", year=year)
        case _:
            return f"{format_day(period.first)} – {format_day(period.last)}"


def _figures(organisation_id: int, period: ReportingPeriod) -> dict[str, Any]:
    sums: Figures = SumsOf(organisation_id, period).total()
    beside = values_in(organisation_id, period, [one for one in INDICATORS if one.key in BESIDE])
    return {**{key: sums[key] for key in BY_KEY}, **beside}


def _events(organisation_id: int, period: ReportingPeriod) -> list[str]:
    query = (
        select(SpecialEvent)
        .where(
            SpecialEvent.organisation_id == organisation_id,
            SpecialEvent.planned_on.between(period.first, period.last),
        )
        .order_by(SpecialEvent.planned_on, SpecialEvent.id)
    )
    return [
        f"{format_day(event.day)}: {event.title} ({event.place.name})"
        for event in db.session.scalars(query)
    ]


def _donations(organisation_id: int, period: ReportingPeriod) -> list[str]:
    query = (
        select(Donation.kind, func.sum(Donation.quantity), func.sum(Donation.value_vnd))
        .where(
            Donation.organisation_id == organisation_id,
            Donation.received_on.between(period.first, period.last),
        )
        .group_by(Donation.kind)
    )
    found = {kind: (int(pieces), int(value)) for kind, pieces, value in db.session.execute(query)}
    return [
        _(
            "%(kind)s: %(pieces)s, worth %(value)s VND",
            kind=kind.label,
            pieces=format_number(found[kind][0]),
            value=format_number(found[kind][1]),
        )
        for kind in GiftKind
        if kind in found
    ]
