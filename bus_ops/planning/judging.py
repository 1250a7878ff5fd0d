"""Where a proposed timetable breaks a promise, in words for the coordinator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from flask_babel import gettext as _

from schedules.calendar import Closure
from schedules.promises import PlaceVisit, RunFacts, VisitFacts, broken_promises, too_near
from schedules.timing import Window

from ..i18n import format_number
from ..timetable.models import Stop
from ..timetable.promises import sentence_of
from ..timetable.retiming import opening_on, position_of
from .ground import Ground
from .proposal import Proposal, ProposedRun


@dataclass(frozen=True)
class Broken:
    """A promise that a run breaks, for a stop of it or for the whole day."""

    day: date
    van_id: int
    stop_id: int | None
    sentence: str


def broken_by(proposal: Proposal, ground: Ground) -> list[Broken]:
    """Every promise the proposal breaks, in order of its runs.

    Who rides is not looked at: crews are named when the runs are there.
    """
    at_place = _by_place(proposal, ground)
    found: list[Broken] = []
    for run in proposal.runs:
        found += _of_run(run, ground, at_place)
        found += _of_wishes(run, ground)
    return [*found, *_of_company(proposal, ground)]


def broken_on(run: ProposedRun, proposal: Proposal, ground: Ground) -> list[Broken]:
    """What one run of the proposal breaks."""
    at_place = _by_place(Proposal(tuple(r for r in proposal.runs if r.day == run.day)), ground)
    found = [*_of_run(run, ground, at_place), *_of_wishes(run, ground)]
    days = {visit.stop_id for visit in run.visits}
    company = [one for one in _of_company(proposal, ground) if one.stop_id in days]
    return [*found, *(one for one in company if one.day == run.day)]


def _by_place(proposal: Proposal, ground: Ground) -> dict[int, list[PlaceVisit]]:
    at_place: dict[int, list[PlaceVisit]] = {}
    for run in proposal.runs:
        for visit in run.visits:
            stop = ground.stops.get(visit.stop_id)
            if stop is not None:
                at_place.setdefault(stop.place_id, []).append(_place_visit(stop, run.day))
    return at_place


def _of_run(
    run: ProposedRun, ground: Ground, at_place: dict[int, list[PlaceVisit]]
) -> Iterator[Broken]:
    van = ground.vans.get(run.van_id)
    facts = RunFacts(
        day=run.day,
        leaves=run.leaves,
        returns=run.returns,
        visits=tuple(_visit_facts(run, ground, at_place)),
        shift_limit_minutes=ground.term.shift_limit_minutes,
        out_of_service=tuple(
            Closure(out.first_on, out.last_on, out.reason) for out in (van.days_out if van else [])
        ),
        van_in_service=van is not None,
    )
    for broken in broken_promises(facts):
        key = broken.visit_key
        stop_id = key[0] if isinstance(key, tuple) else None
        yield Broken(run.day, run.van_id, stop_id, sentence_of(broken))


def _visit_facts(
    run: ProposedRun, ground: Ground, at_place: dict[int, list[PlaceVisit]]
) -> Iterator[VisitFacts]:
    for visit in run.visits:
        stop = ground.stops.get(visit.stop_id)
        if stop is None:
            continue
        term = ground.term
        yield VisitFacts(
            key=(stop.id, run.day),
            arrival=visit.arrival,
            departure=visit.departure,
            windows=tuple(Window(w["opens"], w["closes"]) for w in stop.windows),
            calendar=ground.calendar_of(stop),
            position_known=position_of(stop.place) is not None,
            late_minutes=visit.late_minutes,
            opening=opening_on(stop.place.opening_windows, run.day),
            in_term=term.starts_on <= run.day <= (term.ends_on or run.day),
            beside=too_near(_place_visit(stop, run.day), at_place[stop.place_id]),
        )


def _of_wishes(run: ProposedRun, ground: Ground) -> Iterator[Broken]:
    """What planning was told of stops and vans beyond a published day's promises."""
    van = ground.vans.get(run.van_id)
    if van is not None and van.weekdays and run.day.weekday() not in van.weekdays:
        yield Broken(run.day, run.van_id, None, _("The van does not work on this weekday."))
    load = 0
    for visit in run.visits:
        stop = ground.stops.get(visit.stop_id)
        if stop is None:
            continue
        load += stop.load_books
        if stop.plan_weekdays and run.day.weekday() not in stop.plan_weekdays:
            sentence = _("Not one of the stop's weekdays.")
            yield Broken(run.day, run.van_id, stop.id, sentence)
        if not stop.plan_any_van and stop.van_id != run.van_id:
            sentence = _("Another van than the stop's own.")
            yield Broken(run.day, run.van_id, stop.id, sentence)
    if van is not None and van.capacity_books is not None and load > van.capacity_books:
        sentence = _(
            "%(load)s books on a van that holds %(capacity)s.",
            load=format_number(load),
            capacity=format_number(van.capacity_books),
        )
        yield Broken(run.day, run.van_id, None, sentence)


def _of_company(proposal: Proposal, ground: Ground) -> Iterator[Broken]:
    """Stops that must share their days, and those that must not."""
    days = proposal.days_by_stop()
    for name, groups in (
        ("together", _groups(ground, "together")),
        ("apart", _groups(ground, "apart")),
    ):
        for stops in groups:
            for number, one in enumerate(stops):
                for other in stops[number + 1 :]:
                    yield from _of_pair(name, one, other, days, proposal)


def _of_pair(
    name: str, one: Stop, other: Stop, days: dict[int, list[date]], proposal: Proposal
) -> Iterator[Broken]:
    rarer, often = sorted((one, other), key=lambda stop: len(days.get(stop.id, [])))
    shared = set(days.get(rarer.id, [])) & set(days.get(often.id, []))
    if name == "apart":
        wrong = sorted(shared)
        sentence = _("Must not share a day with %(place)s.", place=often.place.name)
    else:
        wrong = sorted(set(days.get(rarer.id, [])) - shared)
        sentence = _("Must share its days with %(place)s.", place=often.place.name)
    for day in wrong:
        run = proposal.run_of(rarer.id, day)
        if run is not None:
            yield Broken(day, run.van_id, rarer.id, sentence)


def _groups(ground: Ground, name: str) -> list[list[Stop]]:
    by_word: dict[str, list[Stop]] = {}
    for stop in ground.stops.values():
        word = getattr(stop, name)
        if word:
            by_word.setdefault(word, []).append(stop)
    return [stops for stops in by_word.values() if len(stops) > 1]


def _place_visit(stop: Stop, day: date) -> PlaceVisit:
    return PlaceVisit((stop.id, day), day, published=stop.fixed_arrival is not None)
