"""An ordered day -> arrivals and departures, waiting, lunch, missed windows.

All clock values are whole minutes after local midnight.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .travel import Leg, Position, TravelSource, foresee

# When neither a window nor a published time tells when to start.
DEFAULT_START = 8 * 60


@dataclass(frozen=True)
class Window:
    """From opening to closing."""

    opens: int
    closes: int


@dataclass(frozen=True)
class Lunch:
    """A break of ``minutes`` that starts between ``earliest`` and ``latest``."""

    earliest: int
    latest: int
    minutes: int


@dataclass(frozen=True)
class DayStop:
    """A stop to be served on the day; published times are promises and stay as they are."""

    key: Hashable
    position: Position | None
    service_minutes: int
    windows: tuple[Window, ...] = ()
    fixed_arrival: int | None = None
    fixed_departure: int | None = None

    @property
    def earliest(self) -> int | None:
        """The first minute at which service can start, if anything says so."""
        if self.fixed_arrival is not None:
            return self.fixed_arrival
        return min((window.opens for window in self.windows), default=None)


@dataclass(frozen=True)
class TimedVisit:
    """One stop of a timed day.

    ``late_for_fixed_minutes`` tells how long after its published time the van would really come.
    """

    key: Hashable
    drive_minutes: int
    distance_m: int
    buffer_minutes: int
    arrival: int
    departure: int
    waiting_minutes: int
    lunch_before: bool
    window_missed: bool
    late_for_fixed_minutes: int


@dataclass(frozen=True)
class TimedDay:
    """The van's day from the depot and back; sums include the way back."""

    leaves_depot: int
    returns_depot: int
    visits: tuple[TimedVisit, ...]
    lunch: Window | None
    distance_m: int
    drive_minutes: int
    return_drive_minutes: int
    return_distance_m: int

    @property
    def shift_minutes(self) -> int:
        """From leaving the depot to being back."""
        return self.returns_depot - self.leaves_depot


def time_day(
    stops: Sequence[DayStop],
    depot: Position | None,
    leaves_at: int | None,
    travel: TravelSource,
    lunch: Lunch | None = None,
    buffer_minutes: int = 0,
) -> TimedDay:
    """Times of a day in the given order.

    Without ``leaves_at`` the van leaves just in time for the first stop. Lunch is taken before the
    first drive that starts within its span, or would otherwise end after it.
    """
    foresee(travel, [depot, *(stop.position for stop in stops)])
    legs = _legs(stops, depot, travel)
    leaves = leaves_at if leaves_at is not None else _just_in_time(stops, legs, buffer_minutes)
    clock = leaves
    lunch_taken: Window | None = None
    visits: list[TimedVisit] = []
    for index, stop in enumerate(stops):
        leg = legs[index]
        drive = math.ceil(leg.drive_minutes)
        buffer = buffer_minutes if drive or index == 0 else 0
        ready = clock + drive + buffer
        takes_lunch = _lunch_now(lunch, lunch_taken, clock, ready, stop)
        if takes_lunch and lunch:
            begins = max(clock, lunch.earliest)
            lunch_taken = Window(begins, begins + lunch.minutes)
            ready = lunch_taken.closes + drive + buffer
        arrival, departure, missed, late = _serve(stop, ready)
        visits.append(
            TimedVisit(
                key=stop.key,
                drive_minutes=drive,
                distance_m=round(leg.distance_m),
                buffer_minutes=buffer,
                arrival=arrival,
                departure=departure,
                waiting_minutes=max(0, arrival - ready),
                lunch_before=takes_lunch,
                window_missed=missed,
                late_for_fixed_minutes=late,
            )
        )
        # A published time may lie before the one served last: the clock never turns back.
        clock = max(clock, departure)
    back = legs[-1] if stops else Leg(0, 0)
    return_drive = math.ceil(back.drive_minutes)
    if lunch and lunch_taken is None and clock >= lunch.earliest and clock <= lunch.latest:
        lunch_taken = Window(clock, clock + lunch.minutes)
        clock = lunch_taken.closes
    return TimedDay(
        leaves_depot=leaves,
        returns_depot=clock + return_drive + (buffer_minutes if return_drive else 0),
        visits=tuple(visits),
        lunch=lunch_taken,
        distance_m=sum(visit.distance_m for visit in visits) + round(back.distance_m),
        drive_minutes=sum(visit.drive_minutes for visit in visits) + return_drive,
        return_drive_minutes=return_drive,
        return_distance_m=round(back.distance_m),
    )


def common_windows(ones: Sequence[Window], others: Sequence[Window]) -> tuple[Window, ...]:
    """The spans that lie within a window of either side; a side without windows is always open."""
    if not ones or not others:
        return tuple(ones or others)
    spans = (
        Window(max(one.opens, other.opens), min(one.closes, other.closes))
        for one in ones
        for other in others
    )
    return tuple(
        sorted({s for s in spans if s.opens < s.closes}, key=lambda s: (s.opens, s.closes))
    )


