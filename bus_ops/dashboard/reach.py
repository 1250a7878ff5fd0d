"""Reach: which schools and communes the van came to, and which it has not seen for long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from schedules.periods import ReportingPeriod
from schedules.searching import search_key

from ..counting.figures import SummedBy, SumsOf
from ..counting.models import VISIT_FIGURES
from ..database import db
from ..places.models import Place, PlaceKind


@dataclass(frozen=True)
class ReachedPlace:
    """A place in use, and when the van last came."""

    place: Place
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
        return sum(one.place.pupils or 0 for one in self._schools)

    @property
    def pupils_reached(self) -> int:
        """Pupils of the schools to which the van came."""
        return sum(one.place.pupils or 0 for one in self._schools if one.in_period)

    @property
    def waiting(self) -> list[ReachedPlace]:
        """Places without a visit since the day, those that waited longest first."""
        due = [one for one in self.places if one.is_due(self.since)]
        return sorted(due, key=lambda one: (one.last_served_on or date.min, one.place.search_key))

    @property
    def communes_waiting(self) -> list[ReachedCommune]:
        """Communes none of whose places had a visit since the day."""
        found: dict[int | None, ReachedCommune] = {}
        for one in self.places:
            commune, last = one.place.commune, one.last_served_on
            key = commune.id if commune else None
            before = found.get(key)
            if before is not None and before.last_served_on is not None:
                last = max(last or date.min, before.last_served_on)
            name = commune.full_name if commune else one.place.community
            found[key] = ReachedCommune(key, name, before.places + 1 if before else 1, last)
        due = [
            one
            for one in found.values()
            if one.commune_id and (one.last_served_on is None or one.last_served_on < self.since)
        ]
        return sorted(due, key=lambda one: (one.last_served_on or date.min, search_key(one.name)))

    @property
    def _schools(self) -> list[ReachedPlace]:
        return [one for one in self.places if one.place.kind == PlaceKind.SCHOOL]


def reach_in(organisation_id: int, period: ReportingPeriod, today: date, weeks: int) -> Reach:
    """The reach of the period; places wait that had no visit in the last ``weeks`` weeks."""
    counted = VISIT_FIGURES.c
    last_served = dict(
        db.session.execute(
            select(counted.place_id, func.max(counted.day))
            .where(counted.organisation_id == organisation_id, counted.served > 0)
            .group_by(counted.place_id)
        ).all()
    )
    in_period = {
        place_id
        for place_id, figures in SumsOf(organisation_id, period, by=SummedBy.PLACE)
        .figures(["served"])
        .items()
        if figures["served"]
    }
    places = db.session.scalars(
        select(Place)
        .where(Place.organisation_id == organisation_id, Place.enabled)
        .options(joinedload(Place.commune))
        .order_by(Place.search_key)
    )
    return Reach(
        [ReachedPlace(one, last_served.get(one.id), one.id in in_period) for one in places],
        today - timedelta(weeks=weeks),
    )
