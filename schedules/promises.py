"""What a timetable promises, and where a run breaks it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from .calendar import Closure, ServiceCalendar
from .timing import Window

# Circular 33/2018/TT-BVHTTDL: a mobile trip has at least one operator and two librarians.
LEAST_OPERATORS = 1
LEAST_LIBRARIANS = 2


class Promise(StrEnum):
    """Kinds of promises."""

    OUTSIDE_WINDOW = "outside_window"
    SHIFT_TOO_LONG = "shift_too_long"
    DAY_OFF = "day_off"
    VAN_OUT_OF_SERVICE = "van_out_of_service"
    TWO_RUNS_FOR_ONE_VAN = "two_runs_for_one_van"
    CREW_TOO_SMALL = "crew_too_small"
    CREW_BUSY = "crew_busy"
    LATE_FOR_PUBLISHED_TIME = "late_for_published_time"
    NO_POSITION = "no_position"
    OUTSIDE_OPENING = "outside_opening"
    OUTSIDE_TERM = "outside_term"
    PLACE_NOT_SERVED = "place_not_served"
    VAN_NOT_IN_SERVICE = "van_not_in_service"
    SAME_PLACE_TWICE = "same_place_twice"


@dataclass(frozen=True)
class BrokenPromise:
    """One broken promise; ``params`` feed the sentence that tells it."""

    promise: Promise
    visit_key: Hashable | None = None
    params: tuple[tuple[str, str | int], ...] = ()
    # The other visit that it is about.
    other_key: Hashable | None = None


@dataclass(frozen=True)
class PlaceVisit:
    """A visit to a place, as far as another one to the same place matters to it."""

    key: Hashable
    day: date
    # On another day than its rule gave.
    moved: bool = False
    # At a time that a timetable publishes to the minute: twice a day is meant there.
    published: bool = False


@dataclass(frozen=True)
class VisitFacts:
    """What is known of a visit; clock values are minutes after local midnight."""

    key: Hashable
    arrival: int
    departure: int
    windows: tuple[Window, ...] = ()
    calendar: ServiceCalendar | None = None
    position_known: bool = True
    cancelled: bool = False
    late_minutes: int = 0
    # When the place is open that day: None where nothing is known, empty where it is closed.
    opening: tuple[Window, ...] | None = None
    in_term: bool = True
    place_served: bool = True
    # Another visit of the same place that stands too near.
    beside: PlaceVisit | None = None


@dataclass(frozen=True)
class RunFacts:
    """What is known of a run and of what surrounds it."""

    day: date
    leaves: int
    returns: int
    visits: tuple[VisitFacts, ...]
    shift_limit_minutes: int
    out_of_service: tuple[Closure, ...] = ()
    # Leaving and returning of the van's other runs on the day.
    other_runs: tuple[tuple[int, int], ...] = ()
    operators: int = LEAST_OPERATORS
    librarians: int = LEAST_LIBRARIANS
    # Names of people who ride on another run on the day.
    crew_busy: tuple[str, ...] = ()
    van_in_service: bool = True


def too_near(visit: PlaceVisit, others: Iterable[PlaceVisit]) -> PlaceVisit | None:
    """The other visit of the same place on the same day, or in the week that it was moved into.

    The same place twice a day is meant where both stand as published.
    """
    near = [other for other in others if other.key != visit.key and _too_near(visit, other)]
    return min(near, key=lambda other: (abs(other.day - visit.day), other.day), default=None)


def _too_near(visit: PlaceVisit, other: PlaceVisit) -> bool:
    if visit.day == other.day:
        meant = visit.published and other.published
        return not meant or visit.moved or other.moved
    return visit.moved and visit.day.isocalendar()[:2] == other.day.isocalendar()[:2]


def broken_promises(facts: RunFacts) -> list[BrokenPromise]:
    """Every promise this run breaks: the run's own first, then visit by visit.

    A run without any visit left breaks none.
    """
    held = [visit for visit in facts.visits if not visit.cancelled]
    if not held:
        return []
    broken = _of_run(facts)
    for visit in held:
        broken += _of_visit(facts.day, visit)
    return broken


def _of_run(facts: RunFacts) -> list[BrokenPromise]:
    broken = []
    shift = facts.returns - facts.leaves
    if shift > facts.shift_limit_minutes:
        params = (("minutes", shift), ("limit", facts.shift_limit_minutes))
        broken.append(BrokenPromise(Promise.SHIFT_TOO_LONG, None, params))
    broken += [
        BrokenPromise(Promise.VAN_OUT_OF_SERVICE, None, (("reason", closure.reason),))
        for closure in facts.out_of_service
        if closure.covers(facts.day)
    ]
    if not facts.van_in_service:
        broken.append(BrokenPromise(Promise.VAN_NOT_IN_SERVICE))
    if any(leaves < facts.returns and facts.leaves < back for leaves, back in facts.other_runs):
        broken.append(BrokenPromise(Promise.TWO_RUNS_FOR_ONE_VAN))
    if facts.operators < LEAST_OPERATORS or facts.librarians < LEAST_LIBRARIANS:
        people = (("operators", facts.operators), ("librarians", facts.librarians))
        broken.append(BrokenPromise(Promise.CREW_TOO_SMALL, None, people))
    broken += [
        BrokenPromise(Promise.CREW_BUSY, None, (("name", name),)) for name in facts.crew_busy
    ]
    return broken


def _of_visit(day: date, visit: VisitFacts) -> list[BrokenPromise]:
    broken = []
    off = visit.calendar.day_off(day) if visit.calendar else None
    if off is not None:
        params = (("kind", off.kind.value), ("reason", off.reason))
        broken.append(BrokenPromise(Promise.DAY_OFF, visit.key, params))
    if not visit.in_term:
        broken.append(BrokenPromise(Promise.OUTSIDE_TERM, visit.key))
    if not visit.place_served:
        broken.append(BrokenPromise(Promise.PLACE_NOT_SERVED, visit.key))
    if visit.windows and not _inside(visit, visit.windows):
        broken.append(BrokenPromise(Promise.OUTSIDE_WINDOW, visit.key))
    if visit.opening is not None and not _inside(visit, visit.opening):
        broken.append(BrokenPromise(Promise.OUTSIDE_OPENING, visit.key))
    if visit.late_minutes > 0:
        params_late = (("minutes", visit.late_minutes),)
        broken.append(BrokenPromise(Promise.LATE_FOR_PUBLISHED_TIME, visit.key, params_late))
    if not visit.position_known:
        broken.append(BrokenPromise(Promise.NO_POSITION, visit.key))
    if visit.beside is not None:
        when = (("day", visit.beside.day.isoformat()),)
        other = visit.beside.key
        broken.append(BrokenPromise(Promise.SAME_PLACE_TWICE, visit.key, when, other))
    return broken


def _inside(visit: VisitFacts, windows: Iterable[Window]) -> bool:
    return any(w.opens <= visit.arrival and visit.departure <= w.closes for w in windows)
