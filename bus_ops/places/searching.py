"""Finding places by name, address, today's commune and the units of earlier maps."""

from __future__ import annotations

from sqlalchemy import select

from schedules.searching import search_key

from ..database import db
from .models import AdministrativeUnit, Place, PlaceUnit

LONGEST_KEY = 600


def place_search_key(place: Place, unit_names: list[str]) -> str:
    """Everything a person may type to find the place, without diacritics."""
    parts = [place.name, place.community, place.address, place.postcode, place.official_code]
    return search_key(" ".join([*parts, *unit_names]))[:LONGEST_KEY]


def refresh_search_key(place: Place) -> None:
    """Write the place's key again after its name or its units changed."""
    place.search_key = place_search_key(place, unit_names_of(place))


def unit_names_of(place: Place) -> list[str]:
    """Names of every unit the place lies in, with those units' districts."""
    db.session.flush()
    query = (
        select(AdministrativeUnit)
        .join(PlaceUnit, PlaceUnit.unit_id == AdministrativeUnit.id)
        .where(PlaceUnit.place_id == place.id)
    )
    units = list(db.session.scalars(query))
    parents = [unit.parent for unit in units if unit.parent]
    return [unit.full_name for unit in [*units, *parents]]
