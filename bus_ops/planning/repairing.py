"""Mending a published timetable: asking for ways, and taking one as recorded changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from flask_babel import gettext as _
from sqlalchemy import select

from ..accounts.models import User
from ..database import db, lock_library, now
from ..fleet.models import Van, VanOutOfService
from ..i18n import today
from ..timetable import changes
from ..timetable.changes import ChangeError, NewOrder
from ..timetable.models import Run, Stop, Term, TermStatus, Visit, VisitStatus
from . import starting
from .ground import Ground
from .models import Mishap, Repair
from .offers import Act, MendedRun, Offer
from .present import present_timetable


def terms_hit(first: date, last: date, van: Van | None, organisation_id: int) -> list[Term]:
    """Published terms with visits on these days (of a van) that can still be moved."""
    query = (
        select(Term)
        .join(Run, Run.term_id == Term.id)
        .join(Visit, Visit.run_id == Run.id)
        .where(
            Term.organisation_id == organisation_id,
            Term.status == TermStatus.PUBLISHED,
            Run.day.between(max(first, today()), last),
            Visit.plan_status != VisitStatus.CANCELLED,
            Visit.logged.is_(False),
        )
        .order_by(Term.id)
        .distinct()
    )
    if van is not None:
        query = query.where(Run.van_id == van.id)
    return list(db.session.scalars(query))


def is_open(visit: Visit) -> bool:
    """Whether a visit can still be moved or cancelled."""
    return visit.plan_status != VisitStatus.CANCELLED and visit.record is None


def ask(repairs: Sequence[Repair]) -> None:
    """Have ways looked for, outside the request."""
    db.session.add_all(repairs)
    db.session.commit()
    for repair in repairs:
        starting.launch(repair)


def accept(repair: Repair, number: int, user: User) -> list[str]:
    """Make the changes of an offer; the caller commits. Answers what moved along.

    Days that a van has lost are out of service from then on: no later plan uses them. Raises
    ChangeError where the timetable changed since the offer was made.
    """
    # Nobody changes what the offer is compared with.
    lock_library(repair.organisation_id)
    offer = Offer.from_json(repair.offers[number])
    _check_freshness(repair, offer)
    visits = _visits_of(repair, offer)
    cancelled = [
        _visit_of(visits, step.stop_id, step.from_day)
        for step in offer.steps
        if step.act == Act.CANCEL
    ]
    orders = [_order_of(run, offer, visits) for run in offer.runs]
    sentences = changes.rearrange(orders, cancelled, repair.reason, user)
    if repair.mishap == Mishap.DAY_LOST:
        _take_out_of_service(repair)
    repair.accepted, repair.accepted_at = number, now()
    return sentences


def _check_freshness(repair: Repair, offer: Offer) -> None:
    """The offer is about the timetable as it stands."""
    days = [run.day for run in offer.runs]
    if not days:
        # One of an older installation does not say how its moves leave the days.
        if any(step.act != Act.CANCEL for step in offer.steps):
            raise _stale()
        return
    present = present_timetable(repair.term, min(days), max(days))
    for run in offer.runs:
        published = present.run_on(run.day, run.van_id)
        visits = published.visits if published else ()
        if tuple((visit.stop_id, visit.arrival) for visit in visits) != run.before:
            raise _stale()


def _stale() -> ChangeError:
    return ChangeError(_("A visit was changed meanwhile. Ask for new ways to mend it."))


def _visits_of(repair: Repair, offer: Offer) -> dict[tuple[int, date], Visit]:
    """The visits of the offer's days, and those that are moved or cancelled, by stop and day."""
    days = {run.day for run in offer.runs} | {s.from_day for s in offer.steps if s.from_day}
    query = (
        select(Visit)
        .join(Run)
        .where(
            Run.term_id == repair.term_id,
            Visit.day.in_(days),
            Visit.plan_status != VisitStatus.CANCELLED,
        )
    )
    return {(visit.stop_id, visit.day): visit for visit in db.session.scalars(query)}


def _visit_of(visits: dict[tuple[int, date], Visit], stop_id: int, day: date | None) -> Visit:
    visit = visits.get((stop_id, day)) if day else None
    if visit is None:
        raise _stale()
    return visit


def _order_of(run: MendedRun, offer: Offer, visits: dict[tuple[int, date], Visit]) -> NewOrder:
    came = {(step.stop_id, step.to_day): step for step in offer.steps if step.to_day}
    order: list[Visit | Stop] = []
    for stop_id in run.stops:
        step = came.get((stop_id, run.day))
        if step is not None and step.act == Act.ADD:
            order.append(db.session.get_one(Stop, stop_id))
            continue
        home = step.from_day if step is not None and step.from_day else run.day
        order.append(_visit_of(visits, stop_id, home))
    kept = [_visit_of(visits, stop_id, run.day) for stop_id in run.kept]
    return NewOrder(run.day, db.session.get_one(Van, run.van_id), order, kept)


def _take_out_of_service(repair: Repair) -> None:
    """The vans of the lost days do not run then; a day on which one did run stays as it is."""
    assert repair.day is not None
    last = repair.last_day or repair.day
    vans = [repair.van] if repair.van else list(Ground(repair.term).vans.values())
    for van in vans:
        first = _first_day_without_facts(van, repair.day, last)
        if first > last or any(o.first_on <= first and last <= o.last_on for o in van.days_out):
            continue
        db.session.add(
            VanOutOfService(
                organisation_id=van.organisation_id,
                van=van,
                first_on=first,
                last_on=last,
                reason=repair.reason[:200],
            )
        )


def _first_day_without_facts(van: Van, first: date, last: date) -> date:
    query = (
        select(Visit.day)
        .join(Run)
        .where(Run.van_id == van.id, Visit.day.between(first, last), Visit.logged.is_(True))
        .order_by(Visit.day.desc())
    )
    happened = db.session.scalar(query.limit(1))
    return first if happened is None else happened + timedelta(days=1)
