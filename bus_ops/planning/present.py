"""The timetable there is, as a value to compare plans with."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from schedules.timing import Window

from ..database import db
from ..i18n import minutes_of_day
from ..timetable.drafts import looked_at
from ..timetable.models import Run, Term, TermStatus, Visit, VisitStatus
from .proposal import Proposal, ProposedRun, ProposedVisit


def present_timetable(term: Term, first: date, last: date) -> Proposal:
    """The term's runs of these days: those published, or those publishing a draft would make.

    For a draft the session is rolled back at the end.
    """
    if term.status == TermStatus.PUBLISHED:
        return _runs_of(term, first, last)
    with looked_at(term, first, last):
        return _runs_of(term, first, last)


def _runs_of(term: Term, first: date, last: date) -> Proposal:
    query = (
        select(Run)
        .where(Run.term_id == term.id, Run.day.between(first, last))
        .options(selectinload(Run.visits))
        .order_by(Run.day, Run.van_id)
    )
    runs = []
    for run in db.session.scalars(query):
        held = [visit for visit in run.visits if visit.plan_status != VisitStatus.CANCELLED]
        if held:
            runs.append(_proposed(run, held))
    return Proposal(tuple(runs))


def _proposed(run: Run, visits: list[Visit]) -> ProposedRun:
    def clock(moment: object) -> int:
        return minutes_of_day(moment, run.day)  # type: ignore[arg-type]

    lunch = None
    if run.lunch_from is not None and run.lunch_until is not None:
        lunch = Window(clock(run.lunch_from), clock(run.lunch_until))
    return ProposedRun(
        day=run.day,
        van_id=run.van_id,
        leaves=clock(run.leaves_at),
        returns=clock(run.returns_at),
        lunch=lunch,
        drive_minutes=run.drive_minutes,
        distance_m=run.distance_m,
        return_drive_minutes=run.return_drive_minutes,
        return_distance_m=run.return_distance_m,
        visits=tuple(
            ProposedVisit(
                visit.stop_id,
                clock(visit.arrival_at),
                clock(visit.departure_at),
                visit.drive_minutes,
                visit.distance_m,
                visit.buffer_minutes,
                visit.waiting_minutes,
            )
            for visit in visits
        ),
    )
