"""What each place's visits cost: fuel for the kilometres, and the crew's hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from schedules.periods import ReportingPeriod

from ..accounts.models import Organisation
from ..counting.figures import Figures, SummedBy, SumsOf
from ..database import db
from ..places.models import Place

_MEASURES = (
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

    place: Place
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

    @property
    def per_person(self) -> float | None:
        """Cost of one who came."""
        return self._per("attendance")

    def _per(self, measure: str) -> float | None:
        count = self.figures[measure]
        return self.cost_vnd / float(count) if count else None


def cost_of(library: Organisation, figures: Figures) -> float:
    """Fuel of the kilometres driven and the crew's hours (open and driving), in đồng."""
    litres = float(figures["km_driven"]) * library.fuel_litres_per_100km / 100
    hours = float(figures["service_minutes"] + figures["drive_minutes"]) / 60
    return litres * library.fuel_price_vnd + hours * library.crew_hour_vnd


def place_costs(library: Organisation, period: ReportingPeriod) -> Sequence[PlaceCost]:
    """Places with a served visit in the period, those that reach most people an hour first."""
    sums = SumsOf(library.id, period, by=SummedBy.PLACE).figures(_MEASURES)
    served = {key: figures for key, figures in sums.items() if figures["served"]}
    places = db.session.scalars(
        select(Place).where(Place.id.in_(served)).options(joinedload(Place.commune))
    )
    found = [
        PlaceCost(place, served[place.id], cost_of(library, served[place.id])) for place in places
    ]
    return sorted(found, key=lambda one: (-one.people_per_hour, one.place.search_key))
