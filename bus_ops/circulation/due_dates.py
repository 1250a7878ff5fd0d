"""When a loan is due: at the stop's next visit, wherever the timetable moves it.

A due date is the day of the first visit of the same stop, after the one at which the copy was lent
(or renewed), that takes place: not one that was cancelled, nor one to which the van did not come
(nobody is late because the library stayed away). Without such a visit it is the term's last day,
and without a last day four weeks later.
"""

from __future__ import annotations

import uuid
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.orm import aliased

from ..database import db
from ..i18n import format_day
from ..timetable.models import Stop, Term, Visit, VisitStatus
from ..timetable.signals import runs_filled, visits_changed
from .models import Loan

# No van comes, or came, to such a visit.
NOT_HELD = frozenset({VisitStatus.CANCELLED, VisitStatus.MISSED})
# Where neither a next visit nor the end of the term is known.
WITHOUT_ANY_PLAN = timedelta(weeks=4)
# How many days one sentence lists.
MOST_DAYS = 3
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
            .where(Visit.stop_id.in_(stop_ids), Visit.status.not_in(NOT_HELD))
            .order_by(Visit.arrival_at, Visit.id)
        )
        for stop_id, arrival_at, visit_id, day in db.session.execute(visits):
            self._held.setdefault(stop_id, []).append((arrival_at, visit_id, day))
        ends = select(Stop.id, Term.ends_on).join(Term).where(Stop.id.in_(stop_ids))
        self._term_end.update((stop, end) for stop, end in db.session.execute(ends))


def due_of(visit_id: int) -> Due:
    """When what is lent at this visit is due."""
    return DueDates([visit_id]).due_after(visit_id)


def refresh_due_dates(
    organisation_id: int, stop_ids: Collection[int] | None = None
) -> Counter[date]:
    """Bring due dates in line with the plan; answers how many loans still out go to which new day.

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
    still_out: Counter[date] = Counter()
    for row in rows:
        due = due_dates.due_after(row.renewed_visit_id or row.visit_id)
        if (due.day, due.visit_id) == (row.due_on, row.due_visit_id):
            continue
        moved.append(_change(row.event_id, due))
        if row.returned_at is None and due.day != row.due_on:
            still_out[due.day] += 1
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


def in_words(moved: Mapping[date, int]) -> str:
    """One sentence: how many loans have a new due date, and which; empty where none has."""
    if not moved:
        return ""
    days = sorted(moved)
    if len(days) == 1:
        return ngettext(
            "%(num)s loan is now due on %(day)s.",
            "%(num)s loans are now due on %(day)s.",
            moved[days[0]],
            day=format_day(days[0]),
        )
    listed = [_("%(num)s on %(day)s", num=moved[d], day=format_day(d)) for d in days[:MOST_DAYS]]
    if len(days) > MOST_DAYS:
        rest = sum(moved[day] for day in days[MOST_DAYS:])
        listed.append(_("%(num)s later", num=rest))
    return _(
        "%(num)s loans have a new due date: %(list)s.",
        num=sum(moved.values()),
        list=", ".join(listed),
    )


@visits_changed.connect
def _follow_the_plan(_sender: object, visits: Sequence[Visit]) -> str:
    """A moved, cancelled or restored visit takes along the due dates that hang on it.

    Its whole run was timed again, so the run's other stops are looked at, too.
    """
    moved: Counter[date] = Counter()
    for organisation_id in sorted({visit.organisation_id for visit in visits}):
        here = [visit for visit in visits if visit.organisation_id == organisation_id]
        stops = {visit.stop_id for visit in here}
        for run_ids in _chunks(sorted({visit.run_id for visit in here})):
            stops.update(db.session.scalars(select(Visit.stop_id).where(Visit.run_id.in_(run_ids))))
        moved += refresh_due_dates(organisation_id, stops)
    return in_words(moved)


@runs_filled.connect
def _follow_new_runs(_sender: object, organisation_id: int) -> str:
    """Visits that were made or taken away in bulk: what was lent before them is due at them."""
    return in_words(refresh_due_dates(organisation_id))


def _chunks(keys: Sequence[int]) -> Iterable[Sequence[int]]:
    return (keys[start : start + _CHUNK] for start in range(0, len(keys), _CHUNK))
