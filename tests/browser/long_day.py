"""A van's longest day: many stops with everything a driver may be told about them."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from bus_ops.accounts.models import Organisation
from bus_ops.database import db
from bus_ops.fleet.models import Depot, Van, VanEquipment
from bus_ops.i18n import today
from bus_ops.places.models import Place, PlaceKind, PositionQuality
from bus_ops.timetable.generating import fill_runs
from bus_ops.timetable.models import Run, Stop, StopKind, Term, TermStatus

GATE = "Vào cổng sau trên đường nhánh, báo bảo vệ trước 10 phút; cổng chính khóa trong giờ học. "
PARKING = "Đậu dưới tán cây bàng giữa sân cờ, chừa lối thoát hiểm và lối vào nhà xe giáo viên. "
POWER = "Ổ điện ngoài trời 220 V ở hành lang dãy B, cần dây nối dài 20 m. "
TURNING = "Quay đầu ở cuối sân, không lùi ra đường tỉnh. "
PROMISED = "Đọc sách tại chỗ, mượn sách, chiếu phim và thi vui kể chuyện theo sách cho khối 4 và 5."


def add_long_run(stops: int) -> int:
    """Add a second van with a run today of so many stops; answers the run's id."""
    organisation = db.session.scalars(select(Organisation)).one()
    owner = {"organisation_id": organisation.id}
    depot = db.session.scalars(select(Depot)).first()
    van = Van(**owner, name="Xe đường dài", depot=depot, capacity_books=1000)
    van.equipment = [VanEquipment(**owner, name="Máy phát điện", quantity=1, position=0)]
    term = Term(
        **owner,
        name="Ngày dài nhất",
        starts_on=today(),
        ends_on=today() + timedelta(days=1),
        status=TermStatus.PUBLISHED,
        leaves_depot_at=6 * 60,
    )
    db.session.add_all([van, term])
    db.session.flush()
    for number in range(stops):
        _add_stop(term, van, number)
    db.session.flush()
    fill_runs(term, today(), today())
    db.session.commit()
    return db.session.scalars(select(Run.id).where(Run.van_id == van.id)).one()


def _add_stop(term: Term, van: Van, number: int) -> None:
    pause = number == 9
    place = Place(
        organisation_id=term.organisation_id,
        name="Trạm xăng số 3" if pause else f"Trường Tiểu học và THCS Đường Dài {number + 1}",
        kind=PlaceKind.OTHER if pause else PlaceKind.SCHOOL,
        address=f"{number + 1} đường tỉnh 923, ấp Thới Hòa",
        lat=10.02 + number * 0.006,
        lon=105.75 - (number % 3) * 0.01,
        position_quality=PositionQuality.EXACT,
        contact_name="Cô Nguyễn Thị Hồng Hạnh",
        contact_phone=f"0292 3000 0{number:02d}",
        gate_notes=GATE,
        parking_notes=PARKING,
        power_notes=POWER,
        turning_notes=TURNING,
    )
    stop = Stop(
        organisation_id=term.organisation_id,
        term=term,
        place=place,
        van=van,
        kind=StopKind.OTHER if pause else StopKind.CLOSED,
        service_minutes=20,
        rule="FREQ=WEEKLY",
        starts_on=today(),
        promised=PROMISED,
    )
    db.session.add(stop)
