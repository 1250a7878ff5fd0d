"""Which dates the service runs: weekdays, public holidays, teaching periods, exams, closures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache

import holidays

ALL_WEEKDAYS = frozenset(range(7))
# The years the holidays package computes Tết for; outside it would silently answer nothing.
FIRST_YEAR, LAST_YEAR = 1901, 2100
_LUNAR_NEW_YEAR = "Tết Nguyên Đán"
_PUPILS_TET = timedelta(days=5)


class CalendarRangeError(ValueError):
    """A year for which public holidays are not known."""


class OffKind(StrEnum):
    """Why a day is off."""

    WEEKDAY = "weekday"
    PUBLIC_HOLIDAY = "public_holiday"
    CLOSURE = "closure"
    OUTSIDE_PERIOD = "outside_period"


@dataclass(frozen=True)
class Closure:
    """Days off (or, with ``opens``, days worked in spite of a weekend or holiday)."""

    first: date
    last: date
    reason: str
    opens: bool = False

    def covers(self, day: date) -> bool:
        """Whether the day lies within, both ends included."""
        return self.first <= day <= self.last


@dataclass(frozen=True)
class Period:
    """A teaching period."""

    first: date
    last: date
    name: str = ""


@dataclass(frozen=True)
class DayOff:
    """A day on which a calendar is closed, and why."""

    day: date
    kind: OffKind
    reason: str


@dataclass(frozen=True)
class ServiceCalendar:
    """The days a kind of stop can be served.

    A closure with ``opens`` wins over everything; then closures, teaching periods, public holidays
    of the country (two letters, None takes none) and weekdays (0 is Monday) are looked at.
    """

    name: str
    weekdays: frozenset[int] = ALL_WEEKDAYS
    country: str | None = None
    closures: tuple[Closure, ...] = ()
    periods: tuple[Period, ...] = ()
    language: str = "vi"

    def day_off(self, day: date) -> DayOff | None:
        """Why the day is off; None on an open day."""
        covering = [closure for closure in self.closures if closure.covers(day)]
        if any(closure.opens for closure in covering):
            return None
        if covering:
            return DayOff(day, OffKind.CLOSURE, covering[0].reason)
        if self.periods and not any(p.first <= day <= p.last for p in self.periods):
            return DayOff(day, OffKind.OUTSIDE_PERIOD, "")
        if self.country:
            name = public_holidays(self.country, day, day, self.language).get(day)
            if name is not None:
                return DayOff(day, OffKind.PUBLIC_HOLIDAY, name)
        if day.weekday() not in self.weekdays:
            return DayOff(day, OffKind.WEEKDAY, "")
        return None

    def open_days(self, first: date, last: date) -> list[date]:
        """Every open day from ``first`` to ``last``, both included."""
        days = (first + timedelta(days=n) for n in range((last - first).days + 1))
        return [day for day in days if self.day_off(day) is None]


def public_holidays(country: str, first: date, last: date, language: str = "vi") -> dict[date, str]:
    """Public holidays between two days, both included, by name.

    Raises CalendarRangeError for years outside 1901-2100 and for a country that is not known.
    """
    if first.year < FIRST_YEAR or last.year > LAST_YEAR:
        raise CalendarRangeError(f"{first.year}-{last.year}")
    found: dict[date, str] = {}
    for year in range(first.year, last.year + 1):
        found.update(_holidays_of_year(country, year, language))
    return {day: name for day, name in sorted(found.items()) if first <= day <= last}


def lunar_new_year(year: int) -> date:
    """The first day of the Vietnamese lunar year that begins in this year.

    Raises CalendarRangeError for years outside 1901-2100.
    """
    known = public_holidays("VN", date(year, 1, 1), date(year, 12, 31), "vi")
    return next(day for day, name in known.items() if name == _LUNAR_NEW_YEAR)


def pupils_tet_days_off(new_year: date) -> Closure:
    """What schools of Cần Thơ usually close around Tết: five days either side of new year's day.

    In 2026 (new year's day on 17 February) pupils were off from 12 to 22 February and staff from
    16 to 20; the city's own plan decides each year.
    """
    return Closure(new_year - _PUPILS_TET, new_year + _PUPILS_TET, "")


@lru_cache(maxsize=512)
def _holidays_of_year(country: str, year: int, language: str) -> dict[date, str]:
    try:
        known = holidays.country_holidays(country, years=year, language=language)
    except NotImplementedError:
        raise CalendarRangeError(country) from None
    return {day: str(name) for day, name in known.items() if day.year == year}
