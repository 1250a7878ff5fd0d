"""Stops with their rules -> dated runs: what the van drives on which day."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import date

from .calendar import DayOff, ServiceCalendar
from .recurrence import Recurrence


@dataclass(frozen=True)
class RecurringStop:
    """A stop as its timetable repeats it; ``calendar`` None serves every day of the rule."""

    key: Hashable
    van_key: Hashable
    route_key: Hashable | None
    route_position: int
    recurrence: Recurrence
    calendar: ServiceCalendar | None = None


@dataclass(frozen=True)
class DatedRun:
    """One van on one day, on a named route or on none: its stops in the route's order."""

    van_key: Hashable
    route_key: Hashable | None
    day: date
    stop_keys: tuple[Hashable, ...]


@dataclass(frozen=True)
class SkippedDate:
    """A date of a stop's rule on which its calendar is closed."""

    stop_key: Hashable
    day: date
    off: DayOff


@dataclass(frozen=True)
class Expansion:
    """Dated runs in order of day, and the dates left out."""

    runs: tuple[DatedRun, ...]
    skipped: tuple[SkippedDate, ...]


def expand(stops: Iterable[RecurringStop], first: date, last: date) -> Expansion:
    """Every run from ``first`` to ``last``, both included, grouped by van, route and day."""
    grouped: dict[tuple[date, Hashable, Hashable | None], list[RecurringStop]] = {}
    skipped: list[SkippedDate] = []
    days_off: dict[tuple[int, date], DayOff | None] = {}
    for stop in stops:
        for day in stop.recurrence.dates(first, last):
            off = _day_off(stop.calendar, day, days_off)
            if off is not None:
                skipped.append(SkippedDate(stop.key, day, off))
                continue
            grouped.setdefault((day, stop.van_key, stop.route_key), []).append(stop)
    runs = [
        DatedRun(van, route, day, tuple(s.key for s in sorted(members, key=_in_route_order)))
        for (day, van, route), members in grouped.items()
    ]
    runs.sort(key=lambda run: (run.day, str(run.van_key), str(run.route_key)))
    return Expansion(tuple(runs), tuple(skipped))


def _in_route_order(stop: RecurringStop) -> tuple[int, str]:
    return stop.route_position, str(stop.key)


def _day_off(
    calendar: ServiceCalendar | None,
    day: date,
    known: dict[tuple[int, date], DayOff | None],
) -> DayOff | None:
    if calendar is None:
        return None
    key = (id(calendar), day)
    if key not in known:
        known[key] = calendar.day_off(day)
    return known[key]
