"""Questions about vans, depots and crew, each named for its answer.

Names are in the order a reader looks for them: Đ beside D, Ô beside O.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import joinedload

from schedules.searching import search_key

from ..database import db, owned
from .models import CrewMember, Depot, Van


def vans_by_name() -> list[Van]:
    """Every van of the current library, service by service."""
    vans = db.session.scalars(owned(Van).options(joinedload(Van.depot)))
    return sorted(vans, key=lambda van: (search_key(van.operator), search_key(van.name), van.id))


def depots_by_name() -> list[Depot]:
    """Every depot of the current library."""
    return sorted(db.session.scalars(owned(Depot)), key=lambda d: (search_key(d.name), d.id))


def members_by_name() -> list[CrewMember]:
    """Everyone who rides or rode along."""
    members = db.session.scalars(owned(CrewMember))
    return sorted(members, key=lambda member: (search_key(member.full_name), member.id))


def works_on(van: Van, day: date) -> bool:
    """Whether a van may be planned on a day."""
    if van.weekdays and day.weekday() not in van.weekdays:
        return False
    return not any(out.first_on <= day <= out.last_on for out in van.days_out)
