"""The vehicle that drives: its size, what the signs call it, and how fast it goes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from .tags import HEAVY_FROM_T, RoadClass

# Averages of a loaded van over a day, below what signs allow: stops, junctions and motorbikes.
SPEEDS_KMH: Mapping[RoadClass, float] = {
    RoadClass.MOTORWAY: 80.0,
    RoadClass.TRUNK: 55.0,
    RoadClass.PRIMARY: 45.0,
    RoadClass.SECONDARY: 40.0,
    RoadClass.TERTIARY: 35.0,
    RoadClass.UNCLASSIFIED: 30.0,
    RoadClass.RESIDENTIAL: 22.0,
    RoadClass.LIVING_STREET: 12.0,
    RoadClass.SERVICE: 12.0,
    RoadClass.TRACK: 10.0,
    RoadClass.PATH: 8.0,
    # Of a ferry that does not say how long it takes.
    RoadClass.FERRY: 8.0,
}


@dataclass(frozen=True)
class Vehicle:
    """A van as roads see it; 0 leaves a size out of account."""

    height_m: float = 0.0
    weight_t: float = 0.0
    width_m: float = 0.0

    @property
    def kinds(self) -> frozenset[str]:
        """What signs call it."""
        if self.weight_t > HEAVY_FROM_T:
            return frozenset({"motor_vehicle", "hgv"})
        return frozenset({"motor_vehicle", "motorcar", "goods"})


@dataclass(frozen=True)
class Driving:
    """How a vehicle gets along.

    Attributes
    ----------
    vehicle
        Its size.
    speeds_kmh
        Average speed by class of road; a lower speed limit counts instead.
    ferry_wait_minutes
        Waiting at a landing whose ferry does not say how often it goes; one that does is waited
        for half its interval.
    off_road_kmh
        From the road to the place itself, in a straight line.
    snap_limit_m
        A place farther from every road is unreachable.
    """

    vehicle: Vehicle = Vehicle()
    speeds_kmh: Mapping[RoadClass, float] = field(default_factory=lambda: dict(SPEEDS_KMH))
    ferry_wait_minutes: float = 15.0
    off_road_kmh: float = 10.0
    snap_limit_m: float = 1000.0

    @property
    def key(self) -> str:
        """Names what the driving times depend on, for files made from them."""
        speeds = {road_class.name: speed for road_class, speed in sorted(self.speeds_kmh.items())}
        facts = {**asdict(self.vehicle), "speeds": speeds, "ferry": self.ferry_wait_minutes}
        text = json.dumps(facts, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]
