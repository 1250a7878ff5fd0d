"""A run's times: worked out anew, kept where people count on them, and what became different."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import exists, insert, select

from schedules.timing import DayStop, Lunch, TimedDay, Window, common_windows, order_day, time_day
from schedules.travel import Position, TravelSource

from ..accounts.models import Organisation
from ..database import db, now
from ..fleet.models import Van
from ..i18n import at_minutes, format_clock, minutes_of_day
from ..places.models import Place
from ..travel_sources import travel_source
from .models import ChangeKind, Run, Stop, Term, TimetableChange, Visit, VisitStatus


@dataclass(frozen=True)
class _Published:
    """What is published of a visit."""

    arrival_at: datetime
    departure_at: datetime
    van_id: int
    place_id: int

    @classmethod
    def of(cls, visit: Visit) -> _Published:
        return cls(visit.arrival_at, visit.departure_at, visit.run.van_id, visit.place_id)

    def in_words(self) -> dict[str, Any]:
        words = {"arrival": format_clock(self.arrival_at)}
        return {**words, "departure": format_clock(self.departure_at)}


@dataclass(frozen=True)
class Shift:
    """A visit of which something else is published than before."""

    visit: Visit
    before: _Published
    after: _Published


class Watch:
    """Remembers what is published of visits, to tell afterwards what became different."""

    def __init__(self, visits: Iterable[Visit]) -> None:
        self._before = {
            visit: _Published.of(visit)
            for visit in visits
            if visit.plan_status != VisitStatus.CANCELLED
        }

    def shifts(self, but: Collection[Visit] = ()) -> list[Shift]:
        """What differs now, in order of time; visits of ``but`` have a record of their own."""
        shifts = [
            Shift(visit, before, _Published.of(visit))
            for visit, before in self._before.items()
            if visit not in but and _Published.of(visit) != before
        ]
        return sorted(shifts, key=lambda shift: shift.after.arrival_at)


def record_shifts(shifts: Sequence[Shift], user_id: int | None, reason: str = "") -> None:
    """A published timetable is changed only by recorded changes: old and new of each visit."""
    if not shifts:
        return
    rows = [
        {
            "organisation_id": shift.visit.organisation_id,
            "at": now(),
            "user_id": user_id,
            "visit_id": shift.visit.id,
            "run_id": shift.visit.run_id,
            "kind": ChangeKind.RETIMED,
            "before": _words(shift, shift.before),
            "after": _words(shift, shift.after),
            "reason": reason,
        }
        for shift in shifts
    ]
    db.session.execute(insert(TimetableChange), rows)


def held_visits(run: Run) -> list[Visit]:
    """The run's visits that are not cancelled, in their order, read anew."""
    db.session.flush()
    db.session.refresh(run, ["visits"])
    return [visit for visit in run.visits if visit.plan_status != VisitStatus.CANCELLED]


def counted_on(visits: Iterable[Visit]) -> list[Visit]:
    """Visits whose times stay whatever else moves: the place confirmed them, or they happened."""
    return [v for v in visits if v.plan_status == VisitStatus.CONFIRMED or v.logged]


def has_facts(run: Run) -> bool:
    """Whether the log tells anything of the run or of a visit on it."""
    of_visits = select(exists().where(Visit.run_id == run.id, Visit.logged.is_(True)))
    return run.logged or bool(db.session.scalar(of_visits))


def retime(
    run: Run, order: Sequence[Visit] | None = None, keep: Collection[Visit] | None = None
) -> None:
    """Time the run's visits again, in their order or a given one.

    Visits of ``keep`` hold the times they have and the van waits for them; without it those hold
    that are counted on. Cancelled visits keep their time of old and take none of the day's.
    """
    visits = held_visits(run) if order is None else list(order)
    if not visits:
        return
    keep = counted_on(visits) if keep is None else keep
    travel = travel_of(run.organisation_id)
    timed = _timed(run, visits, keep, travel)
    for name, value in run_values(run.day, timed, travel.name).items():
        setattr(run, name, value)
    for position, (visit, times) in enumerate(zip(visits, timed.visits, strict=True)):
        visit.position = position
        visit.day = run.day
        visit.arrival_at = at_minutes(run.day, times.arrival)
        visit.departure_at = at_minutes(run.day, times.departure)
        visit.drive_minutes = times.drive_minutes
        visit.distance_m = times.distance_m
        visit.buffer_minutes = times.buffer_minutes
        visit.waiting_minutes = times.waiting_minutes
    db.session.flush()


