"""Importing real mobile library timetables: dated runs come out, twice changes nothing."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from dateutil.rrule import rrulestr
from flask import Flask
from sqlalchemy import func, select

from bus_ops.accounts.models import Organisation
from bus_ops.database import db
from bus_ops.fleet.models import Van
from bus_ops.places.models import Place
from bus_ops.timetable.importing import ImportPlan, ImportReport, apply_import, plan_import
from bus_ops.timetable.models import Route, Run, Stop, Term, Visit
from schedules.exchange.mobile_library_csv import LONGEST, RowFault
from tests.nine_services import NINE_SERVICES

TODAY = date(2026, 11, 24)
YEAR = 365
HEADER = (
    "organisation,mobile,route,community,stop,address,postcode,geox,geoy,day,type,arrival,"
    "departure,frequency,start,end,exceptions,timetable\n"
)
ROW = (
    "Hậu Giang,Xe 1,Tuyến A,Vị Thanh,{stop},,,105.47,9.78,Monday,Public,{arrival},{departure},"
    "FREQ=WEEKLY;INTERVAL=2,2026-11-02,,,\n"
)


def imported(
    organisation: Organisation, *files: tuple[str, bytes]
) -> tuple[ImportPlan, ImportReport]:
    plan = plan_import(files, organisation)
    report = apply_import(plan, organisation, TODAY, YEAR)
    db.session.commit()
    return plan, report


def count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


@pytest.mark.parametrize("service", NINE_SERVICES)
def test_a_services_stops_become_the_dates_their_rules_give(
    service: str, app: Flask, organisation: Organisation, shared_data: Path
) -> None:
    data = (shared_data / "mobile-libraries" / f"{service}.csv").read_bytes()
    plan, report = imported(organisation, (f"{service}.csv", data))
    assert report.stops_added == len(plan.rows) == count(Stop)
    visited: dict[int, set[date]] = {}
    for stop_id, day in db.session.execute(select(Visit.stop_id, Visit.day)):
        visited.setdefault(stop_id, set()).add(day)
    last = TODAY + timedelta(days=YEAR)
    for stop in db.session.scalars(select(Stop)):
        rule = rrulestr(stop.rule, dtstart=datetime.combine(stop.starts_on, time()))
        span = (datetime.combine(TODAY, time()), datetime.combine(last, time()))
        expected = {moment.date() for moment in rule.between(*span, inc=True)}
        assert visited.get(stop.id, set()) == expected


def test_importing_twice_changes_nothing(
    app_on_each: Flask, organisation: Organisation, shared_data: Path
) -> None:
    data = (shared_data / "mobile-libraries" / "york.csv").read_bytes()
    imported(organisation, ("york.csv", data))
    before = (count(Place), count(Stop), count(Run), count(Visit))
    plan, report = imported(organisation, ("york.csv", data))
    assert not plan.changes_something
    assert (report.stops_added, report.stops_changed, report.visits) == (0, 0, 0)
    assert (count(Place), count(Stop), count(Run), count(Visit)) == before


def test_yorks_thursday_stops_come_on_thursdays(
    app: Flask, organisation: Organisation, shared_data: Path
) -> None:
    """Seven of its rows start on the Wednesday before."""
    data = (shared_data / "mobile-libraries" / "york.csv").read_bytes()
    plan, _ = imported(organisation, ("york.csv", data))
    moved = {p.line for p in plan.problems if p.fault is RowFault.START_NOT_ON_DAY}
    keys = [row.key for row in plan.rows if row.row.line in moved]
    assert len(keys) == 7
    days = select(Visit.day).join(Stop).where(Stop.import_key.in_(keys))
    assert {day.weekday() for day in db.session.scalars(days)} == {3}


def test_a_dry_run_writes_nothing(app: Flask, organisation: Organisation) -> None:
    text = HEADER + ROW.format(stop="Chợ", arrival="9:00", departure="10:00")
    plan = plan_import([("a.csv", text.encode())], organisation)
    assert plan.added
    assert count(Stop) == count(Place) == 0


def test_a_corrected_time_moves_coming_visits(
    app_on_each: Flask, organisation: Organisation
) -> None:
    first = HEADER + ROW.format(stop="Chợ", arrival="09:00", departure="10:00")
    imported(organisation, ("a.csv", first.encode()))
    visits = count(Visit)
    second = first.replace("09:00,10:00", "13:30,14:15")
    plan, report = imported(organisation, ("a.csv", second.encode()))
    assert (len(plan.changed), report.stops_changed) == (1, 1)
    assert count(Visit) == visits
    visit = db.session.scalars(select(Visit).order_by(Visit.day)).first()
    assert visit is not None
    assert visit.arrival_at.astimezone().tzinfo is not None
    assert (visit.departure_at - visit.arrival_at) == timedelta(minutes=45)


def test_bad_rows_are_named_and_the_others_taken(app: Flask, organisation: Organisation) -> None:
    text = (
        HEADER
        + ROW.format(stop="Tốt", arrival="09:00", departure="10:00")
        + ROW.format(stop="Lùi giờ", arrival="10:00", departure="09:00")
        + ROW.format(stop="<script>alert(1)</script>", arrival="11:00", departure="11:30")
    )
    plan, report = imported(organisation, ("a.csv", text.encode("utf-16")))
    problem = plan.problems[0]
    assert (problem.line, problem.column, problem.value) == (3, "departure", "09:00")
    assert problem.fatal
    assert report.stops_added == 2
    names = set(db.session.scalars(select(Place.name)))
    assert names == {"Tốt", "<script>alert(1)</script>"}


def test_no_cell_that_is_taken_is_longer_than_its_column() -> None:
    kept_in = {
        "organisation": (Term.name, Van.operator),
        "mobile": (Van.name,),
        "route": (Route.name,),
        "community": (Place.community,),
        "stop": (Place.name,),
        "address": (Place.address,),
        "postcode": (Place.postcode,),
        "frequency": (Stop.rule,),
        "timetable": (Stop.timetable_url,),
    }
    assert kept_in.keys() == LONGEST.keys()
    for name, columns in kept_in.items():
        assert LONGEST[name] == min(column.type.length for column in columns)


def test_unknown_columns_are_kept_with_the_stop(app: Flask, organisation: Organisation) -> None:
    text = (HEADER + ROW.format(stop="Chợ", arrival="09:00", departure="10:00")).splitlines()
    data = f"{text[0]},wifi\n{text[1]},có\n".encode()
    plan, _ = imported(organisation, ("a.csv", data))
    assert plan.unknown_columns == ("wifi",)
    stop = db.session.scalars(select(Stop)).one()
    assert stop.extra == {"wifi": "có"}
