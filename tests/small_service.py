"""A small service that tests run on: one van, three people, two schools served every week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from bus_ops.accounts.models import Organisation, Role, User
from bus_ops.circulation.models import Card, CardKind, Copy, Reader, Title
from bus_ops.database import db
from bus_ops.fleet.models import CrewMember, Depot, Duty, Van, VanEquipment
from bus_ops.places.models import Place, PlaceKind, PositionQuality, SchoolLevel
from bus_ops.timetable.generating import fill_runs
from bus_ops.timetable.models import Audience, Run, Stop, StopKind, Term, TermStatus, Visit

LIBRARY = (10.035993, 105.787691)
School = tuple[str, float, float, Audience]
SCHOOLS: tuple[School, ...] = (
    ("Trường THCS Thới Bình", 10.0412, 105.7801, Audience.LOWER_SECONDARY),
    ("Trường Tiểu học An Hòa", 10.0502, 105.7702, Audience.PRIMARY),
)


@dataclass
class SmallService:
    """The rows a test speaks of."""

    organisation: Organisation
    user: User
    van: Van
    term: Term
    stops: list[Stop]

    def visits(self, stop: int = 0) -> list[Visit]:
        """A stop's visits in order."""
        query = db.select(Visit).where(Visit.stop_id == self.stops[stop].id)
        return list(db.session.scalars(query.order_by(Visit.arrival_at)))

    def run_on(self, day: date) -> Run:
        """The run of a day."""
        return db.session.scalars(db.select(Run).where(Run.day == day)).one()


def small_service(
    organisation: Organisation,
    first: date,
    weeks: int = 6,
    password_hash: str = "",
    schools: Sequence[School] = SCHOOLS,
) -> SmallService:
    """Make the service; all stops are served in the first week's weekday of ``first``."""
    owner = {"organisation_id": organisation.id}
    user = User(
        **owner,
        username="thu-thu",
        full_name="Lê Thị Thủ Thư",
        role=Role.CREW,
        password_hash=password_hash,
    )
    depot = Depot(**owner, name="Thư viện thành phố", lat=LIBRARY[0], lon=LIBRARY[1])
    van = Van(**owner, name="Xe thông minh", depot=depot, capacity_books=4500)
    van.equipment = [
        VanEquipment(**owner, name="Máy tính", quantity=6, position=0),
        VanEquipment(**owner, name="Máy phát điện", quantity=1, position=1),
    ]
    term = Term(
        **owner,
        name="Học kỳ thử",
        starts_on=first,
        ends_on=first + timedelta(weeks=weeks, days=-1),
        status=TermStatus.PUBLISHED,
        leaves_depot_at=7 * 60,
    )
    crew = [
        CrewMember(**owner, full_name="Trần Văn Tài", duty=Duty.OPERATOR),
        CrewMember(**owner, full_name="Lê Thị Thủ Thư", duty=Duty.LIBRARIAN),
        CrewMember(**owner, full_name="Phạm Thị Sách", duty=Duty.LIBRARIAN),
    ]
    db.session.add_all([user, van, term, *crew])
    db.session.flush()
    stops = [_stop(organisation, term, van, first, *school) for school in schools]
    db.session.flush()
    fill_runs(term, first, first + timedelta(weeks=weeks))
    for run in db.session.scalars(db.select(Run)):
        run.crew = crew
    _add_books_and_readers(organisation)
    db.session.commit()
    return SmallService(organisation, user, van, term, stops)


def _stop(
    organisation: Organisation,
    term: Term,
    van: Van,
    first: date,
    name: str,
    lat: float,
    lon: float,
    audience: Audience,
) -> Stop:
    place = Place(
        organisation_id=organisation.id,
        name=name,
        kind=PlaceKind.SCHOOL,
        level=SchoolLevel(audience.value),
        lat=lat,
        lon=lon,
        position_quality=PositionQuality.EXACT,
        contact_name="Cô Hạnh",
        contact_phone="0292 3000 000",
        gate_notes="Cổng sau, báo bảo vệ",
    )
    stop = Stop(
        organisation_id=organisation.id,
        term=term,
        place=place,
        van=van,
        kind=StopKind.CLOSED,
        audience=audience,
        service_minutes=90,
        rule="FREQ=WEEKLY",
        starts_on=first,
    )
    db.session.add(stop)
    return stop


def _add_books_and_readers(organisation: Organisation) -> None:
    owner = {"organisation_id": organisation.id}
    title = Title(**owner, name="Dế Mèn phiêu lưu ký", author="Tô Hoài", search_key="de men")
    db.session.add(title)
    db.session.flush()
    for number in range(1, 4):
        db.session.add(Copy(**owner, title_id=title.id, barcode=f"B{number}"))
        reader = Reader(**owner, full_name=f"Bạn đọc {number}", audience=Audience.PRIMARY)
        db.session.add(Card(**owner, number=f"T{number}", kind=CardKind.VAN, reader=reader))
