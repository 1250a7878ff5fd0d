"""Calendars of the database as the engine reads them, and the ready-made ones of Vietnam."""

from __future__ import annotations

from datetime import date

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from schedules.calendar import Closure, Period
from schedules.calendar import ServiceCalendar as EngineCalendar

from ..database import db
from .models import CalendarPeriod, ServiceCalendar


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
    )


def engine_calendars(organisation_id: int) -> dict[int, EngineCalendar]:
    """All calendars of a library, by key."""
    query = (
        select(ServiceCalendar)
        .where(ServiceCalendar.organisation_id == organisation_id)
        .options(selectinload(ServiceCalendar.closures), selectinload(ServiceCalendar.periods))
    )
    return {row.id: engine_calendar(row) for row in db.session.scalars(query)}


def add_vietnamese_calendars(organisation_id: int, school_year: int) -> list[ServiceCalendar]:
    """Editable first calendars: staff, pupils of primary and of secondary schools.

    Teaching periods follow the plan that Cần Thơ gave for 2025-26, moved to the school year that
    begins in ``school_year``: the coordinator corrects them when the city's own plan is out.
    """
    workdays = list(range(5))
    staff = ServiceCalendar(
        organisation_id=organisation_id, name=_("Staff"), weekdays=list(range(6))
    )
    primary = ServiceCalendar(
        organisation_id=organisation_id, name=_("Primary schools and kindergartens")
    )
    secondary = ServiceCalendar(organisation_id=organisation_id, name=_("Secondary schools"))
    for calendar, first_end, second_start, second_end in (
        (primary, (1, 10), (1, 12), (5, 23)),
        (secondary, (1, 17), (1, 19), (5, 31)),
    ):
        calendar.weekdays = workdays
        year = school_year + 1
        calendar.periods = [
            CalendarPeriod(
                organisation_id=organisation_id,
                name=_("First term"),
                first_on=date(school_year, 9, 5),
                last_on=date(year, *first_end),
            ),
            CalendarPeriod(
                organisation_id=organisation_id,
                name=_("Second term"),
                first_on=date(year, *second_start),
                last_on=date(year, *second_end),
            ),
        ]
    db.session.add_all([staff, primary, secondary])
    db.session.flush()
    return [staff, primary, secondary]
