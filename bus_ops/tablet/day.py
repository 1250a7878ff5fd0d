"""What the crew's pages show of a day: the run, its stops, the map, what is out on loan there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import quote

from flask import current_app, url_for
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import joinedload, undefer

from schedules.outlines import crossed

from ..accounts.models import User
from ..circulation.models import Card, Copy, IssuedCard, Loan, OnSiteUse, Renewal
from ..database import db, owned
from ..i18n import format_clock, format_number
from ..maps import MapOutline, MapStop, run_map
from ..places.models import AdministrativeUnit, Place, PositionQuality, UnitLevel
from ..timetable.models import (
    ActivityKind,
    ActivityRecord,
    Attendance,
    Audience,
    IncidentKind,
    Run,
    StopKind,
    Visit,
    VisitStatus,
)
from ..timetable.retiming import depot_position, position_of, travel_of
from ..travel_sources import credit_of, line_over
from .log import undoable_events, undoable_run_events
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


def geo_address(place: Place) -> str:
    """A geo: address (RFC 5870), which Android's navigation opens."""
    point = f"{place.lat:.6f},{place.lon:.6f}"
    return f"geo:{point}?q={point}({quote(place.name, safe='')})"


def navigation_address(place: Place) -> str:
    """The way to a place on a site that every device can open."""
    address: str = current_app.config["NAVIGATION_URL"]
    return address.replace("{lat}", f"{place.lat:.6f}").replace("{lon}", f"{place.lon:.6f}")


def is_pause(visit: Visit) -> bool:
    """Fuel or lunch: nobody is served, so nothing is logged there."""
    return visit.stop.kind == StopKind.OTHER


def stop_numbers(run: Run) -> dict[int, str]:
    """The sign of each visit on list and map: its number, or that it is a pause or cancelled."""
    signs: dict[int, str] = {}
    number = 0
    for visit in run.visits:
        if visit.plan_status == VisitStatus.CANCELLED:
            signs[visit.id] = "×"
        elif is_pause(visit):
            signs[visit.id] = "–"
        else:
            number += 1
            signs[visit.id] = str(number)
    return signs


def print_density(run: Run) -> str:
    """How closely the route is printed so that it takes one page: the name of its style."""
    rows = len(run.visits)
    most = {"roomy": 8, "close": 12, "closer": 16}
    return next((name for name, count in most.items() if rows <= count), "closest")


def map_of_run(run: Run, map_id: str = "route") -> object:
    """The Folium map of a run: depot, numbered stops by status, the way, communes around."""
    numbers = stop_numbers(run)
    placed = [visit for visit in run.visits if visit.place.lat is not None]
    stops = [
        MapStop(
            number=numbers[visit.id],
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
    way = way_of(run)
    credit = credit_of(travel_of(run.organisation_id).name)
    return run_map(map_id, stops, marker, way, _outlines(run, way), credit=credit)


def _detail(visit: Visit) -> str:
    times = f"{format_clock(visit.arrival_at)}–{format_clock(visit.departure_at)}"
    if visit.place.position_quality == PositionQuality.APPROXIMATE:
        return f"{times} · {_('approximate position')}"
    return f"{times} · {visit.status.label}"


def way_of(run: Run) -> list[tuple[float, float]]:
    """The line from the depot over the run's stops and back, as (lat, lon)."""
    travel = travel_of(run.organisation_id)
    start = depot_position(run.van)
    points = [start] if start else []
    for visit in run.visits:
        position = position_of(visit.place)
        if position is not None and visit.plan_status != VisitStatus.CANCELLED:
            points.append(position)
    if start and len(points) > 1:
        points.append(start)
    return line_over(travel, points)


def _outlines(run: Run, way: Sequence[tuple[float, float]]) -> list[MapOutline]:
    """Outlines of the communes the run goes to, and of those its way leads through."""
    visited = {visit.place.commune_id for visit in run.visits}
    query = (
        owned(AdministrativeUnit)
        .where(
            AdministrativeUnit.level == UnitLevel.COMMUNE,
            AdministrativeUnit.valid_until.is_(None),
        )
        .options(undefer(AdministrativeUnit.outline))
    )
    units = {unit.id: unit for unit in db.session.scalars(query) if unit.outline}
    outlines = [(key, unit.outline) for key, unit in units.items() if unit.outline]
    shown = visited | crossed(way, outlines)
    # Names that find no room give way to those before them: where the van stops comes first.
    ordered = sorted(outlines, key=lambda outline: outline[0] not in visited)
    return [MapOutline(units[key].name, outline) for key, outline in ordered if key in shown]


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


def run_lines(run: Run) -> list[LoggedLine]:
    """What was logged about a run itself and holds, newest first, in words."""
    items = {item.id: item.name for item in run.checklist}
    events = undoable_run_events(run.id, run.organisation_id)
    return [LoggedLine(event, _run_text(event, items)) for event in events]


def _run_text(event: Event, items: Mapping[int, str]) -> str:
    if event.kind == EventKind.EQUIPMENT:
        item = items.get(event.payload["item_id"], "–")
        said = _("aboard") if event.payload["loaded"] else _("not aboard")
        return f"{item}: {said}"
    km = event.payload.get("odometer_km")
    return f"{event.kind.label}: {format_number(km)} km" if km is not None else text_of(event)


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
        case EventKind.CLASS_VISIT:
            name = payload.get("class_name") or Audience(payload["audience"]).label
            what = f"{name}: {payload['people']}"
        case EventKind.INCIDENT:
            kind = IncidentKind(payload["kind"]).label
            what = f"{kind} {payload.get('text') or ''}".strip()
        case EventKind.PHOTO:
            what = payload.get("caption") or ""
        case EventKind.BOX_OUT | EventKind.BOX_BACK:
            what = f"{event.barcode} ({len(payload['barcodes'])})"
        case EventKind.STOCK_SEEN:
            what = str(len(payload["barcodes"]))
        case _:
            return str(event.kind.label)
    return f"{event.kind.label}: {what}" if what else str(event.kind.label)


def open_loans_of_place(place_id: int) -> list[Loan]:
    """What is out on loan at a place, the longest due first."""
    return _open_loans(Loan.place_id == place_id)


def open_loans_of_card(number: str) -> list[Loan]:
    """What is out on loan to a card, wherever it was lent, the longest due first."""
    return _open_loans(Loan.card_number == number) if number else []


def _open_loans(condition: ColumnElement[bool]) -> list[Loan]:
    query = (
        owned(Loan)
        .where(condition, Loan.returned_at.is_(None))
        .options(
            joinedload(Loan.copy).joinedload(Copy.title),
            joinedload(Loan.card).joinedload(Card.reader),
        )
        .order_by(Loan.due_on, Loan.lent_at)
    )
    return list(db.session.scalars(query))


def may_be_logged(visit: Visit, on: date) -> bool:
    """Facts can be logged from the visit's day on, never before."""
    return visit.day <= on
