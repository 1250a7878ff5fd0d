"""What the readers of files hand on: ways with their facts, positions, obstacles, restrictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from .tags import Limits, WayFacts


class Stage(Enum):
    """What takes time when roads are built, in its order."""

    WAYS = "ways"
    POSITIONS = "positions"
    NETWORK = "network"
    SHORTCUTS = "shortcuts"


# Told how far a stage is: a count that grows.
Progress = Callable[[Stage, int], None]


def silent(_stage: Stage, _count: int) -> None:
    """Progress that nobody watches."""


class RoadFileError(ValueError):
    """A file that cannot be read as roads; ``reason`` is what is wrong with it."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


@dataclass(frozen=True)
class SourceWay:
    """A line of nodes (by their numbers) along which the facts hold."""

    way_id: int
    nodes: tuple[int, ...]
    facts: WayFacts


@dataclass(frozen=True)
class Restriction:
    """At ``via`` a turn is forbidden, or the only one allowed.

    ``excepted`` are the vehicles it does not bind; ``only_for``, unless empty, those it binds.
    """

    only: bool
    from_ways: tuple[int, ...]
    via_node: int | None
    via_ways: tuple[int, ...]
    to_ways: tuple[int, ...]
    excepted: frozenset[str] = frozenset()
    only_for: frozenset[str] = frozenset()


@dataclass(frozen=True)
class RoadSource:
    """Roads as a file tells them.

    Attributes
    ----------
    node_ids
        Numbers of the nodes, ascending.
    lats, lons
        Their positions in degrees; NaN where the file lacks them or they lie outside.
    obstacles
        What a node lets through; None closes it.
    """

    name: str
    ways: list[SourceWay]
    node_ids: NDArray[np.int64]
    lats: NDArray[np.float64]
    lons: NDArray[np.float64]
    obstacles: Mapping[int, Limits | None] = field(default_factory=dict)
    restrictions: list[Restriction] = field(default_factory=list)
    # When the file's data were current, as it says itself.
    dated: str = ""
    # OpenStreetMap's data ask for a credit.
    is_osm: bool = True
