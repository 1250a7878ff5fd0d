"""Questions about the timetable, each named for its answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from ..database import db, owned
from ..fleet.models import Van
from ..places.models import Place
from .models import Run, Stop, Term, Visit, VisitStatus


def runs_on(day: date, organisation_id: int) -> list[Run]:
    """Every run of a day with its visits and places, in order of leaving."""
    query = (
        select(Run)
        .where(Run.organisation_id == organisation_id, Run.day == day)
        .options(
            joinedload(Run.van).joinedload(Van.depot),
            selectinload(Run.crew),
            selectinload(Run.visits).options(
                joinedload(Visit.stop).joinedload(Stop.calendar),
                joinedload(Visit.place).joinedload(Place.commune),
                joinedload(Visit.record),
            ),
        )
        .order_by(Run.leaves_at, Run.id)
    )
    return list(db.session.scalars(query).unique())


def runs_between(first: date, last: date, organisation_id: int) -> list[Run]:
    """Runs from first to last, both included, without their visits."""
    query = (
        select(Run)
        .where(Run.organisation_id == organisation_id, Run.day.between(first, last))
        .options(joinedload(Run.van), joinedload(Run.route))
        .order_by(Run.day, Run.leaves_at, Run.id)
    )
    return list(db.session.scalars(query))


def visit_counts(first: date, last: date, organisation_id: int) -> dict[int, dict[str, int]]:
    """For each run of the days: how many visits stand in which status."""
    query = (
        select(Visit.run_id, Visit.status, func.count())
        .where(Visit.organisation_id == organisation_id, Visit.day.between(first, last))
        .group_by(Visit.run_id, Visit.status)
    )
    counts: dict[int, dict[str, int]] = {}
    for run_id, status, count in db.session.execute(query):
        counts.setdefault(run_id, {})[status.value] = count
    return counts


def next_visit_of_stop_after(stop_id: int, moment: datetime) -> Visit | None:
    """The stop's next visit that is not cancelled and begins after the moment."""
    query = (
        select(Visit)
        .where(
            Visit.stop_id == stop_id,
            Visit.arrival_at > moment,
            Visit.plan_status != VisitStatus.CANCELLED,
        )
        .order_by(Visit.arrival_at)
        .limit(1)
    )
    return db.session.scalar(query)


def next_run_after(day: date, organisation_id: int) -> Run | None:
    """The first run after the day."""
    query = (
        select(Run)
        .where(Run.organisation_id == organisation_id, Run.day > day)
        .order_by(Run.day)
        .limit(1)
    )
    return db.session.scalar(query)


def visits_of_place(place_id: int, today: date) -> tuple[Sequence[Visit], Sequence[Visit]]:
    """The place's next five visits and its last five."""
    query = owned(Visit).where(Visit.place_id == place_id).options(joinedload(Visit.record))
    coming = query.where(Visit.day >= today).order_by(Visit.arrival_at).limit(5)
    past = query.where(Visit.day < today).order_by(Visit.arrival_at.desc()).limit(5)
    return db.session.scalars(coming).all(), db.session.scalars(past).all()


def term_names() -> dict[int, str]:
    """Names of the library's terms by key."""
    return {term.id: term.name for term in db.session.scalars(owned(Term))}