def order_day(
    stops: Sequence[DayStop], depot: Position | None, travel: TravelSource
) -> list[DayStop]:
    """A sensible order: by published time or opening, ties by the shortest way from the depot.

    Stops that open at the same time are joined by nearest neighbour and improved by 2-opt.
    """
    foresee(travel, [depot, *(stop.position for stop in stops)])
    groups: dict[int, list[DayStop]] = {}
    for stop in stops:
        groups.setdefault(stop.earliest if stop.earliest is not None else -1, []).append(stop)
    ordered: list[DayStop] = []
    position = depot
    for start in sorted(groups):
        group = groups[start]
        if group[0].fixed_arrival is None:
            group = _shortest_way(group, position, depot, travel)
        ordered.extend(group)
        position = next((s.position for s in reversed(ordered) if s.position), position)
    return ordered


def _legs(stops: Sequence[DayStop], depot: Position | None, travel: TravelSource) -> list[Leg]:
    """The leg to each stop and the one back; a missing position costs nothing and is warned of."""
    points: list[Position | None] = [depot, *(stop.position for stop in stops), depot]
    legs: list[Leg] = []
    last_known = points[0]
    for point in points[1:]:
        if point is None or last_known is None:
            legs.append(Leg(0.0, 0.0))
        else:
            legs.append(travel.leg(last_known, point))
        last_known = point or last_known
    return legs


def _just_in_time(stops: Sequence[DayStop], legs: Sequence[Leg], buffer_minutes: int) -> int:
    if not stops:
        return DEFAULT_START
    start = stops[0].earliest
    start = DEFAULT_START if start is None else start
    return max(0, start - math.ceil(legs[0].drive_minutes) - buffer_minutes)


def _lunch_now(
    lunch: Lunch | None, taken: Window | None, clock: int, ready: int, stop: DayStop
) -> bool:
    """Whether to eat before driving to this stop."""
    if lunch is None or taken is not None or not lunch.minutes or clock > lunch.latest:
        return False
    if clock >= lunch.earliest:
        return True
    # Serving this stop first would end after the last moment to begin lunch: eat now, if the time
    # until the stop allows it within the span.
    arrival, departure, _, _ = _serve(stop, ready)
    return departure > lunch.latest and lunch.earliest + lunch.minutes <= max(
        arrival, lunch.latest + lunch.minutes
    )


def _serve(stop: DayStop, ready: int) -> tuple[int, int, bool, int]:
    """Arrival, departure, whether every window is missed, minutes late for a published time."""
    if stop.fixed_arrival is not None:
        departure = stop.fixed_departure
        if departure is None:
            departure = stop.fixed_arrival + stop.service_minutes
        return stop.fixed_arrival, departure, False, max(0, ready - stop.fixed_arrival)
    for window in sorted(stop.windows, key=lambda w: (w.opens, w.closes)):
        arrival = max(ready, window.opens)
        if arrival + stop.service_minutes <= window.closes:
            return arrival, arrival + stop.service_minutes, False, 0
    earliest = max(ready, stop.earliest or 0)
    return earliest, earliest + stop.service_minutes, bool(stop.windows), 0


def _shortest_way(
    group: list[DayStop], start: Position | None, depot: Position | None, travel: TravelSource
) -> list[DayStop]:
    known = [stop for stop in group if stop.position]
    unknown = [stop for stop in group if not stop.position]
    if start is None or len(known) < 2:
        return known + unknown
    nearest: list[DayStop] = []
    here, left = start, list(known)
    while left:
        stop = min(left, key=lambda s: travel.leg(here, s.position).distance_m)  # type: ignore[arg-type]
        left.remove(stop)
        nearest.append(stop)
        assert stop.position is not None
        here = stop.position
    best = min((known, nearest), key=lambda tour: _length(tour, start, depot, travel))
    return _two_opt(best, start, depot, travel) + unknown


def _two_opt(
    tour: list[DayStop], start: Position, depot: Position | None, travel: TravelSource
) -> list[DayStop]:
    best, length = tour, _length(tour, start, depot, travel)
    improved = True
    while improved:
        improved = False
        for i in range(len(best) - 1):
            for j in range(i + 1, len(best)):
                turned = best[:i] + best[i : j + 1][::-1] + best[j + 1 :]
                shorter = _length(turned, start, depot, travel)
                if shorter < length - 1e-6:
                    best, length, improved = turned, shorter, True
    return best


def _length(
    tour: Sequence[DayStop], start: Position, depot: Position | None, travel: TravelSource
) -> float:
    points = [start, *(stop.position for stop in tour if stop.position)]
    if depot is not None:
        points.append(depot)
    return sum(travel.leg(a, b).distance_m for a, b in pairwise(points))
