"""Turn restrictions as sequences of arcs that may not be driven one after the other."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .source import Restriction


class Arcs:
    """The open arcs of a network, found by way and by junction."""

    def __init__(
        self,
        starts: NDArray[np.int32],
        ends: NDArray[np.int32],
        open_arcs: NDArray[np.bool_],
        way_ids: Sequence[int],
    ) -> None:
        self.tails = np.stack([starts, ends], axis=1).ravel().tolist()
        self.heads = np.stack([ends, starts], axis=1).ravel().tolist()
        self._of_way: dict[int, list[int]] = defaultdict(list)
        self._leaving: dict[int, list[int]] = defaultdict(list)
        for arc in np.flatnonzero(open_arcs).tolist():
            self._of_way[way_ids[arc // 2]].append(arc)
            self._leaving[self.tails[arc]].append(arc)

    def of_ways(self, way_ids: Sequence[int]) -> list[int]:
        """Arcs along these ways, in either direction that is open."""
        return [arc for way_id in way_ids for arc in self._of_way.get(way_id, ())]

    def has_ways(self, way_ids: Sequence[int]) -> bool:
        """Whether any of these ways can be driven."""
        return any(way_id in self._of_way for way_id in way_ids)

    def leaving(self, junction: int) -> list[int]:
        """Arcs that begin at a junction."""
        return self._leaving.get(junction, [])


def forbidden_sequences(
    restriction: Restriction, via: int | None, arcs: Arcs
) -> list[tuple[int, ...]] | None:
    """What the restriction forbids.

    ``no_…`` forbids its own sequence; ``only_…`` forbids to leave its sequence once on it.

    Parameters
    ----------
    via
        The junction of its node, where it has one.

    Returns
    -------
    None where the restriction cannot be understood, empty where its ways are closed anyhow.
    """
    if not arcs.has_ways(restriction.from_ways) or not arcs.has_ways(restriction.to_ways):
        return []
    if restriction.via_ways and not arcs.has_ways(restriction.via_ways):
        return []
    sequences = _sequences(restriction, via, arcs)
    if not sequences:
        return None
    if not restriction.only:
        return sequences
    return sorted({left for sequence in sequences for left in _departures(sequence, arcs)})


def _sequences(restriction: Restriction, via: int | None, arcs: Arcs) -> list[tuple[int, ...]]:
    from_arcs = arcs.of_ways(restriction.from_ways)
    to_arcs = arcs.of_ways(restriction.to_ways)
    if via is None:
        via_arcs = arcs.of_ways(restriction.via_ways)
        paths = [_over(arc, via_arcs, to_arcs, arcs) for arc in from_arcs]
        return [path for path in paths if path]
    coming = [arc for arc in from_arcs if arcs.heads[arc] == via]
    going = [arc for arc in to_arcs if arcs.tails[arc] == via]
    if set(restriction.from_ways) == set(restriction.to_ways):
        return [(come, come ^ 1) for come in coming if come ^ 1 in going]
    # A way that leads through the junction does not say from which side, or to which.
    if len(coming) > len(restriction.from_ways) or len(going) > len(restriction.to_ways):
        return []
    return [(come, go) for come in coming for go in going]


def _over(start: int, via_arcs: list[int], to_arcs: list[int], arcs: Arcs) -> tuple[int, ...]:
    """The fewest arcs from ``start`` over the via ways to one that is led to; empty without."""
    paths: deque[tuple[int, ...]] = deque([(start,)])
    seen = {start}
    while paths:
        path = paths.popleft()
        here = arcs.heads[path[-1]]
        if len(path) > 1:
            for arc in to_arcs:
                if arcs.tails[arc] == here and arc // 2 != path[-1] // 2:
                    return (*path, arc)
        for arc in via_arcs:
            if arcs.tails[arc] == here and arc not in seen and arc // 2 != path[-1] // 2:
                seen.add(arc)
                paths.append((*path, arc))
    return ()


def _departures(sequence: tuple[int, ...], arcs: Arcs) -> list[tuple[int, ...]]:
    """Every way to leave the sequence after its first arc."""
    return [
        (*sequence[:index], arc)
        for index in range(1, len(sequence))
        for arc in arcs.leaving(arcs.heads[sequence[index - 1]])
        if arc != sequence[index]
    ]
