"""Administrative units, dated: today's communes, those before them, and where a place lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from geopy.distance import geodesic
from sqlalchemy import delete, select

from schedules.searching import search_key

from ..database import db
from .models import AdministrativeUnit, Place, PlaceUnit, UnitLevel
from .searching import refresh_search_key


@dataclass(frozen=True)
class CommuneRow:
    """A commune or ward of today's map."""

    code: str
    name: str
    full_name: str
    lat: float
    lon: float


@dataclass(frozen=True)
class FormerRow:
    """A commune-level unit of the map before, in its district, and the commune it went into."""

    code: str
    name: str
    full_name: str
    district_code: str
    district: str
    lat: float
    lon: float
    successor_code: str


def add_units(
    organisation_id: int,
    communes: Sequence[CommuneRow],
    outlines: Mapping[str, dict[str, Any]],
    former: Sequence[FormerRow],
    reform_day: date,
) -> dict[str, AdministrativeUnit]:
    """Add both maps; answers today's communes by code.

    ``reform_day`` is the first day of today's map: the former units end the day before. Their
    first day is taken as the year 1900, since only the last state before the reform is known.
    """
    today_units = {
        row.code: _unit(
            organisation_id, row.code, row.name, row.full_name, UnitLevel.COMMUNE, reform_day
        )
        for row in communes
    }
    for row in communes:
        unit = today_units[row.code]
        unit.lat, unit.lon, unit.outline = row.lat, row.lon, outlines.get(row.code)
    db.session.add_all(today_units.values())
    db.session.flush()
    last_day = reform_day - timedelta(days=1)
    districts: dict[str, AdministrativeUnit] = {}
    for old in former:
        if old.district_code not in districts:
            name = old.district.split(" ", 1)[-1]
            district = _unit(
                organisation_id,
                old.district_code,
                name,
                old.district,
                UnitLevel.DISTRICT,
                date(1900, 1, 1),
            )
            district.valid_until = last_day
            districts[old.district_code] = district
    db.session.add_all(districts.values())
    db.session.flush()
    for old in former:
        unit = _unit(
            organisation_id,
            old.code,
            old.name,
            old.full_name,
            UnitLevel.COMMUNE,
            date(1900, 1, 1),
        )
        unit.valid_until = last_day
        unit.lat, unit.lon = old.lat, old.lon
        unit.parent_id = districts[old.district_code].id
        successor = today_units.get(old.successor_code)
        unit.successor_id = successor.id if successor else None
        db.session.add(unit)
    db.session.flush()
    return today_units


def assign_units(place: Place) -> None:
    """Say in which units of each map the place lies, and make it found by their names.

    Of the units before the reform only points are known: the place lies in the nearest of those
    that went into its commune. Without a position only a district that is the same for all of
    them is sure.
    """
    db.session.flush()
    db.session.execute(delete(PlaceUnit).where(PlaceUnit.place_id == place.id))
    if place.commune_id is not None:
        for unit_id in {place.commune_id, _former_unit_of(place)} - {None}:
            db.session.add(
                PlaceUnit(organisation_id=place.organisation_id, place_id=place.id, unit_id=unit_id)
            )
    refresh_search_key(place)


def commune_named(organisation_id: int, name: str) -> AdministrativeUnit | None:
    """Today's commune of this name, with or without "Xã" or "Phường"; None when not one only."""
    wanted = search_key(name)
    query = select(AdministrativeUnit).where(
        AdministrativeUnit.organisation_id == organisation_id,
        AdministrativeUnit.level == UnitLevel.COMMUNE,
        AdministrativeUnit.valid_until.is_(None),
    )
    units = list(db.session.scalars(query))
    exact = [unit for unit in units if search_key(unit.full_name) == wanted]
    found = exact or [unit for unit in units if search_key(unit.name) == wanted]
    return found[0] if len(found) == 1 else None


def _former_unit_of(place: Place) -> int | None:
    query = select(AdministrativeUnit).where(AdministrativeUnit.successor_id == place.commune_id)
    former = [unit for unit in db.session.scalars(query) if unit.lat is not None]
    if not former:
        return None
    if place.lat is None or place.lon is None:
        districts = {unit.parent_id for unit in former}
        return districts.pop() if len(districts) == 1 else None
    here = (place.lat, place.lon)
    nearest = min(former, key=lambda u: (geodesic(here, (u.lat, u.lon)).m, u.code))
    return nearest.id


def _unit(
    organisation_id: int,
    code: str,
    name: str,
    full_name: str,
    level: UnitLevel,
    valid_from: date,
) -> AdministrativeUnit:
    return AdministrativeUnit(
        organisation_id=organisation_id,
        code=code,
        name=name,
        full_name=full_name,
        level=level,
        search_key=search_key(f"{full_name} {code}")[:200],
        valid_from=valid_from,
    )
