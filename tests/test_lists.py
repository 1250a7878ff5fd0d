"""Every list is searched with and without diacritics, and sorts Đ beside D."""

from __future__ import annotations

from datetime import date

import pytest
from flask.testing import FlaskClient

from bus_ops.accounts.models import Organisation, Role, User
from bus_ops.database import db
from bus_ops.fleet.models import CrewMember, Depot, Duty, Van
from bus_ops.timetable.models import ServiceCalendar, Term
from tests.conftest import SignIn

NAMES = ("Đông Hiệp 50%", "Ấp Mới", "Cờ Đỏ", "Ô Môn", "Zen", "Dương Hòa")
IN_ORDER = ("Ấp Mới", "Cờ Đỏ", "Đông Hiệp 50%", "Dương Hòa", "Ô Môn", "Zen")
LISTS = ("/timetable/terms", "/timetable/calendars", "/fleet/", "/accounts/")


@pytest.fixture
def administrator(sign_in: SignIn, organisation: Organisation) -> FlaskClient:
    """An administrator of a library where everything has one of six names."""
    client = sign_in(Role.ADMINISTRATOR)
    owner = {"organisation_id": organisation.id}
    for number, name in enumerate(NAMES):
        account = User(**owner, username=f"nguoi-{number}", full_name=name, role=Role.CREW)
        account.password_hash = ""
        db.session.add_all(
            [
                Term(**owner, name=name, starts_on=date(2026, 1, 1 + number)),
                ServiceCalendar(**owner, name=name, weekdays=[0]),
                Van(**owner, name=name, plate=f"65A-{number}"),
                CrewMember(**owner, full_name=f"Tài xế {name}", duty=Duty.OPERATOR),
                Depot(**owner, name=f"Bãi {name}", lat=10.0, lon=105.0),
                account,
            ]
        )
    db.session.commit()
    return client


def rows(client: FlaskClient, address: str) -> list[str]:
    text = client.get(address).get_data(as_text=True)
    cells = [part.split("</a>")[0] for part in text.split("<td><a ")[1:]]
    return [cell.rpartition(">")[2] for cell in cells]


@pytest.mark.parametrize("address", LISTS)
@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("o mon", {"Ô Môn"}),
        ("Ô MÔN", {"Ô Môn"}),
        ("đỏ cờ", {"Cờ Đỏ"}),
        ("ÔM", set()),
        ("hiep 50%", {"Đông Hiệp 50%"}),
        ("hoà", {"Dương Hòa"}),
    ],
)
def test_every_list_is_searched_as_people_type(
    administrator: FlaskClient, address: str, typed: str, found: set[str]
) -> None:
    text = administrator.get(address, query_string={"q": typed}).get_data(as_text=True)
    assert {name for name in NAMES if f">{name}</a>" in text} == found


@pytest.mark.parametrize("address", LISTS)
def test_every_list_sorts_names_as_a_reader_looks_for_them(
    administrator: FlaskClient, address: str
) -> None:
    ordered = [name for name in rows(administrator, f"{address}?sort=name") if name in NAMES]
    assert tuple(ordered) == IN_ORDER
    turned = [name for name in rows(administrator, f"{address}?sort=-name") if name in NAMES]
    assert tuple(turned) == IN_ORDER[::-1]


def test_people_and_depots_are_searched_and_sorted_beside_the_vans(
    administrator: FlaskClient,
) -> None:
    shown = rows(administrator, "/fleet/")
    assert [name for name in shown if name.startswith("Tài")] == [f"Tài xế {n}" for n in IN_ORDER]
    assert [name for name in shown if name.startswith("Bãi")] == [f"Bãi {n}" for n in IN_ORDER]
    assert rows(administrator, "/fleet/?q=bai+zen") == ["Bãi Zen"]


def test_choices_of_vans_stand_in_the_same_order(administrator: FlaskClient) -> None:
    page = administrator.get("/statistics/").get_data(as_text=True)
    places = [page.index(f">{name}</option>") for name in IN_ORDER]
    assert places == sorted(places)


def test_accounts_are_found_by_user_name_and_role(administrator: FlaskClient) -> None:
    assert rows(administrator, "/accounts/?q=nguoi-3") == ["Ô Môn"]
    assert len(rows(administrator, "/accounts/?q=crew")) == 7 - 1
    empty = administrator.get("/accounts/?q=khong-co").get_data(as_text=True)
    assert "No account found" in empty
