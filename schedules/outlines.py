"""Outlines of areas (GeoJSON geometries) and the ways that cross them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

# Latitude and longitude in degrees.
Point = tuple[float, float]

# Degrees between looks at a way: about 300 m, less than any commune is wide.
_STEP = 0.003


def holds(geometry: Mapping[str, Any], point: Point) -> bool:
    """Whether a Polygon or MultiPolygon holds the point; other geometries hold none."""
    return any(_polygon_holds(polygon, point) for polygon in _polygons(geometry))


def crossed(
    path: Sequence[Point], outlines: Iterable[tuple[Hashable, Mapping[str, Any]]]
) -> set[Hashable]:
    """Keys of the outlines that the way leads through."""
    looks = _looks(path)
    return {key for key, geometry in outlines if _any_held(geometry, looks)}


def _any_held(geometry: Mapping[str, Any], looks: Sequence[Point]) -> bool:
    for polygon in _polygons(geometry):
        south, north, west, east = _bounds(polygon[0])
        near = [p for p in looks if south <= p[0] <= north and west <= p[1] <= east]
        if any(_polygon_holds(polygon, point) for point in near):
            return True
    return False


def _looks(path: Sequence[Point]) -> list[Point]:
    looks = list(path[:1])
    for here, there in itertools.pairwise(path):
        steps = max(1, math.ceil(math.dist(here, there) / _STEP))
        looks += [
            (
                here[0] + (there[0] - here[0]) * step / steps,
                here[1] + (there[1] - here[1]) * step / steps,
            )
            for step in range(1, steps + 1)
        ]
    return looks


def _polygons(geometry: Mapping[str, Any]) -> list[Any]:
    """Rings of each polygon, the outer one first; positions are longitude, latitude."""
    if geometry.get("type") == "Polygon":
        return [geometry["coordinates"]]
    return list(geometry["coordinates"]) if geometry.get("type") == "MultiPolygon" else []


def _bounds(ring: Sequence[Sequence[float]]) -> tuple[float, float, float, float]:
    lons, lats = [p[0] for p in ring], [p[1] for p in ring]
    return min(lats), max(lats), min(lons), max(lons)


def _polygon_holds(rings: Sequence[Any], point: Point) -> bool:
    """Within the outer ring and in no hole."""
    return _ring_holds(rings[0], point) and not any(_ring_holds(hole, point) for hole in rings[1:])


def _ring_holds(ring: Sequence[Sequence[float]], point: Point) -> bool:
    """Whether a ray to the east leaves the ring an odd number of times."""
    lat, lon = point
    inside = False
    for here, there in itertools.pairwise([*ring, ring[0]]):
        if (here[1] > lat) == (there[1] > lat):
            continue
        meets = here[0] + (lat - here[1]) * (there[0] - here[0]) / (there[1] - here[1])
        if lon < meets:
            inside = not inside
    return inside
