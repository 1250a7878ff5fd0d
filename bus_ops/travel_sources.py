"""Which source the library's minutes and metres come from, by the settings, and its name in words.

Networks and servers are opened once a process and shared; what is handed out remembers only
whether its own figures hold estimates.
"""

from __future__ import annotations

import itertools
import logging
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import current_app
from flask_babel import gettext as _

from schedules.areas import Area, AreaFileError, read_areas
from schedules.outlines import thinned
from schedules.roads.network import built_for
from schedules.roads.source import RoadFileError
from schedules.roads.tags import RoadClass
from schedules.roads.vehicle import SPEEDS_KMH, Driving, Vehicle
from schedules.routing_server import RoutingServer, ServerKind, ServerTravel
from schedules.travel import (
    ESTIMATED_MARK,
    EstimateWithoutRoads,
    GeodesicTravel,
    Position,
    TravelSource,
    Unreachable,
    Why,
)

from .config import TravelChoice
from .i18n import format_iso_day, format_km

if TYPE_CHECKING:
    from schedules.roads.driving import RoadTravel

log = logging.getLogger("bus_ops.travel")

OSM_CREDIT = "© OpenStreetMap contributors"
# Bends that stray less from the line are not drawn.
_SEEN_M = 4.0
_DATED = re.compile(r"^(?P<file>.*?)(?: (?P<day>\d{4}-\d\d-\d\d))?$")


@dataclass(frozen=True)
class Chosen:
    """The source in use, and why it is not the one that was asked for, if it is not."""

    travel: TravelSource
    problem: str = ""


def travel_source(detour_factor: float, speed_kmh: float) -> TravelSource:
    """The source in use; figures without roads are estimated by this factor and speed."""
    return chosen_source(detour_factor, speed_kmh).travel


def chosen_source(detour_factor: float, speed_kmh: float) -> Chosen:
    """The source that the settings ask for; the estimate, with the reason, where it cannot be had.

    Without a choice these are roads where a network was built, and the estimate elsewhere.
    """
    settings = current_app.config
    areas, problem = _areas(settings["TRAVEL_AREAS"])
    estimate = GeodesicTravel(detour_factor, speed_kmh, areas)
    choice = TravelChoice(settings["TRAVEL"])
    if choice in {TravelChoice.OSRM, TravelChoice.VALHALLA}:
        kind, vehicle = ServerKind(choice.value), vehicle_of(settings) or Vehicle()
        try:
            server = _server(settings["ROUTING_URL"], kind, vehicle)
        except ValueError:
            return Chosen(estimate, _("BUS_OPS_ROUTING_URL must be the address of a server."))
        return Chosen(EstimateWithoutRoads(ServerTravel(server, estimate), estimate), problem)
    path = network_file(settings)
    if choice == TravelChoice.ESTIMATE or (not choice.value and not path.is_file()):
        return Chosen(estimate, problem)
    try:
        roads = _roads(path, path.stat().st_mtime_ns, _DrivingKey(driving_of(settings)))
    except (OSError, RoadFileError) as error:
        log.warning("roads cannot be used, driving is estimated: %s", error)
        unusable = _("The road network %(path)s cannot be read; build it again.", path=path)
        return Chosen(estimate, unusable)
    return Chosen(EstimateWithoutRoads(roads, estimate), problem)


def network_file(settings: dict[str, Any]) -> Path:
    """Where the built road network is kept."""
    return Path(settings["ROADS"] or Path(settings["DATA_FOLDER"]) / "roads" / "roads.npz")


def vehicle_of(settings: dict[str, Any]) -> Vehicle | None:
    """The van's size by the settings; None where they say nothing of it."""
    sizes = [settings[f"VAN_{size}"] for size in ("HEIGHT_M", "WEIGHT_T", "WIDTH_M")]
    return Vehicle(*(size or 0.0 for size in sizes)) if any(sizes) else None


