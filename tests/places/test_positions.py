"""Where a place stands: tapped, doubted where it does not fit, told in the reader's language."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from bus_ops.accounts.models import Organisation
from bus_ops.database import db
from bus_ops.places.models import AdministrativeUnit, Place, PlaceKind, PositionQuality
from bus_ops.places.positions import Source, source_of, trust
from bus_ops.places.regions import CANTHO, add_region


@pytest.fixture
def cantho(organisation: Organisation) -> dict[str, AdministrativeUnit]:
    """All units of Cần Thơ, today's communes by code."""
    units = add_region(organisation.id, CANTHO).communes
    db.session.commit()
    return units


@pytest.fixture
def place(organisation: Organisation, cantho: dict[str, AdministrativeUnit]) -> Place:
    """A place of Cái Khế without a position."""
    made = Place(organisation_id=organisation.id, name="Trường THCS An Hòa", kind=PlaceKind.SCHOOL)
    made.commune_id = cantho["31120"].id
    db.session.add(made)
    db.session.commit()
    return made


def tap(client: FlaskClient, place: Place, lat: float, lon: float) -> str:
    answer = client.post(
        f"/places/{place.id}/position",
        data={"lat": str(lat), "lon": str(lon)},
        follow_redirects=True,
    )
    return answer.get_data(as_text=True)


def unit(code: str) -> AdministrativeUnit:
    query = select(AdministrativeUnit).where(
        AdministrativeUnit.code == code,
        AdministrativeUnit.valid_until.is_not(None),
    )
    return db.session.scalars(query).one()


def test_a_tap_moves_the_place_on_the_old_map_too(coordinator: FlaskClient, place: Place) -> None:
    first, second = unit("31117"), unit("31120")
    for old, other in ((first, second), (second, first)):
        page = tap(coordinator, place, float(old.lat or 0), float(old.lon or 0))
        assert "The position is kept." in page
        assert f'href="/places/units/{old.id}"' in page
        assert f'href="/places/units/{other.id}"' not in page
        assert "Is it right?" not in page


def test_a_point_in_france_is_kept_and_doubted_aloud(
    coordinator: FlaskClient, place: Place
) -> None:
    page = tap(coordinator, place, 48.8566, 2.3522)
    assert "km outside Phường Cái Khế. Is it right?" in page
    assert (place.lat, place.position_quality) == (48.8566, PositionQuality.EXACT)


def test_a_point_in_another_commune_is_told_with_that_communes_name(
    coordinator: FlaskClient, place: Place, cantho: dict[str, AdministrativeUnit]
) -> None:
    other = cantho["31258"]
    page = tap(coordinator, place, float(other.lat or 0), float(other.lon or 0))
    assert f"This position lies in {other.full_name}" in page
    assert "outside Phường Cái Khế. Is the commune right?" in page


def test_a_place_without_a_commune_gets_the_one_it_was_tapped_in(
    coordinator: FlaskClient, place: Place, cantho: dict[str, AdministrativeUnit]
) -> None:
    place.commune_id = None
    tap(coordinator, place, 10.033055, 105.77739)
    assert place.commune_id == cantho["31135"].id
    place.commune_id = None
    assert "lies in no commune of the library" in tap(coordinator, place, 48.8566, 2.3522)


@pytest.mark.parametrize(
    ("stored", "english", "vietnamese"),
    [
        ("tapped", "tapped on the map", "chạm trên bản đồ"),
        ("mobile library CSV", "published timetable", "lịch phục vụ đã công bố"),
        ("list: truong.csv", "imported list: truong.csv", "danh sách đã nhập: truong.csv"),
        ("Sở Giáo dục", "Sở Giáo dục", "Sở Giáo dục"),
    ],
)
def test_a_source_is_told_in_the_readers_language(
    coordinator: FlaskClient, place: Place, stored: str, english: str, vietnamese: str
) -> None:
    place.position_source = stored
    place.source = stored
    for language, words in (("en", english), ("vi", vietnamese)):
        coordinator.post("/accounts/language", data={"language": language})
        page = coordinator.get(f"/places/{place.id}").get_data(as_text=True)
        assert page.count(words) == 2


def test_a_position_is_stored_by_a_code_whatever_language_was_tapped_in(
    coordinator: FlaskClient, place: Place
) -> None:
    coordinator.post("/accounts/language", data={"language": "vi"})
    tap(coordinator, place, 10.05, 105.77)
    assert place.position_source == "tapped"


def test_a_tap_is_trusted_more_than_a_list_and_a_communes_point_least() -> None:
    exact, near = PositionQuality.EXACT, PositionQuality.APPROXIMATE
    order = [
        trust(PositionQuality.MISSING, ""),
        trust(near, source_of(Source.COMMUNE, "Xã Thới Lai")),
        trust(near, source_of(Source.GEOCODER, "nominatim")),
        trust(exact, source_of(Source.LIST, "a.csv")),
        trust(exact, source_of(Source.TAPPED)),
    ]
    assert order == sorted(set(order))
