"""A network made ready for one way of driving: what is open, how long each arc takes, shortcuts.

Lengths of ways are whole numbers that hold milliseconds above decimetres, so that the quickest way
is found, the shorter one of two equally quick, and both figures come out of one search.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .hierarchy import Hierarchy
from .network import Network, load_arrays, save_arrays
from .source import Progress, RoadFileError, Stage, silent
from .tags import RoadClass
from .turns import TurnGraph, turn_graph
from .vehicle import Driving

# Of a length: decimetres up to 6,700 km below, milliseconds above.
_METRE_BITS = 26
_METRE_MASK = (1 << _METRE_BITS) - 1
# Nobody waits half a day for a ferry that goes twice a week: the timetable is made for it.
_LONGEST_WAIT_S = 3600.0


def packed(seconds: Any, metres: Any) -> Any:
    """Seconds and metres as one whole number; sums of such numbers add both."""
    milliseconds = np.round(np.asarray(seconds) * 1000).astype(np.int64)
    return (milliseconds << _METRE_BITS) + np.round(np.asarray(metres) * 10).astype(np.int64)


def unpacked(lengths: Any) -> tuple[Any, Any]:
    """Seconds and metres of what ``packed`` made, or of sums of it."""
    return (lengths >> _METRE_BITS) / 1000, (lengths & _METRE_MASK) / 10


@dataclass(frozen=True)
class Prepared:
    """What searching needs.

    Attributes
    ----------
    usable
        Which arcs the vehicle may drive.
    seconds
        How long each arc takes, waiting for a ferry included.
    turns
        The arcs without forbidden turns.
    hierarchy
        Shortcuts over the edges of ``turns``.
    components
        For each road a number shared by the roads that all lead to each other; -1 for a road that
        leads from some to others only.
    component_m
        Metres of road of each component.
    """

    usable: NDArray[np.bool_]
    seconds: NDArray[np.float64]
    turns: TurnGraph
    hierarchy: Hierarchy
    components: NDArray[np.int32]
    component_m: NDArray[np.float64]

    @property
    def main(self) -> int:
        """The component of most roads."""
        return int(self.component_m.argmax()) if len(self.component_m) else -1


def prepare(network: Network, driving: Driving, progress: Progress = silent) -> Prepared:
    """Make a network ready; takes seconds for a province, minutes for a country."""
    usable = usable_arcs(network, driving)
    seconds = arc_seconds(network, driving)
    tails, heads = network.arc_tails(), network.arc_heads()
    turns = turn_graph(network.node_count, tails, heads, usable, _binding_turns(network, driving))
    progress(Stage.SHORTCUTS, turns.node_count)
    lengths = packed(seconds, np.repeat(network.lengths_m, 2))
    hierarchy = Hierarchy.of(turns.node_count, turns.tails, turns.heads, lengths[turns.arcs])
    components, component_m = _components(network, usable)
    return Prepared(usable, seconds, turns, hierarchy, components, component_m)


def usable_arcs(network: Network, driving: Driving) -> NDArray[np.bool_]:
    """Arcs that are open to the vehicle, by direction and by its size."""
    vehicle = driving.vehicle
    fits = (
        (network.heights_m >= vehicle.height_m)
        & (network.weights_t >= vehicle.weight_t)
        & (network.widths_m >= vehicle.width_m)
    )
    return np.asarray(network.open_arcs & np.repeat(fits, 2))


def arc_seconds(network: Network, driving: Driving) -> NDArray[np.float64]:
    """Driving time of each arc at its class's speed, or the speed limit where that is lower.

    A ferry takes the time it says, else that of its speed; who comes from land waits half its
    interval, else the usual wait.
    """
    speeds = np.array([driving.speeds_kmh[RoadClass(c)] for c in range(len(RoadClass))])
    classes = np.repeat(network.classes, 2)
    lengths = np.repeat(network.lengths_m, 2)
    kmh = np.minimum(speeds[classes], network.arc_speeds_kmh)
    seconds = lengths / kmh * 3.6
    told = np.repeat(network.ferry_s.astype(np.float64), 2)
    seconds = np.where(np.isnan(told), seconds, told)
    ferry = network.classes == RoadClass.FERRY
    land = np.zeros(network.node_count, dtype=bool)
    land[network.starts[~ferry]] = True
    land[network.ends[~ferry]] = True
    boards = np.repeat(ferry, 2) & land[network.arc_tails()]
    interval = np.repeat(network.ferry_interval_s.astype(np.float64), 2)
    half = np.minimum(interval / 2, _LONGEST_WAIT_S)
    wait = np.where(np.isnan(half), driving.ferry_wait_minutes * 60, half)
    return np.asarray(np.where(boards, seconds + wait, seconds))


def prepared_file(network_path: Path, driving: Driving) -> Path:
    """Where what was prepared from a network's file is kept."""
    return network_path.with_name(f"{network_path.stem}.{driving.key}.ready")


def save_prepared(prepared: Prepared, network: Network, path: Path) -> None:
    """Keep what ``prepare`` made."""
    arrays = {f.name: getattr(prepared, f.name) for f in fields(prepared)}
    for name in ("turns", "hierarchy"):
        whole = arrays.pop(name)
        parts = {f"{name}.{f.name}": getattr(whole, f.name) for f in fields(whole)}
        arrays.update(parts)
    save_arrays(path, {**arrays, "fingerprint": np.array(network.fingerprint)})


def load_prepared(network: Network, path: Path) -> Prepared:
    """What ``save_prepared`` kept; raises RoadFileError where it does not fit the network."""
    arrays = load_arrays(path)
    if str(arrays.pop("fingerprint", "")) != network.fingerprint:
        raise RoadFileError(str(path), "made from another network")
    parts: dict[str, dict[str, Any]] = {"turns": {}, "hierarchy": {}}
    for name in [name for name in arrays if "." in name]:
        whole, _, part = name.partition(".")
        parts[whole][part] = arrays.pop(name)
    parts["turns"]["node_count"] = int(parts["turns"]["node_count"])
    try:
        return Prepared(
            turns=TurnGraph(**parts["turns"]), hierarchy=Hierarchy(**parts["hierarchy"]), **arrays
        )
    except TypeError as error:
        raise RoadFileError(str(path), "made by another version") from error


def _binding_turns(network: Network, driving: Driving) -> list[tuple[int, ...]]:
    """Forbidden sequences that the vehicle has to keep to."""
    kinds = driving.vehicle.kinds
    sequences = []
    for turn in range(network.turn_count):
        excepted = set(str(network.turn_excepted[turn]).split(";"))
        only_for = set(str(network.turn_only_for[turn]).split(";")) - {""}
        if excepted & kinds or (only_for and not only_for & kinds):
            continue
        arcs = network.turn_arcs[network.turn_offsets[turn] : network.turn_offsets[turn + 1]]
        sequences.append(tuple(arcs.tolist()))
    return sequences


def _components(
    network: Network, usable: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    tails, heads = network.arc_tails()[usable], network.arc_heads()[usable]
    shape = (network.node_count, network.node_count)
    graph = coo_array((np.ones(len(tails), np.int8), (tails, heads)), shape=shape).tocsr()
    count, of_node = connected_components(graph, directed=True, connection="strong")
    first, last = of_node[network.starts], of_node[network.ends]
    open_roads = usable.reshape(-1, 2).any(axis=1)
    components = np.where((first == last) & open_roads, first, -1).astype(np.int32)
    inside = components >= 0
    metres = np.bincount(components[inside], network.lengths_m[inside], minlength=count)
    return components, metres.astype(np.float64)
