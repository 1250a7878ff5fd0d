"""Counting from the records themselves: what each visit's figures are, and why.

This is the one place where a figure is computed. What it answers is kept by ``counting.upkeep``;
screens and exports read that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, String, case, cast, func, literal, select

from ..circulation.models import CardKind, Copy, IssuedCard, Loan, OnSiteUse, Renewal, Title
from ..database import db
from ..timetable.models import (
    ActivityKind,
    ActivityRecord,
    Attendance,
    Audience,
    Run,
    RunRecord,
    Stop,
    StopKind,
    Visit,
    VisitRecord,
    VisitStatus,
)
from .definitions import ON_TIME_MINUTES, attendance_key
from .models import BY_ODOMETER, NUMBERS, count_column, times_column

SERVED = (VisitStatus.SERVED, VisitStatus.UNDER_WAY)
# No van drives further in a day: beyond it, a reading was typed wrongly.
_MOST_KM_OF_A_RUN = 1000
# Activities whose count is people taking part.
_WITH_PEOPLE = (
    ActivityKind.READING_ON_SITE,
    ActivityKind.COMPUTERS,
    ActivityKind.FILM,
    ActivityKind.STORYTELLING,
    ActivityKind.BOOK_TALK,
    ActivityKind.CONTEST,
    ActivityKind.OTHER,
)


def counted_visits(run_ids: Collection[int]) -> list[dict[str, Any]]:
    """Rows of VISIT_FIGURES of these runs' visits. Stops for fuel or lunch are no visits."""
    query = (
        select(
            Visit.id,
            Visit.organisation_id,
            Visit.day,
            Visit.run_id,
            Visit.place_id,
            Visit.status,
            Visit.arrival_at,
            Run.van_id,
            Run.distance_m,
            Run.drive_minutes,
            RunRecord.odometer_out_km,
            RunRecord.odometer_in_km,
            VisitRecord.arrived_at,
            VisitRecord.departed_at,
        )
        .join(Run, Visit.run_id == Run.id)
        .join(Stop, Visit.stop_id == Stop.id)
        .outerjoin(VisitRecord, VisitRecord.visit_id == Visit.id)
        .outerjoin(RunRecord, RunRecord.run_id == Visit.run_id)
        .where(Visit.run_id.in_(run_ids), Stop.kind != StopKind.OTHER)
        .order_by(Visit.run_id, Visit.position, Visit.id)
    )
    visits = db.session.execute(query).all()
    counted = _counted([visit.id for visit in visits])
    served: dict[int, list[int]] = {}
    for visit in visits:
        if visit.status in SERVED:
            served.setdefault(visit.run_id, []).append(visit.id)
    return [
        _row(visit, counted.get(visit.id, {}), served.get(visit.run_id, [])) for visit in visits
    ]


def counted_reading(run_ids: Collection[int]) -> list[dict[str, Any]]:
    """Rows of RUN_READING of these runs: what was lent, by subject and group of borrowers."""
    subject = func.coalesce(Title.subject, "")
    audience = func.coalesce(cast(Loan.audience, String), "")
    query = (
        select(
            Visit.run_id,
            subject.label("subject"),
            audience.label("audience"),
            Visit.organisation_id,
            Visit.day,
            Run.van_id,
            func.count().label("loans"),
        )
        .join(Run, Visit.run_id == Run.id)
        .join(Loan, Loan.visit_id == Visit.id)
        .outerjoin(Copy, Copy.id == Loan.copy_id)
        .outerjoin(Title, Title.id == Copy.title_id)
        .where(Visit.run_id.in_(run_ids))
        .group_by(Visit.run_id, subject, audience, Visit.organisation_id, Visit.day, Run.van_id)
    )
    return [dict(row._mapping) for row in db.session.execute(query)]


def _row(visit: Any, counted: Mapping[str, int], served: Sequence[int]) -> dict[str, Any]:
    numbers = {**dict.fromkeys(NUMBERS, 0), **counted}
    numbers["planned"] = 1
    numbers["cancelled"] = int(visit.status == VisitStatus.CANCELLED)
    numbers["missed"] = int(visit.status == VisitStatus.MISSED)
    numbers["items_served"] = numbers["loans"] + numbers["on_site"]
    arrived, departed = visit.arrived_at, visit.departed_at
    if arrived and departed and departed > arrived:
        numbers["service_minutes"] = round((departed - arrived).total_seconds() / 60)
    if visit.id in served:
        numbers.update(_of_a_served_visit(visit, served.index(visit.id), len(served)))
    return {
        "visit_id": visit.id,
        "organisation_id": visit.organisation_id,
        "day": visit.day,
        "run_id": visit.run_id,
        "van_id": visit.van_id,
        "place_id": visit.place_id,
        **numbers,
    }


