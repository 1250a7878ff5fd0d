"""Two communes of today's map with the units before them."""

from __future__ import annotations

from datetime import date

import pytest
from flask.testing import FlaskClient

from bus_ops.accounts.models import Organisation, Role
from bus_ops.database import db
from bus_ops.places.models import AdministrativeUnit, Place, PlaceKind, PositionQuality, SchoolLevel
from bus_ops.places.units import CommuneRow, FormerRow, add_units, assign_units
from tests.conftest import SignIn


@pytest.fixture
def communes(organisation: Organisation) -> dict[str, AdministrativeUnit]:
    """Ninh Kiều and Thới Lai of today, and the wards and district before them."""
    units = add_units(
        organisation.id,
        [
            CommuneRow("31135", "Ninh Kiều", "Phường Ninh Kiều", 10.033, 105.784),
            CommuneRow("31258", "Thới Lai", "Xã Thới Lai", 10.066, 105.556),
        ],
        {},
        [
            FormerRow(
                "1", "An Hòa", "Phường An Hòa", "916", "Quận Ninh Kiều", 10.04, 105.77, "31135"
            ),
            FormerRow(
                "2", "Trường Xuân", "Xã Trường Xuân", "925", "Huyện Thới Lai", 10.06, 105.5, "31258"
            ),
        ],
        date(2025, 7, 1),
    )
    db.session.commit()
    return units.communes


@pytest.fixture
def school(organisation: Organisation, communes: dict[str, AdministrativeUnit]) -> Place:
    """A school that stands at its commune's point."""
    place = Place(
        organisation_id=organisation.id,
        name="Trường THCS Hòa Bình",
        kind=PlaceKind.SCHOOL,
        level=SchoolLevel.LOWER_SECONDARY,
        commune_id=communes["31135"].id,
        lat=10.033,
        lon=105.784,
        position_quality=PositionQuality.APPROXIMATE,
    )
    db.session.add(place)
    assign_units(place)
    db.session.commit()
    return place


@pytest.fixture
def coordinator(sign_in: SignIn) -> FlaskClient:
    """The coordinator's browser."""
    return sign_in(Role.COORDINATOR)
