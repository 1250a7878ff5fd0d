"""Minutes and metres between positions. The source of the figures is named where they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from geopy.distance import geodesic


@dataclass(frozen=True)
class Position:
    """WGS84 degrees."""

    lat: float
    lon: float


@dataclass(frozen=True)
class Leg:
    """Driving from one position to the next."""

    drive_minutes: float
    distance_m: float


class TravelSource(Protocol):
    """Where minutes and metres come from."""

    @property
    def name(self) -> str:
        """Short name of the source, stored with the figures."""
        ...

    @property
    def is_estimate(self) -> bool:
        """Whether the figures are estimated rather than routed on roads."""
        ...

    def leg(self, start: Position, end: Position) -> Leg:
        """Driving from start to end."""
        ...

    def matrix(self, positions: Sequence[Position]) -> tuple[tuple[Leg, ...], ...]:
        """Driving between each pair, row by row."""
        ...

    def path(self, start: Position, end: Position) -> tuple[Position, ...]:
        """The line to draw from start to end."""
        ...


@dataclass(frozen=True)
class GeodesicTravel:
    """An estimate without roads: the straight line, lengthened, at an average speed."""

    detour_factor: float = 1.3
    speed_kmh: float = 30.0

    @property
    def name(self) -> str:
        """Stored with the figures."""
        return "geodesic"

    @property
    def is_estimate(self) -> bool:
        """Always: no road was looked at."""
        return True

    def leg(self, start: Position, end: Position) -> Leg:
        """Straight-line metres (geopy's geodesic) × detour factor, at the average speed."""
        distance_m = straight_line_m(start, end) * self.detour_factor
        return Leg(distance_m / 1000 / self.speed_kmh * 60, distance_m)

    def matrix(self, positions: Sequence[Position]) -> tuple[tuple[Leg, ...], ...]:
        """Every pair's leg."""
        return tuple(tuple(self.leg(start, end) for end in positions) for start in positions)

    def path(self, start: Position, end: Position) -> tuple[Position, ...]:
        """The straight line: honest about knowing no road."""
        return (start, end)


@lru_cache(maxsize=200_000)
def straight_line_m(start: Position, end: Position) -> float:
    """Metres on the WGS84 ellipsoid."""
    if start == end:
        return 0.0
    return float(geodesic((start.lat, start.lon), (end.lat, end.lon)).meters)
