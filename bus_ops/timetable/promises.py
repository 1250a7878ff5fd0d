"""Where runs break what the timetable promises: facts from the tables, wording for people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from schedules.calendar import Closure, DayOff, OffKind
from schedules.promises import (
    BrokenPromise,
    PlaceVisit,
    Promise,
    RunFacts,
    VisitFacts,
    broken_promises,
    too_near,
)
from schedules.timing import Window

from ..database import db
from ..fleet.models import CrewMember, Duty, Van, VanOutOfService
from ..i18n import format_duration, format_iso_day, minutes_of_day
from ..places.models import Place
from .calendars import engine_calendars, holidays_of_library
from .models import Run, RunCrew, Stop, Term, Visit, VisitStatus
from .retiming import opening_on


@dataclass(frozen=True)
class Warned:
    """A broken promise of one run, with its sentence in the page's language."""

    run_id: int
    visit_id: int | None
    promise: Promise
    sentence: str
    # The other visit that it is about, to be linked.
    other_visit_id: int | None = None


def warnings_between(first: date, last: date, organisation_id: int) -> dict[int, list[Warned]]:
    """Broken promises of all runs of these days, by run; few queries, whatever the number."""
    facts = _facts_between(first, last, organisation_id)
    warned = {
        run_id: [_warned(run_id, broken) for broken in broken_promises(run)]
        for run_id, run in facts.items()
    }
    return {run_id: list_ for run_id, list_ in warned.items() if list_}


def warnings_of(run: Run) -> list[Warned]:
    """Broken promises of one run."""
    return warnings_between(run.day, run.day, run.organisation_id).get(run.id, [])


def sentence_of(broken: BrokenPromise) -> str:
    """What is broken, in words."""
    return _SENTENCES[broken.promise](dict(broken.params))


def day_off_in_words(off: DayOff) -> str:
    """Why a calendar is closed on a day."""
    return _day_off({"kind": off.kind.value, "reason": off.reason})


def _warned(run_id: int, broken: BrokenPromise) -> Warned:
    visit_id, other_id = (
        None if key is None else int(str(key)) for key in (broken.visit_key, broken.other_key)
    )
    return Warned(run_id, visit_id, broken.promise, sentence_of(broken), other_id)


def _outside_window(_params: dict[str, Any]) -> str:
    return _("Outside the stop's time window.")


def _outside_opening(_params: dict[str, Any]) -> str:
    return _("Outside the place's opening windows.")


def _outside_term(_params: dict[str, Any]) -> str:
    return _("Outside the term of its stop.")


def _place_not_served(_params: dict[str, Any]) -> str:
    return _("The place is not in service any more.")


def _van_not_in_service(_params: dict[str, Any]) -> str:
    return _("The van is not in service any more.")


def _same_place_twice(params: dict[str, Any]) -> str:
    return _("The same place has another visit on %(day)s.", day=format_iso_day(params["day"]))


def _shift_too_long(params: dict[str, Any]) -> str:
    return _(
        "The day takes %(hours)s; the limit is %(limit)s.",
        hours=format_duration(params["minutes"]),
        limit=format_duration(params["limit"]),
    )


def _day_off(params: dict[str, Any]) -> str:
    reason = params["reason"]
    match OffKind(params["kind"]):
        case OffKind.PUBLIC_HOLIDAY:
            return _("Public holiday: %(name)s.", name=reason)
        case OffKind.CLOSURE:
            return _("Closed that day: %(reason)s.", reason=reason or _("no reason given"))
        case OffKind.OUTSIDE_PERIOD:
            return _("Outside the teaching period.")
        case OffKind.WEEKDAY:
            return _("Not a service day of its calendar.")


def _van_out(params: dict[str, Any]) -> str:
    return _("The van is out of service: %(reason)s.", reason=params["reason"] or _("repair"))


def _two_runs(_params: dict[str, Any]) -> str:
    return _("The van has another run at the same time.")


def _crew_too_small(params: dict[str, Any]) -> str:
    return _(
        "Crew: %(operators)s driver(s) and %(librarians)s librarian(s); at least 1 and 2 are due.",
        operators=params["operators"],
        librarians=params["librarians"],
    )


def _crew_busy(params: dict[str, Any]) -> str:
    return _("%(name)s rides on another run that day.", name=params["name"])


def _late(params: dict[str, Any]) -> str:
    return _(
        "The van can only arrive %(minutes)s after the published time.",
        minutes=format_duration(params["minutes"]),
    )


