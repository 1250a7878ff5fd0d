"""What is read: loans by subject and by the group of who borrowed."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import ColumnElement, Table, func, or_, select

from schedules.periods import ReportingPeriod

from ..database import db
from ..timetable.models import Audience
from .figures import cut_at_whole
from .models import MONTH, READING_SUMS, RUN_READING

# Subject ("" where the catalogue has none) and group (None where it is not known).
Read = tuple[str, Audience | None]


def loans_by_subject(organisation_id: int, period: ReportingPeriod) -> Mapping[Read, int]:
    """Loans of the period by subject and group; their sum is the measure "loans"."""
    whole, rest = cut_at_whole(period, MONTH)
    found: dict[Read, int] = {}
    sources: list[tuple[Table, ColumnElement[bool]]] = []
    if whole:
        sources.append((READING_SUMS, READING_SUMS.c.first_on.between(*whole)))
    if rest:
        days = RUN_READING.c.day
        sources.append((RUN_READING, or_(*(days.between(*part) for part in rest))))
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
