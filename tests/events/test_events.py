"""Events are planned and counted as visits; donations are written down and reported."""

from __future__ import annotations

import io
from datetime import timedelta

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient

from bus_ops.accounts.models import Organisation, Role
from bus_ops.database import db
from bus_ops.events.models import Donation, Donor, EventKind, SpecialEvent
from bus_ops.i18n import at_minutes, format_day, today
from bus_ops.timetable.models import Attendance, Audience, StopKind
from tests.conftest import SignIn
from tests.small_service import SmallService, small_service

DAY = timedelta(days=1)


@pytest.fixture
def service(app_on_each: Flask, organisation: Organisation) -> SmallService:
    return small_service(organisation, today())


@pytest.fixture
def client(service: SmallService, sign_in: SignIn) -> FlaskClient:
    return sign_in(Role.COORDINATOR)


def planned(service: SmallService, client: FlaskClient, **more: str) -> SpecialEvent:
    fields = {
        "kind": "book_day",
        "title": "Ngày Sách ở Thới Bình",
        "place_id": str(service.stops[0].place_id),
        "van_id": str(service.van.id),
        "day": format_day(today() + 2 * DAY),
        "starts_at": "14:00",
        "minutes": "120",
        "programme": "Khai mạc\nĐọc to",
        "expected_people": "200",
        **more,
    }
    client.post("/events/new", data=fields)
    return db.session.scalars(db.select(SpecialEvent)).one()


def test_an_event_stands_in_the_timetable_at_its_hour(
    service: SmallService, client: FlaskClient
) -> None:
    event = planned(service, client)
    visit = event.visit
    assert visit is not None
    assert visit.arrival_at == at_minutes(today() + 2 * DAY, 14 * 60)
    assert visit.departure_at - visit.arrival_at == timedelta(minutes=120)
    assert (visit.stop.kind, visit.stop.promised) == (StopKind.PUBLIC, "Ngày Sách ở Thới Bình")
    assert "Ngày Sách ở Thới Bình" in client.get("/events/").text
    public = client.get("/public/vi/").text
    assert visit.place.name in public


def test_what_it_brought_is_written_down_beside_what_was_counted(
    service: SmallService, client: FlaskClient
) -> None:
    event = planned(service, client, kind="contest", title="Hội thi kể chuyện")
    assert event.visit_id is not None
    db.session.add(
        Attendance(
            organisation_id=service.organisation.id,
            visit_id=event.visit_id,
            audience=Audience.PRIMARY,
            people=180,
        )
    )
    db.session.commit()
    where = f"/events/{event.id}/results"
    client.post(where, data={"entries": "-3", "prizes": "5"})
    assert event.results == {}
    client.post(where, data={"entries": "40", "prizes": "5", "report": "Rất vui"})
    db.session.expire_all()
    assert (event.results, event.report) == ({"entries": 40, "prizes": 5}, "Rất vui")
    page = client.get(f"/events/{event.id}").text
    assert "180" in page
    file = client.get("/events/export.xlsx").data
    sheet = openpyxl.load_workbook(io.BytesIO(file)).worksheets[0]
    row = [cell.value for cell in sheet[4]]
    assert row[2] == "Hội thi kể chuyện"
    assert 180 in row
    client.post(f"/events/{event.id}/edit", data={"kind": "training", "title": "Tập huấn"})
    db.session.expire_all()
    # What another kind writes down does not stay.
    assert (event.kind, event.results) == (EventKind.TRAINING, {})
    assert event.visit is not None
    assert event.visit.stop.promised == "Tập huấn"


def test_a_day_without_a_timetable_is_refused_in_words_and_nothing_is_kept(
    service: SmallService, client: FlaskClient
) -> None:
    assert service.term.ends_on is not None
    fields = {
        "kind": "other",
        "title": "Xa quá",
        "place_id": str(service.stops[0].place_id),
        "van_id": str(service.van.id),
        "day": format_day(service.term.ends_on + 30 * DAY),
        "starts_at": "08:00",
        "minutes": "60",
    }
    answer = client.post("/events/new", data=fields)
    assert "No published timetable covers this day" in answer.text
    assert db.session.scalars(db.select(SpecialEvent)).all() == []
    midnight = client.post("/events/new", data={**fields, "starts_at": "23:30"})
    assert "beyond midnight" in midnight.text


def test_donations_are_kept_with_their_donor_value_and_event(
    service: SmallService, client: FlaskClient
) -> None:
    event = planned(service, client)
    gift = {
        "donor_id": "0",
        "donor_name": "Quỹ Thiện Tâm",
        "donor_kind": "fund",
        "kind": "books",
        "description": "Sách thiếu nhi",
        "quantity": "450",
        "value_vnd": "36000000",
        "received_on": format_day(today()),
        "event_id": str(event.id),
    }
    client.post("/events/donations/new", data=gift)
    donor = db.session.scalars(db.select(Donor)).one()
    money = {**gift, "donor_id": str(donor.id), "kind": "money", "quantity": "1", "event_id": "0"}
    client.post("/events/donations/new", data={**money, "value_vnd": "5000000"})
    page = client.get("/events/donations").text
    assert page.count("Quỹ Thiện Tâm") >= 2
    assert "36,000,000" in page
    assert "Sách thiếu nhi" in client.get(f"/events/{event.id}").text
    sheets = openpyxl.load_workbook(
        io.BytesIO(client.get("/events/donations/export.xlsx").data)
    ).worksheets
    assert [row[2].value for row in sheets[1].iter_rows(min_row=4)] == [36_000_000, 0, 5_000_000, 0]
    refused = client.post("/events/donations/new", data={**gift, "donor_name": ""})
    assert "name of a new one" in refused.text
    tomorrow = {**gift, "received_on": format_day(today() + DAY)}
    assert "still to come" in client.post("/events/donations/new", data=tomorrow).text
    first = db.session.scalars(db.select(Donation).order_by(Donation.id)).first()
    assert first is not None
    client.post(f"/events/donations/{first.id}/remove")
    assert len(db.session.scalars(db.select(Donation)).all()) == 1


def test_who_reads_figures_sees_events_and_donations_and_changes_nothing(
    service: SmallService, sign_in: SignIn, client: FlaskClient
) -> None:
    event = planned(service, client)
    reporter = sign_in(Role.REPORTER)
    for page in ("/events/", f"/events/{event.id}", "/events/donations"):
        text = reporter.get(page).text
        assert '<form method="post" action="/events' not in text
    assert reporter.post("/events/donations/new", data={}).status_code == 403


def test_a_formula_in_a_name_stays_text(service: SmallService, client: FlaskClient) -> None:
    planned(service, client, title="=1+1")
    sheet = openpyxl.load_workbook(io.BytesIO(client.get("/events/export.xlsx").data)).worksheets[0]
    assert sheet.cell(4, 3).value == "'=1+1"
    assert sheet.cell(4, 3).data_type == "s"
