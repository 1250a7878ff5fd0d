"""What somebody asks of the figures: read from an address, written as one, put in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from flask import request
from flask_babel import gettext as _
from sqlalchemy import select

from schedules.periods import PeriodKind, ReportingPeriod, custom_period, period_of
from schedules.searching import search_key

from ..counting.definitions import BY_KEY
from ..counting.figures import Filters, SumsOf, VisitRow, visit_rows
from ..database import current_organisation_id, db, owned
from ..fleet.models import Van
from ..fleet.queries import vans_by_name
from ..i18n import format_day, parsed_day, today
from ..incoming import asked_number
from ..places.models import (
    AdministrativeUnit,
    Place,
    PlaceKind,
    PlaceUnit,
    SchoolLevel,
    UnitLevel,
)
from ..timetable.models import Audience, Stop
from .groups import GROUPINGS, Grouping

_LONGEST_SLUG = 60
_MOST_PLACES = 300


@dataclass(frozen=True)
class Question:
    """What a page or export is about.

    ``group`` and ``behind`` narrow a list of visits to one row of a table and to those that count
    in one measure.
    """

    period: ReportingPeriod
    filters: Filters
    grouping: str
    measure: str
    group: str | None = None
    behind: str | None = None

    @property
    def arguments(self) -> dict[str, Any]:
        """The same question as arguments of an address."""
        return self.with_arguments()

    def with_arguments(self, **changes: Any) -> dict[str, Any]:
        """The question as arguments of an address with some changed; ``of`` is another period."""
        filters = self.filters
        period = changes.pop("of", self.period)
        if period.kind == PeriodKind.CUSTOM:
            days = {"first": period.first.isoformat(), "last": period.last.isoformat()}
        else:
            days = {"day": period.first.isoformat()}
        arguments = {
            "period": period.kind.value,
            **days,
            "by": self.grouping,
            "measure": self.measure,
            "van": filters.van_id,
            "unit": filters.unit_id,
            "kind": filters.kind,
            "level": filters.level,
            "place": filters.place_id,
            "audience": filters.audience,
            "subject": filters.subject,
            "reason": filters.reason,
            "group": self.group,
            "behind": self.behind,
            **changes,
        }
        return {name: str(value) for name, value in arguments.items() if value is not None}

    def whole(self) -> Question:
        """The question without what narrows a list of visits."""
        filters = replace(self.filters, subject=None, reason=None)
        return replace(self, filters=filters, group=None, behind=None)

    def new_grouping(self, key: str | None = None) -> Grouping:
        """An empty grouping of the question's period."""
        return Grouping(key or self.grouping, self.period, current_organisation_id())

    def filled(self, key: str | None = None, measures: Iterable[str] | None = None) -> Grouping:
        """The grouping with the question's visits."""
        grouping = self.new_grouping(key)
        grouping.fill(self.filters, measures)
        return grouping

    def narrowed(self) -> tuple[ReportingPeriod, Filters]:
        """Period and filters of the group that a list of visits is narrowed to."""
        if self.group is None:
            return self.period, self.filters
        return self.new_grouping().narrowed(self.group, self.filters)

    def rows(self) -> Iterator[VisitRow]:
        """The visits it is about."""
        period, filters = self.narrowed()
        return visit_rows(current_organisation_id(), period, filters, self.behind)


def asked_question(period: PeriodKind = PeriodKind.MONTH) -> Question:
    """The question of this request's address; nonsense in it is passed over.

    ``period`` is the kind of period of an address that names none.
    """
    args = request.args
    grouping = args.get("by", "place")
    measure = args.get("measure", "attendance")
    behind = args.get("behind", "")
    return Question(
        period=_asked_period(period),
        filters=Filters(
            van_id=asked_number("van"),
            unit_id=asked_number("unit"),
            kind=_member(PlaceKind, args.get("kind", "")),
            level=_member(SchoolLevel, args.get("level", "")),
            place_id=asked_number("place"),
            audience=_member(Audience, args.get("audience", "")),
            subject=args.get("subject"),
            reason=args.get("reason"),
        ),
        grouping=grouping if grouping in dict(GROUPINGS) else "place",
        measure=measure if measure in BY_KEY else "attendance",
        group=args.get("group") or None,
        behind=behind if behind in BY_KEY else None,
    )


def sums_of(period: ReportingPeriod, filters: Filters) -> SumsOf:
    """Sums of the signed-in person's library."""
    return SumsOf(current_organisation_id(), period, filters)


def period_text(period: ReportingPeriod) -> str:
    """A period in words."""
    first = period.first
    match period.kind:
        case PeriodKind.DAY:
            return format_day(first)
        case PeriodKind.MONTH:
            return _("Month %(month)s", month=first.strftime("%m/%Y"))
        case PeriodKind.QUARTER:
            number = (first.month + 2) // 3
            return _("Quarter %(number)s/%(year)s", number=number, year=first.year)
        case PeriodKind.HALF_YEAR:
            number = 1 if first.month == 1 else 2
            return _("Half-year %(number)s/%(year)s", number=number, year=first.year)
        case PeriodKind.YEAR:
            return _("Year %(year)s", year=first.year)
        case PeriodKind.SCHOOL_YEAR:
            return _("School year %(first)s–%(last)s", first=first.year, last=first.year + 1)
        case _:
            return f"{format_day(first)} – {format_day(period.last)}"


