"""Shortest ways over the hierarchy are those of plain Dijkstra on the whole graph."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from schedules.roads import hierarchy as kernel
from schedules.roads.hierarchy import UNREACHED, Hierarchy, Seeds

Edge = tuple[int, int, int]
NODES = 12


def every_node(count: int) -> Seeds:
    return Seeds(
        np.arange(count + 1), np.arange(count, dtype=np.int32), np.zeros(count, dtype=np.int64)
    )


def only(node: int, length: int = 0) -> Seeds:
    return Seeds(np.array([0, 1]), np.array([node], np.int32), np.array([length], np.int64))


def built(count: int, edges: list[Edge]) -> Hierarchy:
    table = np.array(edges, np.int64).reshape(-1, 3)
    tails, heads = table[:, 0].astype(np.int32), table[:, 1].astype(np.int32)
    return Hierarchy.of(count, tails, heads, table[:, 2].copy())


def shortest(count: int, edges: list[Edge]) -> np.ndarray:
    lengths = np.full((count, count), np.inf)
    for tail, head, length in edges:
        lengths[tail, head] = min(lengths[tail, head], length)
    pairs = np.argwhere(np.isfinite(lengths))
    graph = csr_array(
        (lengths[pairs[:, 0], pairs[:, 1]], (pairs[:, 0], pairs[:, 1])), shape=(count, count)
    )
    return np.asarray(dijkstra(graph))


EDGES = st.lists(
    st.tuples(st.integers(0, NODES - 1), st.integers(0, NODES - 1), st.integers(1, 50)),
    max_size=50,
)


@given(EDGES)
def test_lengths_are_those_of_dijkstra(edges: list[Edge]) -> None:
    found = built(NODES, edges).lengths(every_node(NODES), every_node(NODES))
    expected = shortest(NODES, edges)
    assert np.where(found >= UNREACHED, np.inf, found).tolist() == expected.tolist()


@given(EDGES, st.integers(0, NODES - 1), st.integers(0, NODES - 1))
def test_a_way_is_made_of_given_edges_as_long_as_said(
    edges: list[Edge], start: int, end: int
) -> None:
    hierarchy = built(NODES, edges)
    length = int(hierarchy.lengths(only(start), only(end))[0, 0])
    way = hierarchy.way(only(start), only(end))
    if length >= UNREACHED:
        assert way is None
        return
    assert way is not None
    first, along, last = way
    assert (first, last) == (start, end)
    here = start
    for edge in along:
        assert edges[edge][0] == here
        here = edges[edge][1]
    assert here == end
    assert sum(edges[edge][2] for edge in along) == length


@pytest.mark.parametrize("core_at", [60, 2])
def test_a_large_grid_is_answered_alike_with_and_without_a_core(
    core_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Streets of one length: the worst there is, for no street is more important than another.
    monkeypatch.setattr(kernel, "_CORE_AT", core_at)
    size = 24
    number = np.arange(size * size).reshape(size, size)
    pairs = [
        *zip(number[:, :-1].ravel(), number[:, 1:].ravel(), strict=True),
        *zip(number[:-1].ravel(), number[1:].ravel(), strict=True),
    ]
    edges = [(int(a), int(b), 60) for one, other in pairs for a, b in ((one, other), (other, one))]
    hierarchy = built(size * size, edges)
    assert bool(hierarchy.core.any()) == (core_at == 2)
    everywhere = every_node(size * size)
    assert (hierarchy.lengths(everywhere, everywhere) == shortest(size * size, edges)).all()


def test_points_may_hang_on_several_nodes_at_a_distance() -> None:
    hierarchy = built(4, [(0, 1, 10), (1, 2, 10), (2, 3, 10)])
    starts = Seeds(np.array([0, 2, 2]), np.array([0, 2], np.int32), np.array([1, 15], np.int64))
    found = hierarchy.lengths(starts, only(3, 7))
    # The first point over its second node; the second point hangs on none.
    assert found.tolist() == [[15 + 10 + 7], [UNREACHED]]


def test_a_graph_without_edges_leads_nowhere() -> None:
    found = built(3, []).lengths(every_node(3), every_node(3))
    assert (np.diag(found) == 0).all()
    assert (found[~np.eye(3, dtype=bool)] == UNREACHED).all()
