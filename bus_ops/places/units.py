"""Administrative units, dated: today's communes, those before them, and where a place lies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from geopy.distance import geodesic
from sqlalchemy import Select, delete, select
from sqlalchemy.orm import undefer

from schedules.outlines import Box, box_around, lies_in
from schedules.searching import search_key
from schedules.travel import Position

from ..database import db
from .models import AdministrativeUnit, Place, PlaceUnit, UnitLevel
from .searching import refresh_search_key

# Of the units before the reform, the day they began is not known.
FIRST_KNOWN_DAY = date(1900, 1, 1)


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


@dataclass(frozen=True)
class AddedUnits:
    """Today's communes by code, and how many units of both maps are new."""

    communes: dict[str, AdministrativeUnit]
    count: int


def add_units(
    organisation_id: int,
    communes: Sequence[CommuneRow],
    outlines: Mapping[str, dict[str, Any]],
    former: Sequence[FormerRow],
    reform_day: date,
) -> AddedUnits:
    """Add both maps; a unit that is here already stays as it is.

    ``reform_day`` is the first day of today's map: the former units end the day before. Their
    first day is taken as the year 1900, since only the last state before the reform is known.
    """
    adding = _Adding(organisation_id, reform_day)
    today_units = adding.communes(communes, outlines)
    districts = adding.districts(former)
    adding.former(former, districts, today_units)
    return AddedUnits(today_units, adding.count)


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


def place_in_units(organisation_id: int) -> None:
    """Say anew in which units every place lies; one without a commune gets its point's."""
    query = select(Place).where(Place.organisation_id == organisation_id)
    outlined, box = _outlined_communes(organisation_id), known_box(organisation_id)
    for place in db.session.scalars(query):
        position = place.position
        if place.commune_id is None and position and box and box.holds(position):
            commune = _commune_around(outlined, position)
            place.commune_id = commune.id if commune else None
        assign_units(place)


def commune_at(organisation_id: int, position: Position) -> AdministrativeUnit | None:
    """Today's commune whose outline holds the position; None where no outline does."""
    return _commune_around(_outlined_communes(organisation_id), position)


def known_box(organisation_id: int) -> Box | None:
    """A box around all of today's communes; None where the library has none."""
    positions = [
        Position(unit.lat, unit.lon)
        for unit in db.session.scalars(_select_communes(organisation_id))
        if unit.lat is not None and unit.lon is not None
    ]
    # Points lie inside their communes: a tenth of a degree (11 km) reaches beyond the borders.
    return box_around(positions, 0.1)


def has_units(organisation_id: int) -> bool:
    """Whether the library has any administrative unit."""
    query = select(AdministrativeUnit.id).where(
        AdministrativeUnit.organisation_id == organisation_id
    )
    return db.session.scalar(query.limit(1)) is not None


def places_inside(unit_id: int) -> Select[tuple[int]]:
    """Asks for the keys of places in a unit of any map, or in a unit below it."""
    inside = select(AdministrativeUnit.id).where(
        (AdministrativeUnit.id == unit_id) | (AdministrativeUnit.parent_id == unit_id)
    )
    return select(PlaceUnit.place_id).where(PlaceUnit.unit_id.in_(inside))


def todays_communes(organisation_id: int) -> list[AdministrativeUnit]:
    """Communes of today's map in the order of their names, whatever their type."""
    units = db.session.scalars(_select_communes(organisation_id))
    return sorted(units, key=lambda unit: (search_key(unit.name), unit.code))


def _select_communes(organisation_id: int) -> Select[tuple[AdministrativeUnit]]:
    return select(AdministrativeUnit).where(
        AdministrativeUnit.organisation_id == organisation_id,
        AdministrativeUnit.level == UnitLevel.COMMUNE,
        AdministrativeUnit.valid_until.is_(None),
    )


def _outlined_communes(organisation_id: int) -> list[AdministrativeUnit]:
    query = _select_communes(organisation_id).options(undefer(AdministrativeUnit.outline))
    return [unit for unit in db.session.scalars(query) if unit.outline]


def _commune_around(
    outlined: Iterable[AdministrativeUnit], position: Position
) -> AdministrativeUnit | None:
    return next((unit for unit in outlined if lies_in(unit.outline or {}, position)), None)


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


class _Adding:
    """Adds units to a library that may have some of them; counts the new ones."""

    def __init__(self, organisation_id: int, reform_day: date) -> None:
        self._organisation_id = organisation_id
        self._reform_day = reform_day
        self.count = 0
        query = select(AdministrativeUnit).where(
            AdministrativeUnit.organisation_id == organisation_id
        )
        self._known = {
            (unit.level, unit.code, unit.valid_from): unit for unit in db.session.scalars(query)
        }

    def communes(
        self, rows: Sequence[CommuneRow], outlines: Mapping[str, dict[str, Any]]
    ) -> dict[str, AdministrativeUnit]:
        units = {}
        for row in rows:
            units[row.code] = self._unit(
                UnitLevel.COMMUNE,
                self._reform_day,
                (row.code, row.name, row.full_name),
                lat=row.lat,
                lon=row.lon,
                outline=outlines.get(row.code),
            )
        db.session.flush()
        return units

    def districts(self, rows: Sequence[FormerRow]) -> dict[str, AdministrativeUnit]:
        units: dict[str, AdministrativeUnit] = {}
        for row in rows:
            if row.district_code not in units:
                name = row.district.split(" ", 1)[-1]
                units[row.district_code] = self._unit(
                    UnitLevel.DISTRICT,
                    FIRST_KNOWN_DAY,
                    (row.district_code, name, row.district),
                    valid_until=self._last_day,
                )
        db.session.flush()
        return units

    def former(
        self,
        rows: Sequence[FormerRow],
        districts: Mapping[str, AdministrativeUnit],
        successors: Mapping[str, AdministrativeUnit],
    ) -> None:
        for row in rows:
            successor = successors.get(row.successor_code)
            self._unit(
                UnitLevel.COMMUNE,
                FIRST_KNOWN_DAY,
                (row.code, row.name, row.full_name),
                valid_until=self._last_day,
                lat=row.lat,
                lon=row.lon,
                parent_id=districts[row.district_code].id,
                successor_id=successor.id if successor else None,
            )
        db.session.flush()

    @property
    def _last_day(self) -> date:
        return self._reform_day - timedelta(days=1)

    def _unit(
        self, level: UnitLevel, valid_from: date, named: tuple[str, str, str], **columns: Any
    ) -> AdministrativeUnit:
        code, name, full_name = named
        key = (level, code, valid_from)
        if key not in self._known:
            self._known[key] = AdministrativeUnit(
                organisation_id=self._organisation_id,
                code=code,
                name=name,
                full_name=full_name,
                level=level,
                search_key=search_key(f"{full_name} {code}")[:200],
                valid_from=valid_from,
                **columns,
            )
            db.session.add(self._known[key])
            self.count += 1
        return self._known[key]