def filters_in_words(filters: Filters) -> list[tuple[str, str]]:
    """Each filter that is set: what it filters by, and the name of what it takes."""
    named: list[tuple[str, Any, Callable[[], Any]]] = [
        (_("Van"), filters.van_id, lambda: _own(Van, filters.van_id, "display_name")),
        (
            _("Unit"),
            filters.unit_id,
            lambda: _own(AdministrativeUnit, filters.unit_id, "full_name"),
        ),
        (_("Place"), filters.place_id, lambda: _own(Place, filters.place_id, "name")),
        (_("Kind of place"), filters.kind, lambda: filters.kind and filters.kind.label),
        (_("Level of school"), filters.level, lambda: filters.level and filters.level.label),
        (_("Audience"), filters.audience, lambda: filters.audience and filters.audience.label),
        (_("Subject"), filters.subject is not None, lambda: filters.subject or _("No subject")),
        (_("Reason"), filters.reason is not None, lambda: filters.reason or _("No reason given")),
    ]
    return [(label, str(name() or _("Unknown"))) for label, value, name in named if value]


def heading(question: Question) -> str:
    """Period and filters in one line."""
    period = question.period
    text = period_text(period)
    if period.kind not in {PeriodKind.DAY, PeriodKind.CUSTOM}:
        text += f" · {format_day(period.first)} – {format_day(period.last)}"
    return " · ".join([text, *(f"{name}: {value}" for name, value in _filters(question))])


def file_name(question: Question, ending: str) -> str:
    """Name of a download: days and filters, in letters every system takes."""
    period = question.period
    words = " ".join(value for _name, value in _filters(question))
    slug = "-".join(search_key(words).split())[:_LONGEST_SLUG].strip("-")
    parts = ["bus-ops", period.first.isoformat(), period.last.isoformat(), slug]
    return "-".join(part for part in parts if part) + f".{ending}"


def vans() -> list[tuple[int, str]]:
    """The library's vans."""
    return [(van.id, van.display_name) for van in vans_by_name()]


def places(chosen: int | None = None) -> list[tuple[int, str]]:
    """Places that the service has ever served, in order of name, to choose from.

    Among many hundreds nobody chooses from a list: then there is only the chosen one, and the
    table by place with its search leads to the others.
    """
    stops = select(Stop.place_id).where(Stop.organisation_id == current_organisation_id())
    query = select(Place.id, Place.name).where(Place.id.in_(stops)).order_by(Place.search_key)
    found = [(key, name) for key, name in db.session.execute(query.limit(_MOST_PLACES + 1))]
    if len(found) <= _MOST_PLACES:
        return found
    known = None if chosen is None else _own(Place, chosen, "name")
    return [(chosen, known)] if chosen is not None and known else []


def units() -> list[tuple[str, list[tuple[int, str]]]]:
    """Units that places of the service lie in, today's and those of old maps, by map and level."""
    used = select(PlaceUnit.unit_id).where(PlaceUnit.organisation_id == current_organisation_id())
    parents = select(AdministrativeUnit.parent_id).where(AdministrativeUnit.id.in_(used))
    query = owned(AdministrativeUnit).where(
        AdministrativeUnit.id.in_(used) | AdministrativeUnit.id.in_(parents)
    )
    by_map: dict[tuple[date, UnitLevel], list[AdministrativeUnit]] = {}
    for unit in db.session.scalars(query):
        by_map.setdefault((unit.valid_until or date.max, unit.level), []).append(unit)
    return [
        (
            _map_name(last_day, level),
            [(u.id, u.full_name) for u in sorted(found, key=lambda u: search_key(u.name))],
        )
        for (last_day, level), found in sorted(by_map.items(), reverse=True)
    ]


def _map_name(last_day: date, level: UnitLevel) -> str:
    if last_day == date.max:
        return str(level.label)
    return _("%(level)s until %(day)s", level=level.label, day=format_day(last_day))


def _filters(question: Question) -> list[tuple[str, str]]:
    return filters_in_words(question.filters)


def _own(model: Any, identity: Any, name: str) -> str | None:
    """A name of the own library's row; never another's."""
    row = db.session.scalar(owned(model).where(model.id == identity))
    return None if row is None else getattr(row, name)


def _asked_period(otherwise: PeriodKind) -> ReportingPeriod:
    kind = _member(PeriodKind, request.args.get("period", "")) or otherwise
    day = _day("day") or today()
    if kind == PeriodKind.CUSTOM:
        first = _day("first") or today().replace(day=1)
        return custom_period(first, _day("last") or today())
    return period_of(kind, day)


def _day(name: str) -> date | None:
    return parsed_day(request.args.get(name, ""))


def _member(kind: Any, text: str) -> Any:
    return kind(text) if text in {member.value for member in kind} else None
