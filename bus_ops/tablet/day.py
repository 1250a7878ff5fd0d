"""What the crew's pages show of a day: the run, its stops, the map, what is out on loan there."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import quote

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, undefer

from ..accounts.models import User
from ..circulation.models import IssuedCard, Loan, OnSiteUse, Renewal
from ..database import db
from ..i18n import format_clock
from ..maps import MapOutline, MapStop, run_map
from ..places.models import AdministrativeUnit, Place, PositionQuality
from ..timetable.models import (
    ActivityKind,
    ActivityRecord,
    Attendance,
    Audience,
    Run,
    Visit,
    VisitStatus,
)
from ..timetable.retiming import depot_position, position_of, travel_of
from .log import undoable_events
from .models import Event, EventKind


@dataclass(frozen=True)
class LoggedLine:
    """A fact that holds, in words, with the id to undo it by."""

    event: Event
    text: str


@dataclass(frozen=True)
class VisitFigures:
    """What was counted at a visit."""

    people: dict[Audience, int]
    activities: dict[ActivityKind, int]
    lent: int
    returned: int
    renewed: int
    on_site: int
    cards: int

    @property
    def attendance(self) -> int:
        """All people, teachers included."""
        return sum(self.people.values())

    @property
    def empty(self) -> bool:
        """Nothing was counted."""
        counts = (self.lent, self.returned, self.renewed, self.on_site, self.cards)
        return not (self.people or self.activities or any(counts))


def run_for(runs: Sequence[Run], wanted: int | None, user: User) -> Run | None:
    """The run to show: the one asked for, else the one the person rides on, else the first."""
    for run in runs:
        if run.id == wanted:
            return run
    for run in runs:
        if any(member.user_id == user.id for member in run.crew):
            return run
    return runs[0] if runs else None


def loans_out(runs: Sequence[Run]) -> dict[int, int]:
    """How many loans are still out at the place of each visit of the runs, by place."""
    place_ids = {visit.place_id for run in runs for visit in run.visits}
    query = (
        select(Loan.place_id, func.count())
        .where(Loan.place_id.in_(place_ids), Loan.returned_at.is_(None))
        .group_by(Loan.place_id)
    )
    return dict(db.session.execute(query).all())


def navigation_address(place: Place) -> str:
    """A geo: address (RFC 5870) that opens the phone's own navigation at the place."""
    point = f"{place.lat:.6f},{place.lon:.6f}"
    return f"geo:{point}?q={point}({quote(place.name, safe='')})"


def stop_numbers(run: Run) -> dict[int, str]:
    """The number of each visit on list and map; cancelled ones have none."""
    held = [visit for visit in run.visits if visit.plan_status != VisitStatus.CANCELLED]
    return {visit.id: str(number) for number, visit in enumerate(held, 1)}


def map_of_run(run: Run, map_id: str = "route") -> object:
    """The Folium map of a run: depot, numbered stops by status, the way, communes around."""
    numbers = stop_numbers(run)
    placed = [visit for visit in run.visits if visit.place.lat is not None]
    stops = [
        MapStop(
            number=numbers.get(visit.id, "×"),
            name=visit.place.name,
            lat=visit.place.lat or 0.0,
            lon=visit.place.lon or 0.0,
            status=visit.status.value,
            detail=_detail(visit),
            href=url_for("timetable.visit_page", visit_id=visit.id),
        )
        for visit in placed
    ]
    depot = run.van.depot
    marker = MapStop("⌂", depot.name, depot.lat, depot.lon, "depot") if depot else None
    return run_map(map_id, stops, marker, _way(run), _outlines(run))


def _detail(visit: Visit) -> str:
    times = f"{format_clock(visit.arrival_at)}–{format_clock(visit.departure_at)}"
    if visit.place.position_quality == PositionQuality.APPROXIMATE:
        return f"{times} · {_('approximate position')}"
    return f"{times} · {visit.status.label}"