def _no_position(_params: dict[str, Any]) -> str:
    return _("The place has no position: its driving time is unknown.")


_SENTENCES: dict[Promise, Callable[[dict[str, Any]], str]] = {
    Promise.OUTSIDE_WINDOW: _outside_window,
    Promise.SHIFT_TOO_LONG: _shift_too_long,
    Promise.DAY_OFF: _day_off,
    Promise.VAN_OUT_OF_SERVICE: _van_out,
    Promise.TWO_RUNS_FOR_ONE_VAN: _two_runs,
    Promise.CREW_TOO_SMALL: _crew_too_small,
    Promise.CREW_BUSY: _crew_busy,
    Promise.LATE_FOR_PUBLISHED_TIME: _late,
    Promise.NO_POSITION: _no_position,
    Promise.OUTSIDE_OPENING: _outside_opening,
    Promise.OUTSIDE_TERM: _outside_term,
    Promise.PLACE_NOT_SERVED: _place_not_served,
    Promise.VAN_NOT_IN_SERVICE: _van_not_in_service,
    Promise.SAME_PLACE_TWICE: _same_place_twice,
}


def _facts_between(first: date, last: date, organisation_id: int) -> dict[int, RunFacts]:
    runs = db.session.execute(
        select(
            Run.id,
            Run.van_id,
            Run.day,
            Run.leaves_at,
            Run.returns_at,
            Run.lunch_from,
            Run.lunch_until,
            Term.shift_limit_minutes,
            Van.enabled.label("van_enabled"),
            Van.operator,
        )
        .join(Term, Run.term_id == Term.id)
        .join(Van, Run.van_id == Van.id)
        .where(Run.organisation_id == organisation_id, Run.day.between(first, last))
    ).all()
    visits = _visits_by_run(first, last, organisation_id)
    nearby = _visits_by_place(first, last, organisation_id)
    out = _days_out(first, last, organisation_id)
    crews = _crews(first, last, organisation_id)
    spans: dict[tuple[int, date], list[tuple[int, int, int]]] = {}
    for run in runs:
        if any(v.plan_status != VisitStatus.CANCELLED for v in visits.get(run.id, [])):
            span = (run.id, minutes_of_day(run.leaves_at, run.day), _back(run))
            spans.setdefault((run.van_id, run.day), []).append(span)
    calendars = engine_calendars(organisation_id)
    own_holidays = holidays_of_library(organisation_id)
    riders: dict[tuple[int, date], set[int]] = {}
    for run in runs:
        for member in crews.get(run.id, []):
            riders.setdefault((member.id, run.day), set()).add(run.id)
    return {
        run.id: RunFacts(
            day=run.day,
            leaves=minutes_of_day(run.leaves_at, run.day),
            returns=_back(run),
            visits=tuple(
                _visit_facts(
                    run,
                    visits.get(run.id, []),
                    calendars,
                    # Another service's vans keep holidays that nobody told us of.
                    None if run.operator else own_holidays,
                    nearby,
                )
            ),
            shift_limit_minutes=run.shift_limit_minutes,
            out_of_service=tuple(out.get(run.van_id, [])),
            other_runs=tuple(
                (leaves, back)
                for other, leaves, back in spans.get((run.van_id, run.day), [])
                if other != run.id
            ),
            operators=_number(crews.get(run.id, []), Duty.OPERATOR),
            librarians=_number(crews.get(run.id, []), Duty.LIBRARIAN),
            crew_busy=tuple(
                member.full_name
                for member in crews.get(run.id, [])
                if len(riders[(member.id, run.day)]) > 1
            ),
            van_in_service=run.van_enabled,
        )
        for run in runs
    }


def _back(run: Any) -> int:
    return minutes_of_day(run.returns_at, run.day)


def _number(members: Sequence[Any], duty: Duty) -> int:
    return sum(member.duty == duty for member in members)


