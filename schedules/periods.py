"""Reporting periods: their days, the one before, the one after, and buckets for a chart."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

# A Vietnamese school year opens in September.
SCHOOL_YEAR_MONTH = 9


class PeriodKind(StrEnum):
    """How long a period is."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    HALF_YEAR = "half_year"
    YEAR = "year"
    SCHOOL_YEAR = "school_year"
    CUSTOM = "custom"


# Beyond three years, bars of months are too thin to be read.
_MOST_DAYS_BY_MONTH = 3 * 366

_MONTHS = {
    PeriodKind.MONTH: 1,
    PeriodKind.QUARTER: 3,
    PeriodKind.HALF_YEAR: 6,
    PeriodKind.YEAR: 12,
    PeriodKind.SCHOOL_YEAR: 12,
}


@dataclass(frozen=True)
class Comparison:
    """Days that are compared with each other: as many of this period as of the one before.

    ``first_days`` is how many first days of each are taken while this one is still running;
    None when both are whole.
    """

    this: ReportingPeriod
    before: ReportingPeriod
    first_days: int | None = None


@dataclass(frozen=True)
class ReportingPeriod:
    """From the first day to the last, both included."""

    kind: PeriodKind
    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    def before(self) -> ReportingPeriod:
        """The period of the same kind that ends the day before this one begins.

        For any dates: as many days.
        """
        if self.kind == PeriodKind.CUSTOM:
            last = self.first - timedelta(days=1)
            return ReportingPeriod(self.kind, last - timedelta(days=self.days - 1), last)
        return period_of(self.kind, self.first - timedelta(days=1))

    def after(self) -> ReportingPeriod:
        """The period of the same kind that begins the day after this one ends."""
        if self.kind == PeriodKind.CUSTOM:
            first = self.last + timedelta(days=1)
            return ReportingPeriod(self.kind, first, first + timedelta(days=self.days - 1))
        return period_of(self.kind, self.last + timedelta(days=1))

    def comparison(self, today: date) -> Comparison:
        """What to compare it with: the period before, or its first days while this one runs."""
        before = self.before()
        if not self.first <= today < self.last:
            return Comparison(self, before)
        days = min((today - self.first).days + 1, before.days)
        return Comparison(self._first_days(days), before._first_days(days), days)

    def _first_days(self, days: int) -> ReportingPeriod:
        return custom_period(self.first, self.first + timedelta(days=days - 1))

    def buckets(self) -> list[ReportingPeriod]:
        """The period cut into days (up to a month), weeks (up to a quarter), months or years."""
        kind = PeriodKind.MONTH
        if self.days > _MOST_DAYS_BY_MONTH:
            kind = PeriodKind.YEAR
        elif self.days <= 31:
            kind = PeriodKind.DAY
        elif self.days <= 100:
            kind = PeriodKind.WEEK
        found = []
        day = self.first
        while day <= self.last:
            whole = period_of(kind, day)
            last = min(whole.last, self.last)
            found.append(ReportingPeriod(kind, day, last))
            day = last + timedelta(days=1)
        return found


def period_of(kind: PeriodKind, day: date) -> ReportingPeriod:
    """The period of this kind that the day lies in; any dates are that day alone."""
    if kind in {PeriodKind.DAY, PeriodKind.CUSTOM}:
        return ReportingPeriod(kind, day, day)
    if kind == PeriodKind.WEEK:
        monday = day - timedelta(days=day.weekday())
        return ReportingPeriod(kind, monday, monday + timedelta(days=6))
    length = _MONTHS[kind]
    first_month = SCHOOL_YEAR_MONTH if kind == PeriodKind.SCHOOL_YEAR else 1
    offset = (day.month - first_month) % 12 % length
    first = _shifted(day.replace(day=1), -offset)
    end = _shifted(first, length - 1)
    return ReportingPeriod(kind, first, end.replace(day=monthrange(end.year, end.month)[1]))


def custom_period(first: date, last: date) -> ReportingPeriod:
    """Any dates; turned round when they come the wrong way."""
    return ReportingPeriod(PeriodKind.CUSTOM, min(first, last), max(first, last))


def _shifted(first_of_month: date, months: int) -> date:
    index = first_of_month.year * 12 + first_of_month.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)
