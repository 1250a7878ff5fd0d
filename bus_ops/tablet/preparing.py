"""What a tablet takes along: the next days' runs, a map that needs no tiles, cards and copies."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import joinedload, undefer

from ..accounts.models import Organisation, User
from ..accounts.pins import parts_of_pin
from ..circulation.aboard import aboard_barcodes, boxes_back, boxes_out, open_reservations
from ..circulation.due_dates import DueDates
from ..circulation.models import Card, CardKind, Copy, Loan, Reader
from ..database import db, now
from ..fleet.models import CrewMember
from ..places.models import AdministrativeUnit, Place, PositionQuality
from ..timetable.models import (
    ActivityKind,
    Audience,
    ClassSlot,
    IncidentKind,
    Run,
    TermStatus,
    Visit,
    VisitStatus,
)
from ..timetable.queries import runs_on
from ..travel_sources import travel_in_words
from .day import stop_numbers, way_of
from .models import Tablet

DAYS_AHEAD = 7
IDLE_LOCK_MINUTES = 5


def runs_to_take(tablet: Tablet, first: date) -> list[Run]:
    """The published runs of the days ahead: of the tablet's own van where it has one."""
    runs = [
        run
        for number in range(DAYS_AHEAD)
        for run in runs_on(first + timedelta(days=number), tablet.organisation_id)
        if run.term.status == TermStatus.PUBLISHED
    ]
    if tablet.van_id is None:
        return runs
    return [run for run in runs if run.van_id == tablet.van_id]


def day_plan(tablet: Tablet, first: date) -> dict[str, Any]:
    """Everything the crew's days need but readers and books; labels in the page's language."""
    organisation = db.session.get_one(Organisation, tablet.organisation_id)
    runs = runs_to_take(tablet, first)
    moment = _iso(now())
    return {
        "now": moment,
        "made_at": moment,
        "library": organisation.name,
        "idle_lock_minutes": IDLE_LOCK_MINUTES,
        "staff": _staff(tablet.organisation_id),
        "audiences": _choices(Audience),
        "activities": _choices(ActivityKind),
        "card_kinds": _choices(CardKind),
        "incident_kinds": _choices(IncidentKind),
        "depot": _depot(runs),
        "runs": [_run(run) for run in runs],
        "map": _map(runs),
        "load": {str(run.id): _load(run) for run in runs},
    }


def catalogue(tablet: Tablet, first: date) -> dict[str, Any]:
    """Copies, cards, the names the days ahead need, and every loan still out."""
    organisation_id = tablet.organisation_id
    runs = runs_to_take(tablet, first)
    titles, copies = _copies(organisation_id, tablet.van_id)
    return {
        "titles": titles,
        "copies": copies,
        "cards": _cards(organisation_id),
        "names": _names(runs),
        "loans": _loans(organisation_id),
    }


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _choices(kind: Any) -> list[list[str]]:
    return [[value, str(label)] for value, label in kind.choices()]


def _staff(organisation_id: int) -> list[dict[str, Any]]:
    """People who may record: those who ride, and those with a PIN."""
    rides = exists().where(CrewMember.user_id == User.id, CrewMember.enabled.is_(True))
    query = (
        select(User)
        .where(
            User.organisation_id == organisation_id,
            User.enabled.is_(True),
            rides | (User.pin_hash != ""),
        )
        .order_by(User.full_name)
    )
    return [
        {"id": user.id, "name": user.full_name, "pin": parts_of_pin(user.pin_hash)}
        for user in db.session.scalars(query)
    ]


def _depot(runs: Sequence[Run]) -> dict[str, Any] | None:
    depot = next((run.van.depot for run in runs if run.van.depot), None)
    return {"name": depot.name, "lat": depot.lat, "lon": depot.lon} if depot else None


def _run(run: Run) -> dict[str, Any]:
    due_dates = DueDates([visit.id for visit in run.visits])
    slots = _slots([visit.id for visit in run.visits])
    signs = stop_numbers(run)
    return {
        "id": run.id,
        "day": run.day.isoformat(),
        "van": {"id": run.van_id, "name": run.van.display_name},
        "leaves_at": _iso(run.leaves_at),
        "returns_at": _iso(run.returns_at),
        "lunch_from": _iso(run.lunch_from) if run.lunch_from else None,
        "lunch_until": _iso(run.lunch_until) if run.lunch_until else None,
        "distance_m": run.distance_m,
        "drive_minutes": run.drive_minutes,
        "return_drive_minutes": run.return_drive_minutes,
        "return_distance_m": run.return_distance_m,
        "crew": [member.full_name for member in run.crew],
        "checklist": [
            {"id": item.id, "name": item.name, "quantity": item.quantity} for item in run.checklist
        ],
        "note": run.note,
        "visits": [
            _visit(visit, signs[visit.id], due_dates, slots.get(visit.id, []))
            for visit in run.visits
        ],
    }


def _visit(
    visit: Visit, sign: str, due_dates: DueDates, slots: list[dict[str, Any]]
) -> dict[str, Any]:
    due = due_dates.due_after(visit.id)
    return {
        "id": visit.id,
        "position": visit.position,
        "sign": sign,
        "kind": visit.stop.kind.value,
        "status": visit.plan_status.value,
        "reason": visit.reason,
        "place": _place(visit.place),
        "arrival_at": _iso(visit.arrival_at),
        "departure_at": _iso(visit.departure_at),
        "drive_minutes": visit.drive_minutes,
        "distance_m": visit.distance_m,
        "buffer_minutes": visit.buffer_minutes,
        "audience": visit.stop.audience.value if visit.stop.audience else None,
        "promised": visit.stop.promised,
        "due_on": due.day.isoformat(),
        "next_visit": {"day": due.day.isoformat()} if due.visit_id else None,
        "slots": slots,
    }


