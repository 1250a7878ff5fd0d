"""Plans made by hand, where a test needs one and no search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from sqlalchemy import select

from bus_ops.database import db, now
from bus_ops.i18n import today
from bus_ops.planning.ground import Ground
from bus_ops.planning.models import Mishap, Planning, PlanningState, Repair
from bus_ops.planning.present import present_timetable
from bus_ops.planning.proposal import Proposal
from bus_ops.planning.working import look_for_ways
from bus_ops.timetable.models import Term
from tests.small_service import SmallService


def proposal_with(ground: Ground, van_id: int, days: Mapping[date, Sequence[int]]) -> Proposal:
    """These stops on these days, timed as a published run is."""
    runs = [ground.timed(day, van_id, stop_ids) for day, stop_ids in sorted(days.items())]
    return Proposal(tuple(runs))


def finished_planning(term: Term, first: date, last: date, proposal: Proposal) -> Planning:
    """A planning whose search has given this proposal."""
    present = present_timetable(term, first, last)
    planning = Planning(
        organisation_id=term.organisation_id,
        term_id=term.id,
        state=PlanningState.DONE,
        first_on=first,
        last_on=last,
        seconds=30,
        present=present.as_json(),
        plan=proposal.as_json(),
        progress={"share": 1.0, "metres": proposal.distance_m, "unplaced": 0},
    )
    db.session.add(planning)
    db.session.commit()
    return planning


def plan_as_it_is(service: SmallService) -> Planning:
    """A plan of the service's term: its coming timetable as it stands. Made once."""
    known = db.session.scalar(
        select(Planning).where(Planning.term_id == service.term.id, Planning.plan.is_not(None))
    )
    if known is not None:
        return known
    first, last = today() + timedelta(days=1), service.term.ends_on or today()
    return finished_planning(
        service.term, first, last, present_timetable(service.term, first, last)
    )


def repair_of(service: SmallService) -> Repair:
    """The last run's day is lost: ways to mend it. Made once."""
    known = db.session.scalar(select(Repair).where(Repair.term_id == service.term.id))
    if known is not None:
        return known
    run = service.visits()[-1].run
    repair = Repair(
        organisation_id=service.organisation.id,
        term_id=service.term.id,
        mishap=Mishap.DAY_LOST,
        day=run.day,
        last_day=run.day,
        van_id=run.van_id,
        reason="Bão",
    )
    return with_ways(repair)


def with_ways(repair: Repair, seconds: float = 0.5) -> Repair:
    """Look for its ways here and now."""
    db.session.add(repair)
    db.session.commit()
    look_for_ways(repair.id, seconds)
    db.session.refresh(repair)
    assert (repair.state, repair.message) == (PlanningState.DONE, "")
    return repair


def add_plannings() -> tuple[int, int]:
    """A finished plan of the newest term, and a search for the oldest that goes on."""
    terms = list(db.session.scalars(select(Term).order_by(Term.starts_on)))
    newest, oldest = terms[-1], terms[0]
    first, last = newest.starts_on, newest.ends_on or newest.starts_on
    present = present_timetable(newest, first, last)
    left_out = next(iter(present.days_by_stop()))
    runs = [run for run in present.runs if run.visit_of(left_out) is None]
    finished = finished_planning(newest, first, last, Proposal(tuple(runs), (left_out,)))
    running = Planning(
        organisation_id=oldest.organisation_id,
        term_id=oldest.id,
        running_term_id=oldest.id,
        first_on=first,
        last_on=last,
        seconds=60,
        # No process gives a sign of life: it may be long until a page is opened.
        seen_at=now() + timedelta(hours=1),
        progress={
            "share": 0.4,
            "seconds": 24.0,
            "iterations": 90_000,
            "metres": 87_600,
            "unplaced": 1,
        },
    )
    db.session.add(running)
    db.session.commit()
    return finished.id, running.id
