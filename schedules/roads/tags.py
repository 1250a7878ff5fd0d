"""What OpenStreetMap's tags mean for a van: where it may drive, how fast, how high and heavy.

The keys and values are those of the OpenStreetMap wiki (Key:access, Key:maxheight, Key:oneway,
Tag:route=ferry, Key:barrier).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

UNLIMITED = math.inf
# From this weight on a vehicle counts as heavy (hgv).
HEAVY_FROM_T = 3.5

Tags = Mapping[str, str]


class RoadClass(IntEnum):
    """Classes of ways that have a speed of their own; the numbers are stored."""

    MOTORWAY = 0
    TRUNK = 1
    PRIMARY = 2
    SECONDARY = 3
    TERTIARY = 4
    UNCLASSIFIED = 5
    RESIDENTIAL = 6
    LIVING_STREET = 7
    SERVICE = 8
    TRACK = 9
    PATH = 10
    FERRY = 11


@dataclass(frozen=True)
class Limits:
    """The largest vehicle that may pass; infinite where nothing is said."""

    height_m: float = UNLIMITED
    weight_t: float = UNLIMITED
    width_m: float = UNLIMITED


@dataclass(frozen=True)
class WayFacts:
    """A way that vans may use, in the direction of its nodes and against it.

    ``speed_kmh`` is what a sign allows (infinite where none is known), ``ferry_s`` how long a
    ferry takes from end to end, ``interval_s`` the time between two of its departures (NaN where
    unknown).
    """

    road_class: RoadClass
    forward: bool = True
    backward: bool = True
    forward_speed_kmh: float = UNLIMITED
    backward_speed_kmh: float = UNLIMITED
    limits: Limits = Limits()
    ferry_s: float = math.nan
    interval_s: float = math.nan


_CLASSES = {
    "motorway": RoadClass.MOTORWAY,
    "trunk": RoadClass.TRUNK,
    "primary": RoadClass.PRIMARY,
    "secondary": RoadClass.SECONDARY,
    "tertiary": RoadClass.TERTIARY,
    "unclassified": RoadClass.UNCLASSIFIED,
    "road": RoadClass.UNCLASSIFIED,
    "residential": RoadClass.RESIDENTIAL,
    "living_street": RoadClass.LIVING_STREET,
    "service": RoadClass.SERVICE,
    "track": RoadClass.TRACK,
}
# Not made for vans; open to them only where a sign says so.
_NARROW = frozenset({"path", "footway", "cycleway", "pedestrian", "bridleway", "busway"})
# From the general to the particular: the last key that is set decides.
_ACCESS_KEYS = ("access", "vehicle", "motor_vehicle", "motorcar")
_WEIGHT_KEYS = ("maxweight", "maxweight:signed", "maxweightrating", "maxgcweightrating")
_HEIGHT_KEYS = ("maxheight", "maxheight:physical")
_WIDTH_KEYS = ("maxwidth", "maxwidth:physical")
# All that a way's facts are drawn from.
_KEYS = frozenset(
    {"highway", "route", "junction", "impassable", "oneway", "oneway:motor_vehicle"}
    | {"maxspeed", "maxspeed:forward", "maxspeed:backward", "duration", "interval", "hgv", "width"}
    | {*_ACCESS_KEYS, *_WEIGHT_KEYS, *_HEIGHT_KEYS, *_WIDTH_KEYS}
    | {f"{key}:{way}" for key in _ACCESS_KEYS for way in ("forward", "backward")}
)
_CLOSED = frozenset({"no", "private", "agricultural", "forestry", "military", "emergency", "psv"})
_OPENED = frozenset({"yes", "designated", "permissive", "official", "destination"})
# Obstacles that no van passes unless a tag opens them; all others (gates, tolls) let it through.
_BARRIERS = frozenset(
    {"block", "bollard", "chain", "cycle_barrier", "debris", "fence", "jersey_barrier"}
    | {"kissing_gate", "log", "motorcycle_barrier", "planter", "rope", "stile", "tank_trap"}
    | {"turnstile", "wall", "full-height_turnstile", "horse_stile", "bus_trap", "sump_buster"}
)
_ONE_WAY = {"yes": (True, False), "true": (True, False), "1": (True, False)} | {
    "-1": (False, True),
    "reverse": (False, True),
    # Turned round by the hour: no timetable can count on it.
    "reversible": (False, False),
    "no": (True, True),
    "false": (True, True),
    "0": (True, True),
}
_NUMBER = re.compile(r"^\s*(\d+(?:[.,]\d+)?)\s*([a-zA-Z/]*)\s*$")
_FEET = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(?:'|ft)\s*(?:(\d+(?:\.\d+)?)\s*(?:\"|''|in)?)?\s*$")
_CLOCK = re.compile(r"^\s*(?:(\d+):)?(\d+):(\d+)\s*$")
_PERIOD = re.compile(r"^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$")
_TONNES = {"": 1.0, "t": 1.0, "kg": 0.001, "lbs": 0.000453592, "lb": 0.000453592, "st": 0.907185}
_METRES = {"": 1.0, "m": 1.0, "cm": 0.01, "ft": 0.3048}
_KMH = {"": 1.0, "kmh": 1.0, "km/h": 1.0, "kph": 1.0, "mph": 1.609344, "knots": 1.852}


def way_facts(tags: Tags) -> WayFacts | None:
    """What a way is to a van; None where it may not drive at all."""
    return _way_facts(frozenset(item for item in tags.items() if item[0] in _KEYS))


@lru_cache(50_000)
def _way_facts(said: frozenset[tuple[str, str]]) -> WayFacts | None:
    """Of a country's ways most say what another says too."""
    tags = dict(said)
    if tags.get("route") == "ferry" and "highway" not in tags:
        return _ferry_facts(tags)
    road_class = _road_class(tags)
    if road_class is None or tags.get("impassable") == "yes":
        return None
    forward, backward = _directions(tags)
    forward = forward and _direction_open(tags, "forward")
    backward = backward and _direction_open(tags, "backward")
    if not (forward or backward):
        return None
    general = speed_kmh(tags.get("maxspeed"))
    return WayFacts(
        road_class,
        forward,
        backward,
        speed_kmh(tags.get("maxspeed:forward"), general),
        speed_kmh(tags.get("maxspeed:backward"), general),
        limits_of(tags),
    )


