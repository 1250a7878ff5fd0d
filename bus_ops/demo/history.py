"""The demonstration's history: facts as a tablet would have recorded them, invented from a seed.

The facts go through the same log as real ones; visits, counts and loans are what the log says.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import joinedload

from ..circulation.models import Card, Copy, Reader
from ..database import db
from ..i18n import at_minutes
from ..places.models import PlaceKind
from ..tablet.events import read_event
from ..tablet.log import replay
from ..tablet.models import Event, Tablet
from ..timetable.models import (
    Audience,
    ChangeKind,
    Stop,
    StopKind,
    TimetableChange,
    Visit,
    VisitStatus,
)
from ..timetable.statuses import roll_statuses
from .service import DemoService

CANCELLED_SHARE = 0.03
MISSED_SHARE = 0.015
REASONS = (
    "Bão, trường nghỉ học",
    "Trường thi giữa kỳ",
    "Triều cường ngập đường vào",
    "Xe bảo dưỡng",
)
NOTES = (
    "Các em đợi sẵn ở sân, hai lớp chưa kịp mượn.",
    "Trường xin thêm truyện tranh khoa học.",
    "Sân nắng, nên xin mượn hội trường lần sau.",
    "Máy chiếu cần dây nối dài hơn.",
)
LONGEST_HISTORY = timedelta(days=190)
MOST_BOXES = 4
COPIES_OF_A_BOX = 20


@dataclass
class _Invented:
    """What is out on loan where, while the history is told in order."""

    service: DemoService
    rng: Random
    tablet: Tablet
    free_copies: list[str]
    cards: dict[int, list[str]]
    out: dict[int, list[str]] = field(default_factory=dict)
    # Boxes that stand somewhere: their code and the copies in them, by place.
    boxes: dict[int, tuple[str, list[str]]] = field(default_factory=dict)
    boxes_left: int = 0
    sequence: int = 0
    odometer: int = 18_400


def make_history(service: DemoService, moment: datetime, today: date, rng: Random) -> int:
    """Record everything up to ``moment``; answers how many facts there are."""
    organisation_id = service.organisation.id
    tablet = Tablet(
        organisation_id=organisation_id,
        name="Máy tính bảng 1",
        user_id=service.crew_account.id,
        id=uuid.UUID(int=rng.getrandbits(128), version=4),
    )
    db.session.add(tablet)
    db.session.flush()
    invented = _Invented(
        service, rng, tablet, _barcodes(organisation_id, rng), _cards(organisation_id)
    )
    rows: list[dict[str, Any]] = []
    for visits in _days(organisation_id, today):
        day = visits[0].day
        events = _run_of(invented, visits) if day < today else _today(invented, visits, moment)
        rows += [_stored(invented, raw, moment) for raw in events]
    for start in range(0, len(rows), 1000):
        db.session.execute(insert(Event), rows[start : start + 1000])
    db.session.commit()
    replay(organisation_id)
    roll_statuses(organisation_id, today)
    db.session.commit()
    return len(rows)


def _barcodes(organisation_id: int, rng: Random) -> list[str]:
    query = select(Copy.barcode).where(Copy.organisation_id == organisation_id)
    codes = list(db.session.scalars(query.order_by(Copy.barcode)))
    rng.shuffle(codes)
    return codes


def _cards(organisation_id: int) -> dict[int, list[str]]:
    query = (
        select(Reader.place_id, Card.number)
        .join(Card, Card.reader_id == Reader.id)
        .where(Reader.organisation_id == organisation_id)
        .order_by(Card.number)
    )
    numbers: dict[int, list[str]] = {}
    for place_id, number in db.session.execute(query):
        numbers.setdefault(place_id, []).append(number)
    return numbers


def _days(organisation_id: int, today: date) -> Iterator[list[Visit]]:
    """Visits day by day, from the beginning of the history to today."""
    query = (
        select(Visit)
        .where(
            Visit.organisation_id == organisation_id,
            Visit.day.between(today - LONGEST_HISTORY, today),
        )
        .options(joinedload(Visit.stop).joinedload(Stop.place))
        .order_by(Visit.day, Visit.run_id, Visit.position)
    )
    day: list[Visit] = []
    for visit in db.session.scalars(query):
        if day and visit.run_id != day[0].run_id:
            yield day
            day = []
        day.append(visit)
    if day:
        yield day


def _run_of(invented: _Invented, visits: list[Visit]) -> Iterator[dict[str, Any]]:
    """A past run: most visits served, some cancelled, few forgotten."""
    rng = invented.rng
    held = []
    for visit in visits:
        fate = rng.random()
        if fate < CANCELLED_SHARE:
            _cancel(invented, visit)
        elif fate >= CANCELLED_SHARE + MISSED_SHARE:
            held.append(visit)
    if not held:
        return
    run = visits[0].run
    yield _event("run_left", run.leaves_at, run=run.id, odometer_km=invented.odometer)
    for visit in held:
        late = timedelta(minutes=rng.choice((-2, 0, 0, 3, 5, 9)))
        yield from _served(invented, visit, visit.arrival_at + late, visit.departure_at + late)
    invented.odometer += round(run.distance_m / 1000) + rng.randrange(0, 4)
    yield _event("run_returned", run.returns_at, run=run.id, odometer_km=invented.odometer)


def _today(invented: _Invented, visits: list[Visit], moment: datetime) -> Iterator[dict[str, Any]]:
    """Today's run, partly served at whatever hour it is looked at.

    Before the plan's own hours the morning is told as if it had begun earlier; nothing is
    recorded in the future.
    """
    run = visits[0].run
    departed = sum(visit.departure_at <= moment for visit in visits[:-2])
    served = min(max(1, departed), len(visits) - 1)
    midnight = at_minutes(visits[0].day, 0)
    begun = run.leaves_at if run.leaves_at < moment else midnight
    last_planned = visits[served].arrival_at + timedelta(minutes=25)
    squeeze = min(1.0, (moment - begun) / max(last_planned - run.leaves_at, timedelta(minutes=1)))

    def told(planned: datetime) -> datetime:
        return begun + (planned - run.leaves_at) * squeeze

    items = list(run.checklist)
    for item in items:
        yield _event("equipment", begun, run=run.id, item_id=item.id, loaded=True)
    yield _event("run_left", told(run.leaves_at), run=run.id, odometer_km=invented.odometer)
    for visit in visits[:served]:
        yield from _served(invented, visit, told(visit.arrival_at), told(visit.departure_at))
    under_way = visits[served]
    yield _event("arrived", told(under_way.arrival_at), under_way)
    count_at = told(under_way.arrival_at + timedelta(minutes=10))
    for audience, people in _people(invented, under_way):
        yield _event("attendance", count_at, under_way, audience=audience.value, people=people // 2)
    lent_at = told(under_way.arrival_at + timedelta(minutes=20))
    yield _event("lent", lent_at, under_way, barcode="CT999999", card_number="X00001")


def _served(
    invented: _Invented, visit: Visit, arrived: datetime, departed: datetime
) -> Iterator[dict[str, Any]]:
    rng = invented.rng

    def during() -> datetime:
        return arrived + (departed - arrived) * rng.uniform(0.05, 0.95)

    yield _event("arrived", arrived, visit)
    for audience, people in _people(invented, visit):
        yield _event("attendance", during(), visit, audience=audience.value, people=people)
    for kind, count, title in _activities(invented, visit):
        yield _event("activity", during(), visit, kind_=kind, count=count, title=title)
    yield _event("used_on_site", during(), visit, items=rng.randrange(30, 110))
    if rng.random() < 0.35:
        kind = "child" if visit.place.kind == PlaceKind.SCHOOL else "van"
        yield _event("card_issued", during(), visit, kind_=kind, cards=rng.randrange(1, 9))
    if rng.random() < 0.12:
        yield _event("note", during(), visit, text=rng.choice(NOTES))
    yield from _books_back_and_out(invented, visit, arrived, departed)
    yield from _box(invented, visit, departed)
    yield _event("departed", departed, visit)


def _books_back_and_out(
    invented: _Invented, visit: Visit, arrived: datetime, departed: datetime
) -> Iterator[dict[str, Any]]:
    rng = invented.rng
    length = departed - arrived
    out = invented.out.setdefault(visit.stop.place_id, [])
    staying = []
    for barcode in out:
        at = arrived + length * rng.uniform(0.05, 0.45)
        if rng.random() < 0.82:
            yield _event("returned", at, visit, barcode=barcode)
            invented.free_copies.insert(0, barcode)
        else:
            staying.append(barcode)
            if rng.random() < 0.5:
                yield _event("renewed", at, visit, barcode=barcode)
    invented.out[visit.stop.place_id] = staying
    readers = invented.cards.get(visit.stop.place_id, [])
    if not readers:
        return
    for _ in range(min(rng.randrange(4, 16), len(invented.free_copies))):
        barcode = invented.free_copies.pop()
        at = arrived + length * rng.uniform(0.5, 0.95)
        card = rng.choice(readers)
        yield _event("lent", at, visit, barcode=barcode, card_number=card)
        staying.append(barcode)


def _box(invented: _Invented, visit: Visit, departed: datetime) -> Iterator[dict[str, Any]]:
    """A few schools keep a box from one visit to the next."""
    at, place_id = departed - timedelta(minutes=3), visit.stop.place_id
    names = {"handed_by": "Lê Thị Mai", "received_by": visit.place.contact_name}
    if place_id in invented.boxes:
        code, copies = invented.boxes.pop(place_id)
        invented.free_copies = [*copies, *invented.free_copies]
        seen = {"barcodes": copies, "visitors": 3 * len(copies), "items": 5 * len(copies)}
        yield _event("box_back", at, visit, box=code, **seen, **names)
        return
    school = visit.place.kind == PlaceKind.SCHOOL
    if not school or invented.boxes_left >= MOST_BOXES or len(invented.free_copies) < 200:
        return
    invented.boxes_left += 1
    code, copies = f"THUNG-{10 + invented.boxes_left}", invented.free_copies[:COPIES_OF_A_BOX]
    del invented.free_copies[:COPIES_OF_A_BOX]
    invented.boxes[place_id] = (code, copies)
    yield _event("box_out", at, visit, box=code, barcodes=copies, condition="tốt", **names)


def _people(invented: _Invented, visit: Visit) -> list[tuple[Audience, int]]:
    rng = invented.rng
    if visit.place.kind == PlaceKind.SCHOOL:
        main = visit.stop.audience or Audience.LOWER_SECONDARY
        return [(main, rng.randrange(45, 160)), (Audience.TEACHERS, rng.randrange(2, 8))]
    return [
        (Audience.PRIMARY, rng.randrange(5, 30)),
        (Audience.ADULTS, rng.randrange(8, 35)),
        (Audience.SENIORS, rng.randrange(2, 14)),
    ]


def _activities(invented: _Invented, visit: Visit) -> Iterator[tuple[str, int, str]]:
    rng = invented.rng
    yield "reading_on_site", rng.randrange(20, 90), ""
    yield "computers", rng.randrange(6, 30), ""
    yield "internet", rng.randrange(4, 25), ""
    if rng.random() < 0.3:
        yield "film", rng.randrange(25, 80), "Phim hoạt hình Việt Nam"
    if rng.random() < 0.3:
        yield "storytelling", rng.randrange(20, 50), "Kể chuyện theo sách"
    if rng.random() < 0.15:
        yield "contest", rng.randrange(10, 40), "Thi vui đọc sách"
    if rng.random() < 0.25:
        yield "ebook_accounts", rng.randrange(2, 20), ""
    if rng.random() < 0.05:
        yield "book_gift", rng.randrange(20, 120), "Tặng sách cho tủ sách lớp"
    if visit.stop.kind == StopKind.PUBLIC and rng.random() < 0.05:
        yield "training", rng.randrange(3, 9), "Hướng dẫn cán bộ thư viện xã"


def _cancel(invented: _Invented, visit: Visit) -> None:
    reason = invented.rng.choice(REASONS)
    visit.plan_status = visit.status = VisitStatus.CANCELLED
    visit.reason = reason
    db.session.add(
        TimetableChange(
            organisation_id=visit.organisation_id,
            visit_id=visit.id,
            run_id=visit.run_id,
            kind=ChangeKind.CANCELLED,
            at=visit.arrival_at - timedelta(days=1),
            before={"status": "planned"},
            after={"status": "cancelled"},
            reason=reason,
        )
    )


def _event(
    event_kind: str,
    at: datetime,
    visit: Visit | None = None,
    run: int | None = None,
    kind_: str | None = None,
    **payload: Any,
) -> dict[str, Any]:
    if kind_ is not None:
        payload["kind"] = kind_
    return {
        "kind": event_kind,
        "run": visit.run_id if visit else run,
        "visit": visit.id if visit else None,
        "recorded_at": at.isoformat(),
        "payload": payload,
    }


def _stored(invented: _Invented, raw: dict[str, Any], moment: datetime) -> dict[str, Any]:
    """The fact as a row, checked like any tablet's; it reached the server a minute later."""
    invented.sequence += 1
    identity = uuid.UUID(int=invented.rng.getrandbits(128), version=4)
    full = {**raw, "id": str(identity), "sequence": invented.sequence}
    user_id = invented.service.crew_account.id
    fact = read_event(full, invented.tablet.id, user_id, moment)
    received = min(fact.happened_at + timedelta(minutes=1), moment)
    names = fact.__dataclass_fields__
    return {
        **{name: getattr(fact, name) for name in names},
        "payload": dict(fact.payload),
        "received_at": received,
        "organisation_id": invented.service.organisation.id,
    }
