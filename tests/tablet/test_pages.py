"""The crew's pages without a script: the same forms, the same facts."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from bus_ops.accounts.models import Organisation, Role
from bus_ops.circulation.models import Loan
from bus_ops.database import db, new_uuid
from bus_ops.i18n import at_minutes, today
from bus_ops.places.models import AdministrativeUnit, UnitLevel
from bus_ops.tablet.log import record
from bus_ops.tablet.models import Event, EventKind
from bus_ops.timetable.models import (
    Attendance,
    RunEquipment,
    StopKind,
    Visit,
    VisitStatus,
)
from tests.conftest import SignIn
from tests.small_service import SmallService, small_service


@pytest.fixture
def service(organisation: Organisation) -> SmallService:
    """Two schools, served today and two weeks ago, too."""
    return small_service(organisation, today() - timedelta(weeks=2))


@pytest.fixture
def crew(service: SmallService, sign_in: SignIn) -> FlaskClient:
    """The crew's browser, in English."""
    return sign_in(Role.CREW)


def visit_on(service: SmallService, day: date) -> Visit:
    return next(visit for visit in service.visits() if visit.day == day)


def send(client: FlaskClient, address: str, kind: str, **fields: Any) -> str:
    """Send a form of the page and read the page that follows."""
    form = {"kind": kind, "event_id": str(new_uuid()), **fields}
    return client.post(address, data=form, follow_redirects=True).get_data(as_text=True)


def log_of(visit: Visit) -> str:
    return f"/tablet/visits/{visit.id}/log"


def people_of(visit: Visit) -> int:
    total = select(func.sum(Attendance.people)).where(Attendance.visit_id == visit.id)
    return db.session.scalar(total) or 0


def test_a_typed_number_is_recorded_as_the_difference(
    crew: FlaskClient, service: SmallService
) -> None:
    visit = visit_on(service, today())
    send(crew, log_of(visit), "attendance", audience="primary", people="5")
    send(crew, log_of(visit), "attendance", audience="primary", total="32")
    assert people_of(visit) == 32
    send(crew, log_of(visit), "attendance", audience="primary", total="30")
    assert people_of(visit) == 30
    steps = [event.payload["people"] for event in db.session.scalars(select(Event))]
    assert sorted(steps) == [-2, 5, 27]


@pytest.mark.parametrize("total", ["many", "1.5", "-3"])
def test_a_typed_number_that_is_none_is_told(
    crew: FlaskClient, service: SmallService, total: str
) -> None:
    visit = visit_on(service, today())
    page = send(crew, log_of(visit), "attendance", audience="primary", total=total)
    assert "check the field “People”" in page
    assert people_of(visit) == 0


def test_the_hour_of_arrival_may_be_typed_when_the_tap_comes_late(
    crew: FlaskClient, service: SmallService
) -> None:
    visit = visit_on(service, today())
    send(crew, log_of(visit), "arrived", at="0:05")
    assert visit.record is not None
    assert visit.record.arrived_at == at_minutes(visit.day, 5)


def test_an_hour_that_is_none_is_told_and_nothing_recorded(
    crew: FlaskClient, service: SmallService
) -> None:
    visit = visit_on(service, today())
    assert "Write the time as 07:30." in send(crew, log_of(visit), "arrived", at="25:00")
    assert visit.record is None


def test_a_run_of_a_day_gone_by_left_when_it_was_planned_to(
    crew: FlaskClient, service: SmallService
) -> None:
    run = service.run_on(today() - timedelta(weeks=1))
    send(crew, f"/tablet/runs/{run.id}/log", "run_left", odometer_km="100")
    assert run.record is not None
    assert run.record.left_at == run.leaves_at


