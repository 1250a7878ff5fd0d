"""Shortest ways on a large directed graph in a fraction of a millisecond, after some seconds once.

A contraction hierarchy: nodes are taken out one by one, the least important first, and where the
shortest way between two neighbours led over the node an edge of that length takes its place. A
query then only climbs, from both ends. Where taking out a node would need too many new edges the
rest stays as a core that the climb from the start crosses by plain Dijkstra.

R. Geisberger, P. Sanders, D. Schultes, D. Delling: Contraction Hierarchies: Faster and Simpler
Hierarchical Routing in Road Networks (2008); the many-to-many search with buckets is S. Knopp et
al.: Computing Many-to-Many Shortest Paths Using Highway Hierarchies (2007).

Lengths are whole numbers, so that sums are exact and every answer is the same on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Nodes = NDArray[np.int32]

UNREACHED = np.int64(2**62)
# A node whose removal costs this many new edges starts the core.
_CORE_AT = 60
# How far a search looks for a way round a node before it puts an edge instead.
_SETTLED_WHEN_ORDERING = 24
_SETTLED_WHEN_CONTRACTING = 80


@dataclass(frozen=True)
class Seeds:
    """Where searches begin or end: for point p the entries ``offsets[p]:offsets[p + 1]``.

    Each entry is a node and the length from the point to it (or from it to the point).
    """

    offsets: Ints
    nodes: Nodes
    lengths: Ints

    def __len__(self) -> int:
        return len(self.offsets) - 1


@dataclass(frozen=True)
class Hierarchy:
    """The climbing edges of each node, and what every added edge stands for.

    Attributes
    ----------
    up_offsets, up_nodes, up_lengths, up_edges
        Edges from a node to more important ones (within the core: to all).
    down_offsets, down_nodes, down_lengths, down_edges
        Edges that come to a node from more important ones.
    first_half, second_half
        The two edges that an added edge stands for; -1 and the given edge's index for a given one.
    core
        Nodes that were not taken out.
    """

    up_offsets: Ints
    up_nodes: Nodes
    up_lengths: Ints
    up_edges: Nodes
    down_offsets: Ints
    down_nodes: Nodes
    down_lengths: Ints
    down_edges: Nodes
    first_half: Nodes
    second_half: Nodes
    core: NDArray[np.bool_]

    @classmethod
    def of(cls, node_count: int, tails: Nodes, heads: Nodes, lengths: Ints) -> Hierarchy:
        """Take out the nodes of a graph whose edges lead from ``tails`` to ``heads``.

        Of several edges between the same nodes the shortest counts; lengths are not negative.
        """
        kept = _shortest_of_parallels(tails, heads, lengths)
        arrays = _contract(
            node_count,
            tails[kept].astype(np.int32),
            heads[kept].astype(np.int32),
            lengths[kept].astype(np.int64),
            kept.astype(np.int32),
            _SETTLED_WHEN_ORDERING,
            _SETTLED_WHEN_CONTRACTING,
            _CORE_AT,
        )
        return cls(*arrays)

    def lengths(self, starts: Seeds, ends: Seeds) -> Ints:
        """Shortest lengths from each start (rows) to each end; ``UNREACHED`` where there is none.

        Parameters
        ----------
        starts, ends
            Nodes near each point and the lengths from the point to them, and from them to it.
        """
        buckets = _fill_buckets(
            len(self.core),
            self.down_offsets,
            self.down_nodes,
            self.down_lengths,
            self.core,
            ends.offsets,
            ends.nodes,
            ends.lengths,
        )
        return np.asarray(
            _climb_to_buckets(
                self.up_offsets,
                self.up_nodes,
                self.up_lengths,
                starts.offsets,
                starts.nodes,
                starts.lengths,
                len(ends),
                *buckets,
            )
        )

    def way(self, starts: Seeds, ends: Seeds) -> tuple[int, list[int], int] | None:
        """The shortest way from the one start to the one end.

        Returns
        -------
        The node it starts from, the given edges along it, the node it ends at; None without a way.
        """
        meeting, climbed, descended = _meet(
            self.up_offsets,
            self.up_nodes,
            self.up_lengths,
            self.up_edges,
            self.down_offsets,
            self.down_nodes,
            self.down_lengths,
            self.down_edges,
            self.core,
            starts.nodes,
            starts.lengths,
            ends.nodes,
            ends.lengths,
        )
        if len(meeting) == 0:
            return None
        edges: list[int] = []
        for edge in [*climbed[::-1], *descended]:
            self._unpack(int(edge), edges)
        return int(meeting[0]), edges, int(meeting[1])

    def _unpack(self, edge: int, into: list[int]) -> None:
        waiting = [edge]
        while waiting:
            edge = waiting.pop()
            first, second = int(self.first_half[edge]), int(self.second_half[edge])
            if first < 0:
                into.append(second)
            else:
                waiting += [second, first]


def _shortest_of_parallels(tails: Nodes, heads: Nodes, lengths: Ints) -> Ints:
    """Indices of the edges that count: no loops, one an ordered pair of nodes."""
    order = np.lexsort((lengths, heads, tails))
    order = order[tails[order] != heads[order]]
    first = np.ones(len(order), dtype=bool)
    first[1:] = (tails[order][1:] != tails[order][:-1]) | (heads[order][1:] != heads[order][:-1])
    return np.asarray(order[first])


@njit(cache=True)
def _push(keys: Ints, items: Nodes, size: int, key: int, item: int) -> int:
    """Onto a binary heap; the caller sees to the room."""
    at = size
    while at > 0:
        above = (at - 1) >> 1
        if keys[above] <= key:
            break
        keys[at] = keys[above]
        items[at] = items[above]
        at = above
    keys[at] = key
    items[at] = item
    return size + 1


@njit(cache=True)
def _drop_top(keys: Ints, items: Nodes, size: int) -> int:
    """Take the smallest, which stands at 0, from a binary heap."""
    size -= 1
    key = keys[size]
    item = items[size]
    at = 0
    while True:
        below = 2 * at + 1
        if below >= size:
            break
        if below + 1 < size and keys[below + 1] < keys[below]:
            below += 1
        if keys[below] >= key:
            break
        keys[at] = keys[below]
        items[at] = items[below]
        at = below
    keys[at] = key
    items[at] = item
    return size


@njit(cache=True)
def _grown(array: Any) -> Any:
    larger = np.empty(2 * len(array), array.dtype)
    larger[: len(array)] = array
    return larger


@njit(cache=True)
def _seek_witnesses(
    start: int,
    avoided: int,
    farthest: int,
    targets: int,
    settle_limit: int,
    is_target: Any,
    first_out: Nodes,
    next_out: Nodes,
    edge_head: Nodes,
    edge_length: Ints,
    best: Ints,
    touched: Nodes,
    keys: Ints,
    items: Nodes,
) -> int:
    """Lengths from a node round another, as far as needed, into ``best``; how many were touched."""
    best[start] = 0
    touched[0] = start
    count = 1
    size = _push(keys, items, 0, 0, start)
    settled = 0
    while size > 0:
        key = keys[0]
        node = items[0]
        size = _drop_top(keys, items, size)
        if key > best[node]:
            continue
        if key > farthest:
            break
        if is_target[node]:
            targets -= 1
            if targets == 0:
                break
        settled += 1
        if settled > settle_limit:
            break
        edge = first_out[node]
        while edge >= 0:
            head = edge_head[edge]
            length = key + edge_length[edge]
            if head != avoided and length <= farthest and length < best[head]:
                if best[head] == UNREACHED:
                    touched[count] = head
                    count += 1
                best[head] = length
                if size < len(keys):
                    size = _push(keys, items, size, length, head)
            edge = next_out[edge]
    return count


@njit(cache=True)
def _forget(first: Nodes, following: Nodes, ends: Nodes, owner: int, gone: int) -> None:
    """Take the edges to a node out of another node's chain."""
    before = -1
    edge = first[owner]
    while edge >= 0:
        if ends[edge] != gone:
            before = edge
        elif before < 0:
            first[owner] = following[edge]
        else:
            following[before] = following[edge]
        edge = following[edge]


