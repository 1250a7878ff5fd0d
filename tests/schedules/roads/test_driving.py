"""Driving on roads drawn by hand, one rule at a time, at 600 m a minute."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from schedules.outlines import Box
from schedules.roads.building import build_roads
from schedules.roads.driving import RoadTravel
from schedules.roads.earth import metres_between
from schedules.roads.source import RoadFileError
from schedules.roads.tags import RoadClass
from schedules.roads.vehicle import SPEEDS_KMH, Driving, Vehicle
from schedules.travel import Position, UnreachableError, Why
from tests.schedules.roads.drawing import Drawing, at, square


def minutes(travel: RoadTravel, drawing: Drawing, start: str, end: str) -> float:
    leg = travel.leg(drawing.position(start), drawing.position(end))
    return round(leg.drive_minutes, 2)


def length_m(path: tuple[Position, ...]) -> float:
    lats, lons = np.array([p.lat for p in path]), np.array([p.lon for p in path])
    return float(metres_between(lats[:-1], lons[:-1], lats[1:], lons[1:]).sum())


def ring(**tags: str) -> Drawing:
    """The square, its side AB with the tags given, the other three sides without any."""
    return square().way("AB", **tags).way("BC").way("CD").way("DA")


def test_a_straight_road_is_driven_at_its_speed(tmp_path: Path) -> None:
    drawing = ring()
    travel = drawing.travel(tmp_path)
    leg = travel.leg(drawing.position("A"), drawing.position("C"))
    assert leg.drive_minutes == pytest.approx(2, abs=0.01)
    assert leg.distance_m == pytest.approx(1200, abs=2)
    assert not travel.is_estimate
    assert travel.name == "roads drawing"


@pytest.mark.parametrize(
    ("tags", "there", "back"),
    [
        ({"oneway": "yes"}, 1, 3),
        ({"oneway": "-1"}, 3, 1),
        ({"junction": "roundabout"}, 1, 3),
    ],
)
def test_a_one_way_street_is_driven_one_way(
    tmp_path: Path, tags: dict[str, str], there: float, back: float
) -> None:
    drawing = ring(**tags)
    travel = drawing.travel(tmp_path)
    assert minutes(travel, drawing, "A", "B") == there
    assert minutes(travel, drawing, "B", "A") == back


@pytest.mark.parametrize(
    ("tags", "small", "large"),
    [
        ({"maxheight": "3"}, Vehicle(height_m=2.9), Vehicle(height_m=3.1)),
        ({"maxweight": "5"}, Vehicle(weight_t=5), Vehicle(weight_t=7.5)),
        ({"maxwidth": "2.2"}, Vehicle(width_m=2), Vehicle(width_m=2.4)),
        ({"hgv": "no"}, Vehicle(weight_t=3.5), Vehicle(weight_t=7.5)),
    ],
)
def test_a_van_that_is_too_large_goes_another_way(
    tmp_path: Path, tags: dict[str, str], small: Vehicle, large: Vehicle
) -> None:
    drawing = ring(**tags)
    assert minutes(drawing.travel(tmp_path), drawing, "A", "B") == 1
    assert minutes(drawing.travel(tmp_path, small), drawing, "A", "B") == 1
    assert minutes(drawing.travel(tmp_path, large), drawing, "A", "B") == 3


@pytest.mark.parametrize("tags", [{"access": "private"}, {"motorcar": "no"}])
def test_closed_roads_are_not_driven(tmp_path: Path, tags: dict[str, str]) -> None:
    drawing = ring(**tags)
    assert minutes(drawing.travel(tmp_path), drawing, "A", "B") == 3


def test_a_bollard_closes_a_road_but_both_its_sides_can_be_driven_to(tmp_path: Path) -> None:
    drawing = square()
    drawing.nodes |= {"m": (300, 0), "w": (240, 0), "e": (360, 0)}
    drawing.way("AwmeB").way("BC").way("CD").way("DA").tagged("m", barrier="bollard")
    travel = drawing.travel(tmp_path)
    assert minutes(travel, drawing, "w", "e") == pytest.approx(0.4 + 3 + 0.4)
    assert minutes(travel, drawing, "A", "w") == 0.4


def test_a_height_bar_stops_high_vans_only(tmp_path: Path) -> None:
    drawing = square()
    drawing.nodes["m"] = (300, 0)
    drawing.way("AmB").way("BC").way("CD").way("DA")
    drawing.tagged("m", barrier="height_restrictor", maxheight="2.5")
    assert minutes(drawing.travel(tmp_path, Vehicle(height_m=2.4)), drawing, "A", "B") == 1
    assert minutes(drawing.travel(tmp_path, Vehicle(height_m=3)), drawing, "A", "B") == 3


def test_a_ferry_takes_its_time_and_is_waited_for_once(tmp_path: Path) -> None:
    drawing = Drawing({"A": (0, 0), "L": (600, 0), "M": (1200, 0), "B": (1800, 0)})
    drawing.way("AL").way("MB").ferry("LM", duration="00:12")
    travel = drawing.travel(tmp_path, ferry_wait_minutes=20)
    assert minutes(travel, drawing, "A", "B") == 1 + 20 + 12 + 1
    assert minutes(travel, drawing, "B", "A") == 1 + 20 + 12 + 1


def test_a_ferry_line_with_a_branch_is_waited_for_on_land_only(tmp_path: Path) -> None:
    nodes = {"A": (0, 0), "L": (600, 0), "m": (900, 0), "M": (1200, 0), "B": (1800, 0)}
    drawing = Drawing({**nodes, "N": (900, 600), "C": (900, 1200)})
    drawing.way("AL").way("MB").way("NC").ferry("LmM", duration="10").ferry("mN", duration="5")
    travel = drawing.travel(tmp_path, ferry_wait_minutes=20)
    assert minutes(travel, drawing, "A", "C") == 1 + 20 + 5 + 5 + 1


def test_a_ferry_that_tells_how_often_it_goes_is_waited_for_half_of_that(tmp_path: Path) -> None:
    drawing = Drawing({"A": (0, 0), "L": (600, 0), "M": (1200, 0), "B": (1800, 0)})
    drawing.way("AL").way("MB").ferry("LM", duration="12", interval="00:30")
    assert minutes(drawing.travel(tmp_path), drawing, "A", "B") == 1 + 15 + 12 + 1


def test_a_ferry_without_a_time_goes_at_a_ferrys_speed(tmp_path: Path) -> None:
    drawing = Drawing({"A": (0, 0), "L": (600, 0), "M": (1200, 0), "B": (1800, 0)})
    drawing.way("AL").way("MB").ferry("LM")
    travel = drawing.travel(tmp_path, speeds_kmh={**SPEEDS_KMH, RoadClass.TERTIARY: 36.0})
    assert minutes(travel, drawing, "A", "B") == pytest.approx(1 + 15 + 4.5 + 1)


def test_roads_are_driven_at_their_classes_speed_or_the_limit_where_that_is_lower(
    tmp_path: Path,
) -> None:
    drawing = square().way("AB", highway="primary").way("BC", highway="primary", maxspeed="20")
    drawing.way("CD", highway="primary", maxspeed="90")
    drawing.way("DA", highway="primary", maxspeed_forward="10")
    travel = drawing.travel(tmp_path, speeds_kmh={**SPEEDS_KMH, RoadClass.PRIMARY: 40.0})
    figures = [minutes(travel, drawing, *side) for side in ("AB", "BC", "CD", "AD", "DA")]
    # From D to A the limit of 10 km/h makes the other three sides the quicker way.
    assert figures == [0.9, 1.8, 0.9, 0.9, pytest.approx(3.6)]


class TestTurnRestrictions:
    """A crossing X of four roads, with a way round by the east and north.

    ::

            N--n
            |  |
        W---X--E
            |
            S
    """

    def drawing(self) -> Drawing:
        cross = {"X": (0, 0), "W": (-600, 0), "E": (600, 0), "N": (0, 600), "S": (0, -600)}
        drawing = Drawing({**cross, "n": (600, 600)})
        return drawing.way("WX").way("XE").way("NX").way("XS").way("En").way("nN")

    def test_without_one_every_turn_is_taken(self, tmp_path: Path) -> None:
        drawing = self.drawing()
        assert minutes(drawing.travel(tmp_path), drawing, "W", "N") == 2

    def test_a_forbidden_left_turn_is_driven_round(self, tmp_path: Path) -> None:
        drawing = self.drawing().restricted("no_left_turn", "WX", "X", "NX")
        travel = drawing.travel(tmp_path)
        assert minutes(travel, drawing, "W", "N") == 4
        assert minutes(travel, drawing, "N", "W") == 2
        assert minutes(travel, drawing, "S", "N") == 2
        path = travel.path(drawing.position("W"), drawing.position("N"))
        assert length_m(path) == pytest.approx(2400, abs=3)

    def test_nobody_dodges_it_by_turning_round_behind_the_crossing(self, tmp_path: Path) -> None:
        drawing = self.drawing().restricted("no_left_turn", "WX", "X", "NX")
        # A side road makes E a crossing soon behind X.
        drawing.nodes |= {"k": (60, 0), "K": (60, -60)}
        drawing.ways.pop("XE")
        drawing.way("XkE").way("kK", access="private")
        travel = drawing.travel(tmp_path)
        assert minutes(travel, drawing, "W", "N") == 4

    def test_who_ends_or_starts_between_is_not_bound_by_where_others_come_from(
        self, tmp_path: Path
    ) -> None:
        drawing = self.drawing().restricted("no_left_turn", "WX", "X", "NX")
        travel = drawing.travel(tmp_path)
        beside_x = at(-12, 0)
        assert travel.leg(beside_x, drawing.position("X")).drive_minutes == pytest.approx(
            0.02, abs=0.01
        )
        assert minutes(travel, drawing, "E", "N") == 2

    def test_the_only_way_straight_on_forbids_both_turns(self, tmp_path: Path) -> None:
        drawing = self.drawing().restricted("only_straight_on", "WX", "X", "XE")
        travel = drawing.travel(tmp_path)
        assert minutes(travel, drawing, "W", "E") == 2
        assert minutes(travel, drawing, "W", "N") == 4
        # Round by E, n and N, and down over X.
        assert minutes(travel, drawing, "W", "S") == 6

    def test_a_van_is_no_bus(self, tmp_path: Path) -> None:
        drawing = self.drawing()
        drawing.restricted("no_left_turn", "WX", "X", "NX", except_="bus;psv;bicycle")
        assert minutes(drawing.travel(tmp_path), drawing, "W", "N") == 4

    def test_vehicles_that_are_excepted_turn(self, tmp_path: Path) -> None:
        drawing = self.drawing()
        drawing.restricted("no_left_turn", "WX", "X", "NX", except_="goods")
        assert minutes(drawing.travel(tmp_path), drawing, "W", "N") == 2
        heavy = drawing.travel(tmp_path, Vehicle(weight_t=12))
        assert minutes(heavy, drawing, "W", "N") == 4

    def test_a_sign_for_lorries_binds_lorries(self, tmp_path: Path) -> None:
        drawing = self.drawing()
        drawing.restricted("no_left_turn", "WX", "X", "NX", key="restriction:hgv")
        assert minutes(drawing.travel(tmp_path), drawing, "W", "N") == 2
        heavy = drawing.travel(tmp_path, Vehicle(weight_t=12))
        assert minutes(heavy, drawing, "W", "N") == 4

    def test_a_restriction_over_a_way_binds_who_comes_from_its_beginning(
        self, tmp_path: Path
    ) -> None:
        # No turning back to the west from n by way of E: forbidden only for who comes from X.
        drawing = self.drawing().restricted("no_u_turn", "XE", "En", "nN")
        travel = drawing.travel(tmp_path)
        # Up from X by E and n to N is longer than straight up anyhow: from a place on XE it is not.
        near_e = at(540, 0)
        leg = travel.leg(near_e, drawing.position("N"))
        assert leg.drive_minutes == pytest.approx(0.9 + 1, abs=0.02)
        on_top = at(540, 600)
        assert travel.leg(near_e, on_top).drive_minutes == pytest.approx(0.9 + 1 + 0.9, abs=0.02)
        assert travel.leg(drawing.position("E"), on_top).drive_minutes == pytest.approx(
            1.1, abs=0.02
        )

    def test_an_only_way_over_ways_may_not_be_left(self, tmp_path: Path) -> None:
        drawing = self.drawing().restricted("only_left_turn", "WX", "XE", "En")
        travel = drawing.travel(tmp_path)
        assert minutes(travel, drawing, "W", "n") == 3
        assert minutes(travel, drawing, "W", "N") == 4
        assert minutes(travel, drawing, "S", "N") == 2

    def test_one_that_makes_no_sense_is_counted_and_left_out(self, tmp_path: Path) -> None:
        drawing = self.drawing().restricted("no_left_turn", "WX", "X", "En")
        network = build_roads(drawing.save(tmp_path / "drawing.osm"))
        assert (network.turn_count, network.unread_restrictions) == (0, 1)


def test_a_place_beside_a_long_road_is_reached_where_it_stands(tmp_path: Path) -> None:
    # One segment of 12 km without a node between.
    drawing = Drawing({"A": (0, 0), "B": (12_000, 0)}).way("AB")
    travel = drawing.travel(tmp_path, off_road_kmh=3.0)
    leg = travel.leg(at(3000, 50), at(9000, -100))
    assert leg.distance_m == pytest.approx(6000 + 50 + 100, abs=5)
    # 150 m beside the road at walking pace.
    assert leg.drive_minutes == pytest.approx(10 + 3, abs=0.05)
    path = travel.path(at(3000, 50), at(9000, -100))
    assert (path[0], path[-1]) == (at(3000, 50), at(9000, -100))
    assert length_m(path) == pytest.approx(leg.distance_m, abs=5)


def test_on_a_one_way_street_the_place_behind_is_reached_round_the_block(tmp_path: Path) -> None:
    drawing = ring(oneway="yes")
    travel = drawing.travel(tmp_path)
    ahead = travel.leg(at(100, 0), at(500, 0))
    behind = travel.leg(at(500, 0), at(100, 0))
    assert ahead.distance_m == pytest.approx(400, abs=2)
    assert behind.distance_m == pytest.approx(2000, abs=5)
    assert length_m(travel.path(at(500, 0), at(100, 0))) == pytest.approx(2000, abs=5)


def test_nothing_is_driven_from_a_place_to_itself(tmp_path: Path) -> None:
    travel = ring().travel(tmp_path)
    leg = travel.leg(at(300, 40), at(300, 40))
    assert (leg.drive_minutes, leg.distance_m) == (0, 0)
    assert travel.matrix([at(300, 40), at(300, 40)])[0][1].distance_m == 0


class TestUnreachable:
    """An island in the river, and a place whose position was mistyped."""

    ISLAND = at(300, 5300)
    TYPO = at(90_000, 0)
    TOWN = at(300, 20)

    @pytest.fixture
    def travel(self, tmp_path: Path) -> RoadTravel:
        drawing = ring()
        drawing.nodes |= {"i": (0, 5300), "j": (1500, 5300)}
        return drawing.way("ij").travel(tmp_path)

    def test_they_are_named_with_the_reason(self, travel: RoadTravel) -> None:
        others = [self.TOWN, at(600, 300), at(0, 300)]
        found = travel.unreachable([others[0], self.ISLAND, *others[1:], self.TYPO])
        assert [(one.position, one.why) for one in found] == [
            (self.ISLAND, Why.CUT_OFF),
            (self.TYPO, Why.NO_ROAD),
        ]
        assert found[1].road_m == pytest.approx(89_000, rel=0.02)

    def test_one_leg_to_them_is_an_error_that_names_them(self, travel: RoadTravel) -> None:
        for start, end in ((self.TOWN, self.ISLAND), (self.ISLAND, self.TOWN)):
            with pytest.raises(UnreachableError, match="cut off") as caught:
                travel.leg(start, end)
            assert [one.position for one in caught.value.positions] == [self.ISLAND]
        with pytest.raises(UnreachableError, match="no road"):
            travel.path(self.TYPO, self.TOWN)

    def test_in_a_matrix_their_legs_are_infinite_and_no_others(self, travel: RoadTravel) -> None:
        minutes = travel.table([self.TOWN, self.ISLAND, at(600, 300), self.TYPO]).minutes
        assert np.isinf(minutes).tolist() == [
            [False, True, False, True],
            [True, False, True, True],
            [False, True, False, True],
            [True, True, True, False],
        ]

    def test_who_lives_on_the_island_is_reached_there(self, travel: RoadTravel) -> None:
        assert travel.unreachable([self.ISLAND, at(900, 5310)]) == ()

    def test_no_positions_hold_none(self, travel: RoadTravel) -> None:
        assert travel.unreachable([]) == ()
        assert travel.matrix([]) == ()


def test_a_car_park_mapped_without_its_entrance_gives_way_to_the_street(tmp_path: Path) -> None:
    drawing = ring()
    drawing.nodes |= {"p": (200, 60), "q": (400, 60)}
    travel = drawing.way("pq", highway="service").travel(tmp_path)
    assert travel.unreachable([at(300, 60), at(600, 600)]) == ()


def test_a_built_network_is_kept_with_what_was_prepared_from_it(tmp_path: Path) -> None:
    drawing = ring(maxheight="3").restricted("no_left_turn", "AB", "B", "BC")
    network = build_roads(drawing.save(tmp_path / "drawing.osm"))
    path = tmp_path / "roads.npz"
    network.save(path)
    driving = Driving(Vehicle(height_m=2.5))
    first = RoadTravel.open(path, driving)
    made = [file.name for file in tmp_path.glob("*.ready")]
    assert made == [f"roads.{driving.key}.ready"]
    stages: list[object] = []
    again = RoadTravel.open(path, driving, lambda stage, _count: stages.append(stage))
    assert stages == []
    places = [drawing.position(node) for node in "ABCD"]
    assert (
        again.matrix(places) == first.matrix(places) == RoadTravel(network, driving).matrix(places)
    )


def test_what_was_prepared_from_another_network_is_prepared_anew(tmp_path: Path) -> None:
    path = tmp_path / "roads.npz"
    for tags, there in (({}, 1), ({"oneway": "-1"}, 3)):
        drawing = ring(**tags)
        build_roads(drawing.save(tmp_path / "drawing.osm")).save(path)
        travel = RoadTravel.open(path)
        start, end = drawing.position("A"), drawing.position("B")
        assert travel.leg(start, end).drive_minutes == pytest.approx(there * 36 / 35, abs=0.01)


def test_of_a_large_extract_only_the_box_is_kept(tmp_path: Path) -> None:
    drawing = Drawing({"A": (0, 0), "B": (600, 0), "C": (50_000, 0), "D": (50_600, 0)})
    path = drawing.way("ABCD").save(tmp_path / "drawing.osm")
    here = at(0, 0)
    box = Box(here.lat - 0.1, here.lon - 0.1, here.lat + 0.1, here.lon + 0.1)
    assert build_roads(path).total_km == pytest.approx(50.6, abs=0.1)
    assert build_roads(path, box).total_km == pytest.approx(0.6, abs=0.01)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.osm", b"<osm version='0.6'></osm>"),
        ("damaged.osm.pbf", b"not a protocol buffer at all"),
        ("paths.osm", b"<osm version='0.6'><node id='1' lat='1' lon='1'/></osm>"),
        ("words.geojson", b"{}"),
        ("empty.geojson", b'{"type": "FeatureCollection", "features": []}'),
    ],
)
def test_a_file_without_roads_says_so(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(RoadFileError) as caught:
        build_roads(path)
    assert caught.value.path == str(path)


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(RoadFileError):
        build_roads(tmp_path / "nowhere.osm.pbf")


def test_a_file_that_is_no_network_says_so(tmp_path: Path) -> None:
    path = tmp_path / "roads.npz"
    path.write_bytes(b"PK something else")
    with pytest.raises(RoadFileError, match="not a built road network"):
        RoadTravel.open(path)