def _way(run: Run) -> list[tuple[float, float]]:
    travel = travel_of(run.organisation_id)
    start = depot_position(run.van)
    points = [start] if start else []
    for visit in run.visits:
        position = position_of(visit.place)
        if position is not None and visit.plan_status != VisitStatus.CANCELLED:
            points.append(position)
    if start and len(points) > 1:
        points.append(start)
    way: list[tuple[float, float]] = []
    for here, there in itertools.pairwise(points):
        way += [(point.lat, point.lon) for point in travel.path(here, there)]
    return way


def _outlines(run: Run) -> list[MapOutline]:
    """Outlines of the communes the run goes to."""
    commune_ids = {visit.place.commune_id for visit in run.visits} - {None}
    query = (
        select(AdministrativeUnit)
        .where(AdministrativeUnit.id.in_(commune_ids))
        .options(undefer(AdministrativeUnit.outline))
    )
    return [
        MapOutline(unit.full_name, unit.outline)
        for unit in db.session.scalars(query)
        if unit.outline
    ]


def figures_of(visit_id: int) -> VisitFigures:
    """What was counted at one visit."""
    people = select(Attendance.audience, Attendance.people).where(Attendance.visit_id == visit_id)
    activities = (
        select(ActivityRecord.kind, func.sum(ActivityRecord.count))
        .where(ActivityRecord.visit_id == visit_id)
        .group_by(ActivityRecord.kind)
    )
    return VisitFigures(
        people=dict(db.session.execute(people).all()),
        activities=dict(db.session.execute(activities).all()),
        lent=_count(Loan.visit_id == visit_id),
        returned=_count(Loan.return_visit_id == visit_id),
        renewed=_count(Renewal.visit_id == visit_id),
        on_site=_sum(OnSiteUse.items, OnSiteUse.visit_id == visit_id),
        cards=_sum(IssuedCard.cards, IssuedCard.visit_id == visit_id),
    )


def _count(condition: object) -> int:
    return db.session.scalar(select(func.count()).where(condition)) or 0  # type: ignore[arg-type]


def _sum(column: object, condition: object) -> int:
    return db.session.scalar(select(func.sum(column)).where(condition)) or 0  # type: ignore[arg-type]


def logged_lines(visit: Visit) -> list[LoggedLine]:
    """What was logged at a visit and holds, newest first, in words."""
    events = undoable_events(visit.id, visit.organisation_id)
    return [LoggedLine(event, text_of(event)) for event in events]


def text_of(event: Event) -> str:
    """One fact in words."""
    payload = event.payload
    match event.kind:
        case EventKind.ATTENDANCE:
            what = f"{payload['people']:+d} {Audience(payload['audience']).label}"
        case EventKind.ACTIVITY:
            kind = ActivityKind(payload["kind"]).label
            what = f"{kind}: {payload['count']} {payload.get('title') or ''}".strip()
        case EventKind.NOTE:
            what = payload["text"]
        case EventKind.LENT:
            what = f"{event.barcode} → {event.card_number}"
        case EventKind.RETURNED | EventKind.RENEWED:
            what = event.barcode or ""
        case EventKind.USED_ON_SITE:
            what = str(payload["items"])
        case EventKind.CARD_ISSUED:
            what = f"{payload['cards']} {event.card_number or ''}".strip()
        case _:
            return str(event.kind.label)
    return f"{event.kind.label}: {what}"


def open_loans_of_place(place_id: int) -> list[Loan]:
    """What is out on loan at a place, the longest due first."""
    query = (
        select(Loan)
        .where(Loan.place_id == place_id, Loan.returned_at.is_(None))
        .options(joinedload(Loan.copy), joinedload(Loan.card))
        .order_by(Loan.due_on, Loan.lent_at)
    )
    return list(db.session.scalars(query))


def may_be_logged(visit: Visit, on: date) -> bool:
    """Facts can be logged from the visit's day on, never before."""
    return visit.day <= on