def _visits_by_run(first: date, last: date, organisation_id: int) -> dict[int, list[Any]]:
    query = (
        select(
            Visit.id,
            Visit.run_id,
            Visit.arrival_at,
            Visit.departure_at,
            Visit.drive_minutes,
            Visit.buffer_minutes,
            Visit.plan_status,
            Visit.place_id,
            Visit.day,
            Visit.rule_day,
            Stop.windows,
            Stop.calendar_id,
            Stop.fixed_arrival,
            Term.starts_on,
            Term.ends_on,
            Place.lat,
            Place.opening_windows,
            Place.enabled.label("place_enabled"),
        )
        .join(Stop, Visit.stop_id == Stop.id)
        .join(Term, Stop.term_id == Term.id)
        .join(Place, Visit.place_id == Place.id)
        .where(Visit.organisation_id == organisation_id, Visit.day.between(first, last))
        .order_by(Visit.run_id, Visit.position)
    )
    by_run: dict[int, list[Any]] = {}
    for row in db.session.execute(query):
        by_run.setdefault(row.run_id, []).append(row)
    return by_run


def _visits_by_place(first: date, last: date, organisation_id: int) -> dict[int, list[PlaceVisit]]:
    """Visits that are not cancelled of the weeks that the days touch, by place."""
    monday = first - timedelta(days=first.weekday())
    sunday = last + timedelta(days=6 - last.weekday())
    query = (
        select(Visit.id, Visit.place_id, Visit.day, Visit.rule_day, Stop.fixed_arrival)
        .join(Stop, Visit.stop_id == Stop.id)
        .where(
            Visit.organisation_id == organisation_id,
            Visit.day.between(monday, sunday),
            Visit.plan_status != VisitStatus.CANCELLED,
        )
    )
    by_place: dict[int, list[PlaceVisit]] = {}
    for row in db.session.execute(query):
        by_place.setdefault(row.place_id, []).append(_place_visit(row))
    return by_place


def _place_visit(row: Any) -> PlaceVisit:
    published = row.fixed_arrival is not None
    return PlaceVisit(row.id, row.day, row.day != row.rule_day, published)


def _visit_facts(
    run: Any,
    visits: Sequence[Any],
    calendars: dict[int, Any],
    own_holidays: Any,
    nearby: dict[int, list[PlaceVisit]],
) -> list[VisitFacts]:
    facts = []
    before: datetime = run.leaves_at
    for visit in visits:
        cancelled = visit.plan_status == VisitStatus.CANCELLED
        facts.append(
            VisitFacts(
                key=visit.id,
                arrival=minutes_of_day(visit.arrival_at, run.day),
                departure=minutes_of_day(visit.departure_at, run.day),
                windows=tuple(Window(w["opens"], w["closes"]) for w in visit.windows),
                calendar=calendars.get(visit.calendar_id) if visit.calendar_id else own_holidays,
                position_known=visit.lat is not None,
                cancelled=cancelled,
                late_minutes=0 if cancelled else _late_minutes(run, visit, before),
                opening=opening_on(visit.opening_windows, run.day),
                in_term=visit.starts_on <= run.day <= (visit.ends_on or run.day),
                place_served=visit.place_enabled,
                beside=too_near(_place_visit(visit), nearby.get(visit.place_id, [])),
            )
        )
        if not cancelled:
            before = visit.departure_at
    return facts


def _late_minutes(run: Any, visit: Any, before: datetime) -> int:
    """How long after its published time the van would really come."""
    free = round((visit.arrival_at - before).total_seconds() / 60)
    if run.lunch_from is not None and before <= run.lunch_from < visit.arrival_at:
        free -= round((run.lunch_until - run.lunch_from).total_seconds() / 60)
    return max(0, visit.drive_minutes + visit.buffer_minutes - free)


def _days_out(first: date, last: date, organisation_id: int) -> dict[int, list[Closure]]:
    query = select(VanOutOfService).where(
        VanOutOfService.organisation_id == organisation_id,
        VanOutOfService.first_on <= last,
        VanOutOfService.last_on >= first,
    )
    out: dict[int, list[Closure]] = {}
    for row in db.session.scalars(query):
        out.setdefault(row.van_id, []).append(Closure(row.first_on, row.last_on, row.reason))
    return out


def _crews(first: date, last: date, organisation_id: int) -> dict[int, list[Any]]:
    query = (
        select(RunCrew.run_id, CrewMember.id, CrewMember.full_name, CrewMember.duty)
        .join(CrewMember, RunCrew.crew_member_id == CrewMember.id)
        .join(Run, RunCrew.run_id == Run.id)
        .where(Run.organisation_id == organisation_id, Run.day.between(first, last))
    )
    crews: dict[int, list[Any]] = {}
    for row in db.session.execute(query):
        crews.setdefault(row.run_id, []).append(row)
    return crews
