"""Which stop of a timetable that is known already a row of a newer file speaks of.

A row need not look as it did: times, points and spellings get corrected. Rows are therefore matched
from the surest likeness to the loosest, and only where there is no second candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from geopy.distance import great_circle

from ..recurrence import summarise
from .mobile_library_csv import StopRow

# A corrected point lies within this distance; beyond it, the same name is another place.
NEAR_M = 2000

Known = TypeVar("Known", bound=Hashable)
Wanted = TypeVar("Wanted", bound=Hashable)


@dataclass(frozen=True)
class StopLook:
    """What tells one stop of a service from another; texts compare in small letters."""

    mobile: str
    route: str
    community: str
    stop: str
    lat: float | None
    lon: float | None
    arrival: int
    rule: str
    start: date

    @property
    def weekdays(self) -> tuple[int, ...]:
        """Weekdays of the rule, none where it keeps to dates; another weekday is another stop."""
        summary = summarise(self.rule, self.start)
        return tuple(sorted({weekday for _ordinal, weekday in summary.weekdays}))


def look_of(row: StopRow) -> StopLook:
    """How a row's stop looks."""
    return StopLook(
        mobile=row.mobile.casefold(),
        route=row.route.casefold(),
        community=row.community.casefold(),
        stop=row.stop.casefold(),
        lat=row.lat,
        lon=row.lon,
        arrival=row.arrival,
        rule=row.recurrence.rule,
        start=row.recurrence.start,
    )


def match_stops(
    known: Mapping[Known, StopLook], wanted: Mapping[Wanted, StopLook]
) -> dict[Wanted, Known]:
    """For each wanted stop that is known, which one it is; both are of one service."""
    left, free = dict(wanted), dict(known)
    found: dict[Wanted, Known] = {}
    for likeness in _LIKENESSES:
        for one, other in _pairs(free, left, likeness):
            found[other] = one
            del free[one], left[other]
    return found


@dataclass(frozen=True)
class _Likeness:
    """Stops with the same key are alike; ``in_order`` pairs several of them by their times."""

    key: Callable[[StopLook], Hashable | None]
    in_order: bool = False


def _route(look: StopLook) -> tuple[Hashable, ...]:
    return look.mobile, look.route, look.weekdays


def _place(look: StopLook) -> tuple[Hashable, ...]:
    return (*_route(look), look.community, look.stop, look.lat, look.lon)


def _point(look: StopLook) -> Hashable | None:
    if look.lat is None:
        return None
    return (*_route(look), look.lat, look.lon, look.arrival)


_LIKENESSES = (
    _Likeness(lambda look: (*_place(look), look.arrival, look.rule, look.start)),
    _Likeness(lambda look: (*_place(look), look.arrival)),
    _Likeness(lambda look: (*_place(look), look.rule, look.start)),
    # Morning and afternoon at one place, both corrected.
    _Likeness(_place, in_order=True),
    _Likeness(lambda look: (*_route(look), look.stop, look.arrival)),
    _Likeness(lambda look: (*_route(look), look.stop)),
    _Likeness(_point),
)


def _pairs(
    known: Mapping[Known, StopLook], wanted: Mapping[Wanted, StopLook], likeness: _Likeness
) -> list[tuple[Known, Wanted]]:
    ones, others = _grouped(known, likeness), _grouped(wanted, likeness)
    pairs = []
    for key in ones.keys() & others.keys():
        first, second = ones[key], others[key]
        alone = len(first) == len(second) == 1
        if alone or (likeness.in_order and len(first) == len(second)):
            pairs += [
                (one, other)
                for one, other in zip(first, second, strict=True)
                if _near(known[one], wanted[other])
            ]
    return pairs


def _grouped(looks: Mapping[Known, StopLook], likeness: _Likeness) -> dict[Hashable, list[Known]]:
    """Names by their key, each group in the order of the day."""
    groups: dict[Hashable, list[Known]] = {}
    for name in sorted(looks, key=lambda name: (looks[name].arrival, looks[name].start)):
        key = likeness.key(looks[name])
        if key is not None:
            groups.setdefault(key, []).append(name)
    return groups


def _near(one: StopLook, other: StopLook) -> bool:
    """Whether two points may be one; a point that is missing may be anywhere."""
    if one.lat is None or one.lon is None or other.lat is None or other.lon is None:
        return True
    if (one.lat, one.lon) == (other.lat, other.lon):
        return True
    distance: float = great_circle((one.lat, one.lon), (other.lat, other.lon)).meters
    return distance <= NEAR_M
