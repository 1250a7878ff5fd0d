"""What places are told of their visits: dates of a new timetable, reminders, changes.

Only the places concerned are told. Changes are told once they have stood for a while, so that a
coordinator who tries something and takes it back tells nobody; what is told is the difference
between what the place knows and what is true.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.orm import joinedload

from ..database import db, now
from ..i18n import (
    at_minutes,
    format_clock,
    format_clocks,
    format_day_long,
    format_minutes_clock,
    today,
)
from ..places.models import Place
from ..timetable.class_slots import slots_of
from ..timetable.models import (
    ChangeKind,
    Run,
    Term,
    TermStatus,
    TimetableChange,
    Visit,
    VisitStatus,
)
from .models import MessageKind, OutboxMessage
from .outbox import host_of, put_in_outbox

# A change that stood so long is meant.
SETTLED_AFTER = timedelta(minutes=10)
# What differs by less is no news: nobody stands at a gate with a stopwatch.
SMALL_SHIFT_MINUTES = 5
REMINDED = (
    (timedelta(days=7), MessageKind.REMINDER_WEEK),
    (timedelta(days=1), MessageKind.REMINDER_DAY),
)
# A reminder of the week before is of use until that long before the visit.
_WEEKS_USE = timedelta(days=2)
# As far as a new timetable is written out in a message.
_LISTED = 20
# Changes of a visit that its place may notice.
_NOTICED = (
    ChangeKind.MOVED,
    ChangeKind.CANCELLED,
    ChangeKind.RESTORED,
    ChangeKind.ADDED,
    ChangeKind.RETIMED,
    ChangeKind.PLANNED,
    ChangeKind.REMOVED,
)

LinkOf = Callable[[Place], str]
OverdueAt = Callable[[Visit], int]


def remind(organisation_id: int, link_of: LinkOf, overdue_at: OverdueAt) -> int:
    """Remind of visits a week and a day ahead; answers how many messages wait. Commits."""
    added = 0
    for ahead, kind in REMINDED:
        for visit in _visits_on(organisation_id, today() + ahead):
            added += len(_reminder(visit, kind, link_of, overdue_at))
    db.session.commit()
    return added


def tell_of_new_timetables(organisation_id: int, link_of: LinkOf) -> int:
    """Tell the places of each term that was published since: their dates. Commits."""
    added = 0
    query = select(Term).where(
        Term.organisation_id == organisation_id,
        Term.status == TermStatus.PUBLISHED,
        Term.published_at.is_not(None),
        Term.told_at.is_(None),
        Term.published_at < now() - SETTLED_AFTER,
    )
    for term in db.session.scalars(query):
        for place, visits in _coming_by_place(term).items():
            with force_locale(place.contact_language):
                listed = [_when(v.day, v.arrival_at, v.departure_at) for v in visits[:_LISTED]]
                more = len(visits) - _LISTED
                if more > 0:
                    listed.append(_("and %(num)s more", num=more))
            values = {"place": place.name, "dates": "\n".join(listed), "link": link_of(place)}
            added += len(
                put_in_outbox(
                    organisation_id,
                    MessageKind.TIMETABLE,
                    f"term:{term.id}:{place.id}",
                    [host_of(place)],
                    values,
                    at_minutes(visits[-1].day, 0),
                )
            )
        term.told_at = now()
    db.session.commit()
    return added


def tell_of_changes(organisation_id: int, link_of: LinkOf) -> int:
    """Tell places what became different at their visits to come. Commits."""
    added = 0
    for place, changes in _settled_changes(organisation_id).items():
        if place is not None:
            added += len(_change_notice(place, changes, link_of))
        db.session.execute(
            update(TimetableChange)
            .where(TimetableChange.id.in_([change.id for change in changes]))
            .values(told_at=now())
        )
    db.session.commit()
    return added


def know_already(visit: Visit) -> None:
    """Who it concerns was told of the visit's changes in another way; the caller commits."""
    db.session.flush()
    db.session.execute(
        update(TimetableChange)
        .where(TimetableChange.visit_id == visit.id, TimetableChange.told_at.is_(None))
        .values(told_at=now())
    )


@dataclass(frozen=True)
class _Known:
    """What a place knows of a visit; no day where it does not expect one."""

    day: date | None
    arrival: str = ""

    def is_as(self, other: _Known) -> bool:
        if self.day != other.day:
            return False
        return self.day is None or _apart(self.arrival, other.arrival) < SMALL_SHIFT_MINUTES

    def in_words(self) -> str:
        return "" if self.day is None else f"{format_day_long(self.day)} {self.arrival}"


def _reminder(
    visit: Visit, kind: MessageKind, link_of: LinkOf, overdue_at: OverdueAt
) -> list[OutboxMessage]:
    place = visit.place
    if not (place.contact_email or place.contact_phone):
        return []
    useless = visit.arrival_at - (_WEEKS_USE if kind == MessageKind.REMINDER_WEEK else timedelta())
    with force_locale(place.contact_language):
        values = {
            "place": place.name,
            "day": format_day_long(visit.day),
            "time": format_clocks(visit.arrival_at, visit.departure_at),
            "promised": visit.stop.promised,
            "classes": _classes(visit),
            "overdue": str(overdue_at(visit) or ""),
            "link": link_of(place),
        }
    key = f"visit:{visit.id}:{visit.day}"
    return put_in_outbox(
        visit.organisation_id, kind, key, [host_of(place)], values, expires_at=useless
    )