def barrier_limits(tags: Tags) -> Limits | None:
    """What a node lets through: None closes it, ``Limits()`` is open to every vehicle."""
    barrier = tags.get("barrier")
    if barrier is None and tags.get("highway") not in {"gate", "barrier"}:
        return limits_of(tags, own_width=False)
    access = _access(tags)
    if access in _CLOSED or (barrier in _BARRIERS and access not in _OPENED):
        # A bollard that names its gap is closed all the same: vans are wider than carts.
        return None
    return limits_of(tags, own_width=False)


def limits_of(tags: Tags, own_width: bool = True) -> Limits:
    """Height, weight and width that signs allow, or that the road itself leaves."""
    weight = min(_quantity(tags.get(key), _TONNES) for key in _WEIGHT_KEYS)
    if tags.get("hgv") == "no":
        weight = min(weight, HEAVY_FROM_T)
    widths = (*_WIDTH_KEYS, "width") if own_width else _WIDTH_KEYS
    return Limits(
        min(_length(tags.get(key)) for key in _HEIGHT_KEYS),
        weight,
        min(_length(tags.get(key)) for key in widths),
    )


def speed_kmh(text: str | None, otherwise: float = UNLIMITED) -> float:
    """A speed limit in km/h; ``otherwise`` where the tag is missing or names no figure."""
    if text is None:
        return otherwise
    if text == "walk":
        return 6.0
    value = _quantity(text, _KMH)
    return value if 0 < value < UNLIMITED else otherwise


def duration_s(text: str | None) -> float:
    """Seconds of ``duration`` or ``interval``: minutes, ``hh:mm``, ``hh:mm:ss`` or ISO 8601."""
    if not text:
        return math.nan
    if text.strip().isdigit():
        return int(text) * 60.0
    clock = _CLOCK.match(text)
    if clock:
        first, second, third = clock.groups()
        if first is None:
            return int(second) * 3600.0 + int(third) * 60.0
        return int(first) * 3600.0 + int(second) * 60.0 + int(third)
    period = _PERIOD.match(text.strip())
    if period and any(period.groups()):
        days, hours, minutes, seconds = (int(part or 0) for part in period.groups())
        return days * 86400.0 + hours * 3600.0 + minutes * 60.0 + seconds
    return math.nan


def _road_class(tags: Tags) -> RoadClass | None:
    highway = tags.get("highway", "").removesuffix("_link")
    road_class = _CLASSES.get(highway)
    access = _access(tags)
    if road_class is None:
        opened = highway in _NARROW and _access(tags, ("motor_vehicle", "motorcar")) in _OPENED
        return RoadClass.PATH if opened else None
    return None if access in _CLOSED else road_class


def _access(tags: Tags, keys: tuple[str, ...] = _ACCESS_KEYS) -> str | None:
    said = [tags[key] for key in keys if key in tags]
    return said[-1] if said else None


def _directions(tags: Tags) -> tuple[bool, bool]:
    one_way = tags.get("oneway:motor_vehicle", tags.get("oneway"))
    if one_way in _ONE_WAY:
        return _ONE_WAY[one_way]
    implied = tags.get("junction") in {"roundabout", "circular"}
    return (True, False) if implied or tags.get("highway") == "motorway" else (True, True)


def _direction_open(tags: Tags, direction: str) -> bool:
    return _access(tags, tuple(f"{key}:{direction}" for key in _ACCESS_KEYS)) not in _CLOSED


def _ferry_facts(tags: Tags) -> WayFacts | None:
    if _access(tags) in _CLOSED:
        return None
    forward, backward = _directions(tags)
    return WayFacts(
        RoadClass.FERRY,
        forward,
        backward,
        speed_kmh(tags.get("maxspeed")),
        speed_kmh(tags.get("maxspeed")),
        limits_of(tags, own_width=False),
        duration_s(tags.get("duration")),
        duration_s(tags.get("interval")),
    )


def _quantity(text: str | None, units: Mapping[str, float]) -> float:
    """A figure in a unit's terms; infinite where the text names no figure."""
    match = _NUMBER.match(text or "")
    if match is None or match[2].lower() not in units:
        return UNLIMITED
    return float(match[1].replace(",", ".")) * units[match[2].lower()]


def _length(text: str | None) -> float:
    feet = _FEET.match(text or "")
    if feet:
        return float(feet[1]) * 0.3048 + float(feet[2] or 0) * 0.0254
    return _quantity(text, _METRES)