@njit(cache=True, nogil=True)
def _contract(
    node_count: int,
    tails: Nodes,
    heads: Nodes,
    lengths: Ints,
    given: Nodes,
    settle_when_ordering: int,
    settle_when_contracting: int,
    core_at: int,
) -> Any:
    given_count = len(tails)
    room = max(16, 3 * given_count)
    edge_tail = np.empty(room, np.int32)
    edge_head = np.empty(room, np.int32)
    edge_length = np.empty(room, np.int64)
    next_out = np.empty(room, np.int32)
    next_in = np.empty(room, np.int32)
    first_half = np.empty(room, np.int32)
    second_half = np.empty(room, np.int32)
    first_out = np.full(node_count, -1, np.int32)
    first_in = np.full(node_count, -1, np.int32)
    for edge in range(given_count):
        tail, head = tails[edge], heads[edge]
        edge_tail[edge], edge_head[edge], edge_length[edge] = tail, head, lengths[edge]
        first_half[edge], second_half[edge] = -1, given[edge]
        next_out[edge] = first_out[tail]
        first_out[tail] = edge
        next_in[edge] = first_in[head]
        first_in[head] = edge
    edges = given_count

    best = np.full(node_count, UNREACHED, np.int64)
    touched = np.empty(node_count, np.int32)
    keys = np.empty(1 << 16, np.int64)
    items = np.empty(1 << 16, np.int32)
    is_target = np.zeros(node_count, np.bool_)
    level = np.zeros(node_count, np.int32)
    taken_out = np.zeros(node_count, np.bool_)
    new_tail = np.empty(1024, np.int32)
    new_head = np.empty(1024, np.int32)
    new_length = np.empty(1024, np.int64)
    new_first = np.empty(1024, np.int32)
    new_second = np.empty(1024, np.int32)

    queue_keys = np.empty(2 * node_count + 16, np.int64)
    queue_nodes = np.empty(2 * node_count + 16, np.int32)
    queued = 0
    ordering = True
    position = 0
    while True:
        # First every node is weighed once; then the lightest is weighed anew, and taken out if it
        # still is the lightest.
        if ordering:
            if position == node_count:
                ordering = False
                continue
            node = position
            position += 1
        else:
            if queued == 0:
                break
            node = queue_nodes[0]
            queued = _drop_top(queue_keys, queue_nodes, queued)
        limit = settle_when_ordering if ordering else settle_when_contracting

        outs = 0
        longest_out = np.int64(0)
        edge = first_out[node]
        while edge >= 0:
            is_target[edge_head[edge]] = True
            longest_out = max(longest_out, edge_length[edge])
            outs += 1
            edge = next_out[edge]
        ins = 0
        added = 0
        incoming = first_in[node]
        while incoming >= 0:
            ins += 1
            tail = edge_tail[incoming]
            if outs > 0:
                towards = edge_length[incoming]
                targets = outs - 1 if is_target[tail] else outs
                was_target = is_target[tail]
                is_target[tail] = False
                if targets > 0:
                    count = _seek_witnesses(
                        tail,
                        node,
                        towards + longest_out,
                        targets,
                        limit,
                        is_target,
                        first_out,
                        next_out,
                        edge_head,
                        edge_length,
                        best,
                        touched,
                        keys,
                        items,
                    )
                    outgoing = first_out[node]
                    while outgoing >= 0:
                        head = edge_head[outgoing]
                        length = towards + edge_length[outgoing]
                        if head != tail and best[head] > length:
                            if added == len(new_tail):
                                new_tail, new_head = _grown(new_tail), _grown(new_head)
                                new_length = _grown(new_length)
                                new_first, new_second = _grown(new_first), _grown(new_second)
                            new_tail[added], new_head[added] = tail, head
                            new_length[added] = length
                            new_first[added], new_second[added] = incoming, outgoing
                            added += 1
                        outgoing = next_out[outgoing]
                    for index in range(count):
                        best[touched[index]] = UNREACHED
                is_target[tail] = was_target
            incoming = next_in[incoming]
        edge = first_out[node]
        while edge >= 0:
            is_target[edge_head[edge]] = False
            edge = next_out[edge]

        weight = 4 * added - 2 * (ins + outs) + 3 * level[node]
        if ordering:
            queued = _push(queue_keys, queue_nodes, queued, weight, node)
            continue
        if queued > 0 and weight > queue_keys[0]:
            queued = _push(queue_keys, queue_nodes, queued, weight, node)
            continue
        if added > core_at:
            break

        taken_out[node] = True
        # Neighbours forget the node; its own lists stay as its climbing edges.
        edge = first_in[node]
        while edge >= 0:
            tail = edge_tail[edge]
            level[tail] = max(level[tail], level[node] + 1)
            _forget(first_out, next_out, edge_head, tail, node)
            edge = next_in[edge]
        edge = first_out[node]
        while edge >= 0:
            head = edge_head[edge]
            level[head] = max(level[head], level[node] + 1)
            _forget(first_in, next_in, edge_tail, head, node)
            edge = next_out[edge]
        for index in range(added):
            tail, head = new_tail[index], new_head[index]
            edge = first_out[tail]
            while edge >= 0 and edge_head[edge] != head:
                edge = next_out[edge]
            if edge >= 0:
                if edge_length[edge] <= new_length[index]:
                    continue
            else:
                if edges == len(edge_tail):
                    edge_tail, edge_head = _grown(edge_tail), _grown(edge_head)
                    edge_length = _grown(edge_length)
                    next_out, next_in = _grown(next_out), _grown(next_in)
                    first_half, second_half = _grown(first_half), _grown(second_half)
                edge = edges
                edges += 1
                edge_tail[edge], edge_head[edge] = tail, head
                next_out[edge] = first_out[tail]
                first_out[tail] = edge
                next_in[edge] = first_in[head]
                first_in[head] = edge
            edge_length[edge] = new_length[index]
            first_half[edge], second_half[edge] = new_first[index], new_second[index]

    up_offsets, up_nodes, up_lengths, up_edges = _in_rows(
        node_count, first_out, next_out, edge_head, edge_length
    )
    down_offsets, down_nodes, down_lengths, down_edges = _in_rows(
        node_count, first_in, next_in, edge_tail, edge_length
    )
    return (
        up_offsets,
        up_nodes,
        up_lengths,
        up_edges,
        down_offsets,
        down_nodes,
        down_lengths,
        down_edges,
        first_half[:edges].copy(),
        second_half[:edges].copy(),
        ~taken_out,
    )


