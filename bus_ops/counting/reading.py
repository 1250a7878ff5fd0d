"""What is read: loans by subject and by the group of who borrowed."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import ColumnElement, Table, func, select

from schedules.periods import ReportingPeriod, custom_period

from ..database import db
from ..timetable.models import Audience
from .figures import cut_at_whole
from .models import MONTH, READING_SUMS, RUN_READING, YEAR

# Subject ("" where the catalogue has none) and group (None where it is not known).
Read = tuple[str, Audience | None]


def loans_by_subject(organisation_id: int, period: ReportingPeriod) -> Mapping[Read, int]:
    """Loans of the period by subject and group; their sum is the measure "loans"."""
    sums, runs = READING_SUMS.c, RUN_READING.c
    sources: list[tuple[Table, ColumnElement[bool]]] = []
    years, beside_years = cut_at_whole(period, YEAR)
    if years:
        sources.append((READING_SUMS, (sums.grain == YEAR) & sums.first_on.between(*years)))
    for part in beside_years:
        months, days = cut_at_whole(custom_period(*part), MONTH)
        if months:
            sources.append((READING_SUMS, (sums.grain == MONTH) & sums.first_on.between(*months)))
        sources += [(RUN_READING, runs.day.between(*few)) for few in days]
    found: dict[Read, int] = {}
    for table, when in sources:
        columns = table.c
        query = (
            select(columns.subject, columns.audience, func.sum(columns.loans))
            .where(columns.organisation_id == organisation_id, when)
            .group_by(columns.subject, columns.audience)
        )
        for subject, audience, loans in db.session.execute(query):
            key = (subject, Audience(audience) if audience else None)
            found[key] = found.get(key, 0) + int(loans)
    return found
