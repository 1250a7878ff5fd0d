"""An event that tests look at."""

from __future__ import annotations

from bus_ops.database import db
from bus_ops.events.models import EventKind, SpecialEvent
from tests.small_service import SmallService


def event_of(service: SmallService) -> SpecialEvent:
    """The service's event, kept: a contest at its last visit."""
    known = db.session.scalars(db.select(SpecialEvent)).first()
    if known is not None:
        return known
    visit = service.visits()[-1]
    event = SpecialEvent(
        organisation_id=service.organisation.id,
        kind=EventKind.CONTEST,
        title="Hội thi kể chuyện",
        visit_id=visit.id,
        place_id=visit.place_id,
        planned_on=visit.day,
    )
    db.session.add(event)
    db.session.commit()
    return event
