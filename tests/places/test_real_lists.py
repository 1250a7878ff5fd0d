"""Real lists of Cần Thơ go through the import as a coordinator would take them in.

The larger ones stand beside the project; a small one is carried, so that the way is proven
everywhere.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from bus_ops.accounts.models import Organisation
from bus_ops.database import db
from bus_ops.places.importing import ListPlan, RowFault, apply_plan, plan_places
from bus_ops.places.list_columns import guessed_mapping
from bus_ops.places.models import AdministrativeUnit, Place, PlaceKind, PositionQuality, SchoolLevel
from bus_ops.places.positions import Source, known_source
from bus_ops.places.regions import CANTHO, add_region
from schedules.exchange.spreadsheet import read_table
from tests.conftest import REPOSITORY

CARRIED = REPOSITORY / "tests" / "data" / "places.csv"


@pytest.fixture
def library(app: Flask, organisation: Organisation) -> Organisation:
    """A library that knows the communes of Cần Thơ."""
    add_region(organisation.id, CANTHO)
    db.session.commit()
    return organisation


def taken(file: Path, library: Organisation) -> ListPlan:
    """Import a file with the mapping that is offered, and answer what that did."""
    table = read_table(file.read_bytes(), file.name)
    plan = plan_places(table, file.name, guessed_mapping(table.headers), library.id)
    apply_plan(plan, library.id)
    db.session.commit()
    return plan


def places() -> list[Place]:
    return list(db.session.scalars(select(Place).order_by(Place.id)))


def test_the_carried_list_is_taken_whole_and_twice_is_once(library: Organisation) -> None:
    first = taken(CARRIED, library)
    assert first.problems == ()
    assert len(places()) == first.count("new") == 12
    kinds = Counter(place.kind for place in places())
    assert kinds[PlaceKind.SCHOOL] == 8
    assert kinds[PlaceKind.COMMUNE_OFFICE] == 1
    assert kinds[PlaceKind.OTHER] == 0
    by_quality = Counter(place.position_quality for place in places())
    assert by_quality == {PositionQuality.EXACT: 10, PositionQuality.APPROXIMATE: 2}
    assert all(place.commune is not None for place in places())
    assert taken(CARRIED, library).count("unchanged") == 12


def test_of_379_schools_only_those_with_a_point_of_their_own_are_exact(
    library: Organisation, shared_data: Path
) -> None:
    plan = taken(shared_data / "cantho" / "schools.csv", library)
    assert plan.problems == ()
    assert plan.count("new") == 379
    exact = [p for p in places() if p.position_quality == PositionQuality.EXACT]
    assert len(exact) == 47
    assert {place.position_source for place in exact} == {"osm_bus_stop_2025", "webgis_2011"}
    for place in places():
        assert place.commune is not None
        assert place.kind == PlaceKind.SCHOOL
        assert place.level is not None
        at_commune = known_source(place.position_source) == Source.COMMUNE
        assert at_commune == (place.position_quality == PositionQuality.APPROXIMATE)
    several = sum(place.level == SchoolLevel.SEVERAL for place in places())
    assert several == 47
    assert plan.approximate_count == 332
    again = taken(shared_data / "cantho" / "schools.csv", library)
    assert again.count("unchanged") == 379


def test_without_the_column_of_quality_a_communes_point_is_known_for_what_it_is(
    library: Organisation, shared_data: Path
) -> None:
    file = shared_data / "cantho" / "schools.csv"
    table = read_table(file.read_bytes(), file.name)
    mapping = {"name": "name", "moet_code": "official_code", "lat": "lat", "lon": "lon"}
    plan = plan_places(table, file.name, mapping, library.id)
    stated = table.headers.index("coord_quality")
    own = {row.line for row in table.rows if row.cells[stated] != "commune_centroid"}
    exact = {
        place.line
        for place in plan.places
        if place.values["position_quality"] == PositionQuality.EXACT
    }
    assert exact == own


def test_all_kinds_of_the_real_sites_are_understood(
    library: Organisation, shared_data: Path
) -> None:
    plan = taken(shared_data / "cantho" / "sites.csv", library)
    assert [p for p in plan.problems if p.fault == RowFault.UNKNOWN_KIND] == []
    kinds = Counter(place.kind for place in places())
    assert kinds[PlaceKind.COMMUNE_OFFICE] == 49
    assert kinds[PlaceKind.MARKET] == 30
    assert kinds[PlaceKind.POST_OFFICE] == 25
    assert kinds[PlaceKind.LIBRARY] == 3
    assert kinds[PlaceKind.OTHER] == 0
    assert plan.problems == ()


def test_every_former_commune_of_the_real_list_has_its_successor_here(
    library: Organisation, shared_data: Path
) -> None:
    file = shared_data / "cantho" / "communes_pre2025.csv"
    table = read_table(file.read_bytes(), file.name)
    columns = {header: number for number, header in enumerate(table.headers)}
    units = {
        unit.code: unit
        for unit in db.session.scalars(
            select(AdministrativeUnit).where(AdministrativeUnit.successor_id.is_not(None))
        )
    }
    by_id = {unit.id: unit for unit in db.session.scalars(select(AdministrativeUnit))}
    assert len(table.rows) == len(units) == 263
    for row in table.rows:
        unit = units[row.cells[columns["code"]]]
        assert unit.full_name == row.cells[columns["full_name"]]
        assert unit.parent is not None
        assert unit.parent.full_name == row.cells[columns["district"]]
        successor = by_id[unit.successor_id or 0]
        assert successor.code == row.cells[columns["new_commune_code"]]


def test_the_carried_units_are_the_collected_ones(library: Organisation, shared_data: Path) -> None:
    file = shared_data / "cantho" / "communes.csv"
    table = read_table(file.read_bytes(), file.name)
    columns = {header: number for number, header in enumerate(table.headers)}
    collected = {(r.cells[columns["code"]], r.cells[columns["full_name"]]) for r in table.rows}
    assert {(row.code, row.full_name) for row in CANTHO.communes()} == collected