@njit(cache=True)
def _in_rows(
    node_count: int, first: Nodes, following: Nodes, ends: Nodes, edge_length: Ints
) -> Any:
    """Chained edges, one row a node."""
    offsets = np.zeros(node_count + 1, np.int64)
    for node in range(node_count):
        count = 0
        edge = first[node]
        while edge >= 0:
            count += 1
            edge = following[edge]
        offsets[node + 1] = offsets[node] + count
    nodes = np.empty(offsets[-1], np.int32)
    lengths = np.empty(offsets[-1], np.int64)
    edges = np.empty(offsets[-1], np.int32)
    at = 0
    for node in range(node_count):
        edge = first[node]
        while edge >= 0:
            nodes[at], lengths[at], edges[at] = ends[edge], edge_length[edge], edge
            at += 1
            edge = following[edge]
    return offsets, nodes, lengths, edges


@njit(cache=True, nogil=True)
def _fill_buckets(
    node_count: int,
    down_offsets: Ints,
    down_nodes: Nodes,
    down_lengths: Ints,
    core: Any,
    end_offsets: Ints,
    end_nodes: Nodes,
    end_lengths: Ints,
) -> Any:
    """What each node knows of the ends below it: (offsets, ends, lengths), one row a node."""
    best = np.full(node_count, UNREACHED, np.int64)
    touched = np.empty(node_count, np.int32)
    keys = np.empty(len(down_nodes) + len(end_nodes) + 16, np.int64)
    items = np.empty(len(keys), np.int32)
    found_node = np.empty(4096, np.int32)
    found_end = np.empty(4096, np.int32)
    found_length = np.empty(4096, np.int64)
    found = 0
    counts = np.zeros(node_count + 1, np.int64)
    for end in range(len(end_offsets) - 1):
        size = 0
        count = 0
        for index in range(end_offsets[end], end_offsets[end + 1]):
            node = end_nodes[index]
            if end_lengths[index] < best[node]:
                if best[node] == UNREACHED:
                    touched[count] = node
                    count += 1
                best[node] = end_lengths[index]
                size = _push(keys, items, size, end_lengths[index], node)
        while size > 0:
            key = keys[0]
            node = items[0]
            size = _drop_top(keys, items, size)
            if key > best[node]:
                continue
            if found == len(found_node):
                found_node, found_end = _grown(found_node), _grown(found_end)
                found_length = _grown(found_length)
            found_node[found], found_end[found], found_length[found] = node, end, key
            found += 1
            counts[node + 1] += 1
            if core[node]:
                continue
            for index in range(down_offsets[node], down_offsets[node + 1]):
                above = down_nodes[index]
                length = key + down_lengths[index]
                if length < best[above]:
                    if best[above] == UNREACHED:
                        touched[count] = above
                        count += 1
                    best[above] = length
                    size = _push(keys, items, size, length, above)
        for index in range(count):
            best[touched[index]] = UNREACHED
    offsets = np.cumsum(counts)
    filled = offsets.copy()
    ends = np.empty(found, np.int32)
    lengths = np.empty(found, np.int64)
    for index in range(found):
        at = filled[found_node[index]]
        filled[found_node[index]] += 1
        ends[at], lengths[at] = found_end[index], found_length[index]
    return offsets, ends, lengths


