"""Minutes, metres and ways on a built road network: the travel source that knows the roads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..travel import Leg, Position, Table, Unreachable, UnreachableError, Why
from .earth import metres_between
from .hierarchy import UNREACHED, Seeds
from .network import Network
from .prepared import (
    Prepared,
    load_prepared,
    packed,
    prepare,
    prepared_file,
    save_prepared,
    unpacked,
)
from .snapping import Snapped, Snapper
from .source import Progress, RoadFileError, silent
from .tags import RoadClass
from .vehicle import Driving, Vehicle

# A road that leads nowhere, such as a car park mapped without its entrance, gives way to a road of
# the main network this much farther off; one that leads one way only, to one that is farther.
_FRAGMENT_M = 1000.0
_BESIDE_FRAGMENT_M = 100.0
_BESIDE_ONE_WAY_M = 300.0
# A place so near to a crossing stands at all its roads.
_AT_CROSSING_M = 1.0
# Snapped places and single legs that are remembered.
_REMEMBERED = 50_000
_FARTHEST_LOOKED_M = 200_000.0
# Of the file's name, so that the source's name fits where it is stored.
_NAME_SHOWN = 30

# The points where a place stands beside a road: one but at crossings, none where no road is near.
Beside = tuple[Snapped, ...]
# A road from one share of it to another.
Part = tuple[int, float, float]


@dataclass(frozen=True)
class _Access:
    """A way between a place and the network: along an arc to a state, or from one."""

    state: int
    length: int
    arc: int
    snap: Snapped


class RoadTravel:
    """Driving on the roads of a built network, as one vehicle may."""

    def __init__(
        self,
        network: Network,
        driving: Driving | None = None,
        prepared: Prepared | None = None,
        progress: Progress = silent,
    ) -> None:
        self.network = network
        self.driving = driving or Driving()
        self._prepared = prepared or prepare(network, self.driving, progress)
        self._costs = packed(self._prepared.seconds, np.repeat(network.lengths_m, 2))
        self._snapper = Snapper(network, self._roads_to_stop_on())
        self._snap = lru_cache(_REMEMBERED)(self._snapped)
        self._leg = lru_cache(_REMEMBERED)(self._searched_leg)

    @classmethod
    def open(
        cls, path: Path, driving: Driving | None = None, progress: Progress = silent
    ) -> RoadTravel:
        """The network kept at ``path``; what was prepared for this driving is kept beside it.

        Without a way of driving, the vehicle is the one the network was built for. Raises
        RoadFileError where the file is no built network.
        """
        network = Network.load(path)
        driving = driving or Driving(Vehicle(*network.vehicle))
        ready = prepared_file(path, driving)
        with suppress(RoadFileError):
            return cls(network, driving, load_prepared(network, ready))
        prepared = prepare(network, driving, progress)
        # Where the folder may not be written, the next process prepares it again.
        with suppress(OSError):
            save_prepared(prepared, network, ready)
        return cls(network, driving, prepared)

    @property
    def name(self) -> str:
        """Stored with the figures: that roads were used, of which file and day."""
        kind = "roads" if self.network.is_osm else "lines"
        parts = (kind, self.network.name[:_NAME_SHOWN], self.network.dated)
        return " ".join(part for part in parts if part)

    @property
    def is_estimate(self) -> bool:
        """Never: every figure was driven on the network."""
        return False

    def leg(self, start: Position, end: Position) -> Leg:
        """The quickest way; raises UnreachableError, which names the position no road leads to."""
        leg = self._leg(start, end)
        if not math.isfinite(leg.drive_minutes):
            raise UnreachableError(self._missing(start, end))
        return leg

    def table(self, positions: Sequence[Position]) -> Table:
        """Minutes and metres between all; infinite where ``unreachable`` tells why."""
        places = [self._snap(position) for position in positions]
        lengths = self._prepared.hierarchy.lengths(
            _seeds([self._leaving(place) for place in places]),
            _seeds([self._entering(place) for place in places]),
        )
        self._add_same_road(places, lengths)
        seconds, metres = unpacked(lengths)
        none = lengths >= UNREACHED
        minutes = np.where(none, np.inf, seconds / 60)
        metres = np.where(none, np.inf, metres)
        for one, other in _pairs_of_equals(positions):
            minutes[one, other] = metres[one, other] = 0.0
        return Table(minutes, metres)

    def matrix(self, positions: Sequence[Position]) -> tuple[tuple[Leg, ...], ...]:
        """Every pair's leg; infinite where ``unreachable`` tells why."""
        return self.table(positions).legs()

    def path(self, start: Position, end: Position) -> tuple[Position, ...]:
        """The line along the quickest way, from the place itself to the place itself.

        Raises UnreachableError, which names the position no road leads to.
        """
        if start == end:
            return (start, end)
        parts = self._driven(self._snap(start), self._snap(end))
        if parts is None:
            raise UnreachableError(self._missing(start, end))
        line = [start]
        for road, begin, finish in parts:
            line += self._part(road, begin, finish)
        line.append(end)
        return tuple(point for n, point in enumerate(line) if n == 0 or point != line[n - 1])

    def unreachable(self, positions: Sequence[Position]) -> tuple[Unreachable, ...]:
        """The positions that no road joins with most of the others, and why."""
        table = self.table(positions)
        both_ways = np.isfinite(table.minutes) & np.isfinite(table.minutes.T)
        places = [self._snap(position) for position in positions]
        # The position that most others are joined with; the main network before an island.
        ranks = [
            (int(row.sum()), self._on_main(p)) for row, p in zip(both_ways, places, strict=True)
        ]
        hub = max(range(len(positions)), key=ranks.__getitem__, default=0)
        return tuple(
            self._why(position)
            for n, (position, place) in enumerate(zip(positions, places, strict=True))
            if not place or not (n == hub or both_ways[hub, n])
        )

    def _roads_to_stop_on(self) -> NDArray[np.bool_]:
        """Roads beside which a place can be: no ferry, no motorway, none that is closed."""
        network = self.network
        open_roads = self._prepared.usable.reshape(-1, 2).any(axis=1)
        passed_only = np.isin(network.classes, (RoadClass.FERRY, RoadClass.MOTORWAY))
        return np.asarray(open_roads & ~passed_only & (network.lengths_m > 0))

    def _snapped(self, position: Position) -> Beside:
        found = self._snapper.near(position, self.driving.snap_limit_m, _BESIDE_ONE_WAY_M)
        if not found:
            return ()
        farthest = found[0].distance_m + self._gives_way_m(found[0].road)
        usual = (s for s in found if s.distance_m <= farthest and self._is_main(s.road))
        chosen = next(usual, found[0])
        crossings = self._crossings_at(chosen)
        return tuple(
            snap
            for snap in found
            if snap is chosen
            or (
                crossings & self._crossings_at(snap)
                and snap.distance_m <= chosen.distance_m + _AT_CROSSING_M
                and self._is_main(snap.road) == self._is_main(chosen.road)
            )
        )

    def _crossings_at(self, snap: Snapped) -> set[int]:
        """The ends of its road that a point is at."""
        network, road = self.network, snap.road
        along = float(network.lengths_m[road]) * snap.share
        ends = (
            (int(network.starts[road]), along),
            (int(network.ends[road]), float(network.lengths_m[road]) - along),
        )
        return {node for node, distance in ends if distance <= _AT_CROSSING_M}

    def _on_main(self, place: Beside) -> bool:
        return any(self._is_main(snap.road) for snap in place)

    def _is_main(self, road: int) -> bool:
        return int(self._prepared.components[road]) == self._prepared.main

    def _gives_way_m(self, road: int) -> float:
        """How much farther off a road of the main network may be that is taken instead."""
        component = int(self._prepared.components[road])
        if component < 0:
            return _BESIDE_ONE_WAY_M
        short = self._prepared.component_m[component] < _FRAGMENT_M
        return _BESIDE_FRAGMENT_M if short and not self._is_main(road) else 0.0

    def _missing(self, start: Position, end: Position) -> tuple[Unreachable, ...]:
        """Which of the two no road leads to; the end where both lie on roads of their own."""
        without = [p for p in (start, end) if not self._snap(p)]
        apart = [p for p in (start, end) if not self._on_main(self._snap(p))]
        return tuple(self._why(position) for position in without or apart or [end])

    def _why(self, position: Position) -> Unreachable:
        place = self._snap(position)
        if place:
            return Unreachable(position, Why.CUT_OFF, place[0].distance_m)
        nearest = self._snapper.nearest(position, _FARTHEST_LOOKED_M)
        return Unreachable(
            position, Why.NO_ROAD, nearest.distance_m if nearest is not None else math.inf
        )

    def _searched_leg(self, start: Position, end: Position) -> Leg:
        if start == end:
            return Leg(0.0, 0.0)
        first, last = self._snap(start), self._snap(end)
        lengths = self._prepared.hierarchy.lengths(
            _seeds([self._leaving(first)]), _seeds([self._entering(last)])
        )
        direct, _parts = self._along_one_road(first, last)
        least = min(int(lengths[0, 0]), direct)
        if least >= UNREACHED:
            return Leg(math.inf, math.inf)
        seconds, metres = unpacked(least)
        return Leg(seconds / 60, metres)

    def _leaving(self, place: Beside) -> list[_Access]:
        """The states that leaving a place leads to."""
        entered = self._prepared.turns.entered
        return [
            _Access(int(entered[arc]), self._partly(snap, arc, 1 - share), arc, snap)
            for snap in place
            for arc, share in self._arcs(snap)
        ]

    def _entering(self, place: Beside) -> list[_Access]:
        """The states from which a place is entered."""
        turns = self._prepared.turns
        return [
            _Access(state, self._partly(snap, arc, share), arc, snap)
            for snap in place
            for arc, share in self._arcs(snap)
            for state in turns.tails[turns.edges_along(arc)].tolist()
        ]

    def _arcs(self, snap: Snapped) -> list[tuple[int, float]]:
        """The arcs that pass the point, and how much of each lies before it."""
        both = ((2 * snap.road, snap.share), (2 * snap.road + 1, 1 - snap.share))
        return [(arc, share) for arc, share in both if self._prepared.usable[arc]]

    def _partly(self, snap: Snapped, arc: int, share: float) -> int:
        """The length of a share of an arc, and from the road to the place."""
        seconds = self._prepared.seconds[arc] * share + self._off_road_s(snap)
        metres = self.network.lengths_m[arc // 2] * share + snap.distance_m
        return int(packed(seconds, metres))

    def _off_road_s(self, snap: Snapped) -> float:
        return snap.distance_m / self.driving.off_road_kmh * 3.6

    def _along_one_road(self, first: Beside, last: Beside) -> tuple[int, tuple[Part, ...]]:
        """The length between two places of one road without leaving it, and the part driven."""
        both = [(self._same_road(a, b), a, b) for a in first for b in last if a.road == b.road]
        if not both:
            return int(UNREACHED), ()
        length, start, end = min(both, key=lambda found: found[0])
        return length, ((start.road, start.share, end.share),)

    def _same_road(self, first: Snapped, last: Snapped) -> int:
        share = last.share - first.share
        arc = 2 * first.road + (0 if share >= 0 else 1)
        if not self._prepared.usable[arc] and not (share == 0 and self._prepared.usable[arc ^ 1]):
            return int(UNREACHED)
        seconds = self._prepared.seconds[arc] * abs(share)
        metres = self.network.lengths_m[first.road] * abs(share)
        off_road = self._off_road_s(first) + self._off_road_s(last)
        return int(packed(seconds + off_road, metres + first.distance_m + last.distance_m))

    def _add_same_road(self, places: Sequence[Beside], lengths: NDArray[np.int64]) -> None:
        on_road: dict[int, set[int]] = {}
        for index, place in enumerate(places):
            for snap in place:
                on_road.setdefault(snap.road, set()).add(index)
        pairs = {(one, other) for group in on_road.values() for one in group for other in group}
        for one, other in pairs:
            direct, _parts = self._along_one_road(places[one], places[other])
            lengths[one, other] = min(int(lengths[one, other]), direct)

    def _driven(self, first: Beside, last: Beside) -> tuple[Part, ...] | None:
        """The parts of roads along the quickest way, if there is one."""
        leaving, entering = self._leaving(first), self._entering(last)
        starts, ends = _seeds([leaving]), _seeds([entering])
        direct, parts = self._along_one_road(first, last)
        if direct <= int(self._prepared.hierarchy.lengths(starts, ends)[0, 0]):
            return parts if direct < UNREACHED else None
        found = self._prepared.hierarchy.way(starts, ends)
        if found is None:
            return None
        from_state, edges, to_state = found
        out = min((a for a in leaving if a.state == from_state), key=lambda a: a.length)
        into = min((a for a in entering if a.state == to_state), key=lambda a: a.length)
        arcs = self._prepared.turns.arcs[edges].tolist()
        return (
            (out.snap.road, out.snap.share, float(out.arc % 2 == 0)),
            *((arc // 2, float(arc % 2), float(arc % 2 == 0)) for arc in arcs),
            (into.snap.road, float(into.arc % 2), into.snap.share),
        )

    def _part(self, road: int, begin: float, finish: float) -> list[Position]:
        """Points of a road's line from one share of it to another."""
        lats, lons = self.network.shape(road)
        if begin > finish:
            return self._part(road, finish, begin)[::-1]
        shares = self._shares(road)
        inner = (shares > begin) & (shares < finish)
        at = np.concatenate([[begin], shares[inner], [finish]])
        return [
            Position(float(lat), float(lon))
            for lat, lon in zip(
                np.interp(at, shares, lats), np.interp(at, shares, lons), strict=True
            )
        ]

    def _shares(self, road: int) -> NDArray[np.float64]:
        lats, lons = self.network.shape(road)
        steps = metres_between(lats[:-1], lons[:-1], lats[1:], lons[1:])
        reached = np.concatenate([[0.0], np.cumsum(steps)])
        return np.asarray(reached / max(reached[-1], 1e-9))


def _seeds(rows: Sequence[Sequence[_Access]]) -> Seeds:
    offsets = np.zeros(len(rows) + 1, np.int64)
    offsets[1:] = np.cumsum([len(row) for row in rows])
    states = np.array([access.state for row in rows for access in row], np.int32)
    lengths = np.array([access.length for row in rows for access in row], np.int64)
    return Seeds(offsets, states, lengths)


def _pairs_of_equals(positions: Sequence[Position]) -> list[tuple[int, int]]:
    """Indices of positions that are the same, each with itself included."""
    places: dict[Position, list[int]] = {}
    for index, position in enumerate(positions):
        places.setdefault(position, []).append(index)
    return [(one, other) for group in places.values() for one in group for other in group]
