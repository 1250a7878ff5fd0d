"""Which source minutes and metres come from, by the settings, and how the pages name it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from flask import Flask
from flask_babel import force_locale

from bus_ops.accounts.models import Organisation, Role
from bus_ops.config import settings_from_environment
from bus_ops.database import db
from bus_ops.fleet.models import Depot
from bus_ops.places.models import Place, PlaceKind
from bus_ops.planning.explaining import what_keeps_out
from bus_ops.planning.ground import Ground
from bus_ops.planning.posing import pose
from bus_ops.planning.present import present_timetable
from bus_ops.road_building import box_of_places, build_network_file, places_without_road
from bus_ops.timetable.retiming import retime, travel_of
from bus_ops.travel_sources import (
    chosen_source,
    credit_of,
    driving_of,
    network_file,
    travel_in_words,
    travel_source,
)
from schedules.roads.source import Stage, silent
from schedules.roads.tags import RoadClass
from schedules.roads.vehicle import Vehicle
from schedules.travel import GeodesicTravel, Position, straight_line_m
from tests.conftest import SignIn
from tests.schedules.roads.drawing import Drawing, metres_to
from tests.schedules.test_routing_server import SERVED, Server
from tests.small_service import LIBRARY, SCHOOLS, SmallService, small_service

MONDAY = date(2027, 1, 18)
THOI_BINH, AN_HOA = ((lat, lon) for _name, lat, lon, _audience in SCHOOLS)
# Nobody lives there, and no road leads there.
IN_THE_SEA = (9.0, 106.6)


@pytest.fixture
def service(organisation: Organisation) -> SmallService:
    return small_service(organisation, MONDAY)


def city() -> Drawing:
    """The library and both schools on one road, with a bend far to the north between them."""
    library, first, second = (metres_to(*place) for place in (LIBRARY, THOI_BINH, AN_HOA))
    bend = (first[0], first[1] + 4000)
    drawing = Drawing({"L": library, "T": first, "b": bend, "A": second})
    return drawing.way("LTbA", highway="secondary", maxheight="3")


@pytest.fixture
def roads(app: Flask, tmp_path: Path) -> Path:
    """The city's network where the app looks for it."""
    extract = city().save(tmp_path / "city.osm")
    build_network_file(app.config, extract, None, Vehicle(), silent)
    return network_file(app.config)


def test_without_a_set_up_driving_is_estimated(app: Flask) -> None:
    assert travel_source(1.4, 25) == GeodesicTravel(1.4, 25)


def test_a_built_network_is_used_and_named_with_its_credit(
    app: Flask, roads: Path, service: SmallService, sign_in: SignIn
) -> None:
    run = service.visits()[0].run
    assert run.travel_source == "roads city"
    # Twice over the bend: the straight lines are 5 km.
    assert run.distance_m == pytest.approx(16_400, rel=0.01)
    client = sign_in(Role.COORDINATOR)
    for page in (f"/timetable/runs/{run.id}", f"/tablet/today?day={run.day}"):
        text = client.get(page).text
        assert "by road (city) © OpenStreetMap contributors" in text
        assert "estimate from the straight line" not in text


def test_the_map_draws_the_road_and_thanks_openstreetmap(
    app: Flask, roads: Path, service: SmallService, sign_in: SignIn
) -> None:
    run = service.visits()[0].run
    script = sign_in(Role.COORDINATOR).get(f"/tablet/runs/{run.id}/map.js").text
    assert "OpenStreetMap contributors" in script
    bend = city().position("b")
    # The line leads over the bend, which no stop is near.
    assert f"{bend.lat:.6f}"[:7] in script


def test_a_run_to_an_island_is_timed_by_estimate_and_says_so(
    app: Flask, roads: Path, service: SmallService, sign_in: SignIn
) -> None:
    place = service.stops[1].place
    place.lat, place.lon = IN_THE_SEA
    db.session.flush()
    run = service.visits()[0].run
    retime(run)
    db.session.commit()
    assert run.travel_source == "roads city +geodesic"
    far = straight_line_m(Position(*THOI_BINH), Position(*IN_THE_SEA))
    assert run.distance_m > 2 * 1.3 * far * 0.9
    client = sign_in(Role.COORDINATOR)
    assert (
        "some drives estimated from the straight line"
        in client.get(f"/timetable/runs/{run.id}").text
    )
    page = client.get(f"/places/{place.id}").text
    assert "No road is near this position: the nearest is" in page
    other = client.get(f"/places/{service.stops[0].place_id}").text
    assert "No road is near" not in other


