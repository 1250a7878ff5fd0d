"""No way over a turn graph drives a forbidden sequence, and none is longer than it must be."""

from __future__ import annotations

import heapq
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from schedules.roads.turns import TurnGraph, turn_graph

NODES = 6
Road = tuple[int, int, bool]
Driven = tuple[int, ...]

ROADS = st.lists(
    st.tuples(st.integers(0, NODES - 1), st.integers(0, NODES - 1), st.booleans()).filter(
        lambda road: road[0] != road[1]
    ),
    min_size=2,
    max_size=10,
)


@st.composite
def restricted_roads(draw: st.DrawFn, two_way: bool) -> tuple[list[Road], list[Driven]]:
    """Roads, all of them one way unless ``two_way``, and sequences of two or three arcs."""
    roads = [(a, b, both and two_way) for a, b, both in draw(ROADS)]
    arcs = arcs_of(roads)
    follow = {a: [b for b in arcs if arcs[a][1] == arcs[b][0] and a // 2 != b // 2] for a in arcs}
    pairs = [(a, b) for a in arcs for b in follow[a]]
    triples = [(a, b, c) for a, b in pairs for c in follow[b]]
    if not pairs:
        return roads, []
    sequences = st.sampled_from([*pairs, *triples])
    return roads, draw(st.lists(sequences, max_size=4, unique=True))


def arcs_of(roads: list[Road]) -> dict[int, tuple[int, int]]:
    """Open arcs: (from node, to node)."""
    arcs = {2 * n: (a, b) for n, (a, b, _) in enumerate(roads)}
    arcs.update({2 * n + 1: (b, a) for n, (a, b, both) in enumerate(roads) if both})
    return arcs


def graph_of(roads: list[Road], forbidden: list[Driven]) -> TurnGraph:
    tails = np.array([end for a, b, _ in roads for end in (a, b)], np.int32)
    heads = np.array([end for a, b, _ in roads for end in (b, a)], np.int32)
    usable = np.array([is_open for *_, both in roads for is_open in (True, both)])
    return turn_graph(NODES, tails, heads, usable, forbidden)


def fewest_arcs(graph: TurnGraph, start: int, end: int) -> float:
    """From one arc to another, both driven whole."""
    ones = np.ones(len(graph.tails))
    size = (graph.node_count, graph.node_count)
    matrix = coo_array((ones, (graph.tails, graph.heads)), shape=size).tocsr()
    matrix.data[:] = 1
    from_start = dijkstra(matrix, indices=[graph.entered[start]])[0]
    return float(from_start[graph.tails[graph.edges_along(end)]].min(initial=np.inf)) + 2


def fewest_by_hand(roads: list[Road], forbidden: list[Driven], start: int, end: int) -> float:
    """The same by driving on while remembering the last two arcs."""
    arcs = arcs_of(roads)
    queue: list[tuple[int, Driven]] = [(1, (start,))]
    seen = set()
    while queue:
        count, last = heapq.heappop(queue)
        if last in seen:
            continue
        seen.add(last)
        for arc, (tail, _head) in arcs.items():
            driven = (*last, arc)
            if tail != arcs[last[-1]][1] or any(
                driven[-len(ban) :] == ban for ban in forbidden if len(ban) <= len(driven)
            ):
                continue
            if arc == end:
                return count + 1
            heapq.heappush(queue, (count + 1, driven[-2:]))
    return math.inf


@given(restricted_roads(two_way=False))
def test_on_one_way_streets_the_shortest_allowed_way_is_found(
    drawn: tuple[list[Road], list[Driven]],
) -> None:
    roads, forbidden = drawn
    graph = graph_of(roads, forbidden)
    for start in arcs_of(roads):
        for end in arcs_of(roads):
            assert fewest_arcs(graph, start, end) == fewest_by_hand(roads, forbidden, start, end)


@given(restricted_roads(two_way=True))
def test_on_two_way_streets_signs_are_never_dodged(
    drawn: tuple[list[Road], list[Driven]],
) -> None:
    roads, forbidden = drawn
    graph = graph_of(roads, forbidden)
    for start in arcs_of(roads):
        for end in arcs_of(roads):
            allowed = fewest_by_hand(roads, forbidden, start, end)
            # Turning round behind a restricted crossing is not allowed: longer, never shorter.
            assert fewest_arcs(graph, start, end) >= allowed


@given(restricted_roads(two_way=True))
def test_without_signs_the_graph_is_that_of_the_junctions(
    drawn: tuple[list[Road], list[Driven]],
) -> None:
    roads, _ = drawn
    graph = graph_of(roads, [])
    assert graph.node_count == NODES
    assert sorted(graph.arcs.tolist()) == sorted(arcs_of(roads))