def _place(place: Place) -> dict[str, Any]:
    return {
        "id": place.id,
        "name": place.name,
        "address": place.address,
        "commune": place.commune_name,
        "lat": place.lat,
        "lon": place.lon,
        "contact": place.contact_name,
        "phone": place.contact_phone,
        "gate": place.gate_notes,
        "parking": place.parking_notes,
        "power": place.power_notes,
        "approximate": place.position_quality == PositionQuality.APPROXIMATE,
    }


def _slots(visit_ids: Collection[int]) -> dict[int, list[dict[str, Any]]]:
    query = (
        select(ClassSlot)
        .where(ClassSlot.visit_id.in_(visit_ids))
        .order_by(ClassSlot.starts_at, ClassSlot.id)
    )
    slots: dict[int, list[dict[str, Any]]] = {}
    for slot in db.session.scalars(query):
        slots.setdefault(slot.visit_id, []).append(
            {
                "id": slot.id,
                "starts_at": slot.starts_at,
                "minutes": slot.minutes,
                "class_name": slot.class_name,
                "audience": slot.audience.value,
                "size": slot.size,
                "teacher": slot.teacher,
            }
        )
    return slots


def _map(runs: Sequence[Run]) -> dict[str, Any]:
    """The runs' lines and the communes they pass, as plain points."""
    lines = {
        str(run.id): [[round(lat, 5), round(lon, 5)] for lat, lon in way_of(run)] for run in runs
    }
    commune_ids = {visit.place.commune_id for run in runs for visit in run.visits} - {None}
    query = (
        select(AdministrativeUnit)
        .where(AdministrativeUnit.id.in_(commune_ids))
        .options(undefer(AdministrativeUnit.outline))
    )
    outlines = [
        {"name": unit.full_name, "rings": _rings(unit.outline)}
        for unit in db.session.scalars(query)
        if unit.outline
    ]
    sources = {str(run.id): travel_in_words(run.travel_source) for run in runs}
    return {"lines": lines, "outlines": outlines, "sources": sources}


def _rings(geometry: dict[str, Any]) -> list[list[list[float]]]:
    polygons = geometry["coordinates"]
    if geometry["type"] == "Polygon":
        polygons = [polygons]
    return [[[round(lat, 4), round(lon, 4)] for lon, lat, *_ in polygon[0]] for polygon in polygons]


def _load(run: Run) -> dict[str, Any]:
    held = [visit for visit in run.visits if visit.plan_status != VisitStatus.CANCELLED]
    return {
        "reservations": open_reservations(held),
        "boxes_out": boxes_out(held),
        "boxes_back": boxes_back(held),
    }


def _copies(organisation_id: int, van_id: int | None) -> tuple[list[list[str]], list[list[Any]]]:
    """Titles in order, and each copy with its title's place in that order."""
    on_board = aboard_barcodes(organisation_id, van_id)
    query = (
        select(Copy)
        .where(Copy.organisation_id == organisation_id, Copy.withdrawn_on.is_(None))
        .options(joinedload(Copy.title))
        .order_by(Copy.title_id, Copy.barcode)
    )
    titles: list[list[str]] = []
    numbers: dict[int, int] = {}
    copies = []
    for copy in db.session.scalars(query):
        if copy.title_id not in numbers:
            numbers[copy.title_id] = len(titles)
            titles.append([copy.title.name, copy.title.author, copy.title.subject])
        copies.append([copy.barcode, numbers[copy.title_id], int(copy.barcode in on_board)])
    return titles, copies


def _cards(organisation_id: int) -> list[list[Any]]:
    query = (
        select(
            Card.number,
            Card.kind,
            Reader.place_id,
            Reader.class_name,
            Reader.audience,
            Card.enabled,
        )
        .join(Reader, Card.reader_id == Reader.id)
        .where(Card.organisation_id == organisation_id)
        .order_by(Card.number)
    )
    return [
        [number, kind.value, place, class_name, audience.value if audience else None, int(enabled)]
        for number, kind, place, class_name, audience, enabled in db.session.execute(query)
    ]


def _names(runs: Sequence[Run]) -> list[list[str]]:
    """Names of the readers of the places ahead, each with the last day it is needed for."""
    last_days: dict[int, date] = {}
    for run in runs:
        for visit in run.visits:
            known = last_days.get(visit.place_id, run.day)
            last_days[visit.place_id] = max(known, run.day)
    query = (
        select(Card.number, Reader.full_name, Reader.place_id)
        .join(Reader, Card.reader_id == Reader.id)
        .where(Reader.place_id.in_(last_days))
        .order_by(Card.number)
    )
    return [
        [number, name, last_days[place_id].isoformat()]
        for number, name, place_id in db.session.execute(query)
    ]


def _loans(organisation_id: int) -> list[list[Any]]:
    query = (
        select(
            Loan.barcode,
            Loan.card_number,
            func.coalesce(Loan.renewed_visit_id, Loan.visit_id),
            Loan.due_on,
            Loan.place_id,
            Loan.renewals,
        )
        .where(Loan.organisation_id == organisation_id, Loan.returned_at.is_(None))
        .order_by(Loan.barcode)
    )
    return [
        [barcode, card, visit_id, due_on.isoformat(), place_id, renewals]
        for barcode, card, visit_id, due_on, place_id, renewals in db.session.execute(query)
    ]