@njit(cache=True, nogil=True)
def _climb_to_buckets(
    up_offsets: Ints,
    up_nodes: Nodes,
    up_lengths: Ints,
    start_offsets: Ints,
    start_nodes: Nodes,
    start_lengths: Ints,
    end_count: int,
    bucket_offsets: Ints,
    bucket_ends: Nodes,
    bucket_lengths: Ints,
) -> Any:
    """Shortest lengths from each start over the nodes where the two climbs meet."""
    node_count = len(up_offsets) - 1
    result = np.full((len(start_offsets) - 1, end_count), UNREACHED, np.int64)
    best = np.full(node_count, UNREACHED, np.int64)
    touched = np.empty(node_count, np.int32)
    keys = np.empty(len(up_nodes) + len(start_nodes) + 16, np.int64)
    items = np.empty(len(keys), np.int32)
    for start in range(len(start_offsets) - 1):
        row = result[start]
        size = 0
        count = 0
        for index in range(start_offsets[start], start_offsets[start + 1]):
            node = start_nodes[index]
            if start_lengths[index] < best[node]:
                if best[node] == UNREACHED:
                    touched[count] = node
                    count += 1
                best[node] = start_lengths[index]
                size = _push(keys, items, size, start_lengths[index], node)
        while size > 0:
            key = keys[0]
            node = items[0]
            size = _drop_top(keys, items, size)
            if key > best[node]:
                continue
            for index in range(bucket_offsets[node], bucket_offsets[node + 1]):
                length = key + bucket_lengths[index]
                if length < row[bucket_ends[index]]:
                    row[bucket_ends[index]] = length
            for index in range(up_offsets[node], up_offsets[node + 1]):
                above = up_nodes[index]
                length = key + up_lengths[index]
                if length < best[above]:
                    if best[above] == UNREACHED:
                        touched[count] = above
                        count += 1
                    best[above] = length
                    size = _push(keys, items, size, length, above)
        for index in range(count):
            best[touched[index]] = UNREACHED
    return result