def test_planning_leaves_out_what_no_road_leads_to_and_says_why(
    app: Flask, roads: Path, service: SmallService
) -> None:
    island = service.stops[1]
    island.place.lat, island.place.lon = IN_THE_SEA
    db.session.commit()
    last = service.term.ends_on or MONDAY
    ground = Ground(service.term)
    present = present_timetable(service.term, MONDAY, last)
    minutes = pose(ground, MONDAY, last, present).problem.distances.minutes
    # The first school, the island, the library.
    assert np.isinf(minutes).tolist() == [
        [False, True, False],
        [True, False, True],
        [False, True, False],
    ]
    with force_locale("en"):
        assert "No road is near" in what_keeps_out(ground, {}, island.id, MONDAY, last)
        served = what_keeps_out(ground, {}, service.stops[0].id, MONDAY, last)
    assert "No road" not in served


def test_places_without_a_road_are_listed_by_name(
    app: Flask, roads: Path, service: SmallService
) -> None:
    library = service.organisation
    service.stops[1].place.lat, service.stops[1].place.lon = IN_THE_SEA
    db.session.commit()
    with force_locale("en"):
        lines = list(places_without_road(library.id, travel_of(library.id)))
    assert lines[0].startswith(f"- {SCHOOLS[1][0]}: No road is near this position")
    assert lines[1:] == ["3 places checked. 1 without a road."]


def test_a_high_van_does_not_pass_where_the_network_was_built_for_it(
    app: Flask, tmp_path: Path
) -> None:
    extract = city().save(tmp_path / "city.osm")
    here, there = Position(*LIBRARY), Position(*THOI_BINH)
    build_network_file(app.config, extract, None, Vehicle(height_m=2.8), silent)
    assert travel_source(1.3, 30).leg(here, there).distance_m > 0
    assert travel_source(1.3, 30).name == "roads city"
    build_network_file(app.config, extract, None, Vehicle(height_m=3.3), silent)
    travel = travel_source(1.3, 30)
    assert travel.leg(here, there) == GeodesicTravel(1.3, 30).leg(here, there)
    assert travel.is_estimate
    # The settings' own size counts before that of the network.
    app.config["VAN_HEIGHT_M"] = 2.5
    assert not travel_source(1.3, 30).is_estimate
    assert driving_of(app.config).vehicle == Vehicle(height_m=2.5)


def test_a_choice_of_the_estimate_counts_before_a_built_network(app: Flask, roads: Path) -> None:
    app.config["TRAVEL"] = "estimate"
    assert travel_source(1.3, 30) == GeodesicTravel(1.3, 30)


def test_a_network_that_cannot_be_read_leaves_the_estimate_and_the_administrator_is_told(
    app: Flask, roads: Path, sign_in: SignIn
) -> None:
    roads.write_bytes(b"half a file")
    chosen = chosen_source(1.3, 30)
    assert chosen.travel == GeodesicTravel(1.3, 30)
    page = sign_in(Role.ADMINISTRATOR).get("/administration/").text
    assert "estimate from the straight line" in page
    assert "build it again" in page


def test_roads_that_were_asked_for_and_never_built_are_told_of(app: Flask) -> None:
    app.config["TRAVEL"] = "roads"
    chosen = chosen_source(1.3, 30)
    assert chosen.travel == GeodesicTravel(1.3, 30)
    assert "hãy dựng lại" in chosen.problem


@pytest.mark.parametrize(
    ("kind", "words"), [("osrm", "OSRM server"), ("valhalla", "Valhalla server")]
)
def test_a_server_is_asked_where_the_settings_name_one(
    app: Flask, service: SmallService, sign_in: SignIn, kind: str, words: str
) -> None:
    server = Server()
    try:
        app.config.update(TRAVEL=kind, ROUTING_URL=server.url)
        run = service.visits()[0].run
        retime(run)
        db.session.commit()
    finally:
        server.close()
    assert run.travel_source == kind
    # One question for the whole day.
    assert len(server.asked) == 1
    first = SERVED.leg(Position(*LIBRARY), Position(*THOI_BINH))
    assert run.visits[0].distance_m == pytest.approx(first.distance_m, abs=2)
    assert words in sign_in(Role.COORDINATOR).get(f"/timetable/runs/{run.id}").text


