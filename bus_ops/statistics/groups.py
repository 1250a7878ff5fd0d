"""Groupings of visits: by place, unit of today's or the old map, kind, audience, van, time.

A grouping says of a visit in which groups it counts, under a key that an address can hold. Tables,
exports and the list of visits behind a row ask the same grouping, so that they agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from schedules.periods import PeriodKind, ReportingPeriod
from schedules.searching import search_key

from ..database import db
from ..places.models import AdministrativeUnit, PlaceKind, PlaceUnit, SchoolLevel, UnitLevel
from ..timetable.models import Audience
from .definitions import MEASURES, Measure, attendance_key
from .figures import Figures, VisitRow

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


# Key, name, and the visit (for an audience: its part of the visit).
Part = tuple[str, str, VisitRow]


class Grouping:
    """Sums visits by what they have in common; fed one by one, in order of day."""

    def __init__(self, key: str, period: ReportingPeriod, organisation_id: int) -> None:
        self.key = key
        self.name = str(dict(GROUPINGS)[key])
        self._groups: dict[str, Group] = {}
        self._parts_of = self._rule(period, organisation_id)
        if key == "time":
            for bucket in period.buckets():
                name = bucket_name(bucket)
                self._groups[_bucket_key(bucket)] = Group(
                    _bucket_key(bucket), name, Figures(), bucket
                )

    @property
    def measures(self) -> tuple[Measure, ...]:
        """What can be told of its groups."""
        if self.key == "audience":
            return tuple(measure for measure in MEASURES if measure.key in _OF_AN_AUDIENCE)
        return MEASURES

    def add(self, row: VisitRow) -> None:
        """Count a visit in its group or groups."""
        for key, name, part in self._parts_of(row):
            group = self._groups.get(key)
            if group is None:
                group = self._groups[key] = Group(key, name, Figures())
            group.figures.add(part)

    def groups(self) -> list[Group]:
        """All groups, in order of name or time."""
        return sorted(self._groups.values(), key=lambda group: group.order)

    def parts_in(self, rows: Iterable[VisitRow], key: str) -> Iterator[VisitRow]:
        """The visits (or parts of them) that count in one group."""
        return (part for row in rows for at, _name, part in self._parts_of(row) if at == key)

    def name_of(self, key: str, rows: Iterable[VisitRow]) -> str:
        """What the group of this key is called, told by its visits."""
        if key in self._groups:
            return self._groups[key].name
        named = (name for row in rows for at, name, _part in self._parts_of(row) if at == key)
        return next(named, _("Unknown"))

    def _rule(
        self, period: ReportingPeriod, organisation_id: int
    ) -> Callable[[VisitRow], Iterable[Part]]:
        match self.key:
            case "audience":
                return _by_audience()
            case "time":
                return _by_time(period)
            case "old_commune" | "district":
                level = UnitLevel.COMMUNE if self.key == "old_commune" else UnitLevel.DISTRICT
                units = _former_units(organisation_id, level)
                unknown = (_UNKNOWN, _("Unknown"))
                return lambda row: [(*units.get(row.place_id, unknown), row)]
            case "commune":
                return lambda row: [(*_commune(row), row)]
            case "kind":
                return _by_kind()
            case "van":
                return lambda row: [(str(row.van_id), row.van, row)]
            case _:
                return lambda row: [(str(row.place_id), row.place, row)]


def bucket_name(bucket: ReportingPeriod) -> str:
    """A bucket of time, short enough to stand under a bar."""
    if bucket.kind == PeriodKind.MONTH:
        return bucket.first.strftime("%m/%Y")
    return bucket.first.strftime("%d/%m")


def _by_audience() -> Callable[[VisitRow], Iterable[Part]]:
    names = {audience: str(audience.label) for audience in Audience}
    keys = {audience: attendance_key(audience) for audience in Audience}
    return lambda row: (
        (audience.value, names[audience], row.part_of(audience))
        for audience in Audience
        if keys[audience] in row.figures
    )


def _by_kind() -> Callable[[VisitRow], list[Part]]:
    """The level of a school; otherwise what the place is."""
    named = {
        member: (f"{type(member).__name__}.{member.value}", str(member.label))
        for member in (*SchoolLevel, *PlaceKind)
    }
    return lambda row: [(*named[row.level or row.kind], row)]


def _by_time(period: ReportingPeriod) -> Callable[[VisitRow], list[Part]]:
    buckets = period.buckets()
    named = {
        date.fromordinal(day): (_bucket_key(bucket), bucket_name(bucket))
        for bucket in buckets
        for day in range(bucket.first.toordinal(), bucket.last.toordinal() + 1)
    }
    return lambda row: [(*named[row.day], row)]


def _bucket_key(bucket: ReportingPeriod) -> str:
    return bucket.first.isoformat()


def _commune(row: VisitRow) -> tuple[str, str]:
    """Today's commune; where a place only names one, that name."""
    if row.commune_id is not None:
        return str(row.commune_id), row.commune
    if row.commune:
        return f"-{row.commune}", row.commune
    return _UNKNOWN, _("Unknown")


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
