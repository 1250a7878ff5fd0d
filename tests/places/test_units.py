"""Administrative units: a new library has none, adds those that come with the app, once."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from bus_ops.accounts.models import Organisation, Role
from bus_ops.database import db
from bus_ops.places.models import AdministrativeUnit, Place, PlaceKind, PlaceUnit, UnitLevel
from bus_ops.places.regions import CANTHO, add_region
from tests.conftest import SignIn


def count(*conditions: object) -> int:
    query = select(func.count()).select_from(AdministrativeUnit).where(*conditions)  # type: ignore[arg-type]
    return db.session.scalar(query) or 0


def text_of(client: FlaskClient, address: str) -> str:
    return client.get(address).get_data(as_text=True)


def test_a_new_library_adds_the_units_of_can_tho_with_one_tap(
    coordinator: FlaskClient, organisation: Organisation
) -> None:
    assert 'href="/places/units"' in text_of(coordinator, "/places/")
    assert "The communes are not here yet" in text_of(coordinator, "/places/")
    assert "None to choose yet" in text_of(coordinator, "/places/new")
    page = text_of(coordinator, "/places/units")
    assert "Add the units of Cần Thơ" in page
    answer = coordinator.post(
        "/places/units/add", data={"region": "cantho"}, follow_redirects=True
    ).get_data(as_text=True)
    assert "units added." in answer
    assert count(AdministrativeUnit.valid_until.is_(None)) == 103
    former = AdministrativeUnit.valid_until.is_not(None)
    assert count(former, AdministrativeUnit.level == UnitLevel.COMMUNE) == 263
    assert "Phường Ninh Kiều" in text_of(coordinator, "/places/new")
    assert "Quận Ninh Kiều" in text_of(coordinator, "/places/units?when=former&q=ninh kieu")
    assert "Phường Ninh Kiều" in text_of(coordinator, "/places/units?q=ninh kieu")
    assert "Add the units of" not in text_of(coordinator, "/places/units")
    assert "The communes are not here yet" not in text_of(coordinator, "/places/")


def test_adding_twice_adds_nothing_and_mends_what_is_missing(organisation: Organisation) -> None:
    add_region(organisation.id, CANTHO)
    whole = count()
    assert add_region(organisation.id, CANTHO).count == 0
    assert count() == whole
    lost = db.session.scalars(select(AdministrativeUnit).where(AdministrativeUnit.code == "31117"))
    db.session.delete(lost.one())
    assert add_region(organisation.id, CANTHO).count == 1
    assert count() == whole


def test_places_that_were_there_before_are_put_into_their_communes(
    coordinator: FlaskClient, organisation: Organisation
) -> None:
    inside = Place(organisation_id=organisation.id, name="Bến", kind=PlaceKind.OTHER)
    inside.lat, inside.lon = 10.033055, 105.77739
    far = Place(organisation_id=organisation.id, name="Church Lane", kind=PlaceKind.OTHER)
    far.lat, far.lon = 52.2, 1.1
    db.session.add_all([inside, far])
    db.session.flush()
    add_region(organisation.id, CANTHO)
    db.session.commit()
    assert inside.commune is not None
    assert inside.commune.full_name == "Phường Ninh Kiều"
    assert "Bến" in text_of(coordinator, "/places/?q=quan ninh kieu")
    assert far.commune_id is None
    assert db.session.scalar(select(func.count()).select_from(PlaceUnit)) == 2


@pytest.mark.parametrize("region", ["", "atlantis"])
def test_an_unknown_region_is_refused(coordinator: FlaskClient, region: str) -> None:
    assert coordinator.post("/places/units/add", data={"region": region}).status_code == 400


def test_who_does_not_plan_is_not_offered_to_add(sign_in: SignIn) -> None:
    crew = sign_in(Role.CREW)
    assert "Add the units of" not in text_of(crew, "/places/units")
    assert "The communes are not here yet" not in text_of(crew, "/places/")
    assert crew.post("/places/units/add", data={"region": "cantho"}).status_code == 403
