"""Short lengths on the WGS84 ellipsoid for many points at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def metres_per_degree(lat: Floats) -> tuple[Floats, Floats]:
    """Metres that a degree of latitude and one of longitude are long at these latitudes.

    The series of the WGS84 ellipsoid; within a metre in a hundred kilometres.
    """
    angle = np.radians(lat)
    north = 111132.954 - 559.822 * np.cos(2 * angle) + 1.175 * np.cos(4 * angle)
    east = 111412.84 * np.cos(angle) - 93.5 * np.cos(3 * angle) + 0.118 * np.cos(5 * angle)
    return north, east


def metres_between(lat1: Floats, lon1: Floats, lat2: Floats, lon2: Floats) -> Floats:
    """Metres between points a few kilometres apart, element by element."""
    north, east = metres_per_degree((lat1 + lat2) / 2)
    return np.hypot((lat2 - lat1) * north, (lon2 - lon1) * east)
