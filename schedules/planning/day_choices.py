"""From how often a stop is visited to the sets of days that it may have together.

Every choice is a regular pattern (all its rotations are tried, the weekday kept) or one that is
moved a little around days off. What a choice lacks in evenness it has as a price in metres.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import groupby, pairwise
from operator import attrgetter

from ..calendar import ALL_WEEKDAYS
from ..recurrence import Recurrence, monthly_rule, summarise
from .problem import DayChoice

# Beyond this many choices a stop gains little and the search loses time.
MOST_CHOICES = 60
# Moved visits stay at least this share of their regular distance from their neighbours.
NEAREST_SHARE = 0.6
DAYS_OF_A_PERIOD = {"daily": 1, "weekly": 7, "monthly": 28, "yearly": 364, "once": 1}


@dataclass(frozen=True)
class EveryWeeks:
    """Once every so many weeks; any weekday, but the same each time."""

    weeks: int


@dataclass(frozen=True)
class TimesInAll:
    """So many visits from the first day to the last, as evenly as the days allow."""

    times: int


@dataclass(frozen=True)
class OnRule:
    """On the very dates of a rule."""

    recurrence: Recurrence


@dataclass(frozen=True)
class AsOftenAsRule:
    """In a rule's pattern, on whichever weekday and in whichever week suits."""

    recurrence: Recurrence


Frequency = EveryWeeks | TimesInAll | OnRule | AsOftenAsRule


@dataclass(frozen=True)
class AllowedDays:
    """Which days are allowed, and how near to and far from each other visits may be.

    ``only`` names dates, all others being closed. ``previous`` is the last visit before the first
    day, from which the first gap counts. A visit whose regular day is closed moves to the nearest
    open one within ``reach_days``, or falls out.
    """

    weekdays: frozenset[int] = ALL_WEEKDAYS
    only: frozenset[date] | None = None
    off: frozenset[date] = frozenset()
    least_gap_days: int = 1
    longest_gap_days: int | None = None
    previous: date | None = None
    reach_days: int = 3

    def allows(self, day: date) -> bool:
        """Whether a visit may fall on this day."""
        named = self.only is None or day in self.only
        return named and day.weekday() in self.weekdays and day not in self.off


@dataclass(frozen=True)
class ChoicePrices:
    """Metres one would rather drive than have a visit a day off its regular distance, have one
    visit fewer than the pattern's fullest rotation, or see a visit leave the present timetable."""

    uneven_m_per_day: float = 500.0
    fewer_visit_m: float = 10_000.0
    moved_visit_m: float = 0.0


class NoChoice(StrEnum):
    """Why no set of days can be offered."""

    NOT_A_FREQUENCY = "not_a_frequency"
    NO_DAY_ALLOWED = "no_day_allowed"
    RULE_HAS_NO_DATES = "rule_has_no_dates"
    CYCLE_DOES_NOT_FIT = "cycle_does_not_fit"
    TOO_FEW_DAYS = "too_few_days"
    GAPS_CANNOT_HOLD = "gaps_cannot_hold"


@dataclass(frozen=True)
class DayChoices:
    """Choices, the cheapest first; ``problem`` tells why there are none."""

    choices: tuple[DayChoice, ...]
    problem: NoChoice | None = None


