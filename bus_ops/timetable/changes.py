"""Changes of a published timetable: each recorded with who, why, from what to what.

A change leaves the published times of other visits alone where it can; where it cannot, each of
them gets its own record and is told. Every change tells the floors above (``visits_changed``);
what they answer are sentences for the person who made the change.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import exists, select

from ..accounts.models import User
from ..database import db, lock_library
from ..fleet.models import CrewMember, Van
from ..i18n import at_minutes, format_clock, today
from .change_wording import sentences_of_shifts
from .models import (
    ChangeKind,
    Run,
    RunEquipment,
    Stop,
    TimetableChange,
    Visit,
    VisitStatus,
)
from .retiming import Watch, counted_on, held_visits, put_back, record_shifts, retime, take_in
from .signals import visits_changed
from .statuses import refresh_status


class ChangeError(ValueError):
    """The change cannot be made; the message says why and what to do instead."""


def cancel_visit(
    visit: Visit, reason: str, user: User | None, times_anew: bool = False
) -> list[str]:
    """Cancel a visit; what was logged at it already stays logged. Without ``user`` its place does.

    The run's other visits keep their published times, and the van waits for them, unless
    ``times_anew`` asks to close the gap.
    """
    _begin(visit)
    run = visit.run
    watch = Watch(run.visits)
    _mark_cancelled(visit, reason, user)
    held = held_visits(run)
    retime(run, held, keep=None if times_anew else held)
    return _settle([visit], [run], watch, user, reason)


def restore_visit(visit: Visit, user: User) -> list[str]:
    """Take a cancellation back."""
    _begin(visit)
    if visit.plan_status != VisitStatus.CANCELLED:
        raise ChangeError(_("The visit is not cancelled."))
    run = visit.run
    watch = Watch(run.visits)
    visit.plan_status = VisitStatus.PLANNED
    visit.reason = ""
    _note(ChangeKind.RESTORED, user, visit, {"status": "cancelled"}, {"status": "planned"})
    put_back(run, visit)
    return _settle([visit], [run], watch, user)


def confirm_visit(visit: Visit, user: User | None) -> list[str]:
    """The place has confirmed that it expects the van; without ``user`` on its own page."""
    _begin(visit)
    must_be_open(visit)
    visit.plan_status = VisitStatus.CONFIRMED
    _note(ChangeKind.CONFIRMED, user, visit, {"status": "planned"}, {"status": "confirmed"})
    return _settle([visit], [], Watch([]), user)


def move_visit(visit: Visit, day: date, van: Van, reason: str, user: User) -> list[str]:
    """Move a visit to another day or van; it joins the run there, or a new run is made."""
    _begin(visit)
    must_be_open(visit)
    must_be_to_come(day)
    old = visit.run
    if (old.day, old.van_id) == (day, van.id):
        raise ChangeError(_("The visit is on that day with that van already."))
    target = _run_on(visit.stop, day, van)
    watch = Watch([*old.visits, *target.visits])
    before = _move_onto(target, visit, reason)
    left = held_visits(old)
    retime(old, left, keep=left)
    take_in(target, visit)
    _note(ChangeKind.MOVED, user, visit, before, where_it_stands(visit), reason)
    sentences = _settle([visit], [old, target], watch, user, reason)
    _drop_if_empty(old)
    return sentences


def cancel_run(run: Run, reason: str, user: User) -> list[str]:
    """Cancel every visit of a run that is still open, with one reason; each is recorded."""
    return _once([cancel_visit(visit, reason, user) for visit in _open_visits(run)])


def move_run(run: Run, day: date, van: Van, reason: str, user: User) -> tuple[Run, list[str]]:
    """Move every open visit of a run to another day or van; answers the run they are on now.

    The crew rides along where nobody rides there yet.
    """
    visits = _open_visits(run)
    crew = list(run.crew)
    sentences = [move_visit(visit, day, van, reason, user) for visit in visits]
    target = visits[0].run
    if not target.crew and crew:
        set_crew(target, crew, user)
    return target, _once(sentences)


def add_visit(stop: Stop, day: date, reason: str, user: User) -> tuple[Visit, list[str]]:
    """A visit beside the stop's rule, such as a request agreed on the telephone."""
    lock_library(stop.organisation_id)
    must_be_to_come(day)
    run = _run_on(stop, day, stop.van)
    watch = Watch(run.visits)
    visit = _new_visit(stop, run, reason)
    take_in(run, visit)
    _note(ChangeKind.ADDED, user, visit, {}, where_it_stands(visit), reason)
    return visit, _settle([visit], [run], watch, user, reason)


