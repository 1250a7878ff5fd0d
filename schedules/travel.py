"""Minutes and metres between positions. The source of the figures is named where they are shown.

Here stand the interface and the estimate that needs no roads; ``roads.driving`` drives on a built
network, ``routing_server`` asks a server.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Protocol, runtime_checkable

import numpy as np
from geopy.distance import geodesic
from numpy.typing import NDArray

from .areas import Area, shares_in_areas
from .straight_lines import metres_between_all

# Legs across areas that one source keeps.
_REMEMBERED = 200_000


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


@dataclass(frozen=True)
class Table:
    """Driving between positions: minutes and metres, from rows to columns, infinite without a way.

    Both are square, one row and one column a position.
    """

    minutes: NDArray[np.float64]
    metres: NDArray[np.float64]

    def legs(self) -> tuple[tuple[Leg, ...], ...]:
        """The same, leg by leg."""
        return tuple(
            tuple(Leg(*figures) for figures in zip(minutes, metres, strict=True))
            for minutes, metres in zip(self.minutes.tolist(), self.metres.tolist(), strict=True)
        )


class Why(Enum):
    """Why no road leads to a position."""

    NO_ROAD = "no road"
    CUT_OFF = "cut off"


@dataclass(frozen=True)
class Unreachable:
    """A position that cannot be driven to: no road is near, or its roads are joined to no other.

    ``road_m`` is how far off the nearest road lies, infinite if there is none at all.
    """

    position: Position
    why: Why
    road_m: float


class UnreachableError(ValueError):
    """There is no way between two positions; names those that no road leads to."""

    def __init__(self, positions: Sequence[Unreachable]) -> None:
        named = ", ".join(
            f"{one.position.lat:.6f}, {one.position.lon:.6f} ({one.why.value})" for one in positions
        )
        super().__init__(f"no road leads to {named}")
        self.positions = tuple(positions)


class TravelSource(Protocol):
    """Where minutes and metres come from.

    ``leg`` and ``path`` raise UnreachableError where there is no way; in ``matrix`` such legs are
    infinite, and ``unreachable_among`` names the positions.
    """

    @property
    def name(self) -> str:
        """Short name of the source, stored with the figures."""
        ...

    @property
    def is_estimate(self) -> bool:
        """Whether figures are estimated rather than routed on roads."""
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


@runtime_checkable
class TableSource(Protocol):
    """A source that answers many positions at once as arrays."""

    def table(self, positions: Sequence[Position]) -> Table:
        """Driving between each pair."""
        ...


@runtime_checkable
class ForeseeingSource(Protocol):
    """A source whose answers come from afar: it likes to be told what will be asked."""

    def foresee(self, positions: Sequence[Position]) -> None:
        """Get the legs between all of these, to answer them one by one afterwards."""
        ...


@runtime_checkable
class RoadSource(Protocol):
    """A source that knows which positions no road leads to."""

    def unreachable(self, positions: Sequence[Position]) -> tuple[Unreachable, ...]:
        """Positions without a way from and to most of the others."""
        ...


def table_of(travel: TravelSource, positions: Sequence[Position]) -> Table:
    """Driving between all positions as arrays, from any source."""
    if isinstance(travel, TableSource):
        return travel.table(positions)
    rows = travel.matrix(positions)
    size = len(positions)
    minutes = np.array([[leg.drive_minutes for leg in row] for row in rows]).reshape(size, size)
    metres = np.array([[leg.distance_m for leg in row] for row in rows]).reshape(size, size)
    return Table(minutes.astype(np.float64), metres.astype(np.float64))


def foresee(travel: TravelSource, positions: Sequence[Position | None]) -> None:
    """Say which positions will be asked about, to sources that want to know."""
    if isinstance(travel, ForeseeingSource):
        travel.foresee(sorted({p for p in positions if p}, key=lambda p: (p.lat, p.lon)))


def unreachable_among(
    travel: TravelSource, positions: Sequence[Position]
) -> tuple[Unreachable, ...]:
    """Positions that no road leads to; none where the source knows no roads."""
    return travel.unreachable(positions) if isinstance(travel, RoadSource) else ()


@dataclass(frozen=True)
class GeodesicTravel:
    """An estimate without roads: the straight line, lengthened, at an average speed.

    Within each of ``areas`` its own factor and speed count for the part of the line that lies in
    it; where two overlap, the first.
    """

    detour_factor: float = 1.3
    speed_kmh: float = 30.0
    areas: tuple[Area, ...] = ()
    _legs: dict[tuple[Position, Position], Leg] = field(
        default_factory=dict, repr=False, compare=False
    )

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
        if not self.areas:
            distance_m = straight_line_m(start, end) * self.detour_factor
            return Leg(distance_m / 1000 / self.speed_kmh * 60, distance_m)
        known = self._legs.get((start, end))
        if known is None:
            straight = np.array([straight_line_m(start, end)])
            first, last = np.array([[start.lat, start.lon]]), np.array([[end.lat, end.lon]])
            minutes, metres = self._lengthened(straight, first, last)
            known = Leg(float(minutes[0]), float(metres[0]))
            if len(self._legs) < _REMEMBERED:
                self._legs[(start, end)] = known
        return known

    def table(self, positions: Sequence[Position]) -> Table:
        """Every pair's figures at once."""
        lats = np.array([p.lat for p in positions], dtype=np.float64)
        lons = np.array([p.lon for p in positions], dtype=np.float64)
        straight = metres_between_all(lats, lons)
        points = np.stack([lats, lons], axis=1)
        minutes, metres = np.empty_like(straight), np.empty_like(straight)
        for row in range(len(positions)):
            starts = np.broadcast_to(points[row], points.shape)
            minutes[row], metres[row] = self._lengthened(straight[row], starts, points)
        return Table(minutes, metres)

    def matrix(self, positions: Sequence[Position]) -> tuple[tuple[Leg, ...], ...]:
        """Every pair's leg."""
        return self.table(positions).legs()

    def path(self, start: Position, end: Position) -> tuple[Position, ...]:
        """The straight line: honest about knowing no road."""
        return (start, end)

    def _lengthened(
        self,
        straight_m: NDArray[np.float64],
        starts: NDArray[np.float64],
        ends: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Minutes and metres of straight lines between (latitude, longitude) rows."""
        shares = shares_in_areas(self.areas, starts, ends)
        detours = np.array([*(a.detour_factor for a in self.areas), self.detour_factor])
        speeds = np.array([*(a.speed_kmh for a in self.areas), self.speed_kmh])
        metres = straight_m * (shares @ detours)
        minutes = straight_m / 1000 * 60 * (shares @ (detours / speeds))
        return minutes, metres


class EstimateWithoutRoads:
    """Roads, and where they know no way an estimate, so that a timetable can be made all the same.

    Single legs and paths are estimated; ``matrix`` and ``table`` leave them infinite, because a
    planner has to know. The name tells that estimates are among the figures.
    """

    def __init__(self, roads: TravelSource, estimate: TravelSource) -> None:
        self._roads = roads
        self._estimate = estimate
        self._estimated = False

    @property
    def name(self) -> str:
        """That of the roads, with a mark where a leg of it was estimated."""
        return marked_as_estimated(self._roads.name) if self._estimated else self._roads.name

    @property
    def is_estimate(self) -> bool:
        """Whether a leg had to be estimated."""
        return self._estimated or self._roads.is_estimate

    def leg(self, start: Position, end: Position) -> Leg:
        """On roads, else estimated."""
        try:
            return self._roads.leg(start, end)
        except UnreachableError:
            self._estimated = True
            return self._estimate.leg(start, end)

    def table(self, positions: Sequence[Position]) -> Table:
        """On roads only."""
        return table_of(self._roads, positions)

    def matrix(self, positions: Sequence[Position]) -> tuple[tuple[Leg, ...], ...]:
        """On roads only."""
        return self._roads.matrix(positions)

    def path(self, start: Position, end: Position) -> tuple[Position, ...]:
        """Along roads, else the estimate's line."""
        try:
            return self._roads.path(start, end)
        except UnreachableError:
            return self._estimate.path(start, end)

    def foresee(self, positions: Sequence[Position]) -> None:
        """Told on."""
        foresee(self._roads, positions)

    def unreachable(self, positions: Sequence[Position]) -> tuple[Unreachable, ...]:
        """As the roads know it."""
        return unreachable_among(self._roads, positions)


# Stands behind the name of a source some of whose figures are estimates all the same.
ESTIMATED_MARK = " +geodesic"


def marked_as_estimated(name: str) -> str:
    """The name of a source, some of whose figures were estimated."""
    return name if name.endswith(ESTIMATED_MARK) else name + ESTIMATED_MARK


@lru_cache(maxsize=200_000)
def straight_line_m(start: Position, end: Position) -> float:
    """Metres on the WGS84 ellipsoid."""
    if start == end:
        return 0.0
    return float(geodesic((start.lat, start.lon), (end.lat, end.lon)).meters)