def test_what_was_logged_about_a_run_can_be_undone_on_its_page(
    crew: FlaskClient, service: SmallService
) -> None:
    run = service.run_on(today())
    address = f"/tablet/runs/{run.id}/log"
    item = db.session.scalars(select(RunEquipment).where(RunEquipment.run_id == run.id)).first()
    assert item is not None
    send(crew, address, "equipment", item_id=str(item.id), loaded="1")
    page = send(crew, address, "run_left", odometer_km="1200")
    assert f"{item.name}: aboard" in page
    assert "Left the depot: 1,200 km" in page
    for undone in db.session.scalars(select(Event).where(Event.kind != EventKind.UNDO)).all():
        send(crew, address, "undo", undoes=str(undone.id))
    db.session.expire_all()
    assert run.record is None
    assert not item.loaded
    assert "Logged about this run" not in crew.get("/tablet/today").get_data(as_text=True)


def test_a_fact_of_a_visit_is_not_undone_among_those_of_the_run(
    crew: FlaskClient, service: SmallService
) -> None:
    visit = visit_on(service, today())
    send(crew, log_of(visit), "arrived")
    assert "Logged about this run" not in crew.get("/tablet/today").get_data(as_text=True)


def test_a_card_shows_what_it_borrowed_and_each_copy_comes_back_by_one_tap(
    crew: FlaskClient, service: SmallService
) -> None:
    earlier, visit = visit_on(service, today() - timedelta(weeks=1)), visit_on(service, today())
    payload = {"barcode": "B1", "card_number": "T1"}
    record(EventKind.LENT, service.user, visit=earlier, payload=payload)
    address = f"/tablet/visits/{visit.id}"
    page = crew.get(f"{address}?card=T1").get_data(as_text=True)
    assert "On loan to card T1" in page
    assert "Take back: Dế Mèn phiêu lưu ký (B1)" in page
    after = send(crew, log_of(visit), "returned", barcode="B1", looked_up="T1")
    assert "Nothing is on loan to this card." in after
    assert db.session.scalars(select(Loan)).one().return_visit_id == visit.id


def test_another_librarys_loans_are_not_found_by_their_card(
    crew: FlaskClient, service: SmallService
) -> None:
    visit = visit_on(service, today())
    other = Organisation(name="Thư viện khác")
    db.session.add(other)
    db.session.flush()
    row = {
        "event_id": new_uuid(),
        "barcode": "X9",
        "card_number": "T1",
        "visit_id": visit.id,
        "place_id": visit.place_id,
        "lent_at": visit.arrival_at,
        "due_on": today(),
    }
    db.session.add(Loan(organisation_id=other.id, **row))
    db.session.commit()
    page = crew.get(f"/tablet/visits/{visit.id}?card=T1").get_data(as_text=True)
    assert "X9" not in page


def test_every_line_of_a_long_log_can_be_undone(crew: FlaskClient, service: SmallService) -> None:
    visit = visit_on(service, today())
    payload = {"audience": "primary", "people": 1}
    for _ in range(65):
        record(EventKind.ATTENDANCE, service.user, visit=visit, payload=payload)
    page = crew.get(f"/tablet/visits/{visit.id}").get_data(as_text=True)
    assert page.count('name="undoes"') == 65
    assert "Earlier ones: 45" in page


def test_a_stop_for_fuel_is_a_pause_without_a_number_and_without_a_log(
    crew: FlaskClient, service: SmallService
) -> None:
    run = service.run_on(today())
    pause, school = run.visits
    pause.stop.kind = StopKind.OTHER
    db.session.commit()
    page = crew.get("/tablet/today").get_data(as_text=True)
    assert f"Pause: {pause.place.name}" in page
    assert f'href="/tablet/visits/{pause.id}"' not in page
    assert f'href="/tablet/visits/{school.id}"' in page
    assert re.findall(r'class="stop-number"[^>]*>(.)<', page) == ["1"]


def test_navigation_leads_to_the_set_site_and_names_androids_own_address(
    app: Flask, crew: FlaskClient, service: SmallService
) -> None:
    app.config["NAVIGATION_URL"] = "https://maps.example/?to={lat},{lon}"
    page = crew.get("/tablet/today").get_data(as_text=True)
    assert 'href="https://maps.example/?to=10.041200,105.780100"' in page
    assert 'data-geo="geo:10.041200,105.780100?q=10.041200,105.780100(' in page


