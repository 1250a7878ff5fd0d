"""Which areas hold a point, and which ones a way leads through."""

from __future__ import annotations

from typing import Any

from schedules.outlines import crossed, holds


def square(west: float, south: float, size: float = 0.1) -> list[list[float]]:
    east, north = west + size, south + size
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def polygon(*rings: list[list[float]]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def test_a_polygon_holds_what_lies_in_it_but_not_in_its_hole() -> None:
    ring = polygon(square(105.0, 10.0), square(105.04, 10.04, 0.02))
    assert holds(ring, (10.02, 105.02))
    assert not holds(ring, (10.05, 105.05))
    assert not holds(ring, (10.2, 105.02))


def test_any_part_of_a_multipolygon_holds_its_points() -> None:
    parts = {"type": "MultiPolygon", "coordinates": [[square(105, 10)], [square(106, 10)]]}
    assert holds(parts, (10.05, 106.05))
    assert not holds(parts, (10.05, 105.5))


def test_a_point_holds_nothing() -> None:
    assert not holds({"type": "Point", "coordinates": [105.0, 10.0]}, (10.0, 105.0))


def test_a_way_crosses_the_area_between_its_ends() -> None:
    row = [(west, polygon(square(105 + west / 10, 10))) for west in range(4)]
    assert crossed([(10.05, 105.05), (10.05, 105.25)], row) == {0, 1, 2}
    assert crossed([], row) == set()
