"""What the month and week pages show: days with their runs, holidays and warnings."""

from __future__ import annotations

from calendar import Calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from flask import abort
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from schedules.calendar import CalendarRangeError, public_holidays

from ..database import db
from ..i18n import parsed_day
from .calendars import holiday_language
from .models import Run, Term, Visit, VisitStatus
from .promises import Warned, warnings_between
from .queries import runs_between, visit_counts

# Vietnam's holidays are named on the board whatever calendars the stops keep.
BOARD_COUNTRY = "VN"


@dataclass(frozen=True)
class BoardRun:
    """A run on the board: how many visits stand in which status, and what it breaks."""

    run: Run
    counts: dict[str, int]
    warnings: Sequence[Warned]

    @property
    def held(self) -> int:
        """Visits that are not cancelled."""
        return sum(n for status, n in self.counts.items() if status != VisitStatus.CANCELLED)

    @property
    def cancelled(self) -> int:
        """Visits that are cancelled."""
        return self.counts.get(VisitStatus.CANCELLED.value, 0)

    @property
    def state(self) -> VisitStatus:
        """One status for the whole run, for its colour."""
        for status in (VisitStatus.UNDER_WAY, VisitStatus.PLANNED, VisitStatus.CONFIRMED):
            if self.counts.get(status.value):
                served = self.counts.get(VisitStatus.SERVED.value)
                return VisitStatus.UNDER_WAY if served else status
        for status in (VisitStatus.SERVED, VisitStatus.MISSED):
            if self.counts.get(status.value):
                return status
        return VisitStatus.CANCELLED


@dataclass(frozen=True)
class BoardDay:
    """A day of the board."""

    day: date
    in_month: bool
    holiday: str
    runs: tuple[BoardRun, ...]


def month_weeks(
    month: date, organisation_id: int, van_id: int | None, term_id: int | None, language: str
) -> list[list[BoardDay]]:
    """The weeks (from Monday) that the month touches."""
    weeks = Calendar(firstweekday=0).monthdatescalendar(month.year, month.month)
    days = _board_days(
        weeks[0][0], weeks[-1][-1], month, organisation_id, van_id, term_id, language
    )
    return [[days[day] for day in week] for week in weeks]


def week_days(
    monday: date, organisation_id: int, van_id: int | None, language: str
) -> list[BoardDay]:
    """Monday to Sunday."""
    sunday = monday + timedelta(days=6)
    days = _board_days(monday, sunday, monday, organisation_id, van_id, None, language)
    return list(days.values())


def draft_days(term: Term, month: date, language: str) -> list[BoardDay]:
    """The days of the month with runs of the term, once they stand in the database."""
    last = next_month(month) - timedelta(days=1)
    days = _board_days(month, last, month, term.organisation_id, None, term.id, language)
    return [day for day in days.values() if day.runs]


def visits_by_run(first: date, last: date, organisation_id: int) -> dict[int, list[Visit]]:
    """Visits of the days by run, in order, with their places."""
    query = (
        select(Visit)
        .where(Visit.organisation_id == organisation_id, Visit.day.between(first, last))
        .options(joinedload(Visit.place))
        .order_by(Visit.run_id, Visit.position)
    )
    by_run: dict[int, list[Visit]] = {}
    for visit in db.session.scalars(query):
        by_run.setdefault(visit.run_id, []).append(visit)
    return by_run


def parsed_month(text: str, fallback: date) -> date:
    """The first day of "2026-11"; the fallback's month for anything else."""
    return parsed_day(f"{text}-01") or fallback.replace(day=1)


def next_month(month: date) -> date:
    """The first day of the month after."""
    return (month.replace(day=1) + timedelta(days=32)).replace(day=1)


def month_before(month: date) -> date:
    """The first day of the month before."""
    return (month.replace(day=1) - timedelta(days=1)).replace(day=1)


def _board_days(
    first: date,
    last: date,
    month: date,
    organisation_id: int,
    van_id: int | None,
    term_id: int | None,
    language: str,
) -> dict[date, BoardDay]:
    try:
        holidays = public_holidays(BOARD_COUNTRY, first, last, holiday_language(language))
    except CalendarRangeError:
        abort(404)
    counts = visit_counts(first, last, organisation_id)
    warnings = warnings_between(first, last, organisation_id)
    by_day: dict[date, list[BoardRun]] = {}
    for run in runs_between(first, last, organisation_id):
        if (van_id and run.van_id != van_id) or (term_id and run.term_id != term_id):
            continue
        shown = BoardRun(run, counts.get(run.id, {}), warnings.get(run.id, []))
        by_day.setdefault(run.day, []).append(shown)
    length = (last - first).days + 1
    days = [first + timedelta(days=n) for n in range(length)]
    return {
        day: BoardDay(
            day, day.month == month.month, holidays.get(day, ""), tuple(by_day.get(day, []))
        )
        for day in days
    }
