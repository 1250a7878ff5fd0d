"""Builds road networks of 100,000 nodes and asks for the driving between 500 places.

    .venv/bin/python -m tests.benchmarks.roads [EXTRACT.osm.pbf …]

Without extracts two invented ones are written first: a country with winding roads between its
junctions, and a city of junctions only, the worst there is. The reference, measured in the same
run, is scipy's Dijkstra on the network as it was read, from node to node, without turn
restrictions.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import osmium
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from schedules.roads.building import build_roads
from schedules.roads.driving import RoadTravel
from schedules.roads.network import DEGREES_STORED, Network
from schedules.roads.prepared import arc_seconds, usable_arcs
from schedules.roads.vehicle import Driving
from schedules.travel import Position

T = TypeVar("T")

PLACES = 500
LEGS = 1000
PATHS = 100
CORNER = (10.0, 105.5)
SPACING_DEGREES = 0.003


@dataclass(frozen=True)
class Invented:
    """A grid of junctions with bends on the roads between them."""

    name: str
    side: int
    bends: int


INVENTED = (Invented("country", 175, 2), Invented("city", 316, 0))


def main() -> None:
    """Print one block a network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("extracts", nargs="*", type=Path)
    extracts = parser.parse_args().extracts
    with tempfile.TemporaryDirectory() as folder:
        warm_up(Path(folder))
        for path in extracts or [written(invented, Path(folder)) for invented in INVENTED]:
            measure(path, Path(folder))


def measure(path: Path, folder: Path) -> None:
    """Time each step on one extract."""
    network, seconds = timed(lambda: build_roads(path))
    nodes = int(len(network.shape_lats) - 2 * network.road_count + network.node_count)
    print(f"{path.name}: {nodes} nodes, {network.road_count} roads, {network.total_km:.0f} km")
    print(f"  read and cut at junctions        {seconds:8.2f} s")
    kept = folder / "roads.npz"
    network.save(kept)
    _, seconds = timed(lambda: RoadTravel.open(kept))
    print(f"  made ready, once a van           {seconds:8.2f} s")
    travel, seconds = timed(lambda: RoadTravel.open(kept))
    print(f"  opened again                     {seconds:8.2f} s")
    places = somewhere(network, np.random.default_rng(1))
    table, table_seconds = timed(lambda: travel.table(places))
    print(f"  {PLACES} x {PLACES} places, first time     {table_seconds:8.2f} s")
    _, table_seconds = timed(lambda: travel.table(places))
    print(f"  {PLACES} x {PLACES} places, again          {table_seconds:8.2f} s")
    pairs = list(zip(places * 2, places[7:] + places + places[:7], strict=True))
    reached = [pair for pair in pairs if np.isfinite(leg_minutes(table.minutes, places, pair))]
    fresh = RoadTravel.open(kept)
    _, seconds = timed(lambda: [fresh.leg(*pair) for pair in reached[:LEGS]])
    print(f"  a single leg                     {seconds / len(reached[:LEGS]) * 1000:8.2f} ms")
    _, seconds = timed(lambda: [fresh.path(*pair) for pair in reached[:PATHS]])
    print(f"  a path to draw                   {seconds / len(reached[:PATHS]) * 1000:8.2f} ms")
    _, seconds = timed(lambda: plain_dijkstra(network, PLACES))
    print(f"  reference: {PLACES} times Dijkstra    {seconds:8.2f} s")
    print(f"  ratio to the reference           {table_seconds / seconds:8.3f}")


def leg_minutes(
    minutes: np.ndarray, places: list[Position], pair: tuple[Position, Position]
) -> float:
    """The table's figure of a pair."""
    return float(minutes[places.index(pair[0]), places.index(pair[1])])


def somewhere(network: Network, random: np.random.Generator) -> list[Position]:
    """Places beside roads, up to a hundred metres off."""
    chosen = random.choice(len(network.shape_lats), PLACES, replace=False)
    shift = random.uniform(-0.0009, 0.0009, (PLACES, 2))
    lats = network.shape_lats[chosen] / DEGREES_STORED + shift[:, 0]
    lons = network.shape_lons[chosen] / DEGREES_STORED + shift[:, 1]
    return [Position(lat, lon) for lat, lon in zip(lats.tolist(), lons.tolist(), strict=True)]


