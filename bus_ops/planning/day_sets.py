"""Sets of days that grant a stop the frequency it wishes for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, timedelta
from itertools import combinations, pairwise
from math import comb

from ..timetable.frequency import Wish

# What one would rather drive than have a visit a day too early or too late.
UNEVEN_M_PER_DAY = 100.0
# Days of one week beyond this many are not combined in every way.
_MOST_COMBINATIONS = 40


def unevenness_m(wish: Wish, days: Sequence[date], before: date | None) -> float:
    """A price, in metres, of gaps that are longer or shorter than wished.

    ``before`` is the stop's last visit before the days that are planned.
    """
    known = [before, *days] if before is not None else list(days)
    if wish.times != 1 or wish.weeks is None or wish.monthly:
        return 0.0
    gaps = [(b - a).days for a, b in pairwise(known)]
    return UNEVEN_M_PER_DAY * sum(abs(gap - 7 * wish.weeks) for gap in gaps)


def day_sets(
    wish: Wish, allowed: Sequence[date], least: int, locked: Collection[date] = ()
) -> list[tuple[date, ...]]:
    """Every regular set of days that grants the wish, each holding the locked days.

    ``allowed`` are the days on which the stop can be served, in order. A day that is not allowed
    is replaced by the nearest one of its week. Sets with fewer days than ``least`` are left out
    where any has as many: a frequency is a promise, not a matter of where the weeks are counted
    from.
    """
    if not allowed:
        return []
    if wish.weeks is None:
        patterns = _spread(wish.times, allowed)
    elif wish.monthly:
        patterns = _monthly(wish.times, wish.weeks, allowed)
    else:
        patterns = _weekly(wish.times, wish.weeks, allowed)
    found = {_holding(locked, pattern) for pattern in patterns if pattern or locked}
    longest = max((len(days) for days in found), default=0)
    needed = max(min(least, longest), 1)
    return sorted(days for days in found if len(days) >= needed)


def _weekly(times: int, weeks: int, allowed: Sequence[date]) -> Iterable[tuple[date, ...]]:
    open_days = frozenset(allowed)
    weekdays = sorted({day.weekday() for day in allowed})
    times = min(times, len(weekdays))
    mondays = _mondays(allowed)
    for phase in range(min(weeks, len(mondays))):
        for chosen in _apart(weekdays, times):
            wanted = [
                monday + timedelta(days=weekday)
                for monday in mondays[phase::weeks]
                for weekday in chosen
            ]
            yield _nearest_open(wanted, open_days)


def _monthly(times: int, months: int, allowed: Sequence[date]) -> Iterable[tuple[date, ...]]:
    """The same weekdays of the same weeks of each month (the first four)."""
    open_days = frozenset(allowed)
    firsts = sorted({day.replace(day=1) for day in allowed})
    places = [(week, weekday) for week in range(4) for weekday in range(7)]
    usable = [
        place for place in places if any(_in_month(first, *place) in open_days for first in firsts)
    ]
    for phase in range(min(months, len(firsts))):
        for chosen in _evenly_in_month(usable, times):
            wanted = [
                _in_month(first, week, weekday)
                for first in firsts[phase::months]
                for week, weekday in chosen
            ]
            yield _nearest_open(wanted, open_days)


def _spread(times: int, allowed: Sequence[date]) -> Iterable[tuple[date, ...]]:
    """``times`` days, as evenly as the allowed ones lie, from each possible first day on."""
    if times <= 0:
        return
    if times == 1:
        yield from ((day,) for day in allowed)
        return
    step = ((allowed[-1] - allowed[0]).days + 1) / times
    for first in allowed:
        if (first - allowed[0]).days >= step:
            return
        wanted = [first + timedelta(days=round(step * number)) for number in range(times)]
        days = {min(allowed, key=lambda day, w=wish: (abs((day - w).days), day)) for wish in wanted}  # type: ignore[misc]
        yield tuple(sorted(days))


def _mondays(allowed: Sequence[date]) -> list[date]:
    first = allowed[0] - timedelta(days=allowed[0].weekday())
    weeks = (allowed[-1] - first).days // 7 + 1
    return [first + timedelta(weeks=number) for number in range(weeks)]


def _apart(weekdays: Sequence[int], times: int) -> Iterable[tuple[int, ...]]:
    """Combinations of weekdays; where there are too many, those that lie apart."""
    every = combinations(weekdays, times)
    if comb(len(weekdays), times) <= _MOST_COMBINATIONS:
        return every
    return sorted(every, key=_closest_gap, reverse=True)[:_MOST_COMBINATIONS]


def _closest_gap(chosen: Sequence[int]) -> int:
    return min((b - a for a, b in pairwise(chosen)), default=7)


def _evenly_in_month(
    places: Sequence[tuple[int, int]], times: int
) -> Iterable[tuple[tuple[int, int], ...]]:
    """The same weekday in weeks that lie apart."""
    weeks = {1: [(0,), (1,), (2,), (3,)], 2: [(0, 2), (1, 3)], 3: [(0, 1, 2), (1, 2, 3)]}
    for pattern in weeks.get(times, [(0, 1, 2, 3)]):
        for weekday in range(7):
            chosen = tuple((week, weekday) for week in pattern)
            if all(place in places for place in chosen):
                yield chosen


def _in_month(first: date, week: int, weekday: int) -> date:
    offset = (weekday - first.weekday()) % 7
    return first + timedelta(days=offset + 7 * week)


def _nearest_open(wanted: Iterable[date], open_days: Collection[date]) -> tuple[date, ...]:
    """Each day, or the nearest open one of its week (none where the whole week is closed)."""
    found: set[date] = set()
    for day in wanted:
        monday = day - timedelta(days=day.weekday())
        week = [monday + timedelta(days=n) for n in range(7)]
        free = [d for d in week if d in open_days and d not in found]
        if free:
            found.add(min(free, key=lambda d, near=day: (abs((d - near).days), d)))  # type: ignore[misc]
    return tuple(sorted(found))


def _holding(locked: Collection[date], days: tuple[date, ...]) -> tuple[date, ...]:
    """The set with each locked day in the place of the nearest other one."""
    kept = [day for day in days if day not in locked]
    for lock in sorted(set(locked) - set(days)):
        if kept:
            kept.remove(min(kept, key=lambda day, near=lock: abs((day - near).days)))  # type: ignore[misc]
    return tuple(sorted({*kept, *locked}))
