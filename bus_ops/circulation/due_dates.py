"""When a loan is due: at the stop's next visit, wherever the timetable moves it.

A due date is a function of the plan alone: the first visit of the same stop after the one at which
the copy was lent (or renewed) that is not cancelled; without such a visit the term's last day, and
without a last day four weeks later.
"""

from __future__ import annotations

import uuid
from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask_babel import ngettext
from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.orm import aliased

from ..database import db
from ..timetable.models import Stop, Term, Visit, VisitStatus
from ..timetable.signals import visits_changed
from .models import Loan

# Where neither a next visit nor the end of the term is known.
WITHOUT_ANY_PLAN = timedelta(weeks=4)
_CHUNK = 500


@dataclass(frozen=True)
class Due:
    """The day a loan is due, and the visit it hangs on (None: the term's last day holds)."""

    day: date
    visit_id: int | None


class DueDates:
    """Due dates of loans made at visits of some stops, read from the plan once."""

    def __init__(self, visit_ids: Collection[int]) -> None:
        wanted = sorted(set(visit_ids))
        self._base: dict[int, tuple[int, datetime, date]] = {}
        for chunk in _chunks(wanted):
            rows = select(Visit.id, Visit.stop_id, Visit.arrival_at, Visit.day).where(
                Visit.id.in_(chunk)
            )
            for visit_id, stop_id, arrival_at, day in db.session.execute(rows):
                self._base[visit_id] = (stop_id, arrival_at, day)
        stop_ids = sorted({stop_id for stop_id, _, _ in self._base.values()})
        self._held: dict[int, list[tuple[datetime, int, date]]] = {}
        self._term_end: dict[int, date | None] = {}
        for chunk in _chunks(stop_ids):
            self._read_stops(chunk)

    def due_after(self, visit_id: int) -> Due:
        """When what was lent or renewed at this visit is due."""
        stop_id, arrival_at, day = self._base[visit_id]
        held = self._held.get(stop_id, [])
        index = bisect_right(held, arrival_at, key=lambda visit: visit[0])
        if index < len(held):
            _, next_id, next_day = held[index]
            return Due(next_day, next_id)
        term_end = self._term_end.get(stop_id)
        if term_end is not None and term_end >= day:
            return Due(term_end, None)
        return Due(day + WITHOUT_ANY_PLAN, None)

    def _read_stops(self, stop_ids: Sequence[int]) -> None:
        visits = (
            select(Visit.stop_id, Visit.arrival_at, Visit.id, Visit.day)
            .where(Visit.stop_id.in_(stop_ids), Visit.plan_status != VisitStatus.CANCELLED)
            .order_by(Visit.arrival_at, Visit.id)
        )
        for stop_id, arrival_at, visit_id, day in db.session.execute(visits):
            self._held.setdefault(stop_id, []).append((arrival_at, visit_id, day))
        ends = select(Stop.id, Term.ends_on).join(Term).where(Stop.id.in_(stop_ids))
        self._term_end.update((stop, end) for stop, end in db.session.execute(ends))


def due_of(visit_id: int) -> Due:
    """When what is lent at this visit is due."""
    return DueDates([visit_id]).due_after(visit_id)


def refresh_due_dates(organisation_id: int, stop_ids: Collection[int] | None = None) -> int:
    """Bring due dates in line with the plan; answers how many loans still out have a new one.

    With ``stop_ids`` only loans made at those stops are looked at.
    """
    base = aliased(Visit)
    query = (
        select(
            Loan.event_id,
            Loan.visit_id,
            Loan.renewed_visit_id,
            Loan.due_on,
            Loan.due_visit_id,
            Loan.returned_at,
        )
        .join(base, Loan.visit_id == base.id)
        .where(Loan.organisation_id == organisation_id)
    )
    if stop_ids is not None:
        renewed = aliased(Visit)
        query = query.outerjoin(renewed, Loan.renewed_visit_id == renewed.id).where(
            or_(base.stop_id.in_(list(stop_ids)), renewed.stop_id.in_(list(stop_ids)))
        )
    rows = db.session.execute(query).all()
    due_dates = DueDates([row.renewed_visit_id or row.visit_id for row in rows])
    moved = []
    still_out = 0
    for row in rows:
        due = due_dates.due_after(row.renewed_visit_id or row.visit_id)
        if (due.day, due.visit_id) == (row.due_on, row.due_visit_id):
            continue
        moved.append(_change(row.event_id, due))
        still_out += row.returned_at is None and due.day != row.due_on
    if moved:
        statement = (
            update(Loan.__table__)
            .where(Loan.__table__.c.event_id == bindparam("loan"))
            .values(due_on=bindparam("day"), due_visit_id=bindparam("visit"))
        )
        db.session.connection().execute(statement, moved)
        db.session.expire_all()
    return still_out


def _change(loan: uuid.UUID, due: Due) -> dict[str, object]:
    return {"loan": loan, "day": due.day, "visit": due.visit_id}


@visits_changed.connect
def _follow_the_plan(_sender: object, visits: Sequence[Visit]) -> str:
    """A moved, cancelled or restored visit takes along the due dates that hang on it."""
    moved = 0
    for organisation_id in {visit.organisation_id for visit in visits}:
        stops = {v.stop_id for v in visits if v.organisation_id == organisation_id}
        moved += refresh_due_dates(organisation_id, stops)
    if not moved:
        return ""
    return ngettext("%(num)s loan has a new due date.", "%(num)s loans have a new due date.", moved)


def _chunks(keys: Sequence[int]) -> Iterable[Sequence[int]]:
    return (keys[start : start + _CHUNK] for start in range(0, len(keys), _CHUNK))
