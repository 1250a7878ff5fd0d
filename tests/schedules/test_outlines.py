"""Inside an outline or outside, and how far."""

from __future__ import annotations

from typing import Any

import pytest
from geopy.distance import geodesic

from schedules.outlines import Box, box_around, crossed, lies_in, metres_outside
from schedules.travel import Position

# A square of a tenth of a degree with a square hole, and an island to its east.
SQUARE = [[105.0, 10.0], [105.1, 10.0], [105.1, 10.1], [105.0, 10.1], [105.0, 10.0]]
HOLE = [[105.04, 10.04], [105.06, 10.04], [105.06, 10.06], [105.04, 10.06], [105.04, 10.04]]
ISLAND = [[105.2, 10.0], [105.21, 10.0], [105.21, 10.01], [105.2, 10.0]]
OUTLINE = {"type": "MultiPolygon", "coordinates": [[SQUARE, HOLE], [ISLAND]]}


@pytest.mark.parametrize(
    ("lat", "lon", "inside"),
    [
        (10.02, 105.02, True),
        (10.05, 105.05, False),
        (10.002, 105.205, True),
        (10.005, 105.15, False),
        (48.85, 2.35, False),
    ],
    ids=["square", "hole", "island", "between", "Paris"],
)
def test_a_position_lies_in_an_outline_or_not(lat: float, lon: float, inside: bool) -> None:
    assert lies_in(OUTLINE, Position(lat, lon)) == inside
    assert (metres_outside(OUTLINE, Position(lat, lon)) == 0) == inside


def test_the_distance_to_an_outline_is_the_distance_to_its_nearest_side() -> None:
    metres = metres_outside(OUTLINE, Position(10.05, 104.99))
    assert metres == pytest.approx(geodesic((10.05, 104.99), (10.05, 105.0)).m, rel=0.01)
    corner = metres_outside(OUTLINE, Position(9.99, 104.99))
    assert corner == pytest.approx(geodesic((9.99, 104.99), (10.0, 105.0)).m, rel=0.01)


def test_what_holds_no_area_holds_nothing() -> None:
    point = {"type": "Point", "coordinates": [105.0, 10.0]}
    assert not lies_in(point, Position(10.0, 105.0))
    assert metres_outside(point, Position(10.0, 105.0)) == float("inf")
    assert metres_outside({}, Position(10.0, 105.0)) == float("inf")


def test_a_box_holds_its_points_and_a_margin() -> None:
    box = box_around([Position(10.0, 105.0), Position(10.5, 106.0)], 0.25)
    assert box == Box(9.75, 104.75, 10.75, 106.25)
    assert box.holds(Position(9.8, 106.2))
    assert not box.holds(Position(9.7, 106.0))
    assert box_around([], 0.25) is None


def tile(west: float) -> dict[str, Any]:
    """A tenth of a degree wide and high, from 10 degrees north on."""
    east = west + 0.1
    ring = [[west, 10.0], [east, 10.0], [east, 10.1], [west, 10.1], [west, 10.0]]
    return {"type": "Polygon", "coordinates": [ring]}


def test_a_way_crosses_the_area_between_its_ends() -> None:
    row = [(number, tile(105 + number / 10)) for number in range(4)]
    assert crossed([(10.05, 105.05), (10.05, 105.25)], row) == {0, 1, 2}
    assert crossed([], row) == set()
