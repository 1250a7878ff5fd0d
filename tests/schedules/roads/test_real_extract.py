"""A real extract, the centre of Helsinki: its own one-way streets, restrictions and gaps."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from schedules.roads.building import build_roads
from schedules.roads.driving import RoadTravel
from schedules.roads.network import DEGREES_STORED, Network
from schedules.roads.prepared import arc_seconds, usable_arcs
from schedules.roads.vehicle import Driving
from schedules.travel import Position
from tests.conftest import REPOSITORY

EXTRACT = REPOSITORY / "tests" / "data" / "helsinki_roads.osm.pbf"
PLACES = 60


@pytest.fixture(scope="module")
def network() -> Network:
    return build_roads(EXTRACT)


def test_it_is_read_with_every_restriction_understood(network: Network) -> None:
    assert network.name == "helsinki_roads"
    assert network.total_km == pytest.approx(28.6, abs=0.1)
    assert network.turn_count == 38
    assert network.unread_restrictions == 0
    one_way = ~network.open_arcs.reshape(-1, 2).all(axis=1)
    assert 0.3 < one_way.mean() < 0.7


def test_driving_agrees_with_plain_dijkstra_but_where_a_turn_is_forbidden(
    network: Network,
) -> None:
    """From junction to junction, over the same arcs without restrictions."""
    travel = RoadTravel(network)
    junctions = joined_junctions(network)
    positions = [position_of(network, junction) for junction in junctions]
    minutes = travel.table(positions).minutes
    free = without_restrictions(network)[np.ix_(junctions, junctions)] / 60
    reached = np.isfinite(minutes)
    # Ten milliseconds: every arc's time is kept in whole milliseconds.
    assert (minutes[reached] >= free[reached] - 0.0005 * 20).all()
    same = np.abs(minutes - free, where=reached, out=np.full_like(free, np.inf)) < 0.01
    assert reached.mean() > 0.95
    assert 0.6 < same.mean() < 1


def test_its_gaps_are_named(network: Network) -> None:
    travel = RoadTravel(network)
    square, nowhere = Position(60.1708, 24.9415), Position(60.30, 24.94)
    found = travel.unreachable([square, Position(60.1690, 24.9450), nowhere])
    assert [one.position for one in found] == [nowhere]


def position_of(network: Network, junction: int) -> Position:
    """Where a junction is."""
    road = int(np.flatnonzero(network.starts == junction)[0])
    point = int(network.shape_offsets[road])
    return Position(
        float(network.shape_lats[point] / DEGREES_STORED),
        float(network.shape_lons[point] / DEGREES_STORED),
    )


def joined_junctions(network: Network) -> list[int]:
    """Some junctions that all lead to each other."""
    lengths = without_restrictions(network)
    mutual = np.isfinite(lengths) & np.isfinite(lengths.T)
    hub = int(mutual.sum(axis=1).argmax())
    begun = [node for node in np.flatnonzero(mutual[hub]).tolist() if node in network.starts]
    return list(np.random.default_rng(3).choice(begun, PLACES, replace=False))


def without_restrictions(network: Network) -> np.ndarray:
    """Seconds between all junctions."""
    usable, seconds = usable_arcs(network, Driving()), arc_seconds(network, Driving())
    tails, heads = network.arc_tails()[usable], network.arc_heads()[usable]
    order = np.lexsort((-seconds[usable], heads, tails))
    size = network.node_count
    dense = np.full((size, size), np.inf)
    dense[tails[order], heads[order]] = seconds[usable][order]
    rows, columns = np.nonzero(np.isfinite(dense))
    graph = coo_array((dense[rows, columns] + 1e-9, (rows, columns)), shape=(size, size))
    return np.asarray(dijkstra(graph.tocsr()))
