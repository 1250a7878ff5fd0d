"""What holds on every network: figures agree with each other, whatever the roads are."""

from __future__ import annotations

import math
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedules.roads.building import build_network, build_roads
from schedules.roads.driving import RoadTravel
from schedules.roads.earth import metres_between
from schedules.roads.source import RoadSource, SourceWay
from schedules.roads.tags import RoadClass, WayFacts
from schedules.travel import Position, UnreachableError, table_of, unreachable_among
from tests.schedules.roads.drawing import at

SIDE = 5
CLASSES = st.sampled_from([RoadClass.PRIMARY, RoadClass.RESIDENTIAL, RoadClass.TRACK])
PLACES = st.builds(at, st.integers(-300, 4300), st.integers(-300, 4300))


@st.composite
def networks(draw: st.DrawFn, one_way: bool) -> RoadTravel:
    """Streets of a crooked grid, some missing, some one way if ``one_way``."""
    shift = st.integers(-300, 300)
    places = [
        at(1000 * (n % SIDE) + draw(shift), 1000 * (n // SIDE) + draw(shift))
        for n in range(SIDE * SIDE)
    ]
    pairs = [(n, n + 1) for n in range(SIDE * SIDE) if n % SIDE < SIDE - 1]
    pairs += [(n, n + SIDE) for n in range(SIDE * (SIDE - 1))]
    kept = draw(st.lists(st.sampled_from(pairs), min_size=8, unique=True))
    ways = [
        SourceWay(
            number,
            np.array(pair),
            WayFacts(draw(CLASSES), backward=not (one_way and draw(st.booleans()))),
        )
        for number, pair in enumerate(kept)
    ]
    lats, lons = np.array([p.lat for p in places]), np.array([p.lon for p in places])
    source = RoadSource("grid", ways, np.arange(len(places)), lats, lons)
    return RoadTravel(build_network(source))


@settings(max_examples=40)
@given(networks(one_way=True), st.lists(PLACES, min_size=3, max_size=5, unique=True))
def test_no_way_is_quicker_over_a_third_place(travel: RoadTravel, places: list[Position]) -> None:
    minutes = travel.table(places).minutes
    for one, other, third in permutations(range(len(places)), 3):
        # Each leg's whole milliseconds are rounded once a road.
        assert minutes[one, other] <= minutes[one, third] + minutes[third, other] + 0.001


@settings(max_examples=40)
@given(networks(one_way=False), st.lists(PLACES, min_size=2, max_size=6, unique=True))
def test_where_every_street_is_two_way_both_directions_take_the_same(
    travel: RoadTravel, places: list[Position]
) -> None:
    minutes = travel.table(places).minutes
    assert np.isinf(minutes).tolist() == np.isinf(minutes.T).tolist()
    assert np.where(np.isinf(minutes), 0, minutes) == pytest.approx(
        np.where(np.isinf(minutes), 0, minutes.T), abs=0.001
    )


@settings(max_examples=40)
@given(networks(one_way=True), st.lists(PLACES, min_size=2, max_size=5))
def test_a_matrix_holds_the_single_legs_and_paths_are_as_long(
    travel: RoadTravel, places: list[Position]
) -> None:
    table = travel.table(places)
    for row, start in enumerate(places):
        for column, end in enumerate(places):
            try:
                leg = travel.leg(start, end)
            except UnreachableError as error:
                assert math.isinf(table.minutes[row, column])
                assert {one.position for one in error.positions} <= {start, end}
                continue
            assert leg.drive_minutes == table.minutes[row, column]
            assert leg.distance_m == table.metres[row, column]
            path = travel.path(start, end)
            assert (path[0], path[-1]) == (start, end)
            lats, lons = np.array([p.lat for p in path]), np.array([p.lon for p in path])
            drawn = metres_between(lats[:-1], lons[:-1], lats[1:], lons[1:]).sum()
            assert drawn == pytest.approx(leg.distance_m, rel=0.002, abs=2)


@settings(max_examples=40)
@given(networks(one_way=True), st.lists(PLACES, min_size=2, max_size=6, unique=True))
def test_an_infinite_leg_always_has_an_unreachable_end(
    travel: RoadTravel, places: list[Position]
) -> None:
    infinite = np.isinf(table_of(travel, places).minutes)
    named = {one.position for one in unreachable_among(travel, places)}
    for row, column in np.argwhere(infinite).tolist():
        assert {places[row], places[column]} & named


def test_a_place_under_a_bridge_stands_beside_one_of_the_two_roads() -> None:
    # West to east below, south to north above, joined in the north-east.
    ends = [at(0, 0), at(1000, 0), at(500, -500), at(500, 500)]
    ways = [
        SourceWay(number, np.array(pair), WayFacts(RoadClass.PRIMARY, backward=True))
        for number, pair in enumerate([(0, 1), (2, 3), (1, 3)])
    ]
    lats, lons = np.array([p.lat for p in ends]), np.array([p.lon for p in ends])
    travel = RoadTravel(build_network(RoadSource("bridge", ways, np.arange(4), lats, lons)))
    below, above, bridge = at(100, 0), at(500, 300), at(500, 0)
    minutes = travel.table([below, above, bridge]).minutes
    # Nobody climbs from the one to the other there.
    assert minutes[0, 1] <= minutes[0, 2] + minutes[2, 1] + 0.001


def test_the_network_of_2011_joins_all_of_can_tho(shared_data: Path) -> None:
    network = build_roads(shared_data / "cantho" / "roads_2011.geojson")
    assert network.total_km == pytest.approx(516, abs=1)
    assert network.node_count == 1303
    travel = RoadTravel(network)
    library, thot_not = Position(10.035993, 105.787691), Position(10.2700, 105.5300)
    leg = travel.leg(library, thot_not)
    # The national road along the Hậu: 43 km by the stones, from centre to centre.
    assert leg.distance_m == pytest.approx(41_000, rel=0.1)
    assert travel.unreachable([library, thot_not]) == ()


def test_ways_of_openstreetmap_as_geojson_are_driven(shared_data: Path) -> None:
    network = build_roads(shared_data / "cantho" / "roads_osm_bus_route09.geojson")
    assert network.total_km == pytest.approx(47, abs=1)
    travel = RoadTravel(network)
    lats, lons = network.shape(0)
    start = Position(float(lats[0]), float(lons[0]))
    end = Position(float(lats[-1]), float(lons[-1]))
    assert travel.leg(start, end).distance_m == pytest.approx(network.lengths_m[0], abs=1)
