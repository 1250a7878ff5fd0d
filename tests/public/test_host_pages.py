"""What a place does on its own page: visits, classes, counts at a box, the closing inventory."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from icalendar import Calendar

from bus_ops.accounts.models import Organisation, Role
from bus_ops.circulation.host_counts import told_of
from bus_ops.circulation.models import BoxDeposit, BoxItem, Copy, HostCount
from bus_ops.database import db, now
from bus_ops.i18n import format_day, today
from bus_ops.places.host_links import host_token
from bus_ops.requests.models import RequestKind, VisitRequest
from bus_ops.timetable.models import ClassSlot, TimetableChange, VisitStatus
from tests.conftest import SignIn
from tests.small_service import SmallService, small_service

DAY = timedelta(days=1)


@pytest.fixture
def service(app_on_each: Flask, organisation: Organisation) -> SmallService:
    return small_service(organisation, today() + DAY)


@pytest.fixture
def host(app_on_each: Flask, service: SmallService) -> FlaskClient:
    """The contact of the first school, who has its address and no account."""
    return app_on_each.test_client()


@pytest.fixture
def page(service: SmallService) -> str:
    return f"/host/vi/{host_token(service.stops[0].place)}"


@pytest.fixture
def deposit(service: SmallService) -> BoxDeposit:
    """A box of two copies that was left a week ago."""
    visit = service.visits()[0]
    owner = {"organisation_id": service.organisation.id}
    box = BoxDeposit(
        **owner,
        event_id=uuid.uuid4(),
        box_code="T01",
        visit_id=visit.id,
        place_id=visit.place_id,
        out_at=now() - timedelta(weeks=1),
        due_on=today() + timedelta(weeks=8),
    )
    db.session.add(box)
    db.session.flush()
    for copy in db.session.scalars(db.select(Copy).order_by(Copy.barcode).limit(2)):
        db.session.add(
            BoxItem(**owner, deposit_event_id=box.event_id, barcode=copy.barcode, copy_id=copy.id)
        )
    db.session.commit()
    return box


def test_the_page_shows_this_places_visits_and_no_others(
    service: SmallService, host: FlaskClient, page: str
) -> None:
    text = host.get(f"{page}/").text
    assert all(format_day(visit.day) in text for visit in service.visits())
    assert service.stops[1].place.name not in text
    other = service.visits(1)[0]
    for way in ("confirm", "other-day", "classes"):
        data = {"text": "x"}
        assert host.post(f"{page}/visits/{other.id}/{way}", data=data).status_code == 404
    assert other.plan_status == VisitStatus.PLANNED


def test_a_place_confirms_and_the_record_says_that_nobody_of_ours_did(
    service: SmallService, host: FlaskClient, page: str
) -> None:
    visit = service.visits()[0]
    host.post(f"{page}/visits/{visit.id}/confirm")
    db.session.expire_all()
    assert visit.plan_status == VisitStatus.CONFIRMED
    (change,) = db.session.scalars(db.select(TimetableChange))
    assert change.user_id is None
    assert (
        "Chúng tôi sẽ đón xe"
        not in host.get(f"{page}/")
        .text.split(format_day(visit.day))[1][:1500]
        .split(format_day(service.visits()[1].day))[0]
    )


def test_a_day_that_does_not_suit_is_asked_about_once_and_the_visit_stands(
    service: SmallService, host: FlaskClient, page: str
) -> None:
    visit = service.visits()[0]
    for words in ("", "Hôm đó trường thi", "Lần nữa"):
        host.post(f"{page}/visits/{visit.id}/other-day", data={"text": words})
    (asked,) = db.session.scalars(db.select(VisitRequest))
    assert (asked.kind, asked.visit_id) == (RequestKind.OTHER_DAY, visit.id)
    assert asked.note == "Hôm đó trường thi"
    db.session.refresh(visit)
    assert visit.plan_status == VisitStatus.PLANNED


def test_the_school_fills_in_its_classes_and_the_crew_sees_them(
    service: SmallService, host: FlaskClient, page: str, sign_in: SignIn
) -> None:
    visit = service.visits()[0]
    where = f"{page}/visits/{visit.id}/classes"
    fields = {
        "starts_at": "08:00",
        "minutes": "20",
        "class_name": "6A",
        "audience": "lower_secondary",
        "size": "35",
        "teacher": "Thầy Nam",
    }
    host.post(where, data=fields)
    # The next one is proposed behind it.
    assert 'value="08:20"' in host.get(where).text
    assert "6A" in sign_in(Role.CREW).get(f"/timetable/visits/{visit.id}/classes").text
    (slot,) = db.session.scalars(db.select(ClassSlot))
    host.post(f"{page}/classes/{slot.id}/remove")
    assert db.session.scalars(db.select(ClassSlot)).all() == []


def test_the_calendar_holds_the_places_own_visits(
    service: SmallService, host: FlaskClient, page: str
) -> None:
    events = Calendar.from_ical(host.get(f"{page}/calendar.ics").data).walk("VEVENT")
    assert [event["DTSTART"].dt for event in events] == [v.arrival_at for v in service.visits()]
    assert all(page in event["URL"] for event in events)


def test_the_keeper_of_a_box_counts_and_a_day_counted_again_replaces_it(
    service: SmallService, host: FlaskClient, page: str, deposit: BoxDeposit
) -> None:
    where = f"{page}/boxes/{deposit.event_id}/count"
    day = format_day(today() - DAY)
    for visitors in ("12", "15"):
        host.post(
            where,
            data={"counted_on": day, "visitors": visitors, "items": "20", "wishes": "Truyện tranh"},
        )
    other_day = format_day(today())
    host.post(where, data={"counted_on": other_day, "visitors": "3", "items": "4"})
    kept = told_of(deposit)
    assert (kept.visitors, kept.items_used, len(kept.counts)) == (18, 24, 2)
    assert "Truyện tranh" in host.get(f"{page}/").text
    for wrong in (
        {"counted_on": format_day(today() + DAY), "visitors": "1", "items": "1"},
        {"counted_on": format_day(today() - timedelta(weeks=3)), "visitors": "1", "items": "1"},
        {"counted_on": day, "visitors": "-1", "items": "1"},
    ):
        text = host.post(where, data=wrong, follow_redirects=True).text
        assert "alert-danger" in text
    assert len(db.session.scalars(db.select(HostCount)).all()) == 2


def test_the_closing_inventory_is_signed_and_stands_in_the_handover_record(
    service: SmallService, host: FlaskClient, page: str, deposit: BoxDeposit, sign_in: SignIn
) -> None:
    where = f"{page}/boxes/{deposit.event_id}/inventory"
    first, second = (item.barcode for item in deposit.items)
    host.post(where, data={f"item-{first}": "missing"})
    assert told_of(deposit).inventory is None
    answers = {f"item-{first}": "missing", f"item-{second}": "stolen", "signed_by": "Cô Hạnh"}
    host.post(where, data=answers)
    inventory = told_of(deposit).inventory
    assert inventory is not None
    assert (inventory.states, inventory.signed_by) == ({first: "missing"}, "Cô Hạnh")
    record = sign_in(Role.CREW).get(f"/circulation/boxes/deposits/{deposit.event_id}").text
    assert "Cô Hạnh" in record
    # What the log says of the copies is the crew's alone.
    assert {item.state.value for item in deposit.items} == {"out"}


def test_a_box_elsewhere_or_gone_is_not_there(
    service: SmallService, host: FlaskClient, page: str, deposit: BoxDeposit
) -> None:
    deposit.back_at = now()
    db.session.commit()
    for way in ("count", "inventory"):
        where = f"{page}/boxes/{deposit.event_id}/{way}"
        assert host.post(where, data={"signed_by": "x"}).status_code == 404


def test_a_new_address_ends_the_old_one(
    service: SmallService, host: FlaskClient, page: str, sign_in: SignIn
) -> None:
    place = service.stops[0].place
    client = sign_in(Role.COORDINATOR)
    assert page in client.get(f"/places/{place.id}").text
    client.post(f"/places/{place.id}/host-link/new")
    assert host.get(f"{page}/").status_code == 404
    db.session.expire_all()
    assert host.get(f"/host/vi/{host_token(place)}/").status_code == 200
    crew = sign_in(Role.CREW)
    assert "/host/" not in crew.get(f"/places/{place.id}").text