@njit(cache=True, nogil=True)
def _climb(
    offsets: Ints,
    nodes: Nodes,
    lengths: Ints,
    edges: Nodes,
    closed: Any,
    seed_nodes: Nodes,
    seed_lengths: Ints,
) -> Any:
    """Lengths to every node above the seeds, with the edge and node each was reached by.

    Nodes that are ``closed`` are reached but not left.
    """
    node_count = len(offsets) - 1
    best = np.full(node_count, UNREACHED, np.int64)
    by_edge = np.full(node_count, -1, np.int32)
    from_node = np.full(node_count, -1, np.int32)
    keys = np.empty(len(nodes) + len(seed_nodes) + 16, np.int64)
    items = np.empty(len(keys), np.int32)
    size = 0
    for index in range(len(seed_nodes)):
        if seed_lengths[index] < best[seed_nodes[index]]:
            best[seed_nodes[index]] = seed_lengths[index]
            size = _push(keys, items, size, seed_lengths[index], seed_nodes[index])
    while size > 0:
        key = keys[0]
        node = items[0]
        size = _drop_top(keys, items, size)
        if key > best[node] or closed[node]:
            continue
        for index in range(offsets[node], offsets[node + 1]):
            above = nodes[index]
            length = key + lengths[index]
            if length < best[above]:
                best[above] = length
                by_edge[above] = edges[index]
                from_node[above] = node
                size = _push(keys, items, size, length, above)
    return best, by_edge, from_node


