"""Where a visit stands: what the coordinator decided and what the crew logged, in one rule."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from ..database import db
from .models import Visit, VisitRecord, VisitStatus


def status_of(
    plan_status: VisitStatus, record: VisitRecord | None, day: date, today: date
) -> VisitStatus:
    """The status of a visit.

    What was logged wins over the plan: a van that came to a cancelled visit has served it, and so
    has a crew that counted people without tapping "arrived". A past visit that nobody logged is
    missed.
    """
    if record is not None and record.departed_at is not None:
        return VisitStatus.SERVED
    if record is not None and (record.arrived_at is not None or record.served):
        return VisitStatus.UNDER_WAY if day >= today else VisitStatus.SERVED
    if plan_status == VisitStatus.CANCELLED:
        return VisitStatus.CANCELLED
    return VisitStatus.MISSED if day < today else plan_status


def refresh_status(visit: Visit, record: VisitRecord | None, today: date) -> None:
    """Store the status that follows from plan and record."""
    visit.status = status_of(visit.plan_status, record, visit.day, today)


def roll_statuses(organisation_id: int, today: date) -> int:
    """Bring the statuses of past days up to date; answers how many changed. Safe to repeat."""
    open_statuses = (VisitStatus.PLANNED, VisitStatus.CONFIRMED, VisitStatus.UNDER_WAY)
    query = (
        select(Visit)
        .where(
            Visit.organisation_id == organisation_id,
            Visit.day < today,
            Visit.status.in_(open_statuses),
        )
        .options(joinedload(Visit.record))
    )
    changed = 0
    for visit in db.session.scalars(query):
        before = visit.status
        refresh_status(visit, visit.record, today)
        changed += visit.status != before
    return changed
