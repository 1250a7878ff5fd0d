"""Estimated driving between positions."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.areas import Area, AreaFileError, read_areas
from schedules.straight_lines import nearest_other_m
from schedules.travel import (
    EstimateWithoutRoads,
    GeodesicTravel,
    Leg,
    Position,
    Table,
    Unreachable,
    UnreachableError,
    Why,
    straight_line_m,
    table_of,
    unreachable_among,
)

CITY_LIBRARY = Position(10.0360, 105.7877)
VINH_THANH = Position(10.2269, 105.3920)
POSITIONS = st.builds(Position, st.floats(-89, 89), st.floats(-179, 179))


def test_the_straight_line_from_the_library_to_vinh_thanh_is_about_48_km() -> None:
    assert straight_line_m(CITY_LIBRARY, VINH_THANH) == pytest.approx(48_200, rel=0.01)


def test_a_leg_is_the_lengthened_line_at_the_average_speed() -> None:
    leg = GeodesicTravel(detour_factor=1.5, speed_kmh=40).leg(CITY_LIBRARY, VINH_THANH)
    assert leg.distance_m == pytest.approx(1.5 * straight_line_m(CITY_LIBRARY, VINH_THANH))
    assert leg.drive_minutes == pytest.approx(leg.distance_m / 1000 / 40 * 60)


@given(st.lists(POSITIONS, max_size=4))
def test_a_matrix_holds_each_pairs_leg_and_nothing_between_a_place_and_itself(
    positions: list[Position],
) -> None:
    travel = GeodesicTravel()
    matrix = travel.matrix(positions)
    for row, start in zip(matrix, positions, strict=True):
        for leg, end in zip(row, positions, strict=True):
            single = travel.leg(start, end)
            assert leg.distance_m == pytest.approx(single.distance_m, abs=0.01)
            assert leg.drive_minutes == pytest.approx(single.drive_minutes, abs=1e-4)
    assert all(matrix[i][i].distance_m == 0 for i in range(len(positions)))


def test_an_estimate_says_that_it_is_one() -> None:
    assert GeodesicTravel().is_estimate
    assert GeodesicTravel().path(CITY_LIBRARY, VINH_THANH) == (CITY_LIBRARY, VINH_THANH)


# Slow streets within 3 km of the library, winding lanes in the square around Vĩnh Thạnh.
CITY = Area.circle("Ninh Kiều", (10.0360, 105.7877), 3000, 1.5, 15)
LANES = Area(
    "Vĩnh Thạnh",
    2.0,
    20,
    (((10.2, 105.36), (10.2, 105.43), (10.26, 105.43), (10.26, 105.36)),),
)


def test_in_an_area_its_own_factor_and_speed_count() -> None:
    travel = GeodesicTravel(1.3, 40, (CITY, LANES))
    end = Position(10.0450, 105.7900)
    leg = travel.leg(CITY_LIBRARY, end)
    assert leg.distance_m == pytest.approx(1.5 * straight_line_m(CITY_LIBRARY, end))
    assert leg.drive_minutes == pytest.approx(leg.distance_m / 1000 / 15 * 60)
    outside = Position(9.8, 105.6), Position(9.8, 105.7)
    assert travel.leg(*outside) == GeodesicTravel(1.3, 40).leg(*outside)


def test_a_leg_through_several_areas_takes_of_each_what_lies_in_it() -> None:
    travel = GeodesicTravel(1.0, 60, (Area("west", 2.0, 30, (_square(105.0, 105.5),)),))
    start, end = Position(10.0, 105.25), Position(10.0, 105.75)
    straight = straight_line_m(start, end)
    leg = travel.leg(start, end)
    assert leg.distance_m == pytest.approx(1.5 * straight, rel=0.001)
    assert leg.drive_minutes == pytest.approx(straight / 1000 * (0.5 * 2 / 30 + 0.5 / 60) * 60)


def test_where_areas_overlap_the_first_counts() -> None:
    inner = Area("inner", 3.0, 10, (_square(105.2, 105.3),))
    outer = Area("outer", 2.0, 30, (_square(105.0, 105.5),))
    leg = GeodesicTravel(1.0, 60, (inner, outer)).leg(
        Position(10.0, 105.21), Position(10.0, 105.29)
    )
    assert leg.distance_m == pytest.approx(
        3 * straight_line_m(Position(10.0, 105.21), Position(10.0, 105.29))
    )


def _square(west: float, east: float) -> tuple[tuple[float, float], ...]:
    return ((9.5, west), (9.5, east), (10.5, east), (10.5, west))


@given(st.lists(st.builds(Position, st.floats(9.9, 10.3), st.floats(105.3, 105.9)), max_size=5))
def test_areas_change_a_matrix_as_they_change_its_legs(positions: list[Position]) -> None:
    travel = GeodesicTravel(1.3, 40, (CITY, LANES))
    for row, start in zip(travel.matrix(positions), positions, strict=True):
        for leg, end in zip(row, positions, strict=True):
            single = travel.leg(start, end)
            assert leg.distance_m == pytest.approx(single.distance_m, abs=0.01)
            assert leg.drive_minutes == pytest.approx(single.drive_minutes, abs=1e-4)


def test_areas_are_read_from_geojson(tmp_path: Path) -> None:
    path = tmp_path / "areas.geojson"
    path.write_text(
        json.dumps(
            {
                "type": "FeatureCollection",
                "features": [
                    {
                        "type": "Feature",
                        "properties": {
                            "name": "Ninh Kiều",
                            "detour_factor": 1.5,
                            "speed_kmh": 15,
                            "radius_m": 3000,
                        },
                        "geometry": {"type": "Point", "coordinates": [105.7877, 10.0360]},
                    },
                    {
                        "type": "Feature",
                        "properties": {
                            "name": "Vĩnh Thạnh",
                            "detour_factor": 2,
                            "speed_kmh": 20,
                        },
                        "geometry": {
                            "type": "Polygon",
                            "coordinates": [[[lon, lat] for lat, lon in LANES.rings[0]]],
                        },
                    },
                ],
            }
        ),
        "utf-8",
    )
    assert read_areas(path) == (CITY, LANES)


@pytest.mark.parametrize(
    ("properties", "geometry", "said"),
    [
        ({"speed_kmh": 20}, {"type": "Point", "coordinates": [105, 10]}, "detour_factor"),
        ({"detour_factor": 9, "speed_kmh": 20}, {}, "between 1 and 4"),
        (
            {"detour_factor": 2, "speed_kmh": 20},
            {"type": "LineString", "coordinates": [[105, 10]]},
            "LineString",
        ),
    ],
)
def test_an_area_that_cannot_be_read_says_why(
    tmp_path: Path, properties: dict[str, float], geometry: dict[str, object], said: str
) -> None:
    path = tmp_path / "areas.geojson"
    feature = {"type": "Feature", "properties": properties, "geometry": geometry}
    path.write_text(json.dumps({"features": [feature]}), "utf-8")
    with pytest.raises(AreaFileError, match=f"feature 1.*{said}"):
        read_areas(path)


class IslandTravel:
    """Roads that know no way to one island."""

    name = "roads"
    is_estimate = False
    island = Position(10.0, 105.9)

    def leg(self, start: Position, end: Position) -> Leg:
        if self.island in (start, end):
            raise UnreachableError([Unreachable(self.island, Why.CUT_OFF, 5.0)])
        return Leg(1.0, 1000.0)

    def matrix(self, positions: Sequence[Position]) -> tuple[tuple[Leg, ...], ...]:
        far = Leg(math.inf, math.inf)
        return tuple(
            tuple(far if self.island in (a, b) else Leg(1.0, 1000.0) for b in positions)
            for a in positions
        )

    def path(self, start: Position, end: Position) -> tuple[Position, ...]:
        self.leg(start, end)
        return (start, Position(10.1, 105.5), end)

    def unreachable(self, positions: Sequence[Position]) -> tuple[Unreachable, ...]:
        return tuple(Unreachable(p, Why.CUT_OFF, 5.0) for p in positions if p == self.island)


def test_where_roads_know_no_way_single_legs_are_estimated_and_the_name_says_so() -> None:
    roads, estimate = IslandTravel(), GeodesicTravel()
    travel = EstimateWithoutRoads(roads, estimate)
    assert travel.leg(CITY_LIBRARY, VINH_THANH) == Leg(1.0, 1000.0)
    assert (travel.name, travel.is_estimate) == ("roads", False)
    assert travel.leg(CITY_LIBRARY, roads.island) == estimate.leg(CITY_LIBRARY, roads.island)
    assert (travel.name, travel.is_estimate) == ("roads +geodesic", True)
    assert travel.path(roads.island, CITY_LIBRARY) == (roads.island, CITY_LIBRARY)


def test_a_planner_is_told_which_positions_have_no_way() -> None:
    travel = EstimateWithoutRoads(IslandTravel(), GeodesicTravel())
    positions = [CITY_LIBRARY, IslandTravel.island]
    table = table_of(travel, positions)
    assert table.minutes.tolist() == [[1.0, math.inf], [math.inf, math.inf]]
    assert [one.position for one in unreachable_among(travel, positions)] == [IslandTravel.island]
    assert unreachable_among(GeodesicTravel(), positions) == ()


def test_a_table_is_its_legs() -> None:
    table = Table(np.array([[0.0, 2.0], [3.0, 0.0]]), np.array([[0.0, 20.0], [30.0, 0.0]]))
    assert table.legs() == ((Leg(0, 0), Leg(2, 20)), (Leg(3, 30), Leg(0, 0)))


def test_the_nearest_other_point_is_the_one_that_is_nearest_on_the_ellipsoid() -> None:
    rng = Random(5)
    points = [Position(10 + rng.random(), 105 + rng.random()) for _ in range(60)]
    found = nearest_other_m(
        np.array([point.lat for point in points]), np.array([point.lon for point in points])
    )
    for point, metres in zip(points, found, strict=True):
        nearest = min(straight_line_m(point, other) for other in points if other != point)
        assert metres == pytest.approx(nearest, rel=0.006)
    assert nearest_other_m(np.array([10.0]), np.array([105.0])).tolist() == [np.inf]
