"""Groupings of visits: by place, unit of today's or the old map, kind, audience, van, time.

A grouping says of a visit in which groups it counts, under a key that an address can hold. Tables,
exports and the list of visits behind a row ask the same grouping, so that they agree.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from schedules.periods import PeriodKind, ReportingPeriod
from schedules.searching import search_key

from ..counting.definitions import MEASURES, Measure, attendance_key
from ..counting.figures import Figures, Filters, SummedBy, SumsOf, VisitRow
from ..database import db
from ..fleet.models import Van
from ..places.models import (
    AdministrativeUnit,
    Place,
    PlaceKind,
    PlaceUnit,
    SchoolLevel,
    UnitLevel,
)
from ..timetable.models import Audience

GROUPINGS = (
    ("place", _l("Place")),
    ("commune", _l("Commune")),
    ("old_commune", _l("Commune of the old map")),
    ("district", _l("District of the old map")),
    ("kind", _l("Kind of place")),
    ("audience", _l("Audience")),
    ("van", _l("Van")),
    ("time", _l("Time")),
)
# What holds for one audience of a visit that several came to.
_OF_AN_AUDIENCE = ("served", "attendance")
# Key of the group of visits of which the grouping knows nothing.
_UNKNOWN = "-"


@dataclass
class Group:
    """A row of a table: its key in addresses, its name on screen, its figures."""

    key: str
    name: str
    figures: Figures
    # The first day of a group of time.
    bucket: ReportingPeriod | None = None

    @property
    def order(self) -> tuple[date | None, str]:
        """Time as it passes, names as Vietnamese sorts them: Đ beside D, not after Z."""
        return (self.bucket.first if self.bucket else None, search_key(self.name))


# Key and name of a group.
Named = tuple[str, str]


class Grouping:
    """Groups of visits by what they have in common: summed at once, or fed one by one."""

    def __init__(self, key: str, period: ReportingPeriod, organisation_id: int) -> None:
        self.key = key
        self.name = str(dict(GROUPINGS)[key])
        self._period = period
        self._organisation_id = organisation_id
        self._groups: dict[str, Group] = {}
        self._buckets = period.buckets() if key == "time" else []
        for bucket in self._buckets:
            self._group((_bucket_key(bucket), bucket_name(bucket))).bucket = bucket
        self._of_place = self._place_groups()

    @property
    def measures(self) -> tuple[Measure, ...]:
        """What can be told of its groups."""
        if self.key == "audience":
            return tuple(measure for measure in MEASURES if measure.key in _OF_AN_AUDIENCE)
        return MEASURES

    def fill(self, filters: Filters, measures: Iterable[str] | None = None) -> None:
        """Take the period's visits in, from their sums; see SumsOf for ``measures``."""
        self.take(
            SumsOf(
                self._organisation_id, self._period, filters, self._summed_by, self._finest
            ).figures(measures)
        )

    def take(self, sums: Mapping[Any, Figures]) -> None:
        """Take sums in that are told apart as this grouping needs them: most, by place."""
        named = self._named()
        for key, figures in sums.items():
            group = self._group(named(key))
            if group.figures.is_empty:
                group.figures = figures.copy()
            else:
                group.figures.merge(figures)

    def add(self, row: VisitRow) -> None:
        """Count a visit in its group or groups."""
        if self.key == "audience":
            for audience in Audience:
                if attendance_key(audience) in row.figures:
                    named = (audience.value, str(audience.label))
                    self._group(named).figures.add(row.part_of(audience))
            return
        match self.key:
            case "time":
                named = self._bucket_of(row.day)
            case "van":
                named = (str(row.van_id), row.van)
            case _:
                named = self._of_place[row.place_id]
        self._group(named).figures.add(row)

    def groups(self) -> list[Group]:
        """All groups, in order of name or time."""
        return sorted(self._groups.values(), key=lambda group: group.order)

    def narrowed(self, key: str, filters: Filters) -> tuple[ReportingPeriod, Filters]:
        """Period and filters that take the visits of one group alone."""
        none = replace(filters, place_ids=frozenset())
        match self.key:
            case "time":
                buckets = (b for b in self._buckets if _bucket_key(b) == key)
                bucket = next(buckets, None)
                return (bucket, filters) if bucket else (self._period, none)
            case "audience":
                known = key in set(Audience) and filters.audience in {None, key}
                return self._period, replace(filters, audience=Audience(key)) if known else none
            case "van":
                known = key.isdecimal() and filters.van_id in {None, int(key)}
                return self._period, replace(filters, van_id=int(key)) if known else none
            case _:
                inside = {place for place, (at, _name) in self._of_place.items() if at == key}
                return self._period, replace(filters, place_ids=frozenset(inside))

    def name_of(self, key: str) -> str:
        """What the group of this key is called."""
        named: dict[str, str] = dict(self._of_place.values())
        if self.key == "time":
            named = {at: group.name for at, group in self._groups.items()}
        elif self.key == "audience":
            named = {audience.value: str(audience.label) for audience in Audience}
        elif self.key == "van":
            named = {str(van): name for van, name in _vans(self._organisation_id).items()}
        return named.get(key, _("Unknown"))

    def _group(self, named: Named) -> Group:
        key, name = named
        return self._groups.setdefault(key, Group(key, name, Figures()))

    @property
    def _summed_by(self) -> SummedBy:
        by = {"audience": SummedBy.AUDIENCE, "time": SummedBy.DAY, "van": SummedBy.VAN}
        return by.get(self.key, SummedBy.PLACE)

    @property
    def _finest(self) -> PeriodKind:
        return self._buckets[0].kind if self._buckets else PeriodKind.YEAR

    def _named(self) -> Callable[[Any], Named]:
        """Which group a key of the sums belongs to."""
        match self.key:
            case "time":
                return self._bucket_of
            case "audience":
                return lambda key: (key, str(Audience(key).label))
            case "van":
                vans = _vans(self._organisation_id)
                return lambda key: (str(key), vans[key])
            case _:
                return lambda key: self._of_place[key]

    def _bucket_of(self, day: date) -> Named:
        at = bisect_right(self._buckets, day, key=lambda bucket: bucket.first) - 1
        return _bucket_key(self._buckets[at]), bucket_name(self._buckets[at])

    def _place_groups(self) -> Mapping[int, Named]:
        """Of each place the group it belongs to, where groups are made of places."""
        match self.key:
            case "old_commune" | "district":
                level = UnitLevel.COMMUNE if self.key == "old_commune" else UnitLevel.DISTRICT
                units = _former_units(self._organisation_id, level)
                places = _places(self._organisation_id)
                return {place.id: units.get(place.id, _unknown()) for place in places}
            case "commune" | "kind" | "place":
                rule = {"commune": _commune, "kind": _by_kind(), "place": _place}[self.key]
                return {place.id: rule(place) for place in _places(self._organisation_id)}
            case _:
                return {}