def _visits_on(organisation_id: int, day: date) -> Sequence[Visit]:
    query = (
        select(Visit)
        .join(Run, Visit.run_id == Run.id)
        .join(Term, Run.term_id == Term.id)
        .where(
            Visit.organisation_id == organisation_id,
            Visit.day == day,
            Visit.plan_status != VisitStatus.CANCELLED,
            Term.status == TermStatus.PUBLISHED,
        )
        .options(joinedload(Visit.place), joinedload(Visit.stop))
        .order_by(Visit.arrival_at)
    )
    return db.session.scalars(query).all()


def _classes(visit: Visit) -> str:
    return ", ".join(
        f"{slot.class_name} {format_minutes_clock(slot.starts_at)}" for slot in slots_of(visit)
    )


def _coming_by_place(term: Term) -> Mapping[Place, list[Visit]]:
    query = (
        select(Visit)
        .join(Run, Visit.run_id == Run.id)
        .where(
            Run.term_id == term.id,
            Visit.day >= today(),
            Visit.plan_status != VisitStatus.CANCELLED,
        )
        .options(joinedload(Visit.place))
        .order_by(Visit.arrival_at)
    )
    found: dict[Place, list[Visit]] = defaultdict(list)
    for visit in db.session.scalars(query):
        if visit.place.contact_email or visit.place.contact_phone:
            found[visit.place].append(visit)
    return found


def _settled_changes(organisation_id: int) -> Mapping[Place | None, list[TimetableChange]]:
    """Changes that nobody was told of, by place; of a place only when its last one has stood."""
    query = (
        select(TimetableChange)
        .where(
            TimetableChange.organisation_id == organisation_id,
            TimetableChange.told_at.is_(None),
            TimetableChange.kind.in_(_NOTICED),
        )
        .order_by(TimetableChange.at, TimetableChange.id)
    )
    by_place: dict[Place | None, list[TimetableChange]] = defaultdict(list)
    visits = _visits_of(organisation_id)
    for change in db.session.scalars(query):
        visit = visits.get(change.visit_id or 0)
        place_id = visit.place_id if visit else change.before.get("place_id")
        place = db.session.get(Place, place_id) if place_id else None
        by_place[place].append(change)
    stood = now() - SETTLED_AFTER
    return {place: some for place, some in by_place.items() if some[-1].at < stood}


def _visits_of(organisation_id: int) -> dict[int, Visit]:
    query = (
        select(Visit)
        .join(TimetableChange, TimetableChange.visit_id == Visit.id)
        .where(Visit.organisation_id == organisation_id, TimetableChange.told_at.is_(None))
        .options(joinedload(Visit.place))
        .distinct()
    )
    return {visit.id: visit for visit in db.session.scalars(query)}


def _change_notice(
    place: Place, changes: Sequence[TimetableChange], link_of: LinkOf
) -> list[OutboxMessage]:
    by_visit: dict[int, list[TimetableChange]] = defaultdict(list)
    for change in changes:
        # One that was taken out has no key any more: each stands by itself.
        by_visit[change.visit_id or -change.id].append(change)
    with force_locale(place.contact_language):
        lines = [line for some in by_visit.values() if (line := _line(some))]
    if not lines:
        return []
    values = {"place": place.name, "changes": "\n".join(lines), "link": link_of(place)}
    key = f"changes:{place.id}:{changes[-1].id}"
    return put_in_outbox(place.organisation_id, MessageKind.CHANGES, key, [host_of(place)], values)


def _line(changes: Sequence[TimetableChange]) -> str:
    """What became of one visit, in words; empty where nothing did that concerns its place."""
    visit = db.session.get(Visit, changes[0].visit_id) if changes[0].visit_id else None
    is_now = _known_now(visit)
    was = _known_before(changes, visit)
    days = [day for day in (was.day, is_now.day) if day is not None]
    if was.is_as(is_now) or all(day < today() for day in days):
        return ""
    reason = next((change.reason for change in reversed(changes) if change.reason), "")
    why = f" ({reason})" if reason else ""
    if is_now.day is None:
        return _("Cancelled: %(was)s", was=was.in_words()) + why
    if was.day is None:
        return _("New: %(now)s", now=is_now.in_words()) + why
    return _("Moved: %(was)s → %(now)s", was=was.in_words(), now=is_now.in_words()) + why


def _known_now(visit: Visit | None) -> _Known:
    if visit is None or visit.plan_status == VisitStatus.CANCELLED:
        return _Known(None)
    return _Known(visit.day, format_clock(visit.arrival_at))


def _known_before(changes: Sequence[TimetableChange], visit: Visit | None) -> _Known:
    """What the place knew: what the first change of each value says it was before."""
    before: dict[str, Any] = {}
    for change in changes:
        for name, value in change.before.items():
            before.setdefault(name, value)
    is_new = changes[0].kind == ChangeKind.ADDED or (
        changes[0].kind == ChangeKind.PLANNED and not changes[0].before
    )
    if is_new or before.get("status") == VisitStatus.CANCELLED.value:
        return _Known(None)
    day = before.get("day") or (visit.day.isoformat() if visit else "")
    arrival = before.get("arrival") or (format_clock(visit.arrival_at) if visit else "")
    return _Known(date.fromisoformat(day), arrival) if day else _Known(None)


def _apart(one: str, other: str) -> int:
    minutes = [int(clock[:2]) * 60 + int(clock[3:5]) for clock in (one, other)]
    return abs(minutes[0] - minutes[1])


def _when(day: date, arrival: datetime, departure: datetime) -> str:
    return f"{format_day_long(day)}, {format_clocks(arrival, departure)}"