def day_choices(
    days: Sequence[date],
    frequency: Frequency,
    allowed: AllowedDays = AllowedDays(),
    prices: ChoicePrices = ChoicePrices(),
    *,
    cycle_days: int | None = None,
    present: Iterable[int] = (),
    limit: int = MOST_CHOICES,
    spread: int = 0,
) -> DayChoices:
    """At most ``limit`` choices of a stop, as indices into ``days`` (dates in order).

    With ``cycle_days`` the days come round again after so many: the gap from the last visit to the
    first of the next cycle then counts as any other. ``present`` are the indices of the stop's
    days in the present timetable: a choice of exactly these is kept, and each visit elsewhere costs
    ``prices.moved_visit_m``. Where a limit leaves out choices of one price, stops of different
    ``spread`` keep different ones, so that no day is lost to all. Never raises: a frequency that
    cannot be held has a ``problem``.
    """
    if not days:
        return DayChoices((), NoChoice.NO_DAY_ALLOWED)
    horizon = _Horizon(tuple(days), cycle_days, allowed)
    found = _found(horizon, frequency)
    if isinstance(found, NoChoice):
        return DayChoices((), found)
    index = {(day - days[0]).days: i for i, day in enumerate(days)}
    present_days = frozenset(present)
    priced = [
        _priced(pattern, index, prices, present_days, fullest=max(len(p.offsets) for p in found))
        for pattern in found
    ]
    cheapest: dict[tuple[int, ...], float] = {}
    for choice in priced:
        price = cheapest.get(choice.days)
        cheapest[choice.days] = choice.price_m if price is None else min(price, choice.price_m)
    unique = sorted(
        (DayChoice(days, price) for days, price in cheapest.items()),
        key=lambda choice: (choice.price_m, choice.days),
    )
    return DayChoices(_thinned(unique, tuple(sorted(present_days)), limit, spread))


def choices_holding(
    choices: Sequence[DayChoice],
    locked: Sequence[int],
    days: Sequence[date],
    prices: ChoicePrices = ChoicePrices(),
) -> tuple[DayChoice, ...]:
    """The choices with each locked day in the place of its nearest other one, at its distance's
    price; without any choice the locked days alone."""
    if not locked:
        return tuple(choices)
    holding = [_holding(locked, choice, days, prices) for choice in choices]
    cheapest: dict[tuple[int, ...], DayChoice] = {}
    for choice in sorted(holding, key=lambda one: one.price_m):
        cheapest.setdefault(choice.days, choice)
    return tuple(cheapest.values()) or (DayChoice(tuple(sorted(locked))),)


def _holding(
    locked: Sequence[int], choice: DayChoice, days: Sequence[date], prices: ChoicePrices
) -> DayChoice:
    kept = [day for day in choice.days if day not in locked]
    price = choice.price_m
    for lock in locked:
        if lock in choice.days or not kept:
            continue
        apart = {day: abs((days[day] - days[lock]).days) for day in kept}
        nearest = min(kept, key=lambda day: apart[day])
        price += prices.uneven_m_per_day * apart[nearest]
        kept.remove(nearest)
    return DayChoice(tuple(sorted({*kept, *locked})), price)


@dataclass(frozen=True)
class _Pattern:
    """Days after the first one, and by how many days in all they miss evenness."""

    offsets: tuple[int, ...]
    uneven_days: float


@dataclass(frozen=True)
class _Horizon:
    days: tuple[date, ...]
    cycle_days: int | None
    allowed: AllowedDays
    open: tuple[int, ...] = field(init=False)
    span: int = field(init=False)

    def __post_init__(self) -> None:
        first = self.days[0]
        opened = tuple((day - first).days for day in self.days if self.allowed.allows(day))
        object.__setattr__(self, "open", opened)
        # A term of Mondays to Fridays ends on a Sunday.
        weeks = (self.days[-1] - first).days // 7 + 1
        object.__setattr__(self, "span", self.cycle_days or 7 * weeks)

    def gaps(self, offsets: Sequence[int]) -> list[int]:
        """Between neighbouring visits, from the one before all, and round to the next cycle."""
        gaps = [later - earlier for earlier, later in pairwise(offsets)]
        if self.cycle_days:
            gaps.append(offsets[0] + self.cycle_days - offsets[-1])
        elif self.allowed.previous is not None:
            gaps.append((self.days[0] - self.allowed.previous).days + offsets[0])
        return gaps

    def gaps_hold(self, offsets: Sequence[int]) -> bool:
        longest = self.allowed.longest_gap_days
        return all(
            self.allowed.least_gap_days <= gap and (longest is None or gap <= longest)
            for gap in self.gaps(offsets)
        )


