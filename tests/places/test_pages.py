"""Places: found as people type, filtered, edited, positioned by a tap."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from bus_ops.accounts.models import Organisation
from bus_ops.database import db
from bus_ops.i18n import today
from bus_ops.places.models import AdministrativeUnit, Place, PlaceKind, PositionQuality
from bus_ops.places.regions import CANTHO, add_region
from tests.small_service import small_service

FORM = {
    "name": "Trường Tiểu học Trường Xuân",
    "kind": "school",
    "level": "primary",
    "commune_id": "0",
    "windows": "07:00-10:30, 13:30-16:30",
    "enabled": "y",
}


def text_of(client: FlaskClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "typed",
    [
        "Hòa Bình",
        "Hoà",
        "hoa binh",
        "HÒA",
        "thcs hoa",
        "Ninh Kiều",
        "ninh kieu",
        "quan ninh",
        "An Hoà",
    ],
)
def test_a_place_is_found_by_name_commune_and_former_district(
    coordinator: FlaskClient, school: Place, typed: str
) -> None:
    assert school.name in text_of(coordinator, f"/places/?q={typed}")


@pytest.mark.parametrize("typed", ["Thới Lai", "hoa xyz", "binhhoa"])
def test_what_does_not_fit_is_not_found(
    coordinator: FlaskClient, school: Place, typed: str
) -> None:
    page = coordinator.get("/places/", query_string={"q": typed}).get_data(as_text=True)
    assert school.name not in page


def test_units_of_both_maps_are_found_without_diacritics(
    coordinator: FlaskClient, communes: dict[str, AdministrativeUnit]
) -> None:
    assert "Phường Ninh Kiều" in text_of(coordinator, "/places/units?q=ninh kieu")
    former = text_of(coordinator, "/places/units?q=thoi+lai&when=former")
    assert "Huyện Thới Lai" in former
    assert "Xã Thới Lai" not in former


def test_a_units_page_lists_the_places_that_lie_in_it(
    coordinator: FlaskClient, school: Place, communes: dict[str, AdministrativeUnit]
) -> None:
    district = db.session.scalars(
        select(AdministrativeUnit).where(AdministrativeUnit.full_name == "Quận Ninh Kiều")
    ).one()
    assert school.name in text_of(coordinator, f"/places/units/{district.id}")
    assert school.name not in text_of(coordinator, f"/places/units/{communes['31258'].id}")


@pytest.mark.parametrize(
    ("filters", "shown"),
    [
        ("kind=school", True),
        ("kind=market", False),
        ("level=lower_secondary", True),
        ("level=primary", False),
        ("quality=approximate", True),
        ("quality=exact", False),
        ("kind=nonsense&level=x", True),
    ],
)
def test_filters_keep_what_fits(
    coordinator: FlaskClient, school: Place, filters: str, shown: bool
) -> None:
    assert (school.name in text_of(coordinator, f"/places/?{filters}")) == shown
    script = coordinator.get(f"/places/map.js?{filters}").get_data(as_text=True)
    assert (f"/places/{school.id}" in script) == shown


def test_a_list_is_counted_sorted_and_paged(
    coordinator: FlaskClient, organisation: Organisation
) -> None:
    for number in range(60):
        name = f"{'Đ' if number % 2 else 'E'}iểm {number:02d}"
        place = Place(organisation_id=organisation.id, name=name, kind=PlaceKind.OTHER)
        place.search_key = name.lower().replace("đ", "d").replace("ể", "e")
        db.session.add(place)
    db.session.commit()
    first = text_of(coordinator, "/places/?sort=name")
    assert "60 found" in first
    assert first.index("Điểm 01") < first.index("Điểm 59") < first.index("Eiểm 00")
    last = text_of(coordinator, "/places/?sort=-name&page=2")
    assert "Điểm 01" in last
    assert "Eiểm 00" not in last


def test_a_new_place_stands_at_its_communes_point_until_somebody_taps(
    coordinator: FlaskClient, communes: dict[str, AdministrativeUnit]
) -> None:
    commune = communes["31258"]
    answer = coordinator.post("/places/new", data={**FORM, "commune_id": str(commune.id)})
    place = db.session.scalars(select(Place)).one()
    assert answer.headers["Location"] == f"/places/{place.id}/position"
    assert (place.lat, place.lon) == (commune.lat, commune.lon)
    assert place.position_quality == PositionQuality.APPROXIMATE
    assert "Approximate position" in text_of(coordinator, f"/places/{place.id}")
    coordinator.post(f"/places/{place.id}/position", data={"lat": "10.0700", "lon": "105.5601"})
    assert (place.lat, place.lon) == (10.07, 105.5601)
    assert place.position_quality == PositionQuality.EXACT
    page = text_of(coordinator, f"/places/{place.id}")
    assert "Approximate position" not in page
    assert "Huyện Thới Lai" in page


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"name": ""}, "Enter a name."),
        ({"contact_email": "nobody"}, "This is not an e-mail address."),
        ({"windows": "10:00-07:00"}, "10:00"),
        ({"windows": "in the morning"}, "in the morning"),
    ],
)
def test_a_wrong_field_is_told_beside_it_and_nothing_written(
    coordinator: FlaskClient, changed: dict[str, str], told: str
) -> None:
    page = coordinator.post("/places/new", data={**FORM, **changed}).get_data(as_text=True)
    assert told in page
    assert "invalid-feedback" in page
    assert db.session.scalar(select(func.count()).select_from(Place)) == 0


@pytest.mark.parametrize("position", [("95", "105"), ("10", "181"), ("", ""), ("north", "105")])
def test_a_position_off_the_globe_is_refused(
    coordinator: FlaskClient, school: Place, position: tuple[str, str]
) -> None:
    lat, lon = position
    coordinator.post(f"/places/{school.id}/position", data={"lat": lat, "lon": lon})
    assert (school.lat, school.lon) == (10.033, 105.784)
    assert school.position_quality == PositionQuality.APPROXIMATE


def test_a_changed_name_is_found_by_its_new_words(
    coordinator: FlaskClient, school: Place, communes: dict[str, AdministrativeUnit]
) -> None:
    fields = {**FORM, "name": "Trường THCS Đoàn Kết", "commune_id": str(communes["31135"].id)}
    coordinator.post(f"/places/{school.id}/edit", data=fields)
    assert "Đoàn Kết" in text_of(coordinator, "/places/?q=doan ket ninh kieu")
    assert "Đoàn Kết" not in text_of(coordinator, "/places/?q=hoa binh")


def test_communes_stand_in_the_order_of_their_plain_names(
    coordinator: FlaskClient, organisation: Organisation
) -> None:
    add_region(organisation.id, CANTHO)
    db.session.commit()
    page = text_of(coordinator, "/places/new")
    names = ["Cái Răng", "Đại Ngãi", "Long Mỹ", "Ô Môn", "Phong Điền", "Vị Thanh"]
    places = [page.index(f" {name}</option>") for name in names]
    assert places == sorted(places)


def test_a_place_that_nothing_stands_on_is_deleted_after_asking(
    coordinator: FlaskClient, school: Place
) -> None:
    page = text_of(coordinator, f"/places/{school.id}")
    assert 'data-confirm="Delete this place?' in page
    name, where = school.name, f"/places/{school.id}"
    answer = coordinator.post(f"{where}/delete", follow_redirects=True).get_data(as_text=True)
    assert f"{name} is deleted." in answer
    assert db.session.scalar(select(func.count()).select_from(Place)) == 0
    assert coordinator.get(where).status_code == 404


def test_a_place_with_stops_is_taken_out_of_use_and_back(
    coordinator: FlaskClient, organisation: Organisation
) -> None:
    place_id = small_service(organisation, today()).stops[0].place_id
    where = f"/places/{place_id}"
    page = text_of(coordinator, where)
    assert f"{where}/delete" not in page
    assert 'data-confirm="Take this place out of use?' in page
    refused = coordinator.post(f"{where}/delete", follow_redirects=True).get_data(as_text=True)
    assert "Take it out of use instead." in refused
    assert db.session.get(Place, place_id) is not None
    coordinator.post(f"{where}/enabled")
    assert "not in use" in text_of(coordinator, where)
    coordinator.post(f"{where}/enabled", data={"enabled": "yes"})
    assert "not in use" not in text_of(coordinator, where)
