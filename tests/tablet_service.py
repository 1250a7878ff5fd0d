"""What a tablet test runs on: four schools today, a van full of books, loans of a week ago."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

from sqlalchemy import insert, select

from bus_ops.accounts.models import Organisation, Role, User
from bus_ops.accounts.passwords import hash_password
from bus_ops.circulation.models import Box, Card, CardKind, Copy, Reader, Title
from bus_ops.database import db
from bus_ops.fleet.models import CrewMember
from bus_ops.tablet.log import store_events, web_tablet
from bus_ops.timetable.models import Audience, ClassSlot, Visit
from tests.conftest import PASSWORD
from tests.small_service import SCHOOLS, SmallService, small_service

MORE_SCHOOLS = (
    ("Trường Tiểu học Cái Khế", 10.0461, 105.7823, Audience.PRIMARY),
    ("Trường THCS Trà An", 10.0612, 105.7502, Audience.LOWER_SECONDARY),
)
COPIES = 460
CARDS = 60
LENT_BEFORE = 150
COORDINATOR = "dieu-phoi"
CLASSES = (("6A1", 32, "Cô Lan"), ("6A2", 35, "Thầy Minh"), ("5B", 28, ""))


def barcode_of(number: int) -> str:
    """The label of a copy; the first ``LENT_BEFORE`` went out a week ago."""
    return f"B{number:04d}"


def card_of(number: int) -> str:
    """The number of a reader's card."""
    return f"T{number:04d}"


def tablet_service(organisation: Organisation, day: date) -> SmallService:
    """Four schools served on ``day`` and the week before, when the first copies were lent."""
    first = day - timedelta(weeks=1)
    schools = (*SCHOOLS, *MORE_SCHOOLS)
    service = small_service(organisation, first, password_hash="", schools=schools)
    owner = {"organisation_id": organisation.id}
    db.session.add(
        User(
            **owner,
            username=COORDINATOR,
            full_name="Phan Thị Điều Phối",
            role=Role.COORDINATOR,
            password_hash=hash_password(PASSWORD),
        )
    )
    db.session.add(Box(**owner, code="HOP-01"))
    _add_books(service)
    _add_readers(service)
    _add_crew_accounts(service)
    today, before = service.run_on(day), service.run_on(first)
    _add_classes(service, today.visits)
    db.session.commit()
    _lend(service, before.visits)
    return service


def _add_books(service: SmallService) -> None:
    title = db.session.scalars(select(Title)).one()
    rows = [
        {
            "organisation_id": service.organisation.id,
            "title_id": title.id,
            "barcode": barcode_of(number),
            "van_id": service.van.id,
        }
        for number in range(COPIES)
    ]
    db.session.execute(insert(Copy), rows)


def _add_readers(service: SmallService) -> None:
    owner = {"organisation_id": service.organisation.id}
    for number in range(CARDS):
        stop = service.stops[number % len(service.stops)]
        reader = Reader(
            **owner,
            full_name=f"Nguyễn Thị Bạn Đọc {number}",
            audience=stop.audience,
            place_id=stop.place_id,
        )
        db.session.add(Card(**owner, number=card_of(number), kind=CardKind.VAN, reader=reader))


def _add_crew_accounts(service: SmallService) -> None:
    """Two of the crew have accounts, and so stand on the tablet's list of people."""
    query = select(CrewMember).order_by(CrewMember.id)
    _driver, first, second = db.session.scalars(query)
    other = User(
        organisation_id=service.organisation.id,
        username="thu-thu-hai",
        full_name="Phạm Thị Sách",
        role=Role.CREW,
        password_hash="",
    )
    db.session.add(other)
    db.session.flush()
    first.user_id, second.user_id = service.user.id, other.id


def _add_classes(service: SmallService, visits: list[Visit]) -> None:
    for visit, (name, size, teacher) in zip(visits, CLASSES, strict=False):
        db.session.add(
            ClassSlot(
                organisation_id=service.organisation.id,
                visit_id=visit.id,
                starts_at=9 * 60,
                class_name=name,
                audience=visit.stop.audience,
                size=size,
                teacher=teacher,
            )
        )


def _lend(service: SmallService, visits: list[Visit]) -> None:
    batch = []
    for number in range(LENT_BEFORE):
        visit = visits[number % len(visits)]
        payload = {"barcode": barcode_of(number), "card_number": card_of(number % CARDS)}
        batch.append(
            {
                "id": str(uuid.uuid4()),
                "kind": "lent",
                "sequence": number,
                "run": visit.run_id,
                "visit": visit.id,
                "recorded_at": visit.arrival_at.isoformat(),
                "payload": payload,
            }
        )
    answer = store_events(service.organisation.id, web_tablet(service.user), service.user.id, batch)
    assert len(answer.held) == LENT_BEFORE
