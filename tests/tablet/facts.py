"""Facts as a tablet sends them, and what the database holds of them, for tests of the log."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from bus_ops.circulation.models import (
    BoxDeposit,
    BoxItem,
    Card,
    IssuedCard,
    Loan,
    OnSiteUse,
    Reader,
    Renewal,
)
from bus_ops.database import db, new_uuid, now
from bus_ops.tablet.log import store_events, web_tablet
from bus_ops.tablet.models import Contradiction, ContradictionKind
from bus_ops.timetable.models import (
    ActivityRecord,
    Attendance,
    ClassVisit,
    DayClosing,
    Incident,
    RunEquipment,
    RunRecord,
    StockSeen,
    Visit,
    VisitRecord,
)
from tests.small_service import SmallService

# Foreign to the database's own numbering, so equal rows compare equal.
UNCOMPARED = {"id", "reader_id", "card_id"}
PROJECTIONS: tuple[Any, ...] = (
    VisitRecord,
    RunRecord,
    Attendance,
    ActivityRecord,
    Loan,
    Renewal,
    OnSiteUse,
    IssuedCard,
    Contradiction,
    BoxItem,
    BoxDeposit,
    ClassVisit,
    Incident,
    DayClosing,
    StockSeen,
    Card,
    Reader,
    RunEquipment,
)
# What the log alone makes: an empty log has no row of them.
ALL_OF_THE_LOG = PROJECTIONS[:-3]


def event(
    kind: str,
    visit: Visit | None = None,
    /,
    at: datetime | None = None,
    identity: uuid.UUID | None = None,
    **payload: Any,
) -> dict[str, Any]:
    """A fact as a tablet sends it, ten minutes into the visit unless told otherwise."""
    moment = at or (visit.arrival_at + timedelta(minutes=10) if visit else now())
    return {
        "id": str(identity or new_uuid()),
        "kind": kind,
        "run": visit.run_id if visit else None,
        "visit": visit.id if visit else None,
        "sequence": 1,
        "recorded_at": moment.isoformat(),
        "payload": payload,
    }


def send(service: SmallService, *events: Any) -> tuple[str, ...]:
    """Store facts as one batch; the ids that are held."""
    tablet = web_tablet(service.user)
    return store_events(service.organisation.id, tablet, service.user.id, events).held


def projections() -> dict[str, list[tuple[Any, ...]]]:
    """Every row that follows from the log, without the database's own numbers."""
    db.session.expire_all()
    rows: dict[str, list[tuple[Any, ...]]] = {}
    for model in PROJECTIONS:
        columns = [c for c in model.__table__.columns if c.name not in UNCOMPARED]
        found = [tuple(row) for row in db.session.execute(select(*columns))]
        rows[model.__tablename__] = sorted(found, key=repr)
    linked = select(Loan.event_id, Card.number).join(Card, Loan.card_id == Card.id)
    rows["loan's card"] = sorted(tuple(row) for row in db.session.execute(linked))
    statuses = db.session.execute(select(Visit.id, Visit.status).order_by(Visit.id))
    rows["status"] = [tuple(row) for row in statuses]
    return rows


def open_kinds() -> list[ContradictionKind]:
    """What waits to be settled."""
    query = select(Contradiction.kind).where(Contradiction.settled_by_id.is_(None))
    return sorted(db.session.scalars(query))


def people(visit: Visit) -> dict[str, int]:
    """Who was counted at a visit, by group."""
    query = select(Attendance.audience, Attendance.people).where(Attendance.visit_id == visit.id)
    return {audience.value: count for audience, count in db.session.execute(query)}
