"""Vans, depots and crew as a coordinator keeps them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from bus_ops.accounts.models import Organisation, Role, User
from bus_ops.database import db
from bus_ops.fleet.models import Carrier, CrewMember, Depot, Duty, Van, VanOutOfService
from bus_ops.i18n import today
from tests.conftest import SignIn
from tests.small_service import small_service

VAN = {
    "name": "Thuyền sách",
    "carrier": "boat",
    "plate": "CT-0123",
    "capacity_books": "1200",
    "checklist": "6 Máy tính\nMáy phát điện\n\n20 Ghế nhựa",
    "enabled": "y",
}


@pytest.fixture
def coordinator(sign_in: SignIn) -> FlaskClient:
    """The coordinator's browser."""
    return sign_in(Role.COORDINATOR)


def send(client: FlaskClient, address: str, **fields: str) -> str:
    return client.post(address, data=fields, follow_redirects=True).get_data(as_text=True)


def test_a_carrier_has_its_depot_capacity_and_checklist(
    coordinator: FlaskClient, organisation: Organisation
) -> None:
    depot = {"name": "Thư viện thành phố", "lat": "10.0360", "lon": "105.7877"}
    send(coordinator, "/fleet/depots/new", **depot)
    kept = db.session.scalars(select(Depot)).one()
    send(coordinator, "/fleet/vans/new", **VAN, depot_id=str(kept.id))
    van = db.session.scalars(select(Van)).one()
    assert (van.carrier, van.capacity_books, van.depot) == (Carrier.BOAT, 1200, kept)
    items = [(item.quantity, item.name) for item in van.equipment]
    assert items == [(6, "Máy tính"), (1, "Máy phát điện"), (20, "Ghế nhựa")]
    text = coordinator.get("/fleet/").get_data(as_text=True)
    assert "Thuyền sách" in text
    assert "1,200" in text


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"name": ""}, "Enter a name."),
        ({"name": "Xe thông minh"}, "There is a van of this name already."),
        ({"capacity_books": "-5"}, "Number must be between"),
        ({"carrier": "rocket"}, "Not a valid choice."),
    ],
)
def test_a_van_that_makes_no_sense_is_told_and_not_kept(
    coordinator: FlaskClient, organisation: Organisation, changed: dict[str, str], told: str
) -> None:
    small_service(organisation, today())
    assert told in send(coordinator, "/fleet/vans/new", **{**VAN, "depot_id": "0", **changed})
    assert db.session.scalar(select(func.count()).select_from(Van)) == 1


def test_days_in_repair_are_told_in_the_timetable_until_the_van_runs_again(
    coordinator: FlaskClient, organisation: Organisation
) -> None:
    service = small_service(organisation, today())
    day = today() + timedelta(weeks=1)
    where = f"/fleet/vans/{service.van.id}"
    fields = {"first_on": day.isoformat(), "last_on": day.isoformat(), "reason": "Thay lốp"}
    assert "Thay lốp" in send(coordinator, f"{where}/days-out", **fields)
    run = f"/timetable/runs/{service.run_on(day).id}"
    told = "The van is out of service: Thay lốp."
    assert told in coordinator.get(run).get_data(as_text=True)
    out = db.session.scalars(select(VanOutOfService)).one()
    send(coordinator, f"/fleet/days-out/{out.id}/delete")
    assert told not in coordinator.get(run).get_data(as_text=True)


def test_days_out_in_the_wrong_order_are_refused(
    coordinator: FlaskClient, organisation: Organisation
) -> None:
    service = small_service(organisation, today())
    answer = coordinator.post(
        f"/fleet/vans/{service.van.id}/days-out",
        data={"first_on": "2026-12-02", "last_on": "2026-12-01"},
    )
    assert answer.status_code == 400
    assert "The end lies before the start." in answer.get_data(as_text=True)
    assert db.session.scalar(select(func.count()).select_from(VanOutOfService)) == 0


def test_a_crew_member_rides_with_an_account(
    coordinator: FlaskClient, organisation: Organisation
) -> None:
    account = db.session.scalars(select(User)).one()
    fields = {
        "full_name": "Nguyễn Thị Thủ Thư",
        "duty": "librarian",
        "phone": "0912 000 000",
        "user_id": str(account.id),
        "enabled": "y",
    }
    send(coordinator, "/fleet/crew/new", **fields)
    member = db.session.scalars(select(CrewMember)).one()
    assert (member.duty, member.user_id) == (Duty.LIBRARIAN, account.id)
    send(coordinator, f"/fleet/crew/{member.id}", **{**fields, "duty": "operator"})
    assert member.duty == Duty.OPERATOR


@pytest.mark.parametrize("changed", [{"lat": "north"}, {"lat": "91"}, {"lon": ""}, {"name": ""}])
def test_a_depot_needs_a_name_and_a_position_on_the_globe(
    coordinator: FlaskClient, changed: dict[str, str]
) -> None:
    fields = {"name": "Kho", "lat": "10", "lon": "105", **changed}
    assert "invalid-feedback" in send(coordinator, "/fleet/depots/new", **fields)
    assert db.session.scalar(select(func.count()).select_from(Depot)) == 0


def test_crew_sees_the_fleet_and_cannot_change_it(sign_in: SignIn) -> None:
    crew = sign_in(Role.CREW)
    assert crew.get("/fleet/").status_code == 200
    assert crew.post("/fleet/vans/new", data=VAN).status_code == 403


def test_a_depot_is_put_on_the_map_by_a_tap(
    coordinator: FlaskClient, organisation: Organisation
) -> None:
    small_service(organisation, today())
    depot = db.session.scalars(select(Depot)).one()
    for where in ("/fleet/depots/new", f"/fleet/depots/{depot.id}"):
        page = coordinator.get(where).get_data(as_text=True)
        assert 'data-set-position="map_depot"' in page
        assert f'src="{where}/map.js"' in page
        assert "map_depot" in coordinator.get(f"{where}/map.js").get_data(as_text=True)
    script = coordinator.get(f"/fleet/depots/{depot.id}/map.js").get_data(as_text=True)
    assert "105.787691" in script