def bucket_name(bucket: ReportingPeriod) -> str:
    """A bucket of time, short enough to stand under a bar."""
    if bucket.kind == PeriodKind.YEAR:
        return str(bucket.first.year)
    if bucket.kind == PeriodKind.MONTH:
        return bucket.first.strftime("%m/%Y")
    return bucket.first.strftime("%d/%m")


def _bucket_key(bucket: ReportingPeriod) -> str:
    return bucket.first.isoformat()


def _unknown() -> Named:
    return _UNKNOWN, _("Unknown")


def _places(organisation_id: int) -> Iterable[Any]:
    query = (
        select(
            Place.id,
            Place.name,
            Place.kind,
            Place.level,
            Place.commune_id,
            Place.community,
            AdministrativeUnit.full_name,
        )
        .outerjoin(AdministrativeUnit, Place.commune_id == AdministrativeUnit.id)
        .where(Place.organisation_id == organisation_id)
    )
    return db.session.execute(query)


def _vans(organisation_id: int) -> dict[int, str]:
    vans = db.session.scalars(select(Van).where(Van.organisation_id == organisation_id))
    return {van.id: van.display_name for van in vans}


def _place(place: Any) -> Named:
    return str(place.id), place.name


def _by_kind() -> Callable[[Any], Named]:
    """The level of a school; otherwise what the place is."""
    named = {
        member: (f"{type(member).__name__}.{member.value}", str(member.label))
        for member in (*SchoolLevel, *PlaceKind)
    }
    return lambda place: named[place.level or place.kind]


def _commune(place: Any) -> Named:
    """Today's commune; where a place only names one, that name."""
    if place.commune_id is not None:
        return str(place.commune_id), place.full_name
    if place.community:
        return f"-{place.community}", place.community
    return _unknown()


def _former_units(organisation_id: int, level: UnitLevel) -> dict[int, tuple[str, str]]:
    """Key and name of the unit of the old map that each place lay in, where it is known."""
    query = (
        select(PlaceUnit.place_id, AdministrativeUnit)
        .join(AdministrativeUnit, AdministrativeUnit.id == PlaceUnit.unit_id)
        .where(
            PlaceUnit.organisation_id == organisation_id,
            AdministrativeUnit.valid_until.is_not(None),
        )
        .options(joinedload(AdministrativeUnit.parent))
        # Of several old maps the last one holds.
        .order_by(AdministrativeUnit.valid_until)
    )
    found: dict[int, tuple[str, str]] = {}
    for place_id, unit in db.session.execute(query):
        wanted: Any = unit if unit.level == level else unit.parent
        if wanted is not None and wanted.level == level:
            found[place_id] = (str(wanted.id), wanted.full_name)
    return found
