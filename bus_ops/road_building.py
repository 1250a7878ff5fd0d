"""Builds the road network from an OpenStreetMap extract, for the command line."""

from __future__ import annotations

from collections.abc import Iterator
from math import cos, radians
from pathlib import Path
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select

from schedules.outlines import METRES_PER_DEGREE, Box, box_around
from schedules.roads.network import Network
from schedules.roads.source import Progress, RoadFileError, Stage
from schedules.roads.vehicle import Vehicle
from schedules.travel import Position, TravelSource, unreachable_among

from .database import db
from .fleet.models import Depot
from .i18n import format_iso_day, format_number
from .places.models import Place
from .travel_sources import OSM_CREDIT, driving_of, network_file, unreachable_in_words

_EXTRACTS = ("*.osm.pbf", "*.osm")


def extract_folder(settings: dict[str, Any]) -> Path:
    """Where people put extracts."""
    return Path(settings["DATA_FOLDER"]) / "roads"


def newest_extract(settings: dict[str, Any]) -> Path | None:
    """The extract put there last."""
    folder = extract_folder(settings)
    found = [path for pattern in _EXTRACTS for path in folder.glob(pattern)]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def box_of_places(margin_km: float) -> Box | None:
    """All that lies so near to the known places and depots; None where none is known."""
    queries = (select(Place.lat, Place.lon).where(Place.enabled), select(Depot.lat, Depot.lon))
    positions = [
        Position(lat, lon)
        for query in queries
        for lat, lon in db.session.execute(query)
        if lat is not None and lon is not None
    ]
    box = box_around(positions, margin_km * 1000 / METRES_PER_DEGREE)
    if box is None:
        return None
    # A degree of longitude is shorter than one of latitude.
    shrunk = cos(radians(max(abs(box.south), abs(box.north))))
    wider = margin_km * 1000 / METRES_PER_DEGREE * (1 / max(shrunk, 0.1) - 1)
    return Box(box.south, box.west - wider, box.north, box.east + wider)


def build_network_file(
    settings: dict[str, Any], extract: Path, box: Box | None, vehicle: Vehicle, progress: Progress
) -> list[str]:
    """Build the network where the app looks for it; answers what it holds, in lines.

    Raises RoadFileError where the extract cannot be read or holds no road.
    """
    # Reading, compiling and searching take a second to load.
    from schedules.roads.building import build_roads
    from schedules.roads.prepared import prepare, prepared_file, save_prepared

    network = build_roads(extract, box, progress, vehicle)
    path, driving = network_file(settings), driving_of(settings, vehicle)
    ready = prepared_file(path, driving)
    try:
        # Before the network itself, so that the app never has to wait for it.
        save_prepared(prepare(network, driving, progress), network, ready)
        network.save(path)
    except OSError as error:
        raise RoadFileError(str(path), str(error)) from error
    for stale in path.parent.glob(f"{path.stem}.*.ready"):
        if stale != ready:
            stale.unlink(missing_ok=True)
    return list(_facts(network, path))


def road_file_in_words(error: RoadFileError) -> str:
    """Why a file cannot be used as roads."""
    if error.reason == "no roads":
        return _("%(path)s holds no road near the known places.", path=error.path)
    return _("%(path)s cannot be used: %(reason)s", path=error.path, reason=error.reason)


def stage_in_words(stage: Stage) -> str:
    """What is counted while a network is built."""
    match stage:
        case Stage.WAYS:
            return _("Ways read")
        case Stage.POSITIONS:
            return _("Positions read")
        case Stage.NETWORK:
            return _("Roads between junctions")
        case Stage.SHORTCUTS:
            return _("Junctions being joined by shortcuts")


def places_without_road(organisation_id: int, travel: TravelSource) -> Iterator[str]:
    """A line for each place in use that no road leads to, and how many there are."""
    query = select(Place).where(Place.organisation_id == organisation_id, Place.enabled)
    places = [place for place in db.session.scalars(query) if place.lat is not None]
    depots = select(Depot).where(Depot.organisation_id == organisation_id)
    named = [
        *((Position(depot.lat, depot.lon), depot.name) for depot in db.session.scalars(depots)),
        *((Position(place.lat or 0.0, place.lon or 0.0), place.name) for place in places),
    ]
    found = unreachable_among(travel, [position for position, _name in named])
    reasons = {one.position: unreachable_in_words(one) for one in found}
    for position, name in named:
        if position in reasons:
            yield f"- {name}: {reasons[position]}"
    yield (
        ngettext("%(num)s place checked.", "%(num)s places checked.", len(named))
        + " "
        + ngettext("%(num)s without a road.", "%(num)s without a road.", len(reasons))
    )


def _facts(network: Network, path: Path) -> Iterator[str]:
    day = f" ({format_iso_day(network.dated)})" if network.dated else ""
    yield _(
        "Built from %(file)s: %(km)s km of road, %(turns)s turn restrictions.",
        file=network.name + day,
        km=format_number(round(network.total_km)),
        turns=format_number(network.turn_count),
    )
    if network.unread_restrictions:
        yield ngettext(
            "%(num)s turn restriction could not be understood and is left out.",
            "%(num)s turn restrictions could not be understood and are left out.",
            network.unread_restrictions,
        )
    yield _("Kept in %(path)s; the app uses it from now on.", path=path)
    yield _("Runs that are timed already keep their times until they change.")
    if network.is_osm:
        yield f"{OSM_CREDIT}, ODbL"