def driving_of(settings: dict[str, Any], vehicle: Vehicle | None = None) -> Driving:
    """How the van gets along: its size, and speeds and waits by the settings.

    Its size is that of the settings, else the one given, else what the network was built for.
    """
    speeds = {**SPEEDS_KMH, **_speeds(settings["ROAD_SPEEDS"])}
    vehicle = vehicle_of(settings) or vehicle or built_for(network_file(settings))
    return Driving(vehicle, speeds, settings["FERRY_WAIT_MINUTES"])


def travel_in_words(name: str) -> str:
    """A source's stored name as people read it, with the credit its data ask for."""
    if name.endswith(ESTIMATED_MARK):
        words = travel_in_words(name.removesuffix(ESTIMATED_MARK))
        return _("%(source)s; some drives estimated from the straight line", source=words)
    kind, _space, rest = name.partition(" ")
    found = _DATED.match(rest)
    file, day = (found["file"], found["day"]) if found else (rest, None)
    if day:
        file = f"{file}, {format_iso_day(day)}"
    match kind:
        case "roads":
            return _("by road (%(file)s) %(credit)s", file=file, credit=OSM_CREDIT)
        case "lines":
            return _("by road (%(file)s)", file=file)
        case "osrm" | "valhalla":
            server = {"osrm": "OSRM", "valhalla": "Valhalla"}[kind]
            words = _("by road (%(server)s server)", server=server)
            return f"{words} {OSM_CREDIT}"
    return _("estimate from the straight line")


def credit_of(name: str) -> str:
    """Whom a map thanks that shows ways of this source; empty for straight lines."""
    return OSM_CREDIT if name.partition(" ")[0] in {"roads", "osrm", "valhalla"} else ""


def unreachable_in_words(one: Unreachable) -> str:
    """Why no road leads to a position."""
    if one.why == Why.NO_ROAD and math.isfinite(one.road_m):
        return _(
            "No road is near this position: the nearest is %(km)s off.", km=format_km(one.road_m)
        )
    if one.why == Why.NO_ROAD:
        return _("No road is near this position.")
    return _("The roads at this position are not joined with the others.")


def line_over(travel: TravelSource, points: Sequence[Position]) -> list[tuple[float, float]]:
    """The way from point to point as (latitude, longitude) to draw, with no more than is seen."""
    way: list[Position] = list(points[:1])
    for here, there in itertools.pairwise(points):
        way += thinned(travel.path(here, there), _SEEN_M)[1:]
    return [(round(point.lat, 6), round(point.lon, 6)) for point in way]


class _DrivingKey:
    """A way of driving as a key: equal where driving times are."""

    def __init__(self, driving: Driving) -> None:
        self.driving = driving

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _DrivingKey) and self.driving == other.driving

    def __hash__(self) -> int:
        return hash(self.driving.key)


@lru_cache(4)
def _roads(path: Path, _changed_ns: int, key: _DrivingKey) -> RoadTravel:
    # The compiler behind it takes a second to load: only where roads are driven.
    from schedules.roads.driving import RoadTravel

    return RoadTravel.open(path, key.driving)


@lru_cache(4)
def _server(url: str, kind: ServerKind, vehicle: Vehicle) -> RoutingServer:
    return RoutingServer(url, kind, vehicle)


def _areas(file: str) -> tuple[tuple[Area, ...], str]:
    if not file:
        return (), ""
    try:
        return _read_areas(file, Path(file).stat().st_mtime_ns), ""
    except (OSError, AreaFileError) as error:
        log.warning("areas cannot be used: %s", error)
        return (), _("The areas of %(path)s cannot be read: %(reason)s", path=file, reason=error)


@lru_cache(4)
def _read_areas(file: str, _changed_ns: int) -> tuple[Area, ...]:
    return read_areas(Path(file))


def _speeds(text: str) -> dict[RoadClass, float]:
    """Speeds as ``primary=45, residential=20``, checked when the settings were read."""
    pairs = (part.split("=") for part in text.replace(";", ",").split(",") if part.strip())
    return {RoadClass[name.strip().upper()]: float(speed) for name, speed in pairs}
