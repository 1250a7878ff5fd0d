"""Whether a position lies in a GeoJSON outline, how far outside it, and what a way crosses.

Outlines are of communes: small enough to be measured on a plane that touches the globe at the
position itself.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, cos, hypot, radians
from typing import Any

from .travel import Position

METRES_PER_DEGREE = 111_320.0
# Between looks at a way: about 300 m.
LOOK_DEGREES = 0.003

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A rectangle of latitudes and longitudes, in degrees."""

    south: float
    west: float
    north: float
    east: float

    def holds(self, position: Position) -> bool:
        """Whether the position lies in the box."""
        return self.south <= position.lat <= self.north and self.west <= position.lon <= self.east


def box_around(positions: Iterable[Position], margin_degrees: float) -> Box | None:
    """The smallest box that holds all positions, widened on each side; None of none."""
    points = list(positions)
    if not points:
        return None
    lats, lons = [p.lat for p in points], [p.lon for p in points]
    return Box(
        min(lats) - margin_degrees,
        min(lons) - margin_degrees,
        max(lats) + margin_degrees,
        max(lons) + margin_degrees,
    )


def metres_outside(outline: Mapping[str, Any], position: Position) -> float:
    """Metres from the position to the outline; 0 inside it.

    Parameters
    ----------
    outline
        A GeoJSON geometry, Polygon or MultiPolygon (longitude before latitude); others hold no
        area, and everything is infinitely far outside them.
    """
    polygons = [[_on_plane(ring, position) for ring in rings] for rings in _polygons(outline)]
    if any(_holds_origin(rings) for rings in polygons):
        return 0.0
    distances = (_distance(ring) for rings in polygons for ring in rings)
    return min(distances, default=float("inf"))


def lies_in(outline: Mapping[str, Any], position: Position) -> bool:
    """Whether the outline holds the position."""
    return any(
        _holds_origin([_on_plane(ring, position) for ring in rings]) for rings in _polygons(outline)
    )


def crossed(
    path: Sequence[Point], outlines: Iterable[tuple[Hashable, Mapping[str, Any]]]
) -> set[Hashable]:
    """Keys of the outlines that a way of (latitude, longitude) points leads through."""
    looks = _looks(path)
    found: set[Hashable] = set()
    for key, outline in outlines:
        corners = [
            Position(corner[1], corner[0]) for rings in _polygons(outline) for corner in rings[0]
        ]
        box = box_around(corners, 0.0)
        near = [look for look in looks if box is not None and box.holds(look)]
        if any(lies_in(outline, look) for look in near):
            found.add(key)
    return found


def thinned(path: Sequence[Position], tolerance_m: float) -> list[Position]:
    """The line without points that stray at most ``tolerance_m`` from it; its ends stay.

    D. Douglas, T. Peucker: Algorithms for the reduction of the number of points (1973).
    """
    if len(path) < 3:
        return list(path)
    lat0 = path[0].lat
    east = METRES_PER_DEGREE * cos(radians(lat0))
    plane = [(p.lon * east, p.lat * METRES_PER_DEGREE) for p in path]
    kept = {0, len(path) - 1}
    spans = [(0, len(path) - 1)]
    while spans:
        first, last = spans.pop()
        farthest, at = tolerance_m, -1
        (x1, y1), (x2, y2) = plane[first], plane[last]
        for index in range(first + 1, last):
            x, y = plane[index]
            strays = _to_side(x1 - x, y1 - y, x2 - x, y2 - y)
            if strays > farthest:
                farthest, at = strays, index
        if at > 0:
            kept.add(at)
            spans += [(first, at), (at, last)]
    return [path[index] for index in sorted(kept)]


def _looks(path: Sequence[Point]) -> list[Position]:
    """Positions along the way, closer together than any commune is wide."""
    looks = [Position(*point) for point in path[:1]]
    for here, there in pairwise(path):
        steps = max(1, ceil(hypot(there[0] - here[0], there[1] - here[1]) / LOOK_DEGREES))
        for step in range(1, steps + 1):
            lat = here[0] + (there[0] - here[0]) * step / steps
            looks.append(Position(lat, here[1] + (there[1] - here[1]) * step / steps))
    return looks


def _holds_origin(rings: Sequence[Sequence[Point]]) -> bool:
    # Inside the outer ring and in none of its holes: an odd number of rings around.
    return sum(_surrounds(ring) for ring in rings) % 2 == 1


def _polygons(outline: Mapping[str, Any]) -> Iterator[Sequence[Sequence[Sequence[float]]]]:
    if outline.get("type") == "Polygon":
        yield outline["coordinates"]
    elif outline.get("type") == "MultiPolygon":
        yield from outline["coordinates"]


def _on_plane(ring: Sequence[Sequence[float]], position: Position) -> list[Point]:
    """The ring in metres east and north of the position."""
    east = METRES_PER_DEGREE * cos(radians(position.lat))
    return [
        ((point[0] - position.lon) * east, (point[1] - position.lat) * METRES_PER_DEGREE)
        for point in ring
    ]


def _surrounds(ring: Sequence[Point]) -> bool:
    """Whether the ring goes round the origin: a ray from it crosses an odd number of sides."""
    inside = False
    for (x1, y1), (x2, y2) in _sides(ring):
        if (y1 > 0) != (y2 > 0) and x1 + (x2 - x1) * -y1 / (y2 - y1) > 0:
            inside = not inside
    return inside


def _distance(ring: Sequence[Point]) -> float:
    return min((_to_side(*start, *end) for start, end in _sides(ring)), default=float("inf"))


def _to_side(x1: float, y1: float, x2: float, y2: float) -> float:
    dx, dy = x2 - x1, y2 - y1
    length = dx * dx + dy * dy
    along = 0.0 if length == 0 else max(0.0, min(1.0, -(x1 * dx + y1 * dy) / length))
    return hypot(x1 + along * dx, y1 + along * dy)


def _sides(ring: Sequence[Point]) -> Iterator[tuple[Point, Point]]:
    return zip(ring, [*ring[1:], *ring[:1]], strict=True)
