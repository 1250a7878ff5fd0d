"""Reach: which schools and communes the van came to, and which it has not seen for long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from sqlalchemy import func, select

from schedules.searching import search_key

from ..counting.figures import Figures
from ..counting.models import VISIT_FIGURES
from ..database import db
from ..places.models import AdministrativeUnit, Place, PlaceKind


@dataclass(frozen=True)
class ReachedPlace:
    """A place in use, and when the van last came."""

    place_id: int
    name: str
    is_school: bool
    pupils: int
    commune_id: int | None
    commune: str
    position: tuple[float, float] | None
    last_served_on: date | None
    # Whether the van came in the period.
    in_period: bool

    def is_due(self, before: date) -> bool:
        """Whether the van has not come since that day."""
        return self.last_served_on is None or self.last_served_on < before


@dataclass(frozen=True)
class ReachedCommune:
    """A commune in which places are in use."""

    commune_id: int | None
    name: str
    places: int
    last_served_on: date | None


@dataclass(frozen=True)
class Reach:
    """What part of the schools and pupils was reached in a period, and what waits."""

    places: Sequence[ReachedPlace]
    # Places and communes not served since this day are waiting.
    since: date

    @property
    def schools(self) -> int:
        """Schools in use."""
        return len(self._schools)

    @property
    def schools_reached(self) -> int:
        """Schools to which the van came in the period."""
        return sum(one.in_period for one in self._schools)

    @property
    def pupils(self) -> int:
        """Pupils of all schools, as far as their number is known."""
        return sum(one.pupils for one in self._schools)

    @property
    def pupils_reached(self) -> int:
        """Pupils of the schools to which the van came."""
        return sum(one.pupils for one in self._schools if one.in_period)

    @cached_property
    def waiting(self) -> list[ReachedPlace]:
        """Places without a visit since the day, those that waited longest first."""
        due = [one for one in self.places if one.is_due(self.since)]
        return sorted(due, key=lambda one: (one.last_served_on or date.min, search_key(one.name)))

    @cached_property
    def communes_waiting(self) -> list[ReachedCommune]:
        """Communes none of whose places had a visit since the day."""
        found: dict[int | None, ReachedCommune] = {}
        for one in self.places:
            key, last = one.commune_id, one.last_served_on
            before = found.get(key)
            if before is not None and before.last_served_on is not None:
                last = max(last or date.min, before.last_served_on)
            found[key] = ReachedCommune(key, one.commune, before.places + 1 if before else 1, last)
        due = [
            one
            for one in found.values()
            if one.commune_id and (one.last_served_on is None or one.last_served_on < self.since)
        ]
        return sorted(due, key=lambda one: (one.last_served_on or date.min, search_key(one.name)))

    @cached_property
    def _schools(self) -> list[ReachedPlace]:
        return [one for one in self.places if one.is_school]


def reach_in(
    organisation_id: int, by_place: Mapping[int, Figures], today: date, weeks: int
) -> Reach:
    """The reach of a period whose served visits ``by_place`` tells.

    Places wait that had no visit in the last ``weeks`` weeks.
    """
    counted = VISIT_FIGURES.c
    last_served = (
        select(counted.day)
        .where(counted.place_id == Place.id, counted.served > 0)
        .order_by(counted.day.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = (
        select(
            Place.id,
            Place.name,
            Place.kind,
            Place.pupils,
            Place.commune_id,
            func.coalesce(AdministrativeUnit.full_name, Place.community),
            Place.lat,
            Place.lon,
            last_served,
        )
        .outerjoin(AdministrativeUnit, Place.commune_id == AdministrativeUnit.id)
        .where(Place.organisation_id == organisation_id, Place.enabled)
        .order_by(Place.search_key)
    )
    places = [
        ReachedPlace(
            key,
            name,
            kind == PlaceKind.SCHOOL,
            pupils or 0,
            commune_id,
            commune,
            None if lat is None or lon is None else (lat, lon),
            last,
            key in by_place and by_place[key]["served"] > 0,
        )
        for key, name, kind, pupils, commune_id, commune, lat, lon, last in db.session.execute(
            query
        )
    ]
    return Reach(places, today - timedelta(weeks=weeks))
