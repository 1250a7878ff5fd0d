"""A graph in which no forbidden turn can be driven.

Whoever has driven the beginning of a forbidden sequence stands at a node of his own, from which the
arc that would complete it does not leave; all others stay at the junction itself. The states are
those of Aho and Corasick's automaton over arcs, so sequences may have any length and overlap.

Turning round on the road is allowed where it helps nobody round a sign: after a restricted junction
it is forbidden until a dead end or a turning of one's own choice. Elsewhere no shortest way turns
round.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Arc = int
Driven = tuple[Arc, ...]
# How many roads without a junction between them are looked along.
_FOLLOWED = 8


@dataclass(frozen=True)
class TurnGraph:
    """Edges between states, each along one arc; the first states are the junctions.

    Attributes
    ----------
    tails, heads, arcs
        For each edge the states it joins and the arc it drives.
    entered
        For each arc the state of whoever has driven it and nothing before.
    arc_order, arc_offsets
        The edges along arc a are ``arc_order[arc_offsets[a]:arc_offsets[a + 1]]``.
    """

    node_count: int
    tails: NDArray[np.int32]
    heads: NDArray[np.int32]
    arcs: NDArray[np.int64]
    entered: NDArray[np.int32]
    arc_order: NDArray[np.int64]
    arc_offsets: NDArray[np.int64]

    def edges_along(self, arc: int) -> NDArray[np.int64]:
        """Edges that drive the arc, from any state."""
        return self.arc_order[self.arc_offsets[arc] : self.arc_offsets[arc + 1]]


def turn_graph(
    node_count: int,
    tails: NDArray[np.int32],
    heads: NDArray[np.int32],
    usable: NDArray[np.bool_],
    forbidden: Iterable[Driven],
) -> TurnGraph:
    """The states and edges of the arcs that are usable.

    Parameters
    ----------
    tails, heads
        Junctions of each arc; arcs 2 r and 2 r + 1 are the two directions of one road.
    forbidden
        Sequences of at least two arcs that may not be driven one after the other.
    """
    roads = _Junctions(tails, heads, usable)
    bans = {s for s in forbidden if all(usable[arc] for arc in s)}
    bans |= set(roads.turns_round_after(bans))
    automaton = _Automaton(bans)
    states = {state: node_count + n for n, state in enumerate(automaton.states)}
    entered = heads.astype(np.int32).copy()
    for state, number in states.items():
        if len(state) == 1:
            entered[state[0]] = number
    from_junctions = np.flatnonzero(usable)
    more = [
        (states[state], states.get(after, heads[arc]), arc)
        for state in automaton.states
        for arc in roads.leaving.get(int(heads[state[-1]]), ())
        if (after := automaton.after(state, arc)) is not None
    ]
    extra = np.array(more, np.int64).reshape(-1, 3)
    arcs = np.concatenate([from_junctions, extra[:, 2]])
    order = np.argsort(arcs, kind="stable")
    offsets = np.searchsorted(arcs[order], np.arange(len(tails) + 1))
    return TurnGraph(
        node_count + len(states),
        np.concatenate([tails[from_junctions], extra[:, 0]]).astype(np.int32),
        np.concatenate([entered[from_junctions], extra[:, 1]]).astype(np.int32),
        arcs,
        entered,
        order,
        offsets,
    )


class _Automaton:
    """Which beginnings of forbidden sequences have been driven last."""

    def __init__(self, bans: set[Driven]) -> None:
        self._bans = bans
        beginnings = {ban[:length] for ban in bans for length in range(1, len(ban))}
        # Whoever would complete a ban never reaches what lies behind it.
        self.states = sorted(b for b in beginnings if not self._is_banned(b))
        self._known = set(self.states)

    def after(self, state: Driven, arc: Arc) -> Driven | None:
        """The longest beginning driven after one more arc (empty: none); None if forbidden."""
        driven = (*state, arc)
        if self._is_banned(driven):
            return None
        tails = (driven[index:] for index in range(len(driven)))
        return next((tail for tail in tails if tail in self._known), ())

    def _is_banned(self, driven: Driven) -> bool:
        return any(driven[index:] in self._bans for index in range(len(driven)))


class _Junctions:
    """What meets at each junction."""

    def __init__(
        self, tails: NDArray[np.int32], heads: NDArray[np.int32], usable: NDArray[np.bool_]
    ) -> None:
        self._heads = heads
        self._usable = usable
        self.leaving: Mapping[int, Sequence[Arc]] = _grouped(tails, np.flatnonzero(usable))
        self._roads: Mapping[int, set[int]] = defaultdict(set)
        for arc in np.flatnonzero(usable).tolist():
            self._roads[int(tails[arc])].add(arc // 2)
            self._roads[int(heads[arc])].add(arc // 2)

    def turns_round_after(self, bans: set[Driven]) -> Iterable[Driven]:
        """Sequences that pass a restricted junction and turn round behind it to dodge the sign."""
        for before in {ban[:-1] for ban in bans}:
            for arc in self.leaving.get(int(self._heads[before[-1]]), ()):
                driven = (*before, arc)
                if driven not in bans and arc // 2 != before[-1] // 2:
                    yield from self._turns_round(driven)

    def _turns_round(self, driven: Driven) -> Iterable[Driven]:
        for _ in range(_FOLLOWED):
            arc = driven[-1]
            roads = self._roads[int(self._heads[arc])]
            if len(roads) == 1:
                return
            if self._usable[arc ^ 1]:
                yield (*driven, arc ^ 1)
            onward = [a for a in self.leaving.get(int(self._heads[arc]), ()) if a // 2 != arc // 2]
            if len(roads) > 2 or len(onward) != 1:
                return
            driven = (*driven, onward[0])


def _grouped(keys: NDArray[np.int32], arcs: NDArray[np.int64]) -> Mapping[int, Sequence[Arc]]:
    groups: dict[int, list[Arc]] = defaultdict(list)
    for key, arc in zip(keys[arcs].tolist(), arcs.tolist(), strict=True):
        groups[key].append(arc)
    return groups
