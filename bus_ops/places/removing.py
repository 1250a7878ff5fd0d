"""Taking back a place: deleted while nothing stands on it, out of use afterwards."""

from __future__ import annotations

from sqlalchemy import delete, select

from ..database import Base, db
from .models import Place, PlaceUnit

# Rows that only say something of the place itself, and go with it.
_OF_THE_PLACE = {PlaceUnit.__tablename__}


def is_used(place: Place) -> bool:
    """Whether a row of any table names the place: a stop, a visit, a reader, a loan."""
    identity = Place.__table__.c.id
    for table in Base.metadata.tables.values():
        if table.name in _OF_THE_PLACE:
            continue
        for key in table.foreign_keys:
            if key.column is identity:
                found = select(1).select_from(table).where(key.parent == place.id).limit(1)
                if db.session.execute(found).first():
                    return True
    return False


def delete_place(place: Place) -> bool:
    """Delete a place that nothing stands on; False, and nothing done, for any other."""
    if is_used(place):
        return False
    db.session.execute(delete(PlaceUnit).where(PlaceUnit.place_id == place.id))
    db.session.delete(place)
    return True