@lru_cache(maxsize=512)
def _found(horizon: _Horizon, frequency: Frequency) -> tuple[_Pattern, ...] | NoChoice:
    """Every pattern whose gaps hold; many stops share a frequency and its days."""
    if not horizon.open:
        return NoChoice.NO_DAY_ALLOWED
    if isinstance(frequency, TimesInAll):
        return _even_patterns(horizon, frequency.times)
    targets = _rotations(horizon, frequency)
    if isinstance(targets, NoChoice):
        return targets
    settled = [
        pattern
        for offsets in targets
        for towards in (-1, 1)
        if (pattern := _settled(horizon, offsets, towards)) is not None
    ]
    if not settled:
        return NoChoice.NO_DAY_ALLOWED
    held = tuple(pattern for pattern in settled if horizon.gaps_hold(pattern.offsets))
    return held or NoChoice.GAPS_CANNOT_HOLD


def _rotations(
    horizon: _Horizon, frequency: EveryWeeks | OnRule | AsOftenAsRule
) -> list[tuple[int, ...]] | NoChoice:
    """The regular patterns, before closed days are looked at."""
    if isinstance(frequency, EveryWeeks):
        period = 7 * frequency.weeks
        if period < 1:
            return NoChoice.NOT_A_FREQUENCY
        if horizon.cycle_days and horizon.cycle_days % period:
            return NoChoice.CYCLE_DOES_NOT_FIT
        starts = range(min(period, horizon.span))
        return [tuple(range(start, horizon.span, period)) for start in starts]
    rule = frequency.recurrence
    if isinstance(frequency, OnRule):
        found = [_offsets(horizon, rule, 0)]
    else:
        found = list(_like_rule(horizon, rule))
    return [offsets for offsets in found if offsets] or NoChoice.RULE_HAS_NO_DATES


def _like_rule(horizon: _Horizon, rule: Recurrence) -> Iterator[tuple[int, ...]]:
    summary = summarise(rule.rule, rule.start)
    ordinals = [(o, w) for o, w in summary.weekdays if o is not None]
    if summary.frequency == "monthly" and ordinals and not summary.others:
        yield from _like_monthly_rule(horizon, rule, ordinals, summary.interval)
        return
    period = DAYS_OF_A_PERIOD[summary.frequency] * summary.interval
    for shift in range(min(period, horizon.span)):
        yield _offsets(horizon, rule, shift)


def _like_monthly_rule(
    horizon: _Horizon, rule: Recurrence, ordinals: list[tuple[int, int]], interval: int
) -> Iterator[tuple[int, ...]]:
    """The second and fourth Tuesday may become the first and third Friday."""
    for week in range(4):
        for shift in range(7):
            moved = sorted(
                ((o - 1 + week) % 4 + 1 if o > 0 else o, (w + shift) % 7) for o, w in ordinals
            )
            text = monthly_rule(moved) + f";INTERVAL={interval}"
            start = rule.start.replace(day=1)
            yield _offsets(horizon, Recurrence(text, start, rule.end), 0)


def _offsets(horizon: _Horizon, rule: Recurrence, shift: int) -> tuple[int, ...]:
    first = horizon.days[0]
    last = first + timedelta(days=horizon.span - 1)
    by = timedelta(days=shift)
    return tuple((day + by - first).days for day in rule.dates(first - by, last - by))


def _settled(horizon: _Horizon, targets: Sequence[int], towards: int) -> _Pattern | None:
    """The pattern on open days: a closed one gives way to the nearest, ``towards`` first.

    A visit that would come too near to its neighbours falls out instead.
    """
    open_days = frozenset(horizon.open)
    settled: list[int] = []
    missed = 0
    for i, target in enumerate(targets):
        nearby = [target]
        for distance in range(1, horizon.allowed.reach_days + 1):
            nearby += [target + towards * distance, target - towards * distance]
        earliest, latest = 0, targets[-1] + horizon.allowed.reach_days
        if settled:
            apart = NEAREST_SHARE * (target - targets[i - 1])
            earliest = settled[-1] + max(1, horizon.allowed.least_gap_days, math.ceil(apart))
        if i + 1 < len(targets):
            latest = targets[i + 1] - math.ceil(NEAREST_SHARE * (targets[i + 1] - target))
        offset = next((o for o in nearby if o in open_days and earliest <= o <= latest), None)
        if offset is not None:
            settled.append(offset)
            missed += abs(offset - target)
    return _Pattern(tuple(settled), float(missed)) if settled else None