@dataclass(frozen=True)
class NewOrder:
    """A van's day as it is to be: its visits in order (a stop: a new visit of it), and those that
    keep the times they have, or that ``at`` gives them."""

    day: date
    van: Van
    visits: Sequence[Visit | Stop]
    keep: Collection[Visit]
    at: Mapping[Visit, tuple[datetime, datetime]] = field(default_factory=dict)


def rearrange(
    orders: Sequence[NewOrder], cancelled: Sequence[Visit], reason: str, user: User
) -> list[str]:
    """Give several days new orders at once: visits move between them, some are cancelled.

    Every day that a visit leaves or joins is one of ``orders``; visits of such a day that its order
    does not name stay at its beginning, at their times.
    """
    lock_library(user.organisation_id)
    visits = [one for order in orders for one in order.visits if isinstance(one, Visit)]
    homes = list(dict.fromkeys(visit.run for visit in [*visits, *cancelled]))
    targets = [_run_of(order) for order in orders]
    runs = list(dict.fromkeys([*homes, *(run for run in targets if run is not None)]))
    watch = Watch(visit for run in runs for visit in run.visits)
    for visit in cancelled:
        _mark_cancelled(visit, reason, user)
    befores: dict[Visit, dict[str, Any]] = {}
    filled: list[tuple[Run, list[Visit], Collection[Visit]]] = []
    for order, run in zip(orders, targets, strict=True):
        if run is None:
            continue
        placed = [_placed_on(run, one, reason, befores) for one in order.visits]
        for visit, times in order.at.items():
            visit.arrival_at, visit.departure_at = times
        filled.append((run, placed, order.keep))
    for run, placed, keep in filled:
        unnamed = [visit for visit in held_visits(run) if visit not in placed]
        retime(run, [*unnamed, *placed], keep=[*unnamed, *keep])
    for run in set(homes) - {run for run, _placed, _keep in filled}:
        left = held_visits(run)
        retime(run, left, keep=left)
    for visit, before in befores.items():
        kind = ChangeKind.MOVED if before else ChangeKind.ADDED
        _note(kind, user, visit, before, where_it_stands(visit), reason)
    sentences = _settle([*befores, *cancelled], runs, watch, user, reason)
    for run in homes:
        _drop_if_empty(run)
    return sentences


def _run_of(order: NewOrder) -> Run | None:
    """The run of a day that is to be; None where it has no visit."""
    for one in order.visits:
        if isinstance(one, Stop):
            return _run_on(one, order.day, order.van)
        if (one.run.day, one.run.van_id) == (order.day, order.van.id):
            return one.run
    first = next((one for one in order.visits if isinstance(one, Visit)), None)
    return _run_on(first.stop, order.day, order.van) if first else None


def _placed_on(
    run: Run, one: Visit | Stop, reason: str, befores: dict[Visit, dict[str, Any]]
) -> Visit:
    """The visit on its run; what moved or is new is noted in ``befores`` with where it was."""
    if isinstance(one, Stop):
        visit = _new_visit(one, run, reason)
        befores[visit] = {}
        return visit
    if one.run is run:
        return one
    must_be_open(one)
    must_be_to_come(run.day)
    befores[one] = _move_onto(run, one, reason)
    return one


