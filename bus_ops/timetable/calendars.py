"""Calendars of the database as the engine reads them, and the ready-made ones of Vietnam."""

from __future__ import annotations

from collections import Counter
from datetime import date

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from schedules.calendar import Closure, Period, lunar_new_year, pupils_tet_days_off
from schedules.calendar import ServiceCalendar as EngineCalendar

from ..database import db
from ..i18n import current_language
from ..places.models import Place, PlaceKind, SchoolLevel
from .models import CalendarClosure, CalendarPeriod, CalendarUse, ServiceCalendar

_USE_OF_LEVEL = {
    SchoolLevel.KINDERGARTEN: CalendarUse.KINDERGARTEN,
    SchoolLevel.PRIMARY: CalendarUse.PRIMARY,
    SchoolLevel.LOWER_SECONDARY: CalendarUse.SECONDARY,
    SchoolLevel.UPPER_SECONDARY: CalendarUse.SECONDARY,
}


def holiday_language(language: str | None = None) -> str:
    """The language of holidays' names on a page, as the holidays package calls it."""
    return "vi" if (language or current_language()) == "vi" else "en_US"


def engine_calendar(calendar: ServiceCalendar) -> EngineCalendar:
    """The same calendar as a value without a database."""
    return EngineCalendar(
        name=calendar.name,
        weekdays=frozenset(calendar.weekdays),
        country=calendar.country or None,
        closures=tuple(
            Closure(c.first_on, c.last_on, c.reason, c.opens) for c in calendar.closures
        ),
        periods=tuple(Period(p.first_on, p.last_on, p.name) for p in calendar.periods),
        language=holiday_language(),
    )


def engine_calendars(organisation_id: int) -> dict[int, EngineCalendar]:
    """All calendars of a library, by key."""
    query = (
        select(ServiceCalendar)
        .where(ServiceCalendar.organisation_id == organisation_id)
        .options(selectinload(ServiceCalendar.closures), selectinload(ServiceCalendar.periods))
    )
    return {row.id: engine_calendar(row) for row in db.session.scalars(query)}


def holidays_of_library(organisation_id: int) -> EngineCalendar | None:
    """The public holidays that the library itself keeps: of the country most calendars name."""
    query = select(ServiceCalendar.country).where(
        ServiceCalendar.organisation_id == organisation_id, ServiceCalendar.country != ""
    )
    countries = Counter(db.session.scalars(query))
    if not countries:
        return None
    (country, _count) = countries.most_common(1)[0]
    return EngineCalendar(name="", country=country, language=holiday_language())


def proposed_calendar(place: Place) -> ServiceCalendar | None:
    """The calendar that a new stop at this place takes: the pupils' of its level, or the staff's.

    A school of several levels takes the secondary schools' calendar.
    """
    use = CalendarUse.STAFF
    if place.kind == PlaceKind.SCHOOL:
        use = _USE_OF_LEVEL.get(place.level or SchoolLevel.SEVERAL, CalendarUse.SECONDARY)
    query = (
        select(ServiceCalendar)
        .where(
            ServiceCalendar.organisation_id == place.organisation_id,
            ServiceCalendar.proposed_for == use,
        )
        .order_by(ServiceCalendar.id)
    )
    return db.session.scalar(query.limit(1))


def add_vietnamese_calendars(organisation_id: int, school_year: int) -> list[ServiceCalendar]:
    """Editable first calendars: staff, pupils of kindergartens, primary and secondary schools.

    Teaching periods follow the plan that Cần Thơ gave for 2025-26, moved to the school year that
    begins in ``school_year``: the coordinator corrects them when the city's own plan is out.
    """
    owner = {"organisation_id": organisation_id}
    staff = ServiceCalendar(
        **owner, name=_("Staff"), weekdays=list(range(6)), proposed_for=CalendarUse.STAFF
    )
    early_ends = ((1, 10), (1, 12), (5, 23))
    late_ends = ((1, 17), (1, 19), (5, 31))
    schools = []
    for name, use, (first_end, second_start, second_end) in (
        (_("Kindergartens"), CalendarUse.KINDERGARTEN, early_ends),
        (_("Primary schools"), CalendarUse.PRIMARY, early_ends),
        (_("Secondary schools"), CalendarUse.SECONDARY, late_ends),
    ):
        year = school_year + 1
        calendar = ServiceCalendar(**owner, name=name, weekdays=list(range(5)), proposed_for=use)
        calendar.periods = [
            CalendarPeriod(
                **owner,
                name=_("First term"),
                first_on=date(school_year, 9, 5),
                last_on=date(year, *first_end),
            ),
            CalendarPeriod(
                **owner,
                name=_("Second term"),
                first_on=date(year, *second_start),
                last_on=date(year, *second_end),
            ),
        ]
        close_for_tet(calendar)
        schools.append(calendar)
    db.session.add_all([staff, *schools])
    db.session.flush()
    return [staff, *schools]


def close_for_tet(calendar: ServiceCalendar) -> None:
    """Pupils' days off at Tết for each year that the calendar's teaching periods reach.

    They are longer than the staff's and decided by the city each year, so the reason asks to
    check them.
    """
    closed = {closure.first_on for closure in calendar.closures}
    for year in sorted({period.last_on.year for period in calendar.periods}):
        new_year = lunar_new_year(year)
        off = pupils_tet_days_off(new_year)
        taught = any(p.first_on <= new_year <= p.last_on for p in calendar.periods)
        if off.first in closed or not taught:
            continue
        calendar.closures.append(
            CalendarClosure(
                organisation_id=calendar.organisation_id,
                first_on=off.first,
                last_on=off.last,
                reason=_("Pupils' Tết holiday (to be checked each year)"),
            )
        )