def take_in(run: Run, visit: Visit) -> None:
    """Give a visit its place and time in a run.

    Where all others can keep their published times, they do; otherwise the run is timed anew
    around those that are counted on.
    """
    others = sorted((v for v in held_visits(run) if v is not visit), key=lambda v: v.arrival_at)
    order = _order_that_keeps(run, others, visit)
    if order is not None:
        retime(run, order, keep=others)
    elif has_facts(run):
        retime(run, [*others, visit], keep=others)
    else:
        retime(run, sensible_order(run, [*others, visit]), keep=counted_on(others))


def refit(run: Run, visit: Visit) -> None:
    """A visit whose stop has changed keeps its place in the order if it can.

    First with all others as published, then with those behind it moved; only where neither fits
    does it look for another place in the day.
    """
    order = held_visits(run)
    others = [other for other in order if other is not visit]
    if visit.stop.fixed_arrival is None and not has_facts(run):
        for keep in (others, counted_on(others)):
            if _fits(_timed(run, order, keep, travel_of(run.organisation_id))):
                retime(run, order, keep)
                return
    take_in(run, visit)


def who_can_stay(run: Run, order: Sequence[Visit], visit: Visit) -> list[Visit]:
    """Whose times hold when a visit takes that place in a run: everybody's where the van can still
    keep them, else only those that are counted on."""
    others = [other for other in order if other is not visit]
    timed = _timed(run, order, others, travel_of(run.organisation_id))
    return others if _fits(timed) else counted_on(others)


def put_back(run: Run, visit: Visit) -> None:
    """A restored visit takes its time of old again if that is still free, else a new one."""
    order = sorted(held_visits(run), key=lambda other: other.arrival_at)
    timed = _timed(run, order, order, travel_of(run.organisation_id))
    late = any(
        times.late_for_fixed_minutes and other.stop.fixed_arrival is None
        for other, times in zip(order, timed.visits, strict=True)
    )
    if late:
        take_in(run, visit)
    else:
        retime(run, order, keep=order)


def sensible_order(run: Run, visits: Sequence[Visit]) -> list[Visit]:
    """A route's own order; without a route by windows and the shortest way."""
    if run.route_id is not None:
        return sorted(visits, key=lambda v: (v.stop.route_position, v.position))
    by_key: dict[Hashable, Visit] = {visit.id: visit for visit in visits}
    stops = [_stop_of(visit, run.day, counted_on(visits)) for visit in visits]
    ordered = order_day(stops, depot_position(run.van), travel_of(run.organisation_id))
    return [by_key[stop.key] for stop in ordered]


def travel_of(organisation_id: int) -> TravelSource:
    """Where this library's minutes and metres come from."""
    organisation = db.session.get_one(Organisation, organisation_id)
    return travel_source(organisation.detour_factor, organisation.drive_speed_kmh)


def time_stops(
    term: Term, stops: Sequence[DayStop], depot: Position | None, travel: TravelSource
) -> TimedDay:
    """A day of the term in this order: its hour of leaving, lunch and buffers."""
    lunch = None
    if term.lunch_minutes and term.lunch_earliest is not None and term.lunch_latest is not None:
        lunch = Lunch(term.lunch_earliest, term.lunch_latest, term.lunch_minutes)
    return time_day(stops, depot, term.leaves_depot_at, travel, lunch, term.buffer_minutes)


@dataclass(frozen=True)
class Taken:
    """A day that has taken one more stop in, all others at their times: where it stands in the
    order, and the day as it is then."""

    index: int
    timed: TimedDay
    too_long: bool


def cheapest_place(
    term: Term,
    held: Sequence[DayStop],
    stop: DayStop,
    depot: Position | None,
    travel: TravelSource,
    after: int = -1,
) -> Taken | None:
    """Where one more stop adds the least driving while ``held`` keep their times; None nowhere.

    Not before nor at the index ``after``. A day over the shift's limit comes only where none else.
    """
    found = []
    for index in range(after + 1, len(held) + 1):
        timed = time_stops(term, [*held[:index], stop, *held[index:]], depot, travel)
        if _fits(timed):
            found.append(Taken(index, timed, timed.shift_minutes > term.shift_limit_minutes))
    return min(found, key=lambda one: (one.too_long, one.timed.distance_m, one.index), default=None)