def _even_patterns(horizon: _Horizon, times: int) -> tuple[_Pattern, ...] | NoChoice:
    """For each first day the most even completion: on its weekday, and on whichever weekdays."""
    if times < 1:
        return NoChoice.NOT_A_FREQUENCY
    if times > len(horizon.open):
        return NoChoice.TOO_FEW_DAYS
    first = horizon.days[0].weekday()
    found: list[_Pattern] = []
    for reach in (7, horizon.span):
        for start in horizon.open:
            if start >= horizon.span / times and reach == 7:
                break
            same = tuple(o for o in horizon.open if (o - start) % 7 == 0)
            for open_days in (same, horizon.open):
                pattern = _most_even(horizon, times, start, open_days, reach)
                if pattern is not None:
                    found.append(pattern)
        if found:
            return tuple(sorted(set(found), key=lambda p: (p.uneven_days, first, p.offsets)))
    return NoChoice.GAPS_CANNOT_HOLD


def _most_even(
    horizon: _Horizon, times: int, start: int, open_days: Sequence[int], reach: int
) -> _Pattern | None:
    """The visits from ``start`` on whose gaps differ least from the ideal, each within ``reach``
    of where it belongs. Dynamic programming over the visits: what is best up to a day does not
    depend on how one goes on."""
    ideal = horizon.span / times
    best: dict[int, tuple[float, tuple[int, ...]]] = {start: (0.0, (start,))}
    for visit in range(1, times):
        target = start + visit * ideal
        reached: dict[int, tuple[float, tuple[int, ...]]] = {}
        for day in open_days:
            if abs(day - target) > reach:
                continue
            ways = [
                (cost + abs(day - earlier - ideal), (*path, day))
                for earlier, (cost, path) in best.items()
                if earlier < day and _gap_holds(horizon.allowed, day - earlier)
            ]
            if ways:
                reached[day] = min(ways)
        best = reached
    return min(
        (
            _Pattern(path, round(sum(abs(gap - ideal) for gap in horizon.gaps(path)), 6))
            for _, path in best.values()
            if horizon.gaps_hold(path)
        ),
        key=lambda pattern: (pattern.uneven_days, pattern.offsets),
        default=None,
    )


def _gap_holds(allowed: AllowedDays, gap: int) -> bool:
    longest = allowed.longest_gap_days
    return gap >= allowed.least_gap_days and (longest is None or gap <= longest)


def _priced(
    pattern: _Pattern,
    index: dict[int, int],
    prices: ChoicePrices,
    present: frozenset[int],
    fullest: int,
) -> DayChoice:
    days = tuple(index[offset] for offset in pattern.offsets)
    price = prices.uneven_m_per_day * pattern.uneven_days
    price += prices.fewer_visit_m * (fullest - len(days))
    if present:
        price += prices.moved_visit_m * sum(day not in present for day in days)
    return DayChoice(days, round(price, 3))


def _thinned(
    choices: Sequence[DayChoice], present: tuple[int, ...], limit: int, spread: int
) -> tuple[DayChoice, ...]:
    """The cheapest, and of those that cost the same an even selection; the present ones always."""
    if len(choices) <= limit:
        return tuple(choices)
    kept = [choice for choice in choices if choice.days == present][:limit]
    others = [choice for choice in choices if choice.days != present]
    for _, group in groupby(others, key=attrgetter("price_m")):
        equals = list(group)
        room = min(limit - len(kept), len(equals))
        at = ((i * len(equals)) // room + spread for i in range(room))
        kept += [equals[i % len(equals)] for i in at]
    return tuple(sorted(kept, key=lambda choice: (choice.price_m, choice.days)))