def test_the_map_names_the_communes_that_the_way_only_leads_through(
    crew: FlaskClient, service: SmallService
) -> None:
    west, south, north = 105.774, 10.0, 10.1
    for name, left in (("Phường Giữa Đường", west), ("Phường Xa", west + 1)):
        right = left + 0.004
        ring = [[left, south], [right, south], [right, north], [left, north], [left, south]]
        unit = AdministrativeUnit(
            organisation_id=service.organisation.id,
            code=name,
            name=name,
            full_name=name,
            level=UnitLevel.COMMUNE,
            search_key=name,
            valid_from=date(2025, 7, 1),
            outline={"type": "Polygon", "coordinates": [ring]},
        )
        db.session.add(unit)
    db.session.commit()
    script = crew.get(f"/tablet/runs/{service.run_on(today()).id}/map.js").get_data(as_text=True)
    assert r"Ph\u01b0\u1eddng Gi\u1eefa" in script or "Phường Giữa" in script
    assert r"Ph\u01b0\u1eddng Xa" not in script and "Phường Xa" not in script
    assert "permanent: true" in script


def test_the_legend_names_every_status(crew: FlaskClient, service: SmallService) -> None:
    page = crew.get("/tablet/today").get_data(as_text=True)
    shown = re.findall(r'dot--(\w+)"></i> \w', page)
    assert shown == [*VisitStatus, "depot"]


# --- What a script is told ---------------------------------------------------------------------


def counted(visit: Visit, **changed: Any) -> dict[str, Any]:
    """A fact as the page's script sends it."""
    fact = {
        "id": str(new_uuid()),
        "kind": "lent",
        "sequence": 1,
        "run": visit.run_id,
        "visit": visit.id,
        "recorded_at": visit.arrival_at.isoformat(),
        "payload": {"barcode": "B1", "card_number": "T1"},
    }
    return {**fact, **changed}


def test_a_script_that_asks_is_told_what_its_facts_did(
    crew: FlaskClient, service: SmallService
) -> None:
    visit = visit_on(service, today() - timedelta(weeks=1))
    facts = [counted(visit), counted(visit, kind="returned", payload={"barcode": "lạ"}), "broken"]
    answer = crew.post("/tablet/events", json={"events": facts, "tell": True})
    told = [(line["category"], line["message"]) for line in answer.json["told"]]
    due = visit_on(service, today()).day.strftime("%d/%m/%Y")
    assert told[0] == ("success", f"Lent: Dế Mèn phiêu lưu ký. Due on {due}.")
    assert {category for category, _ in told[1:-1]} == {"warning"}
    assert told[-1][0] == "danger" and "kept as evidence" in told[-1][1]


def test_an_ended_session_is_answered_with_the_way_to_sign_in(
    app: Flask, crew: FlaskClient, service: SmallService
) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    with crew.session_transaction() as session:
        session.clear()
    visit = visit_on(service, today())
    answer = crew.post("/tablet/events", json={"events": [counted(visit)]})
    assert answer.status_code == 401
    assert answer.json["sign_in"].startswith("/accounts/sign-in")
    form = {"kind": "arrived", "event_id": str(new_uuid())}
    page = f"http://localhost/tablet/visits/{visit.id}"
    answer = crew.post(log_of(visit), data=form, headers={"Referer": page})
    assert answer.status_code == 401
    text = answer.get_data(as_text=True)
    assert f'href="/accounts/sign-in?next=/tablet/visits/{visit.id}"' in text
    assert db.session.scalar(select(func.count()).select_from(Event)) == 0


def test_the_sign_in_page_itself_says_that_it_was_open_too_long(app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    answer = app.test_client().post("/accounts/sign-in", data={"username": "x"})
    assert answer.status_code == 400
