"""Outlines of today's communes, for every map that shows them."""

from __future__ import annotations

from sqlalchemy.orm import undefer

from ..database import db, owned
from ..maps import MapOutline
from .models import AdministrativeUnit, UnitLevel


def todays_outlines(commune_id: int | None = None) -> list[MapOutline]:
    """All communes of the current library, or one of them."""
    query = owned(AdministrativeUnit).where(
        AdministrativeUnit.level == UnitLevel.COMMUNE,
        AdministrativeUnit.valid_until.is_(None),
    )
    if commune_id is not None:
        query = query.where(AdministrativeUnit.id == commune_id)
    units = db.session.scalars(query.options(undefer(AdministrativeUnit.outline)))
    return [MapOutline(unit.full_name, unit.outline) for unit in units if unit.outline]
