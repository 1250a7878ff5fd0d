"""Positions into the planner's metres and minutes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..travel import Position, TravelSource
from .problem import Distances


def distances_between(
    stops: Sequence[Position | None],
    depots: Sequence[Position | None],
    travel: TravelSource,
    buffer_minutes: int,
) -> Distances:
    """Whole minutes with their buffer, and metres, as ``schedules.timing`` counts a day's legs.

    A position that nobody knows is free of driving, as it is there.
    """
    everywhere = [*stops, *depots]
    size = len(everywhere)
    metres: NDArray[np.float64] = np.zeros((size, size))
    minutes: NDArray[np.float64] = np.zeros((size, size))
    known = [n for n, position in enumerate(everywhere) if position is not None]
    rows = travel.matrix([position for position in everywhere if position is not None])
    for start, row in zip(known, rows, strict=True):
        for end, leg in zip(known, row, strict=True):
            if start == end:
                continue
            metres[start, end] = leg.distance_m
            drive = math.ceil(leg.drive_minutes) if math.isfinite(leg.drive_minutes) else math.inf
            # The first leg of a day has its buffer even where it leads nowhere.
            has_buffer = drive > 0 or start >= len(stops)
            minutes[start, end] = drive + (buffer_minutes if has_buffer else 0)
    return Distances(metres, minutes)
