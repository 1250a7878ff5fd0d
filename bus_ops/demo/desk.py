"""What stands on the coordinator's desk of the demonstration: requests, events, gifts, goals."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from random import Random

from sqlalchemy import select

from ..accounts.models import Role, User
from ..circulation.host_counts import count_day
from ..circulation.models import BoxDeposit
from ..database import db
from ..events.models import Donation, Donor, DonorKind, EventKind, GiftKind, SpecialEvent
from ..i18n import local
from ..places.models import AdministrativeUnit, Place, PlaceKind, SchoolLevel
from ..requests import deciding
from ..requests.models import VisitRequest
from ..school_years.models import SchoolYearGoal
from ..school_years.plan import current_school_year
from ..timetable.models import Visit, VisitStatus
from .service import DemoService

DAY = timedelta(days=1)
_ASKED = (
    ("Trường Tiểu học Mỹ Khánh 2", SchoolLevel.PRIMARY, "Cô Lan", 310, ["film", "storytelling"]),
    ("Trường THCS An Bình", SchoolLevel.LOWER_SECONDARY, "Thầy Khoa", 420, ["contest"]),
    ("Khu nhà trọ công nhân Trà Nóc", None, "Anh Tâm", 80, ["reading_on_site", "computers"]),
)


def add_desk(service: DemoService, today: date, rng: Random) -> None:
    """Fill the desk; everything on it is invented."""
    service.organisation.contact_phone = "0292 000 0000"
    service.organisation.contact_email = "xe-thu-vien@example.org"
    _goals(service, rng)
    _events_and_gifts(service, today)
    _requests(service, today)
    _counts_of_hosts(today, rng)
    db.session.commit()


def _goals(service: DemoService, rng: Random) -> None:
    year = current_school_year()
    schools = select(Place).where(Place.kind == PlaceKind.SCHOOL).order_by(Place.id)
    for number, place in enumerate(db.session.scalars(schools)):
        place.pupils = rng.randrange(280, 1_600, 10)
        if number % 4 == 3:
            continue
        db.session.add(
            SchoolYearGoal(
                organisation_id=service.organisation.id,
                place_id=place.id,
                school_year=year,
                visits=rng.choice((4, 6, 8)),
                agreed_on=date(year, 9, 10) if number % 3 else None,
            )
        )


def _events_and_gifts(service: DemoService, today: date) -> None:
    owner = {"organisation_id": service.organisation.id}
    past, coming = _visit_around(today, -1), _visit_around(today, 1)
    fund = Donor(**owner, name="Quỹ Ánh Sáng Sông Hậu", kind=DonorKind.FUND)
    firm = Donor(**owner, name="Công ty Gạo Phù Sa", kind=DonorKind.BUSINESS)
    contest = SpecialEvent(
        **owner,
        kind=EventKind.CONTEST,
        title="Hội thi kể chuyện theo sách",
        visit_id=coming.id,
        place_id=coming.place_id,
        planned_on=coming.day,
        programme="Khai mạc\nThi kể chuyện theo khối lớp\nTrao giải",
        partners="Phòng Văn hóa - Xã hội",
        expected_people=180,
    )
    received = SpecialEvent(
        **owner,
        kind=EventKind.RECEIVING,
        title="Tiếp nhận sách tặng cho xe thư viện",
        visit_id=past.id,
        place_id=past.place_id,
        planned_on=past.day,
        results={"books": 350},
        report="Trao tặng trước toàn trường; sách đã vào kho xe.",
    )
    gift = Donation(
        **owner,
        donor=fund,
        kind=GiftKind.BOOKS,
        received_on=past.day,
        quantity=350,
        description="Sách thiếu nhi và truyện tranh",
        value_vnd=Decimal(21_000_000),
        event=received,
    )
    laptops = Donation(
        **owner,
        donor=firm,
        kind=GiftKind.EQUIPMENT,
        received_on=today - 40 * DAY,
        quantity=2,
        description="Máy tính xách tay",
        value_vnd=Decimal(24_000_000),
    )
    db.session.add_all([contest, received, gift, laptops])


def _visit_around(today: date, direction: int) -> Visit:
    """A visit some weeks ahead (1), or one that was served some weeks ago (-1)."""
    query = select(Visit).where(Visit.plan_status != VisitStatus.CANCELLED)
    if direction > 0:
        ahead = query.where(Visit.day > today + 5 * DAY).order_by(Visit.arrival_at)
        return db.session.scalars(ahead.limit(1)).one()
    served = query.where(Visit.day < today - 5 * DAY, Visit.status == VisitStatus.SERVED)
    return db.session.scalars(served.order_by(Visit.arrival_at.desc()).limit(1)).one()


def _requests(service: DemoService, today: date) -> None:
    planner = db.session.scalars(select(User).where(User.role == Role.COORDINATOR)).one()
    communes = db.session.scalars(
        select(AdministrativeUnit)
        .where(AdministrativeUnit.lat.is_not(None), AdministrativeUnit.valid_until.is_(None))
        .order_by(AdministrativeUnit.id)
    ).all()
    for number, (name, level, asker, people, wishes) in enumerate(_ASKED):
        asked = VisitRequest(
            organisation_id=service.organisation.id,
            language="vi",
            asker_name=asker,
            email=f"lien-he-{number + 1}@example.org",
            place_name=name,
            level=level,
            commune=communes[number],
            first_on=today + 7 * DAY,
            last_on=today + 42 * DAY,
            people={(level.value if level else "adults"): people},
            wishes=wishes,
        )
        deciding.ask(asked)
        fits = deciding.fits_for(asked, 90) if number == 1 else []
        if fits:
            deciding.offer(asked, fits[0], "Mời thầy cô xem ngày này.", planner)


def _counts_of_hosts(today: date, rng: Random) -> None:
    for deposit in db.session.scalars(select(BoxDeposit).where(BoxDeposit.back_at.is_(None))):
        day = local(deposit.out_at).date() + DAY
        while day < today:
            count_day(deposit, day, rng.randrange(5, 30), rng.randrange(5, 40), "")
            day += 7 * DAY
