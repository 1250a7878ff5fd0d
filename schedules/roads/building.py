"""Cuts ways at junctions and obstacles, and joins them into a network with its forbidden turns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..outlines import Box
from .earth import metres_between
from .geojson import read_geojson
from .network import DEGREES_STORED, Network
from .reading import read_osm
from .restrictions import Arcs, forbidden_sequences
from .source import Progress, RoadFileError, RoadSource, Stage, silent
from .tags import Limits, RoadClass, WayFacts
from .vehicle import Vehicle

_GEOJSON = (".geojson", ".json")
# The way of roads that stand for an obstacle.
OBSTACLE_WAY = -1


def build_roads(
    path: Path,
    box: Box | None = None,
    progress: Progress = silent,
    vehicle: Vehicle | None = None,
) -> Network:
    """The network of an OpenStreetMap extract or a GeoJSON file of lines.

    Parameters
    ----------
    box
        Of a large extract only what lies in it is kept.
    vehicle
        Whom it is built for: all roads are kept, but who opens it without naming a vehicle drives
        this one.

    Raises
    ------
    RoadFileError
        The file cannot be read, or holds no road.
    """
    if path.suffix.lower() in _GEOJSON:
        return build_network(read_geojson(path), progress, vehicle)
    return build_network(read_osm(path, box, progress), progress, vehicle)


def build_network(
    source: RoadSource, progress: Progress = silent, vehicle: Vehicle | None = None
) -> Network:
    """Join a file's ways into roads between junctions."""
    pieces = _Cutter(source).pieces()
    if not pieces:
        raise RoadFileError(source.name, "no roads")
    progress(Stage.NETWORK, len(pieces))
    return _Joiner(source, pieces).network(vehicle or Vehicle())


@dataclass(frozen=True)
class _Piece:
    """A part of a way from junction to junction; ``nodes`` are places in the source's arrays."""

    way: int
    nodes: NDArray[np.int64]


class _Cutter:
    """Cuts ways where they meet, end, cross an obstacle or leave the known positions."""

    def __init__(self, source: RoadSource) -> None:
        self._source = source
        self._runs = list(self._known_runs())
        self.cuts = np.zeros(len(source.node_ids), dtype=bool)
        uses = np.zeros(len(source.node_ids), dtype=np.int64)
        for run in self._runs:
            np.add.at(uses, run.nodes, 1)
            self.cuts[run.nodes[[0, -1]]] = True
        self.cuts |= uses > 1
        obstacles = np.fromiter(source.obstacles, np.int64, len(source.obstacles))
        self.cuts[np.searchsorted(source.node_ids, obstacles)] = True

    def pieces(self) -> list[_Piece]:
        """In the order of ways."""
        return [
            _Piece(run.way, run.nodes[first : last + 1])
            for run in self._runs
            for first, last in pairwise(np.flatnonzero(self.cuts[run.nodes]).tolist())
        ]

    def _known_runs(self) -> Iterable[_Piece]:
        source = self._source
        lengths = [len(way.nodes) for way in source.ways]
        refs = np.fromiter((n for way in source.ways for n in way.nodes), np.int64, sum(lengths))
        places = np.searchsorted(source.node_ids, refs)
        known = ~np.isnan(source.lats[places])
        # A node named twice in a row is named once too often.
        repeated = np.zeros(len(places), dtype=bool)
        repeated[1:] = places[1:] == places[:-1]
        end = 0
        for index, length in enumerate(lengths):
            start, end = end, end + length
            repeated[start] = False
            kept = ~repeated[start:end]
            way, here = places[start:end][kept], known[start:end][kept]
            for run in np.split(np.arange(len(way)), np.flatnonzero(np.diff(here)) + 1):
                if len(run) > 1 and here[run[0]]:
                    yield _Piece(index, way[run])