def plain_dijkstra(network: Network, count: int) -> None:
    """From ``count`` nodes to all, over every node of the file."""
    inner = np.diff(network.shape_offsets) - 2
    road = np.repeat(np.arange(network.road_count), inner + 1)
    step = np.arange(len(road)) - np.repeat(np.cumsum(inner + 1) - inner - 1, inner + 1)
    bend = network.node_count + np.cumsum(inner)[road] - inner[road] + step
    tails = np.where(step == 0, network.starts[road], bend - 1)
    heads = np.where(step == inner[road], network.ends[road], bend)
    driving = Driving()
    usable, seconds = usable_arcs(network, driving), arc_seconds(network, driving)
    size = network.node_count + int(inner.sum())
    parts = []
    for against in (0, 1):
        arc = 2 * road + against
        kept = usable[arc]
        ends = (tails, heads) if against == 0 else (heads, tails)
        parts.append((ends[0][kept], ends[1][kept], (seconds[arc] / (inner[road] + 1))[kept]))
    rows, columns, lengths = (np.concatenate(part) for part in zip(*parts, strict=True))
    graph = coo_array((lengths + 1e-6, (rows, columns)), shape=(size, size)).tocsr()
    starts = np.random.default_rng(2).choice(network.node_count, count)
    for first in range(0, count, 50):
        dijkstra(graph, indices=starts[first : first + 50])


def warm_up(folder: Path) -> None:
    """Compile, so that no figure below holds the compiler."""
    network = build_roads(written(Invented("small", 8, 1), folder))
    travel = RoadTravel(network)
    ends = [Position(*(part[0] / DEGREES_STORED for part in both)) for both in corners(network)]
    travel.table(ends)
    travel.path(*ends)


def corners(network: Network) -> list[tuple[np.ndarray, np.ndarray]]:
    """The first and the last point of all shapes."""
    lats, lons = network.shape_lats, network.shape_lons
    return [(lats[:1], lons[:1]), (lats[-1:], lons[-1:])]


def written(invented: Invented, folder: Path) -> Path:
    """An extract of a crooked grid: avenues each ten streets, a tenth of the streets missing."""
    path = folder / f"{invented.name}.osm.pbf"
    random = np.random.default_rng(5)
    side = invented.side
    crooked = random.uniform(-0.3, 0.3, (side, side, 2))
    spots = (np.stack(np.mgrid[0:side, 0:side], axis=2) + crooked) * SPACING_DEGREES + CORNER
    ways: list[tuple[list[int], bool]] = []
    nodes = [(lat, lon) for lat, lon in spots.reshape(-1, 2)]
    for row in range(side):
        for column in range(side):
            here = row * side + column
            for there, avenue in ((here + 1, row % 10 == 0), (here + side, column % 10 == 0)):
                outside = there >= side * side or (there == here + 1 and column == side - 1)
                if outside or (not avenue and random.random() < 0.1):
                    continue
                shares = np.linspace(0, 1, invented.bends + 2)[1:-1]
                start, end = np.array(nodes[here]), np.array(nodes[there])
                bends = [start + s * (end - start) + random.normal(0, 1e-4, 2) for s in shares]
                first = len(nodes)
                nodes += [(lat, lon) for lat, lon in bends]
                ways.append(([here, *range(first, len(nodes)), there], avenue))
    with osmium.SimpleWriter(str(path), overwrite=True) as writer:
        for number, (lat, lon) in enumerate(nodes, 1):
            writer.add_node(osmium.osm.mutable.Node(id=number, location=(lon, lat), version=1))
        for number, (line, avenue) in enumerate(ways, 1):
            tags = {"highway": "primary" if avenue else "residential"}
            refs = [node + 1 for node in line]
            writer.add_way(osmium.osm.mutable.Way(id=number, nodes=refs, tags=tags, version=1))
    return path


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What the work answers, and its seconds."""
    began = time.perf_counter()
    answer = work()
    return answer, time.perf_counter() - began


if __name__ == "__main__":
    main()