def _of_a_served_visit(visit: Any, number: int, sharers: int) -> dict[str, int]:
    """What only a served visit has; the run's own figures are shared among its ``sharers``."""
    by_odometer = _odometer_m(visit)
    driven = visit.distance_m if by_odometer is None else by_odometer
    late = 0
    if visit.arrived_at:
        late = max(0, int((visit.arrived_at - visit.arrival_at).total_seconds() // 60))
    return {
        "served": 1,
        "runs": int(number == 0),
        "odometer_runs": int(number == 0 and by_odometer is not None),
        BY_ODOMETER: int(by_odometer is not None),
        "km": _share(round(visit.distance_m / 100), number, sharers),
        "km_driven": _share(round(driven / 100), number, sharers),
        "drive_minutes": _share(visit.drive_minutes, number, sharers),
        "timed": int(visit.arrived_at is not None),
        "on_time": int(visit.arrived_at is not None and late <= ON_TIME_MINUTES),
        "late_minutes": late,
    }


def _share(whole: int, number: int, sharers: int) -> int:
    """The ``number``-th part, from 0, of as many whole parts that add up."""
    each, rest = divmod(whole, sharers)
    return each + (number < rest)


def _odometer_m(visit: Any) -> int | None:
    """Metres between the run's two readings; None where they tell nothing."""
    if visit.odometer_out_km is None or visit.odometer_in_km is None:
        return None
    km: int = visit.odometer_in_km - visit.odometer_out_km
    return km * 1000 if 0 <= km <= _MOST_KM_OF_A_RUN else None


def _counted(visit_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    counted: dict[int, dict[str, int]] = {}
    for query in _count_queries(visit_ids):
        for row in db.session.execute(query):
            values = dict(row._mapping)
            figures = counted.setdefault(values.pop("visit_id"), {})
            figures.update({key: int(value or 0) for key, value in values.items()})
    return counted


def _count_queries(visit_ids: Sequence[int]) -> Iterator[Select[Any]]:
    yield _sums(
        Attendance.visit_id,
        visit_ids,
        attendance=Attendance.people,
        **{
            attendance_key(audience): case(
                (Attendance.audience == audience, Attendance.people), else_=0
            )
            for audience in Audience
        },
    )
    yield _sums(Loan.visit_id, visit_ids, loans=literal(1))
    yield _sums(Loan.return_visit_id, visit_ids, returns=literal(1))
    yield _sums(Renewal.visit_id, visit_ids, renewals=literal(1))
    yield _sums(OnSiteUse.visit_id, visit_ids, on_site=OnSiteUse.items)
    yield _sums(
        IssuedCard.visit_id,
        visit_ids,
        cards=IssuedCard.cards,
        van_cards=case((IssuedCard.kind == CardKind.VAN, IssuedCard.cards), else_=0),
        child_cards=case((IssuedCard.kind == CardKind.CHILD, IssuedCard.cards), else_=0),
    )
    with_people = ActivityRecord.kind.in_(_WITH_PEOPLE)
    yield _sums(
        ActivityRecord.visit_id,
        visit_ids,
        activities=case((with_people, 1), else_=0),
        activity_people=case((with_people, ActivityRecord.count), else_=0),
        **{times_column(kind): _of_kind(kind, 1) for kind in ActivityKind},
        **{count_column(kind): _of_kind(kind, ActivityRecord.count) for kind in ActivityKind},
    )


def _of_kind(kind: ActivityKind, value: Any) -> Any:
    return case((ActivityRecord.kind == kind, value), else_=0)


def _sums(visit_column: Any, visit_ids: Sequence[int], **columns: Any) -> Select[Any]:
    return (
        select(
            visit_column.label("visit_id"),
            *(func.sum(column).label(name) for name, column in columns.items()),
        )
        .where(visit_column.in_(visit_ids))
        .group_by(visit_column)
    )