def held_stop(visit: Visit, day: date) -> DayStop:
    """A visit as a stop that keeps the times it has."""
    return DayStop(
        key=visit.id,
        position=position_of(visit.place),
        service_minutes=visit.stop.service_minutes,
        fixed_arrival=minutes_of_day(visit.arrival_at, day),
        fixed_departure=minutes_of_day(visit.departure_at, day),
    )


def day_stop(key: Hashable, stop: Stop, place: Place, day: date) -> DayStop:
    """A stop as the engine times it on a day."""
    return DayStop(
        key=key,
        position=position_of(place),
        service_minutes=stop.service_minutes,
        windows=windows_on(stop, place, day),
        fixed_arrival=stop.fixed_arrival,
        fixed_departure=stop.fixed_departure,
    )


def windows_on(stop: Stop, place: Place, day: date) -> tuple[Window, ...]:
    """When a stop can be served on a day: its own windows, as far as the place is open.

    Where the two leave no time together the stop's own count, and a warning tells it.
    """
    own = tuple(Window(w["opens"], w["closes"]) for w in stop.windows)
    opening = opening_on(place.opening_windows, day)
    if not own:
        return opening or ()
    return common_windows(own, opening or ()) or own


def opening_on(opening_windows: Sequence[dict[str, Any]], day: date) -> tuple[Window, ...] | None:
    """When a place is open on a day; None where nothing is known, empty where it is closed."""
    if not opening_windows:
        return None
    return tuple(
        Window(w["opens"], w["closes"])
        for w in opening_windows
        if day.weekday() in (w.get("weekdays") or range(7))
    )


def position_of(place: Place) -> Position | None:
    """Where a place is, if known."""
    if place.lat is None or place.lon is None:
        return None
    return Position(place.lat, place.lon)


def depot_position(van: Van) -> Position | None:
    """Where a van's day starts, if it has a depot."""
    return Position(van.depot.lat, van.depot.lon) if van.depot else None


def run_values(day: date, timed: TimedDay, travel_source: str) -> dict[str, Any]:
    """A timed day as columns of its run."""
    lunch = timed.lunch
    return {
        "leaves_at": at_minutes(day, timed.leaves_depot),
        "returns_at": at_minutes(day, timed.returns_depot),
        "lunch_from": at_minutes(day, lunch.opens) if lunch else None,
        "lunch_until": at_minutes(day, lunch.closes) if lunch else None,
        "drive_minutes": timed.drive_minutes,
        "distance_m": timed.distance_m,
        "return_drive_minutes": timed.return_drive_minutes,
        "return_distance_m": timed.return_distance_m,
        "travel_source": travel_source,
    }


def _order_that_keeps(run: Run, others: list[Visit], visit: Visit) -> list[Visit] | None:
    """The order with the least driving in which nobody else's time changes, if there is one."""
    published = visit.stop.fixed_arrival
    if published is not None:
        clocks = [minutes_of_day(other.arrival_at, run.day) for other in others]
        index = bisect_right(clocks, published)
        return [*others[:index], visit, *others[index:]]
    happened = max((index for index, other in enumerate(others) if other.logged), default=-1)
    found = cheapest_place(
        run.term,
        [_stop_of(other, run.day, others) for other in others],
        _stop_of(visit, run.day, ()),
        depot_position(run.van),
        travel_of(run.organisation_id),
        after=happened,
    )
    if found is None:
        return None
    return [*others[: found.index], visit, *others[found.index :]]


def _timed(
    run: Run, visits: Sequence[Visit], keep: Collection[Visit], travel: TravelSource
) -> TimedDay:
    stops = [_stop_of(visit, run.day, keep) for visit in visits]
    return time_stops(run.term, stops, depot_position(run.van), travel)


def _fits(timed: TimedDay) -> bool:
    """Whether the van comes in time wherever it is expected."""
    return not any(v.late_for_fixed_minutes or v.window_missed for v in timed.visits)


def _stop_of(visit: Visit, day: date, keep: Collection[Visit]) -> DayStop:
    if visit not in keep:
        return day_stop(visit.id, visit.stop, visit.place, day)
    return held_stop(visit, day)


def _words(shift: Shift, side: _Published) -> dict[str, Any]:
    words = side.in_words()
    if shift.before.van_id != shift.after.van_id:
        words["van"] = db.session.get_one(Van, side.van_id).display_name
    if shift.before.place_id != shift.after.place_id:
        words["place"] = db.session.get_one(Place, side.place_id).name
    return words