class _Joiner:
    """Numbers junctions, measures pieces, and finds the arcs that restrictions speak of."""

    def __init__(self, source: RoadSource, pieces: Sequence[_Piece]) -> None:
        self._source = source
        self._pieces = pieces
        self._facts: list[WayFacts] = [source.ways[piece.way].facts for piece in pieces]
        self._way_ids = [source.ways[piece.way].way_id for piece in pieces]
        self._shapes = [piece.nodes for piece in pieces]
        first = np.array([piece.nodes[0] for piece in pieces])
        last = np.array([piece.nodes[-1] for piece in pieces])
        self._junctions, numbers = np.unique(np.concatenate([first, last]), return_inverse=True)
        self._node_count = len(self._junctions)
        self._starts = numbers[: len(pieces)].astype(np.int32)
        self._ends = numbers[len(pieces) :].astype(np.int32)
        self._set_obstacles()

    def network(self, vehicle: Vehicle) -> Network:
        """The network of all pieces."""
        source, facts = self._source, self._facts
        shape = np.concatenate(self._shapes)
        offsets = np.concatenate([[0], np.cumsum([len(nodes) for nodes in self._shapes])])
        lats, lons = source.lats[shape], source.lons[shape]
        lengths = self._lengths(lats, lons, offsets)
        sequences, excepted, only_for, unread = self._forbidden()
        return Network(
            name=source.name,
            dated=source.dated,
            node_count=self._node_count,
            starts=self._starts,
            ends=self._ends,
            shape_offsets=offsets,
            shape_lats=np.round(lats * DEGREES_STORED).astype(np.int32),
            shape_lons=np.round(lons * DEGREES_STORED).astype(np.int32),
            lengths_m=lengths,
            classes=np.array([f.road_class for f in facts], np.uint8),
            way_ids=np.array(self._way_ids, np.int64),
            open_arcs=np.array([(f.forward, f.backward) for f in facts], bool).ravel(),
            arc_speeds_kmh=np.array(
                [(f.forward_speed_kmh, f.backward_speed_kmh) for f in facts], np.float32
            ).ravel(),
            heights_m=np.array([f.limits.height_m for f in facts], np.float32),
            weights_t=np.array([f.limits.weight_t for f in facts], np.float32),
            widths_m=np.array([f.limits.width_m for f in facts], np.float32),
            ferry_s=self._ferry_s(lengths),
            ferry_interval_s=np.array([f.interval_s for f in facts], np.float32),
            turn_offsets=np.concatenate([[0], np.cumsum([len(s) for s in sequences])]).astype(
                np.int64
            ),
            turn_arcs=np.array([arc for s in sequences for arc in s], np.int64),
            turn_excepted=np.array(excepted, np.str_),
            turn_only_for=np.array(only_for, np.str_),
            unread_restrictions=unread,
            is_osm=source.is_osm,
            vehicle=astuple(vehicle),
        )

    def _set_obstacles(self) -> None:
        """Each road ends at a side of its own of an obstacle; what may pass goes from side to side.

        A closed obstacle joins nothing; one with limits joins its sides by roads of no length that
        have these limits.
        """
        source = self._source
        obstacles = {
            int(np.searchsorted(source.node_ids, node)): limits
            for node, limits in source.obstacles.items()
        }
        middle = {int(node): number for number, node in enumerate(self._junctions)}
        joins: list[tuple[int, int, int, Limits]] = []
        for numbers, place in ((self._starts, 0), (self._ends, -1)):
            for road in range(len(numbers)):
                node = int(self._shapes[road][place])
                if node not in obstacles:
                    continue
                limits = obstacles[node]
                if limits is not None:
                    joins.append((self._node_count, middle[node], node, limits))
                numbers[road] = self._node_count
                self._node_count += 1
        self._starts = np.append(self._starts, [side for side, *_ in joins]).astype(np.int32)
        self._ends = np.append(self._ends, [centre for _, centre, *_ in joins]).astype(np.int32)
        for _, _, node, limits in joins:
            self._facts.append(WayFacts(RoadClass.SERVICE, limits=limits))
            self._way_ids.append(OBSTACLE_WAY)
            self._shapes.append(np.array([node, node]))

    def _lengths(
        self, lats: NDArray[np.float64], lons: NDArray[np.float64], offsets: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        steps = np.append(metres_between(lats[:-1], lons[:-1], lats[1:], lons[1:]), 0.0)
        # From the last point of one road to the first of the next nobody drives.
        steps[offsets[1:] - 1] = 0.0
        return np.asarray(np.add.reduceat(steps, offsets[:-1]))

    def _ferry_s(self, lengths: NDArray[np.float64]) -> NDArray[np.float32]:
        """A ferry's time is shared among the parts of its way by their length."""
        whole: dict[int, float] = {}
        for way_id, length in zip(self._way_ids, lengths.tolist(), strict=True):
            whole[way_id] = whole.get(way_id, 0.0) + length
        shares = [
            facts.ferry_s * (length / whole[way_id] if whole[way_id] else 1.0)
            for facts, way_id, length in zip(
                self._facts, self._way_ids, lengths.tolist(), strict=True
            )
        ]
        return np.array(shares, np.float32)

    def _forbidden(self) -> tuple[list[tuple[int, ...]], list[str], list[str], int]:
        source = self._source
        arcs = Arcs(
            self._starts,
            self._ends,
            np.array([(f.forward, f.backward) for f in self._facts], bool).ravel(),
            self._way_ids,
        )
        numbers = {int(source.node_ids[node]): n for n, node in enumerate(self._junctions)}
        sequences: list[tuple[int, ...]] = []
        excepted: list[str] = []
        only_for: list[str] = []
        unread = 0
        for restriction in source.restrictions:
            via = restriction.via_node
            if via is not None and via not in numbers:
                # Outside the box, or at ways that no van uses.
                continue
            found = forbidden_sequences(restriction, None if via is None else numbers[via], arcs)
            if found is None:
                unread += 1
                continue
            sequences += found
            excepted += [";".join(sorted(restriction.excepted))] * len(found)
            only_for += [";".join(sorted(restriction.only_for))] * len(found)
        return sequences, excepted, only_for, unread
