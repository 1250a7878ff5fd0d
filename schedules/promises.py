"""What a timetable promises, and where a run breaks it."""

from __future__ import annotations

from collections.abc import Hashable
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


@dataclass(frozen=True)
class BrokenPromise:
    """One broken promise; ``params`` feed the sentence that tells it."""

    promise: Promise
    visit_key: Hashable | None = None
    params: tuple[tuple[str, str | int], ...] = ()


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
    inside = any(w.opens <= visit.arrival and visit.departure <= w.closes for w in visit.windows)
    if visit.windows and not inside:
        broken.append(BrokenPromise(Promise.OUTSIDE_WINDOW, visit.key))
    if visit.late_minutes > 0:
        params_late = (("minutes", visit.late_minutes),)
        broken.append(BrokenPromise(Promise.LATE_FOR_PUBLISHED_TIME, visit.key, params_late))
    if not visit.position_known:
        broken.append(BrokenPromise(Promise.NO_POSITION, visit.key))
    return broken
