"""What each place's visits cost: fuel for the kilometres, and the crew's hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from schedules.searching import search_key

from ..accounts.models import Organisation
from ..counting.figures import Figures
from ..database import db
from ..places.models import AdministrativeUnit, Place

MEASURES = (
    "served",
    "attendance",
    "loans",
    "service_minutes",
    "drive_minutes",
    "km_driven",
)


@dataclass(frozen=True)
class PlaceCost:
    """A place's visits of a period with what they cost, in đồng."""

    place_id: int
    place: str
    commune: str
    figures: Figures
    cost_vnd: float

    @property
    def hours(self) -> float:
        """Hours open, and the visits' share of the driving."""
        return float(self.figures["service_minutes"] + self.figures["drive_minutes"]) / 60

    @property
    def people_per_hour(self) -> float:
        """Attendance per hour spent."""
        return float(self.figures["attendance"]) / self.hours if self.hours else 0.0

    @property
    def per_visit(self) -> float | None:
        """Cost of a served visit."""
        return self._per("served")

    @property
    def per_loan(self) -> float | None:
        """Cost of a loan, if all of it were spent for loans."""
        return self._per("loans")

    def _per(self, measure: str) -> float | None:
        count = self.figures[measure]
        return self.cost_vnd / float(count) if count else None


def cost_of(library: Organisation, figures: Figures) -> float:
    """Fuel of the kilometres driven and the crew's hours (open and driving), in đồng."""
    litres = float(figures["km_driven"]) * library.fuel_litres_per_100km / 100
    hours = float(figures["service_minutes"] + figures["drive_minutes"]) / 60
    return litres * library.fuel_price_vnd + hours * library.crew_hour_vnd


def place_costs(library: Organisation, by_place: Mapping[int, Figures]) -> Sequence[PlaceCost]:
    """Places with a served visit, those that reach most people an hour first.

    ``by_place`` holds the figures of MEASURES.
    """
    served = {key: figures for key, figures in by_place.items() if figures["served"]}
    places = db.session.execute(
        select(Place.id, Place.name, Place.community, AdministrativeUnit.full_name)
        .outerjoin(AdministrativeUnit, Place.commune_id == AdministrativeUnit.id)
        .where(Place.organisation_id == library.id)
    )
    found = [
        PlaceCost(key, name, commune or community, served[key], cost_of(library, served[key]))
        for key, name, community, commune in places
        if key in served
    ]
    return sorted(found, key=lambda one: (-one.people_per_hour, search_key(one.place)))
