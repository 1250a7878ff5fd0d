"""Outlines of today's communes, for every map that shows them."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import undefer

from ..database import current_organisation_id, db
from ..maps import MapOutline
from .models import AdministrativeUnit, UnitLevel


def todays_outlines(
    commune_id: int | None = None, *, organisation_id: int | None = None
) -> list[MapOutline]:
    """All communes of a library (where none is named: the current one), or one of them."""
    if organisation_id is None:
        organisation_id = current_organisation_id()
    query = select(AdministrativeUnit).where(
        AdministrativeUnit.organisation_id == organisation_id,
        AdministrativeUnit.level == UnitLevel.COMMUNE,
        AdministrativeUnit.valid_until.is_(None),
    )
    if commune_id is not None:
        query = query.where(AdministrativeUnit.id == commune_id)
    units = db.session.scalars(query.options(undefer(AdministrativeUnit.outline)))
    return [MapOutline(unit.full_name, unit.outline) for unit in units if unit.outline]
