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
    NINE_MONTHS = "nine_months"
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

    def a_year_before(self) -> ReportingPeriod:
        """The same days of the year before; a leap day is left out."""
        first = _year_before(self.first)
        last = _year_before(self.last)
        if self.last == _last_of_month(self.last):
            last = _last_of_month(last)
        return ReportingPeriod(self.kind, first, last)

    def after(self) -> ReportingPeriod:
        """The period of the same kind that begins the day after this one ends.

        After the first nine months of a year come those of the next.
        """
        if self.kind == PeriodKind.NINE_MONTHS:
            return period_of(self.kind, date(self.first.year + 1, 1, 1))
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
    if kind == PeriodKind.NINE_MONTHS:
        return ReportingPeriod(kind, date(day.year, 1, 1), date(day.year, 9, 30))
    length = _MONTHS[kind]
    first_month = SCHOOL_YEAR_MONTH if kind == PeriodKind.SCHOOL_YEAR else 1
    offset = (day.month - first_month) % 12 % length
    first = _shifted(day.replace(day=1), -offset)
    end = _shifted(first, length - 1)
    return ReportingPeriod(kind, first, end.replace(day=monthrange(end.year, end.month)[1]))


def closed_period(kind: PeriodKind, day: date, closing_day: int | None) -> ReportingPeriod:
    """The period that the day lies in where months close on a day of their own.

    Administrative reports often close in the middle of a month: with ``closing_day`` 14, March runs
    from 15 February to 14 March, and the year from 15 December to 14 December. None closes months
    on their last day. Periods of days and weeks do not ask for it; of a nine months' period, later
    days of the year belong to it too.
    """
    if closing_day is None or kind not in {*_MONTHS, PeriodKind.NINE_MONTHS}:
        return period_of(kind, day)
    # A day after its month's closing belongs to the month that follows.
    closes = day if day.day <= closing_day else _shifted(day.replace(day=1), 1)
    whole = period_of(kind, closes.replace(day=1))
    before = _shifted(whole.first, -1)
    first = _closing(before, closing_day) + timedelta(days=1)
    return ReportingPeriod(kind, first, _closing(whole.last.replace(day=1), closing_day))


def _closing(first_of_month: date, closing_day: int) -> date:
    return first_of_month.replace(day=min(closing_day, _last_of_month(first_of_month).day))


def _last_of_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def _year_before(day: date) -> date:
    last = monthrange(day.year - 1, day.month)[1]
    return day.replace(year=day.year - 1, day=min(day.day, last))


def custom_period(first: date, last: date) -> ReportingPeriod:
    """Any dates; turned round when they come the wrong way."""
    return ReportingPeriod(PeriodKind.CUSTOM, min(first, last), max(first, last))


def _shifted(first_of_month: date, months: int) -> date:
    index = first_of_month.year * 12 + first_of_month.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)