def _move_onto(run: Run, visit: Visit, reason: str) -> dict[str, Any]:
    """Put a visit at the end of another run; answers where it was."""
    before = {**where_it_stands(visit), "status": visit.plan_status.value}
    visit.position = _behind_all(run)
    visit.run = run
    visit.day = run.day
    visit.reason = reason
    # What the place confirmed was the other day.
    visit.plan_status = VisitStatus.PLANNED
    return before


def _behind_all(run: Run) -> int:
    return max((other.position for other in run.visits), default=-1) + 1


def _new_visit(stop: Stop, run: Run, reason: str) -> Visit:
    """A visit beside the stop's rule, at the end of a run; raises ChangeError where one stands."""
    taken = select(Visit.id).where(Visit.stop_id == stop.id, Visit.rule_day == run.day)
    if db.session.scalar(taken) is not None:
        raise ChangeError(_("This stop has a visit from that day already; move or restore it."))
    visit = Visit(
        organisation_id=stop.organisation_id,
        stop=stop,
        place_id=stop.place_id,
        day=run.day,
        rule_day=run.day,
        plan_status=VisitStatus.PLANNED,
        status=VisitStatus.PLANNED,
        reason=reason,
        position=_behind_all(run),
        arrival_at=run.leaves_at,
        departure_at=run.leaves_at,
        run=run,
    )
    db.session.add(visit)
    db.session.flush()
    return visit


def shift_visit(visit: Visit, places: int, user: User) -> list[str]:
    """Move a visit up (-1) or down (+1) in its run's order."""
    _begin(visit)
    run = visit.run
    order = [other for other in run.visits if other.plan_status != VisitStatus.CANCELLED]
    if visit not in order:
        raise ChangeError(_("A cancelled visit has no place in the order."))
    index = order.index(visit)
    target = index + places
    if not 0 <= target < len(order):
        return []
    before = [other.id for other in order]
    watch = Watch(order)
    order.insert(target, order.pop(index))
    after = {"order": [other.id for other in order]}
    _note(ChangeKind.REORDERED, user, visit, {"order": before}, after)
    # The visit that is shifted on purpose moves even where its place had confirmed it.
    retime(run, order, keep=[other for other in counted_on(order) if other is not visit])
    return _settle(order, [run], watch, user, but=())


def set_crew(run: Run, members: Sequence[CrewMember], user: User) -> None:
    """Who rides on the run."""
    before = {"crew": [member.full_name for member in run.crew]}
    run.crew = list(members)
    after = {"crew": [member.full_name for member in members]}
    if before == after:
        return
    change = TimetableChange(
        organisation_id=run.organisation_id,
        user_id=user.id,
        run_id=run.id,
        kind=ChangeKind.CREW,
        before=before,
        after=after,
    )
    db.session.add(change)


def changes_of_run(run: Run) -> list[TimetableChange]:
    """Everything that was changed about the run or its visits, newest first."""
    visit_ids = [visit.id for visit in run.visits]
    query = select(TimetableChange).where(
        (TimetableChange.run_id == run.id) | TimetableChange.visit_id.in_(visit_ids)
    )
    return list(db.session.scalars(query.order_by(TimetableChange.at.desc())))


def changes_of_visit(visit: Visit) -> list[TimetableChange]:
    """Everything that was changed about the visit, newest first."""
    query = select(TimetableChange).where(TimetableChange.visit_id == visit.id)
    return list(db.session.scalars(query.order_by(TimetableChange.at.desc())))


def _run_on(stop: Stop, day: date, van: Van) -> Run:
    query = select(Run).where(
        Run.organisation_id == stop.organisation_id, Run.van_id == van.id, Run.day == day
    )
    runs = list(db.session.scalars(query))
    if runs:
        return max(runs, key=lambda run: (run.route_id == stop.route_id, run.id))
    run = Run(
        organisation_id=stop.organisation_id,
        term=stop.term,
        van=van,
        day=day,
        leaves_at=at_minutes(day, 8 * 60),
        returns_at=at_minutes(day, 8 * 60),
    )
    run.checklist = [
        RunEquipment(
            organisation_id=stop.organisation_id,
            name=item.name,
            quantity=item.quantity,
            position=item.position,
        )
        for item in van.equipment
    ]
    db.session.add(run)
    db.session.flush()
    return run


