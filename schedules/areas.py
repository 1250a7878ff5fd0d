"""Areas in which driving is slower or roads wind more than elsewhere: circles and outlines."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# A ring of (latitude, longitude) corners.
Ring = tuple[tuple[float, float], ...]

METRES_PER_DEGREE = 111_320.0
_CORNERS_OF_A_CIRCLE = 48
# Points along a line at which is looked in which area they lie.
_LOOKS = 16


class AreaFileError(ValueError):
    """A file of areas that cannot be read; says what is wrong with it."""


@dataclass(frozen=True)
class Area:
    """A named part of the country with its own detour factor and speed.

    ``rings`` bound it; a point inside an odd number of them lies in the area.
    """

    name: str
    detour_factor: float
    speed_kmh: float
    rings: tuple[Ring, ...]

    @classmethod
    def circle(
        cls,
        name: str,
        centre: tuple[float, float],
        radius_m: float,
        detour_factor: float,
        speed_kmh: float,
    ) -> Area:
        """All within a distance of a (latitude, longitude)."""
        north = radius_m / METRES_PER_DEGREE
        east = north / math.cos(math.radians(centre[0]))
        turns = [2 * math.pi * n / _CORNERS_OF_A_CIRCLE for n in range(_CORNERS_OF_A_CIRCLE)]
        ring = tuple(
            (centre[0] + north * math.sin(a), centre[1] + east * math.cos(a)) for a in turns
        )
        return cls(name, detour_factor, speed_kmh, (ring,))

    def holds(self, lats: Floats, lons: Floats) -> NDArray[np.bool_]:
        """Which of the points lie in the area."""
        inside = np.zeros(lats.shape, dtype=bool)
        for ring in self.rings:
            corners = np.array(ring)
            if not (
                lats.min(initial=90) <= corners[:, 0].max()
                and lats.max(initial=-90) >= corners[:, 0].min()
            ):
                continue
            for (lat1, lon1), (lat2, lon2) in zip(
                corners, np.roll(corners, -1, axis=0), strict=True
            ):
                # A ray to the east crosses this side.
                crosses = (lat1 > lats) != (lat2 > lats)
                if lat1 != lat2:
                    at = lon1 + (lats - lat1) / (lat2 - lat1) * (lon2 - lon1)
                    inside ^= crosses & (lons < at)
        return inside


def shares_in_areas(areas: Sequence[Area], starts: Floats, ends: Floats) -> Floats:
    """What share of each straight line lies in which area.

    Parameters
    ----------
    starts, ends
        One line a row: (latitude, longitude) of its two ends.

    Returns
    -------
    One row a line: a column an area, and a last one for what lies in none. Rows sum to 1.
    """
    count = len(starts)
    if not areas:
        return np.ones((count, 1))
    along = (np.arange(_LOOKS) + 0.5) / _LOOKS
    points = starts[:, None, :] + along[None, :, None] * (ends - starts)[:, None, :]
    left = np.ones((count, _LOOKS), dtype=bool)
    shares = np.zeros((count, len(areas) + 1))
    for index, area in enumerate(areas):
        here = left & area.holds(points[..., 0], points[..., 1])
        shares[:, index] = here.mean(axis=1)
        left &= ~here
    shares[:, -1] = left.mean(axis=1)
    return shares


def read_areas(path: Path) -> tuple[Area, ...]:
    """Areas of a GeoJSON FeatureCollection, in its order.

    Each feature has ``name``, ``detour_factor`` (1 to 4) and ``speed_kmh`` (5 to 120) among its
    properties; it is a Polygon, a MultiPolygon, or a Point with ``radius_m``.

    Raises
    ------
    AreaFileError
        Says which feature lacks what.
    """
    try:
        features = json.loads(path.read_text("utf-8"))["features"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AreaFileError(f"{path}: not a GeoJSON FeatureCollection ({error})") from error
    areas = []
    for number, feature in enumerate(features, 1):
        try:
            areas.append(_area(feature))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise AreaFileError(f"{path}: feature {number}: {error}") from error
    return tuple(areas)


def _area(feature: Mapping[str, Any]) -> Area:
    properties, geometry = feature["properties"], feature["geometry"]
    name = str(properties.get("name", ""))
    detour = _within(properties, "detour_factor", 1, 4)
    speed = _within(properties, "speed_kmh", 5, 120)
    kind, coordinates = geometry["type"], geometry["coordinates"]
    if kind == "Point":
        centre = (float(coordinates[1]), float(coordinates[0]))
        radius = _within(properties, "radius_m", 1, 1_000_000)
        return Area.circle(name, centre, radius, detour, speed)
    if kind not in {"Polygon", "MultiPolygon"}:
        raise ValueError(f"{kind} is no area")
    polygons = [coordinates] if kind == "Polygon" else coordinates
    rings = tuple(
        tuple((float(point[1]), float(point[0])) for point in ring)
        for polygon in polygons
        for ring in polygon
    )
    return Area(name, detour, speed, rings)


def _within(properties: Mapping[str, Any], name: str, least: float, most: float) -> float:
    if name not in properties:
        raise ValueError(f"{name} is missing")
    value = float(properties[name])
    if not least <= value <= most:
        raise ValueError(f"{name} must lie between {least} and {most}, not {value}")
    return value