@njit(cache=True, nogil=True)
def _meet(
    up_offsets: Ints,
    up_nodes: Nodes,
    up_lengths: Ints,
    up_edges: Nodes,
    down_offsets: Ints,
    down_nodes: Nodes,
    down_lengths: Ints,
    down_edges: Nodes,
    core: Any,
    start_nodes: Nodes,
    start_lengths: Ints,
    end_nodes: Nodes,
    end_lengths: Ints,
) -> Any:
    """First and last node of the shortest way, and its edges from where the climbs meet.

    Nothing where they do not meet.
    """
    up, up_edge, up_from = _climb(
        up_offsets,
        up_nodes,
        up_lengths,
        up_edges,
        np.zeros(len(core), np.bool_),
        start_nodes,
        start_lengths,
    )
    down, down_edge, down_from = _climb(
        down_offsets, down_nodes, down_lengths, down_edges, core, end_nodes, end_lengths
    )
    meeting = -1
    least = UNREACHED
    for node in range(len(core)):
        if up[node] < UNREACHED and down[node] < UNREACHED and up[node] + down[node] < least:
            least = up[node] + down[node]
            meeting = node
    climbed = np.empty(len(core), np.int32)
    climbs = 0
    descended = np.empty(len(core), np.int32)
    descends = 0
    ends = np.empty(2, np.int32)
    if meeting >= 0:
        node = meeting
        while up_from[node] >= 0:
            climbed[climbs] = up_edge[node]
            climbs += 1
            node = up_from[node]
        ends[0] = node
        node = meeting
        while down_from[node] >= 0:
            descended[descends] = down_edge[node]
            descends += 1
            node = down_from[node]
        ends[1] = node
    return ends[: 2 if meeting >= 0 else 0], climbed[:climbs], descended[:descends]
