"""Requests that tests answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bus_ops.database import db
from bus_ops.i18n import today
from bus_ops.places.models import SchoolLevel
from bus_ops.requests import deciding
from bus_ops.requests.models import VisitRequest
from tests.small_service import SmallService

DAY = timedelta(days=1)


def asked_visit(organisation_id: int, **more: Any) -> VisitRequest:
    """A primary school beside the others asks for a visit in the coming weeks."""
    values: dict[str, Any] = {
        "language": "vi",
        "asker_name": "Cô Lan",
        "email": "lan@example.org",
        "place_name": "Trường Tiểu học Mới",
        "level": SchoolLevel.PRIMARY,
        "lat": 10.0450,
        "lon": 105.7750,
        "first_on": today() + DAY,
        "last_on": today() + timedelta(weeks=3),
        "people": {"primary": 60},
        "wishes": ["film"],
        "note": "Sân rộng",
        **more,
    }
    return VisitRequest(organisation_id=organisation_id, **values)


def asked_of(service: SmallService) -> VisitRequest:
    """The service's first request, kept."""
    known = db.session.scalars(db.select(VisitRequest)).first()
    if known is not None:
        return known
    asked = asked_visit(service.organisation.id)
    deciding.ask(asked)
    db.session.commit()
    return asked