def test_an_address_that_is_none_leaves_the_estimate_and_is_told(app: Flask) -> None:
    app.config.update(TRAVEL="osrm", ROUTING_URL="")
    chosen = chosen_source(1.3, 30)
    assert chosen.travel == GeodesicTravel(1.3, 30)
    assert "BUS_OPS_ROUTING_URL" in chosen.problem


def test_areas_of_their_own_speed_are_read_from_a_file(app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "areas.geojson"
    feature = {
        "type": "Feature",
        "properties": {"name": "city", "detour_factor": 2, "speed_kmh": 12, "radius_m": 5000},
        "geometry": {"type": "Point", "coordinates": [LIBRARY[1], LIBRARY[0]]},
    }
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), "utf-8")
    app.config["TRAVEL_AREAS"] = str(path)
    here, there = Position(*LIBRARY), Position(*THOI_BINH)
    leg = travel_source(1.3, 30).leg(here, there)
    assert leg.distance_m == pytest.approx(2 * straight_line_m(here, there))
    assert leg.drive_minutes == pytest.approx(leg.distance_m / 1000 / 12 * 60)
    path.write_text("{}", "utf-8")
    assert "areas.geojson" in chosen_source(1.3, 30).problem


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("geodesic", "estimate from the straight line"),
        (
            "roads can tho 2026-10-01",
            "by road (can tho, 01/10/2026) © OpenStreetMap contributors",
        ),
        ("lines roads_2011", "by road (roads_2011)"),
        (
            "osrm +geodesic",
            "by road (OSRM server) © OpenStreetMap contributors;"
            " some drives estimated from the straight line",
        ),
    ],
)
def test_stored_names_are_read_as_words(app: Flask, name: str, words: str) -> None:
    with force_locale("en"):
        assert travel_in_words(name) == words
    assert bool(credit_of(name)) == ("OpenStreetMap" in words)


def test_only_roads_near_the_known_places_are_kept(app: Flask, organisation: Organisation) -> None:
    assert box_of_places(30) is None
    owner = {"organisation_id": organisation.id}
    db.session.add(Depot(**owner, name="Thư viện", lat=10.0, lon=105.5))
    db.session.add(Place(**owner, name="Trường", kind=PlaceKind.SCHOOL, lat=10.2, lon=105.9))
    db.session.add(Place(**owner, name="Chưa biết", kind=PlaceKind.SCHOOL))
    db.session.commit()
    box = box_of_places(11.132)
    assert box is not None
    sides = [box.south, box.west, box.north, box.east]
    assert sides == pytest.approx([9.9, 105.3984, 10.3, 106.0016], abs=0.001)


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("BUS_OPS_TRAVEL", "horse"),
        ("BUS_OPS_VAN_HEIGHT_M", "three"),
        ("BUS_OPS_FERRY_WAIT_MINUTES", "-1"),
        ("BUS_OPS_ROAD_SPEEDS", "primary=fast"),
        ("BUS_OPS_ROAD_SPEEDS", "avenue=40"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(variable: str, text: str) -> None:
    with pytest.raises(ValueError, match=variable):
        settings_from_environment({variable: text})


def test_speeds_and_waits_are_taken_from_the_settings(app: Flask) -> None:
    variables = {
        "BUS_OPS_ROAD_SPEEDS": "primary = 41, Residential=18.5",
        "BUS_OPS_FERRY_WAIT_MINUTES": "25",
        "BUS_OPS_VAN_WEIGHT_T": "7.5",
    }
    app.config.update(
        {
            name: value
            for name, value in settings_from_environment(variables).items()
            if f"BUS_OPS_{name}" in variables
        }
    )
    driving = driving_of(app.config)
    assert driving.speeds_kmh[RoadClass.PRIMARY] == 41
    assert driving.speeds_kmh[RoadClass.RESIDENTIAL] == 18.5
    assert driving.ferry_wait_minutes == 25
    assert driving.vehicle == Vehicle(weight_t=7.5)


def test_building_tells_each_stage(app: Flask, tmp_path: Path) -> None:
    stages: list[Stage] = []
    extract = city().save(tmp_path / "city.osm")
    lines = build_network_file(
        app.config, extract, None, Vehicle(), lambda stage, _count: stages.append(stage)
    )
    assert list(dict.fromkeys(stages)) == list(Stage)
    assert "OpenStreetMap" in lines[-1]
