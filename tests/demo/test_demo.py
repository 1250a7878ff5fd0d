"""The demonstration: real places, an invented history, alive on whatever day it is shown."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from bus_ops import create_app
from bus_ops.circulation.models import Copy, Loan, Reader
from bus_ops.database import db
from bus_ops.demo import build_demo
from bus_ops.i18n import ZONE
from bus_ops.places.models import AdministrativeUnit, Place, PositionQuality, UnitLevel
from bus_ops.tablet.models import Event
from bus_ops.timetable.models import Attendance, Run, Visit, VisitStatus
from tests.conftest import app_settings


def built(folder: Path, moment: datetime) -> Any:
    app = create_app(app_settings(folder, f"sqlite:///{folder / 'demo.sqlite3'}"))
    context = app.app_context()
    context.push()
    db.create_all()
    build_demo(moment)
    return context


def forget(context: Any) -> None:
    db.session.remove()
    db.engine.dispose()
    context.pop()


def count(model: Any, *conditions: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(model).where(*conditions)) or 0


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 11, 24, 10, 0, tzinfo=ZONE),
        datetime(2026, 11, 29, 9, 30, tzinfo=ZONE),
        datetime(2027, 2, 6, 10, 0, tzinfo=ZONE),
        datetime(2027, 7, 14, 15, 0, tzinfo=ZONE),
        datetime(2027, 8, 31, 23, 50, tzinfo=ZONE),
        datetime(2028, 1, 1, 0, 5, tzinfo=ZONE),
    ],
    ids=["holiday", "Sunday", "Tết", "summer", "night", "New Year"],
)
def test_it_is_alive_on_any_day(tmp_path: Path, moment: datetime) -> None:
    context = built(tmp_path, moment)
    try:
        day = moment.date()
        run = db.session.scalars(select(Run).where(Run.day == day)).one()
        statuses = [visit.status for visit in run.visits]
        assert len(statuses) >= 3
        assert VisitStatus.CANCELLED not in statuses
        if 9 <= moment.hour <= 16:
            assert {VisitStatus.SERVED, VisitStatus.UNDER_WAY} & set(statuses)
        history = Visit.day < day - timedelta(days=60)
        assert count(Visit, history, Visit.status == VisitStatus.SERVED) > 20
        assert count(Visit, Visit.day > day) > 20
        assert count(Event) > 1_000
        assert count(Loan) > 200
        assert count(Event, Event.happened_at > moment) == 0
    finally:
        forget(context)


def test_the_same_day_gives_the_same_service(tmp_path: Path) -> None:
    moment = datetime(2026, 11, 25, 10, 0, tzinfo=ZONE)

    def rows() -> list[Any]:
        return [
            list(db.session.execute(query))
            for query in (
                select(Place.name, Place.lat).order_by(Place.id),
                select(Visit.day, Visit.arrival_at, Visit.status).order_by(Visit.id),
                select(Attendance.visit_id, Attendance.people).order_by(
                    Attendance.visit_id, Attendance.audience
                ),
                select(Reader.full_name).order_by(Reader.id),
                select(Copy.barcode).order_by(Copy.id),
            )
        ]

    both = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        context = built(folder, moment)
        both.append(rows())
        forget(context)
    assert both[0] == both[1]


def test_it_stands_on_the_real_map_and_says_where_it_guesses(tmp_path: Path) -> None:
    context = built(tmp_path, datetime(2026, 11, 25, 10, 0, tzinfo=ZONE))
    try:
        today_communes = (
            AdministrativeUnit.level == UnitLevel.COMMUNE,
            AdministrativeUnit.valid_until.is_(None),
        )
        assert count(AdministrativeUnit, *today_communes) == 103
        names = set(
            db.session.scalars(
                select(AdministrativeUnit.full_name).where(
                    AdministrativeUnit.level == UnitLevel.DISTRICT
                )
            )
        )
        assert {"Quận Ninh Kiều", "Huyện Vĩnh Thạnh", "Huyện Cờ Đỏ"} <= names
        approximate = Place.position_quality == PositionQuality.APPROXIMATE
        assert count(Place, approximate) > 0
        assert count(Place, Place.position_quality == PositionQuality.EXACT) > 0
        assert count(Place, Place.lat.is_(None)) == 0
        for place in db.session.scalars(select(Place).where(approximate)):
            assert place.commune is not None
            assert (place.lat, place.lon) == (place.commune.lat, place.commune.lon)
    finally:
        forget(context)
