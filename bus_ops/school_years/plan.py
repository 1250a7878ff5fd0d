"""A school year's plan: of each school what was agreed, what is planned, what was done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from schedules.periods import PeriodKind, ReportingPeriod, custom_period, period_of
from schedules.searching import search_key

from ..counting.figures import Figures, SummedBy, SumsOf
from ..database import db
from ..i18n import today
from ..places.models import Place, PlaceKind, SchoolLevel
from .models import SchoolYearGoal


class GroupedBy(StrEnum):
    """How schools are put together."""

    COMMUNE = "commune"
    LEVEL = "level"


@dataclass
class SchoolLine:
    """A school's year."""

    place: Place
    goal: SchoolYearGoal | None
    planned: int = 0
    done: int = 0
    people: int = 0

    @property
    def agreed(self) -> int:
        """Visits that were agreed."""
        return self.goal.visits if self.goal else 0

    @property
    def is_reached(self) -> bool:
        """Whether the van came at all."""
        return self.done > 0

    @property
    def is_short(self) -> bool:
        """Whether done and planned visits do not make up what was agreed."""
        return self.done + self.planned < self.agreed


@dataclass
class SchoolGroup:
    """Schools of a commune or a level, with their sums."""

    name: str
    lines: list[SchoolLine] = field(default_factory=list)

    @property
    def agreed(self) -> int:
        """Visits agreed."""
        return sum(line.agreed for line in self.lines)

    @property
    def planned(self) -> int:
        """Visits to come."""
        return sum(line.planned for line in self.lines)

    @property
    def done(self) -> int:
        """Visits served."""
        return sum(line.done for line in self.lines)

    @property
    def people(self) -> int:
        """Attendance."""
        return sum(line.people for line in self.lines)

    @property
    def schools(self) -> int:
        """How many schools there are."""
        return len(self.lines)

    @property
    def reached(self) -> int:
        """Schools to which the van came."""
        return sum(line.is_reached for line in self.lines)

    @property
    def pupils(self) -> int:
        """Pupils of all schools, as far as their number is known."""
        return sum(line.place.pupils or 0 for line in self.lines)

    @property
    def pupils_reached(self) -> int:
        """Pupils of schools to which the van came."""
        return sum(line.place.pupils or 0 for line in self.lines if line.is_reached)


def period_of_year(school_year: int) -> ReportingPeriod:
    """Its days."""
    return period_of(PeriodKind.SCHOOL_YEAR, date(school_year, 10, 1))


def current_school_year() -> int:
    """The year in which the present school year began."""
    return period_of(PeriodKind.SCHOOL_YEAR, today()).first.year


def school_lines(organisation_id: int, school_year: int) -> list[SchoolLine]:
    """Every school in use, and others with a goal, by name."""
    goals = {
        goal.place_id: goal
        for goal in db.session.scalars(
            select(SchoolYearGoal).where(
                SchoolYearGoal.organisation_id == organisation_id,
                SchoolYearGoal.school_year == school_year,
            )
        )
    }
    query = (
        select(Place)
        .where(
            Place.organisation_id == organisation_id,
            ((Place.kind == PlaceKind.SCHOOL) & Place.enabled) | Place.id.in_(goals),
        )
        .options(joinedload(Place.commune))
    )
    places = sorted(db.session.scalars(query), key=lambda place: search_key(place.name))
    lines = {place.id: SchoolLine(place, goals.get(place.id)) for place in places}
    year = period_of_year(school_year)
    for place_id, figures in _by_place(organisation_id, year).items():
        if place_id in lines:
            lines[place_id].done = int(figures["served"])
            lines[place_id].people = int(figures["attendance"])
    if year.last >= today():
        to_come = custom_period(max(year.first, today()), year.last)
        for place_id, figures in _by_place(organisation_id, to_come).items():
            if place_id in lines:
                off = figures["served"] + figures["cancelled"]
                lines[place_id].planned = int(figures["planned"] - off)
    return list(lines.values())


def _by_place(organisation_id: int, period: ReportingPeriod) -> dict[int, Figures]:
    sums = SumsOf(organisation_id, period, by=SummedBy.PLACE)
    return sums.figures(("planned", "served", "cancelled", "attendance"))


def grouped(lines: Iterable[SchoolLine], by: GroupedBy) -> list[SchoolGroup]:
    """The schools by today's commune, or by level in the order of levels."""
    groups: dict[str, SchoolGroup] = {}
    for line in lines:
        name = _group_name(line.place, by)
        groups.setdefault(name, SchoolGroup(name)).lines.append(line)
    if by == GroupedBy.LEVEL:
        order = [str(level.label) for level in SchoolLevel]
        return sorted(
            groups.values(),
            key=lambda one: order.index(one.name) if one.name in order else len(order),
        )
    return sorted(groups.values(), key=lambda one: search_key(one.name))


def sum_of(lines: Sequence[SchoolLine]) -> SchoolGroup:
    """All schools together."""
    return SchoolGroup(_("All schools"), list(lines))


def _group_name(place: Place, by: GroupedBy) -> str:
    if by == GroupedBy.LEVEL:
        return str(place.level.label) if place.level else _("No level given")
    return place.commune_name or _("No commune given")
