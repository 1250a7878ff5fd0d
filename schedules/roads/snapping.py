"""Which road stands beside a place, and where along it: roads outside towns are kilometres long."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ..travel import Position
from .earth import metres_per_degree
from .network import DEGREES_STORED, Network

Floats = NDArray[np.float64]

_EARTH_RADIUS_M = 6_371_009.0
# Lines are looked up by their middles: no piece of one is longer than this.
_PIECE_M = 300.0


@dataclass(frozen=True)
class Snapped:
    """A point on a road, the nearest to a place.

    Attributes
    ----------
    share
        How far along the road, from 0 at its start to 1 at its end.
    distance_m
        From the place to it, in a straight line.
    """

    road: int
    share: float
    lat: float
    lon: float
    distance_m: float


class Snapper:
    """Finds the nearest point on any of some roads."""

    def __init__(self, network: Network, roads: NDArray[np.bool_]) -> None:
        """Of a network's roads those that are marked count."""
        self._cut(network, roads)
        middles = _on_sphere((self._lat1 + self._lat2) / 2, (self._lon1 + self._lon2) / 2)
        self._middles = cKDTree(middles) if len(middles) else None

    def nearest(self, position: Position, within_m: float) -> Snapped | None:
        """The nearest point on a road; None where none is within the distance."""
        found = self.near(position, within_m, others_within_m=0.0)
        return found[0] if found else None

    def near(self, position: Position, within_m: float, others_within_m: float) -> list[Snapped]:
        """The nearest point, and those of roads at most ``others_within_m`` farther off.

        One point a road, the nearest first.
        """
        if self._middles is None:
            return []
        here = _on_sphere(np.array([position.lat]), np.array([position.lon]))[0]
        # On the ellipsoid it may be a hundredth farther than on the sphere.
        nearest, index = self._middles.query(here, distance_upper_bound=1.01 * within_m + _PIECE_M)
        if not np.isfinite(nearest):
            return []
        first = self._project(position, np.array([index]))[2][0]
        reach = 1.01 * (min(float(first), within_m) + others_within_m) + _PIECE_M / 2
        pieces = np.sort(np.array(self._middles.query_ball_point(here, reach), dtype=np.int64))
        along, at, distances = self._project(position, pieces)
        limit = min(within_m, distances.min() + others_within_m)
        points: dict[int, Snapped] = {}
        for n in np.lexsort((self._roads[pieces], distances)).tolist():
            road = int(self._roads[pieces[n]])
            if distances[n] <= limit and road not in points:
                piece = int(pieces[n])
                share = self._share1[piece] + along[n] * (self._share2[piece] - self._share1[piece])
                lat, lon = at[n]
                points[road] = Snapped(
                    road, float(share), float(lat), float(lon), float(distances[n])
                )
        return list(points.values())

    def _cut(self, network: Network, roads: NDArray[np.bool_]) -> None:
        """Straight pieces of the roads' lines, each with its share of the road's length."""
        counts = np.diff(network.shape_offsets)
        of_point = np.repeat(np.arange(network.road_count), counts)
        lats = network.shape_lats / DEGREES_STORED
        lons = network.shape_lons / DEGREES_STORED
        inner = (of_point[1:] == of_point[:-1]) & roads[of_point[1:]]
        first = np.flatnonzero(inner)
        north, east = metres_per_degree((lats[first] + lats[first + 1]) / 2)
        lengths = np.hypot(
            (lats[first + 1] - lats[first]) * north, (lons[first + 1] - lons[first]) * east
        )
        owners = of_point[first]
        before = np.concatenate([[0.0], np.cumsum(lengths)])
        starts = np.searchsorted(owners, np.arange(network.road_count))
        road_start = before[starts[owners]]
        whole = np.maximum(network.lengths_m[owners], 1e-9)
        share1 = (before[:-1] - road_start) / whole
        share2 = np.minimum((before[1:] - road_start) / whole, 1.0)
        parts = np.maximum(1, np.ceil(lengths / _PIECE_M)).astype(np.int64)
        line = np.repeat(np.arange(len(first)), parts)
        number = np.arange(len(line)) - np.repeat(np.cumsum(parts) - parts, parts)
        begin, end = number / parts[line], (number + 1) / parts[line]
        self._roads = owners[line]
        self._lat1, self._lat2 = _between(lats[first], lats[first + 1], line, begin, end)
        self._lon1, self._lon2 = _between(lons[first], lons[first + 1], line, begin, end)
        self._share1, self._share2 = _between(share1, share2, line, begin, end)

    def _project(
        self, position: Position, pieces: NDArray[np.int64]
    ) -> tuple[Floats, Floats, Floats]:
        """For each piece: how far along it, the nearest point on it, metres to that."""
        north, east = metres_per_degree(np.array(position.lat))
        y1 = (self._lat1[pieces] - position.lat) * north
        x1 = (self._lon1[pieces] - position.lon) * east
        dy = (self._lat2[pieces] - self._lat1[pieces]) * north
        dx = (self._lon2[pieces] - self._lon1[pieces]) * east
        squared = np.maximum(dx * dx + dy * dy, 1e-12)
        along = np.clip(-(x1 * dx + y1 * dy) / squared, 0.0, 1.0)
        x, y = x1 + along * dx, y1 + along * dy
        points = np.stack([position.lat + y / north, position.lon + x / east], axis=1)
        return along, points, np.hypot(x, y)


def _between(
    first: Floats, last: Floats, line: NDArray[np.int64], begin: Floats, end: Floats
) -> tuple[Floats, Floats]:
    span = last[line] - first[line]
    return first[line] + begin * span, first[line] + end * span


def _on_sphere(lats: Floats, lons: Floats) -> Floats:
    """Points in space: their straight distances are those on the ground, up to 1 in 300."""
    lat, lon = np.radians(lats), np.radians(lons)
    return _EARTH_RADIUS_M * np.stack(
        [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1
    )