def _begin(visit: Visit) -> None:
    """Nobody else writes from here on, and the visit is as the last one left it."""
    lock_library(visit.organisation_id)
    db.session.refresh(visit)


def _mark_cancelled(visit: Visit, reason: str, user: User | None) -> None:
    must_be_open(visit)
    before = {"status": visit.plan_status.value}
    visit.plan_status = VisitStatus.CANCELLED
    visit.reason = reason
    _note(ChangeKind.CANCELLED, user, visit, before, {"status": "cancelled"}, reason)


def must_be_to_come(day: date) -> None:
    """Raises ChangeError for a day that is over."""
    if day < today():
        raise ChangeError(_("Choose today or a later day."))


def must_be_open(visit: Visit) -> None:
    """Raises ChangeError where a visit is cancelled or has happened."""
    if visit.record is not None:
        raise ChangeError(_("The crew has logged this visit; it stays as it happened."))
    if visit.plan_status == VisitStatus.CANCELLED:
        raise ChangeError(_("The visit is cancelled; restore it first."))


def _open_visits(run: Run) -> list[Visit]:
    """What can still be moved or cancelled; raises ChangeError where nothing can."""
    visits = [visit for visit in held_visits(run) if visit.record is None]
    if not visits:
        raise ChangeError(_("Every visit of this run is cancelled or logged already."))
    return visits


def where_it_stands(visit: Visit) -> dict[str, Any]:
    """A visit's day, van, run and times, as records of changes keep them."""
    return {
        "day": visit.day.isoformat(),
        "van": visit.run.van.display_name,
        "run": visit.run_id,
        "arrival": format_clock(visit.arrival_at),
        "departure": format_clock(visit.departure_at),
    }


def _settle(
    visits: Sequence[Visit],
    runs: Sequence[Run],
    watch: Watch,
    user: User | None,
    reason: str = "",
    but: Collection[Visit] | None = None,
) -> list[str]:
    """Statuses, records of what shifted, and everything that hangs on the visits follow."""
    db.session.flush()
    for visit in visits:
        refresh_status(visit, visit.record, today())
    shifts = watch.shifts(but=visits if but is None else but)
    record_shifts(shifts, user.id if user else None, reason)
    db.session.flush()
    for run in runs:
        # Read again in its new order.
        db.session.expire(run, ["visits"])
    answers = visits_changed.send(None, visits=list(visits))
    told = [answer for _receiver, answer in answers if answer]
    return [*sentences_of_shifts(shifts), *told]


def _once(sentences: Sequence[Sequence[str]]) -> list[str]:
    """The sentences of several changes, each once."""
    return list(dict.fromkeys(sentence for some in sentences for sentence in some))


def _drop_if_empty(run: Run) -> None:
    """A run that lost its last visit goes, unless the log tells something of it."""
    db.session.flush()
    has_visits = db.session.scalar(select(exists().where(Visit.run_id == run.id)))
    if not has_visits and not run.logged:
        db.session.expire(run, ["visits"])
        db.session.delete(run)
        db.session.flush()


def _note(
    kind: ChangeKind,
    user: User | None,
    visit: Visit,
    before: dict[str, Any],
    after: dict[str, Any],
    reason: str = "",
) -> None:
    db.session.add(
        TimetableChange(
            organisation_id=visit.organisation_id,
            user_id=user.id if user else None,
            visit_id=visit.id,
            run_id=visit.run_id,
            kind=kind,
            before=before,
            after=after,
            reason=reason,
        )
    )
